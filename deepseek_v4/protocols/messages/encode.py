"""``POST /messages``, in Anthropic's format: blocks, alternating roles, a separate system prompt. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deepseek_v4 import errors
from deepseek_v4.protocols import reasoning_details
from deepseek_v4.protocols.base import EncodedRequest, Protocol
from deepseek_v4.protocols.chat_request import ChatRequest
from deepseek_v4.protocols.decode_context import DecodeContext
from deepseek_v4.protocols.dialect import Dialect
from deepseek_v4.protocols.encode_options import drop, encode_options, put
from deepseek_v4.protocols.messages.decode import MessagesStreamDecoder, read_message
from deepseek_v4.protocols.messages.dialect import MessagesDialect
from deepseek_v4.protocols.parsing import decoding, parse_body
from deepseek_v4.protocols.stream_decoder import StreamDecoder
from deepseek_v4.protocols.tool_names import ToolNames
from deepseek_v4.values import json
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
    ToolCall,
    ToolSpec,
)
from deepseek_v4.values.notes import Note
from deepseek_v4.values.reply import Reply

FILES = "files-api-2025-04-14"
"""Value of ``anthropic-beta`` for files given by id."""

_NO_PARAMETERS: Json = {"type": "object", "properties": {}}
_REASONING = frozenset({"thinking", "redacted_thinking"})


class Messages(Protocol):
    """The protocol ``messages``."""

    name = "messages"

    def encode(self, request: ChatRequest, dialect: Dialect, provider: str) -> EncodedRequest:
        """Encode a request as a JSON body; ``messages`` come last, so that a growing history only appends."""
        assert isinstance(dialect, MessagesDialect)
        if request.messages[-1].prefix:
            raise errors.UnsupportedError(
                "The Messages endpoint does not support prefix completion. Use protocol='chat_completions'."
            )
        notes: list[Note] = []
        names = ToolNames(tool.name for tool in request.tools if isinstance(tool, ToolSpec))
        body: Json = {"model": request.model}
        body.update(encode_options(request, dialect, provider, notes))
        tools: list[Any] = [*body.pop("tools", ())]
        field = dialect.fields.get("max_tokens")
        if field is not None and request.sampling.max_tokens is None:
            largest = dialect.default_max_tokens(request.thinks, request.thinking)
            put(body, field.name, largest)
            notes.append(Note("translated", "max_tokens", f"required here; sent the provider's default {largest}"))
        if request.stream:
            body["stream"] = True
        if any(isinstance(tool, ToolSpec) and (tool.strict or request.strict_tools) for tool in request.tools):
            drop("strict_tools", "this endpoint does not support strict function calling", request, provider, notes)
        tools += [_tool(tool, names) for tool in request.tools]
        if tools:
            body["tools"] = tools
            choice = _choice(request, dialect, names)
            if choice is not None:
                body["tool_choice"] = choice
        history = _History(request, dialect, names, provider, notes)
        if history.system:
            body["system"] = history.system
        headers = {**dialect.headers, **dialect.finish_body(body, history.messages, request, notes)}
        if history.files:
            headers["anthropic-beta"] = FILES
        if request.extra_body:
            body.update(request.extra_body)
        body["messages"] = history.messages
        single_call = request.parallel_tool_calls is False and not dialect.parallel_tool_calls
        context = DecodeContext.of(request, dialect, provider, names, body, single_call=single_call)
        return EncodedRequest(dialect.path, body, notes, context, headers)

    def decode(self, response: HttpResponse, context: DecodeContext) -> Reply:
        """Decode a complete response."""
        builder = context.builder()
        body = parse_body(response, context.provider, context.response_limits.nesting)
        with decoding(body, context.provider):
            read_message(body, builder, context, [])
            return builder.build()

    def stream(self, context: DecodeContext) -> StreamDecoder:
        """Return a decoder for one streamed response."""
        return MessagesStreamDecoder(context)


def _tool(tool: ToolSpec | ServerTool, names: ToolNames) -> Json:
    if isinstance(tool, ServerTool):
        return dict(tool.data)
    encoded: Json = {"name": names.to_wire(tool.name)}
    if tool.description:
        encoded["description"] = tool.description
    encoded["input_schema"] = dict(tool.parameters or _NO_PARAMETERS)
    return encoded


def _choice(request: ChatRequest, dialect: MessagesDialect, names: ToolNames) -> Json | None:
    choice: Json | None = None
    if isinstance(request.tool_choice, NamedTool):
        choice = {"type": "tool", "name": names.to_wire(request.tool_choice.name)}
    elif request.tool_choice == "required":
        choice = {"type": "any"}
    elif request.tool_choice == "none":
        choice = {"type": "none"}
    if request.parallel_tool_calls is False and dialect.parallel_tool_calls:
        choice = choice or {"type": "auto"}
        if choice["type"] != "none":
            choice["disable_parallel_tool_use"] = True
    return choice


class _History:
    """Messages as turns that alternate between user and assistant, and the system prompt."""

    def __init__(
        self, request: ChatRequest, dialect: MessagesDialect, names: ToolNames, provider: str, notes: list[Note]
    ) -> None:
        self.messages: list[Json] = []
        self.system: str | list[Json] = ""
        self.files = False
        """True if a file is given by its id."""
        self._dialect = dialect
        self._names = names
        self._provider = provider
        self._passed_back = request.thinks and request.pass_back
        system = []
        for position, message in enumerate(request.messages):
            if message.role == "system":
                system.append(message.text)
                if position >= len(system):
                    moved = "moved a later system message to the start of the conversation"
                    notes.append(Note("translated", "messages", moved))
            else:
                self._add("assistant" if message.role == "assistant" else "user", self._blocks(message))
        if not self.messages:
            raise errors.InvalidRequestError("The conversation contains only system messages. Add a user message.")
        for turn in self.messages:
            _tidy(turn)
        texts = [text for text in system if text]
        if texts:
            self.system = texts[0] if len(texts) == 1 else [{"type": "text", "text": text} for text in texts]

    def _add(self, role: str, blocks: list[Json]) -> None:
        if self.messages and self.messages[-1]["role"] == role:
            self.messages[-1]["content"].extend(blocks)
        else:
            self.messages.append({"role": role, "content": blocks})

    def _blocks(self, message: Message) -> list[Json]:
        if message.role == "assistant":
            return self._turn(message)
        if message.role == "tool":
            content = message.content if isinstance(message.content, str) else self._parts(message.content)
            return [{"type": "tool_result", "tool_use_id": message.tool_call_id, "content": content}]
        return self._parts(message.content)

    def _turn(self, message: Message) -> list[Json]:
        dialect = self._dialect
        reasoning = message.reasoning
        record, text = reasoning_details.restore_items(
            reasoning_details.details_for_protocol(reasoning, "messages"), message.text, _text_of
        )
        blocks = []
        for block in record:
            encoded = dialect.encode_block(dict(block))
            if encoded is not None and (self._passed_back or block.get("type") not in _REASONING):
                blocks.append(encoded)
        if self._passed_back and not any(block.get("type") in _REASONING for block in blocks):
            blocks[:0] = dialect.encode_reasoning(reasoning.text if reasoning is not None else None)
        if text or not (blocks or message.tool_calls):
            blocks.append({"type": "text", "text": text})
        blocks.extend(self._call(call) for call in message.tool_calls)
        return blocks

    def _call(self, call: ToolCall) -> Json:
        return {
            "type": "tool_use",
            "id": call.id,
            "name": self._names.to_wire(call.name),
            "input": _input(call.arguments),
        }

    def _parts(self, content: str | tuple[Part, ...]) -> list[Json]:
        if isinstance(content, str):
            return [{"type": "text", "text": content}]
        return [self._part(part) for part in content]

    def _part(self, part: Part) -> Json:
        if isinstance(part, TextPart):
            return {"type": "text", "text": part.text}
        if isinstance(part, ImagePart):
            return {"type": "image", "source": _source(part.url)}
        if isinstance(part, FilePart):
            return self._file(part)
        assert isinstance(part, RawPart)
        return dict(part.data)

    def _file(self, part: FilePart) -> Json:
        image = (part.data or "").startswith("data:image/")
        if part.file_id is not None:
            self.files = True
            source: Json = {"type": "file", "file_id": part.file_id}
            image = not self._dialect.documents
        else:
            source = _source(part.data or "")
        if image:
            return {"type": "image", "source": source}
        if not self._dialect.documents:
            raise errors.UnsupportedError(
                f"{self._provider} supports only images as files on the Messages endpoint. Put the file's text into "
                "the message, or use protocol='chat_completions'."
            )
        document: Json = {"type": "document", "source": source}
        if part.filename:
            document["title"] = part.filename
        return document


def _tidy(turn: Json) -> None:
    """Put tool results first, drop empty text blocks, and turn a single text block into a string."""
    blocks = [block for block in turn["content"] if block.get("type") != "text" or block.get("text")]
    if turn["role"] == "user":
        blocks.sort(key=lambda block: block.get("type") != "tool_result")
    if len(blocks) == 1 and blocks[0].keys() == {"type", "text"}:
        turn["content"] = blocks[0]["text"]
    else:
        turn["content"] = blocks or ""


def _text_of(block: Mapping[str, Any]) -> str | None:
    return block.get("text") or "" if block.get("type") == "text" else None


def _input(arguments: str) -> Json:
    """Return the arguments as the required object; invalid ones are sent under Anthropic's key for them.

    https://platform.claude.com/docs/en/agents-and-tools/tool-use/fine-grained-tool-streaming
    """
    try:
        value = json.loads(arguments or "{}")
    except ValueError:
        return {"INVALID_JSON": arguments}
    return value if isinstance(value, dict) else {"INVALID_JSON": arguments}


def _source(url: str) -> Json:
    """Encode a URL; a ``data:`` URL as its media type and its base64 text."""
    if not url.startswith("data:"):
        return {"type": "url", "url": url}
    head, _, data = url[5:].partition(",")
    return {"type": "base64", "media_type": head.split(";")[0] or "image/png", "data": data}


MESSAGES = Messages()
