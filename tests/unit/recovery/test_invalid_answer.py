"""Complete answers without the required JSON or tool call are requested once more."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from deepseek_v4 import Client, Message, Reply, ServerTool, ToolSpec, errors
from deepseek_v4 import ToolCall as PastCall
from deepseek_v4.testing import Fault, LocalServer, ToolCall, Turn

SCHEMA = {"type": "object", "properties": {"age": {"type": "integer", "minimum": 0}}, "required": ["age"]}
FORMAT = {"type": "json_schema", "json_schema": {"name": "person", "schema": SCHEMA}}
LOOK_UP = ToolSpec("look.up", "Look someone up.", SCHEMA)
WAIT = ToolSpec("wait", "Wait.")
GOOD = Turn('{"age": 36}', reasoning="Right.")
EMPTY = Turn("", reasoning="Only thought.")
HOW = ["chat", "achat"]
PROTOCOLS = ["chat_completions", "responses", "messages"]


@pytest.fixture(scope="module")
def running() -> Iterator[LocalServer]:
    with LocalServer(passback="strict") as server:
        yield server


@pytest.fixture
def server(running: LocalServer) -> LocalServer:
    running.reset()
    return running


@pytest.fixture
def client(server: LocalServer) -> Iterator[Client]:
    with Client(api_key=server.api_key, base_url=server.base_url) as client:
        yield client


def ask(client: Client, how: str, messages: Any = "Who?", **options: Any) -> Reply:
    async def asynchronously() -> Reply:
        async with client:
            return await client.achat(messages, **options)

    return client.chat(messages, **options) if how == "chat" else asyncio.run(asynchronously())


def call(arguments: Any, name: str = "look_up") -> Turn:
    return Turn("", reasoning="I call.", tool_calls=[ToolCall(name, arguments, id="call_1")])


UNFIT = [
    ('{"age": -1}', "age: -1 is less than 0"),
    ("She is 36.", "not valid JSON"),
    ('```json\n{"age": 36}\n```', "not valid JSON"),  # agents read the text unchanged
    ("", "Your last answer was empty."),
]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize(("text", "error"), UNFIT)
def test_an_answer_that_does_not_fit_its_schema(
    client: Client, server: LocalServer, how: str, protocol: str, text: str, error: str
) -> None:
    server.script(Turn(text, reasoning="Hm."), GOOD)
    reply = ask(client, how, protocol=protocol, response_format=FORMAT)
    assert (reply.content, reply.reasoning.text) == (GOOD.text, "Right.")  # type: ignore[union-attr]
    assert [attempt.reason for attempt in reply.attempts] == ["invalid" if text else "empty"]
    assert [request.status for request in server.requests] == [200, 200]
    assert error in json.dumps(server.requests[1].body)
    assert len(reply.usage.extra["parts"]) == 2  # type: ignore[union-attr]


@pytest.mark.parametrize("how", HOW)
def test_the_usage_of_the_first_answer_is_known_if_the_second_request_fails(
    client: Client, server: LocalServer, how: str
) -> None:
    server.script(Turn("She is 36.", reasoning="Hm."))
    server.fault(Fault.silence(0))
    server.fault(Fault.status(503))
    with pytest.raises(errors.OverloadedError) as caught:
        ask(client, how, response_format=FORMAT, max_retries=0)
    partial = caught.value.partial
    assert partial is not None
    assert [attempt.reason for attempt in partial.attempts] == ["invalid"]
    assert partial.usage is not None
    assert partial.usage.output_tokens > 0


CALLS = [
    (call({"age": -1}), "age: -1 is less than 0"),
    (call({}), "age: required property is missing"),
    (call('{"age": '), "The call of look.up is invalid"),
    (call({}, "wait"), "wait is not an allowed tool. Call: look.up"),
    (Turn("She is 36.", reasoning="Hm."), "A tool call is required"),
    (EMPTY, "Your last answer was empty."),
]


@pytest.mark.parametrize("on_forced_tool", ["disable_thinking", "instruct"])
@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize(("turn", "error"), CALLS, ids=[error for _, error in CALLS])
def test_a_forced_call_that_is_missing_or_invalid(
    client: Client, server: LocalServer, how: str, protocol: str, turn: Turn, error: str, on_forced_tool: str
) -> None:
    server.script(turn, call({"age": 36}))
    forced = {"tools": [LOOK_UP, WAIT], "tool_choice": "look.up", "on_forced_tool": on_forced_tool}
    reply = ask(client, how, protocol=protocol, **forced)
    assert [(c.name, json.loads(c.arguments)) for c in reply.tool_calls] == [("look.up", {"age": 36})]
    assert [attempt.reason for attempt in reply.attempts] == ["invalid" if turn is not EMPTY else "empty"]
    assert [request.status for request in server.requests] == [200, 200]
    if protocol == "messages" and "is invalid" in error:  # its complete answers contain objects, not text
        error = "age: required property is missing"
    assert error in json.dumps(server.requests[1].body)


def test_any_call_is_accepted_if_none_is_named(client: Client, server: LocalServer) -> None:
    server.script(call({}, "wait"))
    reply = client.chat("Who?", tools=[LOOK_UP, WAIT], tool_choice="required")
    assert [c.name for c in reply.tool_calls] == ["wait"]
    assert len(server.requests) == 1


NOT_ASKED_AGAIN: list[tuple[Turn, dict[str, Any]]] = [
    (Turn("no"), {}),
    (Turn("no"), {"tools": [LOOK_UP]}),
    (call({"age": -1}), {"tools": [LOOK_UP]}),
    (call({"age": -1}), {"tools": [LOOK_UP], "response_format": FORMAT}),
    (Turn("no"), {"response_format": {"type": "json_object"}}),
    (Turn('{"age": 3', finish_reason="length"), {"response_format": FORMAT}),
    (Turn("no", finish_reason="content_filter"), {"response_format": FORMAT}),
    (Turn("no"), {"response_format": FORMAT, "answer_retries": 0}),
    (Turn("no"), {"tools": [LOOK_UP], "tool_choice": "required", "answer_retries": 0}),
    (GOOD, {"response_format": FORMAT}),
]


@pytest.mark.parametrize(("turn", "options"), NOT_ASKED_AGAIN)
def test_answers_that_are_not_requested_again(
    client: Client, server: LocalServer, turn: Turn, options: dict[str, Any]
) -> None:
    server.script(turn)
    reply = client.chat("Who? As JSON.", **options)
    assert reply.attempts == ()
    assert len(server.requests) == 1


def test_a_continued_message_is_not_checked_against_the_schema(client: Client, server: LocalServer) -> None:
    server.script(Turn("36}"))
    messages = [Message.user("Who? As JSON."), Message.assistant('{"age": ')]
    assert client.chat(messages, prefix=True, response_format=FORMAT).content == "36}"
    (request,) = server.requests
    assert "response_format" not in request.body
    assert "JSON Schema" in request.body["messages"][0]["content"]


def test_a_continued_message_has_no_json_mode(client: Client, server: LocalServer) -> None:
    server.script(Turn("36}"))
    messages = [Message.user("Who?"), Message.assistant('{"age": ')]
    assert client.chat(messages, prefix=True, response_format={"type": "json_object"}).content == "36}"
    assert "response_format" not in server.requests[0].body
    assert "JSON" in server.requests[0].body["messages"][0]["content"]


def test_the_last_answer_is_returned_unchanged(client: Client, server: LocalServer) -> None:
    server.script(Turn("no"), Turn("neither"))
    reply = client.chat("Who?", response_format=FORMAT)
    assert reply.content == "neither"
    assert "not valid JSON" in reply.attempts[0].detail


def test_answer_retries_may_be_more_than_one(client: Client, server: LocalServer) -> None:
    server.script(Turn("no"), EMPTY, Turn('{"age": -1}'), GOOD)
    assert client.chat("Who?", response_format=FORMAT, answer_retries=3).content == GOOD.text
    assert len(server.requests) == 4


@pytest.mark.parametrize("first", [EMPTY, Turn("no")])
def test_an_empty_last_answer_is_an_error_with_all_tokens(client: Client, server: LocalServer, first: Turn) -> None:
    server.script(first, EMPTY)
    with pytest.raises(errors.EmptyReplyError) as caught:
        client.chat("Who?", response_format=FORMAT)
    assert ("twice" in str(caught.value)) == (first is EMPTY)
    assert len(caught.value.partial.usage.extra["parts"]) == 2  # type: ignore[union-attr]
    assert len(server.requests) == 2


def test_on_empty_applies_to_invalid_answers(client: Client, server: LocalServer) -> None:
    server.script(EMPTY)
    with pytest.raises(errors.EmptyReplyError):
        client.chat("Who?", response_format=FORMAT, on_empty="raise")
    server.script(EMPTY, EMPTY)
    assert client.chat("Who?", response_format=FORMAT, on_empty="return").content == ""
    assert len(server.requests) == 3


def test_total_timeout_applies_to_both_requests(client: Client, server: LocalServer) -> None:
    server.fault(Fault.silence(0.5), times=2)
    server.script(Turn("no"), GOOD)
    with pytest.raises(errors.TimeoutError):
        client.chat("Who?", response_format=FORMAT, total_timeout=0.8, max_retries=0)


def test_the_correction_is_appended_to_the_prompt(client: Client, server: LocalServer) -> None:
    server.script(Turn("no", reasoning="Hm."), GOOD)
    client.chat("Who?", response_format=FORMAT)
    first, second = (request.body for request in server.requests)
    assert second["messages"][: len(first["messages"])] == first["messages"]
    assert {k: v for k, v in first.items() if k != "messages"} == {k: v for k, v in second.items() if k != "messages"}
    assert second["messages"][-2] == {"role": "assistant", "content": "no", "reasoning_content": "Hm."}


@pytest.mark.parametrize("how", HOW)
def test_a_call_with_an_id_of_an_earlier_turn_is_requested_again(client: Client, server: LocalServer, how: str) -> None:
    server.script(call({"age": -1}), call({"age": 36}))
    past = Message("assistant", tool_calls=(PastCall("call_1", "look.up", '{"age": 1}'),))
    history = [Message.user("Who?"), past, Message.tool("No one.", "call_1"), Message.user("Again.")]
    reply = ask(client, how, history, tools=[LOOK_UP], tool_choice="required")
    assert [json.loads(one.arguments) for one in reply.tool_calls] == [{"age": 36}]
    assert [request.status for request in server.requests] == [200, 200]


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("functions", [(), (WAIT,)], ids=["alone", "with a function"])
def test_the_answer_of_a_server_tool_is_not_a_missing_call(how: str, functions: tuple[ToolSpec, ...]) -> None:
    tools = [ServerTool({"type": "openrouter:web_search"}), *functions]
    with LocalServer(provider="openrouter") as server:
        server.script(Turn("It is on the web."))
        client = Client(provider="openrouter", api_key=server.api_key, base_url=server.base_url)
        assert ask(client, how, tools=tools, tool_choice="required").content == "It is on the web."
        assert len(server.requests) == 1
        client.close()
