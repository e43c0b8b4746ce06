"""A server that answers from memory, so that what is measured is the client. Not a model, not a validator.

The first part of the path selects the answer, for example ``/burst-4000/chat/completions`` or
``/arguments-200000/chat/completions``; the request's ``stream`` selects streaming.
"""

from __future__ import annotations

import asyncio
import functools
import json
import sys
from typing import Any

ENVELOPE = {"id": "bench", "created": 1790000000, "model": "deepseek-v4-flash", "system_fingerprint": "fp_bench"}
USAGE = {
    "prompt_tokens": 100,
    "completion_tokens": 50,
    "total_tokens": 150,
    "prompt_tokens_details": {"cached_tokens": 64},
    "completion_tokens_details": {"reasoning_tokens": 20},
    "prompt_cache_hit_tokens": 64,
    "prompt_cache_miss_tokens": 36,
}


def event(delta: dict[str, Any], finish: str | None = None, usage: dict[str, Any] | None = None) -> bytes:
    """Return one encoded chunk."""
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    chunk = {**ENVELOPE, "object": "chat.completion.chunk", "choices": [choice], "usage": usage}
    return b"data: " + json.dumps(chunk, separators=(",", ":")).encode() + b"\n\n"


@functools.cache
def events(kind: str, size: int) -> tuple[bytes, ...]:
    """Return the events of one stream: ``size`` text chunks, for ``arguments`` ``size`` bytes in fragments of 4."""
    made = [event({"role": "assistant", "content": None, "reasoning_content": ""})]
    if kind == "arguments":
        text = json.dumps({"text": "abcdefghij " * (size // 11)})
        call = {"index": 0, "id": "call_00_bench", "type": "function", "function": {"name": "write", "arguments": ""}}
        made.append(event({"tool_calls": [call]}))
        made.extend(
            event({"tool_calls": [{"index": 0, "function": {"arguments": text[i : i + 4]}}]})
            for i in range(0, len(text), 4)
        )
        made.append(event({"content": "", "reasoning_content": None}, "tool_calls", USAGE))
    else:
        made.extend(event({"content": None, "reasoning_content": "think "}) for _ in range(size // 4))
        made.extend(event({"content": "word ", "reasoning_content": None}) for _ in range(size - size // 4))
        made.append(event({"content": "", "reasoning_content": None}, "stop", USAGE))
    made.append(b"data: [DONE]\n\n")
    return tuple(made)


@functools.cache
def whole() -> bytes:
    """Return a short complete answer."""
    message = {"role": "assistant", "content": "A short answer.", "reasoning_content": "A short thought."}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    return json.dumps({**ENVELOPE, "object": "chat.completion", "choices": [choice], "usage": USAGE}).encode()


@functools.cache
def burst(kind: str, size: int) -> bytes:
    """Return all events of a stream as one chunked body."""
    data = b"".join(events(kind, size))
    pieces = (data[i : i + 16_384] for i in range(0, len(data), 16_384))
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def body_of(kind: str) -> bytes:
    """Return the body of the stream for a path such as ``burst-2000``."""
    name, _, size = kind.partition("-")
    return b"".join(events(name, int(size or 0)))


STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n"

WHOLE_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Serve one connection."""
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = 0
            for line in head.lower().split(b"\r\n"):
                if line.startswith(b"content-length:"):
                    length = int(line[15:])
            body = await reader.readexactly(length)
            kind, _, size = head.split(b" ", 2)[1].split(b"/")[1].decode().partition("-")
            tail = body[:4096] + body[-4096:]
            if b'"stream":true' in tail or b'"stream": true' in tail:
                writer.write(STREAM_HEAD)
                if kind == "paced":
                    for one in events(kind, int(size)):
                        writer.write(b"%x\r\n%s\r\n" % (len(one), one))
                        await writer.drain()
                        await asyncio.sleep(0.0005)
                    writer.write(b"0\r\n\r\n")
                else:
                    writer.write(burst(kind, int(size)))
            else:
                if kind == "slow":
                    await asyncio.sleep(0.02)
                writer.write(WHOLE_HEAD % len(whole()) + whole())
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def main() -> None:
    """Listen on a free port and print it."""
    server = await asyncio.start_server(answer, "127.0.0.1", 0, limit=2**24, backlog=1024)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
