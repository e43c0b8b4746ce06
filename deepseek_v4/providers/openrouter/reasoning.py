"""Reasoning at OpenRouter: the fields that switch it on, its effort and its budget."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deepseek_v4 import errors
from deepseek_v4.providers.thinking_and_efforts import SwitchedThinking
from deepseek_v4.values.json import Json
from deepseek_v4.values.notes import Note
from deepseek_v4.values.sampling import Thinking

NEAREST: Mapping[str, tuple[str, ...]] = {
    "minimal": ("minimal", "low", "high"),
    "low": ("low", "high"),
    "medium": ("medium", "high"),
    "high": ("high",),
    "xhigh": ("xhigh", "high"),
    # if xhigh is the highest value, it means DeepSeek's max: the V4 Flash page of April; deepseek/deepseek-v4-flash
    # reasoned four times as long with xhigh as with high, and max was rejected
    # (github.com/earendil-works/pi/issues/3787)
    "max": ("max", "xhigh", "high"),
}
"""Effort -> OpenRouter's values for it, best first; the first one that the model lists is sent."""


class OpenRouterThinking(SwitchedThinking):
    """The object ``reasoning`` of chat and ``/responses``."""

    thinking_on: Mapping[str, Any] | None = {"reasoning": {"enabled": True}}
    thinking_off: Mapping[str, Any] | None = {"reasoning": {"effort": "none"}}
    effort_field = "reasoning.effort"

    def encode_thinking(self, thinking: Thinking, notes: list[Note]) -> Json:
        """Return the switch, also with an effort alone, because some routes require both."""
        if thinking.on is None and thinking.effort is not None:
            thinking = Thinking(True, thinking.effort, thinking.budget)
        return super().encode_thinking(thinking, notes)


def effort_values(efforts: tuple[str, ...]) -> Mapping[str, str]:
    """Return effort -> the nearest value that a model lists."""
    return {
        effort: next(value for value in nearest if value in efforts)
        for effort, nearest in NEAREST.items()
        if any(value in efforts for value in nearest)
    }


def merge_reasoning(body: Json, own: Json) -> None:
    """Merge ``OpenRouterOptions.reasoning`` into the fields set by thinking, effort and budget.

    Raises:
        InvalidRequestError: If two options contradict each other.
    """
    current = body.get("reasoning") or {}
    for name in ("effort", "enabled", "max_tokens"):
        if name in current and name in own and current[name] != own[name]:
            raise errors.InvalidRequestError(
                f"provider_options.reasoning.{name}={own[name]!r} contradicts thinking, reasoning_effort or "
                f"thinking_budget, which set it to {current[name]!r}. Set only one of them."
            )
    merged = {**current, **own}
    if "effort" in merged and "max_tokens" in merged:
        raise errors.InvalidRequestError("reasoning.effort and reasoning.max_tokens exclude each other. Set only one.")
    body["reasoning"] = merged
