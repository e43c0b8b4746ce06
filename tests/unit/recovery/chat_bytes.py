"""Complete and streamed chat completions as bytes, for servers of raw sockets."""

from __future__ import annotations

import json
from typing import Any

from tests.unit.transport.wire_server import Peer

BUSY = {"error": {"message": "Service is too busy.", "type": "service_unavailable_error"}}
USAGE = {"prompt_tokens": 1, "completion_tokens": 1}


def complete(content: str | None = "yes", finish: str = "stop", **message: Any) -> bytes:
    """Return a complete response body."""
    choice = {"index": 0, "message": {"role": "assistant", "content": content, **message}, "finish_reason": finish}
    return json.dumps({"id": "1", "choices": [choice], "usage": USAGE}).encode()


def event(delta: dict[str, Any] | None = None, finish: str | None = None, **more: Any) -> bytes:
    """Return one event of a stream: a delta, or anything else."""
    value = more or {"id": "1", "choices": [{"index": 0, "delta": delta or {}, "finish_reason": finish}]}
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def streamed(content: str = "yes", finish: str = "stop", **delta: Any) -> bytes:
    """Return a complete stream."""
    return event({"content": content, **delta}) + event({}, finish) + b"data: [DONE]\n\n"


def answer(peer: Peer, is_streamed: bool, content: str = "yes", finish: str = "stop", **more: Any) -> None:
    """Send an answer in the form that was requested."""
    if not is_streamed:
        peer.answer(complete(content, finish, **more))
        return
    send_stream(peer, streamed(content, finish, **more))


def send_stream(peer: Peer, *chunks: bytes) -> None:
    """Send a stream and its end."""
    peer.begin()
    for chunk in chunks:
        peer.chunk(chunk)
    peer.end()
