"""Typed answers with the model's default settings, thinking on, from the model alone and from an agent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pydantic.v1
import pytest
from langchain.agents import create_agent
from langchain.agents.structured_output import ProviderStrategy, ToolStrategy
from langchain_core.exceptions import OutputParserException
from langchain_core.messages import HumanMessage
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from deepseek_v4.testing import LocalServer, ToolCall, Turn
from langchain_deepseek_v4 import ChatDeepSeekV4
from tests.end_to_end.journeys.langchain.journey import TOOLS, WEATHER_AND_TIME


class Person(BaseModel):
    """A person."""

    name: str
    age: int = Field(ge=0)


class PersonDict(TypedDict):
    """A person."""

    name: str
    age: int


class OldPerson(pydantic.v1.BaseModel):
    """A person."""

    name: str
    age: int


PERSON_SCHEMA = {
    "title": "Person",
    "description": "A person.",
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
}
ADA = {"name": "Ada", "age": 36}
IN_TEXT = Turn(text='{"name": "Ada", "age": 36}', reasoning="Ada is 36.")


def by_call(name: str) -> Turn:
    return Turn(tool_calls=[ToolCall(name, ADA, id="call_person")])


SCHEMAS = {"pydantic": Person, "typed dict": PersonDict, "json schema": PERSON_SCHEMA, "pydantic 1": OldPerson}


def as_dict(answer: Any) -> Any:
    return (
        answer if isinstance(answer, dict) else answer.dict() if isinstance(answer, OldPerson) else answer.model_dump()
    )


@pytest.mark.parametrize("schema", SCHEMAS)
@pytest.mark.parametrize("method", [None, "auto", "json_schema", "json_mode"])
def test_json_in_the_text_with_thinking_on(
    server: LocalServer, model: ChatDeepSeekV4, schema: str, method: Any
) -> None:
    server.script(IN_TEXT)
    options = {} if method is None else {"method": method}
    answer = model.with_structured_output(SCHEMAS[schema], **options).invoke("Who, as JSON?")
    assert as_dict(answer) == ADA
    assert type(answer) is (dict if schema in ("typed dict", "json schema") else SCHEMAS[schema])
    body = server.requests[0].body
    assert body["response_format"] == {"type": "json_object"}
    assert "thinking" not in body
    assert "tools" not in body
    assert ('"age"' in body["messages"][0]["content"]) == (method != "json_mode")


@pytest.mark.parametrize("schema", SCHEMAS)
def test_function_calling_forces_a_call_and_switches_thinking_off_for_it(
    server: LocalServer, model: ChatDeepSeekV4, schema: str
) -> None:
    server.script(by_call(getattr(SCHEMAS[schema], "__name__", "Person")))
    answer = model.with_structured_output(SCHEMAS[schema], method="function_calling").invoke("Who?")
    assert as_dict(answer) == ADA
    body = server.requests[0].body
    assert body["thinking"] == {"type": "disabled"}
    assert body["tool_choice"]["function"]["name"] == body["tools"][0]["function"]["name"]


async def test_async_typed_answers(server: LocalServer, make_model: Callable[..., ChatDeepSeekV4]) -> None:
    server.script(IN_TEXT)
    async with make_model() as model:
        assert await model.with_structured_output(Person).ainvoke("Who?") == Person(**ADA)


@pytest.mark.parametrize("shape", [{}, {"output_version": "v1"}], ids=["v0", "v1"])
def test_streamed_answers_grow(
    server: LocalServer, make_model: Callable[..., ChatDeepSeekV4], shape: dict[str, Any]
) -> None:
    model = make_model(**shape)
    server.script(Turn(text='{"name": "Ada Lovelace", "age": 36}', reasoning="Hm.", chunk_size=5))
    chunks = list(model.with_structured_output(PERSON_SCHEMA).stream("Who?"))
    assert chunks[-1] == {"name": "Ada Lovelace", "age": 36}
    assert {"name": "Ada L"} in chunks
    server.script(by_call("Person"))
    chunks = list(model.with_structured_output(PERSON_SCHEMA, method="function_calling").stream("Who?"))
    assert chunks[-1] == ADA
    server.script(IN_TEXT)
    assert list(model.with_structured_output(Person).stream("Who?"))[-1] == Person(**ADA)


BAD = {
    "no JSON": Turn(text="Ada is 36."),
    "truncated": Turn(text='{"name": "Ada", "age": 3', finish_reason="length"),
    "truncated after the last field": Turn(text='{"name": "Ada", "age": 36', finish_reason="length"),
    "invalid": Turn(text='{"name": "Ada", "age": -1}'),
    "empty": Turn(text=" ", reasoning="Hm."),
}


@pytest.mark.parametrize("answer", BAD)
def test_an_invalid_answer_raises(server: LocalServer, model: ChatDeepSeekV4, answer: str) -> None:
    typed = model.with_structured_output(Person)
    server.script(*[BAD[answer]] * (2 if answer.startswith("truncated") else 4))  # the others are retried once
    with pytest.raises(OutputParserException) as caught:
        typed.invoke("Who?")
    assert ("max_tokens" in str(caught.value)) == answer.startswith("truncated")
    with pytest.raises(OutputParserException):
        list(typed.stream("Who?"))


def test_a_truncated_or_missing_call_raises(server: LocalServer, model: ChatDeepSeekV4) -> None:
    typed = model.with_structured_output(Person, method="function_calling")
    truncated = Turn(tool_calls=[ToolCall("Person", '{"name": "Ada", "age": 3')], finish_reason="length")
    server.script(truncated, truncated, *[Turn(text="Ada is 36.")] * 2)
    with pytest.raises(OutputParserException, match="max_tokens"):
        typed.invoke("Who?")
    with pytest.raises(OutputParserException, match="max_tokens"):
        list(typed.stream("Who?"))
    with pytest.raises(OutputParserException, match="did not call Person"):
        typed.invoke("Who?")


def test_include_raw_returns_message_answer_and_error(server: LocalServer, model: ChatDeepSeekV4) -> None:
    typed = model.with_structured_output(Person, include_raw=True)
    server.script(IN_TEXT, BAD["invalid"], BAD["invalid"])
    good = typed.invoke("Who?")
    assert good["parsed"] == Person(**ADA)
    assert good["parsing_error"] is None
    assert good["raw"].additional_kwargs["reasoning_content"] == "Ada is 36."
    bad = typed.invoke("Who?")
    assert bad["parsed"] is None
    assert isinstance(bad["parsing_error"], OutputParserException)


def test_the_schema_is_at_a_fixed_place_of_the_prompt(server: LocalServer, model: ChatDeepSeekV4) -> None:
    typed = model.with_structured_output(Person)
    typed.invoke([HumanMessage("Who?")])
    typed.invoke([HumanMessage("Who?"), {"role": "assistant", "content": "{}"}, HumanMessage("Really?")])
    first, second = (request.body["messages"][:2] for request in server.requests)
    assert first == second


# -- agents ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("strategy", [Person, ToolStrategy(Person)], ids=["default", "tool strategy"])
@pytest.mark.parametrize("shape", [{}, {"output_version": "v1"}, {"streaming": True}], ids=["v0", "v1", "streamed"])
def test_agent_with_a_response_format(
    server: LocalServer, make_model: Callable[..., ChatDeepSeekV4], strategy: Any, shape: dict[str, Any]
) -> None:
    server.script(WEATHER_AND_TIME, by_call("Person") if isinstance(strategy, ToolStrategy) else IN_TEXT)
    agent = create_agent(make_model(**shape), TOOLS, response_format=strategy)
    result = agent.invoke({"messages": [HumanMessage("Who lives in Paris?")]})
    assert result["structured_response"] == Person(**ADA)
    assert [request.status for request in server.requests] == [200, 200]


@pytest.mark.parametrize("strategy", [Person, ToolStrategy(Person), ProviderStrategy(Person)])
def test_agent_without_tools_and_with_a_response_format(
    server: LocalServer, model: ChatDeepSeekV4, strategy: Any
) -> None:
    server.script(by_call("Person") if isinstance(strategy, ToolStrategy) else IN_TEXT)
    result = create_agent(model, [], response_format=strategy).invoke({"messages": [HumanMessage("Who?")]})
    assert result["structured_response"] == Person(**ADA)
    assert "tools" not in server.requests[0].body or server.requests[0].body["tools"]


def test_the_provider_strategy_keeps_thinking_and_passes_reasoning_back(
    server: LocalServer, model: ChatDeepSeekV4
) -> None:
    server.script(WEATHER_AND_TIME, IN_TEXT)
    agent = create_agent(model, TOOLS, response_format=ProviderStrategy(Person))
    result = agent.invoke({"messages": [HumanMessage("Who?")]})
    assert result["structured_response"] == Person(**ADA)
    past = [m for m in server.requests[1].body["messages"] if m["role"] == "assistant"]
    assert [m["reasoning_content"] for m in past] == [WEATHER_AND_TIME.reasoning]
