from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from deepseek_v4 import Client, Reply
from deepseek_v4.recovery import retry_loops
from tests.unit.transport.client_kinds import KEY, AsyncTwin, SyncTwin
from tests.unit.transport.wire_server import Script, WireServer, serving


@pytest.fixture
def serve() -> Iterator[Callable[[Script], WireServer]]:
    """Return a function that starts a server that runs a script."""
    with ExitStack() as stack:
        yield lambda script: stack.enter_context(serving(script))


@pytest.fixture(params=[SyncTwin, AsyncTwin], ids=["sync", "async"])
def twin_class(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def make() -> Iterator[Any]:
    """Return a function that creates a twin of a class, with or without a given client; close both after the test."""
    made: list[Any] = []

    def make_twin(kind: Any, client: Any = None) -> Any:
        made.append(kind(client))
        return made[-1]

    yield make_twin
    for twin in made:
        twin.end()


@pytest.fixture
def twin(make: Any, twin_class: Any) -> Any:
    """A transport of each kind, with one blocking interface."""
    return make(twin_class)


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Do not sleep between attempts; note the seconds instead."""
    noted: list[float] = []

    async def note(seconds: float) -> None:
        noted.append(seconds)

    monkeypatch.setattr(retry_loops, "sleep", noted.append)
    monkeypatch.setattr(retry_loops, "asleep", note)
    return noted


@pytest.fixture(params=["sync", "async"])
def chat(request: pytest.FixtureRequest) -> Callable[..., Reply]:
    """Return a function that calls the core client, which retries what the transport sends once."""

    def called(url: str, **options: Any) -> Reply:
        with Client(api_key=KEY, base_url=url, **options) as client:
            return client.chat("Hi")

    async def acalled(url: str, **options: Any) -> Reply:
        async with Client(api_key=KEY, base_url=url, **options) as client:
            return await client.achat("Hi")

    if request.param == "sync":
        return called
    return lambda url, **options: asyncio.run(acalled(url, **options))
