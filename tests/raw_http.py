"""HTTP servers of the standard library in a thread, for behaviour that the local server does not have."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@contextlib.contextmanager
def refusing_port() -> Iterator[int]:
    """Yield a port of 127.0.0.1 that refuses connections: bound, so that no other process can take it."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


class RawHandler(BaseHTTPRequestHandler):
    """A handler that logs nothing."""

    disable_nagle_algorithm = True  # otherwise each answer of several writes waits 40 ms for an acknowledgement

    def log_message(self, *_: Any) -> None:
        """Print nothing."""


@contextlib.contextmanager
def serving(handler: type[RawHandler], server: type[ThreadingHTTPServer] = ThreadingHTTPServer) -> Iterator[Any]:
    """Serve on a free port of 127.0.0.1; yields the server."""
    with server(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)  # the default ends in 0.5 s
        thread.start()
        try:
            yield running
        finally:
            running.shutdown()
            thread.join()
