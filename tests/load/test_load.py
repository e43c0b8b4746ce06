"""The short form of ``make load``."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from tests.load.checks import Load, Measured
from tests.load.server import running

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="sockets and memory are read from /proc"),
]


@pytest.fixture(scope="module")
def load() -> Iterator[Load]:
    with running() as url:
        yield Load(url)


def right(found: Measured) -> bool:
    return found.calls > 0 and (found.wrong, found.sockets) == (0, 0)


def test_streams_at_the_same_time_are_not_mixed_up(load: Load) -> None:
    assert right(load.streams(300))


def test_threads_are_not_mixed_up(load: Load) -> None:
    assert right(load.threads(100, 4))


def test_memory_stays_the_same(load: Load) -> None:
    found = load.calls(4_000, rounds=10)
    assert right(found)
    assert found.memory[-1] < found.memory[2] + 3


def test_storms_of_cancelled_streams(load: Load) -> None:
    assert right(load.storms(150))


def test_event_loops_in_threads(load: Load) -> None:
    assert right(load.loops(8))


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_forks_with_open_connections(load: Load) -> None:
    assert right(load.forks(4))
