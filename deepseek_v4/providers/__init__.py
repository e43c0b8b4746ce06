"""Facts about each provider: base URL, key variable, dialects. A file and a row here, or a row of ``hosts.toml``."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping

from deepseek_v4._lazy import Registry
from deepseek_v4.providers.base import Provider, did_you_mean

PROVIDERS: Mapping[str, Provider] = Registry(
    {
        "deepseek": "deepseek_v4.providers.deepseek:DEEPSEEK",
        "openrouter": "deepseek_v4.providers.openrouter.provider:OPENROUTER",
        "empiriolabs": "deepseek_v4.providers.empiriolabs:EMPIRIOLABS",
        "vllm": "deepseek_v4.providers.vllm:VLLM",
        "sglang": "deepseek_v4.providers.sglang:SGLANG",
        "llamacpp": "deepseek_v4.providers.llamacpp:LLAMACPP",
    },
    others="deepseek_v4.providers.hosts:HOSTS",
)

__all__ = ["PROVIDERS", "Provider", "find_provider"]


def find_provider(provider: str | Provider) -> Provider:
    """Return the provider with a name; ``"name:variant"`` selects that variant of every model.

    Raises:
        ValueError: If the name is unknown, or the provider has no variants; the message lists the known names.
    """
    return _named(provider) if isinstance(provider, str) else provider


@functools.lru_cache(maxsize=256)
def _named(name: str) -> Provider:
    family, _, variant = name.partition(":")
    if family in PROVIDERS and (variant or family == name):
        provider = PROVIDERS[family]
        if variant and not provider.has_variants:
            raise ValueError(f"{family} has no variants. Use provider={family!r}.")
        return dataclasses.replace(provider, variant=variant) if variant else provider
    names = ", ".join(sorted(PROVIDERS))
    raise ValueError(
        f"Unknown provider {name!r}.{did_you_mean(family, PROVIDERS)} Known providers: {names}. "
        "To use another host, create a provider with deepseek_v4.openai_compatible(...)."
    )
