"""Answers that a real engine truncates at ``max_tokens``: in the text, in the reasoning, in the arguments of a call."""

from __future__ import annotations

import pytest

from tests.engines.answers import Answer
from tests.engines.conftest import Engine
from tests.engines.engine import QUESTION, THOUGHT, WEATHER_QUESTION, WEATHER_THOUGHT, WEATHER_TOOL

PARIS = ("get_weather", {"city": "Paris"})
CUTS = {
    "text": (20, Answer("The answer is 391. It was", THOUGHT, finish_reason="length", usage=(10, 20))),
    "reasoning": (5, Answer("", "17 * 23 = 391", finish_reason="length", usage=(10, 5))),
    "arguments": (40, Answer("", WEATHER_THOUGHT, (), ("get_weather",), "length", (294, 40))),
    "the second call's arguments": (70, Answer("", WEATHER_THOUGHT, (PARIS,), ("get_weather",), "length", (294, 70))),
}


@pytest.mark.parametrize("place", CUTS)
@pytest.mark.parametrize("way", ["complete", "async streamed"])
async def test_a_truncated_answer(engine: Engine, framework: str, place: str, protocol: str, way: str) -> None:
    limit, expected = CUTS[place]
    question, more = (QUESTION, {}) if expected.reasoning in THOUGHT else (WEATHER_QUESTION, {"tools": [WEATHER_TOOL]})
    assert await engine.model(framework, protocol).call(way, question, max_tokens=limit, **more) == expected


@pytest.mark.parametrize("place", ["arguments", "the second call's arguments"])
@pytest.mark.parametrize("way", ["complete", "streamed"])
async def test_a_truncated_call_is_invalid_even_if_the_answer_is_reported_as_completed(
    engine: Engine, framework: str, place: str, way: str
) -> None:
    limit, expected = CUTS[place]
    model = engine.model(framework, "responses")
    answer = await model.call(way, WEATHER_QUESTION, max_tokens=limit, tools=[WEATHER_TOOL])
    assert (answer.calls, answer.invalid_calls) == (expected.calls, expected.invalid_calls)
