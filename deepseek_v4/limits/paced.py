"""Sending with limits: each request of a call waits for a place, and those after the first for a framework's limiter.

``recovery`` calls a function that sends one request; ``paced`` and ``apaced`` wrap it, if there are limits.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from deepseek_v4.values.reply import Reply, StreamEnd
from deepseek_v4.values.web import Page, SearchResults

if TYPE_CHECKING:
    from deepseek_v4.limits.limiter import Limiter, Place

__all__ = ["RetryGate", "apaced", "paced"]

_COMPLETE = (Reply, SearchResults, Page)
"""Answers that are complete; any other one is a stream."""


class RetryGate(NamedTuple):
    """A framework's rate limiter. The framework itself calls it before the first request of a call.

    ``wait`` blocks until a request may be sent; ``await_`` is its async form.
    """

    wait: Callable[[], Any]
    await_: Callable[[], Awaitable[Any]]


def paced(
    send: Callable[[Any], Any], limiter: Limiter | None, gate: RetryGate | None, count: Callable[[Any], int]
) -> Callable[[Any], Any]:
    """Return ``send``, asking for permission before each request.

    Args:
        send: Sends a request; returns its reply, or its stream.
        limiter: The limiter of the account.
        gate: The framework's rate limiter, which is asked for every request after the first.
        count: Estimates the tokens of a request's prompt.
    """
    sent = 0

    def send_in_turn(request: Any) -> Any:
        nonlocal sent
        sent += 1
        if gate is not None and sent > 1:
            gate.wait()
        if limiter is None:
            return send(request)
        request = _with_deadline(request)
        place = limiter.acquire(_tokens(limiter, request, count), request.deadline)
        try:
            answer = send(request)
        except BaseException as error:
            place.end(error)
            raise
        if not isinstance(answer, _COMPLETE):
            return _Stream(answer, place)
        place.end(_counted(answer))
        return answer

    return send_in_turn


def apaced(
    send: Callable[[Any], Awaitable[Any]],
    limiter: Limiter | None,
    gate: RetryGate | None,
    count: Callable[[Any], int],
) -> Callable[[Any], Awaitable[Any]]:
    """Like ``paced``, asynchronously."""
    sent = 0

    async def send_in_turn(request: Any) -> Any:
        nonlocal sent
        sent += 1
        if gate is not None and sent > 1:
            await gate.await_()
        if limiter is None:
            return await send(request)
        request = _with_deadline(request)
        place = await limiter.aacquire(_tokens(limiter, request, count), request.deadline)
        try:
            answer = await send(request)
        except BaseException as error:
            place.end(error)
            raise
        if not isinstance(answer, _COMPLETE):
            return _AsyncStream(answer, place)
        place.end(_counted(answer))
        return answer

    return send_in_turn


class _Stream:
    """A stream that holds a place until it ends or is closed."""

    def __init__(self, stream: Any, place: Place) -> None:
        self._stream = stream
        self._place = place

    def __iter__(self) -> Iterator[Any]:
        try:
            for item in self._stream:
                if type(item) is StreamEnd:
                    self._place.end(_counted(item.reply))
                yield item
        except BaseException as error:
            self._place.end(error)
            raise

    def close(self) -> None:
        self._stream.close()
        self._place.end()


class _AsyncStream:
    """Like ``_Stream``, asynchronously."""

    def __init__(self, stream: Any, place: Place) -> None:
        self._stream = stream
        self._place = place

    async def __aiter__(self) -> AsyncIterator[Any]:
        try:
            async for item in self._stream:
                if type(item) is StreamEnd:
                    self._place.end(_counted(item.reply))
                yield item
        except BaseException as error:
            self._place.end(error)
            raise

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        finally:
            self._place.end()


def _with_deadline(request: Any) -> Any:
    """Start the clock of ``total_timeout`` before the wait for a place."""
    total = request.options.total_timeout
    if total is None or request.deadline is not None:
        return request
    return dataclasses.replace(request, deadline=time.monotonic() + total)


def _tokens(limiter: Limiter, request: Any, count: Callable[[Any], int]) -> int:
    return 0 if limiter.tokens_per_minute is None else count(request)


def _counted(answer: Reply | SearchResults | Page) -> int | None:
    return None if not isinstance(answer, Reply) or answer.usage is None else answer.usage.total_tokens
