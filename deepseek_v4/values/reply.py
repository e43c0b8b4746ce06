"""The answer: a ``Reply``, or the ``Delta``s of a stream.

The last delta of a stream is a ``StreamEnd`` with the complete reply, so deltas need not be added up again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Any, Generic, Literal, NamedTuple, TypeAlias, TypeVar

from deepseek_v4.values.display import Displayed, Rows
from deepseek_v4.values.messages import Message, Reasoning, ToolCall
from deepseek_v4.values.prices import Cost
from deepseek_v4.values.value import dataclass

Answer = TypeVar("Answer")
Count = TypeVar("Count", int, float)

FinishReason: TypeAlias = Literal["stop", "length", "tool_calls", "content_filter", "interrupted", "error"] | str
"""Why the model stopped. ``interrupted``: the backend ran out of resources or aborted. A value that the dialect does
not list is kept as the provider sent it (``abort``, ``timeout``, …)."""


TOKEN_COUNTS = ("input_tokens", "cached_tokens", "output_tokens", "reasoning_tokens")
"""The counts that records and results contain."""


@dataclass(frozen=True, slots=True)
class Usage(Displayed):
    """Tokens as counted by the provider; None if it did not report them.

    Attributes:
        input_tokens: Prompt tokens, cached ones included.
        output_tokens: Completion tokens, reasoning included.
        cached_tokens: Prompt tokens read from the provider's cache.
        cache_write_tokens: Prompt tokens written to the cache, if they are billed separately.
        reasoning_tokens: Completion tokens spent on reasoning.
        cost: US dollars, if the provider reports them.
        server_tool_calls: Successful calls of tools that the provider ran itself, such as web searches.
        extra: The provider's usage object as received.
    """

    input_tokens: int
    output_tokens: int
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    cost: float | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    server_tool_calls: int | None = None

    @property
    def total_tokens(self) -> int:
        """Input tokens plus output tokens."""
        return self.input_tokens + self.output_tokens

    def counts(self) -> dict[str, int | None]:
        """Return the counts that records and results contain, by name."""
        return {name: getattr(self, name) for name in TOKEN_COUNTS}

    def _rows(self) -> Rows:
        names = ("input_tokens", "cached_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens", "cost")
        known = [(name, getattr(self, name)) for name in names]
        return [("usage", ""), *((name, f"{value:,}") for name, value in known if value is not None)]

    def __add__(self, other: Usage | None) -> Usage:
        """Add the tokens of another answer; an interrupted answer has none."""
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
            server_tool_calls=_added(self.server_tool_calls, other.server_tool_calls),
        )


def _added(one: Count | None, other: Count | None) -> Count | None:
    """Add two counts, ignoring None."""
    if one is None or other is None:
        return other if one is None else one
    return one + other


AttemptReason: TypeAlias = Literal["transient", "empty", "invalid", "interrupted", "length", "leaked_markup", "error"]


ASKED_AGAIN = frozenset({"invalid", "leaked_markup"})
"""Reasons for which the retry contains the answer and a new prompt."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One HTTP request of a call before the one that returned the answer.

    Attributes:
        reason: ``transient`` (a failed request, sent again), ``empty`` (neither text nor a call), ``invalid`` (not the
            JSON or the tool call that was required), ``interrupted`` (a stream was interrupted and resumed), ``length``
            (the output limit cut a stream, which was resumed), ``leaked_markup`` (a tool call as text), ``error`` (the
            last request, which failed; an earlier answer was returned).
        detail: The reason as a sentence.
        seconds: Its duration, without the wait after it.
        status: HTTP status; None if no response was received.
        usage: Tokens as counted by the provider, if it did.
        cost: US dollars; None if it is not known.
    """

    reason: AttemptReason
    detail: str
    seconds: float
    status: int | None = None
    usage: Usage | None = None
    cost: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the attempt as JSON values, for the metadata of a framework; unknown fields are left out."""
        known = {"status": self.status, "cost": self.cost}
        if self.usage is not None:
            known["usage"] = {name: n for name, n in self.usage.counts().items() if n is not None}  # type: ignore[assignment]
        return {
            "reason": self.reason,
            "detail": self.detail,
            "seconds": self.seconds,
            **{name: value for name, value in known.items() if value is not None},
        }

    @classmethod
    def from_dict(cls, known: Mapping[str, Any]) -> Attempt:
        """Create an attempt from the values of ``to_dict``."""
        usage = known.get("usage")
        return cls(**{**known, "usage": None if usage is None else Usage(**usage)})


@dataclass(frozen=True, slots=True)
class InvalidToolCall:
    """A tool call that may be truncated, or whose arguments are not a JSON object. Do not run it.

    Unless the answer ended by itself, its last call may be truncated even if its arguments are valid JSON: some engines
    close truncated arguments.
    """

    id: str
    name: str
    arguments: str
    error: str
    position: int = 0
    """Its index among all calls of the answer, including valid ones."""


@dataclass(frozen=True, slots=True)
class Reply(Displayed):
    """One complete answer.

    Attributes:
        content: The visible text.
        reasoning: The chain of thought, or None if the provider sent none.
        tool_calls: Calls with valid arguments, in order.
        invalid_tool_calls: Calls that must not be run.
        finish_reason: Why the model stopped: a value of ``FinishReason``, or the provider's; None if it sent none.
        usage: Token counts, or None if the provider sent none.
        id: The provider's id of this answer.
        model: The id of the model that answered, which can differ from the requested one.
        created: Unix time in seconds.
        system_fingerprint: The provider's build id.
        logprobs: As received: ``{"content": [...], "reasoning_content": [...]}``, without missing channels.
        annotations: Citations and other annotations, as received.
        extra: All other fields of the response, under the provider's names.
        attempts: The HTTP requests of this answer before the last one; usage and cost are the sum over all.
        attempts_exhausted: True if another request was required, but ``max_attempts`` did not allow it.
        cost: Its cost; None if the tokens or the price are not known. Not compared, because it follows from the other
            fields.
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
    attempts_exhausted: bool = False
    cost: Cost | None = field(default=None, compare=False)

    @property
    def refusal(self) -> str | None:
        """The text with which the provider reports that the model refused; None if it did not refuse.

        ``""`` if the answer was refused or filtered without a text (``finish_reason`` ``content_filter``). The text is
        also in ``content``.
        """
        text = self.extra.get("refusal")
        if isinstance(text, str) and text:
            return text
        return "" if self.finish_reason == "content_filter" else None

    @property
    def title(self) -> str | None:
        """A short title of the conversation, requested by ``DeepSeekOptions(title=True)``; None if there is none."""
        title = self.extra.get("title")
        return title if isinstance(title, str) else None

    def _rows(self) -> Rows:
        calls = [("tool call", f"{call.name} {call.arguments}") for call in self.tool_calls]
        invalid = [("invalid tool call", f"{call.name} {call.arguments}") for call in self.invalid_tool_calls]
        known = [
            ("reasoning", self.reasoning and self.reasoning.text),
            ("content", self.content),
            *calls,
            *invalid,
            ("finish reason", self.finish_reason),
            *(self.usage._rows()[1:] if self.usage else ()),
            *((f"earlier attempt, {attempt.reason}", attempt.detail) for attempt in self.attempts),
        ]
        return [("reply", self.model or ""), *((name, text) for name, text in known if text)]

    def to_message(self) -> Message:
        """Return the assistant message with this answer, for the next request."""
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
    """A part of the visible text, never empty."""

    text: str


class ReasoningDelta(NamedTuple):
    """A part of the chain of thought. ``details``: fragments of the provider's record, as received."""

    text: str
    details: tuple[Mapping[str, Any], ...] | None = None


class ToolCallDelta(NamedTuple):
    """A part of a tool call.

    ``index`` counts the calls from 0 in the order in which they began, independent of the numbers in the response.
    ``id`` and ``name`` are in the first delta of a call and None in the others.
    The ``arguments`` of all deltas add up to those of the reply. They are as the model wrote them, except for strict
    tools with optional fields: their arguments are in one delta, at the end (``schema.undo_nulls``).
    """

    index: int  # type: ignore[assignment]  # hides tuple.index, which is not needed
    id: str | None
    name: str | None
    arguments: str


class RefusalDelta(TextDelta):
    """A part of the text with which the model refuses, in the field that OpenAI's protocols have for it."""

    __slots__ = ()


class LeakedText(TextDelta):
    """Text from the markup of a tool call on; only with ``recover_tool_calls="ask"``, which may hold it back."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class StreamEnd(Generic[Answer]):
    """The last delta of a stream; holds the complete reply."""

    reply: Answer


Delta: TypeAlias = "TextDelta | ReasoningDelta | ToolCallDelta | StreamEnd[Reply]"


def fold(deltas: Iterable[Delta]) -> Reply:
    """Read a stream to its end and return the complete reply.

    Raises:
        ValueError: if the deltas end without a ``StreamEnd``.
    """
    for delta in deltas:
        if isinstance(delta, StreamEnd):
            return delta.reply
    raise ValueError("the stream ended without a StreamEnd delta, so the reply is incomplete")
