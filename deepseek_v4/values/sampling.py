"""Sampling options, thinking, and the levels of its effort."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from deepseek_v4.values.value import dataclass

Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]


@dataclass(frozen=True, slots=True)
class Thinking:
    """The requested thinking mode, effort and budget. ``on=None``: the provider decides."""

    on: bool | None = None
    effort: str | int | None = None
    """A level, or a number from 1 to 100."""
    budget: int | None = None


class Sampling(NamedTuple):
    """The sampling and limit options of a request, in the order in which they are encoded; None is not sent.

    Ranges depend on the provider: ``OptionSpec``. ``request/settings.py`` describes each option.
    """

    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    stop: list[str] | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    repetition_penalty: float | None = None
    seed: int | None = None
    logit_bias: dict[str, float] | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    user_id: str | None = None

    def given(self) -> dict[str, Any]:
        """Return the options that are set, by canonical name."""
        if self == _NOTHING:
            return {}
        return {name: value for name, value in zip(self._fields, self, strict=True) if value is not None}


_NOTHING = Sampling()
