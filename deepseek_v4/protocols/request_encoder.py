"""``RequestEncoder``: what the encoders of all protocols share, from a request to its JSON body. Pure."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeVar

from deepseek_v4 import errors
from deepseek_v4.protocols import reasoning_details, schema
from deepseek_v4.protocols.chat_request import ChatRequest
from deepseek_v4.protocols.decode_context import DecodeContext
from deepseek_v4.protocols.dialect import Dialect
from deepseek_v4.protocols.encode_options import drop, encode_options
from deepseek_v4.protocols.tool_names import NO_TOOL_NAMES, ToolNames
from deepseek_v4.values.json import Json
from deepseek_v4.values.messages import (
    FilePart,
    ImagePart,
    Message,
    NamedTool,
    Part,
    RawPart,
    ServerTool,
    TextPart,
    ToolCall,
    ToolChoice,
    ToolSpec,
)
from deepseek_v4.values.notes import Note

D = TypeVar("D", bound=Dialect)

_LIMITS = frozenset({"max_tokens", "max_completion_tokens", "max_output_tokens"})
"""Fields that limit the output tokens of an answer."""
_NO_PARAMETERS: Json = {"type": "object", "properties": {}}
_DOCUMENT = re.compile(r"data:(?:application/(?!octet-stream)|text/)[\w.+-]*?([\w-]+)[;,]", re.I)
"""The beginning of a document in a ``data:`` URL, with its subtype; bytes of an unknown type may be an image."""


@dataclass(slots=True, eq=False, repr=False)
class EncodedRequest:
    """A request encoded for the wire, before base URL and API key."""

    path: str
    body: Json
    notes: list[Note]
    context: DecodeContext
    headers: Mapping[str, str] = field(default_factory=dict)


class RequestEncoder(Generic[D]):
    """Encodes one request. A subclass encodes its messages, its tools and the fields that only its endpoint has."""

    history_field: ClassVar[str] = "messages"
    """Field of the messages."""
    text_type: ClassVar[str] = "text"
    """Type of a content part with text."""
    file_type: ClassVar[str] = "file"
    """Type of a content part with a file."""

    def __init__(self, request: ChatRequest, dialect: D, provider: str) -> None:
        self.request = request
        self.dialect = dialect
        self.provider = provider
        self.notes: list[Note] = []
        self.functions: list[ToolSpec] = []
        self.tool_names: ToolNames = NO_TOOL_NAMES
        if request.tools:
            self.functions = [tool for tool in request.tools if isinstance(tool, ToolSpec)]
            self.tool_names = ToolNames(tool.name for tool in self.functions)
        self.passed_back: bool = bool(request.thinks and request.pass_back)
        self.choice = self._tool_choice()

    def encode(self) -> EncodedRequest:
        """Encode the request.

        Raises:
            InvalidRequestError: if a value is out of range.
            UnsupportedError: if the endpoint does not support an option and ``on_unsupported`` is "raise".
        """
        self.check()
        request, dialect = self.request, self.dialect
        body: Json = {"model": request.model}
        body.update(encode_options(request, dialect, self.provider, self.notes))
        self.add_fields(body)
        strict = self.strict_tools() if self.functions else []
        self.add_tools(body, strict)
        history = self.history(body)
        headers = self.headers(dialect.finish_body(body, history, request, self.notes))
        if request.extra_body:
            body.update(request.extra_body)
        self.add_history(body, history)
        return EncodedRequest(self.path(strict), body, self.notes, self.decode_context(body, strict), headers)

    def _tool_choice(self) -> ToolChoice | None:
        choice = self.request.tool_choice
        if not isinstance(choice, NamedTool) or self.dialect.named_tool_choice:
            return choice
        why = f"the server ignores the name {choice.name!r}; 'required' is sent, and a call of another tool is invalid"
        self.notes.append(Note("translated", "tool_choice", why))
        return "required"

    def decode_context(self, body: Json, strict: list[ToolSpec]) -> DecodeContext:
        """Return what the decoder of the response needs, given the tools whose schemas were converted."""
        request = self.request
        context = DecodeContext(self.dialect, self.provider, self.tool_names, recovery=request.recover_tool_calls)
        context.begins_with_reasoning = self.dialect.begins_with_reasoning(request)
        context.prefix = request.messages[-1] if request.messages[-1].prefix else None
        if isinstance(request.tool_choice, NamedTool) and not self.dialect.named_tool_choice:
            context.required_tool = request.tool_choice.name
        context.response_limits = request.response_limits
        context.model = request.model
        context.single_call = request.parallel_tool_calls is False and not self.dialect.parallel_tool_calls
        if self.functions and request.tool_choice != "none":
            context.recoverable_tools = {self.tool_names.to_wire(tool.name): tool for tool in self.functions}
        if strict:
            context.original_schemas = {
                tool.name: tool.parameters
                for tool in strict
                if tool.parameters and schema.allows_nulls(tool.parameters)
            }
        if self.dialect.limit_counts_reasoning and not _LIMITS.isdisjoint(body):
            limits = [body[name] for name in _LIMITS if isinstance(body.get(name), int) and body[name] > 0]
            context.limit = min(limits, default=None)
        return context

    def check(self) -> None:
        """Refuse what the endpoint does not support at all."""
        if self.request.messages[-1].prefix:
            raise errors.UnsupportedError(
                f"The {self.dialect.protocol.capitalize()} endpoint does not support prefix completion. "
                "Use protocol='chat_completions'."
            )

    def add_fields(self, body: Json) -> None:
        """Add the fields that stand between the options and the tools."""
        if self.request.stream:
            body["stream"] = True
            if self.request.stream_usage and self.dialect.asks_for_stream_usage:
                body["stream_options"] = {"include_usage": True}

    def path(self, strict: list[ToolSpec]) -> str:
        """Return the path of the endpoint."""
        return self.dialect.path

    def headers(self, own: Mapping[str, str]) -> Mapping[str, str]:
        """Return the headers to send, given those of the dialect, after the messages were encoded."""
        return own

    def history(self, body: Json) -> list[Json]:
        """Encode the messages; those that are not in the list, such as a system prompt, are fields of the body."""
        return []

    def add_history(self, body: Json, history: list[Json]) -> None:
        """Add the messages, which come last, so that a growing history only appends."""
        body[self.history_field] = history

    def role(self, message: Message) -> str:
        """Return the role that is sent, with a note if it is another one."""
        if message.role != "latest_reminder" or self.dialect.latest_reminder:
            return message.role
        self.notes.append(Note("translated", "messages", "sent a latest_reminder as a system message"))
        return "system"

    # -- tools

    def strict_tools(self) -> list[ToolSpec]:
        """Return the tools whose arguments must follow their schemas."""
        strict = self.request.strict_functions()
        if strict and not self.dialect.strict_tools:
            why = "this endpoint does not support strict function calling"
            drop("strict_tools", why, self.request, self.provider, self.notes)
            return []
        return strict

    def add_tools(self, body: Json, strict: list[ToolSpec]) -> None:
        """Add the tools of the request after those of its options, and the choice between them."""
        own = (
            self.dialect.encode_server_tool(tool.data)
            if isinstance(tool, ServerTool)
            else self.function(tool, tool in strict)
            for tool in self.request.tools
        )
        tools = [*body.pop("tools", ()), *own]
        if tools:
            body["tools"] = tools
            self.add_tool_choice(body)

    def add_tool_choice(self, body: Json) -> None:
        """Add the tool choice, and whether several calls at once are allowed."""
        request = self.request
        if isinstance(self.choice, NamedTool):
            body["tool_choice"] = self.named_choice(self.tool_names.to_wire(self.choice.name))
        elif self.choice not in (None, "auto"):
            body["tool_choice"] = self.choice
        if self.dialect.parallel_tool_calls and request.parallel_tool_calls is not None:
            body["parallel_tool_calls"] = request.parallel_tool_calls

    def named_choice(self, name: str) -> Json:
        """Return the choice of the function with this name."""
        return {"type": "function", "name": name}

    def function(self, tool: ToolSpec, strict: bool) -> Json:
        """Encode a function that the model may call."""
        raise NotImplementedError

    def described(self, tool: ToolSpec) -> Json:
        """Return name and description of a function."""
        name = {"name": self.tool_names.to_wire(tool.name)}
        return {**name, "description": tool.description} if tool.description else name

    def parameters(self, tool: ToolSpec, strict: bool) -> Json:
        """Return the schema of a function's arguments, with the type that servers require.

        Raises:
            InvalidRequestError: if it is not the schema of an object.
        """
        parameters = tool.parameters or _NO_PARAMETERS
        if strict:
            return schema.strict_subset(parameters, f"tool {tool.name}")
        if not isinstance(parameters, Mapping) or "object" not in _types_of(parameters):
            raise errors.InvalidRequestError(
                f"The parameters of tool {tool.name} are not a schema of an object. Pass a JSON Schema with "
                "'type': 'object', or leave the parameters out."
            )
        # DeepSeek refuses a schema without a type, and null in place of a list, which tools written in Go have for none
        return {**{name: value for name, value in parameters.items() if value is not None}, "type": "object"}

    # -- content

    def content(self, content: str | tuple[Part, ...]) -> str | list[Json]:
        """Encode content: text alone as a string, which every model accepts; else as parts."""
        if isinstance(content, str):
            return content
        if all(isinstance(part, TextPart) for part in content):
            return "".join(part.text for part in content if isinstance(part, TextPart))
        return [self.part(part) for part in content]

    def part(self, part: Part) -> Json:
        """Encode a part of the content."""
        if isinstance(part, TextPart):
            return {"type": self.text_type, "text": part.text}
        if isinstance(part, ImagePart):
            document = _DOCUMENT.match(part.url)  # never sent as an image, whatever block held it
            return self.file(FilePart(data=part.url, filename=f"file.{document[1]}")) if document else self.image(part)
        if isinstance(part, FilePart):
            data = part.data or ""
            is_image = part.file_id is None and data.startswith("data:image/")
            return self.image(ImagePart(data)) if is_image else self.file(part)
        assert isinstance(part, RawPart)
        return dict(part.data)

    def image(self, part: ImagePart) -> Json:
        """Encode an image."""
        raise NotImplementedError

    def file(self, part: FilePart) -> Json:
        """Encode a file."""
        known = {"file_id": part.file_id, "file_data": part.data, "filename": part.filename}
        return {"type": self.file_type, **{name: value for name, value in known.items() if value is not None}}


def _types_of(parameters: Mapping[str, Any]) -> list[Any]:
    types = parameters.get("type") or "object"
    return types if isinstance(types, list) else [types]


def system_text(message: Message) -> str:
    """Return the text of a system message that is a field of the body.

    Raises:
        InvalidRequestError: if it has an image or a file, which the field cannot hold.
    """
    if isinstance(message.content, str) or all(isinstance(part, TextPart) for part in message.content):
        return message.text
    raise errors.InvalidRequestError(
        "A system message can contain only text here. Move its images and files to a user message."
    )


class ItemEncoder(RequestEncoder[D], ABC):
    """Encodes each turn as a list of items: its record or its reasoning as text, then the text, then the calls."""

    reasoning_types: ClassVar[frozenset[str]]
    """Types of items with reasoning."""

    def turn(self, message: Message) -> list[Json]:
        """Return the items of an assistant message."""
        items, text = self._recorded(message)
        if self.passed_back:
            items[:0] = self.missing_reasoning(items, message)
        if text or not (items or message.tool_calls):
            items.append(self.text_item(text))
        items.extend(self.call(call) for call in message.tool_calls)
        return items

    def _recorded(self, message: Message) -> tuple[list[Json], str]:
        """Return the items of the provider's own record, and the text that follows them."""
        details = reasoning_details.details_for_protocol(message.reasoning, self.dialect.protocol)
        record, text = reasoning_details.restore_items(details, message.text, self.text_of)
        left_out = self.dialect.unread_blocks if self.passed_back else self.dialect.unread_blocks | self.reasoning_types
        return [dict(item) for item in record if item.get("type") not in left_out], text

    @abstractmethod
    def missing_reasoning(self, items: list[Json], message: Message) -> list[Json]:
        """Return the reasoning that is known as text only, or not even that; nothing if the items contain it."""

    @abstractmethod
    def text_of(self, item: Mapping[str, Any]) -> str | None:
        """Return the visible text of an item, None if the item is not text."""

    @abstractmethod
    def text_item(self, text: str) -> Json:
        """Return the item with the visible text."""

    @abstractmethod
    def call(self, call: ToolCall) -> Json:
        """Return the item of a function call."""
