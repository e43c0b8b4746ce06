"""Typed answers: the words that ask for JSON of a schema, and how the answer is read. No I/O: the adapters send.

The words stand where they do not move as the history grows. What happens to an answer that does not fit stands in
``second_try``.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from deepseek_v4 import schema as schemas
from deepseek_v4 import wire
from deepseek_v4.conversation import Message, TextPart

_PLAIN = "Answer with one JSON object and nothing else."
_BY_SCHEMA = (
    "Answer with one JSON {kind} and nothing else: no text around it, no code fence. "
    "It must be an instance of this JSON Schema (not the schema itself):\n"
)
_OPENED = re.compile(r"(?:^|\n)[ \t]*```[\w+-]*")
"""A code fence, with its language, where it opens."""


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
        kind = "object" if is_of_objects(schema) else "value"
        words = _BY_SCHEMA.format(kind=kind) + wire.dumps(schemas.compact(schema)).decode()
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


def is_of_objects(schema: Mapping[str, Any]) -> bool:
    """Whether a schema allows objects as the whole answer: JSON mode and tool calls know no other."""
    return schema.get("type", "object") == "object" or "object" in schema["type"]


def read_json(text: str) -> Any:
    """The JSON value of an answer. It may stand in a code fence, and words around that fence; not among several.

    Raises:
        ValueError: when there is none.
    """
    bare = text.strip()
    if bare[:1] not in ("{", "["):
        opened = _OPENED.search(bare)
        if opened is not None:
            bare = bare[opened.end() :].rsplit("```", 1)[0]
    return wire.loads_exactly(bare)


def write_json(output: BaseModel) -> str:
    """An answer of a class as compact JSON."""
    try:
        return output.model_dump_json()
    except PydanticSerializationError:  # half of a surrogate pair, which models cut at times: JSON can escape it
        return wire.dumps(output.model_dump(mode="json")).decode()


def fitted(cls: Any, value: Any, *, whole: bool = True) -> Any:
    """A JSON value as an instance of a pydantic class or a dataclass.

    Args:
        cls: The class.
        value: What was read.
        whole: False for a value that is still growing.

    Raises:
        pydantic.ValidationError: when it does not fit.
    """
    adapter: TypeAdapter[Any] = TypeAdapter(cls)
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        if not whole:
            raise
        try:  # a class in strict mode takes a date from JSON, where it is text, and not from a str
            return adapter.validate_json(wire.dumps(value))
        except ValidationError:
            raise error from None
