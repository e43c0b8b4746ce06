"""What providers share about thinking: values of the reasoning effort, and how many tokens an answer may have."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from deepseek_v4.values.sampling import Thinking


def _efforts(minimal: str, low: str, medium: str, high: str, xhigh: str, max: str) -> Mapping[str, str | None]:
    return MappingProxyType(
        {"minimal": minimal, "low": low, "medium": medium, "high": high, "xhigh": xhigh, "max": max}
    )


LOW_HIGH_MAX = _efforts("low", "low", "high", "high", "high", "max")
"""The current values of DeepSeek's API: https://api-docs.deepseek.com/guides/thinking_mode (2026-10-01)."""
HIGH_MAX = _efforts("high", "high", "high", "high", "max", "max")
"""DeepSeek's values of April 2026, which several hosts kept: low and medium mean high, xhigh means max."""
HIGH_XHIGH = _efforts("high", "high", "high", "high", "xhigh", "xhigh")
"""Hosts whose highest effort is xhigh."""
LOW_TO_XHIGH = _efforts("low", "low", "medium", "high", "xhigh", "xhigh")
LOW_TO_HIGH = _efforts("low", "low", "medium", "high", "high", "high")
LOW_HIGH_XHIGH = _efforts("low", "low", "high", "high", "xhigh", "xhigh")
MINIMAL_TO_XHIGH = _efforts("minimal", "low", "medium", "high", "xhigh", "xhigh")
ALL = _efforts("minimal", "low", "medium", "high", "xhigh", "max")

MAX_OUTPUT_TOKENS = 393_216
"""Largest ``max_tokens`` of DeepSeek V4 Flash, reasoning included."""


def default_max_tokens(thinks: bool, thinking: Thinking, *, largest: tuple[str, ...] = ("max", "xhigh")) -> int:
    """Return the ``max_tokens`` to send if it is not set and has to be sent.

    DeepSeek's API uses 8K without thinking, 64K with thinking, and 128K at effort max
    (https://api-docs.deepseek.com/quick_start/pricing); with the same values a change of provider truncates no answer.
    With a budget, tokens for the answer are added.

    Args:
        thinks: True if the model will think.
        thinking: The requested effort and budget.
        largest: The efforts that the provider treats as its largest.
    """
    if not thinks:
        return 8_192
    if thinking.budget is not None:
        return max(65_536, thinking.budget + 32_768)
    return 131_072 if thinking.effort in largest else 65_536
