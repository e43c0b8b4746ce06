"""Names the message of a history that an adapter cannot convert."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from deepseek_v4 import errors

Converted = TypeVar("Converted")
UNCONVERTIBLE = (AttributeError, KeyError, RecursionError, TypeError, ValueError)


def names_the_message(convert: Callable[[Sequence[Any]], Converted]) -> Callable[[Sequence[Any]], Converted]:
    """Let a conversion of messages raise ``InvalidRequestError``, with the message that it fails for.

    The frameworks validate their messages only in part: arguments of a call can hold bytes, or refer to themselves.
    """

    @functools.wraps(convert)
    def converted(messages: Sequence[Any]) -> Converted:
        try:
            return convert(messages)
        except UNCONVERTIBLE:
            for position, message in enumerate(messages):
                _try(convert, message, position)
            raise

    return converted


def _try(convert: Callable[[Sequence[Any]], Any], message: Any, position: int) -> None:
    try:
        convert([message])
    except UNCONVERTIBLE as error:
        raise errors.InvalidRequestError(
            f"Message {position} ({type(message).__name__}) is invalid: {error}. "
            "Pass messages of the framework; their tool calls, ids and reasoning records must be JSON values."
        ) from error
