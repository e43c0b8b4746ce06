"""A typed answer has one bound for its own retries and those of the core, and reports each further request."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import ModelRetryMiddleware
from langchain_core.caches import InMemoryCache
from langchain_core.exceptions import OutputParserException
from llama_index.core.prompts import PromptTemplate
from pydantic import BaseModel, Field

from deepseek_v4 import Attempt, Budget, errors
from deepseek_v4.testing import Fault, LocalServer, ToolCall, Turn
from langchain_deepseek_v4 import ChatDeepSeekV4
from llama_index_deepseek_v4 import DeepSeekV4, UnusableAnswerError


class Person(BaseModel):
    """A person."""

    name: str
    age: int = Field(ge=0)


INVALID = Turn('{"name": "Ada", "age": -1}')
GOOD = Turn('{"name": "Ada", "age": 36}')
PROMPT = PromptTemplate("Who is {name}?")
HOW = pytest.mark.parametrize("how", ["complete", "async", "stream", "async stream"])


@pytest.fixture
def server(no_waits: None) -> Iterator[LocalServer]:
    with LocalServer() as running:
        yield running


def langchain_answer(server: LocalServer, how: str, **options: Any) -> Any:
    model = ChatDeepSeekV4(base_url=server.base_url, api_key=server.api_key, **options)
    typed = model.with_structured_output(Person)

    async def chunks() -> list[Any]:
        return [chunk async for chunk in typed.astream("Who is Ada?")]

    if how == "async":
        return asyncio.run(typed.ainvoke("Who is Ada?"))
    if how == "stream":
        return list(typed.stream("Who is Ada?"))[-1]
    return typed.invoke("Who is Ada?") if how == "complete" else asyncio.run(chunks())[-1]


def llama_index_answer(server: LocalServer, how: str, **options: Any) -> Any:
    llm = DeepSeekV4(base_url=server.base_url, api_key=server.api_key, **options)

    async def chunks() -> list[Any]:
        return [chunk async for chunk in await llm.astream_structured_predict(Person, PROMPT, name="Ada")]

    if how == "async":
        return asyncio.run(llm.astructured_predict(Person, PROMPT, name="Ada"))
    if how == "stream":
        return list(llm.stream_structured_predict(Person, PROMPT, name="Ada"))[-1]
    return llm.structured_predict(Person, PROMPT, name="Ada") if how == "complete" else asyncio.run(chunks())[-1]


FRAMEWORKS = pytest.mark.parametrize("answer_of", [langchain_answer, llama_index_answer])


@FRAMEWORKS
@HOW
def test_the_retry_of_a_typed_answer_counts_with_those_of_the_core(
    server: LocalServer, answer_of: Any, how: str
) -> None:
    server.fault(Fault.status(503), times=2)
    server.script(INVALID, INVALID, INVALID)
    with pytest.raises((OutputParserException, UnusableAnswerError)) as caught:
        answer_of(server, how, max_attempts=3)
    assert [request.status for request in server.requests] == [503, 503, 200]
    error: Any = caught.value
    if answer_of is llama_index_answer:
        assert error.attempts_exhausted
        assert len(error.attempts) == 2
    else:
        assert error.raw.response_metadata["attempts_exhausted"]
        assert len(error.raw.response_metadata["attempts"]) == 2


@FRAMEWORKS
@HOW
def test_a_retry_within_the_bound_is_sent(server: LocalServer, answer_of: Any, how: str) -> None:
    server.fault(Fault.status(503), times=2)
    server.script(INVALID, GOOD)
    reported: list[Attempt] = []
    assert answer_of(server, how, on_retry=reported.append) == Person(name="Ada", age=36)
    assert [request.status for request in server.requests] == [503, 503, 200, 200]
    assert [attempt.reason for attempt in reported] == ["transient", "transient", "invalid"]


@FRAMEWORKS
def test_more_than_four_answer_retries_are_not_capped(server: LocalServer, answer_of: Any) -> None:
    server.script(*[INVALID] * 6, GOOD)
    assert answer_of(server, "complete", answer_retries=6) == Person(name="Ada", age=36)
    assert len(server.requests) == 7


@FRAMEWORKS
def test_each_further_request_of_a_typed_answer_is_logged_once(
    server: LocalServer, answer_of: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "deepseek_v4")
    server.fault(Fault.status(503))
    server.script(INVALID, GOOD)
    answer_of(server, "complete")
    assert len([record for record in caplog.records if record.name == "deepseek_v4"]) == len(server.requests) - 1 == 2


def test_an_answer_from_the_cache_is_not_a_request(server: LocalServer) -> None:
    server.script(INVALID, GOOD)
    cache = InMemoryCache()
    model = ChatDeepSeekV4(base_url=server.base_url, api_key=server.api_key, cache=cache, max_attempts=1)
    typed = model.with_structured_output(Person)
    with pytest.raises(OutputParserException):
        typed.invoke("Who is Ada?")
    assert len(server.requests) == 1
    assert typed.invoke("Who is Ada?") == Person(name="Ada", age=36)  # the cached answer, and one request
    assert len(server.requests) == 2


@pytest.mark.parametrize(("max_attempts", "requests"), [(2, 2), (3, 9)])
def test_the_retry_middleware_does_not_repeat_an_exhausted_call(
    server: LocalServer, max_attempts: int, requests: int
) -> None:
    """With ``max_attempts=3`` the error follows the last of ``max_retries``: the bound did not end the call."""
    server.fault(Fault.status(503), times=20)
    model = ChatDeepSeekV4(base_url=server.base_url, api_key=server.api_key, max_attempts=max_attempts)
    retry = ModelRetryMiddleware(max_retries=2, initial_delay=0, jitter=False, on_failure="error")
    agent = create_agent(model, middleware=[retry])
    with pytest.raises(errors.OverloadedError) as caught:
        agent.invoke({"messages": [("user", "Hi")]})
    assert len(server.requests) == requests
    assert caught.value.retryable


@pytest.mark.parametrize("streamed", [False, True])
def test_a_budget_ends_a_langchain_agent_before_a_request(server: LocalServer, streamed: bool) -> None:
    def now() -> str:
        """The time."""
        return "noon"

    server.script(*[Turn("", tool_calls=[ToolCall("now", {})])] * 9)
    budget = Budget(requests=3)
    model = ChatDeepSeekV4(base_url=server.base_url, api_key=server.api_key, budget=budget)
    agent = create_agent(model, [now])
    with pytest.raises(errors.BudgetExceededError):
        if streamed:
            list(agent.stream({"messages": [("user", "Hi")]}, stream_mode="messages"))
        else:
            agent.invoke({"messages": [("user", "Hi")]})
    assert len(server.requests) == budget.spent().requests == 3


@pytest.mark.parametrize("how", ["batch", "abatch"])
def test_a_budget_limits_a_langchain_batch(server: LocalServer, how: str) -> None:
    budget = Budget(requests=5)
    model = ChatDeepSeekV4(base_url=server.base_url, api_key=server.api_key, budget=budget)
    if how == "batch":
        answers = model.batch(["Hi"] * 20, return_exceptions=True)
    else:
        answers = asyncio.run(model.abatch(["Hi"] * 20, return_exceptions=True))
    assert len(server.requests) == 5
    assert sum(isinstance(answer, errors.BudgetExceededError) for answer in answers) == 15


@HOW
def test_a_budget_limits_a_llama_index_model(server: LocalServer, how: str) -> None:
    budget = Budget(requests=1)
    server.script(INVALID, GOOD)
    with pytest.raises(errors.BudgetExceededError):
        llama_index_answer(server, how, budget=budget)  # its retry is not sent
    assert len(server.requests) == 1
