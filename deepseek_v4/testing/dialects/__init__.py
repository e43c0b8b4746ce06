"""The providers that the server imitates: one file each, registered here by name."""

from __future__ import annotations

from collections.abc import Callable

from deepseek_v4.testing.dialects.deepseek import DeepSeekDialect
from deepseek_v4.testing.dialects.empiriolabs.dialect import EmpirioLabsDialect
from deepseek_v4.testing.dialects.openrouter.dialect import OpenRouterDialect
from deepseek_v4.testing.dialects.sglang import SglangDialect
from deepseek_v4.testing.dialects.vllm import VllmDialect
from deepseek_v4.testing.exchange import Dialect

DIALECTS: dict[str, Callable[[], Dialect]] = {
    "deepseek": DeepSeekDialect,
    "openrouter": OpenRouterDialect,
    "empiriolabs": EmpirioLabsDialect,
    "vllm": VllmDialect,
    "sglang": SglangDialect,
}


def dialect_named(name: str) -> Dialect:
    """Return the dialect of a provider; raise ValueError for one that the server does not support."""
    try:
        return DIALECTS[name]()
    except KeyError:
        known = ", ".join(sorted(DIALECTS))
        raise ValueError(f"The local server does not support provider={name!r}. Use one of {known}.") from None
