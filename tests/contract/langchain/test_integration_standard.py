"""LangChain's standard integration tests against the local server in its strictest mode, thinking and not.

The server answers with improvised turns, and refuses what the service is documented to refuse.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deepseek_v4.testing import LocalServer
from tests.contract.langchain.standard_integration import Standard


@pytest.fixture(scope="module", autouse=True)
def server() -> Iterator[LocalServer]:
    with LocalServer(passback="strict", fragment="seed") as running:
        Standard.connection = {"base_url": running.base_url, "api_key": running.api_key}
        yield running


class TestThinking(Standard):
    __test__ = True
    thinking = True


class TestNotThinking(Standard):
    __test__ = True
    thinking = False
