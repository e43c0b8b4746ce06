"""POST /anthropic/v1/messages: Anthropic's form, as DeepSeek has it."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx
import pytest

from deepseek_v4.testing import Fault, LocalServer, ToolCall, Turn
from tests.unit.testing.calls import OFF, Caller, named_events

WEATHER = {
    "name": "get_weather",
    "description": "The weather in a city",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
SEARCH = {"type": "web_search_20250305", "name": "web_search"}
USER = {"role": "user", "content": "Hi"}
THOUGHT = {"type": "thinking", "thinking": "because", "signature": "s"}
EMPTY = {"type": "thinking", "thinking": "", "signature": ""}
TEXT = {"type": "text", "text": "x"}


def use(call_id: str) -> dict[str, Any]:
    return {"type": "tool_use", "id": call_id, "name": "get_weather", "input": {}}


def assistant(*blocks: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": [*blocks]}


def results(*call_ids: str) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "tool_result", "tool_use_id": i, "content": "ok"} for i in call_ids]}


def refused(response: httpx.Response, status: int = 400) -> str:
    assert response.status_code == status, response.text
    return str(response.json()["error"]["message"])


# ---------------------------------------------------------------------- shapes


def test_a_complete_message(caller: Caller) -> None:
    caller.server.script(Turn(text="Hello", reasoning="A greeting."))
    response = caller.messages()
    body = response.json()
    assert response.headers["content-type"] == "application/json"
    assert list(body) == ["id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "usage"]
    assert body["content"] == [
        {"type": "thinking", "thinking": "A greeting.", "signature": body["id"]},
        {"type": "text", "text": "Hello"},
    ]
    assert (body["stop_reason"], body["stop_sequence"]) == ("end_turn", None)


def test_calls_have_objects_as_arguments(caller: Caller) -> None:
    caller.server.script(Turn(tool_calls=[ToolCall("get_weather", {"city": "Paris"}), ToolCall("get_weather", "{bro")]))
    body = caller.messages(tools=[WEATHER]).json()
    assert [block["type"] for block in body["content"]] == ["thinking", "tool_use", "tool_use"]
    assert [block["input"] for block in body["content"][1:]] == [{"city": "Paris"}, {}]
    assert re.fullmatch(r"call_00_ET_[A-Za-z0-9]{20}", body["content"][1]["id"])
    assert body["stop_reason"] == "tool_use"


def test_the_events_of_a_stream(caller: Caller) -> None:
    caller.server.script(Turn(text="Hi", reasoning="So", tool_calls=[ToolCall("w", '{"x": 1}')], chunk_size=1))
    response = caller.messages(stream=True)
    assert b"[DONE]" not in response.content
    stream = named_events(response.content)
    assert [one["type"] for one in stream] == [
        "message_start",
        *("content_block_start", *["content_block_delta"] * 3, "content_block_stop"),
        *("content_block_start", *["content_block_delta"] * 2, "content_block_stop"),
        *("content_block_start", *["content_block_delta"] * 2, "content_block_stop"),
        "message_delta",
        "message_stop",
    ]
    start = stream[0]["message"]
    assert (start["content"], start["stop_reason"], start["usage"]["output_tokens"]) == ([], None, 0)
    assert [e["content_block"] for e in stream if e["type"] == "content_block_start"] == [
        {"type": "thinking", "thinking": "", "signature": ""},
        {"type": "text", "text": ""},
        {"type": "tool_use", "id": stream[10]["content_block"]["id"], "name": "w", "input": {}},
    ]
    assert [e["delta"] for e in stream if e["type"] == "content_block_delta"] == [
        {"type": "thinking_delta", "thinking": "S"},
        {"type": "thinking_delta", "thinking": "o"},
        {"type": "signature_delta", "signature": start["id"]},
        {"type": "text_delta", "text": "H"},
        {"type": "text_delta", "text": "i"},
        {"type": "input_json_delta", "partial_json": '{"x"'},
        {"type": "input_json_delta", "partial_json": ": 1}"},
    ]
    assert stream[-2]["delta"] == {"stop_reason": "tool_use", "stop_sequence": None}
    assert stream[-2]["usage"]["input_tokens"] == start["usage"]["input_tokens"]
    assert stream[-2]["usage"]["output_tokens"] > 0


def test_pings_can_be_enabled() -> None:
    with LocalServer(pings=True) as server:
        stream = named_events(Caller(server).messages(stream=True).content)
    assert stream[1] == {"type": "ping"}
    assert sum(one["type"] == "ping" for one in stream) == 3


def test_the_key_is_accepted_in_either_header() -> None:
    with LocalServer() as server:
        body = {"model": "deepseek-flash", "max_tokens": 9, "messages": [USER]}
        url = f"{server.base_url}/anthropic/v1/messages"
        assert httpx.post(url, json=body, headers={"x-api-key": server.api_key}).status_code == 200
        assert httpx.post(url, json=body, headers={"x-api-key": "sk-wrong"}).status_code == 401
        assert httpx.post(url, json=body).status_code == 401
        chat = f"{server.base_url}/chat/completions"
        assert httpx.post(chat, json=body, headers={"x-api-key": server.api_key}).status_code == 401


def test_input_tokens_do_not_include_cached_ones(caller: Caller) -> None:
    long = "The same words again and again. " * 60
    first, second = (caller.messages(long).json()["usage"] for _ in range(2))
    assert first["cache_read_input_tokens"] == 0
    assert second["cache_read_input_tokens"] > 0
    assert second["input_tokens"] + second["cache_read_input_tokens"] == first["input_tokens"]


@pytest.mark.parametrize(
    ("requested", "served"),
    [
        ("claude-opus-4-5", "deepseek-v4-pro"),
        ("claude-sonnet-4-5", "deepseek-flash"),
        ("gpt-5", "deepseek-flash"),
        ("deepseek-v4-pro", "deepseek-v4-pro"),
        ("deepseek-v4-flash", "deepseek-v4-flash"),
    ],
)
def test_unknown_models_are_answered_by_known_ones(caller: Caller, requested: str, served: str) -> None:
    assert caller.messages(model=requested).json()["model"] == served


def test_stop_sequences_and_length(caller: Caller) -> None:
    caller.server.script(*[Turn(text="one two three")] * 3)
    body = caller.messages(stop_sequences=["two"]).json()
    assert (body["stop_reason"], body["stop_sequence"], body["content"][1]["text"]) == ("stop_sequence", "two", "one ")
    body = caller.messages(max_tokens=2).json()
    assert (body["stop_reason"], body["content"][1]["text"]) == ("max_tokens", "one two")
    caller.server.fault(Fault.finish("content_filter"))
    assert caller.messages().json()["stop_reason"] == "refusal"


def test_without_thinking_no_thinking_block_is_sent(caller: Caller) -> None:
    for off in ({"thinking": OFF}, {"output_config": {"effort": "none"}}):
        assert [block["type"] for block in caller.messages(**off).json()["content"]] == ["text"]


def test_web_search_has_its_own_blocks(caller: Caller) -> None:
    blocks = caller.messages("Who won?", tools=[SEARCH]).json()["content"]
    assert [b["type"] for b in blocks] == ["thinking", "server_tool_use", "web_search_tool_result", "text"]
    assert blocks[1]["input"] == {"query": "Who won?"}
    assert blocks[2]["tool_use_id"] == blocks[1]["id"]
    followed = [USER, assistant(*blocks), USER]
    assert caller.messages(messages=followed, tools=[SEARCH]).status_code == 200
    stream = named_events(caller.messages("Who won?", tools=[SEARCH], stream=True).content)
    assert {"type": "input_json_delta", "partial_json": '{"query": "Who won?"}'} in [e.get("delta") for e in stream]


def test_an_agent_loop(caller: Caller) -> None:
    messages: list[Any] = [{"role": "user", "content": "What is the weather in Paris?"}]
    first = caller.messages(messages=messages, tools=[WEATHER], system="Be kind.").json()["content"]
    assert first[-1]["input"] == {"city": "Paris"}
    result = {
        "type": "tool_result",
        "tool_use_id": first[-1]["id"],
        "content": [{"type": "text", "text": "21 degrees"}],
    }
    messages += [{"role": "assistant", "content": first}, {"role": "user", "content": [result]}]
    second = caller.messages(messages=messages, tools=[WEATHER])
    assert second.status_code == 200, second.text
    assert "21 degrees" in second.json()["content"][-1]["text"]


# ---------------------------------------------------------------------- refusals


UNANSWERED = "messages.2: `tool_use` ids were found without `tool_result` blocks immediately after: a."


@pytest.mark.parametrize(
    ("messages", "message"),
    [
        ([USER, assistant(use("a")), USER], UNANSWERED),
        (
            [USER, assistant(use("a"), use("b")), results("a"), USER],
            "messages.1:`tool_use` ids were found without `tool_result` blocks immediately after: b.",
        ),
        ([USER, assistant(use("a"), TEXT), results("a")], "messages.1.1: `tool_use` ids were found without"),
        ([USER, assistant(use("a"), use("b"))], "messages.1:`tool_use` ids were found without"),
        ([USER, assistant(use("a"), use("a")), results("a")], "messages.1.content.1: `tool_use` ids must be unique"),
        ([USER, results("a")], "unexpected `messages.1.content.0: tool_use_id` found in `tool_result` blocks: a."),
        ([USER, assistant(use("a")), results("a", "a")], "messages.2.content.1: each tool_use must have a single"),
        (
            [USER, assistant(*results("a")["content"])],
            "messages.1: `tool_result` blocks can only be in `user` messages",
        ),
        ([{"role": "user", "content": []}], "messages.0: all messages must have non-empty content"),
        ([USER, assistant(use("a")), results("a"), assistant(use("a")), results("a")], "Duplicate value"),
        ([USER, assistant(use("a")), {"role": "user", "content": [TEXT, *results("a")["content"]]}], UNANSWERED),
        ([], "messages: at least one message is required"),
    ],
)
def test_uses_and_results_belong_together(caller: Caller, messages: list[Any], message: str) -> None:
    body = {"messages": messages, "tools": [WEATHER], "thinking": OFF}
    assert message in refused(caller.messages(**body))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"temperature": 3}, "Invalid temperature value"),
        ({"max_tokens": 0}, "the valid range of max_tokens is [1, 393216]"),
        ({"tools": [{"name": "w"}]}, 'Invalid schema for function \'w\': null is not of types "boolean", "object"'),
        ({"messages": [{"role": "user", "content": [THOUGHT]}]}, "messages.0.content: thinking blocks may only be in"),
        ({"thinking": OFF, "output_config": {"effort": "high"}}, "thinking options type cannot be disabled"),
        (
            {"tools": [WEATHER], "tool_choice": {"type": "tool", "name": "get_weather"}},
            "Thinking mode does not support",
        ),
        ({"tools": [WEATHER, WEATHER]}, "Tool names must be unique."),
        ({"metadata": {"user_id": "a b"}}, "Invalid user_id value"),
    ],
)
def test_invalid_requests_are_refused(caller: Caller, change: dict[str, Any], message: str) -> None:
    assert message in refused(caller.messages(**change))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"max_tokens": "9"}, "max_tokens: invalid type: string"),
        ({"tools": [{"type": "custom", **WEATHER}]}, "unknown variant `custom`, expected one of `web_search_20250305`"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "unknown variant `tool`"),
        ({"messages": [{"role": "user", "content": [{"type": "search_result"}]}]}, "unknown variant `search_result`"),
        ({"messages": [assistant({"type": "redacted_thinking", "data": "x"})]}, "unknown variant `redacted_thinking`"),
        ({"stop_sequences": "x"}, "stop_sequences: invalid type"),
        ({"tool_choice": "auto"}, "tool_choice: invalid type"),
        ({"output_config": {"effort": "huge"}}, "unknown variant `huge`"),
        ({"system": 1}, "system: invalid type"),
    ],
)
def test_wrong_types_are_422(caller: Caller, change: dict[str, Any], message: str) -> None:
    assert message in refused(caller.messages(**change), 422)


@pytest.mark.parametrize(
    "change",
    [
        {"max_tokens": None},
        {"max_tokens": 400_000},
        {"output_config": {"effort": "ultra"}},
        {"tool_choice": {"type": "any"}},
        {"messages": [assistant({"type": "thinking", "thinking": "x"}), USER]},
        {"model": "deepseek-v4-pro", "messages": [USER, {"role": "system", "content": "x"}, USER]},
    ],
)
def test_invalid_values_that_the_service_accepts(caller: Caller, change: dict[str, Any]) -> None:
    assert caller.messages(**change).status_code == 200


def test_options_that_are_ignored(caller: Caller) -> None:
    cached = {**TEXT, "cache_control": {"type": "ephemeral"}}
    ignored = {
        "system": [cached],
        "messages": [{"role": "user", "content": [cached]}],
        "top_k": 3,
        "service_tier": "auto",
        "container": "c",
        "mcp_servers": [],
        "thinking": {"type": "enabled", "budget_tokens": 1024},
        "tools": [{**WEATHER, "cache_control": {"type": "ephemeral"}}],
        "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
    }
    assert caller.messages(**ignored).status_code == 200


def test_the_choice_any_is_accepted_while_thinking(caller: Caller) -> None:
    body = caller.messages("Paris", tools=[WEATHER], tool_choice={"type": "any"}).json()
    assert [block["type"] for block in body["content"]] == ["thinking", "tool_use"]


# ---------------------------------------------------------------------- reasoning is passed back


def status(rule: Any, *messages: Any, **body: Any) -> int:
    with LocalServer(passback=rule) as server:
        response = Caller(server).messages(messages=[*messages], **{"tools": [WEATHER], **body})
    if response.status_code == 400:
        assert response.json()["error"]["message"] == (
            "The `content[].thinking` in the thinking mode must be passed back to the API."
        )
    return response.status_code


def test_the_pass_back_rule() -> None:
    open_turn = (USER, assistant(use("a")), results("a"))
    assert status("strict", *open_turn) == 400
    assert status("lenient", *open_turn) == 400
    assert status("off", *open_turn) == 200
    assert status("strict", *open_turn, thinking=OFF) == 200
    for block in (THOUGHT, EMPTY):
        assert status("strict", USER, assistant(block, use("a")), results("a")) == 200
    assert status("strict", USER, assistant(TEXT), USER) == 400
    assert status("lenient", USER, assistant(TEXT), USER) == 200
    assert status("strict", USER, assistant(TEXT), USER, tools=None) == 200


# ---------------------------------------------------------------------- faults


def test_faults_in_streams(caller: Caller) -> None:
    caller.server.fault(Fault.error_in_stream(2))
    stream = named_events(caller.messages(stream=True).content)
    assert stream[-1]["type"] == "error"
    assert stream[-1]["error"]["message"] == "Content Exists Risk"
    assert len(stream) == 3
    caller.server.fault(Fault.no_done())
    assert named_events(caller.messages(stream=True).content)[-1]["type"] == "message_delta"
    caller.server.fault(Fault.error_in_stream(0))
    assert caller.messages().json()["type"] == "error"
    caller.server.fault(Fault.status(402))
    assert refused(caller.messages(), 402) == "Insufficient Balance"


def test_cut_arguments(caller: Caller) -> None:
    caller.server.script(Turn(tool_calls=[ToolCall("get_weather", {"city": "Paris"})]))
    caller.server.fault(Fault.truncated_arguments())
    stream = named_events(caller.messages(stream=True, tools=[WEATHER]).content)
    deltas = [e["delta"] for e in stream if e["type"] == "content_block_delta"]
    written = "".join(d["partial_json"] for d in deltas if d["type"] == "input_json_delta")
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        json.loads(written)
    assert stream[-2]["delta"]["stop_reason"] == "max_tokens"
