from __future__ import annotations

from collections.abc import Iterator

import pytest

from deepseek_v4.testing import LocalServer


@pytest.fixture(scope="module")
def running() -> Iterator[LocalServer]:
    with LocalServer(passback="strict", fragment="protocols", pings=True, prefix_cache=False) as server:
        yield server


@pytest.fixture
def server(running: LocalServer) -> LocalServer:
    running.reset()
    return running


@pytest.fixture(autouse=True)
def no_option_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the reported options: a dropped option is reported once per process."""
    monkeypatch.setattr("deepseek_v4.request.build._reported", set())
