"""A call of the user that consists of several calls of the core, such as a typed answer and its retry. No I/O.

The caller handles some causes of retries itself, and its requests count together with those of the core. Both are in
context variables, not call options: an option would be part of the key of a framework's cache.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from deepseek_v4.values.reply import Attempt, AttemptReason

T = TypeVar("T")


class UserCall:
    """The requests of one call of the user, counted over all calls of the core that it consists of.

    Args:
        answer_retries: Retries that the caller itself may make after an invalid answer.

    Attributes:
        made: Requests sent so far; an answer from a framework's cache is none.
        most: ``max_attempts`` of the core's calls; infinite before the first request.
        on_retry: The callback of the core's calls.
    """

    def __init__(self, answer_retries: int) -> None:
        self.answer_retries = answer_retries
        self.made = 0
        self.most = math.inf
        self.on_retry: Callable[[Attempt], Any] | None = None

    def counting(self, send: Callable[[Any], T]) -> Callable[[Any], T]:
        """Return ``send``, a function of the core that sends one request, counting its calls."""

        def send_counted(request: Any) -> T:
            options = request.options
            self.made += 1
            self.most = options.request_limit(streamed=request.request.stream, answer_retries=self.answer_retries)
            self.on_retry = options.on_retry
            return send(request)

        return send_counted


USER_CALL: ContextVar[UserCall | None] = ContextVar("deepseek_v4_user_call", default=None)
"""The call that the core's calls belong to; None if a call of the core is the user's own."""

_handled: ContextVar[frozenset[AttemptReason]] = ContextVar("deepseek_v4_handled_by_caller", default=frozenset())


@contextmanager
def handled_by_caller(*reasons: AttemptReason, call: UserCall | None = None) -> Iterator[None]:
    """Return a context in which calls of the core do not retry for these causes, because the caller does.

    Args:
        *reasons: The causes.
        call: Counts the requests that are sent in the context.
    """
    handled = _handled.set(_handled.get() | frozenset(reasons))
    counted = USER_CALL.set(call or USER_CALL.get())
    try:
        yield
    finally:
        USER_CALL.reset(counted)
        _handled.reset(handled)


def is_handled_by_caller(reason: AttemptReason) -> bool:
    """Return True if the caller retries for this cause itself."""
    return reason in _handled.get()
