"""Typed answers: the words that ask for JSON of a schema, and the second try that shows the model its error.

The words stand where they do not move as the history grows. No I/O: the adapters send.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from deepseek_v4 import schema as schemas
from deepseek_v4 import wire
from deepseek_v4.conversation import Message, TextPart

T = TypeVar("T")

_PLAIN = "Answer with one JSON object and nothing else."
_BY_SCHEMA = (
    "Answer with one JSON object and nothing else: no text around it, no code fence. "
    "It must be an instance of this JSON Schema (not the schema itself):\n"
)
_LONGEST_FAULT = 2000
"""Characters of an error that the model is shown; validators of large answers write pages."""

_MOST_FAULTS = 10
"""Faults of one answer that are told."""


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
    words = _PLAIN if schema is None else _BY_SCHEMA + wire.dumps(schemas.compact(schema)).decode()
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


def read_json(text: str) -> Any:
    """The JSON value of an answer; a code fence around it is taken off.

    Raises:
        ValueError: when there is none.
    """
    bare = text.strip()
    if bare.startswith("```"):
        bare = bare.split("\n", 1)[1] if "\n" in bare else bare[3:]
        bare = bare.rsplit("```", 1)[0]
    return wire.loads(bare)


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


# -- the second try ----------------------------------------------------------------------------------------------------


def is_worth_another_try(finish_reason: str | None, *, called_tools: bool) -> bool:
    """Whether asking again can help.

    Not where the output limit cut the answer, which would cut the next one too; not where moderation stopped it; and
    not where the model called tools, which is a turn of its own and no failed answer.
    """
    return not called_tools and finish_reason not in ("length", "content_filter")


def ask_again(
    messages: Sequence[T], answer: T, fault: str, *, is_empty: bool, from_user: Callable[[str], T]
) -> list[T]:
    """The conversation that shows the model its answer and what was wrong with it.

    The schema is not repeated: it stands where it stood, so that the prompt is the old one with two messages more.

    Args:
        messages: What was sent, in any framework's form. Never changed.
        answer: The answer as it came, reasoning included.
        fault: Why it cannot be used.
        is_empty: Whether the answer had no text; an empty turn is not sent, providers refuse it.
        from_user: Makes a message of the user.
    """
    shown = fault if len(fault) <= _LONGEST_FAULT else f"{fault[:_LONGEST_FAULT]} …"
    said = () if is_empty else (answer,)
    what = "You gave no answer." if is_empty else f"That answer cannot be used. {shown}"
    return [*messages, *said, from_user(f"{what}\nAnswer again: the whole corrected JSON object and nothing else.")]


def in_words(error: ValueError) -> str:
    """A validation error of pydantic 2 or 1 in one line: each place and what is wrong there."""
    told = getattr(error, "errors", None)
    if told is None:
        return str(error)
    faults = [f"{'.'.join(map(str, fault['loc'])) or 'the whole'}: {fault['msg']}" for fault in told()]
    more = f" (and {len(faults) - _MOST_FAULTS} more)" if len(faults) > _MOST_FAULTS else ""
    return "; ".join(faults[:_MOST_FAULTS]) + more


def add_up(one: Any, other: Any) -> Any:
    """Two usage objects of one shape as one: numbers added, objects by key, what only one has kept as it is."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return {**one, **{key: add_up(one[key], value) if key in one else value for key, value in other.items()}}
    if _is_number(one) and _is_number(other):
        return one + other
    return one if other is None else other


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
