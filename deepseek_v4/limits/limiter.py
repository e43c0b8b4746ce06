"""``Limiter``: one limit for all models of an account, in all threads and event loops of a process."""

from __future__ import annotations

import asyncio
import logging
import math
import os
import threading
import time
import uuid
from collections import deque
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

from deepseek_v4.errors import DeepSeekError, OverloadedError, RateLimitError, TimeoutError
from deepseek_v4.limits.leases import LeaseKeeper, LeaseStore
from deepseek_v4.limits.window import Rate, Window
from deepseek_v4.values.reply import Reply, StreamEnd

LONGEST_PAUSE = 60.0
"""Seconds that a ``Retry-After`` header stops all requests, at most; a call does not wait longer either."""

_log = logging.getLogger("deepseek_v4")


class LimiterState(NamedTuple):
    """The numbers of a limiter at one moment.

    ``slots``: requests that may be under way; ``active``: those that are; ``waiting``: calls that wait; ``sent`` and
    ``refused``: requests so far, and those among them that the service refused with 429, 503 or 529.
    """

    slots: int
    active: int
    waiting: int
    sent: int
    refused: int


class Limiter:
    """A limit for the requests of an account. Pass the same object to all its models.

    Every HTTP request, retries included, waits for a slot, in the order of arrival. If the service refuses one with
    429, 503 or 529, the number of requests at a time halves, at most once in a round trip; ``Retry-After`` stops all
    for that time (60 s at most). Answers let it grow again. A stream holds its slot until it ends or is closed.

    Args:
        concurrency: Maximum requests at a time, starting with 16; None: as many as the service accepts.
        requests_per_minute: Requests sent in a minute, evenly spread.
        tokens_per_minute: Prompt and answer tokens in a minute. A prompt is estimated when it is sent, and corrected by
            the counted tokens of the answer.
        leases: Shares the slots with other processes; see ``deepseek_v4.limits.leases``. The limits per minute then
            apply to all processes together.

    Pickles and copies of a limiter are the same limiter in its process, and one limiter in any other process.

    Raises:
        ValueError: If a number is not above zero.

    Examples:
        >>> from deepseek_v4 import Client, Limiter
        >>> limiter = Limiter(concurrency=200)
        >>> fast, careful = Client(limiter=limiter), Client(model="deepseek-v4-pro", limiter=limiter)
    """

    def __init__(
        self,
        concurrency: int | None = None,
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
        *,
        leases: LeaseStore | None = None,
    ) -> None:
        limits = {"requests_per_minute": requests_per_minute, "tokens_per_minute": tokens_per_minute}
        for name, value in {"concurrency": concurrency, **limits}.items():
            if value is not None and not value > 0:
                raise ValueError(f"{name}={value!r} is not a limit. Use a number above 0, or None.")
        self.concurrency = concurrency
        self.requests_per_minute = requests_per_minute
        self.tokens_per_minute = tokens_per_minute
        self.leases = leases
        self._name = uuid.uuid4().hex
        _by_name[self._name] = self
        self._start()

    def _start(self) -> None:
        """Set up the changing state: at construction, and in a forked child, whose parent holds the slots."""
        self._lock = threading.Lock()
        self._window = Window(self.concurrency)
        self._keeper = None if self.leases is None else LeaseKeeper(self.leases, self)
        self._requests = Rate(self.requests_per_minute)
        self._tokens = Rate(self.tokens_per_minute)
        self._paused_until = -math.inf
        self._queue: deque[_Waiter] = deque()
        self._active = self._sent = self._refused = 0

    def state(self) -> LimiterState:
        """Return the numbers of this moment."""
        with self._lock:
            return LimiterState(int(self._slots()), self._active, len(self._queue), self._sent, self._refused)

    def acquire(self, tokens: int = 0, deadline: float | None = None) -> Slot:
        """Wait for a slot for one request.

        Args:
            tokens: Estimated tokens of the prompt.
            deadline: Time by which the call must end, by ``time.monotonic``.

        Raises:
            TimeoutError: If the deadline is reached first.
        """
        waiter = _ThreadWaiter(tokens)
        seconds = self._enter(waiter)
        try:
            while waiter.slot is None:
                waiter.event.wait(_limited(seconds, deadline))
                waiter.event.clear()
                seconds = self._look(waiter, deadline)
        except BaseException:
            self._leave(waiter)
            raise
        return waiter.slot

    async def aacquire(self, tokens: int = 0, deadline: float | None = None) -> Slot:
        """Like ``acquire``, asynchronously."""
        waiter = _TaskWaiter(tokens)
        seconds = self._enter(waiter)
        try:
            while waiter.slot is None:
                await waiter.woken(_limited(seconds, deadline))
                seconds = self._look(waiter, deadline)
        except BaseException:
            self._leave(waiter)
            raise
        return waiter.slot

    # -- the queue -----------------------------------------------------------------------------------------------

    def _enter(self, waiter: _Waiter) -> float | None:
        with self._lock:
            self._queue.append(waiter)
            self._serve()
            seconds = self._seconds(waiter)
        if self._keeper is not None and waiter.slot is None:
            self._keeper.wake()
        return seconds

    def _look(self, waiter: _Waiter, deadline: float | None) -> float | None:
        """Serve the queue; return the seconds after which the waiter has to look again, None: when it is woken."""
        with self._lock:
            if waiter.slot is None:
                self._serve()
            seconds = self._seconds(waiter)
        if waiter.slot is None and deadline is not None and time.monotonic() >= deadline:
            raise TimeoutError(
                "total_timeout expired while the call waited for its limiter. Raise total_timeout or the limits."
            )
        return seconds

    def _leave(self, waiter: _Waiter) -> None:
        if waiter.slot is not None:
            waiter.slot.end()
            return
        with self._lock:
            if waiter in self._queue:
                self._queue.remove(waiter)
            self._serve()

    def _seconds(self, waiter: _Waiter) -> float | None:
        """Only the first of the queue waits for a time."""
        if not self._queue or self._queue[0] is not waiter or self._active >= int(self._slots()):
            return None
        return max(self._next_time() - time.monotonic(), 0.0)

    def _next_time(self) -> float:
        return max(self._paused_until, self._requests.ready, self._tokens.ready)

    def _serve(self) -> None:
        """Serve the queue under the lock; the first waiter that has to wait for a time is woken."""
        while self._queue and self._active < int(self._slots()):
            waiter, now = self._queue[0], time.monotonic()
            if self._next_time() > now:
                if not waiter.wake():
                    self._queue.popleft()
                    continue
                return
            self._queue.popleft()
            waiter.slot = Slot(self, self._round(), waiter.tokens)
            if not waiter.wake():  # its event loop is closed
                continue
            self._active += 1
            self._sent += 1
            share = 1.0 if self._keeper is None else self._keeper.lease.share
            self._requests.take(1, now, share)
            self._tokens.take(waiter.tokens, now, share)

    def _slots(self) -> float:
        return self._window.slots if self._keeper is None else min(self._keeper.slots(), self._window.most)

    def _round(self) -> int:
        return self._window.round if self._keeper is None else self._keeper.lease.round

    def _end(self, slot: Slot, outcome: BaseException | int | None) -> None:
        """Free a slot and learn from the outcome of its request: an error, or the number of counted tokens."""
        refusal = outcome if isinstance(outcome, (RateLimitError, OverloadedError)) else None
        with self._lock:
            full = self._queue or self._active >= int(self._slots())
            self._active -= 1
            if refusal is not None:
                self._refused += 1
                self._slow_down(slot.round, refusal)
            elif full and not isinstance(outcome, BaseException):
                (self._window if self._keeper is None else self._keeper).answered()
            if isinstance(outcome, int):
                share = 1.0 if self._keeper is None else self._keeper.lease.share
                self._tokens.take(outcome - slot.tokens, time.monotonic(), share)
            self._serve()

    def _slow_down(self, sent_in: int, refusal: DeepSeekError) -> None:
        pause = min(max(refusal.retry_after or 0.0, 0.0), LONGEST_PAUSE)
        self._paused_until = max(self._paused_until, time.monotonic() + pause)
        if self._keeper is not None:
            self._keeper.slow_down(sent_in, pause)
        elif self._window.refused(sent_in):
            _log.info("The service refused a request (%s): %d at a time", refusal.status_code, int(self._window.slots))

    def _leased(self, pause: float) -> None:
        """Receive the slots of a new lease."""
        with self._lock:
            self._paused_until = max(self._paused_until, time.monotonic() + pause)
            self._serve()

    def __repr__(self) -> str:
        limits = ("concurrency", "requests_per_minute", "tokens_per_minute", "leases")
        given = (f"{name}={getattr(self, name)!r}" for name in limits if getattr(self, name) is not None)
        return f"Limiter({', '.join(given)})"

    def __reduce__(self) -> tuple[Any, ...]:
        limits = (self.concurrency, self.requests_per_minute, self.tokens_per_minute)
        return _restored, (self._name, limits, self.leases)


class Slot:
    """The permission for one request. ``end`` takes the outcome, once: an error, or the counted tokens."""

    __slots__ = ("_limiter", "round", "tokens")

    def __init__(self, limiter: Limiter, sent_in: int, tokens: int) -> None:
        self._limiter: Limiter | None = limiter
        self.round = sent_in
        self.tokens = tokens

    def receive(self, item: Any) -> None:
        """Receive an item of a streamed answer."""
        if type(item) is StreamEnd:
            self.end(item.reply)

    def end(self, outcome: BaseException | Reply | int | None = None) -> None:
        """Return the slot.

        Args:
            outcome: The error of the request; its reply, or the tokens that the provider counted; None if it counted
                none.
        """
        limiter, self._limiter = self._limiter, None
        if limiter is None:
            return
        if isinstance(outcome, Reply):
            outcome = None if outcome.usage is None else outcome.usage.total_tokens
        limiter._end(self, outcome)


class _Waiter:
    """A call that waits; ``slot`` is set when it is served."""

    def __init__(self, tokens: int) -> None:
        self.tokens = tokens
        self.slot: Slot | None = None

    def wake(self) -> bool:
        """Make it check for its slot again; return False if it cannot be woken any more."""
        raise NotImplementedError


class _ThreadWaiter(_Waiter):
    """A call that waits in a thread."""

    def __init__(self, tokens: int) -> None:
        super().__init__(tokens)
        self.event = threading.Event()

    def wake(self) -> bool:
        self.event.set()
        return True


class _TaskWaiter(_Waiter):
    """A call that waits in a task."""

    def __init__(self, tokens: int) -> None:
        super().__init__(tokens)
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._future: asyncio.Future[None] | None = None
        self._due = False

    async def woken(self, seconds: float | None) -> None:
        """Wait until ``wake`` is called, or for some seconds."""
        if not self._due:
            self._future = self._loop.create_future()
            timer = None if seconds is None else self._loop.call_later(seconds, self._complete)
            try:
                await self._future
            finally:
                if timer is not None:
                    timer.cancel()
        self._due = False

    def wake(self) -> bool:
        if self._loop.is_closed():
            return False
        if threading.get_ident() == self._thread:
            self._complete()
            return True
        try:
            self._loop.call_soon_threadsafe(self._complete)
        except RuntimeError:
            return False
        return True

    def _complete(self) -> None:
        self._due = True
        if self._future is not None and not self._future.done():
            self._future.set_result(None)


_by_name: WeakValueDictionary[str, Limiter] = WeakValueDictionary()
_restoring = threading.Lock()


def _limited(seconds: float | None, deadline: float | None) -> float | None:
    """Return the seconds to wait, limited by a deadline; None: until the waiter is woken."""
    if deadline is None:
        return seconds
    left = max(deadline - time.monotonic(), 0.0)
    return left if seconds is None else min(seconds, left)


def _restored(name: str, limits: tuple[Any, Any, Any], leases: LeaseStore | None) -> Limiter:
    """Return the limiter of a pickle: the one of this name in this process, if there is one."""
    with _restoring:
        limiter = _by_name.get(name)
        if limiter is None:
            limiter = _by_name[name] = Limiter(*limits, leases=leases)
            limiter._name = name
        return limiter


def _start_over() -> None:
    for limiter in set(_by_name.values()):
        limiter._start()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_over)
