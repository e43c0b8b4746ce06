"""llama.cpp's HTTP server, started once for all tests of this folder, and its peak memory."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.engines.answers import FRAMEWORKS, WAYS
from tests.engines.cost import pytest_terminal_summary as pytest_terminal_summary
from tests.engines.cost import record_peak_memory
from tests.engines.engine import KEY, PROTOCOLS, options

WINDOW = 4096
"""Tokens of prompt and answer together, in each of the server's two slots."""


@dataclass(frozen=True)
class Engine:
    """A running server."""

    url: str
    pid: int

    def model(self, framework: str, protocol: str, **more: Any) -> Any:
        """Return a model of an adapter, wrapped so that both adapters are called the same way."""
        return FRAMEWORKS[framework](**options(self.url, protocol) | more)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip here and not in the fixture: skips at the same line are reported once."""
    if "engine" in getattr(item, "fixturenames", ()) and find_spec("xllamacpp") is None:
        pytest.skip("xllamacpp is not installed, so no real engine runs")


@contextmanager
def started(*more: str) -> Iterator[Engine]:
    """Start a separate server, with further arguments of ``llama_server.py``."""
    script = Path(__file__).with_name("llama_server.py")
    with subprocess.Popen(
        [sys.executable, str(script), str(2 * WINDOW), KEY, *more],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert url, "llama.cpp's server did not start"
        yield Engine(url, process.pid)
        process.communicate(timeout=10)  # closes its stdin, which stops it


@pytest.fixture(scope="session")
def engine_server() -> Iterator[Engine]:
    with started() as server:
        yield server


@pytest.fixture
def engine(engine_server: Engine, request: pytest.FixtureRequest) -> Iterator[Engine]:
    yield engine_server
    record_peak_memory(request.node, engine_server.pid)


@pytest.fixture(params=PROTOCOLS)
def protocol(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture(params=FRAMEWORKS)
def framework(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> Any:
    return request.param
