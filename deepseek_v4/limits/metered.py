"""Sending within a budget: each request is reserved before it is sent, and counted after its answer.

``recovery`` calls a function that sends one request; ``metered`` and ``ametered`` wrap it, if there is a budget.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Any

from deepseek_v4.values.reply import ReasoningDelta, Reply, StreamEnd, TextDelta, ToolCallDelta

if TYPE_CHECKING:
    from deepseek_v4.limits.budget import Reservation

__all__ = ["ametered", "metered"]


def metered(send: Callable[[Any], Any], reserve: Callable[[Any], Reservation]) -> Callable[[Any], Any]:
    """Return ``send``, with a reservation for each request.

    Args:
        send: Sends a request; returns its reply, or its stream.
        reserve: Reserves the cost of a request, or raises.
    """

    def send_metered(request: Any) -> Any:
        reservation = reserve(request)
        try:
            answer = send(request)
        except BaseException as error:
            reservation.fail(error)
            raise
        if not isinstance(answer, Reply):
            return _Stream(answer, reservation)
        reservation.end(answer)
        return answer

    return send_metered


def ametered(
    send: Callable[[Any], Awaitable[Any]], reserve: Callable[[Any], Reservation]
) -> Callable[[Any], Awaitable[Any]]:
    """Like ``metered``, asynchronously."""

    async def send_metered(request: Any) -> Any:
        reservation = reserve(request)
        try:
            answer = await send(request)
        except BaseException as error:
            reservation.fail(error)
            raise
        if not isinstance(answer, Reply):
            return _AsyncStream(answer, reservation)
        reservation.end(answer)
        return answer

    return send_metered


class _Stream:
    """A stream that is counted when it ends or is closed."""

    def __init__(self, stream: Any, reservation: Reservation) -> None:
        self._stream = stream
        self._reservation = reservation

    def __iter__(self) -> Iterator[Any]:
        try:
            for item in self._stream:
                _count(item, self._reservation)
                yield item
        except BaseException as error:
            self._reservation.fail(error)
            raise

    def close(self) -> None:
        try:
            self._stream.close()
        finally:
            self._reservation.fail()


class _AsyncStream:
    """Like ``_Stream``, asynchronously."""

    def __init__(self, stream: Any, reservation: Reservation) -> None:
        self._stream = stream
        self._reservation = reservation

    async def __aiter__(self) -> AsyncIterator[Any]:
        try:
            async for item in self._stream:
                _count(item, self._reservation)
                yield item
        except BaseException as error:
            self._reservation.fail(error)
            raise

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        finally:
            self._reservation.fail()


def _count(item: Any, reservation: Reservation) -> None:
    if type(item) is StreamEnd:
        reservation.end(item.reply)
    elif isinstance(item, (TextDelta, ReasoningDelta)):
        reservation.receive(item.text)
    elif isinstance(item, ToolCallDelta):
        reservation.receive(item.arguments)
