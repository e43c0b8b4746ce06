"""LangChain's standard integration tests once for each of the other protocols, thinking and not, strict server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import pytest

from deepseek_v4.testing import LocalServer
from tests.contract.langchain.standard_integration import Standard


@pytest.fixture(scope="module", autouse=True)
def server() -> Iterator[LocalServer]:
    with LocalServer(passback="strict", fragment="seed", pings=True) as running:
        Standard.connection = {"base_url": running.base_url, "api_key": running.api_key}
        yield running


class _OverProtocol(Standard):
    protocol = ""

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {**super().chat_model_params, "protocol": self.protocol}


class _OverMessages(_OverProtocol):
    """Anthropic's format on DeepSeek has neither document blocks nor a count of reasoning tokens."""

    protocol = "messages"

    @property
    def supports_pdf_inputs(self) -> bool:
        return False

    @property
    def supports_pdf_tool_message(self) -> bool:
        return False

    @property
    def supported_usage_metadata_details(self) -> dict[Literal["invoke", "stream"], list[Any]]:  # type: ignore[override]
        return {"invoke": ["cache_read_input"], "stream": ["cache_read_input"]}


class TestResponsesThinking(_OverProtocol):
    __test__ = True
    protocol = "responses"


class TestResponsesNotThinking(_OverProtocol):
    __test__ = True
    protocol = "responses"
    thinking = False


class TestMessagesThinking(_OverMessages):
    __test__ = True


class TestMessagesNotThinking(_OverMessages):
    __test__ = True
    thinking = False
