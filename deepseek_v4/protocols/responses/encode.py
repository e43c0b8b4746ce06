"""``POST /responses``: the conversation as a list of items, stateless. Pure.

The server stores nothing (https://api-docs.deepseek.com, reference §9): each request contains all past items. The
calls of a turn must be adjacent and directly followed by their outputs, so the order of a turn is always: reasoning
and other items, text, calls.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

from deepseek_v4 import errors
from deepseek_v4.protocols import reasoning_details, schema
from deepseek_v4.protocols.base import EncodedRequest, Protocol
from deepseek_v4.protocols.chat_request import ChatRequest
from deepseek_v4.protocols.decode_context import DecodeContext
from deepseek_v4.protocols.dialect import Dialect
from deepseek_v4.protocols.encode_options import drop, encode_options
from deepseek_v4.protocols.parsing import decoding, parse_body
from deepseek_v4.protocols.responses.decode import ResponsesStreamDecoder, read_response
from deepseek_v4.protocols.responses.dialect import ResponsesDialect
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

BLANK = " "
"""The reasoning text of a turn whose reasoning is empty or not known, if the provider requires a text."""

_NO_PARAMETERS: Json = {"type": "object", "properties": {}}


class Responses(Protocol):
    """The protocol ``responses``."""

    name = "responses"

    def encode(self, request: ChatRequest, dialect: Dialect, provider: str) -> EncodedRequest:
        """Encode a request as a JSON body; ``input`` comes last, so that a growing history only appends."""
        assert isinstance(dialect, ResponsesDialect)
        if request.messages[-1].prefix:
            raise errors.UnsupportedError(
                "The Responses endpoint does not support prefix completion. Use protocol='chat_completions'."
            )
        notes: list[Note] = []
        names = ToolNames(tool.name for tool in request.tools if isinstance(tool, ToolSpec))
        body: Json = {"model": request.model}
        body.update(encode_options(_with_top_logprobs(request, notes), dialect, provider, notes))
        tools: list[Any] = [*body.pop("tools", ())]
        if request.stream:
            body["stream"] = True
        if request.response_format is not None:
            body["text"] = {"format": _format(request.response_format, dialect, notes)}
        strict = _strict_tools(request, dialect, provider, notes)
        tools += [_tool(tool, names, tool in strict) for tool in request.tools]
        if tools:
            body["tools"] = tools
            if isinstance(request.tool_choice, NamedTool):
                body["tool_choice"] = {"type": "function", "name": names.to_wire(request.tool_choice.name)}
            elif request.tool_choice not in (None, "auto"):
                body["tool_choice"] = request.tool_choice
            if dialect.parallel_tool_calls and request.parallel_tool_calls is not None:
                body["parallel_tool_calls"] = request.parallel_tool_calls
        messages = request.messages
        if messages[0].role == "system" and len(messages) > 1:
            body["instructions"] = messages[0].text
            messages = messages[1:]
        history = _History(request, dialect, names)
        called = _in_tool_turns(messages)
        items = [
            item for message, tools in zip(messages, called, strict=True) for item in history.items(message, tools)
        ]
        headers = dialect.finish_body(body, items, request, notes)
        if request.extra_body:
            body.update(request.extra_body)
        body["input"] = items
        single_call = request.parallel_tool_calls is False and not dialect.parallel_tool_calls
        context = DecodeContext.of(request, dialect, provider, names, body, strict=strict, single_call=single_call)
        return EncodedRequest(dialect.path, body, notes, context, headers)

    def decode(self, response: HttpResponse, context: DecodeContext) -> Reply:
        """Decode a complete response."""
        builder = context.builder()
        body = parse_body(response, context.provider, context.response_limits.nesting)
        with decoding(body, context.provider):
            read_response(body, builder, context, [])
            return builder.build()

    def stream(self, context: DecodeContext) -> StreamDecoder:
        """Return a decoder for one streamed response."""
        return ResponsesStreamDecoder(context)


def _with_top_logprobs(request: ChatRequest, notes: list[Note]) -> ChatRequest:
    """Return the request with ``top_logprobs`` only: this endpoint sends log probabilities if it is above 0."""
    sampling = request.sampling
    if sampling.logprobs is None:
        return request
    if sampling.logprobs is False and sampling.top_logprobs is not None:
        raise errors.InvalidRequestError("top_logprobs requires logprobs. Leave logprobs unset, or set it to True.")
    number = sampling.top_logprobs
    if sampling.logprobs and number is None:
        notes.append(Note("translated", "logprobs", "sent as top_logprobs=1"))
        number = 1
    return dataclasses.replace(request, sampling=sampling._replace(logprobs=None, top_logprobs=number))


def _format(response_format: Mapping[str, Any], dialect: ResponsesDialect, notes: list[Note]) -> Json:
    """Encode chat's ``response_format`` in this endpoint's flat format."""
    json_schema = response_format.get("json_schema")
    if response_format.get("type") != "json_schema" or not isinstance(json_schema, Mapping):
        return dict(response_format)
    encoded = {"type": "json_schema", "name": "answer", **json_schema}
    if encoded.get("strict") and not dialect.strict_formats:
        notes.append(Note("translated", "response_format", "sent without strict; the provider enforces the schema"))
        encoded["strict"] = False
    return encoded


def _strict_tools(request: ChatRequest, dialect: ResponsesDialect, provider: str, notes: list[Note]) -> list[ToolSpec]:
    """Return the tools whose arguments must follow their schemas."""
    functions = [tool for tool in request.tools if isinstance(tool, ToolSpec)]
    strict = [tool for tool in functions if (request.strict_tools if tool.strict is None else tool.strict)]
    if strict and not dialect.strict_tools:
        drop("strict_tools", "this endpoint does not support strict function calling", request, provider, notes)
        return []
    return strict


def _tool(tool: ToolSpec | ServerTool, names: ToolNames, strict: bool) -> Json:
    if isinstance(tool, ServerTool):
        return dict(tool.data)
    encoded: Json = {"type": "function", "name": names.to_wire(tool.name)}
    if tool.description:
        encoded["description"] = tool.description
    parameters = dict(tool.parameters or _NO_PARAMETERS)
    encoded["parameters"] = schema.strict_subset(parameters, f"tool {tool.name}") if strict else parameters
    # always sent: OpenAI's default for a missing field is true
    encoded["strict"] = strict
    return encoded


def _in_tool_turns(messages: Sequence[Message]) -> list[bool]:
    """Return for each message: True if a tool was called between the user messages around it."""
    turns = list(accumulate(message.role == "user" for message in messages))
    called = {turn for turn, message in zip(turns, messages, strict=True) if message.tool_calls}
    return [turn in called for turn in turns]


class _History:
    """Encodes messages as items."""

    def __init__(self, request: ChatRequest, dialect: ResponsesDialect, names: ToolNames) -> None:
        self._dialect = dialect
        self._names = names
        self._passed_back = request.thinks and request.pass_back
        self._custom = frozenset(
            tool.data.get("name")
            for tool in request.tools
            if isinstance(tool, ServerTool) and tool.data.get("type") == "custom"
        )
        self._custom_ids: set[str] = set()

    def items(self, message: Message, in_tool_turn: bool) -> list[Json]:
        """Return the items of one message."""
        if message.role == "assistant":
            return self._turn(message, in_tool_turn)
        if message.role == "tool":
            kind = "custom_tool_call_output" if message.tool_call_id in self._custom_ids else "function_call_output"
            return [{"type": kind, "call_id": message.tool_call_id, "output": _content(message.content)}]
        return [{"role": message.role, "content": _content(message.content)}]

    def _turn(self, message: Message, in_tool_turn: bool) -> list[Json]:
        items, text = self._before(message, in_tool_turn)
        if text or not (items or message.tool_calls):
            items.append({"role": "assistant", "content": text})
        items.extend(self._call(call) for call in message.tool_calls)
        return items

    def _before(self, message: Message, in_tool_turn: bool) -> tuple[list[Json], str]:
        """Return the record of a turn, or its reasoning as text, and the text that follows it."""
        dialect = self._dialect
        reasoning = message.reasoning
        record, text = reasoning_details.restore_items(
            reasoning_details.details_for_protocol(reasoning, "responses"), message.text, _text_of
        )
        items = []
        for item in record:
            encoded = dialect.encode_item(dict(item))
            if encoded is not None and (self._passed_back or item.get("type") != "reasoning"):
                items.append(encoded)
        if self._passed_back:
            required = in_tool_turn and dialect.demands_reasoning_text(message)
            if not any(_is_reasoning(item, with_text=required) for item in items):
                known = reasoning.text if reasoning is not None else None
                items[:0] = dialect.encode_reasoning(known or BLANK if required else known)
        return items, text

    def _call(self, call: ToolCall) -> Json:
        name = self._names.to_wire(call.name)
        if call.name not in self._custom:
            return {"type": "function_call", "call_id": call.id, "name": name, "arguments": call.arguments}
        self._custom_ids.add(call.id)
        return {"type": "custom_tool_call", "call_id": call.id, "name": call.name, "input": _input(call.arguments)}


def _is_reasoning(item: Json, *, with_text: bool) -> bool:
    if item.get("type") != "reasoning":
        return False
    parts = item.get("content") or ()
    return not with_text or any(isinstance(part, Mapping) and part.get("text") for part in parts)


def _text_of(item: Mapping[str, Any]) -> str | None:
    if item.get("type") != "message":
        return None
    parts = item.get("content") or ()
    return "".join(part.get("text") or part.get("refusal") or "" for part in parts if isinstance(part, Mapping))


def _input(arguments: str) -> str:
    """Return the free text of a custom tool's call, which the package stores as ``{"input": text}``."""
    try:
        value = json.loads(arguments)
    except ValueError:
        return arguments
    return value["input"] if isinstance(value, dict) and isinstance(value.get("input"), str) else arguments


def _content(content: str | tuple[Part, ...]) -> str | list[Json]:
    """Encode content: text alone as a string, else as parts."""
    if isinstance(content, str):
        return content
    if all(isinstance(part, TextPart) for part in content):
        return "".join(part.text for part in content if isinstance(part, TextPart))
    return [_part(part) for part in content]


def _part(part: Part) -> Json:
    if isinstance(part, TextPart):
        return {"type": "input_text", "text": part.text}
    if isinstance(part, ImagePart):
        image: Json = {"type": "input_image", "image_url": part.url}
        if part.detail:
            image["detail"] = part.detail
        return image
    if isinstance(part, FilePart):
        file: Json = {"type": "input_file"}
        for key, value in (("file_id", part.file_id), ("file_data", part.data), ("filename", part.filename)):
            if value is not None:
                file[key] = value
        return file
    assert isinstance(part, RawPart)
    return dict(part.data)


RESPONSES = Responses()
