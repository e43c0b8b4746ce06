"""What past turns look like when they are sent again: histories that a provider would refuse are mended here.

Every function returns new messages and leaves those it was given as they are. Passing reasoning back is
not a repair: the provider's dialect says how (``encode_reasoning``), and the protocol does it for each message.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from deepseek_v4 import errors
from deepseek_v4.values.messages import ImagePart, Message, TextPart
from deepseek_v4.values.notes import Note

NOT_RUN = "(this call was not run)"
"""The result given to a call that has none, so that the history is whole again."""

_MOVED = Note("repaired", "messages", "moved tool results up behind the calls they answer")


def repair(messages: Sequence[Message]) -> tuple[Sequence[Message], list[Note]]:
    """Mend what a provider would refuse.

    Dangling tool calls get a result that says they were not run; results without a call are dropped; a call id
    used twice is renamed together with its result; results move up behind the calls they answer; assistant turns
    without text and calls are dropped. What there is nothing to mend in comes back as it is, the same object.
    """
    notes: list[Note] = []
    if _is_sound(messages):
        return messages, notes
    messages = _with_late_results(messages, notes)
    mended: list[Message] = []
    seen: set[str] = set()
    position = 0
    while position < len(messages):
        message = messages[position]
        position += 1
        if message.role == "tool":
            notes.append(_orphan(message))
        elif message.role != "assistant":
            mended.append(message)
        elif message.tool_calls:
            results, others, position = _results_after(messages, position, message)
            notes.extend(_orphan(other) for other in others if other.role == "tool")
            overtaken = [other for other in others if other.role != "tool"]
            if overtaken:
                notes.append(_MOVED)
            mended.extend(_settle(message, results, seen, notes))
            mended.extend(overtaken)
        elif _is_empty(message) and not (message.prefix and position == len(messages)):
            notes.append(Note("repaired", "messages", "dropped an assistant turn without text and tool calls"))
        else:
            mended.append(message)
    return mended, notes


def _is_sound(messages: Sequence[Message]) -> bool:
    """Whether there is nothing to mend, in one pass; a history it cannot judge counts as unsound."""
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
    """Results that stand behind a later assistant turn, put behind the turn that called; the others where they were."""
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
    return Note("repaired", "messages", f"dropped the result of {result.tool_call_id}: no such call")


def _results_after(
    messages: Sequence[Message], start: int, asked: Message
) -> tuple[dict[str, list[Message]], list[Message], int]:
    """The results that answer ``asked``, what stood between them, and where the turn ends.

    A result may come late, after a user's or a system's message; those behind the next assistant turn have been moved.
    """
    wanted = {call.id for call in asked.tool_calls}
    results: dict[str, list[Message]] = {}
    end = start
    for offset in range(start, len(messages)):
        message = messages[offset]
        if message.role == "assistant":
            break
        if message.role == "tool" and message.tool_call_id in wanted:
            results.setdefault(message.tool_call_id, []).append(message)
            end = offset + 1
    between = [m for m in messages[start:end] if not (m.role == "tool" and m.tool_call_id in wanted)]
    return results, between, end


def _settle(asked: Message, results: dict[str, list[Message]], seen: set[str], notes: list[Note]) -> list[Message]:
    """An assistant turn with tool calls, each call under an id of its own and followed by one result."""
    calls = []
    answers = []
    for call in asked.tool_calls:
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
            notes.append(Note("repaired", "messages", f"the call {call_id} had no result; said that it was not run"))
            answers.append(Message.tool(NOT_RUN, call_id))
    notes.extend(
        Note("repaired", "messages", f"dropped a second result of {message.tool_call_id}")
        for surplus in results.values()
        for message in surplus
    )
    if calls != list(asked.tool_calls):
        asked = dataclasses.replace(asked, tool_calls=tuple(calls))
    return [asked, *answers]


def _fresh(call_id: str, seen: set[str]) -> str:
    number = 2
    while f"{call_id}_{number}" in seen:
        number += 1
    return f"{call_id}_{number}"


def check(messages: Sequence[Message], *, images: bool, model: str) -> None:
    """Refuse what no repair can mend, before anything is sent.

    Raises:
        InvalidRequestError: for an empty conversation, or an image for a model that is known to read text only.
    """
    if not messages:
        raise errors.InvalidRequestError("The conversation is empty: give at least one message.")
    if images:
        return
    for message in messages:
        if not isinstance(message.content, str) and any(isinstance(part, ImagePart) for part in message.content):
            raise errors.UnsupportedError(
                f"{model} reads text only, and the conversation holds an image. Use a model that reads images, "
                "such as deepseek-flash, or take the image out."
            )
