"""Equal requests have equal responses: recordings of the local server can be repeated."""

from __future__ import annotations

from deepseek_v4.testing import LocalServer, ToolCall, Turn
from tests.unit.testing.calls import Caller, tool


def test_two_servers_answer_equally() -> None:
    answers = []
    for _ in range(2):
        with LocalServer() as server:
            caller = Caller(server)
            response = caller.chat("What is the weather in Paris?", tools=[tool("get_weather", {"city": {}})])
            stream = caller.chat("Hello", stream=True)
            answers.append((response.content, response.headers["x-ds-trace-id"], stream.content))
    assert answers[0] == answers[1]


def test_another_request_gets_other_ids(caller: Caller) -> None:
    assert caller.chat("a").json()["id"] != caller.chat("b").json()["id"]


def test_a_streamed_answer_has_the_ids_of_the_complete_one(caller: Caller) -> None:
    caller.server.script(*[Turn(tool_calls=[ToolCall("w")])] * 2)
    complete = caller.chat().json()
    chunks = caller.stream(stream_options={"include_usage": True})
    assert chunks[0]["id"] == complete["id"]
    assert chunks[0]["created"] == complete["created"]
    streamed_id = chunks[1]["choices"][0]["delta"]["tool_calls"][0]["id"]
    assert streamed_id == complete["choices"][0]["message"]["tool_calls"][0]["id"]
    assert chunks[-2]["usage"] == complete["usage"]


def test_ids_can_differ_for_repeated_requests() -> None:
    with LocalServer(unique_ids=True) as server:
        caller = Caller(server)
        assert caller.chat().json()["id"] != caller.chat().json()["id"]
