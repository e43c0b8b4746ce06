"""Message histories: checked, and repaired if a provider would reject them.

No function changes the messages that are passed to it. Sending reasoning back is not a repair: the provider's dialect
defines how (``encode_reasoning``), and the protocol encodes it for each message.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from types import NoneType
from typing import get_args

from deepseek_v4 import errors
from deepseek_v4.values.messages import ImagePart, Message, Part, TextPart
from deepseek_v4.values.notes import Note

PARTS = get_args(Part)

NOT_RUN = "(This tool call was not executed.)"
"""The result that is added to a tool call without one."""

_MOVED = Note("repaired", "messages", "moved tool results directly after their tool calls")


def repair(messages: Sequence[Message]) -> tuple[Sequence[Message], list[Note]]:
    """Repair a history that a provider would reject.

    Tool calls without a result get one stating that they were not executed; results without a call are removed; a call
    id that is used twice is renamed together with its result; results are moved directly after their calls; assistant
    messages without text and calls are removed. A valid history is returned unchanged, as the same object.
    """
    notes: list[Note] = []
    if _is_sound(messages):
        return messages, notes
    messages = _with_late_results(messages, notes)
    repaired: list[Message] = []
    seen: set[str] = set()
    position = 0
    while position < len(messages):
        message = messages[position]
        position += 1
        if message.role == "tool":
            notes.append(_orphan(message))
        elif message.role != "assistant":
            repaired.append(message)
        elif message.tool_calls:
            results, others, position = _results_after(messages, position, message)
            notes.extend(_orphan(other) for other in others if other.role == "tool")
            moved_after = [other for other in others if other.role != "tool"]
            if moved_after:
                notes.append(_MOVED)
            repaired.extend(_settle(message, results, seen, notes))
            repaired.extend(moved_after)
        elif _is_empty(message) and not (message.prefix and position == len(messages)):
            notes.append(Note("repaired", "messages", "removed an assistant message with no text and no tool calls"))
        else:
            repaired.append(message)
    return repaired, notes


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


def _with_late_results(messages: Sequence[Message], notes: list[Note]) -> Sequence[Message]:
    """Move results from after a later assistant message to the message with their call; leave the others in place."""
    turn_of: dict[str, int] = {}
    answered: set[str] = set()
    late: dict[int, list[Message]] = {}
    kept: list[tuple[int, Message]] = []
    last = -1
    for place, message in enumerate(messages):
        if message.role == "assistant":
            last = place
            for call in message.tool_calls:
                turn_of[call.id] = place
                answered.discard(call.id)
        elif message.role == "tool" and message.tool_call_id not in answered:
            called = turn_of.get(message.tool_call_id or "")
            if called is not None:
                answered.add(message.tool_call_id or "")
                if called != last:
                    late.setdefault(called, []).append(message)
                    continue
        kept.append((place, message))
    if not late:
        return messages
    notes.append(_MOVED)
    return [one for place, message in kept for one in (message, *late.get(place, ()))]


def _is_empty(message: Message) -> bool:
    if isinstance(message.content, str):
        return not message.content
    return all(isinstance(part, TextPart) and not part.text for part in message.content)


def _orphan(result: Message) -> Note:
    return Note(
        "repaired", "messages", f"removed the result of {result.tool_call_id}: the history has no such tool call"
    )


def _results_after(
    messages: Sequence[Message], start: int, caller: Message
) -> tuple[dict[str, list[Message]], list[Message], int]:
    """Return the results of the calls in ``caller``, the messages between them, and the position after the last one.

    A result may come late, after a user or system message; results after the next assistant message were moved before.
    """
    ids = {call.id for call in caller.tool_calls}
    results: dict[str, list[Message]] = {}
    end = start
    for offset in range(start, len(messages)):
        message = messages[offset]
        if message.role == "assistant":
            break
        if message.role == "tool" and message.tool_call_id in ids:
            results.setdefault(message.tool_call_id, []).append(message)
            end = offset + 1
    between = [m for m in messages[start:end] if not (m.role == "tool" and m.tool_call_id in ids)]
    return results, between, end


def _settle(caller: Message, results: dict[str, list[Message]], seen: set[str], notes: list[Note]) -> list[Message]:
    """Return an assistant message whose tool calls have unique ids, followed by one result for each call."""
    calls = []
    answers = []
    for call in caller.tool_calls:
        call_id = call.id
        if not call_id or call_id in seen:
            call_id = _fresh(call.id or "call", seen)
            notes.append(Note("repaired", "messages", f"renamed a tool call {call.id!r} to {call_id!r}: not unique"))
        seen.add(call_id)
        calls.append(call if call_id == call.id else dataclasses.replace(call, id=call_id))
        waiting = results.get(call.id)
        if waiting:
            answer = waiting.pop(0)
            answers.append(
                answer if answer.tool_call_id == call_id else dataclasses.replace(answer, tool_call_id=call_id)
            )
        else:
            why = f"tool call {call_id} had no result; added one saying that it was not run"
            notes.append(Note("repaired", "messages", why))
            answers.append(Message.tool(NOT_RUN, call_id))
    notes.extend(
        Note("repaired", "messages", f"removed a second result of {message.tool_call_id}")
        for surplus in results.values()
        for message in surplus
    )
    if calls != list(caller.tool_calls):
        caller = dataclasses.replace(caller, tool_calls=tuple(calls))
    return [caller, *answers]


def _fresh(call_id: str, seen: set[str]) -> str:
    number = 2
    while f"{call_id}_{number}" in seen:
        number += 1
    return f"{call_id}_{number}"


def check(messages: Sequence[Message], *, images: bool, model: str) -> None:
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
            raise errors.UnsupportedError(
                f"{model} accepts text only, and the conversation contains an image. Use a model that accepts images, "
                "such as deepseek-flash, or remove the image."
            )
