"""The second try at an answer that cannot be used: when it is worth one, and what the model is shown. No I/O.

It knows no framework: whoever sends hands over how its messages are made. The adapters do, where an answer is to be of
a class; ``answer_watch`` does for every other whole answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from deepseek_v4.conversation import Message

__all__ = ["FIRST_FAULT", "add_up", "ask_again", "in_words", "is_worth_another_try", "was_retried"]

T = TypeVar("T")

FIRST_FAULT = "first_try_error"
"""Where an answer tells why the one before it could not be used: a key of ``Reply.extra`` and of both frameworks' own
metadata."""

_LONGEST_FAULT = 2000
"""Characters of an error that the model is shown; validators of large answers write pages."""

_MOST_FAULTS = 10
"""Faults of one answer that are told."""


def is_worth_another_try(finish_reason: str | None, *, called_tools: bool) -> bool:
    """Whether asking again can help.

    Only where the answer ended by itself: the output limit would cut the next one too, moderation would stop it, and an
    answer with a finish reason of the server's own is returned as it is. And not where the model called tools of its
    own accord, which is a turn of its own and no failed answer.
    """
    return not called_tools and finish_reason in ("stop", "tool_calls", None)


def was_retried(messages: Sequence[Message]) -> bool:
    """True if an answer since the last user message came of a second try.

    Such a turn gets no other: an agent whose model is asked again and then calls tools would not end. A user message
    directly after a tool result does not begin a turn, because images and files of the result are sent as one.
    """
    for place in range(len(messages) - 1, -1, -1):
        if messages[place].retried:
            return True
        if messages[place].role == "user" and (place == 0 or messages[place - 1].role != "tool"):
            return False
    return False


def ask_again(
    messages: Sequence[T],
    answer: T,
    fault: str,
    *,
    is_empty: bool,
    from_user: Callable[[str], T],
    from_tool: Callable[[str, str], T] | None = None,
    calls: Sequence[str] = (),
) -> list[T]:
    """The conversation that shows the model its answer and what was wrong with it.

    What was asked for is not repeated: it stands where it stood, so that the prompt is the old one with messages more.

    Args:
        messages: What was sent, in any framework's form. Never changed.
        answer: The answer as it came, reasoning included.
        fault: Why it cannot be used.
        is_empty: Whether the answer had neither text nor call; an empty turn is not sent, providers refuse it.
        from_user: Makes a message of the user.
        from_tool: Makes the result of a call, of its text and the call's id; given where the answer is a tool call.
        calls: The ids of the answer's calls, in its order. Each gets a result, as providers demand.
    """
    shown = fault if len(fault) <= _LONGEST_FAULT else f"{fault[:_LONGEST_FAULT]} …"
    if from_tool is not None:
        if calls:
            words = f"This call cannot be used, and nothing was run. {shown}\nCall again, all arguments corrected."
            return [*messages, answer, *(from_tool(words, call_id) for call_id in calls)]
        wanted = "Make the tool call, and do not answer in text."
    else:
        wanted = "Answer again: the whole corrected JSON and nothing else."
    said = () if is_empty else (answer,)
    what = "You gave no answer." if is_empty else f"That answer cannot be used. {shown}"
    return [*messages, *said, from_user(f"{what}\n{wanted}")]


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
