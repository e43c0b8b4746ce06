from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from deepseek_v4.testing import LocalServer
from llama_index_deepseek_v4 import DeepSeekV4
from tests.journeys.spoken import PROTOCOLS


@pytest.fixture
def server() -> Iterator[LocalServer]:
    """In its strictest mode: with tools declared, every past assistant message owes its reasoning."""
    with LocalServer(passback="strict", fragment="journeys") as server:
        yield server


@pytest.fixture(params=PROTOCOLS)
def protocol(request: pytest.FixtureRequest) -> Any:
    """Which endpoint is spoken."""
    return request.param


@pytest.fixture
def llm(server: LocalServer, protocol: Any) -> Iterator[DeepSeekV4]:
    """With everything at its default, thinking on."""
    with DeepSeekV4(base_url=server.base_url, api_key=server.api_key, max_retries=0, protocol=protocol) as llm:
        yield llm
