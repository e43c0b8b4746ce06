"""Streams of typed answers: pieces never take back what they gave, and a second answer comes whole, as the last one."""

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
UNFIT = Turn('{"name": "Ada", "age": -1}', reasoning="Minus one.", chunk_size=2)
EMPTY = Turn("", reasoning="I thought about it.")
BAD = {"unfit": UNFIT, "words": Turn("Ada is 36.", chunk_size=3), "empty": EMPTY}
PROMPT = PromptTemplate("Who is {name}?")


@pytest.fixture
def server() -> Iterator[LocalServer]:
    with LocalServer() as running:
        yield running


@pytest.fixture
def reach(server: LocalServer) -> dict[str, Any]:
    return {"base_url": server.base_url, "api_key": server.api_key, "max_retries": 0}


def langchain_pieces(reach: dict[str, Any], how: str, schema: Any = Person, **options: Any) -> list[Any]:
    typed = ChatDeepSeekV4(**reach).with_structured_output(schema, **options)

    async def pieces() -> list[Any]:
        return [piece async for piece in typed.astream("Who is Ada?")]

    return asyncio.run(pieces()) if how == "async" else list(typed.stream("Who is Ada?"))


def llama_index_pieces(reach: dict[str, Any], how: str, **options: Any) -> list[Any]:
    llm = DeepSeekV4(**reach, **options)

    async def pieces() -> list[Any]:
        return [piece async for piece in await llm.astream_structured_predict(Person, PROMPT, name="Ada")]

    return asyncio.run(pieces()) if how == "async" else list(llm.stream_structured_predict(Person, PROMPT, name="Ada"))


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("how", ["sync", "async"])
@pytest.mark.parametrize("pieces_of", [langchain_pieces, llama_index_pieces])
def test_the_last_piece_is_the_corrected_answer(
    server: LocalServer, reach: dict[str, Any], pieces_of: Any, how: str, bad: str
) -> None:
    server.script(BAD[bad], GOOD)
    assert pieces_of(reach, how)[-1] == ADA
    first, second = (request.body for request in server.requests)
    assert first["stream"] is True
    assert not second.get("stream")
    assert second["messages"][: len(first["messages"])] == first["messages"]


def test_the_last_chunk_has_the_usage_of_both(server: LocalServer, reach: dict[str, Any]) -> None:
    llm = DeepSeekV4(**reach)
    server.script(UNFIT, GOOD)
    *_, last = llm.as_structured_llm(Person).stream_chat([ChatMessage(role="user", content="Who?")])
    assert last.raw == ADA
    assert ["age" in one["detail"] for one in last.additional_kwargs["attempts"]] == [True]
    server.script(GOOD)
    *_, alone = llm.as_structured_llm(Person).stream_chat([ChatMessage(role="user", content="Who?")])
    assert last.additional_kwargs["prompt_tokens"] > 2 * alone.additional_kwargs["prompt_tokens"]


@pytest.mark.parametrize("how", ["sync", "async"])
def test_both_errors_are_reported(server: LocalServer, reach: dict[str, Any], how: str) -> None:
    server.script(UNFIT, Turn("no"))
    with pytest.raises(OutputParserException, match=r"not valid JSON.*First error.*greater than or equal"):
        langchain_pieces(reach, how)
    server.script(UNFIT, Turn("no"))
    with pytest.raises(UnusableAnswerError, match=r"not valid JSON.*First error.*greater than or equal"):
        llama_index_pieces(reach, how)


@pytest.mark.parametrize("how", ["sync", "async"])
def test_no_second_try_where_the_pieces_are_added_up(server: LocalServer, reach: dict[str, Any], how: str) -> None:
    server.script(UNFIT)
    pieces = langchain_pieces(reach, how, include_raw=True)
    whole = pieces[0]
    for piece in pieces[1:]:
        whole = whole + piece
    assert isinstance(whole["raw"], AIMessageChunk)
    assert whole["raw"].text == UNFIT.text
    assert whole["parsed"] is None
    assert "greater than or equal to 0" in str(whole["parsing_error"])
    assert len(server.requests) == 1


@pytest.mark.parametrize("how", ["sync", "async"])
def test_the_raw_message_streams_before_what_was_read(server: LocalServer, reach: dict[str, Any], how: str) -> None:
    server.script(GOOD)
    *raw, parsed, fault = langchain_pieces(reach, how, include_raw=True)
    assert len(raw) > 5
    assert (parsed, fault) == ({"parsed": ADA}, {"parsing_error": None})


@pytest.mark.parametrize("fence", ["{}", "```json\n{}\n```", "```\n{}```"])
def test_numbers_and_words_are_given_once_they_are_whole(
    server: LocalServer, reach: dict[str, Any], fence: str
) -> None:
    text = fence.replace("{}", json.dumps({"name": "Ada", "age": 36, "wise": True}))
    server.script(Turn(text, chunk_size=1))
    schema = {"title": "Person", "type": "object", "properties": {"name": {"type": "string"}}}
    pieces = langchain_pieces(reach, "sync", schema)
    assert {piece["age"] for piece in pieces if "age" in piece} == {36}
    assert {piece["wise"] for piece in pieces if "wise" in piece} == {True}
    assert [piece["name"] for piece in pieces if "name" in piece][:4] == ["", "A", "Ad", "Ada"]
    sizes = [len(json.dumps(piece)) for piece in pieces]
    assert sizes == sorted(sizes)


@pytest.mark.parametrize("on_empty", ["raise", "retry", "return"])
@pytest.mark.parametrize("how", ["sync", "async"])
def test_empty_answers(server: LocalServer, reach: dict[str, Any], how: str, on_empty: Any) -> None:
    """One that is to be raised is raised; for the others a typed answer is asked for again."""
    reach["on_empty"] = on_empty
    for pieces_of in (langchain_pieces, llama_index_pieces):
        server.reset()
        server.script(EMPTY, GOOD)
        if on_empty == "raise":
            with pytest.raises(errors.EmptyReplyError):
                pieces_of(reach, how)
            assert len(server.requests) == 1
        else:
            assert pieces_of(reach, how)[-1] == ADA


@pytest.mark.parametrize("on_empty", ["raise", "retry", "return"])
def test_empty_whole_answers(server: LocalServer, reach: dict[str, Any], on_empty: Any) -> None:
    reach["on_empty"] = on_empty
    asks: list[Any] = [
        lambda: ChatDeepSeekV4(**reach).with_structured_output(Person).invoke("Who?"),
        lambda: asyncio.run(ChatDeepSeekV4(**reach).with_structured_output(Person).ainvoke("Who?")),
        lambda: DeepSeekV4(**reach).structured_predict(Person, PROMPT, name="Ada"),
        lambda: asyncio.run(DeepSeekV4(**reach).astructured_predict(Person, PROMPT, name="Ada")),
    ]
    for ask in asks:
        server.reset()
        server.script(EMPTY, GOOD)
        if on_empty == "raise":
            with pytest.raises(errors.EmptyReplyError):
                ask()
            assert len(server.requests) == 1
        else:
            assert ask() == ADA
            assert "answer was empty" in server.requests[1].body["messages"][-1]["content"]
