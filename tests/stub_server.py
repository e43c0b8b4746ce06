"""A raw chat server in a thread: it allows some requests at a time and refuses the others with 429."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import Iterator
from typing import Any


class Stub:
    """A server that returns ``text`` after ``seconds``; ``rows`` counts requests by the text of their last message."""

    def __init__(self, allowed: int = 10_000, seconds: float = 0.0, text: str = "ok", max_tokens: int = 7) -> None:
        self.allowed, self.seconds, self.text, self.output_tokens = allowed, seconds, text, max_tokens
        self.active = self.most = self.sent = self.refused = self.connections = self.open = self.most_open = 0
        self.retry_after: float | None = None
        self.times: list[float] = []
        self.served: list[tuple[float, float]] = []
        """Begin and end of each answer."""
        self.rows: dict[str, int] = {}
        self.answered: dict[str, int] = {}
        self.bodies: list[dict[str, Any]] = []
        self.keeps_bodies = False
        self.fails: dict[str, int] = {}
        """Text -> status of its first request."""
        self.url = ""

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(int(h[15:]) for h in head.lower().split(b"\r\n") if h.startswith(b"content-length:"))
                body = json.loads(await reader.readexactly(length))
                writer.write(await self._answer(body))
                await writer.drain()
        self.open -= 1
        writer.close()

    async def _answer(self, body: dict[str, Any]) -> bytes:
        row = str(body["messages"][-1]["content"])
        self.sent += 1
        self.times.append(time.monotonic())
        if self.keeps_bodies:
            self.bodies.append(body)
        first = row not in self.rows
        self.rows[row] = self.rows.get(row, 0) + 1
        if self.active >= self.allowed:
            self.refused += 1
            header = "" if self.retry_after is None else f"retry-after: {self.retry_after}\r\n"
            return _response(429, {"error": {"message": "too many"}}, header)
        if first and row in self.fails:
            return _response(self.fails[row], {"error": {"message": "fails"}}, "")
        self.active += 1
        self.most = max(self.most, self.active)
        began = time.monotonic()
        try:
            if self.seconds:
                await asyncio.sleep(self.seconds)
        finally:
            self.active -= 1
            self.served.append((began, time.monotonic()))
        self.answered[row] = self.answered.get(row, 0) + 1
        usage = {"prompt_tokens": 10, "completion_tokens": self.output_tokens, "total_tokens": 10 + self.output_tokens}
        message = {"role": "assistant", "content": self.text}
        answer = {"id": "1", "model": body["model"], "created": int(time.time()), "usage": usage}
        return _response(200, {**answer, "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}, "")


def _response(status: int, body: dict[str, Any], header: str) -> bytes:
    data = json.dumps(body).encode()
    head = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {len(data)}\r\n{header}\r\n"
    return head.encode() + data


@contextlib.contextmanager
def serving(stub: Stub, port: int = 0) -> Iterator[Stub]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def begin() -> asyncio.Server:
        return await asyncio.start_server(stub._serve, "127.0.0.1", port, backlog=2048)

    async def end() -> None:
        server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    server = asyncio.run_coroutine_threadsafe(begin(), loop).result()
    stub.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield stub
    finally:
        asyncio.run_coroutine_threadsafe(end(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
