"""Sockets: counts the connections that are open, and runs uvicorn in a thread with a quick start and stop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

START_SECONDS = 10.0
STOP_SECONDS = 5.0
IDLE_SECONDS = 75
BODY_HEADER_BYTES = 1 << 20


class Traffic:
    """The connections and streams that are open now."""

    def __init__(self) -> None:
        self._connections: dict[tuple[str, int], asyncio.Transport] = {}
        self.open_streams = 0

    @property
    def open_connections(self) -> int:
        """Number of accepted TCP connections that are open."""
        return len(self._connections)

    def transport_of(self, client: tuple[str, int] | None) -> asyncio.Transport | None:
        """Return the transport of a client's address."""
        return self._connections.get(client) if client else None

    def protocol_class(self) -> type[asyncio.Protocol]:
        """Return a uvicorn protocol class that reports its connections to this object."""
        connections = self._connections

        class CountedProtocol(H11Protocol):
            def connection_made(self, transport: Any) -> None:
                super().connection_made(transport)
                if self.client is not None:
                    connections[self.client] = transport

            def connection_lost(self, exc: Exception | None) -> None:
                if self.client is not None:
                    connections.pop(self.client, None)
                super().connection_lost(exc)

        return CountedProtocol


class _QuickServer(uvicorn.Server):
    """uvicorn without its ticks: it starts and stops on request, and closes open connections."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None

    async def main_loop(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        await self.on_tick(0)
        self.ready.set()
        await self._stopping.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            transport = connection.transport
            if transport is not None:
                transport.abort()
        tasks = set(self.server_state.tasks)
        if tasks:
            _, unfinished = await asyncio.wait(tasks, timeout=1.0)
            for task in unfinished:
                task.cancel()

    def stop(self) -> None:
        """Stop the server; callable from any thread."""
        if self._loop is not None and self._stopping is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended already
                self._loop.call_soon_threadsafe(self._stopping.set)


class ServerThread:
    """An ASGI application served on its own socket, in a daemon thread."""

    def __init__(self, application: Any, traffic: Traffic, host: str, port: int) -> None:
        self._listener = _listening_socket(host, port)
        config = uvicorn.Config(
            application,
            loop="asyncio",
            http=traffic.protocol_class(),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            timeout_keep_alive=IDLE_SECONDS,
            h11_max_incomplete_event_size=BODY_HEADER_BYTES,
        )
        self._server = _QuickServer(config)
        self._thread = threading.Thread(
            target=self._server.run, args=([self._listener],), name="deepseek-local-server", daemon=True
        )

    @property
    def port(self) -> int:
        """The port of the server."""
        return int(self._listener.getsockname()[1])

    def start(self) -> None:
        """Start and wait until requests are taken; raise RuntimeError if the server does not come up."""
        self._thread.start()
        if not self._server.ready.wait(START_SECONDS):
            raise RuntimeError("the local server did not start; is its port free?")

    def stop(self) -> None:
        """Close every connection and end the thread."""
        self._server.stop()
        self._thread.join(STOP_SECONDS)
        self._listener.close()


def _listening_socket(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # asyncio sets TCP_NODELAY by it
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.set_inheritable(False)
    except OSError as error:
        listener.close()
        reason = f"The local server cannot listen on {host}:{port}: {error.strerror}. Use another port, or 0"
        raise OSError(error.errno, reason) from None
    return listener
