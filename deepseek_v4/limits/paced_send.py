"""Sending with limits: each request of a call waits for a place, and those after the first for a framework's limiter.

``recovery`` calls a function that sends one request. ``paced`` and ``apaced`` wrap it if there are limits of speed,
``metered`` and ``ametered`` if there is a budget.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from deepseek_v4.limits.tickets import AsyncSend, Send, Ticket, asend_with, send_with

if TYPE_CHECKING:
    from deepseek_v4.limits.limiter import Limiter

Count: TypeAlias = Callable[[Any], int]
"""Estimates the tokens of a request's prompt."""


class RetryGate(NamedTuple):
    """A framework's rate limiter. The framework itself calls it before the first request of a call.

    ``wait`` blocks until a request may be sent; ``await_`` is its async form.
    """

    wait: Callable[[], Any]
    await_: Callable[[], Awaitable[Any]]


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
        place = limiter.acquire(_tokens(limiter, request, count), request.deadline)
        return send_with(place, send, request)

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
        place = await limiter.aacquire(_tokens(limiter, request, count), request.deadline)
        return await asend_with(place, send, request)

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
    """Start the clock of ``total_timeout`` before the wait for a place."""
    total = request.options.total_timeout
    if total is None or request.deadline is not None:
        return request
    return dataclasses.replace(request, deadline=time.monotonic() + total)


def _tokens(limiter: Limiter, request: Any, count: Count) -> int:
    return 0 if limiter.tokens_per_minute is None else count(request)
