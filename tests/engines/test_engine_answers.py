"""Whole and streamed answers of a real engine, with parallel tools and over several turns."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import HumanMessage
from llama_index.core.base.llms.types import ChatMessage

from deepseek_v4 import Client
from tests.engines.answers import Answer
from tests.engines.conftest import Engine
from tests.engines.engine import ANSWER, QUESTION, THOUGHT, WEATHER_QUESTION, WEATHER_THOUGHT, WEATHER_TOOL, options

PLAIN = Answer(ANSWER, THOUGHT, usage=(10, 30))
CALLS = (("get_weather", {"city": "Paris"}), ("get_weather", {"city": "Rome"}))


async def test_an_answer_with_its_reasoning(engine: Engine, framework: str, protocol: str, way: str) -> None:
    assert await engine.model(framework, protocol).ask(way, QUESTION) == PLAIN


async def test_parallel_tool_calls(engine: Engine, framework: str, protocol: str, way: str) -> None:
    answer = await engine.model(framework, protocol).ask(way, WEATHER_QUESTION, tools=[WEATHER_TOOL])
    assert answer == Answer("", WEATHER_THOUGHT, CALLS, finish_reason="tool_calls", usage=(294, 95))
    assert len(set(answer.ids)) == 2


@pytest.mark.parametrize("protocol", ["chat_completions", "responses"])
async def test_thinking_switched_off(engine: Engine, framework: str, protocol: str) -> None:
    answer = await engine.model(framework, protocol).ask("whole", QUESTION, thinking=False)
    assert answer == Answer(ANSWER, usage=(10, 17))


@pytest.mark.parametrize(
    "protocol",
    [
        "chat_completions",
        pytest.param(
            "responses",
            marks=pytest.mark.xfail(
                strict=True,
                reason='llama.cpp accepts past assistant items only with "type": "message", which is left out here',
            ),
        ),
        "messages",
    ],
)
async def test_the_next_turn_of_a_chat(engine: Engine, framework: str, protocol: str) -> None:
    wrapped = engine.model(framework, protocol)
    question: Any = HumanMessage(QUESTION) if framework == "langchain" else ChatMessage(role="user", content=QUESTION)
    model = wrapped.model
    first = model.invoke([question]) if framework == "langchain" else model.chat([question]).message
    answer = await wrapped.ask("whole", [question, first, question])
    assert (answer.text, answer.reasoning) == (ANSWER, THOUGHT)


def test_the_models_it_serves(engine: Engine, framework: str) -> None:
    assert [each.id for each in engine.model(framework, "chat_completions").model.list_models()] == ["v4tiny"]


@pytest.mark.parametrize("protocol", ["responses", "messages"])
@pytest.mark.xfail(strict=True, reason="provider='vllm' serves chat_completions only; self-hosted support is to come")
def test_a_provider_known_by_name_serves_the_protocol(engine: Engine, protocol: str) -> None:
    with Client(**options(engine.url, protocol) | {"provider": "vllm"}) as client:
        assert client.chat(QUESTION).content == ANSWER
