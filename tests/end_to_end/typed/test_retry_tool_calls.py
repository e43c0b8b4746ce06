"""An invalid forced tool call is requested once more, with the error as its result."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import UsageMetadataCallbackHandler
from langchain_core.exceptions import OutputParserException
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.prompts import PromptTemplate
from llama_index.core.types import PydanticProgramMode
from pydantic import BaseModel, Field, RootModel

from deepseek_v4.testing import LocalServer, ToolCall, Turn
from langchain_deepseek_v4 import ChatDeepSeekV4
from llama_index_deepseek_v4 import DeepSeekV4, UnusableAnswerError

pytestmark = pytest.mark.filterwarnings("error::deepseek_v4.errors.HistoryRepairedWarning")


class Person(BaseModel):
    """A person."""

    name: str
    age: int = Field(ge=0)


class Numbers(RootModel[list[int]]):
    """Numbers."""


class NoNumbers(RootModel[list[int] | None]):
    """Numbers, or nothing: two types, and neither is an object."""


def called(arguments: Any, name: str = "Person") -> Turn:
    return Turn("", reasoning="She is 36.", tool_calls=[ToolCall(name, arguments, id="call_1")])


ADA = Person(name="Ada", age=36)
GOOD = called(ADA.model_dump())
INVALID = called({"name": "Ada", "age": -1})
TEXT = Turn("Ada is 36.", reasoning="I would rather talk.")
FAULTS = {
    "invalid": (INVALID, "greater than or equal to 0"),
    "no JSON": (called('{"name": Ada'), "JSON"),
    "no call": (TEXT, "Call the tool"),
    "empty": (Turn("", reasoning="I thought about it."), "answer was empty"),
}
PROMPT = PromptTemplate("Who is {name}?")
HOW = ["complete", "async", "stream", "async stream"]
TYPED: dict[str, Any] = {"pydantic_program_mode": PydanticProgramMode.FUNCTION}


@pytest.fixture
def server() -> Iterator[LocalServer]:
    with LocalServer(passback="strict") as running:
        yield running


@pytest.fixture
def connection(server: LocalServer) -> dict[str, Any]:
    return {"base_url": server.base_url, "api_key": server.api_key}


def langchain_answer(connection: dict[str, Any], how: str, **options: Any) -> Any:
    typed = ChatDeepSeekV4(**connection, **options).with_structured_output(Person, method="function_calling")

    async def chunks() -> list[Any]:
        return [chunk async for chunk in typed.astream("Who is Ada?")]

    if how == "async":
        return asyncio.run(typed.ainvoke("Who is Ada?"))
    if how == "stream":
        return list(typed.stream("Who is Ada?"))[-1]
    return typed.invoke("Who is Ada?") if how == "complete" else asyncio.run(chunks())[-1]


def llama_index_answer(connection: dict[str, Any], how: str, **options: Any) -> Any:
    llm = DeepSeekV4(**connection, **TYPED, **options)

    async def chunks() -> list[Any]:
        return [chunk async for chunk in await llm.astream_structured_predict(Person, PROMPT, name="Ada")]

    if how == "async":
        return asyncio.run(llm.astructured_predict(Person, PROMPT, name="Ada"))
    if how == "stream":
        return list(llm.stream_structured_predict(Person, PROMPT, name="Ada"))[-1]
    return llm.structured_predict(Person, PROMPT, name="Ada") if how == "complete" else asyncio.run(chunks())[-1]


@pytest.mark.parametrize("on_forced_tool", ["disable_thinking", "instruct"])
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("answer_of", [langchain_answer, llama_index_answer])
def test_the_retry_sends_the_call_and_the_error(
    server: LocalServer, connection: dict[str, Any], answer_of: Any, how: str, fault: str, on_forced_tool: str
) -> None:
    server.script(FAULTS[fault][0], GOOD)
    assert answer_of(connection, how, on_forced_tool=on_forced_tool) == ADA
    assert [request.status for request in server.requests] == [200, 200]
    first, second = (request.body for request in server.requests)
    thinking_on = on_forced_tool == "instruct"
    assert all(("thinking" not in body) == thinking_on for body in (first, second))
    assert ("tool_choice" in second) != thinking_on, "forced again, or requested by an instruction again"
    more = second["messages"][len(first["messages"]) - thinking_on :]  # an instruction is the last message of each
    more = [message for message in more if message["role"] != "system"]
    turn, expected = FAULTS[fault]
    if fault == "empty":
        assert [message["role"] for message in more] == ["user"], "an empty turn is not sent"
    elif fault == "no call":
        assert [message["role"] for message in more] == ["assistant", "user"]
        assert more[0]["content"] == TEXT.text
    else:
        assert [message["role"] for message in more] == ["assistant", "tool"]
        (call,) = more[0]["tool_calls"]
        assert call["function"]["arguments"].replace(" ", "") == turn.tool_calls[0].arguments_text().replace(" ", "")
        assert more[1]["tool_call_id"] == "call_1"
    if thinking_on and fault != "empty":
        assert more[0]["reasoning_content"] == turn.reasoning
    assert expected in more[-1]["content"]


@pytest.mark.parametrize("protocol", ["chat_completions", "responses", "messages"])
@pytest.mark.parametrize("answer_of", [langchain_answer, llama_index_answer])
def test_an_invalid_call_is_retried_on_every_protocol(
    server: LocalServer, connection: dict[str, Any], answer_of: Any, protocol: str
) -> None:
    server.script(INVALID, GOOD)
    assert answer_of(connection, "complete", protocol=protocol) == ADA
    assert [request.status for request in server.requests] == [200, 200]
    assert "greater than or equal to 0" in json.dumps(server.requests[1].body)


COUNTED = [
    dataclasses.replace(turn, usage={"prompt_tokens": n, "completion_tokens": 10, "total_tokens": n + 10})
    for turn, n in ((INVALID, 100), (GOOD, 150))
]


def test_langchain_adds_up_the_usage_of_both_attempts(server: LocalServer, connection: dict[str, Any]) -> None:
    server.script(*COUNTED)
    counter = UsageMetadataCallbackHandler()
    typed = ChatDeepSeekV4(**connection).with_structured_output(Person, method="function_calling", include_raw=True)
    result = typed.invoke("Who?", {"callbacks": [counter]})
    assert result["parsed"] == ADA
    assert result["raw"].usage_metadata["total_tokens"] == 270
    assert "greater than or equal to 0" in result["raw"].response_metadata["attempts"][0]["detail"]
    (counted,) = counter.usage_metadata.values()
    assert counted["total_tokens"] == 270, "a tracer receives each call once"


def test_llama_index_adds_up_the_usage_of_both_attempts(server: LocalServer, connection: dict[str, Any]) -> None:
    server.script(*COUNTED)
    response = (
        DeepSeekV4(**connection, **TYPED).as_structured_llm(Person).chat([ChatMessage(role="user", content="Who?")])
    )
    assert response.raw == ADA
    assert response.additional_kwargs["total_tokens"] == 270
    assert "greater than or equal to 0" in response.additional_kwargs["attempts"][0]["detail"]


@pytest.mark.parametrize("how", HOW)
def test_both_errors_are_reported(server: LocalServer, connection: dict[str, Any], how: str) -> None:
    server.script(TEXT, INVALID)
    with pytest.raises(OutputParserException, match=r"greater than or equal.*First error.*did not call"):
        langchain_answer(connection, how)
    server.script(TEXT, INVALID)
    with pytest.raises(UnusableAnswerError, match=r"greater than or equal.*First error.*tool call"):
        llama_index_answer(connection, how)
    assert len(server.requests) == 4


def test_retries_can_be_switched_off(server: LocalServer, connection: dict[str, Any]) -> None:
    server.script(INVALID)
    with pytest.raises(OutputParserException):
        langchain_answer(connection, "complete", answer_retries=0)
    server.script(INVALID)
    with pytest.raises(UnusableAnswerError):
        llama_index_answer(connection, "complete", answer_retries=0)
    assert len(server.requests) == 2


def test_a_truncated_call_is_not_requested_again(server: LocalServer, connection: dict[str, Any]) -> None:
    truncated = dataclasses.replace(called('{"name": "Ad'), finish_reason="length")
    server.script(truncated)
    with pytest.raises(OutputParserException, match="max_tokens"):
        langchain_answer(connection, "complete")
    server.script(truncated)
    with pytest.raises(UnusableAnswerError, match="max_tokens"):
        llama_index_answer(connection, "complete")
    assert len(server.requests) == 2


@pytest.mark.parametrize("method", ["auto", "function_calling"])
def test_a_cache_holds_both_attempts(server: LocalServer, connection: dict[str, Any], method: Any) -> None:
    turns = (
        [INVALID, GOOD] if method == "function_calling" else [Turn("no", reasoning="Hm."), Turn(ADA.model_dump_json())]
    )
    server.script(*turns)
    typed = ChatDeepSeekV4(**connection, cache=InMemoryCache()).with_structured_output(Person, method=method)
    assert [typed.invoke("Who?"), typed.invoke("Who?")] == [ADA, ADA]
    assert len(server.requests) == 2


@pytest.mark.parametrize("numbers", [Numbers, NoNumbers])
def test_a_schema_without_objects_is_refused_for_a_call_before_sending(
    server: LocalServer, connection: dict[str, Any], numbers: Any
) -> None:
    with pytest.raises(ValueError, match=r"object schema, but \w*Numbers does not allow an object"):
        ChatDeepSeekV4(**connection).with_structured_output(numbers, method="function_calling")
    with pytest.raises(ValueError, match=r"object schema, but \w*Numbers does not allow an object"):
        DeepSeekV4(**connection, **TYPED).structured_predict(numbers, PROMPT, name="Ada")
    assert not server.requests
    server.script(Turn("[1, 2]"))
    assert ChatDeepSeekV4(**connection).with_structured_output(numbers).invoke("Count.").root == [1, 2]
    body = server.requests[0].body
    assert "response_format" not in body, "JSON mode returns objects"
    assert "one JSON value" in body["messages"][0]["content"]


@pytest.mark.filterwarnings("ignore::deepseek_v4.errors.LeakedMarkupWarning")
@pytest.mark.parametrize("answer_of", [langchain_answer, llama_index_answer], ids=["langchain", "llama_index"])
@pytest.mark.parametrize("how", ["complete", "async stream"])
@pytest.mark.parametrize(("retries", "sent"), [(1, 2), (2, 3)])
def test_a_call_as_text_counts_as_a_retry(
    server: LocalServer, connection: dict[str, Any], answer_of: Any, how: str, retries: int, sent: int
) -> None:
    markup = '<｜DSML｜tool_calls>\n<｜DSML｜invoke name="Person">\n</｜DSML｜invoke>\n</｜DSML｜tool_calls>'
    server.script(Turn(markup), INVALID, INVALID, INVALID)
    with pytest.raises((OutputParserException, UnusableAnswerError)):
        answer_of(connection, how, answer_retries=retries)
    assert len(server.requests) == sent
