"""A framework's rate limiter applies to every request of a call, not only to the first one."""

from __future__ import annotations

import pytest
from langchain_core.rate_limiters import BaseRateLimiter
from llama_index.core.llms import ChatMessage
from llama_index.core.rate_limiter import BaseRateLimiter as LlamaIndexRateLimiter

from deepseek_v4 import Limiter
from langchain_deepseek_v4 import ChatDeepSeekV4, DeepSeekV4Completion
from llama_index_deepseek_v4 import DeepSeekV4
from tests.stub_server import Stub, serving


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deepseek_v4.recovery.backoff.BASE_SECONDS", 0.01)


class LangChainLimiter(BaseRateLimiter):
    def __init__(self) -> None:
        self.acquired: list[str] = []

    def acquire(self, *, blocking: bool = True) -> bool:
        self.acquired.append("sync")
        return True

    async def aacquire(self, *, blocking: bool = True) -> bool:
        self.acquired.append("async")
        return True


class OfLlamaIndex(LlamaIndexRateLimiter):
    def __init__(self) -> None:
        self.acquired: list[str] = []

    def acquire(self, num_tokens: int = 0) -> None:
        self.acquired.append("sync")

    async def async_acquire(self, num_tokens: int = 0) -> None:
        self.acquired.append("async")


@pytest.mark.parametrize("own", [None, Limiter(concurrency=2)])
async def test_langchain(own: Limiter | None) -> None:
    limiter = LangChainLimiter()
    with serving(Stub()) as stub:
        stub.fails = {"a": 500, "b": 503}
        with ChatDeepSeekV4(api_key="sk-x", base_url=stub.url, rate_limiter=limiter, limiter=own) as model:
            assert model.invoke("a").text == "ok"
            assert (await model.ainvoke("b")).text == "ok"
        assert limiter.acquired == ["sync", "sync", "async", "async"]
        assert stub.sent == 4


def test_a_model_without_langchains_rate_limiter() -> None:
    assert DeepSeekV4Completion(api_key="sk-x").retry_gate() is None


@pytest.mark.parametrize("own", [None, Limiter(concurrency=2)])
async def test_llama_index(own: Limiter | None) -> None:
    limiter = OfLlamaIndex()
    with serving(Stub()) as stub:
        stub.fails = {"a": 500, "b": 503}
        with DeepSeekV4(api_key="sk-x", base_url=stub.url, rate_limiter=limiter, limiter=own) as llm:
            assert llm.chat([ChatMessage("a")]).message.content == "ok"
            assert (await llm.achat([ChatMessage("b")])).message.content == "ok"
        assert limiter.acquired == ["sync", "sync", "async", "async"]
        assert stub.sent == 4


def test_the_limiter_is_not_part_of_a_cache_key_or_a_trace() -> None:
    plain, limited = (ChatDeepSeekV4(api_key="sk-x", limiter=limiter) for limiter in (None, Limiter(5)))
    assert plain._get_llm_string() == limited._get_llm_string()
    assert plain._identifying_params == limited._identifying_params
    assert "imiter" not in str(DeepSeekV4(api_key="sk-x", limiter=Limiter(5)).to_payload())
