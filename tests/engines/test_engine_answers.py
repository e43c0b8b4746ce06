"""Complete and streamed answers of a real engine, with parallel tools and over several turns."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import HumanMessage
from llama_index.core.base.llms.types import ChatMessage

from deepseek_v4 import Client
from tests.engines.answers import Answer
from tests.engines.conftest import WINDOW, Engine
from tests.engines.engine import ANSWER, QUESTION, THOUGHT, WEATHER_QUESTION, WEATHER_THOUGHT, WEATHER_TOOL, options

PLAIN = Answer(ANSWER, THOUGHT, usage=(10, 30))
CALLS = (("get_weather", {"city": "Paris"}), ("get_weather", {"city": "Rome"}))


async def test_an_answer_with_its_reasoning(engine: Engine, framework: str, protocol: str, way: str) -> None:
    assert await engine.model(framework, protocol).call(way, QUESTION) == PLAIN


async def test_parallel_tool_calls(engine: Engine, framework: str, protocol: str, way: str) -> None:
    answer = await engine.model(framework, protocol).call(way, WEATHER_QUESTION, tools=[WEATHER_TOOL])
    assert answer == Answer("", WEATHER_THOUGHT, CALLS, finish_reason="tool_calls", usage=(294, 95))
    assert len(set(answer.ids)) == 2


async def test_thinking_switched_off(engine: Engine, framework: str, protocol: str) -> None:
    answer = await engine.model(framework, protocol).call("complete", QUESTION, thinking=False)
    assert answer == Answer(ANSWER, usage=(10, 17))


async def test_the_next_turn_of_a_chat(engine: Engine, framework: str, protocol: str) -> None:
    wrapped = engine.model(framework, protocol)
    question: Any = HumanMessage(QUESTION) if framework == "langchain" else ChatMessage(role="user", content=QUESTION)
    model = wrapped.model
    first = model.invoke([question]) if framework == "langchain" else model.chat([question]).message
    answer = await wrapped.call("complete", [question, first, question])
    assert (answer.text, answer.reasoning) == (ANSWER, THOUGHT)


async def test_a_thinking_budget(engine: Engine, framework: str, protocol: str) -> None:
    answer = await engine.model(framework, protocol).call("complete", QUESTION, thinking_budget=3)
    assert answer == Answer(ANSWER, "17 * 23", usage=(10, 21))


async def test_a_stop_text(engine: Engine, framework: str, protocol: str) -> None:
    answer = await engine.model(framework, protocol).call(
        "complete", QUESTION, stop=["one", "two", "three", "four", "easy"]
    )
    assert answer.text == "The answer is 391. It was "


def test_the_models_of_the_engine_are_listed(engine: Engine, framework: str) -> None:
    (model,) = engine.model(framework, "chat_completions").model.list_models()
    assert (model.id, model.context_window) == ("v4tiny", WINDOW)


@pytest.mark.parametrize("provider", ["vllm", "sglang"])
def test_other_self_hosted_providers_support_its_protocols(engine: Engine, protocol: str, provider: str) -> None:
    with Client(**options(engine.url, protocol, provider)) as client:
        assert client.chat(QUESTION).content == ANSWER


@pytest.mark.parametrize("streamed", [False, True])
def test_a_call_of_another_tool_than_the_chosen_one_is_invalid(engine: Engine, protocol: str, streamed: bool) -> None:
    """The engine ignores the name; the toy model calls one tool only."""
    other = {"type": "function", "function": {**WEATHER_TOOL["function"], "name": "get_time"}}
    question = {"tools": [WEATHER_TOOL, other], "tool_choice": "get_time", "answer_retries": 0}
    with Client(**options(engine.url, protocol)) as client:
        if streamed:
            *_, end = client.stream(WEATHER_QUESTION, **question)
            reply = end.reply
        else:
            reply = client.chat(WEATHER_QUESTION, **question)
        assert "ignores the name 'get_time'" in str(client.preview(WEATHER_QUESTION, **question).notes)
    assert reply.tool_calls == ()
    assert {call.error for call in reply.invalid_tool_calls} == {"the request allows a call of get_time only"}


def test_a_single_chosen_tool_is_called(engine: Engine, protocol: str) -> None:
    other = {"type": "function", "function": {**WEATHER_TOOL["function"], "name": "get_time"}}
    with Client(**options(engine.url, protocol)) as client:
        reply = client.chat(WEATHER_QUESTION, tools=[other], tool_choice="get_time")
    assert {call.name for call in reply.tool_calls} == {"get_time"}
