"""An invalid answer is requested once more, with the error. Streams and tool calls have their own test modules."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler, UsageMetadataCallbackHandler
from langchain_core.exceptions import OutputParserException
from langchain_core.tools import tool
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.prompts import PromptTemplate
from pydantic import BaseModel, Field

from deepseek_v4.testing import LocalServer, ToolCall, Turn
from langchain_deepseek_v4 import ChatDeepSeekV4
from llama_index_deepseek_v4 import DeepSeekV4, UnusableAnswerError

pytestmark = pytest.mark.filterwarnings("error::deepseek_v4.errors.HistoryRepairedWarning")


class Person(BaseModel):
    """A person."""

    name: str
    age: int = Field(ge=0)


SCHEMA = {
    "title": "Person",
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer", "minimum": 0}},
    "required": ["name", "age"],
}
GOOD = Turn('{"name": "Ada", "age": 36}', reasoning="Now it is right.")
INVALID = Turn('{"name": "Ada", "age": -1}', reasoning="Minus one, I think.")
NO_JSON = Turn("Ada is 36.", reasoning="Ada, then.")
EMPTY = Turn("", reasoning="I thought about it.")
TRUNCATED = Turn('{"name": "Ada", "age": 3', finish_reason="length")
COUNTED = (
    dataclasses.replace(INVALID, usage={"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}),
    dataclasses.replace(GOOD, usage={"prompt_tokens": 150, "completion_tokens": 30, "total_tokens": 180}),
)
FAULTS = {
    "invalid": (INVALID, "greater than or equal to 0"),
    "no JSON": (NO_JSON, "JSON"),
    "empty": (EMPTY, "was empty"),
}
PROMPT = PromptTemplate("Who is {name}?")


@pytest.fixture
def server() -> Iterator[LocalServer]:
    with LocalServer() as running:
        yield running


@pytest.fixture
def connection(server: LocalServer) -> dict[str, Any]:
    return {"base_url": server.base_url, "api_key": server.api_key}


def langchain_answer(connection: dict[str, Any], how: str, **options: Any) -> Any:
    typed = ChatDeepSeekV4(**connection).with_structured_output(Person, include_raw=True, **options)
    if how == "async":
        return asyncio.run(typed.ainvoke("Who is Ada?"))
    plain = ChatDeepSeekV4(**connection).with_structured_output(
        Person, **options
    )  # include_raw makes batches of single calls
    if how == "batch":
        return {"parsed": plain.batch(["Who is Ada?"])[0], "parsing_error": None}
    if how == "async batch":
        return {"parsed": asyncio.run(plain.abatch(["Who is Ada?"]))[0], "parsing_error": None}
    return typed.invoke("Who is Ada?")


def llama_index_answer(connection: dict[str, Any], how: str, **options: Any) -> Any:
    llm = DeepSeekV4(**connection, **options)
    if how == "async":
        return asyncio.run(llm.astructured_predict(Person, PROMPT, name="Ada"))
    return llm.structured_predict(Person, PROMPT, name="Ada")


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("how", ["complete", "async", "batch", "async batch"])
def test_langchain_sends_the_answer_and_the_error(
    server: LocalServer, connection: dict[str, Any], fault: str, how: str
) -> None:
    server.script(FAULTS[fault][0], GOOD)
    result = langchain_answer(connection, how)
    assert result["parsed"] == Person(name="Ada", age=36)
    assert result["parsing_error"] is None
    _second_request_is_the_first_with_the_error(server, fault)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("how", ["complete", "async"])
def test_llama_index_sends_the_answer_and_the_error(
    server: LocalServer, connection: dict[str, Any], fault: str, how: str
) -> None:
    server.script(FAULTS[fault][0], GOOD)
    assert llama_index_answer(connection, how) == Person(name="Ada", age=36)
    _second_request_is_the_first_with_the_error(server, fault)


def _second_request_is_the_first_with_the_error(server: LocalServer, fault: str) -> None:
    first, second = (request.body for request in server.requests)
    sent, resent = first["messages"], second["messages"]
    assert resent[: len(sent)] == sent, "the schema is at the same place, byte for byte"
    turn, expected = FAULTS[fault]
    more = resent[len(sent) :]
    assert more[-1]["role"] == "user"
    assert expected in more[-1]["content"]
    if fault == "empty":
        assert len(more) == 1, "an empty turn is not sent"
    else:
        assert more[0] == {"role": "assistant", "content": turn.text, "reasoning_content": turn.reasoning}
    rest = [{k: v for k, v in body.items() if k != "messages"} for body in (first, second)]
    assert rest[0] == rest[1]


class Costs(BaseCallbackHandler):
    """The costs that a tracer receives. The price depends on the hour, and the hour of the server on the request."""

    def __init__(self) -> None:
        self.received: list[float] = []

    def on_llm_end(self, response: Any, **kwargs: Any) -> None:
        self.received.append(response.generations[0][0].message.response_metadata["cost"])


def test_langchain_adds_up_the_usage_of_both_attempts(server: LocalServer, connection: dict[str, Any]) -> None:
    server.script(*COUNTED)
    counter, costs = UsageMetadataCallbackHandler(), Costs()
    typed = ChatDeepSeekV4(**connection).with_structured_output(Person, include_raw=True)
    raw = typed.invoke("Who?", {"callbacks": [counter, costs]})["raw"]
    assert raw.usage_metadata["input_tokens"] == 250
    assert raw.usage_metadata["output_tokens"] == 50
    assert raw.usage_metadata["total_tokens"] == 300
    assert raw.response_metadata["cost"] == pytest.approx(sum(costs.received))
    assert len(costs.received) == 2
    (attempt,) = raw.response_metadata["attempts"]
    assert "greater than or equal to 0" in attempt["detail"]
    assert (attempt["reason"], attempt["status"]) == ("invalid", 200)
    assert attempt["usage"] == {"input_tokens": 100, "output_tokens": 20}
    assert attempt["cost"] == costs.received[0]
    (counted,) = counter.usage_metadata.values()
    assert counted["total_tokens"] == 300, "a tracer receives each call once"


@pytest.mark.parametrize("unpriced", [[0], [1], [0, 1]])
def test_the_cost_is_unknown_if_that_of_one_attempt_is(
    server: LocalServer, connection: dict[str, Any], unpriced: list[int]
) -> None:
    turns = [dataclasses.replace(t, model="unpriced") if i in unpriced else t for i, t in enumerate(COUNTED)]
    server.script(*turns, *turns)
    raw = ChatDeepSeekV4(**connection).with_structured_output(Person, include_raw=True).invoke("Who?")["raw"]
    assert "cost" not in raw.response_metadata
    assert raw.usage_metadata["total_tokens"] == 300
    answered = DeepSeekV4(**connection).as_structured_llm(Person).chat([_user("Who is Ada?")])
    assert answered.additional_kwargs["cost"] is None
    assert answered.additional_kwargs["total_tokens"] == 300


def test_llama_index_adds_up_the_usage_of_both_attempts(server: LocalServer, connection: dict[str, Any]) -> None:
    llm = DeepSeekV4(**connection)
    server.script(*COUNTED)
    costs = [llm.chat([_user("Who?")]).additional_kwargs["cost"] for _ in range(2)]
    server.script(*COUNTED)
    answered = llm.as_structured_llm(Person).chat([_user("Who is Ada?")])
    assert answered.raw == Person(name="Ada", age=36)
    (attempt,) = answered.additional_kwargs["attempts"]
    assert "age" in attempt["detail"]
    assert (attempt["reason"], attempt["status"]) == ("invalid", 200)
    assert attempt["usage"] == {"input_tokens": 100, "output_tokens": 20}
    assert attempt["cost"] == costs[0]
    names = ("prompt_tokens", "completion_tokens", "total_tokens")
    assert [answered.additional_kwargs[name] for name in names] == [250, 50, 300]
    assert answered.additional_kwargs["cost"] == pytest.approx(sum(costs))
    assert answered.message.blocks[0].content == GOOD.reasoning


def _user(text: str) -> Any:
    return ChatMessage(role="user", content=text)


def test_langchain_reports_both_errors(server: LocalServer, connection: dict[str, Any]) -> None:
    server.script(INVALID, NO_JSON)
    with pytest.raises(OutputParserException, match=r"not valid JSON.*First error.*greater than or equal"):
        ChatDeepSeekV4(**connection).with_structured_output(Person).invoke("Who?")
    server.script(INVALID, NO_JSON)
    result = langchain_answer(connection, "complete")
    assert result["parsed"] is None
    assert "All attempts failed. First error" in str(result["parsing_error"])


def test_llama_index_reports_both_errors(server: LocalServer, connection: dict[str, Any]) -> None:
    server.script(INVALID, NO_JSON)
    with pytest.raises(UnusableAnswerError, match=r"not valid JSON.*First error.*greater than or equal"):
        llama_index_answer(connection, "complete")


def test_retries_can_be_switched_off(server: LocalServer, connection: dict[str, Any]) -> None:
    server.script(INVALID)
    with pytest.raises(OutputParserException):
        ChatDeepSeekV4(**connection).with_structured_output(Person, retries=0).invoke("Who?")
    server.script(INVALID)
    with pytest.raises(OutputParserException):
        ChatDeepSeekV4(**connection, answer_retries=0).with_structured_output(Person).invoke("Who?")
    server.script(INVALID)
    with pytest.raises(UnusableAnswerError):
        llama_index_answer(connection, "complete", answer_retries=0)
    server.script(INVALID)
    with pytest.raises(UnusableAnswerError):
        DeepSeekV4(**connection).structured_predict(Person, PROMPT, {"answer_retries": 0}, name="Ada")
    assert len(server.requests) == 4


def test_more_than_one_retry(server: LocalServer, connection: dict[str, Any]) -> None:
    server.script(INVALID, NO_JSON, GOOD)
    typed = ChatDeepSeekV4(**connection).with_structured_output(Person, retries=2)
    assert typed.invoke("Who?") == Person(name="Ada", age=36)
    assert len(server.requests[2].body["messages"]) == len(server.requests[0].body["messages"]) + 4


def test_a_truncated_answer_is_not_requested_again(server: LocalServer, connection: dict[str, Any]) -> None:
    server.script(TRUNCATED)
    with pytest.raises(OutputParserException, match="max_tokens"):
        ChatDeepSeekV4(**connection).with_structured_output(Person).invoke("Who?")
    server.script(TRUNCATED)
    with pytest.raises(UnusableAnswerError, match="max_tokens"):
        llama_index_answer(connection, "complete")
    assert len(server.requests) == 2


@pytest.mark.parametrize("text", ["", "I look it up."])
def test_a_turn_that_calls_tools_is_not_a_failed_answer(
    server: LocalServer, connection: dict[str, Any], text: str
) -> None:
    @tool
    def look_up(name: str) -> str:
        """Look up a person."""
        return name

    server.script(Turn(text, tool_calls=[ToolCall("look_up", {"name": "Ada"})]))
    typed = ChatDeepSeekV4(**connection).with_structured_output(Person, tools=[look_up], include_raw=True)
    result = typed.invoke("Who is Ada?")
    assert result["raw"].tool_calls[0]["name"] == "look_up"
    assert "Run the tools" in str(result["parsing_error"])
    assert len(server.requests) == 1


@pytest.mark.parametrize("value", ['{"name": "Ada"}', '{"name": "Ada", "age": "36"}', '{"name": "Ada", "age": -1}'])
def test_plain_dicts_are_validated_against_their_schema(
    server: LocalServer, connection: dict[str, Any], value: str
) -> None:
    server.script(Turn(value), GOOD)
    answer = ChatDeepSeekV4(**connection).with_structured_output(SCHEMA).invoke("Who?")
    assert answer == {"name": "Ada", "age": 36}
    assert "age" in server.requests[1].body["messages"][-1]["content"]
