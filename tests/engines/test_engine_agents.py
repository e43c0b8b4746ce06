"""Agents of both frameworks on a real engine: think, call two tools at once, read the results, answer."""

from __future__ import annotations

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, ToolMessage
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.tools import FunctionTool

from tests.engines.conftest import Engine
from tests.engines.engine import WEATHER_ANSWER, WEATHER_QUESTION, WEATHER_THOUGHT

DEGREES = {"Paris": "18 degrees", "Rome": "24 degrees"}


def get_weather(city: str) -> str:
    """The weather in a city just now."""
    return DEGREES[city]


@pytest.mark.parametrize("streaming", [False, True])
async def test_a_langchain_agent(engine: Engine, protocol: str, streaming: bool) -> None:
    agent = create_agent(engine.model("langchain", protocol, streaming=streaming).model, [get_weather])
    state = await agent.ainvoke({"messages": [("user", WEATHER_QUESTION)]}, {"recursion_limit": 8})
    _, calling, *results, answer = state["messages"]
    assert isinstance(calling, AIMessage)
    assert calling.additional_kwargs["reasoning_content"] == WEATHER_THOUGHT
    assert [result.content for result in results if isinstance(result, ToolMessage)] == list(DEGREES.values())
    assert answer.text == WEATHER_ANSWER


def test_a_langchain_agent_without_asyncio(engine: Engine, protocol: str) -> None:
    agent = create_agent(engine.model("langchain", protocol).model, [get_weather])
    state = agent.invoke({"messages": [("user", WEATHER_QUESTION)]}, {"recursion_limit": 8})
    assert state["messages"][-1].text == WEATHER_ANSWER


@pytest.mark.parametrize("streaming", [False, True])
async def test_a_llama_index_agent(engine: Engine, protocol: str, streaming: bool) -> None:
    # the toy was trained on this description alone, without the signature that LlamaIndex puts before it
    tool = FunctionTool.from_defaults(get_weather, description="The weather in a city just now.")
    agent = FunctionAgent(llm=engine.model("llama_index", protocol).model, tools=[tool], streaming=streaming)
    output = await agent.run(WEATHER_QUESTION)
    # LlamaIndex runs the tools at the same time, and lists their results in the order in which they end
    assert {call.tool_kwargs["city"]: str(call.tool_output) for call in output.tool_calls} == DEGREES
    assert str(output) == WEATHER_ANSWER
