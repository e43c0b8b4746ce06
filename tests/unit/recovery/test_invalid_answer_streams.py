"""Streams with tools whose prompt requires JSON: the text is checked before it is shown."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from deepseek_v4 import Client, Delta, ReasoningDelta, StreamEnd, TextDelta, ToolCallDelta, ToolSpec, errors
from deepseek_v4.testing import Fault, LocalServer, ToolCall, Turn

SCHEMA = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}
FORMAT = {"type": "json_schema", "json_schema": {"name": "person", "schema": SCHEMA}}
REQUESTED: dict[str, Any] = {"tools": [ToolSpec("look_up", "Look up.")], "response_format": FORMAT}
BAD = Turn("```json\n{}\n```", reasoning="First.")
GOOD = Turn('{"age": 36}', reasoning="Then.", chunk_size=2)
LOOK = Turn("I look.", reasoning="Hm.", tool_calls=[ToolCall("look_up", {})])
HOW = ["stream", "astream"]


@pytest.fixture
def server() -> Iterator[LocalServer]:
    with LocalServer(passback="strict") as running:
        yield running


@pytest.fixture
def client(server: LocalServer) -> Iterator[Client]:
    with Client(api_key=server.api_key, base_url=server.base_url, max_retries=0) as client:
        yield client


def deltas_of(client: Client, how: str, **options: Any) -> list[Delta]:
    async def asynchronously() -> list[Delta]:
        async with client:
            return [delta async for delta in await client.astream("Who?", **options)]

    return list(client.stream("Who?", **options)) if how == "stream" else asyncio.run(asynchronously())


def text_of(deltas: list[Delta]) -> str:
    return "".join(delta.text for delta in deltas if isinstance(delta, TextDelta))


@pytest.mark.parametrize("protocol", ["chat_completions", "messages"])
@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("bad", [BAD, Turn("", reasoning="First.")], ids=["unfit", "empty"])
def test_only_the_second_answer_is_shown(
    client: Client, server: LocalServer, how: str, bad: Turn, protocol: str
) -> None:
    server.script(bad, GOOD)
    *deltas, end = deltas_of(client, how, protocol=protocol, **REQUESTED)
    assert text_of(deltas) == GOOD.text
    thought = "".join(delta.text for delta in deltas if isinstance(delta, ReasoningDelta))
    assert thought == "First.Then."
    assert isinstance(end, StreamEnd)
    assert (end.reply.content, end.reply.reasoning.text) == (GOOD.text, thought)  # type: ignore[union-attr]
    assert [attempt.reason for attempt in end.reply.attempts] == ["invalid" if bad is BAD else "empty"]
    assert len(end.reply.usage.extra["parts"]) == 2  # type: ignore[union-attr]
    assert [request.status for request in server.requests] == [200, 200]


@pytest.mark.parametrize("how", HOW)
def test_a_turn_with_calls_streams_without_delay(client: Client, server: LocalServer, how: str) -> None:
    server.script(LOOK)
    deltas = deltas_of(client, how, **REQUESTED)
    kinds = list(dict.fromkeys(type(delta) for delta in deltas))
    assert kinds == [ReasoningDelta, TextDelta, ToolCallDelta, StreamEnd]
    assert text_of(deltas) == "I look."
    assert len(server.requests) == 1


@pytest.mark.parametrize("how", HOW)
def test_the_last_answer_is_returned_unchanged(client: Client, server: LocalServer, how: str) -> None:
    server.script(BAD, BAD)
    deltas = deltas_of(client, how, **REQUESTED)
    assert text_of(deltas) == BAD.text
    assert len(server.requests) == 2


def test_other_streams_are_not_delayed(client: Client, server: LocalServer) -> None:
    for options in ({"response_format": FORMAT}, {"tools": REQUESTED["tools"]}, {**REQUESTED, "answer_retries": 0}):
        server.reset()
        server.script(GOOD)
        server.fault(Fault.cut_stream(after_events=6))
        seen: list[Delta] = []
        with pytest.raises(errors.StreamInterruptedError):
            seen.extend(client.stream("Who?", **options))
        assert text_of(seen)


@pytest.mark.parametrize("how", HOW)
def test_a_call_requested_in_the_prompt(client: Client, server: LocalServer, how: str) -> None:
    server.script(Turn("I would rather talk.", reasoning="Hm."), LOOK)
    forced = {"tools": REQUESTED["tools"], "tool_choice": "required", "on_forced_tool": "instruct"}
    deltas = deltas_of(client, how, **forced)
    assert text_of(deltas) == "I look."
    assert any(isinstance(delta, ToolCallDelta) for delta in deltas)
    assert len(server.requests) == 2


BREAKS = {
    "refused": (Fault.status(503), errors.OverloadedError, "First."),
    "cut": (Fault.cut_stream(after_events=5), errors.StreamInterruptedError, "First.Then."),
}


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("broken", BREAKS)
def test_an_error_of_the_second_answer_has_reasoning_and_tokens_of_the_first(
    client: Client, server: LocalServer, how: str, broken: str
) -> None:
    fault, kind, thought = BREAKS[broken]
    server.script(BAD, GOOD)
    given: list[Delta] = []

    def take(delta: Delta) -> None:
        if not given:
            server.fault(fault)
        given.append(delta)

    async def asynchronously() -> None:
        async with client:
            async for delta in await client.astream("Who?", **REQUESTED):
                take(delta)

    with pytest.raises(kind) as caught:
        if how == "stream":
            for delta in client.stream("Who?", **REQUESTED):
                take(delta)
        else:
            asyncio.run(asynchronously())
    partial = caught.value.partial
    assert partial is not None
    assert partial.reasoning is not None
    assert partial.usage is not None
    assert partial.reasoning.text == thought == "".join(d.text for d in given if isinstance(d, ReasoningDelta))
    assert [attempt.reason for attempt in partial.attempts] == ["invalid"]
