"""A server in a separate process that answers each of thousands of streams with the mark of its request."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

CHUNKS = 5
"""Chunks of a streamed answer."""
PAUSE = 0.01
"""Seconds between them."""
MARK = re.compile(rb"mark-\d+")


def answer(mark: str) -> str:
    """Return the text of an answer."""
    return "".join(f"{mark}:{number} " for number in range(CHUNKS))


def _chunk(text: str, finish: str | None = None) -> bytes:
    choice: dict[str, Any] = {"index": 0, "delta": {"content": text} if text else {}, "finish_reason": finish}
    data = json.dumps({"id": "1", "created": 1, "model": "m", "choices": [choice]}).encode()
    return b"data: " + data + b"\n\n"


def _complete(mark: str) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", "content": answer(mark)}, "finish_reason": "stop"}
    return json.dumps({"id": "1", "created": 1, "model": "m", "choices": [choice]}).encode()


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(re.search(rb"(?i)content-length: *(\d+)", head)[1])  # type: ignore[index]
            body = await reader.readexactly(length)
            mark = MARK.search(body)[0].decode()  # type: ignore[index]
            await _answer(writer, mark, streamed=b'"stream":true' in body)
    writer.close()


async def _answer(writer: asyncio.StreamWriter, mark: str, *, streamed: bool) -> None:
    if not streamed:
        body = _complete(mark)
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body) + body
        )
        await writer.drain()
        return
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
    for data in [*(_chunk(f"{mark}:{number} ") for number in range(CHUNKS)), _chunk("", "stop"), b"data: [DONE]\n\n"]:
        writer.write(b"%x\r\n%b\r\n" % (len(data), data))
        await writer.drain()
        await asyncio.sleep(PAUSE)
    writer.write(b"0\r\n\r\n")
    await writer.drain()


async def _main() -> None:
    server = await asyncio.start_server(_serve, "127.0.0.1", 0, backlog=4096)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


@contextmanager
def running() -> Iterator[str]:
    """Start the server; yields its base URL."""
    import subprocess

    command = [sys.executable, "-m", "tests.load.server"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1"
        finally:
            process.terminate()


if __name__ == "__main__":
    asyncio.run(_main())
