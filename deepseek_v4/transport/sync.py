"""The blocking transport."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, closing, nullcontext, suppress
from types import TracebackType
from typing import Any, Generic, TypeVar

from deepseek_v4.transport import clients, deadline_watch
from deepseek_v4.transport.request_cycle import (
    DRAIN_SECONDS,
    OPENED,
    REFUSAL_BYTES,
    ByteDecoder,
    Exchange,
    ReadError,
    compressed,
)
from deepseek_v4.transport.timeouts import Limits
from deepseek_v4.values.http import HttpRequest, HttpResponse

T = TypeVar("T")


class SyncStream(Generic[T]):
    """The items of a streamed answer as they arrive. Iterate it once; ``close`` it to break off.

    The connection is freed when the stream is read to its end, closed, or dropped.
    """

    __slots__ = ("_items",)

    def __init__(self, items: Generator[T, None, None]) -> None:
        self._items = items

    def __iter__(self) -> Iterator[T]:
        return self._items

    def __next__(self) -> T:
        return next(self._items)

    def close(self) -> None:
        """Free the connection now. More than once does no harm."""
        self._items.close()

    def __enter__(self) -> SyncStream[T]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class SyncTransport:
    """Sends requests and reads answers, blocking.

    Args:
        http_client: A ``httpx.Client`` (or ``httpx2.Client``) to use; it is never closed here. None: clients
            shared by all transports of the process.

    Copies share the given client; a pickled transport has none.

    Raises:
        InvalidRequestError: when the given client cannot make blocking calls.
    """

    def __init__(self, http_client: Any = None) -> None:
        self._given = clients.checked(http_client, "http_client", "Client")
        self._pool: clients.Pool | None = None

    def call(
        self,
        request: HttpRequest,
        limits: Limits,
        *,
        read: Callable[[HttpResponse], T],
        decode_error: ReadError,
        provider: str,
    ) -> T:
        """Send a request and read the whole answer.

        Args:
            request: What to send.
            limits: How long it may take.
            read: What to make of the answer.
            decode_error: A refusal as an exception.
            provider: Name for errors.

        Raises:
            DeepSeekError: of the kind that says what happened.
        """
        exchange = Exchange(request, limits, decode_error, provider, streamed=False)
        return exchange.result(self._fetch(exchange), read)

    def stream(
        self,
        request: HttpRequest,
        limits: Limits,
        *,
        decoder: ByteDecoder[T],
        decode_error: ReadError,
        provider: str,
    ) -> SyncStream[T]:
        """Send a request and read until the first items are there; they and the rest come from the stream.

        Arguments and errors as for ``call``; while iterating, ``StreamInterruptedError`` and ``TimeoutError`` have what
        had arrived in ``partial``.
        """
        exchange = Exchange(request, limits, decode_error, provider, streamed=True)
        items = self._items(exchange, decoder)
        next(items)
        return SyncStream(items)

    def close(self) -> None:
        """Give the shared clients back; the last to do so closes their sockets. Use after it is fine."""
        if self._given is None:
            clients.leave_sync_pool(self)

    def _client(self) -> AbstractContextManager[Any]:
        if self._given is not None:
            return nullcontext(self._given)
        while True:
            pool = self._pool
            place = pool.place() if pool is not None and pool.open else None
            if place is not None:
                return place
            self._pool = clients.sync_pool(self)

    def _fetch(self, exchange: Exchange) -> bytes:
        try:
            with self._client() as client:
                response = client.send(exchange.request_on(client), **exchange.options)
                with closing(response):
                    if not exchange.accepts(response):
                        raise exchange.refusal(_refused(exchange, response))
                    return _whole(exchange, response)
        except BaseException as fault:
            failure = exchange.failure(fault)
        try:
            raise failure
        finally:
            del failure

    def _items(self, exchange: Exchange, decoder: ByteDecoder[T]) -> Generator[T, None, None]:
        begun = False
        try:
            with self._client() as client:
                response = client.send(exchange.request_on(client), **exchange.options)
                with closing(response):
                    if not exchange.accepts(response):
                        raise exchange.refusal(_refused(exchange, response))
                    decoded = compressed(response)
                    pieces: Iterator[bytes] = iter(response.iter_bytes() if decoded else response.stream)
                    feed = decoder.feed
                    with deadline_watch.cut_at(exchange.deadline, response) as watch:
                        for piece in pieces:
                            items = feed(piece)
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
                    if not decoded:
                        _drain(response, pieces)
                return
        except BaseException as fault:
            failure = exchange.failure(fault, decoder if begun else None)
        try:
            raise failure
        finally:
            del failure

    def __copy__(self) -> SyncTransport:
        return SyncTransport(self._given)

    def __deepcopy__(self, memo: dict[int, Any]) -> SyncTransport:
        return SyncTransport(self._given)

    def __reduce__(self) -> tuple[Any, ...]:
        return SyncTransport, ()


def _whole(exchange: Exchange, response: Any) -> bytes:
    with deadline_watch.cut_at(exchange.deadline, response) as watch:
        body: bytes = response.read() if compressed(response) else b"".join(response.stream)
    if watch.fired:
        raise exchange.out_of_time()
    return body


def _refused(exchange: Exchange, response: Any) -> bytes:
    """What arrives in time of a refusal's body. Its status is known, so however the body ends is no failure."""
    body = bytearray()
    until = exchange.refusal_deadline()
    with suppress(Exception), deadline_watch.cut_at(until, response):
        for piece in response.iter_bytes():
            body += piece
            if len(body) >= REFUSAL_BYTES or time.monotonic() > until:
                break
    return bytes(body[:REFUSAL_BYTES])


def _drain(response: Any, pieces: Iterator[bytes]) -> None:
    """Read what follows the answer, so that the connection can serve again; give up soon, and silently."""
    if deadline_watch.socket_of(response) is None:
        return
    # the answer is whole: how its connection ends matters to nobody
    with suppress(Exception), deadline_watch.cut_at(time.monotonic() + DRAIN_SECONDS, response):
        for _ in pieces:
            pass
