"""``DeepSeekV4`` against llama-index-core's contract once for each of the other protocols: strict server, thinking."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from deepseek_v4.testing import Fault, LocalServer, ToolCall, Turn
from llama_index_deepseek_v4 import DeepSeekV4
from tests.contract.llama_index.llm_conformance import LLMConformance, Scripted


class _OverProtocol(LLMConformance):
    secret = "sk-contract-secret-0123456789"
    protocol = ""

    @pytest.fixture
    def llm(self, make: Callable[..., DeepSeekV4]) -> Iterator[DeepSeekV4]:  # type: ignore[override]
        with make(protocol=self.protocol) as llm:
            yield llm

    @pytest.fixture
    def script(self, server: LocalServer) -> Callable[..., None]:
        def script(*answers: Scripted) -> None:
            for answer in answers:
                calls = [ToolCall(name, arguments) for name, arguments in answer.calls]
                server.script(Turn(answer.text, reasoning=answer.thinking, tool_calls=calls))

        return script

    @pytest.fixture
    def fail(self, server: LocalServer) -> Callable[[], None]:
        return lambda: server.fault(Fault.status(500))

    @pytest.fixture(autouse=True)
    def only_this_endpoint(self, llm: DeepSeekV4, server: LocalServer) -> Iterator[None]:
        yield
        assert {request.path.rpartition("/")[2] for request in server.requests} <= {self.protocol}


class TestResponses(_OverProtocol):
    protocol = "responses"


class TestMessages(_OverProtocol):
    protocol = "messages"
