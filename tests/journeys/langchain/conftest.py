from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from deepseek_v4.testing import LocalServer
from langchain_deepseek_v4 import ChatDeepSeekV4


@pytest.fixture
def server() -> Iterator[LocalServer]:
    with LocalServer(passback="strict", fragment="journeys") as running:
        yield running


@pytest.fixture
def protocol() -> str:
    """Which endpoint is spoken; a module of journeys may go over all of them."""
    return "chat_completions"


@pytest.fixture
def make_model(server: LocalServer, protocol: str) -> Callable[..., ChatDeepSeekV4]:
    def make(**options: Any) -> ChatDeepSeekV4:
        return ChatDeepSeekV4(
            **{"base_url": server.base_url, "api_key": server.api_key, "protocol": protocol, **options}
        )

    return make


@pytest.fixture
def model(make_model: Callable[..., ChatDeepSeekV4]) -> ChatDeepSeekV4:
    return make_model()
