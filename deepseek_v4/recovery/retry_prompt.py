"""The messages that show the model its invalid answer, and the rule for when to retry. No I/O.

This module imports no framework: the caller passes the functions that create messages.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")

_MAX_PROBLEM_LENGTH = 2000
"""Characters of an error that are sent to the model; errors of large answers can be pages long."""

_MAX_ERRORS = 10
"""Validation errors of one answer that are listed."""


def is_retryable_answer(finish_reason: str | None, *, called_tools: bool = False) -> bool:
    """Return True if a retry can help.

    Only if the answer ended by itself: the output limit would cut the next one too, moderation would stop it, and an
    answer with a finish reason specific to the server is returned as it is. Not if the model called tools although
    none was required: that is a valid turn and not a failed answer.
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
    """Return the conversation with the invalid answer and its problem appended.

    The original instruction is not repeated: it keeps its position, so that the new prompt starts with the old one.

    Args:
        messages: The messages that were sent, as any framework's objects. Never changed.
        answer: The answer as received, reasoning included.
        problem: Why it is invalid.
        is_empty: True if the answer had neither text nor a tool call; providers reject an empty message, so it is not
            sent.
        from_user: Creates a user message.
        from_tool: Creates a tool message from its text and the id of the call; given if the answer must be a tool call.
        calls: The ids of the answer's calls, in order. Providers require a result for each.
    """
    shown = problem if len(problem) <= _MAX_PROBLEM_LENGTH else f"{problem[:_MAX_PROBLEM_LENGTH]} …"
    if from_tool is not None:
        if calls:
            text = (
                f"The tool call was invalid and was not executed. {shown}\n"
                "Call the tool again with all arguments corrected."
            )
            return [*messages, answer, *(from_tool(text, call_id) for call_id in calls)]
        order = "Call the tool. Do not answer in text."
    else:
        order = "Send the complete corrected JSON and nothing else."
    if is_empty:
        return [*messages, from_user(f"Your last answer was empty.\n{order}")]
    return [*messages, answer, from_user(f"Your last answer was invalid. {shown}\n{order}")]


def format_validation_error(error: ValueError) -> str:
    """Format a validation error of pydantic 2 or 1 as one line: the path and the message of each error."""
    errors = getattr(error, "errors", None)
    if errors is None:
        return str(error)
    lines = [f"{'.'.join(map(str, one['loc'])) or 'the answer'}: {one['msg']}" for one in errors()]
    more = f" (and {len(lines) - _MAX_ERRORS} more)" if len(lines) > _MAX_ERRORS else ""
    return "; ".join(lines[:_MAX_ERRORS]) + more
