"""The async transport, with the same methods as ``sync.py``."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from typing import Any, Generic, TypeVar

from deepseek_v4 import errors
from deepseek_v4.transport import clients
from deepseek_v4.transport.decompression import Steps, steps_of
from deepseek_v4.transport.exchange import (
    DRAIN_SECONDS,
    OPENED,
    REFUSAL_BYTES,
    ByteDecoder,
    ClosingResponse,
    Exchange,
)
from deepseek_v4.values.http import HttpResponse

T = TypeVar("T")


class AsyncStream(Generic[T]):
    """The items of a streamed response as they arrive. Iterate over it once; call ``aclose`` to stop early.

    The connection is released when the stream is exhausted, closed, or garbage-collected.
    """

    __slots__ = ("_items",)

    def __init__(self, items: AsyncGenerator[T, None]) -> None:
        self._items = items

    def __aiter__(self) -> AsyncIterator[T]:
        return self._items

    async def __anext__(self) -> T:
        return await self._items.__anext__()

    async def aclose(self) -> None:
        """Release the connection now. Can be called more than once."""
        await self._items.aclose()

    async def __aenter__(self) -> AsyncStream[T]:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


class AsyncTransport:
    """An async transport: sends requests and reads responses.

    Args:
        http_client: An ``httpx.AsyncClient`` (or ``httpx2.AsyncClient``) to use; the transport does not close it.
            None: clients shared by all transports of the running event loop.
        capped: False if a limiter limits the connections; otherwise at most ``clients.CONNECTIONS`` are open.

    Raises:
        InvalidRequestError: If the given client cannot make async calls.
    """

    def __init__(self, http_client: Any = None, *, capped: bool = True) -> None:
        self._capped = capped
        self._given = clients.checked(http_client, "http_async_client", "AsyncClient")

    async def call(self, exchange: Exchange, read: Callable[[HttpResponse], T]) -> T:
        """Send a request and read the complete response; see ``SyncTransport.call``."""
        return exchange.result(await self._fetch(exchange), read)

    async def stream(self, exchange: Exchange, decoder: ByteDecoder[T]) -> AsyncStream[T]:
        """Send a request and read until the first items arrive; see ``SyncTransport.stream``."""
        items = self._items(exchange, decoder)
        await items.__anext__()
        return AsyncStream(items)

    async def aclose(self) -> None:
        """Release the running loop's clients; the last transport to do so closes their sockets.

        The transport can be used again.
        """
        if self._given is None:
            await clients.leave_async_pool(self)

    async def _client(self) -> AbstractAsyncContextManager[Any]:
        if self._given is not None:
            return nullcontext(self._given)
        while True:
            shard = (await clients.async_pool(self)).reserve(self._capped)
            if shard is not None:
                return shard

    async def _fetch(self, exchange: Exchange) -> bytes:
        try:
            async with await self._client() as client:
                response = await _send(exchange, client)
                async with ClosingResponse(response):
                    if not exchange.accepts(response):
                        raise exchange.refusal(await _refusal_body(exchange, response))
                    return await _within(exchange, _read_body(exchange, response))
        except BaseException as error:
            failure = exchange.failure(error)
        try:
            raise failure
        finally:
            del failure

    async def _items(self, exchange: Exchange, decoder: ByteDecoder[T]) -> AsyncGenerator[T, None]:
        begun = False
        try:
            async with await self._client() as client:
                response = await _send(exchange, client)
                async with ClosingResponse(response):
                    if not exchange.accepts(response):
                        raise exchange.refusal(await _refusal_body(exchange, response))
                    chunks = _chunks(response)
                    feed = decoder.feed
                    async for chunk in chunks if exchange.deadline is None else _until(exchange, chunks):
                        items = feed(chunk)
                        if items:
                            if not begun:
                                begun = True
                                yield OPENED
                            for item in items:
                                yield item
                            if decoder.finished:
                                break
                    else:
                        items = decoder.close()
                        if not begun:
                            begun = True
                            yield OPENED
                        for item in items:
                            yield item
                    await _drain(chunks)
                return
        except BaseException as error:
            failure = exchange.failure(error, decoder if begun else None)
        try:
            raise failure
        finally:
            del failure


async def _send(exchange: Exchange, client: Any) -> Any:
    try:
        return await _within(exchange, client.send(exchange.request_on(client), **exchange.options))
    except (asyncio.CancelledError, errors.TimeoutError):
        clients.retire(client)
        raise


async def _within(exchange: Exchange, work: Awaitable[T]) -> T:
    """Return the result of the work, or raise if the call's deadline comes first."""
    if exchange.deadline is None:
        return await work
    from anyio import move_on_after

    with move_on_after(exchange.deadline - time.monotonic()):
        return await work
    raise exchange.out_of_time()


async def _until(exchange: Exchange, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    while True:
        try:
            chunk = await _within(exchange, anext(chunks))
        except StopAsyncIteration:
            return
        yield chunk


def _chunks(response: Any) -> AsyncIterator[bytes]:
    """Return the decompressed bytes of a body as they arrive; see ``sync._chunks``."""
    if response.is_stream_consumed:
        return aiter(response.aiter_bytes())
    if "content-encoding" not in response.headers:
        return aiter(response.stream)
    return _decompressed(response.stream, steps_of(response.headers["content-encoding"]))


async def _decompressed(stream: Any, steps: Steps) -> AsyncIterator[bytes]:
    async for data in stream:
        for step in steps(data):
            yield step


async def _read_body(exchange: Exchange, response: Any) -> bytes:
    chunks, size = [], 0
    async for chunk in _chunks(response):
        chunks.append(chunk)
        size += len(chunk)
        exchange.check_size(size)
    return b"".join(chunks)


async def _refusal_body(exchange: Exchange, response: Any) -> bytes:
    """Read as much of an error response's body as arrives in time; see ``sync._refusal_body``."""
    from anyio import move_on_after

    body = bytearray()
    with suppress(Exception), move_on_after(exchange.refusal_deadline() - time.monotonic()):
        async for chunk in _chunks(response):
            body += chunk
            if len(body) >= REFUSAL_BYTES:
                break
    return bytes(body[:REFUSAL_BYTES])


async def _drain(chunks: AsyncIterator[bytes]) -> None:
    """Read the bytes after the answer, so that the connection can be reused; stop soon, and without an error."""
    from anyio import move_on_after

    # the answer is complete: an error at the end of its connection does not matter
    with move_on_after(DRAIN_SECONDS), suppress(Exception):
        async for _ in chunks:
            pass
