"""Typed answers: the words that ask for JSON of a schema, and how the answer is read. No I/O: the adapters send.

The words stand where they do not move as the history grows. What happens to an answer that does not fit stands in
``second_try``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from deepseek_v4 import errors
from deepseek_v4.protocols import schema as schemas
from deepseek_v4.protocols.chat_request import ChatRequest
from deepseek_v4.protocols.dialect import Dialect
from deepseek_v4.request import json_mode as structured
from deepseek_v4.values import json
from deepseek_v4.values.messages import Message, TextPart
from deepseek_v4.values.notes import Note

_PLAIN = "Answer with one JSON object and nothing else."
_BY_SCHEMA = (
    "Answer with one JSON {kind} and nothing else: no text around it, no code fence. "
    "It must be an instance of this JSON Schema (not the schema itself):\n"
)


def ask_for_json(
    messages: Sequence[Message], schema: Mapping[str, Any] | None, *, beside_tools: bool = False
) -> tuple[Message, ...]:
    """The conversation with the request for JSON at the end of its leading system message.

    The same schema always gives the same bytes at the same place, so that the provider's prompt cache holds.

    Args:
        messages: The conversation. Never changed.
        schema: What the JSON must be an instance of; None for any object.
        beside_tools: Whether the model may call tools before it answers.
    """
    words = _PLAIN
    if schema is not None:
        kind = "object" if allows_object(schema) else "value"
        words = _BY_SCHEMA.format(kind=kind) + json.dumps(schemas.compact(schema)).decode()
    if beside_tools:
        words = f"Call tools as you need them. When you have what you need: {words}"
    if messages and messages[0].role == "system":
        first = messages[0]
        content: Any
        if isinstance(first.content, str):
            content = f"{first.content}\n\n{words}" if first.content else words
        else:
            content = (*first.content, TextPart(f"\n\n{words}"))
        return (dataclasses.replace(first, content=content), *messages[1:])
    return (Message.system(words), *messages)


def allows_object(schema: Mapping[str, Any]) -> bool:
    """Whether a schema allows objects as the whole answer: JSON mode and tool calls know no other."""
    return schema.get("type", "object") == "object" or "object" in schema["type"]


def apply_json_mode(request: ChatRequest, dialect: Dialect, notes: list[Note]) -> ChatRequest:
    """Say a JSON schema in words where the provider has JSON mode only, and "json" where it wants to read the word."""
    wanted = request.response_format
    if wanted is None:
        return request
    messages = request.messages
    json_mode = dialect.json_object and not messages[-1].prefix  # the two together are refused (deepseek-recipe 0.2.0)
    if wanted.get("type") == "json_schema" and not dialect.json_schema:
        asked = wanted.get("json_schema")
        if not isinstance(asked, Mapping) or not isinstance(asked.get("schema"), Mapping):
            raise errors.InvalidRequestError(
                "response_format json_schema needs {'json_schema': {'name': …, 'schema': {…}}}."
            )
        calls = bool(request.tools) and request.tool_choice != "none"
        messages = structured.ask_for_json(messages, asked["schema"], beside_tools=calls)
        # with tools, the service enforces the format of the calls and not JSON: docs/doubts.md
        by_mode = json_mode and not calls and structured.allows_object(asked["schema"])
        wanted = {"type": "json_object"} if by_mode else None
        mode = "JSON mode with the schema in the prompt" if by_mode else "the schema in the prompt"
        notes.append(Note("translated", "response_format", f"json_schema -> {mode}"))
    elif wanted.get("type") == "json_object" and not json_mode:
        messages = structured.ask_for_json(messages, None)  # nothing else holds the model to it
        wanted = None
        notes.append(Note("translated", "response_format", "json_object -> asked for in the prompt"))
    elif (
        wanted.get("type") == "json_object" and dialect.json_mode_requires_keyword and not _opening_says_json(messages)
    ):
        messages = structured.ask_for_json(messages, None)
        notes.append(Note("repaired", "response_format", "said 'json' in the prompt, which JSON mode demands"))
    if messages is request.messages and wanted is request.response_format:
        return request
    return dataclasses.replace(request, messages=tuple(messages), response_format=wanted)


def _opening_says_json(messages: Sequence[Message]) -> bool:
    """Whether the word stands in what does not change as the history grows: up to the first message of the user."""
    for message in messages:
        if "json" in message.text.lower():
            return True
        if message.role == "user":
            return False
    return False
