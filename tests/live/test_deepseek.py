"""Answers, tools and the calls that settle doubts (docs/doubts.md) with DeepSeek's API. Needs DEEPSEEK_API_KEY.

DEEPSEEK_API_KEY=… python -m pytest tests/live -m live
"""

from __future__ import annotations

import os

import pytest

from deepseek_v4 import Client, Message, Reasoning, StreamEnd, ToolCall, ToolSpec

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(not os.environ.get("DEEPSEEK_API_KEY"), reason="needs DEEPSEEK_API_KEY: costs a few cents"),
]

WEATHER = ToolSpec(
    "get_weather",
    "The weather in a city.",
    {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)


@pytest.fixture
def client() -> Client:
    return Client(reasoning_effort="low", max_tokens=2000)


def test_reasoning_is_returned_complete_and_streamed(client: Client) -> None:
    reply = client.chat("What is 17 * 23?")
    assert "391" in reply.content
    assert reply.reasoning is not None
    deltas = list(client.stream("What is 17 * 23?"))
    assert isinstance(deltas[-1], StreamEnd)
    assert "391" in deltas[-1].reply.content
    assert deltas[-1].reply.usage is not None


def test_a_tool_loop_ends_with_an_answer(client: Client) -> None:
    question = Message.user("What is the weather in Paris and in Tokyo?")
    first = client.chat([question], tools=[WEATHER])
    assert first.tool_calls
    results = [Message.tool("18 °C", call.id) for call in first.tool_calls]
    assert client.chat([question, first.to_message(), *results], tools=[WEATHER]).content


def test_doubt_empty_reasoning_is_accepted_if_the_history_has_none(client: Client) -> None:
    call = ToolCall("call_1", "get_weather", '{"city": "Paris"}')
    history = [
        Message.user("Weather in Paris?"),
        Message("assistant", "", reasoning=Reasoning(""), tool_calls=(call,)),
        Message.tool("18 °C", "call_1"),
    ]
    for model in ("deepseek-flash", "deepseek-v4-pro"):
        assert client.chat(history, tools=[WEATHER], model=model).content


def test_doubt_forced_tools_work_by_default(client: Client) -> None:
    reply = client.chat("Weather in Paris?", tools=[WEATHER], tool_choice="get_weather")
    assert [call.name for call in reply.tool_calls] == ["get_weather"]
