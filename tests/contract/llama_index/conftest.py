from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from deepseek_v4.testing import LocalServer
from llama_index_deepseek_v4 import DeepSeekV4

KEY = "sk-contract-secret-0123456789"


@pytest.fixture
def server() -> Iterator[LocalServer]:
    with LocalServer(api_key=KEY) as server:
        yield server


@pytest.fixture
def make(server: LocalServer) -> Callable[..., DeepSeekV4]:
    """Return a function that creates models that call the server."""

    def make(**options: Any) -> DeepSeekV4:
        return DeepSeekV4(**{"base_url": server.base_url, "api_key": KEY, "max_retries": 0, **options})

    return make


@pytest.fixture
def llm(make: Callable[..., DeepSeekV4]) -> Iterator[DeepSeekV4]:
    with make() as llm:
        yield llm
