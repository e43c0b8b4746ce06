"""httpx's requests sent by aiohttp, which takes about half the CPU; ``clients`` says when.

Nobody shall be able to tell it from httpx's own transport but by the time it takes. What aiohttp would do by
itself and is kept from here: add headers, keep cookies, follow redirects, unpack, count the time a caller takes
between two pieces as silence of the server, and lose what had arrived when a connection breaks.
"""

from __future__ import annotations

import asyncio
import os
import re
import ssl
from collections.abc import Mapping
from contextlib import suppress
from types import FunctionType
from typing import Any, Final
from weakref import finalize

import aiohttp
import httpcore
import httpx
from anyio import fail_after
from multidict import CIMultiDict
from yarl import URL

from deepseek_v4.transport.failures import without_stack_frames

HEAD_BYTES = 100 * 1024
"""The longest line of an answer's head, as with httpx."""
LOOK_SECONDS = 1.0
"""How often a body that is waited for is looked at: aiohttp does not always say that a connection is gone."""
SMALL_BYTES = 64 * 1024
"""A body up to this size is written without waiting."""
LEGAL_HEADER: Final = re.compile(
    rb"[-!#$%&'*+.^_`|~0-9A-Za-z]+:([^\x00-\x20\x7f]([^\x00-\x08\x0a-\x1f\x7f]*[^\x00-\x20\x7f])?)?"
)
NAMES: Final = (
    (aiohttp.ConnectionTimeoutError, httpx.ConnectTimeout),
    (aiohttp.ServerTimeoutError, httpx.ReadTimeout),
    (aiohttp.ClientConnectorError, httpx.ConnectError),
    (aiohttp.ServerDisconnectedError, httpx.RemoteProtocolError),
    (aiohttp.ClientPayloadError, httpx.RemoteProtocolError),
    (aiohttp.ClientResponseError, httpx.RemoteProtocolError),
    (aiohttp.InvalidURL, httpx.InvalidURL),
    ((aiohttp.ClientError, OSError, RuntimeError), httpx.ReadError),
)
"""aiohttp's exceptions and what httpx calls them; the first that fits."""


class AiohttpTransport(httpx.AsyncBaseTransport):
    """Sends over one aiohttp session, which belongs to the running event loop.

    Args:
        verify: For all connections.
        limits: How many connections there may be, and how long idle ones are kept.
    """

    def __init__(self, verify: ssl.SSLContext, limits: httpx.Limits) -> None:
        self._httpx = httpx.AsyncHTTPTransport(verify=verify, limits=limits)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                ssl=verify,
                limit=limits.max_connections or 0,
                keepalive_timeout=limits.keepalive_expiry,
                resolver=aiohttp.ThreadedResolver(),
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("accept", "accept-encoding", "content-type", "user-agent"),
            auto_decompress=False,
            max_line_size=HEAD_BYTES,
            max_field_size=HEAD_BYTES,
        )
        finalize(self, _abandon, self._session, asyncio.get_running_loop(), os.getpid())

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and read the answer's head."""
        # aiohttp sends all but POST again by itself when a kept connection turns out dead
        if request.method != "POST" or _watched():
            return await self._httpx.handle_async_request(request)
        if not all(LEGAL_HEADER.fullmatch(b"%b:%b" % field) for field in request.headers.raw):
            raise httpx.LocalProtocolError("Illegal header")
        limits = request.extensions.get("timeout", {})
        content = Content(await request.aread(), limits)
        for _ in range(2):  # rounds of the loop after which it has noticed which kept connections have been closed
            await asyncio.sleep(0)
        try:
            response = await self._session.post(
                _address(request.url),
                headers=CIMultiDict((name.decode(), value.decode("latin-1")) for name, value in request.headers.raw),
                data=content,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(
                    connect=limits.get("connect"), sock_read=limits.get("read"), ceil_threshold=float("inf")
                ),
            )
        except Exception as fault:
            failure = _named_by_httpx(fault)
        else:
            return httpx.Response(
                response.status,
                headers=response.raw_headers,
                stream=Body(response, limits.get("read")),
                extensions={"reason_phrase": (response.reason or "").encode("ascii", "replace")},
            )
        try:
            raise failure
        finally:
            del failure

    async def aclose(self) -> None:
        """Close all connections; an answer that is being read ends within a second."""
        await self._session.close()
        await self._httpx.aclose()


class Content(aiohttp.Payload):
    """A request's body, with a limit for writing it."""

    def __init__(self, value: bytes, limits: Mapping[str, float | None]) -> None:
        super().__init__(value)
        self._bytes = value
        self._limits = limits

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return len(self._bytes)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """The body as text."""
        return self._bytes.decode(encoding, errors)

    async def write(self, writer: Any) -> None:
        """Write it.

        Raises:
            WriteTimeout: when the limit runs out.
        """
        if len(self._bytes) <= SMALL_BYTES:
            await writer.write(self._bytes)
            return
        try:
            with fail_after(self._limits.get("write")):
                await writer.write(self._bytes)
        except TimeoutError as fault:
            raise httpx.WriteTimeout("") from fault


class Body(httpx.AsyncByteStream):
    """What arrives of an answer's body; a break is told after the last piece that came before it."""

    def __init__(self, response: aiohttp.ClientResponse, limit: float | None) -> None:
        self._response = response
        self._content = response.content
        self._failure: Exception | None = None
        self._limit = limit or float("inf")
        self._waits_since: float | None = None
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        if response.connection is not None and response.connection.protocol is not None:
            # from here on, the limit is for the waits only
            response.connection.protocol.read_timeout = None
            response.connection.protocol.start_timeout()
            self._look()

    def __aiter__(self) -> Body:
        return self

    async def __anext__(self) -> bytes:
        content, self._waits_since = self._content, self._loop.time()
        while True:
            try:
                piece, more = await content.readchunk()
            except Exception as fault:
                # aiohttp would not hand out any more what had arrived before
                self._failure = _named_by_httpx(fault)
                content.set_exception(None)  # type: ignore[arg-type]
                content.feed_eof()
                continue
            self._waits_since = None
            if piece:
                return piece
            if not more:
                raise self._failure or StopAsyncIteration

    async def aclose(self) -> None:
        """Free the connection: for the next request when the body was read to its end."""
        if self._timer is not None:
            self._timer.cancel()
        self._response.close()

    def _look(self) -> None:
        """End the wait when it has taken too long or nothing can come any more."""
        content, connection = self._content, self._response.connection
        left = self._limit
        if self._waits_since is not None:
            left += self._waits_since - self._loop.time()
        if content.is_eof() or content.exception() is not None:
            return
        if connection is None or connection.closed:
            content.set_exception(httpx.RemoteProtocolError("The connection was closed before the body was complete"))
        elif left <= 0:
            content.set_exception(httpx.ReadTimeout(""))
        else:
            self._timer = self._loop.call_later(min(left, LOOK_SECONDS), self._look)


def _watched() -> bool:
    """Whether somebody has put himself where httpx sends, as mocks, recorders and tracers do; he is to see the call."""
    return any(
        type(sends) is not FunctionType or sends.__code__.co_filename != starts.__code__.co_filename
        for sends, starts in (
            (httpx.AsyncHTTPTransport.handle_async_request, httpx.AsyncHTTPTransport.__init__),
            (httpcore.AsyncConnectionPool.handle_async_request, httpcore.AsyncConnectionPool.__init__),
        )
    )


def _abandon(session: aiohttp.ClientSession, loop: asyncio.AbstractEventLoop, process: int) -> None:
    """Close a session whose loop ended before it, or never does; aiohttp would log that, and httpx is silent."""
    if session.closed or loop.is_running() or os.getpid() != process:
        return
    if loop.is_closed():
        closing = session.close()
        with suppress(StopIteration):  # nothing in it waits for anything then
            while True:
                closing.send(None)
    elif not _in_a_loop():
        loop.run_until_complete(session.close())


def _in_a_loop() -> bool:
    """Whether some loop runs in this thread; no other can be run beside it then."""
    with suppress(RuntimeError):
        return asyncio.get_running_loop() is not None
    return False


def _address(url: httpx.URL) -> URL:
    """The address without a user's name and password: aiohttp would make an Authorization header of them."""
    return URL(str(url.copy_with(userinfo=b"") if url.userinfo else url), encoded=True)


def _named_by_httpx(fault: Exception) -> Exception:
    without_stack_frames(fault)  # on Python 3.10 it can become the context of whatever is raised in its stead
    for one in (fault, fault.__cause__):
        if isinstance(one, httpx.TransportError):
            return one
    for theirs, name in NAMES:
        if isinstance(fault, theirs):
            return name(str(fault) or type(fault).__name__)
    return fault
