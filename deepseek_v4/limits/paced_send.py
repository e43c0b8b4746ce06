"""Sending with limits: each request of a call waits for a slot, and those after the first for a framework's limiter.

``recovery`` calls a function that sends one request. ``paced`` and ``apaced`` wrap it if there are limits of speed,
``metered`` and ``ametered`` if there is a budget. Each limit gives a ticket before a request and takes it back with its
outcome: the ticket of a ``Limiter`` is a ``Slot``, the ticket of a ``Budget`` is a ``Reservation``.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias

from deepseek_v4.values.reply import Reply

if TYPE_CHECKING:
    from deepseek_v4.limits.limiter import Limiter

Send: TypeAlias = Callable[[Any], Any]
"""Sends a request; returns its reply, or its stream."""
AsyncSend: TypeAlias = Callable[[Any], Awaitable[Any]]
"""The same, asynchronously."""
Count: TypeAlias = Callable[[Any], int]
"""Estimates the tokens of a request's prompt."""


class RetryGate(NamedTuple):
    """A framework's rate limiter. The framework itself calls it before the first request of a call.

    ``wait`` blocks until a request may be sent; ``await_`` is its async form.
    """

    wait: Callable[[], Any]
    await_: Callable[[], Awaitable[Any]]


class Ticket(Protocol):
    """The permission for one request."""

    def receive(self, item: Any) -> None:
        """Receive an item of a streamed answer; its ``StreamEnd`` ends the ticket."""

    def end(self, outcome: Reply | BaseException | None = None) -> None:
        """Take the outcome, once: the reply, the error, or None for a stream that was closed."""


def paced(send: Send, limiter: Limiter | None, gate: RetryGate | None, count: Count) -> Send:
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
        slot = limiter.acquire(_tokens(limiter, request, count), request.deadline)
        return send_with(slot, send, request)

    return send_in_turn


def apaced(send: AsyncSend, limiter: Limiter | None, gate: RetryGate | None, count: Count) -> AsyncSend:
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
        slot = await limiter.aacquire(_tokens(limiter, request, count), request.deadline)
        return await asend_with(slot, send, request)

    return send_in_turn


def metered(send: Send, reserve: Callable[[Any], Ticket]) -> Send:
    """Return ``send``, reserving the cost of each request in a budget.

    Args:
        send: Sends a request; returns its reply, or its stream.
        reserve: Reserves the cost of a request, or raises.
    """
    return lambda request: send_with(reserve(request), send, request)


def ametered(send: AsyncSend, reserve: Callable[[Any], Ticket]) -> AsyncSend:
    """Like ``metered``, asynchronously."""

    async def send_reserved(request: Any) -> Any:
        return await asend_with(reserve(request), send, request)

    return send_reserved


def _with_deadline(request: Any) -> Any:
    """Start the clock of ``total_timeout`` before the wait for a slot."""
    total = request.options.total_timeout
    if total is None or request.deadline is not None:
        return request
    return dataclasses.replace(request, deadline=time.monotonic() + total)


def _tokens(limiter: Limiter, request: Any, count: Count) -> int:
    return 0 if limiter.tokens_per_minute is None else count(request)


def send_with(ticket: Ticket, send: Send, request: Any) -> Any:
    """Send a request; return its answer, or its stream, which keeps the ticket until it ends or is closed."""
    try:
        answer = send(request)
    except BaseException as error:
        ticket.end(error)
        raise
    if hasattr(answer, "close"):
        return _Stream(answer, ticket)
    ticket.end(answer if isinstance(answer, Reply) else None)
    return answer


async def asend_with(ticket: Ticket, send: AsyncSend, request: Any) -> Any:
    """Like ``send_with``, asynchronously."""
    try:
        answer = await send(request)
    except BaseException as error:
        ticket.end(error)
        raise
    if hasattr(answer, "aclose"):
        return _Stream(answer, ticket)
    ticket.end(answer if isinstance(answer, Reply) else None)
    return answer


class _Stream:
    """A stream with a ticket, blocking or on asyncio."""

    def __init__(self, stream: Any, ticket: Ticket) -> None:
        self._stream = stream
        self._ticket = ticket

    def __iter__(self) -> Iterator[Any]:
        try:
            for item in self._stream:
                self._ticket.receive(item)
                yield item
        except BaseException as error:
            self._ticket.end(error)
            raise

    def close(self) -> None:
        try:
            self._stream.close()
        finally:
            self._ticket.end()

    async def __aiter__(self) -> AsyncIterator[Any]:
        try:
            async for item in self._stream:
                self._ticket.receive(item)
                yield item
        except BaseException as error:
            self._ticket.end(error)
            raise

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        finally:
            self._ticket.end()
