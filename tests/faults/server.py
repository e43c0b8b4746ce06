"""A server of raw sockets that ends its responses as a script requires; independent of ``deepseek_v4.testing``."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

End = Literal["closed", "reset", "silent", "drip"]
"""What happens after the bytes of a script: the connection is closed, reset, or kept open, without a further byte or
with ``Script.drip`` every 50 ms."""

PATIENCE = 20.0
"""Seconds after which a thread of the server ends, so that no test leaves one running."""
_CELL = re.compile(rb" /cell-(\d+)/")


@dataclass(frozen=True)
class Script:
    """What the server sends for one request, and how it ends.

    Attributes:
        sent: The bytes.
        end: What happens after them.
        drip: The bytes that are sent repeatedly with ``drip``.
    """

    sent: bytes = b""
    end: End = "closed"
    drip: bytes = b""


Answer = Callable[[int, Mapping[str, Any]], Script]
"""Returns the script for a request, by its number in the cell (from 0) and its body."""


class Server:
    """Answers the requests of many cells at once; a cell is named by the path of its base URL."""

    def __init__(self) -> None:
        self.requests: Counter[int] = Counter()
        """Requests by cell."""
        self._answers: dict[int, Answer] = {}
        self._listeners: list[socket.socket] = []
        self._lock = threading.Lock()
        self._port = self._listen(self._serve)

    def url(self, cell: int, answer: Answer) -> str:
        """Return the base URL of a cell."""
        self._answers[cell] = answer
        return f"http://127.0.0.1:{self._port}/cell-{cell}/v1"

    def url_without_request(self, cell: int, end: End | None) -> str:
        """Return the base URL of a cell whose connections end before a request is read; None: they are refused."""
        if end is None:
            bound = socket.socket()  # it never listens, and no other process can take its port
            bound.bind(("127.0.0.1", 0))
            self._listeners.append(bound)
            return f"http://127.0.0.1:{bound.getsockname()[1]}/v1"

        def refuse(connection: socket.socket) -> None:
            self._count(cell)
            _finish(connection, Script(end=end))

        return f"http://127.0.0.1:{self._listen(refuse)}/v1"

    def close(self) -> None:
        """Stop listening."""
        for listener in self._listeners:
            listener.close()

    def _count(self, cell: int) -> int:
        with self._lock:
            self.requests[cell] += 1
            return self.requests[cell] - 1

    def _listen(self, serve: Callable[[socket.socket], None]) -> int:
        listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self._listeners.append(listener)

        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                connection.settimeout(PATIENCE)
                threading.Thread(target=guarded, args=(connection,), daemon=True).start()

        def guarded(connection: socket.socket) -> None:
            with contextlib.suppress(OSError), connection:
                serve(connection)

        threading.Thread(target=accept, daemon=True).start()
        return int(listener.getsockname()[1])

    def _serve(self, connection: socket.socket) -> None:
        head, body = _request(connection)
        found = _CELL.search(head.split(b"\r\n", 1)[0])
        if found is None:
            return
        cell = int(found[1])
        script = self._answers[cell](self._count(cell), json.loads(body or b"{}"))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(script.sent)
        _finish(connection, script)


def _request(connection: socket.socket) -> tuple[bytes, bytes]:
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = connection.recv(65536)
        if not chunk:
            return b"", b""
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: *(\d+)", head)
    while length and len(body) < int(length[1]):
        body += connection.recv(65536)
    return head, body


def _finish(connection: socket.socket, script: Script) -> None:
    if script.end == "reset":
        time.sleep(0.02)  # otherwise the bytes before it can be lost
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    elif script.end == "silent":
        while connection.recv(65536):
            pass
    elif script.end == "drip":
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            connection.sendall(script.drip)
            time.sleep(0.05)
