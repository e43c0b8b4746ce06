"""``POST /responses``: the conversation as a list of items, stateless. Pure.

The server stores nothing (https://api-docs.deepseek.com, reference §9): each request contains all past items. The
calls of a turn must be adjacent and directly followed by their outputs, so the order of a turn is always: reasoning
and other items, text, calls.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

from deepseek_v4.protocols.base import Protocol
from deepseek_v4.protocols.chat_request import ChatRequest
from deepseek_v4.protocols.request_encoder import ItemEncoder, system_text
from deepseek_v4.protocols.responses.decode import ResponsesStreamDecoder
from deepseek_v4.protocols.responses.dialect import ResponsesDialect
from deepseek_v4.values import json
from deepseek_v4.values.json import Json
from deepseek_v4.values.messages import FilePart, ImagePart, Message, ServerTool, ToolCall, ToolSpec
from deepseek_v4.values.notes import Note

_UNREASONED = re.compile(r"(?:call|toolu)_\d+_ET_")
"""The beginning of the call ids in an answer of DeepSeek that has no reasoning."""

BLANK = " "
"""The reasoning text of a turn whose reasoning is empty or not known, if the provider requires a text."""


class ResponsesEncoder(ItemEncoder[ResponsesDialect]):
    """Encodes a request of the protocol ``responses``."""

    history_field = "input"
    text_type = "input_text"
    file_type = "input_file"
    reasoning_types = frozenset({"reasoning"})

    def __init__(self, request: ChatRequest, dialect: ResponsesDialect, provider: str) -> None:
        super().__init__(request, dialect, provider)
        server_tools = [tool.data for tool in request.tools if isinstance(tool, ServerTool)]
        self._custom = frozenset(data.get("name") for data in server_tools if data.get("type") == "custom")
        self._custom_ids: set[str] = set()
        self._text_required = False
        """True if the reasoning of the current turn must have a text."""

    def add_fields(self, body: Json) -> None:
        """Add the field of a stream, and the response format, which is flat here."""
        super().add_fields(body)
        response_format = self.request.response_format
        if response_format is None:
            return
        encoded = dict(response_format)
        if encoded.get("type") == "json_schema" and isinstance(encoded.get("json_schema"), Mapping):
            encoded = {"type": "json_schema", "name": "answer", **encoded["json_schema"]}
            if encoded.get("strict") and not self.dialect.strict_formats:
                text = "sent without strict; the provider enforces the schema"
                self.notes.append(Note("translated", "response_format", text))
                encoded["strict"] = False
        body["text"] = {"format": encoded}

    def function(self, tool: ToolSpec, strict: bool) -> Json:
        """Encode a function; ``strict`` is always sent, because OpenAI's default for a missing field is true."""
        return {
            "type": "function",
            **self.described(tool),
            "parameters": self.parameters(tool, strict),
            "strict": strict,
        }

    def history(self, body: Json) -> list[Json]:
        """Return the items of all messages; a system message at the start is a field of the body."""
        messages = self.request.messages
        if messages[0].role == "system" and len(messages) > 1:
            body["instructions"] = system_text(messages[0])
            messages = messages[1:]
        items: list[Json] = []
        in_tool_turns = _in_tool_turns(messages, with_tools=bool(self.request.tools))
        for message, in_tool_turn in zip(messages, in_tool_turns, strict=True):
            # DeepSeek refuses an empty reasoning text until the next user message (deepseek-recipe 0.2.0), except in an
            # answer that was sent without reasoning
            unreasoned = any(_UNREASONED.match(call.id) for call in message.tool_calls)
            self._text_required = in_tool_turn and self.dialect.empty_reasoning_items and not unreasoned
            items += self._items(message)
        for item in items:
            if item.get("type") == "reasoning":
                # every recorded request omits it, and OpenAI's own endpoint has refused it on these items
                item.pop("status", None)
        return items

    def _items(self, message: Message) -> list[Json]:
        if message.role == "assistant":
            return self.turn(message)
        content = self.content(message.content)
        if message.role == "tool":
            kind = "custom_tool_call_output" if message.tool_call_id in self._custom_ids else "function_call_output"
            return [{"type": kind, "call_id": message.tool_call_id, "output": content}]
        return [{"role": self.role(message), "content": content}]

    def missing_reasoning(self, items: list[Json], message: Message) -> list[Json]:
        """Return an item of the reasoning that is known as text only; nothing if the items contain it."""
        text = (message.reasoning.text if message.reasoning is not None else None) or ""
        if self._text_required:
            text = text or BLANK
        empty = not text and not self.dialect.empty_reasoning_items
        if empty or any(_is_reasoning(item, with_text=self._text_required) for item in items):
            return []
        return [{"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": text}]}]

    def text_of(self, item: Mapping[str, Any]) -> str | None:
        """Return the text of a message item, None for any other."""
        if item.get("type") != "message":
            return None
        parts = item.get("content") or ()
        return "".join(part.get("text") or part.get("refusal") or "" for part in parts if isinstance(part, Mapping))

    def text_item(self, text: str) -> Json:
        """Return the item of the visible text."""
        return {"role": "assistant", "content": text}

    def call(self, call: ToolCall) -> Json:
        """Return the item of a call."""
        if call.name not in self._custom:
            name = self.tool_names.to_wire(call.name)
            return {"type": "function_call", "call_id": call.id, "name": name, "arguments": call.arguments}
        self._custom_ids.add(call.id)
        return {"type": "custom_tool_call", "call_id": call.id, "name": call.name, "input": _input(call.arguments)}

    def file(self, part: FilePart) -> Json:
        """Encode a file; an image by its id is not a file here."""
        if part.image and part.file_id is not None:
            return {"type": "input_image", "file_id": part.file_id}
        return super().file(part)

    def image(self, part: ImagePart) -> Json:
        """Encode an image."""
        image = {"type": "input_image", "image_url": part.url}
        return {**image, "detail": part.detail} if part.detail else image


def _in_tool_turns(messages: Sequence[Message], *, with_tools: bool) -> list[bool]:
    """Return for each message: True if a tool was called between the user messages around it, or can be called next."""
    turns = list(accumulate(message.role == "user" for message in messages))
    called = {turn for turn, message in zip(turns, messages, strict=True) if message.tool_calls}
    if with_tools:
        called.add(turns[-1])
    return [turn in called for turn in turns]


def _is_reasoning(item: Json, *, with_text: bool) -> bool:
    if item.get("type") != "reasoning":
        return False
    parts = item.get("content") or ()
    return not with_text or any(isinstance(part, Mapping) and part.get("text") for part in parts)


def _input(arguments: str) -> str:
    """Return the free text of a custom tool's call, which the package stores as ``{"input": text}``."""
    try:
        value = json.loads(arguments)
    except ValueError:
        return arguments
    return value["input"] if isinstance(value, dict) and isinstance(value.get("input"), str) else arguments


RESPONSES = Protocol("responses", ResponsesEncoder, ResponsesStreamDecoder)
