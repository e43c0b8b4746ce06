"""Behaviour that hangs on one line each: retries, pieces of calls and records, histories, typed answers, limits."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from deepseek_v4 import Client, Message, OptionSpec, Reply, ToolCall, ToolSpec, errors, fold, openai_compatible

Handler = Callable[[httpx.Request], httpx.Response]
COMPLETION = {"id": "1", "model": "m", "choices": [{"index": 0, "message": {"content": "Hi"}, "finish_reason": "stop"}]}
F = ToolSpec("f", "A tool.", {"type": "object", "properties": {"x": {"type": "integer"}}})
G = ToolSpec("g", "Another.", {"type": "object", "properties": {"y": {"type": "integer"}}})


def client(handler: Handler, **options: Any) -> Client:
    http = httpx.Client(transport=httpx.MockTransport(handler))
    return Client(**{"api_key": "sk-test", "http_client": http, **options})


def streamed(*deltas: dict[str, Any], **options: Any) -> Reply:
    """The reply of a chat stream that sends these deltas."""
    events = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    events.append({"index": 0, "delta": {}, "finish_reason": "tool_calls"})
    lines = [b"data: " + json.dumps({"id": "1", "model": "m", "choices": [event]}).encode() for event in events]
    body = b"\n\n".join([*lines, b"data: [DONE]", b""])
    headers = {"content-type": "text/event-stream"}
    with client(lambda _: httpx.Response(200, headers=headers, content=body), **options) as one:
        return fold(one.stream("Hi", tools=[F, G]))


# -- retries and time limits -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("asked", "error"), [("60", errors.TimeoutError), ("60.5", errors.RateLimitError)])
def test_a_wait_of_exactly_a_minute_is_kept_and_a_longer_one_is_not(asked: str, error: type[Exception]) -> None:
    """A wait that is kept outlasts the total limit, which is a TimeoutError; one that is not ends with the answer."""

    def busy(request: httpx.Request) -> httpx.Response:
        return httpx.Response(429, headers={"retry-after": asked}, json={"error": {"message": "slow down"}})

    with client(busy, total_timeout=30) as one, pytest.raises(error):
        one.chat("Hi")


def test_what_is_left_of_the_total_limit_is_never_below_a_millisecond_nor_above_what_is_left() -> None:
    """A limit of zero or less is an error or "for ever" to an HTTP client."""
    seen: list[float] = []

    def slow(request: httpx.Request) -> httpx.Response:
        seen.append(request.extensions["timeout"].get("read"))
        time.sleep(0.55)
        seen.append(request.extensions["timeout"].get("read"))
        return httpx.Response(200, json=COMPLETION)

    with client(slow, total_timeout=0.5) as one:
        one.chat("Hi")
    assert 0.001 < seen[0] <= 0.5
    assert seen[1] == 0.001


# -- tool calls from their pieces ------------------------------------------------------------------------------------

Piece = tuple[Any, str | None, str | None, str]
X, ONE, Y, TWO = '{"x":', "1}", '{"y":', "2}"
BOTH = [("f", '{"x":1}'), ("g", '{"y":2}')]


def calls_of(*pieces: Piece) -> list[tuple[str, str]]:
    deltas = []
    for index, call_id, name, arguments in pieces:
        call = {"index": index, "id": call_id, "function": {"name": name, "arguments": arguments}}
        deltas.append({"tool_calls": [{key: value for key, value in call.items() if value is not None}]})
    return [(call.name, call.arguments) for call in streamed(*deltas).tool_calls]


TWO_CALLS: dict[str, list[Piece]] = {
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


@pytest.mark.parametrize("pieces", TWO_CALLS.values(), ids=TWO_CALLS)
def test_two_calls_are_neither_joined_nor_split(pieces: list[Piece]) -> None:
    assert calls_of(*pieces) == BOTH


def test_a_first_id_that_comes_late_belongs_to_the_call_that_is_open() -> None:
    assert calls_of((0, None, "f", X), (0, "a", None, ONE), (1, "b", "g", Y + TWO)) == BOTH


# -- records of reasoning from their fragments -----------------------------------------------------------------------


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


# -- histories -------------------------------------------------------------------------------------------------------

USER = Message.user("Hi")


def called(*ids: str) -> Message:
    return Message("assistant", "", tool_calls=tuple(ToolCall(one, "f", "{}") for one in ids))


def sent(*messages: Message) -> list[tuple[Any, ...]]:
    """Role, text or ids of calls, and the id that is answered, of each message that would be sent."""
    body = Client(api_key="sk-test").preview(messages, tools=[F]).body
    return [
        (one["role"], [call["id"] for call in one.get("tool_calls", ())] or one["content"], one.get("tool_call_id"))
        for one in body["messages"]
    ]


@pytest.mark.filterwarnings("ignore::deepseek_v4.errors.HistoryRepairedWarning")
def test_an_empty_call_id_is_replaced_in_the_call_and_in_its_result() -> None:
    _, (_, [call_id], _), (_, text, answered) = sent(USER, called(""), Message.tool("18 °C", ""))
    assert call_id
    assert (text, answered) == ("18 °C", call_id)


@pytest.mark.filterwarnings("ignore::deepseek_v4.errors.HistoryRepairedWarning")
def test_the_late_result_of_an_id_used_twice_answers_the_second_call() -> None:
    messages = sent(
        USER,
        called("a"),
        Message.tool("first", "a"),
        called("a"),
        Message.assistant("One moment."),
        Message.tool("second", "a"),
    )
    assert messages[1:] == [
        ("assistant", ["a"], None),
        ("tool", "first", "a"),
        ("assistant", ["a_2"], None),
        ("tool", "second", "a_2"),
        ("assistant", "One moment.", None),
    ]


@pytest.mark.filterwarnings("ignore::deepseek_v4.errors.HistoryRepairedWarning")
def test_a_second_result_that_comes_late_does_not_replace_the_first() -> None:
    messages = sent(
        USER, called("a"), Message.tool("first", "a"), Message.assistant("Done."), Message.tool("second", "a"), USER
    )
    assert [text for role, text, _ in messages if role == "tool"] == ["first"]


# -- typed answers ---------------------------------------------------------------------------------------------------

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def typed(schema: dict[str, Any], **options: Any) -> Any:
    wanted = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
    return Client(api_key="sk-test").preview("Hi", response_format=wanted, **options).body


def test_tools_that_must_not_be_called_leave_json_mode_on() -> None:
    body = typed(SCHEMA, tools=[F], tool_choice="none")
    assert body["response_format"] == {"type": "json_object"}
    assert "tools" not in body["messages"][0]["content"].lower()


@pytest.mark.parametrize("choice", ["auto", None])
def test_tools_that_may_be_called_are_named_in_the_prompt_and_json_mode_is_off(choice: str | None) -> None:
    body = typed(SCHEMA, tools=[F], tool_choice=choice)
    assert "response_format" not in body
    assert "tools" in body["messages"][0]["content"].lower()


@pytest.mark.parametrize("kind", [{"type": ["object", "null"]}, {"type": "object"}, {"anyOf": [SCHEMA, SCHEMA]}])
def test_json_mode_holds_for_every_schema_that_allows_objects(kind: dict[str, Any]) -> None:
    assert typed({"properties": {}, **kind})["response_format"] == {"type": "json_object"}


@pytest.mark.parametrize("kind", ["array", "string", ["array", "null"]])
def test_json_mode_is_off_for_a_schema_without_objects(kind: Any) -> None:
    assert "response_format" not in typed({"type": kind})


# -- streams that are resumed ----------------------------------------------------------------------------------------


class _LateEnd(httpx.SyncByteStream):
    """A chat stream that sends a word, and ends only after the total limit: cut off, or for length."""

    def __init__(self, finish_reason: str | None) -> None:
        self.finish_reason = finish_reason

    def __iter__(self) -> Iterator[bytes]:
        yield self._event({"content": "Hello"}, None)
        time.sleep(0.6)
        if self.finish_reason is None:
            raise httpx.ReadError("reset by peer")
        yield self._event({}, self.finish_reason) + b"data: [DONE]\n\n"

    def _event(self, delta: dict[str, Any], finish_reason: str | None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        return b"data: " + json.dumps({"id": "1", "model": "m", "choices": [choice]}).encode() + b"\n\n"


@pytest.mark.parametrize("finish_reason", ["length", None])
def test_a_stream_is_not_resumed_once_the_total_limit_is_used_up(finish_reason: str | None) -> None:
    requests = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        headers = {"content-type": "text/event-stream"}
        return httpx.Response(200, headers=headers, stream=_LateEnd(finish_reason))

    with client(answer, total_timeout=0.5, resume_streams=True) as one:
        if finish_reason is None:
            with pytest.raises(errors.TimeoutError) as caught:
                fold(one.stream("Hi"))
            assert caught.value.partial is not None
            assert caught.value.partial.content == "Hello"
        else:
            assert fold(one.stream("Hi")).finish_reason == "length"
    assert len(requests) == 1


# -- small endpoints -------------------------------------------------------------------------------------------------


def test_a_currency_without_an_amount_is_left_out_of_the_balance() -> None:
    dollars = {"currency": "USD", "total_balance": "1.50", "granted_balance": "0.50", "topped_up_balance": "1.00"}
    infos = [dollars, {"currency": "CNY", "total_balance": None}]
    body = {"is_available": True, "balance_infos": infos}
    with client(lambda _: httpx.Response(200, json=body)) as one:
        [amount] = one.balance().amounts
    assert (amount.currency, str(amount.total)) == ("USD", "1.50")
    assert (str(amount.granted), str(amount.topped_up)) == ("0.50", "1.00")


RECORD = {"type": "reasoning.text", "text": "Easy."}


@pytest.mark.parametrize(
    ("message", "details"),
    [({"content": "<think>Easy.</think>Hi"}, None), ({"content": "Hi", "reasoning_details": [RECORD]}, (RECORD,))],
    ids=["in tags", "as a record"],
)
def test_the_reasoning_of_a_whole_answer_is_read(message: dict[str, Any], details: Any) -> None:
    host = openai_compatible("mine", "https://llm.example.com/v1", think_tags=True)
    body = {**COMPLETION, "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    with client(lambda _: httpx.Response(200, json=body), provider=host, model="m") as one:
        reply = one.chat("Hi")
    assert reply.content == "Hi"
    assert reply.reasoning is not None
    assert (reply.reasoning.text, reply.reasoning.details) == ("Easy.", details)


def test_a_thinking_budget_that_is_lowered_is_noted() -> None:
    host = openai_compatible(
        "mine",
        "https://llm.example.com/v1",
        thinking_on={"think": True},
        budget=OptionSpec("budget", 1, 1000, clamp=True),
    )
    shown = Client(provider=host, model="m", thinking_budget=2000, on_unsupported="ignore").preview("Hi")
    assert shown.body["budget"] == 1000
    assert [note.kind for note in shown.notes if note.option == "thinking_budget"] == ["clamped"]
