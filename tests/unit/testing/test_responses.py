"""POST /responses: the items of requests and answers, as DeepSeek has them."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx
import pytest

from deepseek_v4.testing import Fault, LocalServer, ToolCall, Turn
from tests.unit.testing.calls import Caller, named_events

UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather in a city",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
USER = {"role": "user", "content": "Hi"}
REASONING = {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "because"}]}
DONE = {"role": "assistant", "content": "done"}


def call(call_id: str, name: str = "get_weather") -> dict[str, Any]:
    return {"type": "function_call", "call_id": call_id, "name": name, "arguments": "{}"}


def output(call_id: str) -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": call_id, "output": "ok"}


def refused(response: httpx.Response, status: int = 400) -> str:
    assert response.status_code == status, response.text
    kind = "application/octet-stream" if status == 400 else "application/json"
    assert response.headers["content-type"] == kind
    return str(response.json()["error"]["message"])


# ---------------------------------------------------------------------- shapes


def test_a_complete_response(caller: Caller) -> None:
    caller.server.script(Turn(text="Hello", reasoning="A greeting."))
    response = caller.responses()
    body = response.json()
    assert response.headers["content-type"] == "application/json"
    assert re.fullmatch(UUID, body["id"])
    assert (body["object"], body["status"], body["store"], body["model"]) == (
        "response",
        "completed",
        False,
        "deepseek-flash",
    )
    reasoning, message = body["output"]
    assert reasoning["content"] == [{"type": "reasoning_text", "text": "A greeting."}]
    assert (reasoning["type"], reasoning["summary"], reasoning["encrypted_content"]) == (
        "reasoning",
        [],
        f"{body['id']}-0",
    )
    assert (message["type"], message["role"], message["phase"]) == ("message", "assistant", "final_answer")
    assert message["content"] == [{"type": "output_text", "annotations": [], "logprobs": [], "text": "Hello"}]
    assert len({reasoning["id"], message["id"], body["id"]}) == 3
    usage = body["usage"]
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
    assert usage["output_tokens_details"]["reasoning_tokens"] > 0


def test_requested_options_are_reported(caller: Caller) -> None:
    requested = {
        "instructions": "Be short.",
        "max_output_tokens": 100,
        "temperature": 0.5,
        "reasoning": {"effort": "max"},
        "text": {"format": {"type": "text"}},
        "tools": [WEATHER],
        "user": "me",
    }
    body = caller.responses(**requested).json()
    for name in ("instructions", "max_output_tokens", "temperature", "tools", "user"):
        assert body[name] == requested[name]
    assert body["reasoning"] == {"effort": "max", "summary": None}


def test_calls_are_items_with_two_ids(caller: Caller) -> None:
    caller.server.script(Turn(text="Looking.", tool_calls=[ToolCall("get_weather", {"city": "Paris"})] * 2))
    items = caller.responses(tools=[WEATHER]).json()["output"]
    assert [item["type"] for item in items] == ["reasoning", "message", "function_call", "function_call"]
    assert items[0]["content"] == []  # no reasoning, but the turn can be passed back
    assert items[1]["phase"] == "commentary"
    assert items[2]["arguments"] == '{"city": "Paris"}'
    assert [item["call_id"][:8] for item in items[2:]] == ["call_00_", "call_01_"]
    assert re.fullmatch(UUID, items[2]["id"])


def test_the_events_of_a_stream(caller: Caller) -> None:
    caller.server.script(Turn(text="Hi", reasoning="So", tool_calls=[ToolCall("w", "{}")], chunk_size=1))
    response = caller.responses(stream=True)
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert b"[DONE]" not in response.content
    stream = named_events(response.content)
    assert [one["sequence_number"] for one in stream] == list(range(len(stream)))
    assert [one["type"].removeprefix("response.") for one in stream] == [
        "created",
        "in_progress",
        *("output_item.added", "content_part.added", *["reasoning_text.delta"] * 2, "reasoning_text.done"),
        *("content_part.done", "output_item.done"),
        *("output_item.added", "content_part.added", *["output_text.delta"] * 2, "output_text.done"),
        *("content_part.done", "output_item.done"),
        *("output_item.added", "function_call_arguments.delta", "function_call_arguments.done", "output_item.done"),
        "completed",
    ]
    assert stream[0]["response"]["usage"] is None
    assert stream[0]["response"]["output"] == []
    final = stream[-1]["response"]
    done = [one["item"] for one in stream if one["type"] == "response.output_item.done"]
    assert final["output"] == done
    assert [one["output_index"] for one in stream if one["type"] == "response.output_item.added"] == [0, 1, 2]


def test_a_streamed_response_equals_the_complete_one(caller: Caller) -> None:
    caller.server.script(*[Turn(text="a b c", reasoning="r", tool_calls=[ToolCall("w", '{"x": 1}')])] * 2)
    complete = caller.responses().json()
    final = named_events(caller.responses(stream=True).content)[-1]["response"]
    details = complete["usage"].pop("input_tokens_details"), final["usage"].pop("input_tokens_details")
    assert details
    assert complete == final


def test_log_probabilities_are_sent_with_the_text(caller: Caller) -> None:
    part = caller.responses(top_logprobs=2, reasoning={"effort": "none"}).json()["output"][0]["content"][0]
    assert "".join(one["token"] for one in part["logprobs"]) == part["text"]
    assert len(part["logprobs"][0]["top_logprobs"]) == 2


def test_without_thinking_no_reasoning_item_is_sent(caller: Caller) -> None:
    body = caller.responses(reasoning={"effort": "none"}).json()
    assert [item["type"] for item in body["output"]] == ["message"]
    assert body["usage"]["output_tokens_details"] == {"reasoning_tokens": 0}


def test_an_answer_cut_for_length_is_incomplete(caller: Caller) -> None:
    caller.server.script(*[Turn(text="one two three four", reasoning="so")] * 2)
    body = caller.responses(max_output_tokens=4).json()
    assert body["status"] == "incomplete"
    assert body["incomplete_details"] == {"reason": "max_output_tokens"}
    assert [item["status"] for item in body["output"]] == ["completed", "incomplete"]
    last = named_events(caller.responses(max_output_tokens=4, stream=True).content)[-1]
    assert last["type"] == "response.incomplete"


@pytest.mark.parametrize(
    ("finish", "status", "key"),
    [("content_filter", "incomplete", "incomplete_details"), ("insufficient_system_resource", "failed", "error")],
)
def test_other_finish_reasons(caller: Caller, finish: str, status: str, key: str) -> None:
    caller.server.fault(Fault.finish(finish), times=2)
    body = caller.responses().json()
    assert body["status"] == status
    assert body[key]
    assert named_events(caller.responses(stream=True).content)[-1]["type"] == f"response.{status}"


def test_web_search_is_an_item(caller: Caller) -> None:
    items = caller.responses("Who won?", tools=[{"type": "web_search"}]).json()["output"]
    assert [item["type"] for item in items] == ["reasoning", "web_search_call", "message"]
    assert items[1]["action"]["type"] == "search"
    assert items[1]["action"]["queries"][0] == "Who won?"
    stream = named_events(caller.responses(tools=[{"type": "web_search"}], stream=True).content)
    assert any(e["type"] == "response.output_item.done" and e["item"]["type"] == "web_search_call" for e in stream)


def test_a_schema_is_followed(caller: Caller) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    form = {"type": "json_schema", "name": "answer", "schema": schema, "strict": True}
    items = caller.responses("Take 7.", text={"format": form}).json()["output"]
    assert json.loads(items[-1]["content"][0]["text"]) == {"n": 7}


def test_an_agent_loop(caller: Caller) -> None:
    items: list[Any] = [{"role": "user", "content": "What is the weather in Paris?"}]
    first = caller.responses(items, tools=[WEATHER]).json()["output"]
    assert first[-1]["arguments"] == '{"city": "Paris"}'
    items += [*first, {"type": "function_call_output", "call_id": first[-1]["call_id"], "output": "21 degrees"}]
    second = caller.responses(items, tools=[WEATHER])
    assert second.status_code == 200, second.text
    assert "21 degrees" in second.json()["output"][-1]["content"][0]["text"]


# ---------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([call("a"), DONE, call("b"), output("a"), output("b"), USER], "No tool output found for tool call a."),
        ([USER, call("a")], "No tool output found for tool call a."),
        ([USER, call("a"), call("b"), output("a"), USER], "No tool output found for tool call b."),
        ([USER, call("a"), USER, output("a")], "No tool output found for tool call a."),
        ([USER, output("a")], "No tool call found for tool output with call_id a."),
        ([USER, call("a"), output("a"), output("a")], "Duplicate tool output for call_id: a."),
        ([USER, call("a"), output("a"), call("a"), output("a")], "Duplicate 'call_id': a."),
        ([], "Input items array must not be empty"),
    ],
)
def test_calls_and_outputs_are_adjacent(caller: Caller, items: list[Any], message: str) -> None:
    caller.server.configure(passback="off")
    assert message in refused(caller.responses(items))


def test_batches_may_follow_each_other(caller: Caller) -> None:
    items = [USER, REASONING, REASONING, call("a"), call("b"), output("b"), output("a"), REASONING, call("c")]
    assert caller.responses([*items, output("c")], tools=[WEATHER]).status_code == 200


def test_reasoning_between_calls_is_refused(caller: Caller) -> None:
    items = [USER, REASONING, call("a"), REASONING, call("b"), output("a"), output("b")]
    assert "No tool output found for tool call a." in refused(caller.responses(items, tools=[WEATHER]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": "x"}, "The supported API model names are"),
        (
            {"max_output_tokens": 0},
            "Invalid max_tokens value, the valid range of max_tokens is [1, 393216]",
        ),
        ({"temperature": 3}, "Invalid temperature value, the valid range of temperature is [0, 2]"),
        ({"top_logprobs": 21}, "Invalid top_logprobs value"),
        ({"user": "a b"}, "Invalid user_id value"),
        ({"tools": [WEATHER], "tool_choice": "required"}, "Thinking mode does not support this tool_choice"),
        (
            {"tools": [WEATHER], "tool_choice": {"type": "function", "name": "get_weather"}},
            "Thinking mode does not support this tool_choice",
        ),
        ({"tools": [{"type": "custom", "name": "sh"}]}, "Unsupported custom tool: 'sh'."),
        ({"tools": [{**WEATHER, "parameters": {}}]}, "Invalid schema for function 'get_weather'"),
        ({"text": {"format": {"type": "json_object"}}}, "must contain the word 'json'"),
    ],
)
def test_invalid_requests_are_refused(caller: Caller, change: dict[str, Any], message: str) -> None:
    assert message in refused(caller.responses(**change))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"reasoning": {"effort": "huge"}}, "reasoning.effort: unknown variant `huge`"),
        ({"input": 1}, "input: invalid type: integer `1`"),
        ({"input": [{"role": "tool", "content": "x"}]}, "input[0].role: unknown variant `tool`"),
        ({"input": [{"type": "function_call", "name": "w", "arguments": "{}"}]}, "missing field `call_id`"),
        ({"tools": [{"type": "function", "function": {"name": "w"}}]}, "missing field `name`"),
        ({"text": {"format": {"type": "json_schema", "schema": {}}}}, "missing field `name`"),
        ({"max_output_tokens": "9"}, "max_output_tokens: invalid type"),
    ],
)
def test_wrong_types_are_422(caller: Caller, change: dict[str, Any], message: str) -> None:
    assert message in refused(caller.responses(**change), 422)


def test_options_that_are_ignored(caller: Caller) -> None:
    ignored = {
        "store": True,
        "previous_response_id": "x",
        "conversation": "y",
        "include": ["reasoning.encrypted_content"],
        "metadata": {"a": "b"},
        "parallel_tool_calls": False,
        "truncation": "auto",
        "service_tier": "flex",
        "prompt_cache_key": "k",
        "background": True,
        "max_tool_calls": 3,
        "stream_options": {"include_usage": True},
        "tools": [{"type": "file_search"}],
        "tool_choice": "required",
        "reasoning": {"effort": "ultra"},
        "input": [USER, {"type": "item_reference", "id": "x"}, {"type": "reasoning", "content": []}],
    }
    body = caller.responses(**ignored).json()
    assert body["status"] == "completed"
    assert (body["store"], body["previous_response_id"], body["metadata"]) == (False, None, {})


def test_forced_choices_work_without_thinking(caller: Caller) -> None:
    choice = {"type": "function", "name": "get_weather"}
    off = {"effort": "none"}
    items = caller.responses("Paris", tools=[WEATHER], tool_choice=choice, reasoning=off).json()["output"]
    assert [item["type"] for item in items] == ["function_call"]


# ---------------------------------------------------------------------- reasoning is passed back


def status(rule: Any, *items: Any, **body: Any) -> int:
    with LocalServer(passback=rule) as server:
        response = Caller(server).responses([*items], **{"tools": [WEATHER], **body})
    if response.status_code == 400:
        assert "must be passed back" in response.json()["error"]["message"]
    return response.status_code


def test_the_pass_back_rule() -> None:
    open_turn = (USER, call("a"), output("a"))
    reasoned = (USER, REASONING, call("a"), output("a"))
    assert status("strict", *open_turn) == 400
    assert status("lenient", *open_turn) == 400
    assert status("off", *open_turn) == 200
    assert status("strict", *reasoned) == 200
    assert status("strict", *open_turn, DONE, USER) == 400
    assert status("lenient", *open_turn, DONE, USER) == 200
    assert status("strict", *open_turn, reasoning={"effort": "none"}) == 200
    assert status("strict", USER, DONE, USER) == 200
    empty = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "because"}]}
    assert status("strict", USER, empty, call("a"), output("a")) == 400
    assert status("strict", USER, empty, call("a"), output("a"), REASONING, DONE, USER) == 200
    blank = {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": " "}]}
    assert status("strict", USER, blank, call("a"), output("a")) == 200
    assert status("strict", USER, call("call_00_ET_a"), output("call_00_ET_a")) == 200
    assert status("lenient", USER, REASONING, call("a"), output("a"), {"role": "system", "content": "s"}) == 200
    assert status("lenient", *open_turn, {"role": "system", "content": "s"}) == 400
    search = {"type": "web_search_call", "id": "s", "status": "completed"}
    assert status("strict", USER, REASONING, DONE, search, REASONING, DONE, call("a"), output("a")) == 200
    assert status("strict", USER, REASONING, DONE, search, DONE, call("a"), output("a")) == 400


EMPTY = {"type": "reasoning", "summary": []}
NO_TEXT = {**EMPTY, "content": [{"type": "reasoning_text", "text": ""}]}
BLANK = {**EMPTY, "content": [{"type": "reasoning_text", "text": " "}]}


@pytest.mark.parametrize("rule", ["strict", "lenient"])
@pytest.mark.parametrize("item", [EMPTY, NO_TEXT])
def test_an_open_tool_turn_requires_a_text_that_is_not_empty(rule: str, item: dict[str, Any]) -> None:
    assert status(rule, USER, item, call("a"), output("a")) == 400
    assert status(rule, USER, DONE, BLANK, call("a"), output("a")) == 400, "every answer of the turn"
    assert status(rule, USER, BLANK, call("a"), output("a")) == 200
    assert status(rule, USER, item, call("a"), output("a"), DONE, USER) == 200, "the turn is closed"


@pytest.mark.parametrize("rule", ["strict", "lenient"])
@pytest.mark.parametrize("call_id", ["call_00_ET_x", "toolu_0_ET_x"])
def test_the_ids_of_calls_without_a_thought_exempt_their_turn(rule: str, call_id: str) -> None:
    for items in ([], [EMPTY], [NO_TEXT]):
        assert status(rule, USER, *items, call(call_id), output(call_id)) == 200


# ---------------------------------------------------------------------- faults


def test_faults_in_streams(caller: Caller) -> None:
    caller.server.fault(Fault.error_in_stream(4))
    stream = named_events(caller.responses(stream=True).content)
    assert len(stream) == 5
    assert stream[-1]["type"] == "response.failed"
    assert stream[-1]["sequence_number"] == 4
    assert stream[-1]["response"]["error"]["message"] == "Content Exists Risk"
    caller.server.fault(Fault.error_in_stream(4, {"code": "server_error", "message": "m"}, with_choices=True))
    last = named_events(caller.responses(stream=True).content)[-1]
    assert last == {"type": "error", "code": "server_error", "message": "m", "sequence_number": 4}
    caller.server.fault(Fault.no_done())
    assert named_events(caller.responses(stream=True).content)[-1]["type"] == "response.output_item.done"
    caller.server.fault(Fault.status(503))
    assert caller.responses(stream=True).status_code == 503


def test_failed_bodies(caller: Caller) -> None:
    caller.server.fault(Fault.error_in_stream(0))
    assert caller.responses().json()["error"]["message"] == "Content Exists Risk"
    caller.server.fault(Fault.error_in_stream(0, with_choices=True))
    body = caller.responses().json()
    assert (body["status"], body["error"]["message"]) == ("failed", "Content Exists Risk")


def test_raw_turns_are_events_with_names(caller: Caller) -> None:
    caller.server.script(Turn(raw=[{"type": "response.created"}, {"type": "response.completed"}]))
    response = caller.responses(stream=True)
    assert [one["type"] for one in named_events(response.content)] == ["response.created", "response.completed"]


def test_calls_can_be_interleaved(caller: Caller) -> None:
    calls = [ToolCall("a", '{"x": 1}'), ToolCall("b", '{"y": 2}')]
    caller.server.script(Turn(tool_calls=calls, interleave_tool_calls=True))
    stream = named_events(caller.responses(stream=True).content)
    places = [e["output_index"] for e in stream if e["type"] == "response.function_call_arguments.delta"]
    assert places == [1, 2, 1, 2]


def test_keep_alives_and_fragments() -> None:
    with LocalServer(keep_alives=2, fragment=3) as server:
        caller = Caller(server)
        response = caller.responses(stream=True, path="/v1/responses")
        assert response.content.startswith(b": keep-alive\n\n: keep-alive\n\nevent: response.created")
        assert named_events(response.content)[-1]["type"] == "response.completed"
