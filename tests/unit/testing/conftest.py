"""A new local server for each test, and a plain httpx client with its key."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deepseek_v4.testing import LocalServer
from tests.unit.testing.calls import Caller


@pytest.fixture
def caller() -> Iterator[Caller]:
    """A client of a strict DeepSeek server."""
    with LocalServer() as server:
        one = Caller(server)
        with one.http:
            yield one
