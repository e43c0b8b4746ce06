"""The joint between provider and protocol: what a protocol asks its dialect, as data and a few small functions.

A provider's file holds one ``Dialect`` for each protocol it serves. A protocol never asks who the provider is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, TypeAlias

from deepseek_v4 import errors

if TYPE_CHECKING:
    from deepseek_v4.conversation import Reasoning
    from deepseek_v4.reply import FinishReason, Usage
    from deepseek_v4.wire import Json

ErrorTable: TypeAlias = "tuple[tuple[re.Pattern[str], type[errors.DeepSeekError]], ...]"

FINISH_REASONS: Mapping[str, FinishReason] = MappingProxyType(
    {
        "stop": "stop",
        "stop_sequence": "stop",
        "end_turn": "stop",
        "eos": "stop",
        "eos_token": "stop",
        "complete": "stop",
        "completed": "stop",
        "length": "length",
        "max_tokens": "length",
        "max_output_tokens": "length",
        "model_length": "length",
        "model_context_window_exceeded": "length",
        "tool_calls": "tool_calls",
        "tool_call": "tool_calls",
        "tool_use": "tool_calls",
        "function_call": "tool_calls",
        "content_filter": "content_filter",
        "refusal": "content_filter",
        "insufficient_system_resource": "interrupted",
        "aborted": "interrupted",
        "error": "error",
    }
)
"""The words of all protocols and engines for why an answer ended, in lower case. Any other is kept as it came."""


@dataclass(frozen=True, slots=True)
class Note:
    """Something a request says differently from how it was asked for, and why."""

    kind: Literal["translated", "dropped", "clamped", "repaired"]
    option: str
    text: str

    def __str__(self) -> str:
        return f"{self.option} {self.kind}: {self.text}"


@dataclass(frozen=True, slots=True)
class Field:
    """How one canonical option is said on the wire.

    Attributes:
        name: The wire field; a dot descends into an object (``reasoning.max_tokens``).
        low: Smallest value allowed.
        high: Largest value allowed.
        above: The value must be greater than ``low``, not equal to it.
        clamp: A value over ``high`` is lowered to it, with a note, instead of refused.
        most: Largest number of entries of a list.
        longest: Largest number of characters of a string.
        pattern: What a string must match.
        default: What the provider uses when the field is not sent, for the docs.
        source: Where the fact stands.
    """

    name: str
    low: float | None = None
    high: float | None = None
    above: bool = False
    clamp: bool = False
    most: int | None = None
    longest: int | None = None
    pattern: str | None = None
    default: Any = None
    source: str = ""

    def range(self) -> str:
        """The allowed values in words, for errors and docs."""
        if self.low is not None and self.high is not None:
            return f"{'(' if self.above else '['}{self.low:g}, {self.high:g}]"
        if self.low is not None:
            return f"{'above' if self.above else 'at least'} {self.low:g}"
        if self.most is not None:
            return f"at most {self.most}"
        if self.longest is not None:
            return f"at most {self.longest} characters"
        return ""

    def check(self, option: str, value: Any) -> tuple[Any, Note | None]:
        """Hold a value against the range.

        Returns:
            The value to send, and a note when it was clamped.

        Raises:
            InvalidRequestError: when it is out of range; names the option and what is allowed.
        """
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            if self.clamp and self.high is not None and value > self.high:
                return type(value)(self.high), Note("clamped", option, f"{value} -> {self.high:g}, the largest here")
            low, high = self.low, self.high
            outside = (low is not None and (value < low or (self.above and value == low))) or (
                high is not None and value > high
            )
            if outside or value != value:
                raise errors.InvalidRequestError(f"{option}={value} is out of range: it must be in {self.range()}.")
        if isinstance(value, Mapping):
            for key, item in value.items():
                self.check(f"{option}[{key!r}]", item)
        if self.most is not None and isinstance(value, (list, tuple)) and len(value) > self.most:
            raise errors.InvalidRequestError(f"{option} has {len(value)} entries; at most {self.most} are allowed.")
        if isinstance(value, str):
            if self.longest is not None and len(value) > self.longest:
                raise errors.InvalidRequestError(
                    f"{option} has {len(value)} characters; at most {self.longest} are allowed."
                )
            if self.pattern is not None and not re.fullmatch(self.pattern, value):
                raise errors.InvalidRequestError(f"{option}={value!r} must match {self.pattern}.")
        return value, None


@dataclass(frozen=True, slots=True)
class Thinking:
    """What was asked for about reasoning. ``on=None`` leaves it to the provider."""

    on: bool | None = None
    effort: str | None = None
    budget: int | None = None


class Asked(Protocol):
    """What a dialect may know of the request it says the rest of. ``ChatRequest`` is one."""

    @property
    def model(self) -> str:
        """The model's id as it is said here."""

    @property
    def tools(self) -> Sequence[Any]:
        """The tools that are offered."""

    @property
    def response_format(self) -> Mapping[str, Any] | None:
        """The form asked for, or None for text."""

    @property
    def thinking(self) -> Thinking:
        """What was asked for about reasoning."""

    @property
    def thinks(self) -> bool:
        """Whether the model will think, all things considered."""

    @property
    def options(self) -> Mapping[str, Any]:
        """What is set of the sampling and limit options, by canonical name."""

    @property
    def web_search(self) -> Any:
        """False, True, options, or None where nothing was said."""

    @property
    def stream(self) -> bool:
        """Whether the answer is to come in pieces."""

    @property
    def provider_options(self) -> Any:
        """The provider's own options, checked, or None."""


class Dialect:
    """What is the same for every protocol. Subclasses say the rest as class attributes and small methods."""

    protocol: ClassVar[str]
    path: str
    key_header = "Authorization"
    """The header the key goes into: as ``Bearer <key>`` in this one, bare in any other."""
    fields: Mapping[str, Field] = MappingProxyType({})
    """Canonical option -> how it is said here."""
    absent: Mapping[str, str] = MappingProxyType({})
    """Canonical option -> why it is not sent here, for the options worth a word."""
    efforts: Mapping[str, str | None] = MappingProxyType({})
    """Canonical effort -> the word here; None switches thinking off."""
    thinks_by_default = True
    """Whether the model thinks when nothing is said about it."""
    forced_tool_while_thinking = True
    """Whether ``tool_choice`` required or by name is accepted while thinking."""
    json_schema = False
    """Whether ``response_format`` json_schema is served."""
    json_object = True
    """Whether ``response_format`` json_object is served."""
    json_needs_the_word = False
    """Whether JSON mode demands that a message contains the word "json"."""
    tools = True
    """Whether function calling is served."""
    strict_tools = False
    """Whether strict function calling is served."""
    error_phrases: ErrorTable = ()
    """Phrases in an error's text that tell its kind better than the status does; looked at first."""
    error_types: Mapping[str, type[errors.DeepSeekError]] = MappingProxyType({})
    """The provider's own words for kinds of errors (``type``, ``code``, ``error_type``); looked at second."""

    def thinks(self, thinking: Thinking) -> bool:
        """Whether the model will think when this is asked of it."""
        if thinking.on is not None:
            return thinking.on
        return self.thinks_by_default or thinking.effort is not None or thinking.budget is not None

    def settle_thinking(self, thinking: Thinking, notes: list[Note]) -> Thinking:
        """What is said of it where two wishes exclude each other here."""
        return thinking

    def say_thinking(self, thinking: Thinking, notes: list[Note]) -> Json:
        """Body fields that switch thinking, its effort and its budget."""
        raise NotImplementedError

    def say_web_search(self, wanted: Any, notes: list[Note]) -> Json | None:
        """Body fields that switch the provider's own web search, or None where it has none.

        Tools among them join the request's own.
        """
        return None

    def say_rest(self, body: Json, messages: list[Json], asked: Asked, notes: list[Note]) -> Mapping[str, str]:
        """What no table says: the provider's own options, and what it wants said otherwise than it has been so far.

        Args:
            body: The body without the conversation; changed in place.
            messages: The conversation as it will be sent. The list is changed in place; what is in it is not, because
                it is kept for the next turn.
            asked: The request.
            notes: For what is dropped or translated.

        Returns:
            Headers to send.
        """
        return {}

    def read_usage(self, usage: Json) -> Usage:
        """The provider's usage object as ``Usage``."""
        raise NotImplementedError

    def error_words(self, error: Json) -> tuple[str, ...]:
        """Further words of an error object that ``error_types`` may know."""
        return ()

    def read_retry(self, error: Json) -> tuple[bool | None, float | None]:
        """Whether an error object says itself that the request may succeed later, and after how many seconds."""
        return None, None


class ChatDialect(Dialect):
    """What a provider's chat completions may say differently."""

    protocol = "chat_completions"
    path = "/chat/completions"
    strict_path: str | None = None
    """Where strict function calling is served, when it is not ``path``."""
    prefix_path: str | None = None
    """Where chat prefix completion is served, or None."""
    asks_for_stream_usage = True
    """Whether usage comes in streams only when ``stream_options.include_usage`` asks for it."""
    parallel_tool_calls = False
    """Whether the field ``parallel_tool_calls`` is read; otherwise it is held here, on the reply."""
    finish_reason_always = False
    """Whether every stream names a finish reason, so that ``[DONE]`` without one means it was cut."""
    think_tags = False
    """Whether reasoning may come inside the visible text, between ``<think>`` and ``</think>`` at its start."""
    leaks_markup = False
    """Whether the server's parsers are known to leave prompt markup in the visible text; then it is told."""
    finish_reasons = FINISH_REASONS
    """The provider's words for why an answer ended -> ours."""

    def say_reasoning(self, reasoning: Reasoning | None) -> Json:
        """Fields of a past assistant message that pass its reasoning back, while thinking is on."""
        raise NotImplementedError

    def read_reasoning(self, message: Json) -> tuple[str | None, list[Json] | None]:
        """Text and record of reasoning in a message or a streamed delta; None where absent."""
        raise NotImplementedError

    def unwrap(self, body: Json) -> Json:
        """The completion (or chunk) in a body of status 200, where a gateway puts it elsewhere."""
        return body

    def was_cut(self, choice: Json) -> bool:
        """Whether the output limit cut an answer whose finish reason says otherwise."""
        return False
