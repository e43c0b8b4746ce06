"""``POST /chat/completions``, in OpenAI's format, which every host of DeepSeek V4 supports. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from deepseek_v4 import errors
from deepseek_v4.protocols import schema
from deepseek_v4.protocols.base import EncodedRequest, Protocol
from deepseek_v4.protocols.chat.decode import ChatStreamDecoder, decode_body
from deepseek_v4.protocols.chat.dialect import ChatDialect
from deepseek_v4.protocols.chat_request import ChatRequest
from deepseek_v4.protocols.decode_context import DecodeContext
from deepseek_v4.protocols.dialect import Dialect
from deepseek_v4.protocols.encode_options import drop, encode_options
from deepseek_v4.protocols.parsing import parse_body
from deepseek_v4.protocols.stream_decoder import StreamDecoder
from deepseek_v4.protocols.tool_names import NO_TOOL_NAMES, ToolNames
from deepseek_v4.values.http import HttpResponse
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
    ToolSpec,
)
from deepseek_v4.values.notes import Note
from deepseek_v4.values.reply import Reply

_NO_PARAMETERS: Json = {"type": "object", "properties": {}}


class ChatCompletions(Protocol):
    """The protocol ``chat_completions``."""

    name = "chat_completions"

    def encode(self, request: ChatRequest, dialect: Dialect, provider: str) -> EncodedRequest:
        """Encode a request as a JSON body; ``messages`` come last, so that a growing history only appends."""
        assert isinstance(dialect, ChatDialect)
        notes: list[Note] = []
        names = NO_TOOL_NAMES
        if request.tools:
            names = ToolNames(tool.name for tool in request.tools if isinstance(tool, ToolSpec))
        body: Json = {"model": request.model}
        body.update(encode_options(request, dialect, provider, notes))
        if request.stream:
            body["stream"] = True
            if request.stream_usage and dialect.asks_for_stream_usage:
                body["stream_options"] = {"include_usage": True}
        if request.response_format is not None:
            body["response_format"] = dict(request.response_format)
        strict = _strict_tools(request, dialect, provider, notes) if request.tools else []
        if request.tools:
            body["tools"] = body.pop("tools", []) + [_tool(tool, names, tool in strict) for tool in request.tools]
            if isinstance(request.tool_choice, NamedTool):
                name = names.to_wire(request.tool_choice.name)
                body["tool_choice"] = {"type": "function", "function": {"name": name}}
            elif request.tool_choice not in (None, "auto"):
                body["tool_choice"] = request.tool_choice
            if dialect.parallel_tool_calls and request.parallel_tool_calls is not None:
                body["parallel_tool_calls"] = request.parallel_tool_calls
        passed_back = bool(request.thinks and request.pass_back)
        messages = _messages(request.messages, dialect, names, passed_back)
        if request.messages[-1].prefix:
            # a prefix is not a past turn: its reasoning belongs to it whatever pass_back is
            messages[-1] = _message(request.messages[-1], dialect, names, request.thinks)
            messages[-1]["prefix"] = True
        headers = dialect.finish_body(body, messages, request, notes)
        if request.extra_body:
            body.update(request.extra_body)
        body["messages"] = messages
        single_call = request.parallel_tool_calls is False and not dialect.parallel_tool_calls
        return EncodedRequest(
            path=self._path(request, dialect, strict=bool(strict)),
            body=body,
            notes=notes,
            context=DecodeContext.of(request, dialect, provider, names, body, strict=strict, single_call=single_call),
            headers=headers,
        )

    def _path(self, request: ChatRequest, dialect: ChatDialect, *, strict: bool) -> str:
        if request.messages[-1].prefix:
            if dialect.prefix_path is None:
                raise errors.UnsupportedError("This provider does not support chat prefix completion.")
            return dialect.prefix_path
        if strict and dialect.strict_path is not None:
            return dialect.strict_path
        return dialect.path

    def decode(self, response: HttpResponse, context: DecodeContext) -> Reply:
        """Decode a complete response."""
        return decode_body(parse_body(response, context.provider), context)

    def stream(self, context: DecodeContext) -> StreamDecoder:
        """Return a decoder for one streamed response."""
        return ChatStreamDecoder(context)


def _strict_tools(request: ChatRequest, dialect: ChatDialect, provider: str, notes: list[Note]) -> list[ToolSpec]:
    """Return the tools whose arguments must follow their schemas.

    Raises:
        InvalidRequestError: for strict and other tools together, if strict calls have their own path.
    """
    functions = [tool for tool in request.tools if isinstance(tool, ToolSpec)]
    strict = [tool for tool in functions if (request.strict_tools if tool.strict is None else tool.strict)]
    if strict and not dialect.strict_tools:
        drop("strict_tools", "this provider does not support strict function calling", request, provider, notes)
        return []
    if strict and len(strict) < len(functions) and dialect.strict_path is not None:
        others = ", ".join(tool.name for tool in functions if tool not in strict)
        raise errors.InvalidRequestError(
            f"This provider requires strict mode for all tools or none. Not strict: {others}."
        )
    return strict


def _tool(tool: ToolSpec | ServerTool, names: ToolNames, strict: bool) -> Json:
    if isinstance(tool, ServerTool):
        return dict(tool.data)
    function: Json = {"name": names.to_wire(tool.name)}
    if tool.description:
        function["description"] = tool.description
    parameters = tool.parameters
    if strict:
        function["strict"] = True
        function["parameters"] = schema.strict_subset(parameters or _NO_PARAMETERS, f"tool {tool.name}")
    elif parameters:
        function["parameters"] = dict(parameters)
    return {"type": "function", "function": function}


def _messages(messages: Sequence[Message], dialect: ChatDialect, names: ToolNames, passed_back: bool) -> list[Json]:
    """Encode the messages; each encoded message is cached on its message, because every turn sends it again."""
    if not names.changes_none:
        return [_message(message, dialect, names, passed_back) for message in messages]
    conversation: list[Json] = []
    for message in messages:
        kept = getattr(message, "kept", None)
        if kept is None or kept[0] is not dialect or kept[1] is not passed_back:
            kept = (dialect, passed_back, _message(message, dialect, names, passed_back))
            object.__setattr__(message, "kept", kept)
        conversation.append(kept[2])
    return conversation


def _message(message: Message, dialect: ChatDialect, names: ToolNames, passed_back: bool) -> Json:
    encoded: Json = {"role": message.role, "content": _content(message.content)}
    if message.role == "assistant":
        if passed_back:
            encoded.update(dialect.encode_reasoning(message.reasoning))
        if message.tool_calls:
            encoded["tool_calls"] = [
                {
                    "id": call.id,
                    "type": "function",
                    "function": {"name": names.to_wire(call.name), "arguments": call.arguments},
                }
                for call in message.tool_calls
            ]
    elif message.role == "tool":
        encoded["tool_call_id"] = message.tool_call_id
    if message.name and message.role != "tool":
        encoded["name"] = message.name
    return encoded


def _content(content: str | tuple[Part, ...]) -> str | list[Json]:
    """Encode content: text alone as a string, which every model accepts; else as parts."""
    if isinstance(content, str):
        return content
    if all(isinstance(part, TextPart) for part in content):
        return "".join(part.text for part in content if isinstance(part, TextPart))
    return [_part(part) for part in content]


def _part(part: Part) -> Json:
    if isinstance(part, TextPart):
        return {"type": "text", "text": part.text}
    if isinstance(part, ImagePart):
        image: Json = {"url": part.url}
        if part.detail:
            image["detail"] = part.detail
        return {"type": "image_url", "image_url": image}
    if isinstance(part, FilePart):
        file: Json = {"type": "file"}
        for key, value in (("file_id", part.file_id), ("file_data", part.data), ("filename", part.filename)):
            if value is not None:
                file[key] = value
        return file
    assert isinstance(part, RawPart)
    return dict(part.data)


CHAT_COMPLETIONS = ChatCompletions()
