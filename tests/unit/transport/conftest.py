from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from twins import AsyncTwin, SyncTwin
from wire_server import Script, WireServer, serving

from deepseek_v4.transport import asynchronous, sync


@pytest.fixture
def serve() -> Iterator[Callable[[Script], WireServer]]:
    """Starts a server that does what the script says."""
    with ExitStack() as stack:
        yield lambda script: stack.enter_context(serving(script))


@pytest.fixture(params=[SyncTwin, AsyncTwin], ids=["sync", "async"])
def twin_class(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def make() -> Iterator[Any]:
    """Makes a twin of a class, with a client given to it or not, and ends both after the test."""
    made: list[Any] = []

    def make_twin(kind: Any, client: Any = None) -> Any:
        made.append(kind(client))
        return made[-1]

    yield make_twin
    for twin in made:
        twin.end()


@pytest.fixture
def twin(make: Any, twin_class: Any) -> Any:
    """A transport of either kind, behind one blocking face."""
    return make(twin_class)


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Nobody sleeps between tries; the seconds are noted instead."""
    noted: list[float] = []

    async def note(seconds: float) -> None:
        noted.append(seconds)

    monkeypatch.setattr(sync, "sleep", noted.append)
    monkeypatch.setattr(asynchronous, "sleep", note)
    return noted
