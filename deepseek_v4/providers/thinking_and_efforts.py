"""Thinking at all providers: its switch, the reasoning efforts, and how many tokens an answer may have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deepseek_v4.protocols.dialect import Dialect
from deepseek_v4.values import json
from deepseek_v4.values.json import Json
from deepseek_v4.values.notes import Note
from deepseek_v4.values.sampling import Thinking


def _efforts(minimal: str, low: str, medium: str, high: str, xhigh: str, max: str) -> Mapping[str, str]:
    return {"minimal": minimal, "low": low, "medium": medium, "high": high, "xhigh": xhigh, "max": max}


LOW_HIGH_MAX = _efforts("low", "low", "high", "high", "high", "max")
"""The current values of DeepSeek's API: https://api-docs.deepseek.com/guides/thinking_mode (2026-10-01)."""
HIGH_MAX = _efforts("high", "high", "high", "high", "max", "max")
"""DeepSeek's values of April 2026, which several hosts kept: low and medium mean high, xhigh means max."""
HIGH_XHIGH = _efforts("high", "high", "high", "high", "xhigh", "xhigh")
"""Hosts whose highest effort is xhigh."""
LOW_TO_XHIGH = _efforts("low", "low", "medium", "high", "xhigh", "xhigh")
LOW_TO_HIGH = _efforts("low", "low", "medium", "high", "high", "high")
LOW_TO_MAX = _efforts("low", "low", "medium", "high", "max", "max")
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


class SwitchedThinking(Dialect):
    """Thinking that body fields switch on and off; attributes hold the differences between hosts."""

    thinking_on: Mapping[str, Any] | None = None
    """Body fields that enable thinking; None if no switch is known."""
    thinking_off: Mapping[str, Any] | None = None
    """Body fields that disable thinking; None if no switch is known."""
    always_sends_thinking = False
    """True if the switch is sent in every request, because the server's default is not certain."""
    effort_field = "reasoning_effort"
    """Body field of the effort; a dot descends into an object."""
    numeric_effort_field = ""
    """Body field of an effort from 1 to 100, which V4.1 accepts on some servers; empty if numbers are not accepted."""
    effort_switches_on = False
    """True if an effort alone enables thinking, so that ``thinking_on`` is not sent with it."""

    def thinks(self, thinking: Thinking) -> bool:
        """Return True if the model will think; if thinking cannot be disabled, the host's default applies."""
        if thinking.on is False and self.thinking_off is None:
            return self.thinks_by_default
        return super().thinks(thinking)

    def encode_thinking(self, thinking: Thinking, notes: list[Note]) -> Json:
        """Return the thinking switch, and the effort as the host's value."""
        if thinking.on is False:
            if self.thinking_off is None:
                notes.append(Note("dropped", "thinking", "this provider documents no way to disable it"))
                return {}
            return _copied(self.thinking_off)
        effort, budget = thinking.effort, thinking.budget
        requested = thinking.on or effort is not None or budget is not None
        body: Json = {}
        switch = bool(thinking.on) or self.always_sends_thinking or (requested and not self.thinks_by_default)
        if switch and not (effort is not None and self.effort_switches_on):
            body = _copied(self.thinking_on or {})
            if self.thinking_on is None and not self.thinks_by_default:
                notes.append(Note("dropped", "thinking", "this provider documents no way to enable it"))
        if isinstance(effort, int):
            json.set_path(body, self.numeric_effort_field, effort)
        elif effort is not None:
            value = self.efforts[effort]
            if value != effort:
                notes.append(Note("translated", "reasoning_effort", f"{effort!r} is sent as {value!r}"))
            json.set_path(body, self.effort_field, value)
        return body


def _copied(fields: Mapping[str, Any]) -> Json:
    """Return body fields as new objects, to which an effort can be added."""
    return {name: _copied(value) if isinstance(value, dict) else value for name, value in fields.items()}
