from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from deepseek_v4.testing import LocalServer
from langchain_deepseek_v4 import ChatDeepSeekV4
from tests.end_to_end.journeys.conversations import connection_to, server_of


@pytest.fixture
def endpoint() -> tuple[str, str]:
    """Provider and protocol; a test module may override it with all endpoints."""
    return "deepseek", "chat_completions"


@pytest.fixture
def server(endpoint: tuple[str, str]) -> Iterator[LocalServer]:
    with server_of(endpoint) as running:
        yield running


@pytest.fixture
def make_model(server: LocalServer, endpoint: tuple[str, str]) -> Callable[..., ChatDeepSeekV4]:
    def make(**options: Any) -> ChatDeepSeekV4:
        return ChatDeepSeekV4(**{**connection_to(endpoint, server), **options})

    return make


@pytest.fixture
def model(make_model: Callable[..., ChatDeepSeekV4]) -> ChatDeepSeekV4:
    return make_model()
