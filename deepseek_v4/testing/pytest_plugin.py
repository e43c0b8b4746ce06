"""pytest fixtures: a fresh local server for each test, or one for the session.

Registered as a `pytest11` entry point, so it imports no large module before a test uses a server.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from deepseek_v4.testing.server import LocalServer


@pytest.fixture
def deepseek_server() -> Iterator[LocalServer]:
    """Yield a strict DeepSeek server for one test."""
    from deepseek_v4.testing.server import LocalServer

    with LocalServer() as server:
        yield server


@pytest.fixture(scope="session")
def deepseek_server_session() -> Iterator[LocalServer]:
    """Yield a strict DeepSeek server for the session; call `reset()` if a clean log is needed."""
    from deepseek_v4.testing.server import LocalServer

    with LocalServer() as server:
        yield server
