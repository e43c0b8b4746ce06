"""A server of raw sockets that sends exactly the bytes of a script, and counts its connections."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class Received:
    head: str
    body: bytes
    connection: int

    @property
    def headers(self) -> dict[str, str]:
        lines = self.head.split("\r\n")[1:]
        return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}


@dataclass
class Peer:
    """One accepted connection, for a script to write to."""

    socket: socket.socket

    def send(self, *parts: bytes) -> None:
        for part in parts:
            self.socket.sendall(part)

    def answer(self, body: bytes, status: str = "200 OK", *headers: str) -> None:
        lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers]
        self.send("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    def begin(self, *headers: str) -> None:
        """Send the head of a chunked answer."""
        lines = ["HTTP/1.1 200 OK", "content-type: text/event-stream", "transfer-encoding: chunked", *headers]
        self.send("\r\n".join(lines).encode() + b"\r\n\r\n")

    def chunk(self, data: bytes) -> None:
        self.send(b"%x\r\n%s\r\n" % (len(data), data))

    def end(self) -> None:
        self.send(b"0\r\n\r\n")

    def wait_until_gone(self, seconds: float = 5.0) -> bool:
        """Return True if the client closed the connection in time."""
        self.socket.settimeout(seconds)
        try:
            return self.socket.recv(1) == b""
        except ConnectionError:
            return True
        except OSError:
            return False

    def hang_up(self) -> None:
        self.socket.close()


Script = Callable[[Peer, int], None]
"""What to do for the n-th request, counted from 1."""


@dataclass
class WireServer:
    script: Script
    tls: ssl.SSLContext | None = None
    received: list[Received] = field(default_factory=list)
    connections: int = 0
    open: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self._listener.getsockname()[1]
        self.url = f"http{'s' if self.tls else ''}://127.0.0.1:{self.port}"
        self._peers: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for peer in self._peers:
                peer.close()

    def wait_until_open(self, count: int, seconds: float = 1.0) -> bool:
        """Return True if so many connections are open, or become open in time."""
        until = time.monotonic() + seconds
        while self.open != count:
            if time.monotonic() > until:
                return False
            time.sleep(0.005)
        return True

    def _accept(self) -> None:
        while True:
            try:
                accepted, _ = self._listener.accept()
            except OSError:
                return
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self.connections += 1
                self.open += 1
                self._peers.append(accepted)
                number = self.connections
            threading.Thread(target=self._serve, args=(accepted, number), daemon=True).start()

    def _serve(self, accepted: socket.socket, connection: int) -> None:
        pending = b""
        try:
            if self.tls is not None:
                accepted = self.tls.wrap_socket(accepted, server_side=True)
            while True:
                while b"\r\n\r\n" not in pending:
                    accepted.settimeout(None)
                    data = accepted.recv(65536)
                    if not data:
                        return
                    pending += data
                head, _, pending = pending.partition(b"\r\n\r\n")
                received = Received(head.decode(), b"", connection)
                length = int(received.headers.get("content-length", 0))
                while len(pending) < length:
                    data = accepted.recv(65536)
                    if not data:
                        return
                    pending += data
                received.body, pending = pending[:length], pending[length:]
                with self._lock:
                    self.received.append(received)
                    number = len(self.received)
                self.script(Peer(accepted), number)
        except OSError:
            pass
        finally:
            accepted.close()
            with self._lock:
                self.open -= 1


@contextmanager
def serving(script: Script, tls: ssl.SSLContext | None = None) -> Iterator[WireServer]:
    server = WireServer(script, tls)
    server.start()
    try:
        yield server
    finally:
        server.stop()
