from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from deepseek_v4.testing import LocalServer
from llama_index_deepseek_v4 import DeepSeekV4
from tests.end_to_end.journeys.conversations import ENDPOINTS, connection_to, server_of


@pytest.fixture(params=ENDPOINTS, ids="-".join)
def endpoint(request: pytest.FixtureRequest) -> Any:
    """Provider and protocol."""
    return request.param


@pytest.fixture
def protocol(endpoint: tuple[str, str]) -> str:
    return endpoint[1]


@pytest.fixture
def server(endpoint: tuple[str, str]) -> Iterator[LocalServer]:
    with server_of(endpoint) as server:
        yield server


@pytest.fixture
def llm(server: LocalServer, endpoint: tuple[str, str]) -> Iterator[DeepSeekV4]:
    """A model with default settings, thinking on."""
    with DeepSeekV4(**connection_to(endpoint, server), max_retries=0) as llm:
        yield llm
