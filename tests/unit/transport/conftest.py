from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from importlib.util import find_spec
from typing import Any

import pytest
from twins import AsyncTwin, SyncTwin
from wire_server import Script, WireServer, serving

from deepseek_v4.transport import asynchronous, clients, sync

without_aiohttp = pytest.mark.skipif(find_spec("httpx_aiohttp") is None, reason="needs httpx-aiohttp")


@pytest.fixture
def serve() -> Iterator[Callable[[Script], WireServer]]:
    """Starts a server that does what the script says."""
    with ExitStack() as stack:
        yield lambda script: stack.enter_context(serving(script))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Whatever is asynchronous is tested over httpx's own transport and over aiohttp."""
    function = metafunc.function
    if inspect.iscoroutinefunction(function) or "carrier" in inspect.signature(function).parameters:
        metafunc.parametrize("carrier", ["httpx", pytest.param("aiohttp", marks=without_aiohttp)], indirect=True)


@pytest.fixture(autouse=True)
def carrier(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """What sends the requests of the shared async clients."""
    name: str = getattr(request, "param", "httpx")
    monkeypatch.setattr(clients, "over_aiohttp", lambda: name == "aiohttp")
    return name


@pytest.fixture(
    params=[(SyncTwin, "httpx"), (AsyncTwin, "httpx"), pytest.param((AsyncTwin, "aiohttp"), marks=without_aiohttp)],
    ids=["sync", "async", "async over aiohttp"],
)
def twin_class(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    kind, name = request.param
    monkeypatch.setattr(clients, "over_aiohttp", lambda: name == "aiohttp")
    return kind


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
