"""Sending with a ticket, which a limit gives before a request and takes back with its outcome.

The ticket of a ``Limiter`` is a ``Place``, the ticket of a ``Budget`` is a ``Reservation``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, Protocol, TypeAlias

from deepseek_v4.values.reply import Reply

Send: TypeAlias = Callable[[Any], Any]
"""Sends a request; returns its reply, or its stream."""
AsyncSend: TypeAlias = Callable[[Any], Awaitable[Any]]
"""The same, asynchronously."""


class Ticket(Protocol):
    """The permission for one request."""

    def receive(self, item: Any) -> None:
        """Receive an item of a streamed answer; its ``StreamEnd`` ends the ticket."""

    def end(self, outcome: Reply | BaseException | None = None) -> None:
        """Take the outcome, once: the reply, the error, or None for a stream that was closed."""


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
