"""Tokens and cost of runs, in the core and in both frameworks, against the local server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.caches import InMemoryCache
from llama_index.core import Document, VectorStoreIndex
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.prompts import PromptTemplate
from pydantic import BaseModel

import langchain_deepseek_v4 as langchain
import llama_index_deepseek_v4 as llama_index
from deepseek_v4 import Client, errors
from deepseek_v4.catalog import cost
from deepseek_v4.protocols import reply_builder
from deepseek_v4.testing import LocalServer, ToolCall, Turn


class Person(BaseModel):
    name: str
    age: int


@pytest.fixture
def server() -> Iterator[LocalServer]:
    with LocalServer() as server:
        yield server


@pytest.fixture
def options(server: LocalServer) -> dict[str, Any]:
    return {"base_url": server.base_url, "api_key": server.api_key}


def weather(city: str) -> str:
    """The weather in a city."""
    return f"{city}: rain"


def test_an_agent_run_is_summed_in_one_line(server: LocalServer, options: dict[str, Any]) -> None:
    server.script(Turn(tool_calls=[ToolCall("weather", {"city": "Paris"})], reasoning="I call it."), Turn("It rains."))
    model = langchain.ChatDeepSeekV4(**options)
    with langchain.UsageReport() as report:
        state = create_agent(model, tools=[weather]).invoke({"messages": [("user", "Weather in Paris?")]})
    answers = [message for message in state["messages"] if message.type == "ai"]
    total = report.total
    assert total.answers == len(answers) == 2
    assert total.input_tokens == sum(message.usage_metadata["input_tokens"] for message in answers)
    assert total.output_tokens == sum(message.usage_metadata["output_tokens"] for message in answers)
    assert total.reasoning_tokens == sum(m.usage_metadata["output_token_details"]["reasoning"] for m in answers)
    assert total.cost == pytest.approx(sum(message.response_metadata["cost"] for message in answers))
    assert total == model._core().usage.total
    model.invoke("Not counted: the block has ended.")
    assert report.total == total


def test_streams_batches_completions_and_caches_are_counted_once(server: LocalServer, options: dict[str, Any]) -> None:
    model = langchain.ChatDeepSeekV4(**options, cache=InMemoryCache())
    report = langchain.UsageReport()
    config: Any = {"callbacks": [report]}
    list(model.stream("One", config))
    model.batch(["Two", "Three"], config)
    model.invoke("Two", config)  # from the cache
    langchain.DeepSeekV4Completion(**options).invoke("Four", config)
    assert report.total.answers == 4 == len(server.requests)


async def test_async_calls_and_failed_calls_are_counted(server: LocalServer, options: dict[str, Any]) -> None:
    server.script(Turn(""), Turn(""), Turn("Done"))
    with langchain.UsageReport() as report:
        with pytest.raises(errors.EmptyReplyError):
            await langchain.ChatDeepSeekV4(**options).ainvoke("Nothing")
        await langchain.ChatDeepSeekV4(**options).ainvoke("Something")
    assert report.total.answers == 2  # the failed call is one, with the tokens of both its requests
    assert len(server.requests) == 3


ASK = [ChatMessage(content="x")]
FAILING: dict[str, Callable[[Any], object]] = {
    "chat": lambda llm: llm.chat(ASK),
    "predict": lambda llm: llm.predict(PromptTemplate("x")),
    "achat": lambda llm: asyncio.run(llm.achat(ASK)),
    "complete": lambda llm: llm.complete("x"),
    "stream_chat": lambda llm: list(llm.stream_chat(ASK)),
    "structured_predict": lambda llm: llm.structured_predict(Person, PromptTemplate("x")),
    "as_structured_llm.stream_chat": lambda llm: list(llm.as_structured_llm(Person).stream_chat(ASK)),
    "as_structured_llm.stream_complete": lambda llm: list(llm.as_structured_llm(Person).stream_complete("x")),
}


class Logged(llama_index.DeepSeekV4):
    def chat(self, messages: Any, **options: Any) -> Any:
        return super().chat(messages, **options)


@pytest.mark.parametrize("method", FAILING)
def test_a_failed_call_of_llama_index_is_counted_once(
    server: LocalServer, options: dict[str, Any], method: str
) -> None:
    answer = Turn('{"name": 1}' if "structured" in method else "", reasoning="Hm.")
    server.script(answer, answer)
    llm = Logged(**options)
    with llama_index.UsageReport() as report, pytest.raises(errors.DeepSeekError):
        FAILING[method](llm)
    assert len(server.requests) == 2
    assert report.total == llm._client.usage.total
    assert report.total.output_tokens > 0


def test_a_rag_query_and_a_typed_answer_are_counted_once(server: LocalServer, options: dict[str, Any]) -> None:
    llm = llama_index.DeepSeekV4(**options)
    index = VectorStoreIndex.from_documents([Document(text="Tea is hot.")], embed_model=llama_index.WordEmbedding())
    with llama_index.UsageReport() as report:
        response = index.as_query_engine(llm=llm).query("How is tea?")
        assert str(response)
        assert report.total.answers == 1
        llm.as_structured_llm(Person).chat([ChatMessage(content="Ada is 36.")])
        assert report.total.answers == 2
        *_, last = llm.stream_chat([ChatMessage(content="Hello")])
        llm.complete("Hello")
    assert report.total.answers == 4
    assert report.total == llm._client.usage.total
    assert last.additional_kwargs["cost"] is not None
    llm.complete("Not counted")
    assert report.total.answers == 4


@pytest.mark.parametrize("way", ["complete", "streamed"])
def test_a_client_counts_every_request_of_an_answer(way: str, server: LocalServer, options: dict[str, Any]) -> None:
    server.script(Turn(""), Turn("Yes"))
    with Client(**options) as client:
        if way == "complete":
            reply = client.chat("Hello")
        else:
            *_, end = client.stream("Hello")
            reply = end.reply  # type: ignore[union-attr]
        assert reply.usage is not None
        assert client.usage.total.answers == 1
        assert client.usage.total.input_tokens == reply.usage.input_tokens > 0
        assert len(server.requests) == 2
        assert "1 answer:" in str(client.usage)


def test_a_client_counts_what_a_failed_call_received(server: LocalServer, options: dict[str, Any]) -> None:
    server.script(Turn(""), Turn(""))
    with Client(**options) as client:
        with pytest.raises(errors.EmptyReplyError) as caught:
            client.chat("Hello")
        assert caught.value.partial is not None
        assert caught.value.partial.usage is not None
        assert client.usage.total.output_tokens == caught.value.partial.usage.output_tokens


@pytest.mark.parametrize("way", ["langchain", "llama_index"])
def test_the_cost_of_an_answer_is_computed_once(
    way: str, server: LocalServer, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    costs: list[Any] = []

    def recorded(*args: Any) -> Any:
        costs.append(cost.cost_of(*args))
        return costs[-1]

    monkeypatch.setattr(reply_builder, "cost_of", recorded)
    if way == "langchain":
        model = langchain.ChatDeepSeekV4(**options)
        reported, total = model.invoke("Hello").response_metadata["cost"], model._core().usage.total
    else:
        llm = llama_index.DeepSeekV4(**options)
        reported = llm.chat([ChatMessage(content="Hello")]).additional_kwargs["cost"]
        total = llm._client.usage.total
    assert [one.usd for one in costs] == [reported] == [total.cost]


def test_the_cost_of_a_failed_call_is_in_the_reports(server: LocalServer, options: dict[str, Any]) -> None:
    server.script(Turn(""), Turn(""))
    model = langchain.ChatDeepSeekV4(**options)
    with langchain.UsageReport() as report, pytest.raises(errors.EmptyReplyError) as caught:
        model.invoke("Nothing")
    assert caught.value.partial is not None
    assert caught.value.partial.cost is not None
    first = caught.value.attempts[0]
    assert report.total == model._core().usage.total
    assert report.total.cost == caught.value.partial.cost.usd > (first.cost or 0.0) > 0
    assert report.total.unpriced == 0
