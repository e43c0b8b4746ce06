"""The interface between protocols and providers: a protocol reads a provider's differences from its dialect.

A provider's file holds one ``Dialect`` for each protocol it serves. A protocol does not check which provider it is.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias, TypeVar

from deepseek_v4 import errors
from deepseek_v4.values.notes import Note
from deepseek_v4.values.reply import FinishReason, Usage
from deepseek_v4.values.sampling import Thinking
from deepseek_v4.values.value import dataclass

if TYPE_CHECKING:
    from deepseek_v4.protocols.chat_request import ChatRequest
    from deepseek_v4.values.json import Json

T = TypeVar("T")

ProtocolName = Literal["chat_completions", "responses", "messages"]
"""The values of the option ``protocol``."""

Headers: TypeAlias = Mapping[str, str]
"""HTTP headers to send."""

ErrorTable: TypeAlias = "tuple[tuple[re.Pattern[str], type[errors.DeepSeekError]], ...]"


def by_word(table: Mapping[T, tuple[str, ...]]) -> Mapping[str, T]:
    """Return word -> meaning, of a table of meaning -> words."""
    return {word: meaning for meaning, words in table.items() for word in words}


FINISH_REASONS: Mapping[str, FinishReason] = by_word(
    {
        "stop": ("stop", "stop_sequence", "end_turn", "eos", "eos_token", "complete", "completed"),
        "length": ("length", "max_tokens", "max_output_tokens", "model_length", "model_context_window_exceeded"),
        "tool_calls": ("tool_calls", "tool_call", "tool_use", "function_call"),
        "content_filter": ("content_filter", "refusal"),
        "interrupted": ("insufficient_system_resource", "aborted"),
        "error": ("error",),
    }
)
"""Finish reasons of all protocols and engines in lower case -> ours. Any other is kept unchanged."""


@dataclass(frozen=True, slots=True)
class OptionSpec:
    """How one option is sent on the wire: field name, allowed range, default.

    Attributes:
        wire_name: The wire field; a dot descends into an object (``reasoning.max_tokens``).
        low: Smallest value allowed.
        high: Largest value allowed.
        exclusive_low: True if the value must be greater than ``low``, not equal to it.
        clamp: True if a value over ``high`` is lowered to it, with a note, instead of refused.
        max_items: Largest number of entries of a list.
        max_length: Largest number of characters of a string.
        pattern: Regular expression that a string must match.
        default: The provider's default when the field is not sent, for the docs.
        source: URL or document of the fact.
    """

    wire_name: str
    low: float | None = None
    high: float | None = None
    exclusive_low: bool = False
    clamp: bool = False
    max_items: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    default: Any = None
    source: str = ""

    def range(self) -> str:
        """Describe the allowed values, for errors and docs."""
        if self.low is not None and self.high is not None:
            return f"{'(' if self.exclusive_low else '['}{self.low:.15g}, {self.high:.15g}]"
        if self.low is not None:
            return f"{'above' if self.exclusive_low else 'at least'} {self.low:.15g}"
        if self.max_items is not None:
            return f"at most {self.max_items}"
        if self.max_length is not None:
            return f"at most {self.max_length} characters"
        return ""

    def check(self, option: str, value: Any) -> tuple[Any, Note | None]:
        """Check a value against the range.

        Returns:
            The value to send, and a note if it was clamped.

        Raises:
            InvalidRequestError: if it is out of range; names the option and the allowed range.
        """
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            if self.clamp and self.high is not None and value > self.high:
                change = f"{value} -> {self.high:.15g} (maximum for this provider)"
                return type(value)(self.high), Note("clamped", option, change)
            low, high = self.low, self.high
            outside = (low is not None and (value < low or (self.exclusive_low and value == low))) or (
                high is not None and value > high
            )
            if outside or value != value:
                allowed = self.range()
                where = f"in {allowed}" if high is not None else allowed
                raise errors.InvalidRequestError(f"{option}={value} is out of range: it must be {where}.")
        if isinstance(value, Mapping):
            for key, item in value.items():
                self.check(f"{option}[{key!r}]", item)
        if self.max_items is not None and isinstance(value, (list, tuple)) and len(value) > self.max_items:
            raise errors.InvalidRequestError(
                f"{option} has {len(value)} entries; at most {self.max_items} are allowed."
            )
        if isinstance(value, str):
            if self.max_length is not None and len(value) > self.max_length:
                raise errors.InvalidRequestError(
                    f"{option} has {len(value)} characters; at most {self.max_length} are allowed."
                )
            if self.pattern is not None and not re.fullmatch(self.pattern, value):
                raise errors.InvalidRequestError(f"{option}={value!r} must match {self.pattern}.")
        return value, None


def select_options(specs: Mapping[str, OptionSpec], source: str, *names: str, **renamed: str) -> dict[str, OptionSpec]:
    """Return some options of a table for another endpoint, whose document is ``source``.

    Args:
        specs: The table.
        source: URL or document of the endpoint.
        *names: Options that are sent as in the table.
        **renamed: Options with their fields at this endpoint.
    """
    wire_names = {**{name: specs[name].wire_name for name in names}, **renamed}
    return {option: dataclasses.replace(specs[option], wire_name=n, source=source) for option, n in wire_names.items()}


def as_count(*values: Any) -> int | None:
    """Return the first token count that is not null; some hosts send it as a float or as text."""
    for value in values:
        if value is not None:
            return int(value)
    return None


def server_tool_calls(usage: Json) -> int | None:
    """Return the calls of the provider's own tools that a usage object counts, as Anthropic's format does."""
    counts = usage.get("server_tool_use")
    if not isinstance(counts, dict):
        return None
    return sum(count for name, count in counts.items() if name.endswith("_requests") and isinstance(count, int))


class Dialect:
    """The features that all protocols share. Subclasses state the differences as class attributes and small methods.

    Args:
        **facts: Attributes of the class to override for this object: for one host, or one model.

    Raises:
        TypeError: If the class has no attribute with that name.
    """

    protocol: ClassVar[str]
    path: str
    key_header = "Authorization"
    """Header of the API key: ``Bearer <key>`` in ``Authorization``, the bare key in any other header."""
    option_specs: Mapping[str, OptionSpec] = {}
    """Canonical option -> how it is sent."""
    unsupported: Mapping[str, str] = {}
    """Canonical option -> why it is not supported, for the options that need an explanation."""
    efforts: Mapping[str, str] = {}
    """Canonical effort -> the provider's value."""
    web_search_tool: Mapping[str, Any] | None = None
    """The tool with which the server searches the web; the options of ``web_search`` are added to it."""
    latest_reminder = False
    """True if the role ``latest_reminder`` is supported; else such a message is sent as a system message."""
    ends_with_answer = True
    """True if the last message may be an answer that is not to be continued (``prefix``)."""
    thinks_by_default = True
    """True if the model thinks when the request does not set it."""
    forced_tool_while_thinking = True
    """True if ``tool_choice`` "required" or by name is accepted while thinking."""
    named_tool_choice = True
    """True if ``tool_choice`` by name is enforced; if not, "required" is sent, and calls of other tools are invalid."""
    json_schema = False
    """True if ``response_format`` json_schema is supported."""
    json_with_tools = True
    """True if ``response_format`` works in requests with tools; if not, the prompt requires JSON there."""
    json_with_strict_tools = True
    """True if ``response_format`` is accepted in requests with strict tools; if not, the prompt requires JSON there."""
    json_object = True
    """True if ``response_format`` json_object is supported."""
    json_mode_requires_keyword = False
    """True if JSON mode requires the word "json" in a message."""
    documents = True
    """False if files other than images are supported only after an upload."""
    tools = True
    """True if function calling is supported."""
    parallel_tool_calls = False
    """True if the provider reads the field for several calls at once; else it is enforced on the reply."""
    strict_tools = False
    """True if strict function calling is supported."""
    asks_for_stream_usage = False
    """True if streams report usage only with ``stream_options.include_usage``."""
    reports_cost = False
    """True if ``cost`` in the usage object is the charged amount in US dollars."""
    finish_reasons = FINISH_REASONS
    """The provider's finish reasons -> ours."""
    unread_blocks: frozenset[str] = frozenset({"redacted_thinking"})
    """Types of blocks in a past turn's record that the provider does not read; they are left out, with a note."""
    think_tags = False
    """True if reasoning may be inside the visible text, between ``<think>`` and ``</think>`` at its start."""
    limit_counts_reasoning = True
    """False if the limit of output tokens does not apply to the reasoning, so that the usage may exceed it."""
    parser_flags = ""
    """Command-line flags of your own server that enable its parser of tool calls, for a warning."""
    error_phrases: ErrorTable = ()
    """Phrases of an error's text -> exception, for kinds that the status does not determine; checked first."""
    error_types: Mapping[str, type[errors.DeepSeekError]] = {}
    """The provider's error codes (``type``, ``code``, ``error_type``) -> exception; checked second."""

    def __init__(self, **facts: Any) -> None:
        for name, value in facts.items():
            if not hasattr(type(self), name):
                raise TypeError(f"a dialect has no attribute {name!r}")
            setattr(self, name, value)

    def thinks(self, thinking: Thinking) -> bool:
        """Return True if the model will think with these settings."""
        if thinking.on is not None:
            return thinking.on
        return self.thinks_by_default or thinking.effort is not None or thinking.budget is not None

    def resolve_thinking(self, thinking: Thinking, notes: list[Note]) -> Thinking:
        """Resolve settings that exclude each other at this provider."""
        return thinking

    def encode_thinking(self, thinking: Thinking, notes: list[Note]) -> Json:
        """Return the body fields that set thinking, its effort and its budget."""
        raise NotImplementedError

    def supports_effort(self, effort: str | int, model: str) -> bool:
        """Return True if an effort, a level or a number, can be sent for a model."""
        return effort in self.efforts

    def encode_web_search(self, setting: Any, notes: list[Note]) -> Json | None:
        """Return the body fields that set the provider's web search, or None if it has none.

        Tools among them are added to the tools of the request.
        """
        if not setting or self.web_search_tool is None:
            return None
        return {"tools": [{**self.web_search_tool, **(setting if isinstance(setting, Mapping) else {})}]}

    def encode_server_tool(self, tool: Mapping[str, Any]) -> Json:
        """Encode a tool that the provider runs itself."""
        return dict(tool)

    def finish_body(self, body: Json, messages: list[Json], request: ChatRequest, notes: list[Note]) -> Headers:
        """Apply what no table covers: provider-specific options and changes to the finished body.

        Args:
            body: The body without the messages; changed in place.
            messages: The encoded messages. The list is changed in place; its items are not, because they are cached for
                the next turn.
            request: The request.
            notes: Receives a note for each dropped or translated option.

        Returns:
            Headers to send.
        """
        return {}

    def decode_usage(self, usage: Json) -> Usage:
        """Decode OpenAI's usage object: the names of both endpoints, and those of Together, SGLang and DeepSeek."""
        read = usage.get("prompt_tokens_details") or usage.get("input_tokens_details") or {}
        written = usage.get("completion_tokens_details") or usage.get("output_tokens_details") or {}
        cost = usage.get("cost") if self.reports_cost else None
        cached = (read.get("cached_tokens"), usage.get("cached_tokens"), usage.get("prompt_cache_hit_tokens"))
        return Usage(
            input_tokens=int(usage.get("prompt_tokens") or usage.get("input_tokens") or 0),
            output_tokens=int(usage.get("completion_tokens") or usage.get("output_tokens") or 0),
            cached_tokens=as_count(*cached),
            cache_write_tokens=as_count(read.get("cache_write_tokens")),
            reasoning_tokens=as_count(written.get("reasoning_tokens"), usage.get("reasoning_tokens")),
            cost=None if cost is None else float(cost),
            server_tool_calls=server_tool_calls(usage),
            extra=usage,
        )

    def begins_with_reasoning(self, request: ChatRequest) -> bool:
        """Return True if the text may begin with reasoning: the prompt ends with ``<think>``, and no parser runs."""
        return False

    def error_codes(self, error: Json) -> tuple[str, ...]:
        """Return further codes of an error object to look up in ``error_types``."""
        return ()

    def decode_retry(self, error: Json) -> tuple[bool | None, float | None]:
        """Return whether an error object declares itself retryable, and the delay in seconds; None if unspecified."""
        return None, None
