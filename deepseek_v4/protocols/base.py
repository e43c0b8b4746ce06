"""What a protocol is: a request in our words to a JSON body, and a JSON body or its events to a reply."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from deepseek_v4.conversation import Message, NamedTool, ServerTool, ToolChoice, ToolSpec
from deepseek_v4.dialect import Dialect, Note, Thinking
from deepseek_v4.protocols.decoder import StreamDecoder
from deepseek_v4.reply import Reply
from deepseek_v4.tool_names import ToolNames
from deepseek_v4.wire import HttpResponse, Json

__all__ = ["ChatRequest", "Encoded", "Protocol", "Reading"]


@dataclass(frozen=True, slots=True)
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

    @property
    def chosen_tool(self) -> str | None:
        """The name of the one tool that is demanded, if one is."""
        return self.tool_choice.name if isinstance(self.tool_choice, NamedTool) else None


@dataclass(frozen=True, slots=True)
class Reading:
    """What a decoder must know of the request it reads the answer to."""

    dialect: Dialect
    provider: str
    names: ToolNames
    single_call: bool = False


@dataclass(frozen=True, slots=True)
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
