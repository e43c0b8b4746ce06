"""The answers of the scripted model, and the check that every past turn is sent back unchanged."""

from __future__ import annotations

from typing import Any

from langchain_core.tools import tool

from deepseek_v4.testing import LocalServer, ToolCall, Turn
from tests.end_to_end.journeys.conversations import messages_of

WEATHER_AND_TIME = Turn(
    text="I look both up.",
    reasoning="The user wants weather and time.\n\nTwo calls, then. ☂",
    tool_calls=[
        ToolCall("get_weather", {"city": "Paris", "days": [1, 2]}, id="call_weather"),
        ToolCall("get_time", {"zone": "Europe/Paris"}, id="call_time"),
    ],
)
ONE_MORE = Turn(reasoning="", tool_calls=[ToolCall("get_weather", {"city": "Rome", "days": []}, id="call_rome")])
ANSWER = Turn(text="It rains in Paris, and it is noon.", reasoning="Now I can answer. 雨")
NEXT_ANSWER = Turn(text="Take an umbrella.", reasoning="Rain means umbrella.")
TURNS = (WEATHER_AND_TIME, ONE_MORE, ANSWER, NEXT_ANSWER)


@tool
def get_weather(city: str, days: list[int]) -> str:
    """The weather in a city."""
    return f"It rains in {city}."


@tool
def get_time(zone: str) -> str:
    """The time in a zone."""
    return "12:00"


TOOLS = [get_weather, get_time]


def passed_back(server: LocalServer, turns: tuple[Turn, ...] = TURNS) -> list[list[str]]:
    """Return the reasoning of the past assistant turns of each request; each must equal the one in the answer.

    A turn is identified by its text and the ids of its calls.
    """
    reasoning_of = {_key(turn.text, [call.id for call in turn.tool_calls]): turn.reasoning or "" for turn in turns}
    sent = []
    for request in server.requests:
        past = [message for message in messages_of(request) if message["role"] == "assistant"]
        for message in past:
            calls = [call["id"] for call in message.get("tool_calls", ())]
            assert message["reasoning_content"] == reasoning_of[_key(message["content"], calls)]
        sent.append([message["reasoning_content"] for message in past])
    return sent


def _key(text: str, calls: list[Any]) -> tuple[str, tuple[Any, ...]]:
    return text, tuple(calls)
