"""A socket that answers every request with the bytes it was given, in the chunks it was given."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from tests.raw_http import RawHandler, serving


class ReplayServer:
    """Set ``answer`` before each request."""

    def __init__(self) -> None:
        self.status = 200
        self.content_type = "application/json"
        self.chunks: Sequence[bytes] = ()
        outer = self

        class Handler(RawHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["content-length"]))
                self.send_response(outer.status)
                self.send_header("content-type", outer.content_type)
                self.send_header("transfer-encoding", "chunked")
                self.end_headers()
                for chunk in outer.chunks:
                    if chunk:
                        self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
                        self.wfile.flush()
                self.wfile.write(b"0\r\n\r\n")

        self._running = contextlib.ExitStack()
        self.base_url = f"http://127.0.0.1:{self._running.enter_context(serving(Handler)).server_port}"

    def answer(self, status: int, content_type: str, chunks: Sequence[bytes]) -> None:
        self.status, self.content_type, self.chunks = status, content_type, chunks

    def close(self) -> None:
        self._running.close()
