"""Retries of typed answers around those of the core: errors have the cost of all attempts."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.exceptions import OutputParserException
from llama_index.core.prompts import PromptTemplate
from pydantic import BaseModel, Field

from deepseek_v4 import errors
from deepseek_v4.recovery import retry_loops
from deepseek_v4.recovery.user_call import is_handled_by_caller
from deepseek_v4.testing import Fault, LocalServer, ToolCall, Turn
from langchain_deepseek_v4 import ChatDeepSeekV4
from langchain_deepseek_v4.errors import AnswerError
from langchain_deepseek_v4.typed import runnable
from llama_index_deepseek_v4 import DeepSeekV4, UnusableAnswerError


class Person(BaseModel):
    """A person."""

    name: str
    age: int = Field(ge=0)


class Growing(BaseModel):
    """A person without required fields."""

    name: str = ""
    age: int = 0


ADA = Person(name="Ada", age=36)
GOOD = Turn(ADA.model_dump_json(), chunk_size=2)
EMPTY = Turn("", reasoning="I thought about it.")
INVALID = [
    Turn('{"name": "Ada", "age": -1}', usage={"prompt_tokens": n, "completion_tokens": 20, "total_tokens": n + 20})
    for n in (100, 150)
]
PROMPT = PromptTemplate("Who is {name}?")
HOW = pytest.mark.parametrize("how", ["complete", "async", "stream", "async stream"])


@pytest.fixture(scope="module")
def running() -> Iterator[LocalServer]:
    with LocalServer() as server:
        yield server


@pytest.fixture
def server(running: LocalServer) -> LocalServer:
    running.reset()
    return running


@pytest.fixture
def connection(server: LocalServer) -> dict[str, Any]:
    return {"base_url": server.base_url, "api_key": server.api_key, "max_retries": 0}


def langchain_answer(connection: dict[str, Any], how: str) -> Any:
    typed = ChatDeepSeekV4(**connection).with_structured_output(Person)

    async def chunks() -> list[Any]:
        return [chunk async for chunk in typed.astream("Who?")]

    if how == "complete":
        return typed.invoke("Who?")
    if how == "async":
        return asyncio.run(typed.ainvoke("Who?"))
    return (list(typed.stream("Who?")) if how == "stream" else asyncio.run(chunks()))[-1]


def llama_index_answer(connection: dict[str, Any], how: str) -> Any:
    llm = DeepSeekV4(**connection)

    async def chunks() -> list[Any]:
        return [chunk async for chunk in await llm.astream_structured_predict(Person, PROMPT, name="Ada")]

    if how == "complete":
        return llm.structured_predict(Person, PROMPT, name="Ada")
    if how == "async":
        return asyncio.run(llm.astructured_predict(Person, PROMPT, name="Ada"))
    args = llm.stream_structured_predict(Person, PROMPT, name="Ada") if how == "stream" else asyncio.run(chunks())
    return list(args)[-1]


FRAMEWORKS = pytest.mark.parametrize(
    "answer_of", [langchain_answer, llama_index_answer], ids=["langchain", "llama_index"]
)


# -- cost in errors --------------------------------------------------------------------------------------------------


@HOW
def test_the_error_of_langchain_has_the_cost_of_all_attempts(
    server: LocalServer, connection: dict[str, Any], how: str
) -> None:
    server.script(*INVALID)
    with pytest.raises(AnswerError) as caught:
        langchain_answer(connection, how)
    assert isinstance(caught.value, OutputParserException)
    raw = caught.value.raw
    assert raw is not None
    assert raw.usage_metadata is not None
    assert [raw.usage_metadata[name] for name in ("input_tokens", "output_tokens", "total_tokens")] == [250, 40, 290]  # type: ignore[literal-required]
    (attempt,) = raw.response_metadata["attempts"]
    assert (attempt["reason"], attempt["usage"]) == ("invalid", {"input_tokens": 100, "output_tokens": 20})
    assert 0 < attempt["cost"] < raw.response_metadata["cost"]


@HOW
def test_the_error_of_llama_index_has_the_cost_of_all_attempts(
    server: LocalServer, connection: dict[str, Any], how: str
) -> None:
    server.script(*INVALID)
    with pytest.raises(UnusableAnswerError) as caught:
        llama_index_answer(connection, how)
    partial = caught.value.partial
    assert partial is not None
    assert partial.usage is not None
    assert (partial.usage.input_tokens, partial.usage.output_tokens, partial.content) == (250, 40, INVALID[1].text)
    (attempt,) = caught.value.attempts
    assert partial.attempts == caught.value.attempts
    assert attempt.usage is not None
    assert (attempt.reason, attempt.usage.input_tokens, attempt.usage.output_tokens) == ("invalid", 100, 20)
    assert attempt.cost is not None
    assert partial.usage.cost is not None
    assert 0 < attempt.cost < partial.usage.cost


@FRAMEWORKS
@HOW
def test_the_error_of_a_failed_retry_has_the_cost_of_the_first_attempt(
    server: LocalServer, connection: dict[str, Any], how: str, answer_of: Any, no_waits: None
) -> None:
    """Its failed request is among the attempts as well, and its tokens are counted."""
    server.script(INVALID[0])
    server.fault(Fault.status(503))
    server.fault(Fault.silence(0))  # the request that is answered
    server.fault(Fault.status(400))
    with pytest.raises(errors.DeepSeekError) as caught:
        answer_of({**connection, "max_retries": 1}, how)
    assert [attempt.reason for attempt in caught.value.attempts] == ["transient", "invalid"]
    partial = caught.value.partial
    assert partial is not None
    assert partial.usage is not None
    assert (partial.usage.input_tokens, partial.usage.output_tokens) == (100, 20)


# -- caches ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["json_schema", "json_mode", "function_calling"])
def test_retries_are_not_part_of_a_cache_key(server: LocalServer, connection: dict[str, Any], method: Any) -> None:
    """The request is the same with and without them."""
    keys: list[tuple[str, str]] = []

    class Cache(InMemoryCache):
        def lookup(self, prompt: str, llm_string: str) -> Any:
            keys.append((prompt, llm_string))
            return super().lookup(prompt, llm_string)

    model = ChatDeepSeekV4(**connection, cache=Cache())
    called = Turn("", tool_calls=[ToolCall("Person", ADA.model_dump())])
    server.script(called if method == "function_calling" else GOOD)
    for retries in (0, 1, 3):
        typed = model.with_structured_output(Person, method=method, retries=retries, include_raw=True)
        typed.invoke("Who?")
    assert len(keys) >= 3
    assert keys[0] == keys[-1]


def test_a_cached_answer_is_returned_for_any_number_of_retries(server: LocalServer, connection: dict[str, Any]) -> None:
    model = ChatDeepSeekV4(**connection, cache=InMemoryCache())
    server.script(GOOD)
    assert [model.with_structured_output(Person, retries=n).invoke("Who?") for n in (1, 0, 2)] == [ADA] * 3
    assert len(server.requests) == 1


# -- closed streams ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("include_raw", [False, True])
async def test_a_closed_stream_frees_its_connection_at_once(include_raw: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its generators are closed and not left to the garbage collector: here they are still referenced."""
    referenced: list[Any] = []

    def arun(*args: Any) -> Any:
        referenced.append(retry_loops.arun(*args))
        return referenced[-1]

    monkeypatch.setattr(runnable, "arun", arun)
    with LocalServer(chunk_delay=0.02, burst=False) as slow:
        slow.script(Turn('{"name": "' + "word " * 2000 + '"}'))
        async with ChatDeepSeekV4(base_url=slow.base_url, api_key=slow.api_key) as model:
            stream: Any = model.with_structured_output(Growing, include_raw=include_raw).astream("Who?")
            await anext(stream)
            await stream.aclose()
            for _ in range(100):
                if not slow.open_streams:
                    break
                await asyncio.sleep(0.01)
            assert referenced
            assert not slow.open_streams


# -- the context variable ----------------------------------------------------------------------------------------------


def _is_handled() -> bool:
    return is_handled_by_caller("empty") or is_handled_by_caller("invalid")


def test_between_two_chunks_a_plain_call_retries_empty_answers(server: LocalServer, connection: dict[str, Any]) -> None:
    plain = {"langchain": ChatDeepSeekV4(**connection).invoke, "llama_index": DeepSeekV4(**connection).complete}
    streams: list[Iterator[Any]] = [
        ChatDeepSeekV4(**connection).with_structured_output(Growing).stream("Who?"),
        ChatDeepSeekV4(**connection).with_structured_output(Growing, include_raw=True).stream("Who?"),
        iter(DeepSeekV4(**connection).stream_structured_predict(Growing, PROMPT, name="Ada")),
    ]
    for stream in streams:
        server.reset()
        server.script(GOOD)
        next(stream)
        for answer_of in plain.values():
            server.script(EMPTY, Turn("Hi."))
            answer_of("Hi")
        assert len(server.requests) == 5, "each of the two was sent twice"
        assert not _is_handled()
        assert list(stream)
        assert not _is_handled()


async def test_between_two_chunks_an_async_plain_call_retries_empty_answers(
    server: LocalServer, connection: dict[str, Any]
) -> None:
    chat, llm = ChatDeepSeekV4(**connection), DeepSeekV4(**connection)
    streams: list[AsyncIterator[Any]] = [
        chat.with_structured_output(Growing).astream("Who?"),
        chat.with_structured_output(Growing, include_raw=True).astream("Who?"),
        await llm.astream_structured_predict(Growing, PROMPT, name="Ada"),
    ]
    for stream in streams:
        server.reset()
        server.script(GOOD)
        await anext(stream)
        for answer_of in (chat.ainvoke, llm.acomplete):
            server.script(EMPTY, Turn("Hi."))
            await answer_of("Hi")
        assert len(server.requests) == 5, "each of the two was sent twice"
        assert not _is_handled()
        assert [chunk async for chunk in stream]
        assert not _is_handled()
    await chat.aclose()
    await llm.aclose()


@FRAMEWORKS
@HOW
def test_an_empty_answer_is_retried_once_with_the_reason(
    server: LocalServer, connection: dict[str, Any], how: str, answer_of: Any
) -> None:
    """By the outer retry alone: the same request is not sent again first."""
    server.script(EMPTY, dataclasses.replace(GOOD))
    assert answer_of(connection, how) == ADA
    assert len(server.requests) == 2
    assert "answer was empty" in server.requests[1].body["messages"][-1]["content"]
