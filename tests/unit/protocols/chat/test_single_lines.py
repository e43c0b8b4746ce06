"""Calls and reasoning in answers of Chat Completions: behaviour of one line each, found by ``make mutants``."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from deepseek_v4 import (
    Client,
    NamedTool,
    Reply,
    StreamEnd,
    ToolSpec,
    fold,
    openai_compatible,
)
from tests.unit.mock_http import COMPLETION, client
from tests.unit.recovery.chat_bytes import event

F = ToolSpec("f", "A tool.", {"type": "object", "properties": {"x": {"type": "integer"}}})
G = ToolSpec("g", "Another.", {"type": "object", "properties": {"y": {"type": "integer"}}})


def streamed(*deltas: dict[str, Any], **options: Any) -> Reply:
    """Return the reply of a chat stream with these deltas."""
    events = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    events.append({"index": 0, "delta": {}, "finish_reason": "tool_calls"})
    lines = [b"data: " + json.dumps({"id": "1", "model": "m", "choices": [event]}).encode() for event in events]
    body = b"\n\n".join([*lines, b"data: [DONE]", b""])
    headers = {"content-type": "text/event-stream"}
    with client(lambda _: httpx.Response(200, headers=headers, content=body), **options) as one:
        return fold(one.stream("Hi", tools=[F, G]))


Fragment = tuple[Any, str | None, str | None, str]
X, ONE, Y, TWO = '{"x":', "1}", '{"y":', "2}"
BOTH = [("f", '{"x":1}'), ("g", '{"y":2}')]


def calls_of(*fragments: Fragment) -> list[tuple[str, str]]:
    deltas = []
    for index, call_id, name, arguments in fragments:
        call = {"index": index, "id": call_id, "function": {"name": name, "arguments": arguments}}
        deltas.append({"tool_calls": [{key: value for key, value in call.items() if value is not None}]})
    return [(call.name, call.arguments) for call in streamed(*deltas).tool_calls]


TWO_CALLS: dict[str, list[Fragment]] = {
    "a new id without a name, after a call with an id": [(0, "a", "f", X + ONE), (0, "b", None, Y), (0, "b", "g", TWO)],
    "a first id with another name, after a call without id": [(0, None, "f", X + ONE), (0, "b", "g", Y + TWO)],
    "one number, in turns, ids and names repeated": [
        (0, "a", "f", X),
        (0, "b", "g", Y),
        (0, "a", "f", ONE),
        (0, "b", "g", TWO),
    ],
    "no number, in turns, ids and names repeated": [
        (None, "a", "f", X),
        (None, "b", "g", Y),
        (None, "a", "f", ONE),
        (None, "b", "g", TWO),
    ],
    "a new number and a known id without a name": [(0, "a", "f", X), (3, "a", None, ONE), (1, "b", "g", Y + TWO)],
    "one id under two numbers, both named": [(0, "a", "f", X + ONE), (1, "a", "g", Y), (1, "a", None, TWO)],
}


@pytest.mark.parametrize("fragments", TWO_CALLS.values(), ids=TWO_CALLS)
def test_two_calls_are_neither_joined_nor_split(fragments: list[Fragment]) -> None:
    assert calls_of(*fragments) == BOTH


def test_a_late_first_id_belongs_to_the_open_call() -> None:
    assert calls_of((0, None, "f", X), (0, "a", None, ONE), (1, "b", "g", Y + TWO)) == BOTH


def records_of(*fragments: dict[str, Any]) -> Any:
    deltas = [{"reasoning_details": [{"type": "reasoning.text", **fragment}]} for fragment in fragments]
    reply = streamed(*deltas, {"content": "Hi"}, provider="openrouter", model="deepseek/deepseek-v4-flash")
    assert reply.reasoning is not None
    return [(record.get("id"), record["text"]) for record in reply.reasoning.details or ()]


RECORDS: dict[str, tuple[list[dict[str, Any]], list[tuple[str | None, str]]]] = {
    "another id under one index is another record": (
        [{"index": 0, "id": "r1", "text": "a"}, {"index": 0, "id": "r2", "text": "b"}],
        [("r1", "a"), ("r2", "b")],
    ),
    "an id that comes late, under one index, is the record's": (
        [{"index": 0, "text": "a"}, {"index": 0, "id": "r1", "text": "b"}],
        [("r1", "ab")],
    ),
    "an id that comes late, without an index, begins a record": (
        [{"text": "a"}, {"id": "r1", "text": "b"}],
        [(None, "a"), ("r1", "b")],
    ),
    "the same id goes on": (
        [{"index": 0, "id": "r1", "text": "a"}, {"index": 0, "id": "r1", "text": "b"}, {"index": 0, "text": "c"}],
        [("r1", "abc")],
    ),
    "the same id goes on without an index": ([{"id": "r1", "text": "a"}, {"id": "r1", "text": "b"}], [("r1", "ab")]),
}


@pytest.mark.parametrize(("fragments", "records"), RECORDS.values(), ids=RECORDS)
def test_records_of_reasoning_are_neither_joined_nor_split(fragments: Any, records: Any) -> None:
    assert records_of(*fragments) == records


RECORD = {"type": "reasoning.text", "text": "Easy."}


@pytest.mark.parametrize(
    ("message", "details"),
    [({"content": "<think>Easy.</think>Hi"}, None), ({"content": "Hi", "reasoning_details": [RECORD]}, (RECORD,))],
    ids=["in tags", "as a record"],
)
def test_the_reasoning_of_a_complete_answer_is_read(message: dict[str, Any], details: Any) -> None:
    host = openai_compatible("mine", "https://llm.example.com/v1", think_tags=True)
    body = {**COMPLETION, "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    with client(lambda _: httpx.Response(200, json=body), provider=host, model="m") as one:
        reply = one.chat("Hi")
    assert reply.content == "Hi"
    assert reply.reasoning is not None
    assert (reply.reasoning.text, reply.reasoning.details) == ("Easy.", details)


@pytest.mark.parametrize("call", [{"id": "c"}, {"id": "c", "function": None}])
def test_a_call_without_a_function_is_invalid_and_the_answer_is_returned(call: dict[str, Any]) -> None:
    message = {"content": "Hi", "tool_calls": [call]}
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    answer = httpx.Response(200, json={"id": "1", "model": "m", "choices": [choice]})
    with httpx.Client(transport=httpx.MockTransport(lambda _: answer)) as http:
        reply = Client(api_key="sk-test", http_client=http).chat("Hi")
    assert (reply.content, reply.tool_calls) == ("Hi", ())


def test_the_error_of_a_call_that_is_not_allowed_names_the_allowed_one() -> None:
    host = Client(provider="llamacpp", base_url="http://localhost:1/v1")
    request = host.prepare("Hi", {"tools": [F], "tool_choice": NamedTool("f"), "thinking": False}, stream=True)
    answer = request.protocol.stream(request.context)
    answer.feed(event({"tool_calls": [{"index": 0, "id": "1", "function": {"name": "g", "arguments": "{}"}}]}))
    answer.feed(event({}, "tool_calls"))
    [*_, end] = answer.feed(b"data: [DONE]\n\n")
    assert isinstance(end, StreamEnd)
    assert [call.error for call in end.reply.invalid_tool_calls] == ["the request allows a call of f only"]
