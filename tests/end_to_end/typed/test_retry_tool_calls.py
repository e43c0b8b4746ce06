"""A forced tool call that cannot be used is requested once more: its result contains the reason."""

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
UNFIT = called({"name": "Ada", "age": -1})
TEXT = Turn("Ada is 36.", reasoning="I would rather talk.")
FAULTS = {
    "unfit": (UNFIT, "greater than or equal to 0"),
    "no JSON": (called('{"name": Ada'), "JSON"),
    "no call": (TEXT, "Call the tool"),
    "empty": (Turn("", reasoning="I thought about it."), "answer was empty"),
}
PROMPT = PromptTemplate("Who is {name}?")
HOW = ["whole", "async", "stream", "async stream"]
TYPED: dict[str, Any] = {"pydantic_program_mode": PydanticProgramMode.FUNCTION}


@pytest.fixture
def server() -> Iterator[LocalServer]:
    with LocalServer(passback="strict") as running:
        yield running


@pytest.fixture
def reach(server: LocalServer) -> dict[str, Any]:
    return {"base_url": server.base_url, "api_key": server.api_key}


def asked_langchain(reach: dict[str, Any], how: str, **options: Any) -> Any:
    typed = ChatDeepSeekV4(**reach, **options).with_structured_output(Person, method="function_calling")

    async def pieces() -> list[Any]:
        return [piece async for piece in typed.astream("Who is Ada?")]

    if how == "async":
        return asyncio.run(typed.ainvoke("Who is Ada?"))
    if how == "stream":
        return list(typed.stream("Who is Ada?"))[-1]
    return typed.invoke("Who is Ada?") if how == "whole" else asyncio.run(pieces())[-1]


def asked_llama_index(reach: dict[str, Any], how: str, **options: Any) -> Any:
    llm = DeepSeekV4(**reach, **TYPED, **options)

    async def pieces() -> list[Any]:
        return [piece async for piece in await llm.astream_structured_predict(Person, PROMPT, name="Ada")]

    if how == "async":
        return asyncio.run(llm.astructured_predict(Person, PROMPT, name="Ada"))
    if how == "stream":
        return list(llm.stream_structured_predict(Person, PROMPT, name="Ada"))[-1]
    return llm.structured_predict(Person, PROMPT, name="Ada") if how == "whole" else asyncio.run(pieces())[-1]


@pytest.mark.parametrize("on_forced_tool", ["disable_thinking", "instruct"])
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("ask", [asked_langchain, asked_llama_index])
def test_the_model_is_shown_its_call_and_the_error(
    server: LocalServer, reach: dict[str, Any], ask: Any, how: str, fault: str, on_forced_tool: str
) -> None:
    server.script(FAULTS[fault][0], GOOD)
    assert ask(reach, how, on_forced_tool=on_forced_tool) == ADA
    assert [request.status for request in server.requests] == [200, 200]
    first, second = (request.body for request in server.requests)
    thinks = on_forced_tool == "instruct"
    assert all(("thinking" not in body) == thinks for body in (first, second))
    assert ("tool_choice" in second) != thinks, "forced again, or requested by an instruction again"
    more = second["messages"][len(first["messages"]) - thinks :]  # the words stand at the end of each
    more = [message for message in more if message["role"] != "system"]
    turn, words = FAULTS[fault]
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
    if thinks and fault != "empty":
        assert more[0]["reasoning_content"] == turn.reasoning
    assert words in more[-1]["content"]


@pytest.mark.parametrize("protocol", ["chat_completions", "responses", "messages"])
@pytest.mark.parametrize("ask", [asked_langchain, asked_llama_index])
def test_on_every_protocol(server: LocalServer, reach: dict[str, Any], ask: Any, protocol: str) -> None:
    server.script(UNFIT, GOOD)
    assert ask(reach, "whole", protocol=protocol) == ADA
    assert [request.status for request in server.requests] == [200, 200]
    assert "greater than or equal to 0" in json.dumps(server.requests[1].body)


COUNTED = [
    dataclasses.replace(turn, usage={"prompt_tokens": n, "completion_tokens": 10, "total_tokens": n + 10})
    for turn, n in ((UNFIT, 100), (GOOD, 150))
]


def test_langchain_adds_up_the_usage_of_both(server: LocalServer, reach: dict[str, Any]) -> None:
    server.script(*COUNTED)
    counter = UsageMetadataCallbackHandler()
    typed = ChatDeepSeekV4(**reach).with_structured_output(Person, method="function_calling", include_raw=True)
    result = typed.invoke("Who?", {"callbacks": [counter]})
    assert result["parsed"] == ADA
    assert result["raw"].usage_metadata["total_tokens"] == 270
    assert "greater than or equal to 0" in result["raw"].response_metadata["attempts"][0]["detail"]
    (counted,) = counter.usage_metadata.values()
    assert counted["total_tokens"] == 270, "a tracer sees each call once"


def test_llama_index_adds_up_the_usage_of_both(server: LocalServer, reach: dict[str, Any]) -> None:
    server.script(*COUNTED)
    response = DeepSeekV4(**reach, **TYPED).as_structured_llm(Person).chat([ChatMessage(role="user", content="Who?")])
    assert response.raw == ADA
    assert response.additional_kwargs["total_tokens"] == 270
    assert "greater than or equal to 0" in response.additional_kwargs["attempts"][0]["detail"]


@pytest.mark.parametrize("how", HOW)
def test_both_errors_are_reported(server: LocalServer, reach: dict[str, Any], how: str) -> None:
    server.script(TEXT, UNFIT)
    with pytest.raises(OutputParserException, match=r"greater than or equal.*First error.*did not call"):
        asked_langchain(reach, how)
    server.script(TEXT, UNFIT)
    with pytest.raises(UnusableAnswerError, match=r"greater than or equal.*First error.*tool call"):
        asked_llama_index(reach, how)
    assert len(server.requests) == 4


def test_it_can_be_switched_off(server: LocalServer, reach: dict[str, Any]) -> None:
    server.script(UNFIT)
    with pytest.raises(OutputParserException):
        asked_langchain(reach, "whole", answer_retries=0)
    server.script(UNFIT)
    with pytest.raises(UnusableAnswerError):
        asked_llama_index(reach, "whole", answer_retries=0)
    assert len(server.requests) == 2


def test_a_cut_call_is_not_requested_again(server: LocalServer, reach: dict[str, Any]) -> None:
    cut = dataclasses.replace(called('{"name": "Ad'), finish_reason="length")
    server.script(cut)
    with pytest.raises(OutputParserException, match="max_tokens"):
        asked_langchain(reach, "whole")
    server.script(cut)
    with pytest.raises(UnusableAnswerError, match="max_tokens"):
        asked_llama_index(reach, "whole")
    assert len(server.requests) == 2


@pytest.mark.parametrize("method", ["auto", "function_calling"])
def test_a_cache_holds_both_tries(server: LocalServer, reach: dict[str, Any], method: Any) -> None:
    turns = (
        [UNFIT, GOOD] if method == "function_calling" else [Turn("no", reasoning="Hm."), Turn(ADA.model_dump_json())]
    )
    server.script(*turns)
    typed = ChatDeepSeekV4(**reach, cache=InMemoryCache()).with_structured_output(Person, method=method)
    assert [typed.invoke("Who?"), typed.invoke("Who?")] == [ADA, ADA]
    assert len(server.requests) == 2


@pytest.mark.parametrize("numbers", [Numbers, NoNumbers])
def test_what_no_call_can_say_is_refused_before_it_is_sent(
    server: LocalServer, reach: dict[str, Any], numbers: Any
) -> None:
    with pytest.raises(ValueError, match=r"object schema, but \w*Numbers does not allow an object"):
        ChatDeepSeekV4(**reach).with_structured_output(numbers, method="function_calling")
    with pytest.raises(ValueError, match=r"object schema, but \w*Numbers does not allow an object"):
        DeepSeekV4(**reach, **TYPED).structured_predict(numbers, PROMPT, name="Ada")
    assert not server.requests
    server.script(Turn("[1, 2]"))
    assert ChatDeepSeekV4(**reach).with_structured_output(numbers).invoke("Count.").root == [1, 2]
    body = server.requests[0].body
    assert "response_format" not in body, "JSON mode gives objects"
    assert "one JSON value" in body["messages"][0]["content"]


@pytest.mark.filterwarnings("ignore::deepseek_v4.errors.LeakedMarkupWarning")
@pytest.mark.parametrize("ask", [asked_langchain, asked_llama_index], ids=["langchain", "llama_index"])
@pytest.mark.parametrize("how", ["whole", "async stream"])
@pytest.mark.parametrize(("retries", "sent"), [(1, 2), (2, 3)])
def test_a_call_as_text_counts_as_a_retry(
    server: LocalServer, reach: dict[str, Any], ask: Any, how: str, retries: int, sent: int
) -> None:
    markup = '<｜DSML｜tool_calls>\n<｜DSML｜invoke name="Person">\n</｜DSML｜invoke>\n</｜DSML｜tool_calls>'
    server.script(Turn(markup), UNFIT, UNFIT, UNFIT)
    with pytest.raises((OutputParserException, UnusableAnswerError)):
        ask(reach, how, answer_retries=retries)
    assert len(server.requests) == sent
