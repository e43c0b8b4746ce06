"""Who answers, by name. One file per provider; adding one is a new file and a row here."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from deepseek_v4._lazy import Registry
from deepseek_v4.providers.base import Provider

_DESCRIBED = (
    "alibaba",
    "alibaba-cn",
    "alibaba-us",
    "azure",
    "nvidia",
    "deepinfra",
    "fireworks",
    "together",
    "siliconflow",
    "siliconflow-cn",
    "novita",
    "baseten",
    "tencent",
    "huggingface",
    "vercel",
    "opencode",
    "nanogpt",
    "doubleword",
)
"""The hosts of ``hosts.py``."""

PROVIDERS: Mapping[str, Provider] = Registry(
    {
        "deepseek": "deepseek_v4.providers.deepseek:DEEPSEEK",
        "openrouter": "deepseek_v4.providers.openrouter.provider:OPENROUTER",
        "empiriolabs": "deepseek_v4.providers.empiriolabs:EMPIRIOLABS",
        "vllm": "deepseek_v4.providers.vllm:VLLM",
        "sglang": "deepseek_v4.providers.sglang:SGLANG",
        **dict.fromkeys(_DESCRIBED, "deepseek_v4.providers.hosts:HOSTS"),
    }
)

__all__ = ["PROVIDERS", "Provider", "find_provider"]


def find_provider(provider: str | Provider) -> Provider:
    """The provider of a name; ``"name:variant"`` is the provider asked for that variant of every model.

    Raises:
        ValueError: for an unknown name; lists the known ones.
    """
    return provider if isinstance(provider, Provider) else _named(provider)


@functools.lru_cache(maxsize=256)
def _named(name: str) -> Provider:
    family, _, variant = name.partition(":")
    if name in PROVIDERS:
        return PROVIDERS[name]
    if variant and family in PROVIDERS:
        return PROVIDERS[family].with_variant(variant)
    names = ", ".join(sorted(PROVIDERS))
    raise ValueError(
        f"unknown provider {name!r}; known: {names}. For another host, pass a deepseek_v4.Provider: "
        "deepseek_v4.openai_compatible(...) makes one."
    )
