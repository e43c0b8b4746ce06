"""A call of the user that consists of several calls of the core, such as a typed answer and its retry. No I/O.

The caller handles some causes of retries itself, and its requests count together with those of the core. Both are in
context variables, not call options: an option would be part of the key of a framework's cache.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from deepseek_v4.errors import DeepSeekError
from deepseek_v4.values.reply import Attempt, AttemptReason

T = TypeVar("T")

_log = logging.getLogger("deepseek_v4")


class UserCall:
    """The requests of one call of the user, counted over all calls of the core that it consists of.

    Args:
        answer_retries: Retries that the caller itself may make after an invalid answer.

    Attributes:
        made: Requests sent so far; an answer from a framework's cache is none.
        most: ``max_attempts`` of the core's calls; infinite before the first request.
        on_retry: The callback of the core's calls.
        earlier: The attempts of the calls before a repeated one, until an answer or an error lists them.
    """

    def __init__(self, answer_retries: int) -> None:
        self.answer_retries = answer_retries
        self.made = 0
        self.most = math.inf
        self.on_retry: Callable[[Attempt], Any] | None = None
        self.earlier: tuple[Attempt, ...] = ()
        self._sent = time.monotonic()
        self._calls = 0

    @classmethod
    def joined(cls, answer_retries: int) -> UserCall:
        """Return the call that this one is a part of, such as a repeated one; a new call if there is none."""
        outer = USER_CALL.get()
        if outer is None:
            return cls(answer_retries)
        outer.answer_retries = max(outer.answer_retries, answer_retries)
        return outer

    def retrying_answers(self, retries: int) -> AbstractContextManager[None]:
        """Return a context in which the caller, not the core, retries invalid answers, and empty ones if it retries."""
        return handled_by_caller("invalid", *(("empty",) if retries else ()), call=self)

    def may_repeat(self, error: BaseException, most_calls: int) -> bool:
        """Return True if the caller may make its call again after an error, and report that it does.

        Args:
            error: The error of the call.
            most_calls: How often the caller may make it.
        """
        ours = error if isinstance(error, DeepSeekError) else None
        self._calls += 1
        if self._calls >= most_calls:
            return False
        if self.made >= self.most:
            if ours is not None:
                ours.attempts_exhausted = True
            return False
        seconds = round(time.monotonic() - self._sent, 3)
        last = Attempt("invalid" if isinstance(error, ValueError) else "error", str(error), seconds)
        if ours is not None:
            last = Attempt("transient", str(error), seconds, ours.status_code)
            self.earlier += ours.attempts
        self.earlier += (last,)
        _log.info("Request %d: %s (%s); the call is repeated", self.made, last.reason, last.detail)
        if self.on_retry is not None:
            self.on_retry(last)
        return True

    def take_earlier(self) -> tuple[Attempt, ...]:
        """Return the earlier attempts, once."""
        earlier, self.earlier = self.earlier, ()
        return earlier

    def counting(self, send: Callable[[Any], T]) -> Callable[[Any], T]:
        """Return ``send``, a function of the core that sends one request, counting its calls."""

        def send_counted(request: Any) -> T:
            options = request.options
            self.made += 1
            self._sent = time.monotonic()
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
