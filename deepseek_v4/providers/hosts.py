"""The hosts that ``hosts.toml`` describes, as providers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deepseek_v4.protocols.dialect import OptionSpec
from deepseek_v4.providers import thinking_and_efforts
from deepseek_v4.providers.base import Provider
from deepseek_v4.providers.openai_compatible import SAMPLING_FIELDS, openai_compatible
from deepseek_v4.values.toml import read_toml


def _provider(
    name: str,
    base_url: str,
    *,
    efforts_table: str | None = None,
    max_tokens: int | None = None,
    thinking_budget: tuple[int, int] | None = None,
    sampling_fields: bool = False,
    **facts: Any,
) -> Provider:
    specs = dict(SAMPLING_FIELDS) if sampling_fields else {}
    if max_tokens is not None:
        specs["max_tokens"] = OptionSpec("max_tokens", 1, max_tokens, clamp=True)
    if thinking_budget is not None:
        specs["thinking_budget"] = OptionSpec("thinking_budget", *thinking_budget)
    return openai_compatible(
        name,
        base_url,
        option_specs=specs,
        efforts=getattr(thinking_and_efforts, efforts_table) if efforts_table else None,
        **facts,
    )


_ROWS = read_toml("deepseek_v4.providers", "hosts.toml")

HOSTS: Mapping[str, Provider] = {
    name: _provider(name, **{**_ROWS.get(row.pop("like", ""), {}), **row}) for name, row in _ROWS.items()
}
"""Name -> provider."""
