from __future__ import annotations

from collections.abc import Iterator

import pytest

from deepseek_v4.testing import LocalServer
from llama_index_deepseek_v4 import DeepSeekV4


@pytest.fixture
def server() -> Iterator[LocalServer]:
    """In its strictest mode: with tools declared, every past assistant message owes its reasoning."""
    with LocalServer(passback="strict", fragment="journeys") as server:
        yield server


@pytest.fixture
def llm(server: LocalServer) -> Iterator[DeepSeekV4]:
    """With everything at its default, thinking on."""
    with DeepSeekV4(base_url=server.base_url, api_key=server.api_key, max_retries=0) as llm:
        yield llm
