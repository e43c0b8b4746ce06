"""What the model is shown of an answer that cannot be used, and when another one is worth a request. No I/O.

It imports no framework: the caller passes how its messages are made.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

__all__ = ["format_validation_error", "is_retryable_answer", "retry_messages"]

T = TypeVar("T")

_LONGEST_FAULT = 2000
"""Characters of an error that the model is shown; validators of large answers write pages."""

_MOST_FAULTS = 10
"""Faults of one answer that are told."""


def is_retryable_answer(finish_reason: str | None, *, called_tools: bool = False) -> bool:
    """Whether asking again can help.

    Only where the answer ended by itself: the output limit would cut the next one too, moderation would stop it, and an
    answer with a finish reason of the server's own is returned as it is. And not where the model called tools of its
    own accord, which is a turn of its own and no failed answer.
    """
    return not called_tools and finish_reason in ("stop", "tool_calls", None)


def retry_messages(
    messages: Sequence[T],
    answer: T,
    problem: str,
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
        problem: Why it cannot be used.
        is_empty: Whether the answer had neither text nor call; an empty turn is not sent, providers refuse it.
        from_user: Makes a message of the user.
        from_tool: Makes the result of a call, of its text and the call's id; given where the answer is a tool call.
        calls: The ids of the answer's calls, in its order. Each gets a result, as providers demand.
    """
    shown = problem if len(problem) <= _LONGEST_FAULT else f"{problem[:_LONGEST_FAULT]} …"
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


def format_validation_error(error: ValueError) -> str:
    """A validation error of pydantic 2 or 1 in one line: each place and what is wrong there."""
    told = getattr(error, "errors", None)
    if told is None:
        return str(error)
    faults = [f"{'.'.join(map(str, fault['loc'])) or 'the whole'}: {fault['msg']}" for fault in told()]
    more = f" (and {len(faults) - _MOST_FAULTS} more)" if len(faults) > _MOST_FAULTS else ""
    return "; ".join(faults[:_MOST_FAULTS]) + more
