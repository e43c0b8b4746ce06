"""The sync transport."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any, Generic, TypeVar

from deepseek_v4.transport import clients, deadline_watch
from deepseek_v4.transport.decompression import steps_of
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


class SyncStream(Generic[T]):
    """The items of a streamed response as they arrive. Iterate over it once; call ``close`` to stop early.

    The connection is released when the stream is exhausted, closed, or garbage-collected.
    """

    __slots__ = ("_items",)

    def __init__(self, items: Generator[T, None, None]) -> None:
        self._items = items

    def __iter__(self) -> Iterator[T]:
        return self._items

    def __next__(self) -> T:
        return next(self._items)

    def close(self) -> None:
        """Release the connection now. Can be called more than once."""
        self._items.close()

    def __enter__(self) -> SyncStream[T]:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class SyncTransport:
    """A sync transport: sends requests and reads responses.

    Args:
        http_client: An ``httpx.Client`` (or ``httpx2.Client``) to use; the transport does not close it. None: clients
            shared by all transports of the process.
        capped: False if a limiter limits the connections; otherwise at most ``clients.CONNECTIONS`` are open.

    Raises:
        InvalidRequestError: If the given client cannot make sync calls.
    """

    def __init__(self, http_client: Any = None, *, capped: bool = True) -> None:
        self._capped = capped
        self._given = clients.checked(http_client, "http_client", "Client")
        self._pool: clients.Pool | None = None

    def call(self, exchange: Exchange, read: Callable[[HttpResponse], T]) -> T:
        """Send a request and read the complete response.

        Args:
            exchange: The request, its limits, and how its errors are decoded.
            read: Decodes the response.

        Raises:
            DeepSeekError: If the call fails; the subclass gives the reason.
        """
        return exchange.result(self._fetch(exchange), read)

    def stream(self, exchange: Exchange, decoder: ByteDecoder[T]) -> SyncStream[T]:
        """Send a request and read until the first items arrive; the stream returns them and the rest.

        Errors as for ``call``. During iteration, ``StreamInterruptedError`` and ``TimeoutError`` hold the partial reply
        in ``partial``.
        """
        items = self._items(exchange, decoder)
        next(items)
        return SyncStream(items)

    def close(self) -> None:
        """Release the shared clients; the last transport to do so closes their sockets. It can be used again."""
        if self._given is None:
            clients.leave_sync_pool(self)

    def _client(self) -> AbstractContextManager[Any]:
        if self._given is not None:
            return nullcontext(self._given)
        while True:
            pool = self._pool
            shard = pool.reserve(self._capped) if pool is not None and pool.open else None
            if shard is not None:
                return shard
            self._pool = clients.sync_pool(self)

    def _fetch(self, exchange: Exchange) -> bytes:
        try:
            with self._client() as client:
                response = client.send(exchange.request_on(client), **exchange.options)
                with ClosingResponse(response):
                    if not exchange.accepts(response):
                        raise exchange.refusal(_refusal_body(exchange, response))
                    return _read_body(exchange, response)
        except BaseException as error:
            failure = exchange.failure(error)
        try:
            raise failure
        finally:
            del failure

    def _items(self, exchange: Exchange, decoder: ByteDecoder[T]) -> Generator[T, None, None]:
        begun = False
        try:
            with self._client() as client:
                response = client.send(exchange.request_on(client), **exchange.options)
                with ClosingResponse(response):
                    if not exchange.accepts(response):
                        raise exchange.refusal(_refusal_body(exchange, response))
                    chunks = _chunks(response)
                    feed = decoder.feed
                    with deadline_watch.cut_at(exchange.deadline, response) as watch:
                        for chunk in chunks:
                            items = feed(chunk)
                            if items:
                                if not begun:
                                    begun = True
                                    yield OPENED
                                yield from items
                                if decoder.finished:
                                    break
                        else:
                            if watch.fired:
                                raise exchange.out_of_time()
                            items = decoder.close()
                            if not begun:
                                begun = True
                                yield OPENED
                            yield from items
                    _drain(response, chunks)
                return
        except BaseException as error:
            failure = exchange.failure(error, decoder if begun else None)
        try:
            raise failure
        finally:
            del failure


def _chunks(response: Any) -> Iterator[bytes]:
    """Return the decompressed bytes of a body as they arrive, or at once if a hook of the client has read them."""
    if response.is_stream_consumed:
        return iter(response.iter_bytes())
    if "content-encoding" not in response.headers:
        return iter(response.stream)
    steps = steps_of(response.headers["content-encoding"])
    return (step for data in response.stream for step in steps(data))


def _read_body(exchange: Exchange, response: Any) -> bytes:
    chunks, size = [], 0
    with deadline_watch.cut_at(exchange.deadline, response) as watch:
        for chunk in _chunks(response):
            chunks.append(chunk)
            size += len(chunk)
            exchange.check_size(size)
    if watch.fired:
        raise exchange.out_of_time()
    return b"".join(chunks)


def _refusal_body(exchange: Exchange, response: Any) -> bytes:
    """Read as much of an error response's body as arrives in time. A broken body is ignored: the status is known."""
    body = bytearray()
    until = exchange.refusal_deadline()
    with suppress(Exception), deadline_watch.cut_at(until, response):
        for chunk in _chunks(response):
            body += chunk
            if len(body) >= REFUSAL_BYTES or time.monotonic() > until:
                break
    return bytes(body[:REFUSAL_BYTES])


def _drain(response: Any, chunks: Iterator[bytes]) -> None:
    """Read the bytes after the answer, so that the connection can be reused; stop soon, and without an error."""
    if deadline_watch.socket_of(response) is None:
        return
    # the answer is complete: an error at the end of its connection does not matter
    with suppress(Exception), deadline_watch.cut_at(time.monotonic() + DRAIN_SECONDS, response):
        for _ in chunks:
            pass
