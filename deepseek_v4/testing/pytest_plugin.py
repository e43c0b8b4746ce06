"""pytest fixtures: a fresh local server for each test, or one for the session.

Registered as a `pytest11` entry point, so it imports nothing heavy before a test asks for a server.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from deepseek_v4.testing.server import LocalServer


@pytest.fixture
def deepseek_server() -> Iterator[LocalServer]:
    """A strict DeepSeek server of this test's own."""
    from deepseek_v4.testing.server import LocalServer

    with LocalServer() as server:
        yield server


@pytest.fixture(scope="session")
def deepseek_server_session() -> Iterator[LocalServer]:
    """A strict DeepSeek server for the whole session; call `reset()` where a clean log is needed."""
    from deepseek_v4.testing.server import LocalServer

    with LocalServer() as server:
        yield server
