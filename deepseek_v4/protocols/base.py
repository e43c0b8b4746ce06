"""What a protocol is: a request in our words to a JSON body, and a JSON body or its events to a reply."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from deepseek_v4 import schema
from deepseek_v4.conversation import Message, NamedTool, ServerTool, ToolChoice, ToolSpec
from deepseek_v4.dialect import Dialect, Note, Thinking
from deepseek_v4.protocols.decoder import StreamDecoder
from deepseek_v4.reply import Reply
from deepseek_v4.reply_builder import ReplyBuilder
from deepseek_v4.tool_names import ToolNames
from deepseek_v4.wire import HttpResponse, Json

__all__ = ["ChatRequest", "Encoded", "Protocol", "Reading"]

_LIMITS = ("max_tokens", "max_completion_tokens", "max_output_tokens")
"""Fields that limit the output tokens of an answer."""


@dataclass(slots=True, eq=False, repr=False)
class ChatRequest:
    """A conversation and its options, in canonical words; every decision has been taken, nothing is encoded.

    ``options`` holds what is set of the sampling and limit options, by canonical name.
    """

    model: str
    messages: tuple[Message, ...]
    tools: tuple[ToolSpec | ServerTool, ...] = ()
    tool_choice: ToolChoice | None = None
    response_format: Mapping[str, Any] | None = None
    thinking: Thinking = field(default_factory=Thinking)
    thinks: bool = True
    """Whether the model will think, all things considered."""
    pass_back: bool = True
    options: Mapping[str, Any] = field(default_factory=dict)
    web_search: Any = None
    parallel_tool_calls: bool | None = None
    strict_tools: bool = False
    stream: bool = False
    stream_usage: bool = True
    on_unsupported: str = "warn"
    provider_options: Any = None
    extra_body: Mapping[str, Any] | None = None
    suffix: str | None = None
    """Completions only: the text after the gap."""
    echo: bool = False
    """Completions only: the prompt is said again before the text."""
    recover_tool_calls: str = "off"
    """What to do with tool calls in the text of the answer: report them (``"off"``) or make calls of them
    (``"parse"``)."""

    @property
    def chosen_tool(self) -> str | None:
        """The name of the one tool that is demanded, if one is."""
        return self.tool_choice.name if isinstance(self.tool_choice, NamedTool) else None


@dataclass(slots=True, eq=False, repr=False)
class Reading:
    """What a decoder must know of the request it reads the answer to."""

    dialect: Dialect
    provider: str
    names: ToolNames
    single_call: bool = False
    sought: Mapping[str, ToolSpec] = field(default_factory=dict)
    """Tools whose calls are looked for in the text of the answer, by the name the model knows them by."""
    parse_text: bool = False
    """True if calls found in the text become tool calls; otherwise they are only reported."""
    originals: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Schemas of strict tools as they were before they were made to allow nulls, by name."""
    limit: int | None = None
    """The largest number of output tokens that was sent."""

    @classmethod
    def of(
        cls,
        request: ChatRequest,
        dialect: Dialect,
        provider: str,
        names: ToolNames,
        body: Json,
        *,
        strict: Sequence[ToolSpec] = (),
        single_call: bool = False,
    ) -> Reading:
        """What the answer to a request is read with.

        Args:
            request: The request.
            dialect: The dialect it was said in.
            provider: Who answers.
            names: How its tools are called there.
            body: Its fields as they are sent.
            strict: Those of its tools whose schemas were made strict.
            single_call: Whether only the first call is wanted, and the wire could not say it.
        """
        sought = {}
        if request.tool_choice != "none":
            sought = {names.to_wire(tool.name): tool for tool in request.tools if isinstance(tool, ToolSpec)}
        originals = {
            tool.name: tool.parameters for tool in strict if tool.parameters and schema.allows_nulls(tool.parameters)
        }
        limits = [body[name] for name in _LIMITS if isinstance(body.get(name), int) and body[name] > 0]
        return cls(
            dialect,
            provider,
            names,
            single_call,
            sought,
            request.recover_tool_calls == "parse",
            originals,
            min(limits, default=None),
        )

    def builder(self, *, streamed: bool = False) -> ReplyBuilder:
        """An empty reply to read the answer into.

        Args:
            streamed: Whether records of reasoning arrive in fragments, to be joined.
        """
        return ReplyBuilder(
            single_call=self.single_call,
            streamed=streamed,
            originals=self.originals,
            sought=self.sought,
            parse_text=self.parse_text,
            provider=self.provider,
            limit=self.limit,
        )


@dataclass(slots=True, eq=False, repr=False)
class Encoded:
    """A request as the wire wants it, before address and key."""

    path: str
    body: Json
    notes: list[Note]
    reading: Reading
    headers: Mapping[str, str] = field(default_factory=dict)


class Protocol(ABC):
    """One endpoint. Implementations hold no state, no client and do no I/O."""

    name: ClassVar[str]

    @abstractmethod
    def encode(self, request: ChatRequest, dialect: Dialect, provider: str) -> Encoded:
        """The request as a JSON body.

        Raises:
            InvalidRequestError: for a value out of range.
            UnsupportedError: for what this endpoint has not, where the request says to refuse it.
        """

    @abstractmethod
    def decode(self, response: HttpResponse, reading: Reading) -> Reply:
        """A whole answer.

        Raises:
            DeepSeekError: for an error inside a 200 body.
            MalformedResponseError: when the body is not what the protocol says.
        """

    @abstractmethod
    def stream(self, reading: Reading) -> StreamDecoder:
        """A decoder for one streamed answer."""
