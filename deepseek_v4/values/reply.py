"""What came back: a ``Reply``, or the ``Delta``s that make one up while it streams.

The last delta of a stream is an ``StreamEnd`` that holds the whole reply, so nothing has to be added up a second time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, NamedTuple, TypeAlias, TypeVar

from deepseek_v4.values.messages import Message, Reasoning, ToolCall

__all__ = [
    "ASKED_AGAIN",
    "Attempt",
    "AttemptReason",
    "Delta",
    "FinishReason",
    "InvalidToolCall",
    "LeakedText",
    "ReasoningDelta",
    "Reply",
    "StreamEnd",
    "TextDelta",
    "ToolCallDelta",
    "Usage",
    "fold",
]

Answer = TypeVar("Answer")
Count = TypeVar("Count", int, float)

FinishReason: TypeAlias = Literal["stop", "length", "tool_calls", "content_filter", "interrupted", "error"] | str
"""Why the model stopped. ``interrupted``: the backend ran out of resources or gave up. A word that the dialect does not
list is kept as the provider sent it (``abort``, ``timeout``, …)."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the provider counted them; ``None`` where it said nothing.

    Attributes:
        input_tokens: Prompt tokens, cached ones included.
        output_tokens: Completion tokens, reasoning included.
        cached_tokens: Prompt tokens read from the provider's cache.
        cache_write_tokens: Prompt tokens written to it, where that is billed apart.
        reasoning_tokens: Completion tokens spent on reasoning.
        cost: US dollars, only where the provider itself reports them.
        extra: The provider's usage object as it came.
    """

    input_tokens: int
    output_tokens: int
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    cost: float | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def total_tokens(self) -> int:
        """Input plus output."""
        return self.input_tokens + self.output_tokens

    def __add__(self, other: Usage | None) -> Usage:
        """Tokens of this answer and of another; one that broke off reported none."""
        if other is None:
            return self
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cached_tokens=_added(self.cached_tokens, other.cached_tokens),
            cache_write_tokens=_added(self.cache_write_tokens, other.cache_write_tokens),
            reasoning_tokens=_added(self.reasoning_tokens, other.reasoning_tokens),
            cost=_added(self.cost, other.cost),
            extra={"parts": [*self.extra.get("parts", [self.extra]), other.extra]},
        )


def _added(one: Count | None, other: Count | None) -> Count | None:
    """The sum of what is known."""
    if one is None or other is None:
        return other if one is None else one
    return one + other


AttemptReason: TypeAlias = Literal["transient", "empty", "invalid", "interrupted", "length", "leaked_markup", "error"]


ASKED_AGAIN = frozenset({"invalid", "leaked_markup"})
"""Reasons for which the model was shown its answer and asked for another one."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One HTTP request of an answer that did not give it.

    Attributes:
        reason: ``transient`` (a failed request, sent again), ``empty`` (neither text nor a call), ``invalid`` (not the
            JSON or the tool call that was required), ``interrupted`` (a stream broke off and was resumed), ``length``
            (the output limit cut a stream, which was resumed), ``leaked_markup`` (a tool call as text), ``error`` (the
            last request, which failed, while an earlier answer stayed).
        detail: The same in a sentence.
        seconds: How long it took, without the wait after it.
        status: HTTP status; None if no response came.
        usage: Tokens as the provider counted them, as far as it did.
        cost: US dollars; None where it is not known.
    """

    reason: AttemptReason
    detail: str
    seconds: float
    status: int | None = None
    usage: Usage | None = None
    cost: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """The attempt as JSON values, for the metadata of a framework; what is not known is left out."""
        known = {"status": self.status, "cost": self.cost}
        if self.usage is not None:
            counted = (name for name in ("input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens"))
            known["usage"] = {name: n for name in counted if (n := getattr(self.usage, name)) is not None}  # type: ignore[assignment]
        return {
            "reason": self.reason,
            "detail": self.detail,
            "seconds": self.seconds,
            **{name: value for name, value in known.items() if value is not None},
        }

    @classmethod
    def from_dict(cls, known: Mapping[str, Any]) -> Attempt:
        """The attempt that ``to_dict`` returned."""
        usage = known.get("usage")
        return cls(**{**known, "usage": None if usage is None else Usage(**usage)})


@dataclass(frozen=True, slots=True)
class InvalidToolCall:
    """A call that may be cut, or whose arguments are not a JSON object. Do not run it.

    The last call of an answer may be cut, whatever its arguments look like, unless the answer ended by itself: some
    engines close cut arguments.
    """

    id: str
    name: str
    arguments: str
    error: str
    position: int = 0
    """Its place among all calls of the answer, valid ones included."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One whole answer.

    Attributes:
        content: The visible text.
        reasoning: The chain of thought, or None when the provider sent none.
        tool_calls: Calls with sound arguments, in the model's order.
        invalid_tool_calls: Calls that must not be run.
        finish_reason: Why the model stopped: a word of ours, else the provider's own as it came; None if none came.
        usage: Token counts, or None where the provider sent none.
        id: The provider's id of this answer.
        model: The id of the model that answered, which can differ from the one asked for.
        created: Unix time in seconds.
        system_fingerprint: The provider's build id.
        logprobs: As received: ``{"content": [...], "reasoning_content": [...]}``, absent channels left out.
        annotations: Citations and the like, as received.
        extra: Everything else the provider said about this answer, under its own names.
        attempts: The HTTP requests of this answer before the last one; usage and cost are the sum over all.
    """

    content: str = ""
    reasoning: Reasoning | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    invalid_tool_calls: tuple[InvalidToolCall, ...] = ()
    finish_reason: FinishReason | None = None
    usage: Usage | None = None
    id: str | None = None
    model: str | None = None
    created: int | None = None
    system_fingerprint: str | None = None
    logprobs: Mapping[str, Any] | None = None
    annotations: tuple[Mapping[str, Any], ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    attempts: tuple[Attempt, ...] = ()

    def to_message(self) -> Message:
        """The assistant message that carries this answer into the next request."""
        calls = list(self.tool_calls)
        for call in self.invalid_tool_calls:
            calls.insert(call.position, ToolCall(call.id, call.name, call.arguments))
        return Message(
            "assistant",
            self.content,
            reasoning=self.reasoning,
            tool_calls=tuple(calls),
            retried=any(attempt.reason in ASKED_AGAIN for attempt in self.attempts),
        )


class TextDelta(NamedTuple):
    """A piece of the visible text, never empty."""

    text: str


class ReasoningDelta(NamedTuple):
    """A piece of the chain of thought. ``details``: fragments of the provider's own record, as received."""

    text: str
    details: tuple[Mapping[str, Any], ...] | None = None


class ToolCallDelta(NamedTuple):
    """A piece of a tool call.

    ``index`` counts calls from 0 in the order they began, whatever the wire numbered them.
    ``id`` and ``name`` come with the first piece of a call and are None afterwards.
    The pieces of ``arguments`` add up to those of the reply. They are as the model wrote them, but not for strict tools
    with fields that may be missing: theirs come in one piece, at the end (``schema.undo_nulls``).
    """

    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody needs here
    id: str | None
    name: str | None
    arguments: str


class LeakedText(TextDelta):
    """Text from the markup of a tool call on; only with ``recover_tool_calls="ask"``, where it may be held back."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class StreamEnd(Generic[Answer]):
    """The end of a stream, with all of it put together."""

    reply: Answer


Delta: TypeAlias = "TextDelta | ReasoningDelta | ToolCallDelta | StreamEnd[Reply]"


def fold(deltas: Iterable[Delta]) -> Reply:
    """Read a stream to its end and return the whole reply.

    Raises:
        ValueError: when the deltas stop without an ``StreamEnd``, so they are not a whole stream.
    """
    for delta in deltas:
        if isinstance(delta, StreamEnd):
            return delta.reply
    raise ValueError("the deltas end without an StreamEnd: this is not a whole stream")
