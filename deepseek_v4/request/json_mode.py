"""JSON mode and JSON schemas: what the provider supports is sent, the rest becomes an instruction in the prompt.

The instruction keeps its position as the history grows. ``recovery`` handles answers that do not match the schema.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from deepseek_v4 import errors
from deepseek_v4.protocols import schema as schemas
from deepseek_v4.protocols.chat_request import ChatRequest
from deepseek_v4.protocols.dialect import Dialect
from deepseek_v4.values import json
from deepseek_v4.values.messages import Message, TextPart
from deepseek_v4.values.notes import Note

_PLAIN = "Answer with one JSON object and nothing else."
_BY_SCHEMA = (
    "Answer with one JSON {kind} and nothing else. Do not add text, a code fence or the schema. "
    "The {kind} must match this JSON Schema:\n"
)


def ask_for_json(
    messages: Sequence[Message], schema: Mapping[str, Any] | None, *, with_tools: bool = False
) -> tuple[Message, ...]:
    """Append the instruction for JSON to the leading system message.

    The same schema always gives the same bytes at the same position, so that the provider's prompt cache is used.

    Args:
        messages: The conversation. Never changed.
        schema: The schema of the JSON value; None for any object.
        with_tools: True if the model may call tools before it answers.
    """
    instruction = _PLAIN
    if schema is not None:
        kind = "object" if allows_object(schema) else "value"
        instruction = _BY_SCHEMA.format(kind=kind) + json.dumps(schemas.compact(schema)).decode()
    if with_tools:
        instruction = f"Call tools as needed. When you are ready to answer: {instruction}"
    if messages and messages[0].role == "system":
        first = messages[0]
        content: Any
        if isinstance(first.content, str):
            content = f"{first.content}\n\n{instruction}" if first.content else instruction
        else:
            content = (*first.content, TextPart(f"\n\n{instruction}"))
        return (dataclasses.replace(first, content=content), *messages[1:])
    return (Message.system(instruction), *messages)


def allows_object(schema: Mapping[str, Any], definitions: Mapping[str, Any] | None = None) -> bool:
    """Return True if a schema allows an object at its root, which JSON mode and tool calls require.

    Args:
        schema: The schema.
        definitions: What its references may refer to; by default its own definitions.
    """
    if "type" in schema:
        return "object" in schema["type"]
    known = schema.get("$defs", {}) if definitions is None else definitions
    name = str(schema.get("$ref")).rpartition("/")[2]
    if name in known:
        return allows_object(known[name], {other: known[other] for other in known if other != name})
    choices = schema.get("anyOf") or schema.get("oneOf")
    return not choices or any(allows_object(choice, known) for choice in choices)


def apply_json_mode(request: ChatRequest, dialect: Dialect, notes: list[Note]) -> ChatRequest:
    """Put a JSON schema that the provider does not support into the prompt, and the word "json" if it is required."""
    response_format = request.response_format
    if response_format is None:
        return request
    messages = request.messages
    calls = bool(request.tools) and request.tool_choice != "none"
    accepted = dialect.json_with_tools and (dialect.json_with_strict_tools or not request.strict_functions())
    native = accepted or not calls
    # with a prefix the combination is rejected (deepseek-recipe 0.2.0)
    json_mode = dialect.json_object and native and not messages[-1].prefix
    if response_format.get("type") == "json_schema" and not (dialect.json_schema and native):
        named = response_format.get("json_schema")
        if not isinstance(named, Mapping) or not isinstance(named.get("schema"), Mapping):
            raise errors.InvalidRequestError(
                "Invalid response_format. Pass {'type': 'json_schema', 'json_schema': {'name': …, 'schema': {…}}}."
            )
        messages = ask_for_json(messages, named["schema"], with_tools=calls)
        # with tools, the service enforces the format of the calls and not JSON: docs/doubts.md
        by_mode = json_mode and not calls and allows_object(named["schema"])
        response_format = {"type": "json_object"} if by_mode else None
        mode = "JSON mode with the schema in the prompt" if by_mode else "the schema in the prompt"
        notes.append(Note("translated", "response_format", f"json_schema -> {mode}"))
    elif response_format.get("type") == "json_object" and not json_mode:
        messages = ask_for_json(messages, None, with_tools=calls)  # nothing else makes the model write JSON
        response_format = None
        notes.append(Note("translated", "response_format", "json_object -> an instruction in the prompt"))
    elif (
        response_format.get("type") == "json_object"
        and dialect.json_mode_requires_keyword
        and not _opening_has_keyword(messages)
    ):
        messages = ask_for_json(messages, None)
        notes.append(Note("repaired", "response_format", "added the word 'json' to the prompt, as JSON mode requires"))
    if messages is request.messages and response_format is request.response_format:
        return request
    return dataclasses.replace(request, messages=tuple(messages), response_format=response_format)


def _opening_has_keyword(messages: Sequence[Message]) -> bool:
    """Return True if a message up to the first user message contains "json": these stay as the history grows."""
    end = next((number for number, message in enumerate(messages, 1) if message.role == "user"), None)
    return any("json" in message.text.lower() for message in messages[:end])
