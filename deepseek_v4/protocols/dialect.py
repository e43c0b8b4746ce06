"""The joint between provider and protocol: what a protocol asks its dialect, as data and a few small functions.

A provider's file holds one ``Dialect`` for each protocol it serves. A protocol never asks who the provider is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from deepseek_v4 import errors
from deepseek_v4.values.notes import Note
from deepseek_v4.values.sampling import Thinking

if TYPE_CHECKING:
    from deepseek_v4.protocols.chat_request import ChatRequest
    from deepseek_v4.values.json import Json
    from deepseek_v4.values.reply import FinishReason, Usage

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
class OptionSpec:
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


class Dialect:
    """What is the same for every protocol. Subclasses say the rest as class attributes and small methods."""

    protocol: ClassVar[str]
    path: str
    key_header = "Authorization"
    """The header the key goes into: as ``Bearer <key>`` in this one, bare in any other."""
    fields: Mapping[str, OptionSpec] = MappingProxyType({})
    """Canonical option -> how it is said here."""
    unsupported: Mapping[str, str] = MappingProxyType({})
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
    json_mode_requires_keyword = False
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
        """Whether the model will think when this is request of it."""
        if thinking.on is not None:
            return thinking.on
        return self.thinks_by_default or thinking.effort is not None or thinking.budget is not None

    def resolve_thinking(self, thinking: Thinking, notes: list[Note]) -> Thinking:
        """What is said of it where two wishes exclude each other here."""
        return thinking

    def encode_thinking(self, thinking: Thinking, notes: list[Note]) -> Json:
        """Body fields that switch thinking, its effort and its budget."""
        raise NotImplementedError

    def encode_web_search(self, wanted: Any, notes: list[Note]) -> Json | None:
        """Body fields that switch the provider's own web search, or None where it has none.

        Tools among them join the request's own.
        """
        return None

    def finish_body(
        self, body: Json, messages: list[Json], request: ChatRequest, notes: list[Note]
    ) -> Mapping[str, str]:
        """What no table says: the provider's own options, and what it wants said otherwise than it has been so far.

        Args:
            body: The body without the conversation; changed in place.
            messages: The conversation as it will be sent. The list is changed in place; what is in it is not, because
                it is kept for the next turn.
            request: The request.
            notes: For what is dropped or translated.

        Returns:
            Headers to send.
        """
        return {}

    def decode_usage(self, usage: Json) -> Usage:
        """The provider's usage object as ``Usage``."""
        raise NotImplementedError

    def error_codes(self, error: Json) -> tuple[str, ...]:
        """Further words of an error object that ``error_types`` may know."""
        return ()

    def decode_retry(self, error: Json) -> tuple[bool | None, float | None]:
        """Whether an error object says itself that the request may succeed later, and after how many seconds."""
        return None, None
