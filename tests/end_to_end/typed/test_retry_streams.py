"""Streams of typed answers: chunks never retract earlier content, and a retried answer is the last chunk."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.exceptions import OutputParserException
from langchain_core.messages import AIMessageChunk
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.prompts import PromptTemplate
from pydantic import BaseModel, Field

from deepseek_v4 import errors
from deepseek_v4.testing import LocalServer, Turn
from langchain_deepseek_v4 import ChatDeepSeekV4
from llama_index_deepseek_v4 import DeepSeekV4, UnusableAnswerError


class Person(BaseModel):
    """A person."""

    name: str
    age: int = Field(ge=0)


ADA = Person(name="Ada", age=36)
SCHEMA: dict[str, Any] = {**Person.model_json_schema(), "title": "Person"}
GOOD = Turn(ADA.model_dump_json(), reasoning="Now it is right.", chunk_size=2)
INVALID = Turn('{"name": "Ada", "age": -1}', reasoning="Minus one.", chunk_size=2)
EMPTY = Turn("", reasoning="I thought about it.")
BAD = {"invalid": INVALID, "prose": Turn("Ada is 36.", chunk_size=3), "empty": EMPTY}
PROMPT = PromptTemplate("Who is {name}?")


@pytest.fixture
def server() -> Iterator[LocalServer]:
    with LocalServer() as running:
        yield running


@pytest.fixture
def connection(server: LocalServer) -> dict[str, Any]:
    return {"base_url": server.base_url, "api_key": server.api_key, "max_retries": 0}


def langchain_chunks(connection: dict[str, Any], how: str, schema: Any = Person, **options: Any) -> list[Any]:
    typed = ChatDeepSeekV4(**connection).with_structured_output(schema, **options)

    async def chunks() -> list[Any]:
        return [chunk async for chunk in typed.astream("Who is Ada?")]

    return asyncio.run(chunks()) if how == "async" else list(typed.stream("Who is Ada?"))


def llama_index_chunks(connection: dict[str, Any], how: str, **options: Any) -> list[Any]:
    llm = DeepSeekV4(**connection, **options)

    async def chunks() -> list[Any]:
        return [chunk async for chunk in await llm.astream_structured_predict(Person, PROMPT, name="Ada")]

    return asyncio.run(chunks()) if how == "async" else list(llm.stream_structured_predict(Person, PROMPT, name="Ada"))


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("how", ["sync", "async"])
@pytest.mark.parametrize("chunks_of", [langchain_chunks, llama_index_chunks])
def test_the_last_chunk_is_the_corrected_answer(
    server: LocalServer, connection: dict[str, Any], chunks_of: Any, how: str, bad: str
) -> None:
    server.script(BAD[bad], GOOD)
    assert chunks_of(connection, how)[-1] == ADA
    first, second = (request.body for request in server.requests)
    assert first["stream"] is True
    assert not second.get("stream")
    assert second["messages"][: len(first["messages"])] == first["messages"]


def test_the_last_chunk_has_the_usage_of_both_attempts(server: LocalServer, connection: dict[str, Any]) -> None:
    llm = DeepSeekV4(**connection)
    server.script(INVALID, GOOD)
    *_, last = llm.as_structured_llm(Person).stream_chat([ChatMessage(role="user", content="Who?")])
    assert last.raw == ADA
    assert ["age" in one["detail"] for one in last.additional_kwargs["attempts"]] == [True]
    server.script(GOOD)
    *_, alone = llm.as_structured_llm(Person).stream_chat([ChatMessage(role="user", content="Who?")])
    assert last.additional_kwargs["prompt_tokens"] > 2 * alone.additional_kwargs["prompt_tokens"]


@pytest.mark.parametrize("how", ["sync", "async"])
def test_both_errors_are_reported(server: LocalServer, connection: dict[str, Any], how: str) -> None:
    server.script(INVALID, Turn("no"))
    with pytest.raises(OutputParserException, match=r"not valid JSON.*First error.*greater than or equal"):
        langchain_chunks(connection, how)
    server.script(INVALID, Turn("no"))
    with pytest.raises(UnusableAnswerError, match=r"not valid JSON.*First error.*greater than or equal"):
        llama_index_chunks(connection, how)


@pytest.mark.parametrize("how", ["sync", "async"])
def test_no_retry_if_the_chunks_are_added_up(server: LocalServer, connection: dict[str, Any], how: str) -> None:
    server.script(INVALID)
    chunks = langchain_chunks(connection, how, include_raw=True)
    total = chunks[0]
    for chunk in chunks[1:]:
        total = total + chunk
    assert isinstance(total["raw"], AIMessageChunk)
    assert total["raw"].text == INVALID.text
    assert total["parsed"] is None
    assert "greater than or equal to 0" in str(total["parsing_error"])
    assert len(server.requests) == 1


@pytest.mark.parametrize("how", ["sync", "async"])
def test_the_raw_message_streams_before_the_parsed_answer(
    server: LocalServer, connection: dict[str, Any], how: str
) -> None:
    server.script(GOOD)
    *raw, parsed, fault = langchain_chunks(connection, how, include_raw=True)
    assert len(raw) > 5
    assert (parsed, fault) == ({"parsed": ADA}, {"parsing_error": None})


@pytest.mark.parametrize("fence", ["{}", "```json\n{}\n```", "```\n{}```"])
def test_numbers_and_booleans_are_returned_once_they_are_complete(
    server: LocalServer, connection: dict[str, Any], fence: str
) -> None:
    text = fence.replace("{}", json.dumps({"name": "Ada", "age": 36, "wise": True}))
    server.script(Turn(text, chunk_size=1))
    schema = {"title": "Person", "type": "object", "properties": {"name": {"type": "string"}}}
    chunks = langchain_chunks(connection, "sync", schema)
    assert {chunk["age"] for chunk in chunks if "age" in chunk} == {36}
    assert {chunk["wise"] for chunk in chunks if "wise" in chunk} == {True}
    assert [chunk["name"] for chunk in chunks if "name" in chunk][:4] == ["", "A", "Ad", "Ada"]
    sizes = [len(json.dumps(chunk)) for chunk in chunks]
    assert sizes == sorted(sizes)


@pytest.mark.parametrize("on_empty", ["raise", "retry", "return"])
@pytest.mark.parametrize("how", ["sync", "async"])
def test_empty_streams(server: LocalServer, connection: dict[str, Any], how: str, on_empty: Any) -> None:
    """With ``on_empty="raise"`` it is an error; otherwise the typed answer is requested again."""
    connection["on_empty"] = on_empty
    for chunks_of in (langchain_chunks, llama_index_chunks):
        server.reset()
        server.script(EMPTY, GOOD)
        if on_empty == "raise":
            with pytest.raises(errors.EmptyReplyError):
                chunks_of(connection, how)
            assert len(server.requests) == 1
        else:
            assert chunks_of(connection, how)[-1] == ADA


@pytest.mark.parametrize("on_empty", ["raise", "retry", "return"])
def test_empty_answers_without_streaming(server: LocalServer, connection: dict[str, Any], on_empty: Any) -> None:
    connection["on_empty"] = on_empty
    calls: list[Any] = [
        lambda: ChatDeepSeekV4(**connection).with_structured_output(Person).invoke("Who?"),
        lambda: asyncio.run(ChatDeepSeekV4(**connection).with_structured_output(Person).ainvoke("Who?")),
        lambda: DeepSeekV4(**connection).structured_predict(Person, PROMPT, name="Ada"),
        lambda: asyncio.run(DeepSeekV4(**connection).astructured_predict(Person, PROMPT, name="Ada")),
    ]
    for call in calls:
        server.reset()
        server.script(EMPTY, GOOD)
        if on_empty == "raise":
            with pytest.raises(errors.EmptyReplyError):
                call()
            assert len(server.requests) == 1
        else:
            assert call() == ADA
            assert "answer was empty" in server.requests[1].body["messages"][-1]["content"]
