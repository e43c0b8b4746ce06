"""A socket that answers every request with the bytes it was given, in the pieces it was given."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class ReplayServer:
    """Set ``answer`` before each request."""

    def __init__(self) -> None:
        self.status = 200
        self.content_type = "application/json"
        self.pieces: Sequence[bytes] = ()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["content-length"]))
                self.send_response(outer.status)
                self.send_header("content-type", outer.content_type)
                self.send_header("transfer-encoding", "chunked")
                self.end_headers()
                for piece in outer.pieces:
                    if piece:
                        self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                        self.wfile.flush()
                self.wfile.write(b"0\r\n\r\n")

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.base_url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def answer(self, status: int, content_type: str, pieces: Sequence[bytes]) -> None:
        self.status, self.content_type, self.pieces = status, content_type, pieces

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
