"""HTTP clients, shared by all transports of a process (sync) or of an event loop (async).

A transport takes a lease when it first sends; when the last lease is released, the clients are closed. For each
request httpx's connection pool scans all its connections, so many concurrent calls are spread over several clients,
while few calls stay on the first client and reuse its connections.
"""

from __future__ import annotations

import asyncio
import atexit
import functools
import os
import threading
from collections.abc import AsyncGenerator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary, WeakSet

from deepseek_v4 import errors

if TYPE_CHECKING:
    import ssl

CLIENTS = 32
CALLS_PER_CLIENT = 8
"""Concurrent calls on one client before another one is opened, which takes a tenth of a millisecond. With 200
concurrent calls, 5.0 ms of CPU per call on one client became 0.8 ms (16 clients: 1.2 ms)."""
KEPT_PER_CLIENT = 32
CONNECTIONS = CLIENTS * CALLS_PER_CLIENT
"""Connections at a time of the calls without a limiter, for synchronous calls and for each event loop: 256."""
WAIT_FOR_CONNECTION_SECONDS = 3600.0
"""How long a call waits for one of these connections. A call that waits is not idle: ``timeout`` does not apply."""
IDLE_SECONDS = 50.0
"""How long an idle connection is kept: less than the 60 to 75 s after which common front ends close it."""


@functools.cache
def ssl_context() -> ssl.SSLContext:
    """Return the context shared by all clients: it takes 20 to 50 ms to build. Uses SSL_CERT_FILE and SSL_CERT_DIR."""
    import httpx

    return httpx.create_ssl_context()


CERTIFICATE_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


def _built(kind: str, capped: bool) -> Any:
    """Build a shared client, with its part of ``CONNECTIONS`` or without a cap.

    Args:
        kind: ``Client`` or ``AsyncClient``.
        capped: False for calls with a limiter.

    Raises:
        ConnectionError: If the environment's certificates or proxies cannot be used. It is not retryable, because
            building the client again fails in the same way.
    """
    from urllib.request import getproxies

    import httpx

    limits = httpx.Limits(
        max_connections=CALLS_PER_CLIENT if capped else None,
        max_keepalive_connections=KEPT_PER_CLIENT,
        keepalive_expiry=IDLE_SECONDS,
    )
    variables: tuple[str, ...] = CERTIFICATE_VARIABLES
    try:
        verify = ssl_context()
        variables = PROXY_VARIABLES
        for proxy in getproxies().values():  # a blocking socket uses a port modulo 65536
            _ = urlsplit("//" + proxy.rpartition("//")[2]).port
        return _plain(getattr(httpx, kind))(verify=verify, limits=limits)
    except Exception as error:
        failure = _not_built(error, variables)
    raise failure


def _not_built(error: Exception, variables: tuple[str, ...]) -> errors.ConnectionError:
    given = [name for name in variables if os.environ.get(name) or os.environ.get(name.lower())]
    if variables is CERTIFICATE_VARIABLES:  # a proxy's value may hold a password
        given = [f"{name}={os.environ[name]}" for name in given if name in os.environ]
    return errors.ConnectionError(
        f"The HTTP client cannot be created: {str(error).strip().rstrip('.') or type(error).__name__}. "
        f"Check {', '.join(given or variables)} in the environment, or pass your own http_client.",
        retryable=False,
    )


def checked(client: Any, option: str, kind: str) -> Any:
    """Check a given client and return it.

    Args:
        client: A client of httpx or httpx2, or None.
        option: Name of the option that holds it.
        kind: ``Client`` or ``AsyncClient``.

    Raises:
        InvalidRequestError: If it is not a client, or a client of the other kind.
    """
    closes, other = ("close", "aclose") if kind == "Client" else ("aclose", "close")
    if client is None or (hasattr(client, "build_request") and (hasattr(client, closes) or not hasattr(client, other))):
        return client
    raise errors.InvalidRequestError(
        f"{option} has the wrong type {type(client).__module__.partition('.')[0]}.{type(client).__name__}. "
        "Pass an httpx.Client as http_client, and an httpx.AsyncClient as http_async_client."
    )


def build_request(
    client: Any, method: str, url: Any, headers: Mapping[str, str], content: bytes, timeouts: dict[str, Any]
) -> Any:
    """Build a request with the library of a client; the headers replace those of a given client.

    Args:
        client: A shared client or a given one.
        method: The HTTP method.
        url: The URL, as an object of the library.
        headers: The headers, with names in lower case.
        content: The body.
        timeouts: The seconds by phase.
    """
    extensions = {"timeout": timeouts}
    if hasattr(client, "build_alone"):
        return client.build_alone(method, url, headers, content, extensions)
    request = client.build_request(method, url, content=content, extensions=extensions)
    for name, value in headers.items():  # the library takes 6 µs longer to merge headers it is given
        value.encode("ascii")  # it checks those; one that is set would be sent as UTF-8
        request.headers[name] = value
    return request


@functools.cache
def _plain(client: type[Any]) -> type[Any]:
    """Return the client class without the features shared clients do not need: 5 instead of 24 µs to build a request.

    Cookies are not stored: one account's cookies must not be sent with another's requests. A request is built from its
    arguments alone, because these clients have no base URL, parameters or headers set by a user.
    """
    import httpx

    class NoCookies(httpx.Cookies):
        def extract_cookies(self, response: httpx.Response) -> None:
            pass

    none = NoCookies()

    def build_alone(
        self: Any, method: str, url: Any, headers: Mapping[str, str], content: bytes, extensions: Any
    ) -> Any:
        extensions["timeout"]["pool"] = WAIT_FOR_CONNECTION_SECONDS
        fixed = {"host": url.netloc, "connection": "keep-alive"}
        if content:
            fixed["content-length"] = str(len(content))
        stream = httpx.ByteStream(content)
        return httpx.Request(method, url, headers={**fixed, **headers}, stream=stream, extensions=extensions)

    return type(client.__name__, (client,), {"cookies": property(lambda _: none), "build_alone": build_alone})


class Shard:
    """One client and the number of its active calls; a context manager that holds a slot for one call."""

    __slots__ = ("_lock", "calls", "capped", "client", "retired")

    def __init__(self, client: Any, lock: threading.RLock, capped: bool) -> None:
        self.client = client
        self.capped = capped
        self.calls: int = 0
        self.retired: bool = False
        """True if the client accepts no new call; the last active call closes it."""
        self._lock = lock

    def __enter__(self) -> Any:
        return self.client

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self.calls -= 1

    async def __aenter__(self) -> Any:
        return self.client

    async def __aexit__(self, *_: object) -> None:
        with self._lock:
            self.calls -= 1
        if self.retired and not self.calls:
            await self.client.aclose()


class Pool:
    """The clients of one process or one event loop, and the holders of leases on them."""

    def __init__(self, kind: str) -> None:
        self.open: bool = True
        self.keeper: AsyncGenerator[None, None] | None = None
        self._kind = kind
        self._lock = threading.RLock()
        self._shards: list[Shard] = []
        self._holders: WeakSet[Any] = WeakSet()

    def lease(self, holder: object) -> bool:
        """Add a holder; return False if the pool has been closed."""
        with self._lock:
            if self.open:
                self._holders.add(holder)
            return self.open

    def release(self, holder: object) -> list[Any]:
        """Remove a holder; if none is left, close the pool and return the clients to close."""
        with self._lock:
            self._holders.discard(holder)
            return [] if self._holders else self.shut()

    def shut(self) -> list[Any]:
        """End all leases and return the clients to close."""
        with self._lock:
            self.open = False
            clients = [shard.client for shard in self._shards]
            self._shards = []
            return clients

    def retire(self, client: Any) -> None:
        """Assign no more calls to the client.

        httpcore leaks a connection if the call that opens it is cancelled between opening and sending: the connection
        stays in its pool, open and never used again. Closing the client releases it.
        """
        with self._lock:
            for shard in self._shards:
                if shard.client is client:
                    shard.retired = True
                    self._shards.remove(shard)
                    return

    def reserve(self, capped: bool) -> Shard | None:
        """Reserve a slot on the first client with a free one, else on the least busy; None if the pool is closed.

        Args:
            capped: False for a call with a limiter, which limits the connections itself.
        """
        with self._lock:
            if not self.open:
                return None
            for shard in self._shards:
                if shard.calls < CALLS_PER_CLIENT and shard.capped is capped:
                    break
            else:
                shards = [shard for shard in self._shards if shard.capped is capped]
                if len(shards) < CLIENTS:
                    shard = Shard(_built(self._kind, capped), self._lock, capped)
                    self._shards.append(shard)
                else:
                    shard = min(shards, key=lambda one: one.calls)
            shard.calls += 1
            return shard


class _Registry:
    """All shared pools of this process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.sync_pool: Pool | None = None
        self.by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, Pool] = WeakKeyDictionary()
        self.inherited: _Registry | None = None
        """In a forked child, the parent's registry. It is kept alive, because a garbage-collected pool makes its event
        loop close the clients, and the loop's wake-up pipe is still shared with the parent."""


_registry = _Registry()


def sync_pool(holder: object) -> Pool:
    """Return the process's pool, with a lease for the holder."""
    with _registry.lock:
        pool = _registry.sync_pool
        if pool is None or not pool.lease(holder):
            pool = _registry.sync_pool = Pool("Client")
            pool.lease(holder)
        return pool


def leave_sync_pool(holder: object) -> None:
    """Release the holder's lease; the last release closes the clients."""
    pool = _registry.sync_pool
    for client in [] if pool is None else pool.release(holder):
        client.close()


async def async_pool(holder: object) -> Pool:
    """Return the running event loop's pool, with a lease for the holder."""
    loop = asyncio.get_running_loop()
    with _registry.lock:
        pool = _registry.by_loop.get(loop)
        if pool is not None and pool.lease(holder):
            return pool
        for ended in [one for one in _registry.by_loop if one.is_closed()]:
            del _registry.by_loop[ended]
        pool = _registry.by_loop[loop] = Pool("AsyncClient")
        pool.lease(holder)
    pool.keeper = _close_with_loop(pool)
    await pool.keeper.__anext__()
    return pool


def retire(client: Any) -> None:
    """Make the running loop's pool replace the client; clients of other pools are ignored."""
    pool = _registry.by_loop.get(asyncio.get_running_loop())
    if pool is not None:
        pool.retire(client)


async def leave_async_pool(holder: object) -> None:
    """Release the holder's lease on the running loop's pool; the last release closes the clients."""
    pool = _registry.by_loop.get(asyncio.get_running_loop())
    for client in [] if pool is None else pool.release(holder):
        await client.aclose()


async def _close_with_loop(pool: Pool) -> AsyncGenerator[None, None]:
    """Close the clients when the loop ends.

    ``asyncio.run`` closes async generators before the loop, so the garbage collector finds no open socket.
    """
    try:
        yield
    finally:
        for client in pool.shut():
            await client.aclose()


def _close_at_exit() -> None:
    pool = _registry.sync_pool
    for client in [] if pool is None else pool.shut():
        client.close()


def _start_over() -> None:
    """Reset the state in a forked child: it must not use the parent's connections, and locks may stay locked."""
    global _registry
    inherited = _registry
    _registry = _Registry()
    _registry.inherited = inherited
    for pool in (inherited.sync_pool, *inherited.by_loop.values()):
        if pool is not None:
            pool.open = False


atexit.register(_close_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_over)
