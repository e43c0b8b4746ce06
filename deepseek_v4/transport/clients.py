"""Who holds the sockets: HTTP clients shared by all transports of a process, or of an event loop.

A transport takes a lease when it first sends; when the last living one has given its lease back, the clients
are closed. For every request httpx's connection pool looks at all its connections, so many calls at a time are
spread over several clients, while few calls stay on the first one and keep
reusing its connections.
"""

from __future__ import annotations

import asyncio
import atexit
import functools
import os
import threading
from collections.abc import AsyncGenerator, Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary, WeakSet

from deepseek_v4 import errors

if TYPE_CHECKING:
    import ssl

CLIENTS = 32
CALLS_PER_CLIENT = 8
"""Calls under way on one client before another one is opened, which takes a tenth of a millisecond. With 200 calls
at a time, 5.0 ms of CPU per call on one client became 0.8 ms (16 clients: 1.2 ms)."""
KEPT_PER_CLIENT = 32
IDLE_SECONDS = 50.0
"""How long an idle connection is kept: under the 60 to 75 s after which common front ends close it."""


@functools.cache
def ssl_context() -> ssl.SSLContext:
    """One for all clients, for it takes 20 to 50 ms to build. Honours SSL_CERT_FILE and SSL_CERT_DIR."""
    import httpx

    return httpx.create_ssl_context()


def _sync_client() -> Any:
    import httpx

    return _built(httpx.Client)


def _async_client() -> Any:
    import httpx

    return _built(httpx.AsyncClient)


CERTIFICATE_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


def _built(kind: Any) -> Any:
    """A shared client of httpx's class.

    Raises:
        ConnectionError: when the environment's certificates or proxies cannot be used. It is not retryable, because
            building the client again gives the same failure.
    """
    from urllib.request import getproxies

    import httpx

    limits = httpx.Limits(
        max_connections=None, max_keepalive_connections=KEPT_PER_CLIENT, keepalive_expiry=IDLE_SECONDS
    )
    variables: tuple[str, ...] = CERTIFICATE_VARIABLES
    try:
        verify = ssl_context()
        variables = PROXY_VARIABLES
        for proxy in getproxies().values():  # a blocking socket takes a port modulo 65536
            _ = urlsplit("//" + proxy.rpartition("//")[2]).port
        return _plain(kind)(verify=verify, limits=limits)
    except Exception as fault:
        failure = _not_built(fault, variables)
    raise failure


def _not_built(fault: Exception, variables: tuple[str, ...]) -> errors.ConnectionError:
    given = [name for name in variables if os.environ.get(name) or os.environ.get(name.lower())]
    if variables is CERTIFICATE_VARIABLES:  # a proxy's value may hold a password
        given = [f"{name}={os.environ[name]}" for name in given if name in os.environ]
    return errors.ConnectionError(
        f"The HTTP client cannot be built: {str(fault).strip().rstrip('.') or type(fault).__name__}. "
        f"Check {', '.join(given or variables)} in the environment, or pass an http_client of your own.",
        retryable=False,
    )


def checked(client: Any, option: str, kind: str) -> Any:
    """The client that was given, unless it cannot make the calls it is given for.

    Args:
        client: An object of either library, or None.
        option: The option it was given as.
        kind: ``Client`` or ``AsyncClient``.

    Raises:
        InvalidRequestError: when it is something else, or of the other kind.
    """
    closes, other = ("close", "aclose") if kind == "Client" else ("aclose", "close")
    if client is None or (hasattr(client, "build_request") and (hasattr(client, closes) or not hasattr(client, other))):
        return client
    raise errors.InvalidRequestError(
        f"{option} is of the type {type(client).__module__.partition('.')[0]}.{type(client).__name__}. "
        "Pass an httpx.Client as http_client, and an httpx.AsyncClient as http_async_client."
    )


@functools.cache
def _plain(client: type[Any]) -> type[Any]:
    """The client class without what shared clients have no use for: 12 instead of 30 µs to build a request.

    There is no memory for cookies: one account's must not travel with another's requests. A request is built of what it
    is given alone, because these clients have no base address, parameters or headers of somebody's own to add.
    """
    import httpx

    class NoCookies(httpx.Cookies):
        def extract_cookies(self, response: httpx.Response) -> None:
            pass

    none = NoCookies()
    parsed = functools.lru_cache(maxsize=256)(httpx.URL)

    def standing(self: Any) -> dict[str, str]:
        return {name: self.headers[name] for name in ("accept-encoding", "connection")}

    def build_request(self: Any, method: str, url: str, *, headers: Any, content: bytes, extensions: Any) -> Any:
        return httpx.Request(
            method, parsed(url), headers={**self.standing, **headers}, content=content, extensions=extensions
        )

    added = {
        "cookies": property(lambda _: none),
        "standing": functools.cached_property(standing),
        "build_request": build_request,
    }
    return type(client.__name__, (client,), added)


class Shard:
    """One client and the number of calls under way on it; a context that holds a place."""

    __slots__ = ("_lock", "calls", "client", "retired")

    def __init__(self, client: Any, lock: threading.Lock) -> None:
        self.client = client
        self.calls = 0
        self.retired = False
        """Whether no new call may come here; the last one under way closes the client."""
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
    """The clients of one process or one event loop, and who holds a lease on them."""

    def __init__(self, build: Callable[[], Any]) -> None:
        self.open = True
        self.keeper: AsyncGenerator[None, None] | None = None
        self._build = build
        self._lock = threading.Lock()
        self._shards: list[Shard] = []
        self._holders: WeakSet[Any] = WeakSet()

    def lease(self, holder: object) -> bool:
        """Count the holder in; False when the pool has been closed."""
        with self._lock:
            if self.open:
                self._holders.add(holder)
            return self.open

    def release(self, holder: object) -> list[Any]:
        """Count the holder out; when nobody is left, close the pool and return the clients to close."""
        with self._lock:
            self._holders.discard(holder)
            return [] if self._holders else self._shut()

    def shut(self) -> list[Any]:
        """End all leases and return the clients to close."""
        with self._lock:
            return self._shut()

    def _shut(self) -> list[Any]:
        self.open = False
        clients = [shard.client for shard in self._shards]
        self._shards = []
        return clients

    def retire(self, client: Any) -> None:
        """Give the client no more calls.

        httpcore loses a connection when the call that opens it is cancelled between opening and sending: it stays
        in its pool, open and never used again. Closing the client frees it.
        """
        with self._lock:
            for shard in self._shards:
                if shard.client is client:
                    shard.retired = True
                    self._shards.remove(shard)
                    return

    def place(self) -> Shard | None:
        """The first client with room for one more call, else the least busy; None when the pool is closed."""
        with self._lock:
            if not self.open:
                return None
            for shard in self._shards:
                if shard.calls < CALLS_PER_CLIENT:
                    break
            else:
                if len(self._shards) < CLIENTS:
                    shard = Shard(self._build(), self._lock)
                    self._shards.append(shard)
                else:
                    shard = min(self._shards, key=lambda one: one.calls)
            shard.calls += 1
            return shard


class _Registry:
    """All shared pools of this process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.sync_pool: Pool | None = None
        self.by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, Pool] = WeakKeyDictionary()
        self.inherited: _Registry | None = None
        """In a forked child, the parent's: kept, because a pool that is dropped has its event loop close the clients,
        and the loop's wake-up pipe is still the parent's too."""


_registry = _Registry()


def sync_pool(holder: object) -> Pool:
    """The process's pool, with a lease on it."""
    with _registry.lock:
        pool = _registry.sync_pool
        if pool is None or not pool.lease(holder):
            pool = _registry.sync_pool = Pool(_sync_client)
            pool.lease(holder)
        return pool


def leave_sync_pool(holder: object) -> None:
    """Give the lease back; the last one closes the clients."""
    pool = _registry.sync_pool
    for client in [] if pool is None else pool.release(holder):
        client.close()


async def async_pool(holder: object) -> Pool:
    """The running event loop's pool, with a lease on it."""
    loop = asyncio.get_running_loop()
    with _registry.lock:
        pool = _registry.by_loop.get(loop)
        if pool is not None and pool.lease(holder):
            return pool
        for ended in [one for one in _registry.by_loop if one.is_closed()]:
            del _registry.by_loop[ended]
        pool = _registry.by_loop[loop] = Pool(_async_client)
        pool.lease(holder)
    pool.keeper = _close_with_loop(pool)
    await pool.keeper.__anext__()
    return pool


def retire(client: Any) -> None:
    """Let the running loop's pool replace one of its clients; others are left alone."""
    pool = _registry.by_loop.get(asyncio.get_running_loop())
    if pool is not None:
        pool.retire(client)


async def leave_async_pool(holder: object) -> None:
    """Give the lease on the running loop's pool back; the last one closes the clients."""
    pool = _registry.by_loop.get(asyncio.get_running_loop())
    for client in [] if pool is None else pool.release(holder):
        await client.aclose()


async def _close_with_loop(pool: Pool) -> AsyncGenerator[None, None]:
    """Closes the clients as the loop ends.

    ``asyncio.run`` closes async generators before the loop, so no socket is left for the garbage collector.
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
    """In a forked child: the parent's connections must not be used, and its locks may be held by nobody."""
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
