"""Message histories: checked, and repaired if a provider would reject them.

No function changes the messages that are passed to it. Sending reasoning back is not a repair: the provider's dialect
defines how (``encode_reasoning``), and the protocol encodes it for each message.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import NoneType
from typing import Any, TypeVar, get_args

from deepseek_v4 import catalog, errors
from deepseek_v4.values.messages import ImagePart, Message, Part, ServerTool, TextPart, ToolCall, ToolSpec
from deepseek_v4.values.notes import Note

Value = TypeVar("Value", Message, ToolCall)

PARTS = get_args(Part)

NOT_RUN = "(This tool call was not executed.)"
"""The result that is added to a tool call without one."""

CONTINUE = Message.user("Continue.")
"""The message that is added after an answer if the provider requires another one there. It is not the user's."""

_MOVED = Note("repaired", "messages", "moved tool results directly after their tool calls")


def repair(messages: Sequence[Message], *, ends_with_answer: bool = True) -> tuple[Sequence[Message], list[Note]]:
    """Repair a history that a provider would reject.

    Tool calls without a result get one stating that they were not executed; results without a call are removed; a call
    id that is used twice is renamed together with its result; results are moved directly after their calls; assistant
    messages without text and calls are removed. A valid history is returned unchanged, as the same object.

    Args:
        messages: The history.
        ends_with_answer: False if a user message must follow an answer at the end, such as that of another agent.
    """
    notes: list[Note] = []
    sound = messages if _is_sound(messages) else _repaired(messages, notes)
    if ends_with_answer or not sound or (last := sound[-1]).role != "assistant" or last.prefix:
        return sound, notes
    why = f"added a user message {CONTINUE.text!r} after the last answer; prefix=True continues the answer instead"
    notes.append(Note("repaired", "messages", why))
    return [*sound, CONTINUE], notes


def _repaired(messages: Sequence[Message], notes: list[Note]) -> list[Message]:
    others, results = _separate(messages, notes)
    repaired: list[Message] = []
    seen: set[str] = set()
    for place, message in others:
        if message.role == "tool":
            why = f"removed the result of {message.tool_call_id}: the history has no such tool call"
            notes.append(Note("repaired", "messages", why))
        elif message.tool_calls:
            repaired.extend(_settle(message, results.get(place, {}), seen, notes))
        elif message.role == "assistant" and _is_empty(message) and not (message.prefix and place == others[-1][0]):
            notes.append(Note("repaired", "messages", "removed an assistant message with no text and no tool calls"))
        else:
            repaired.append(message)
    return repaired


def check_types(messages: Sequence[Message]) -> None:
    """Check the types of the fields of messages that could not be sent.

    Raises:
        InvalidRequestError: for the first field of a wrong type; names the message.
    """
    for position, message in enumerate(messages):
        wrong = next(_wrong_fields(message), None)
        if wrong is not None:
            raise errors.InvalidRequestError(
                f"Message {position} ({message.role}) is invalid: {wrong}. Correct the message, or leave it out."
            )


def _wrong_fields(message: Message) -> Iterator[str]:
    content = message.content
    if not isinstance(content, str) and not (isinstance(content, tuple) and all(isinstance(p, PARTS) for p in content)):
        yield f"its content must be text or a tuple of parts, not {type(content).__name__}"
    if not isinstance(message.tool_call_id, (str, NoneType)):
        yield f"its tool_call_id must be text, not {type(message.tool_call_id).__name__}"
    for call in message.tool_calls:
        for field in ("id", "name", "arguments"):
            value = getattr(call, field)
            if not isinstance(value, str):
                yield f"the {field} of a tool call must be text, not {type(value).__name__}"
    reasoning = message.reasoning
    if reasoning is not None:
        if not isinstance(reasoning.text, (str, NoneType)):
            yield f"its reasoning text must be text, not {type(reasoning.text).__name__}"
        details = reasoning.details
        if details is not None and not (isinstance(details, tuple) and all(isinstance(d, Mapping) for d in details)):
            yield "its reasoning details must be a tuple of objects"


def _is_sound(messages: Sequence[Message]) -> bool:
    """Return True if there is nothing to repair, in one pass; False also if one pass is not enough to decide."""
    called: list[str] = []
    waiting: list[str] = []
    for message in messages:
        role = message.role
        if role == "tool":
            if not waiting or waiting.pop() != message.tool_call_id:
                return False
        elif waiting:
            return False
        elif role == "assistant":
            if message.tool_calls:
                waiting = [call.id for call in message.tool_calls]
                called += waiting
                waiting.reverse()
            elif not (isinstance(message.content, str) and message.content):
                return False
    return not waiting and "" not in called and len(set(called)) == len(called)


def _separate(
    messages: Sequence[Message], notes: list[Note]
) -> tuple[list[tuple[int, Message]], dict[int, dict[str, list[Message]]]]:
    """Separate the results of tool calls from all other messages.

    A result may come late: it belongs to the last message before it that has its tool call.

    Returns:
        The other messages with their places; and place of the message with the calls -> call id -> its results.
    """
    others: list[tuple[int, Message]] = []
    results: dict[int, dict[str, list[Message]]] = {}
    place_of: dict[str | None, int] = {}
    last = -1
    for place, message in enumerate(messages):
        called = place_of.get(message.tool_call_id) if message.role == "tool" else None
        if called is not None:
            results.setdefault(called, {}).setdefault(message.tool_call_id or "", []).append(message)
            if called != last and _MOVED not in notes:
                notes.append(_MOVED)
            continue
        others.append((place, message))
        if message.role != "tool":
            last = place
        place_of.update((call.id, place) for call in message.tool_calls)
    return others, results


def _is_empty(message: Message) -> bool:
    if isinstance(message.content, str):
        return not message.content
    return all(isinstance(part, TextPart) and not part.text for part in message.content)


def _settle(caller: Message, results: dict[str, list[Message]], seen: set[str], notes: list[Note]) -> list[Message]:
    """Return an assistant message whose tool calls have unique ids, followed by one result for each call."""
    calls = []
    answers = []
    for call in caller.tool_calls:
        call_id = call.id
        if not call_id or call_id in seen:
            call_id = _unused_id(call.id or "call", seen)
            notes.append(Note("repaired", "messages", f"renamed a tool call {call.id!r} to {call_id!r}: not unique"))
        seen.add(call_id)
        calls.append(_with(call, id=call_id))
        waiting = results.get(call.id)
        if waiting:
            answers.append(_with(waiting.pop(0), tool_call_id=call_id))
        else:
            why = f"tool call {call_id} had no result; added one stating that it was not executed"
            notes.append(Note("repaired", "messages", why))
            answers.append(Message.tool(NOT_RUN, call_id))
    notes.extend(
        Note("repaired", "messages", f"removed a second result of {message.tool_call_id}")
        for surplus in results.values()
        for message in surplus
    )
    return [_with(caller, tool_calls=tuple(calls)), *answers]


def _with(value: Value, **field: Any) -> Value:
    """Return a value with another field; the same object if it is equal, so that its cached encoding is found."""
    return value if all(getattr(value, name) == new for name, new in field.items()) else replace(value, **field)


def _unused_id(call_id: str, seen: set[str]) -> str:
    return next(name for number in itertools.count(2) if (name := f"{call_id}_{number}") not in seen)


_LEFT_OUT = {
    "cache_control": "DeepSeek V4 caches the beginning of a prompt by itself",
    "redacted_thinking": "only the provider that made it can read it",
}
"""Parts of messages and tools that are left out -> the reason."""


def left_out(
    messages: Sequence[Message], tools: Sequence[ToolSpec | ServerTool], unread_blocks: frozenset[str]
) -> list[Note]:
    """Return a note for each kind of content that is not sent."""
    names: dict[str, None] = {}
    for tool in tools:
        if isinstance(tool, ToolSpec):
            names.update(dict.fromkeys(tool.left_out))
    for message in messages:
        if message.left_out:
            names.update(dict.fromkeys(message.left_out))
        reasoning = message.reasoning
        if reasoning is not None and reasoning.details:
            names.update((kind, None) for detail in reasoning.details if (kind := detail.get("type")) in unread_blocks)
    return [Note("dropped", name, _LEFT_OUT.get(name, "the provider does not read it")) for name in names]


def check(messages: Sequence[Message], *, images: bool, model: str, provider: str) -> None:
    """Raise for a history that cannot be repaired, before anything is sent.

    Raises:
        InvalidRequestError: for an empty conversation, or an image for a model that is known to accept text only.
    """
    if not messages:
        raise errors.InvalidRequestError("The conversation is empty. Pass at least one message.")
    if images:
        return
    for message in messages:
        if not isinstance(message.content, str) and any(isinstance(part, ImagePart) for part in message.content):
            able = next((facts.id for facts in catalog.models(provider) if facts.images and not facts.retired), None)
            raise errors.UnsupportedError(
                f"{model} accepts text only, and the conversation contains an image. Use a model that accepts images"
                f"{f', such as {able}' if able else ''}, or remove the image."
            )
