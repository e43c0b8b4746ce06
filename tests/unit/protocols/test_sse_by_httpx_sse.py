"""Random event streams: split as the package ``httpx-sse`` splits them, for every cut."""

from __future__ import annotations

import json
import random

import httpx
import pytest
from httpx_sse import EventSource

from deepseek_v4.protocols.sse import EventSplitter

LINES = (": keep-alive", ":", "", "", "event: message", "id: 7", "retry: 10", "data: [DONE]", "data:{}", "data: a: b")


def stream(rng: random.Random) -> bytes:
    """Return lines as model services send them: JSON events, comments, names, blank lines, either line end."""
    lines: list[str] = []
    for _ in range(rng.randrange(1, 30)):
        event = json.dumps(
            {"t": rng.choice(("é", "line\\n", "日本", "data: x")), "n": rng.random()}, ensure_ascii=False
        )
        lines.append(rng.choice((*LINES, f"data: {event}", f"data: {event}\n")))
    ends = rng.choice(("\n", "\r\n"))
    return ends.join(part for line in (*lines, "", "") for part in line.split("\n")).encode()


@pytest.mark.parametrize("seed", range(3))
def test_the_events_are_those_of_httpx_sse(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(150):
        body = stream(rng)
        response = httpx.Response(200, headers={"content-type": "text/event-stream"}, content=body)
        expected = [event.data for event in EventSource(response).iter_sse() if event.data]
        splitter, size = EventSplitter(), rng.randrange(1, 40)
        found = [event for at in range(0, len(body), size) for event in splitter.feed(body[at : at + size])]
        assert [event.decode() for event in found] == expected, body
        assert splitter.stray() == b""
