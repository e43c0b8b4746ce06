from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from deepseek_v4 import Client, Delta, StreamEnd
from deepseek_v4.recovery import retry_loops
from tests.unit.transport.wire_server import Script, WireServer, serving


@pytest.fixture
def serve() -> Iterator[Callable[[Script], WireServer]]:
    """Return a function that starts a server of raw sockets that runs a script."""
    with ExitStack() as stack:
        yield lambda script: stack.enter_context(serving(script))


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds between attempts, noted instead of waited."""
    noted: list[float] = []

    async def note(seconds: float) -> None:
        noted.append(seconds)

    monkeypatch.setattr(retry_loops, "sleep", noted.append)
    monkeypatch.setattr(retry_loops, "asleep", note)
    return noted


@pytest.fixture(params=["sync", "async"])
def deltas(request: pytest.FixtureRequest) -> Callable[..., list[Delta]]:
    """Return all deltas of a call, for both kinds of clients; of a complete answer only its end."""

    def called(url: str, streamed: bool, messages: Any = "Hi", **options: Any) -> list[Delta]:
        with Client(api_key="sk-test", base_url=url) as client:
            if streamed:
                return list(client.stream(messages, **options))
            return [StreamEnd(client.chat(messages, **options))]

    async def acalled(url: str, streamed: bool, messages: Any = "Hi", **options: Any) -> list[Delta]:
        async with Client(api_key="sk-test", base_url=url) as client:
            if streamed:
                return [delta async for delta in await client.astream(messages, **options)]
            return [StreamEnd(await client.achat(messages, **options))]

    if request.param == "sync":
        return called
    return lambda *args, **options: asyncio.run(acalled(*args, **options))
