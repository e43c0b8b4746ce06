"""The live page: a server on 127.0.0.1 that follows a record while it is written.

Its URL contains a random token, and a request whose ``Host`` is another name is refused: a page of another site that
resolves its own name to 127.0.0.1 can read nothing.
"""

from __future__ import annotations

import secrets
import sys
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from os import PathLike
from pathlib import Path
from socketserver import ThreadingTCPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from typing_extensions import Self

from deepseek_v4.observe.page import complete_lines, document

INTERVAL = 0.2
"""Seconds between two reads of the record while a page is open."""
LAST_EVENTS = 2.0
"""Seconds that the open pages have, at the end, to receive the last lines."""
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "connect-src 'self'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class LiveServer:
    """A server of the page of a record, as a context; the record can still be written, by any process.

    Args:
        record: The record, which must exist.

    Attributes:
        url: The URL of the page.

    Raises:
        OSError: if no port can be opened.
    """

    def __init__(self, record: str | PathLike[str]) -> None:
        self._server = _Server(Path(record))
        self.url: str = f"http://{self._server.host}{self._server.root}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), name="deepseek-v4-live", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.ended.set()
        until = time.monotonic() + LAST_EVENTS
        for follower in tuple(self._server.followers):
            follower.join(max(until - time.monotonic(), 0.0))
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, record: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.record = record
        self.host = f"127.0.0.1:{self.server_address[1]}"
        self.root = f"/{secrets.token_urlsafe(16)}/"
        self.ended = threading.Event()
        self.followers: set[threading.Thread] = set()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Report nothing if a browser has closed its connection: standard error is the program's."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _NewLines(NamedTuple):
    """The complete lines of a record from a place on, and the place after them; ``begun`` if it was written anew."""

    lines: list[bytes]
    offset: int
    begun: bool = False


def _new_lines(record: Path, offset: int) -> _NewLines:
    with record.open("rb") as file:
        if file.seek(0, 2) < offset:
            return _NewLines([], 0, begun=True)
        file.seek(offset)
        data = file.read()
    return _NewLines(complete_lines(data), offset + data.rfind(b"\n") + 1)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = 10  # seconds for a request, and for a page that reads nothing

    def do_GET(self) -> None:
        """Send the page, or the events of the record."""
        url = urlsplit(self.path)
        if self.headers["Host"] != self.server.host:
            self.send_error(HTTPStatus.MISDIRECTED_REQUEST)
        elif secrets.compare_digest(url.path.encode(), self.server.root.encode()):
            new = _new_lines(self.server.record, 0)
            self._begin("text/html; charset=utf-8")
            self.wfile.write(document(new.lines, new.offset))
        elif secrets.compare_digest(url.path.encode(), f"{self.server.root}events".encode()):
            # a browser that connects again names the last event
            given = self.headers["Last-Event-ID"] or parse_qs(url.query).get("offset", ["0"])[0]
            self._begin("text/event-stream")
            self._follow(int(given) if given.isdecimal() else 0)
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def _follow(self, offset: int) -> None:
        server = self.server
        server.followers.add(threading.current_thread())
        try:
            while True:
                ended = server.ended.is_set()  # before the look: what was written until then is sent
                new = _new_lines(server.record, offset)
                self.wfile.write(_event(new))
                if new.begun:
                    return
                if ended:
                    self.wfile.write(b"event: end\ndata: 0\n\n")
                    return
                offset = new.offset
                server.ended.wait(INTERVAL)
        except OSError:  # the page was closed
            pass
        finally:
            server.followers.discard(threading.current_thread())

    def _begin(self, kind: str) -> None:
        self.send_response(HTTPStatus.OK)
        for name, value in {"Content-Type": kind, **_HEADERS}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: standard error is the program's, and the URL contains the token."""


def _event(new: _NewLines) -> bytes:
    """Return a server-sent event; a comment, with which a closed page is noticed, if there is nothing new."""
    if new.begun:
        return b"event: restart\ndata: 0\n\n"
    if not new.lines:
        return b":\n\n"
    return b"id: %d\n" % new.offset + b"".join(b"data: " + line + b"\n" for line in new.lines) + b"\n"
