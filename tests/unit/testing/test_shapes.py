"""Complete answers and streams have the documented form, including the order of keys."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import pytest

from deepseek_v4.testing import LocalServer, ToolCall, Turn
from tests.unit.testing.calls import OFF, Caller, tool

WEATHER = tool("get_weather", {"city": {"type": "string"}})


def test_a_complete_answer_has_the_documented_keys_in_order(caller: Caller) -> None:
    caller.server.script(Turn(text="Hi", reasoning="A greeting."))
    response = caller.chat()
    body = response.json()
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert re.fullmatch(r"[0-9a-f]{32}", response.headers["x-ds-trace-id"])
    assert list(body) == ["id", "object", "created", "model", "choices", "usage", "system_fingerprint"]
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", body["id"])
    choice = body["choices"][0]
    assert list(choice) == ["index", "message", "logprobs", "finish_reason"]
    assert choice["message"] == {"role": "assistant", "content": "Hi", "reasoning_content": "A greeting."}
    assert choice["finish_reason"] == "stop"


def test_without_thinking_neither_reasoning_key_nor_reasoning_count_is_sent(caller: Caller) -> None:
    caller.server.script(Turn(text="Hi", reasoning="unsaid"))
    body = caller.chat(thinking=OFF).json()
    assert "reasoning_content" not in body["choices"][0]["message"]
    assert "completion_tokens_details" not in body["usage"]


def test_missing_reasoning_is_an_empty_string_while_thinking(caller: Caller) -> None:
    caller.server.script(Turn(text="Hi"))
    body = caller.chat().json()
    assert body["choices"][0]["message"]["reasoning_content"] == ""
    assert body["usage"]["completion_tokens_details"] == {"reasoning_tokens": 0}


def test_tool_calls_have_an_index_and_ids_with_their_position(caller: Caller) -> None:
    calls = [ToolCall("get_weather", {"city": "Köln"}), ToolCall("get_weather", "{}")]
    caller.server.script(Turn(tool_calls=calls, reasoning="So."), Turn(tool_calls=calls))
    choice = caller.chat(tools=[WEATHER]).json()["choices"][0]
    first, second = choice["message"]["tool_calls"]
    assert list(first) == ["index", "id", "type", "function"]
    assert (first["index"], second["index"]) == (0, 1)
    assert re.fullmatch(r"call_00_[A-Za-z0-9]{20}", first["id"])
    assert re.fullmatch(r"call_01_[A-Za-z0-9]{20}", second["id"])
    assert first["function"] == {"name": "get_weather", "arguments": '{"city": "Köln"}'}
    assert choice["message"]["content"] == ""
    assert choice["finish_reason"] == "tool_calls"
    without_thought = caller.chat(tools=[WEATHER]).json()["choices"][0]["message"]["tool_calls"]
    assert [call["id"][:11] for call in without_thought] == ["call_00_ET_", "call_01_ET_"]


@pytest.mark.parametrize(("turn", "body"), [(Turn(reasoning="I look."), {}), (Turn(), {"thinking": OFF})])
def test_only_the_ids_of_an_answer_that_could_think_and_did_not_are_marked(
    caller: Caller, turn: Turn, body: dict[str, Any]
) -> None:
    caller.server.script(dataclasses.replace(turn, tool_calls=[ToolCall("get_weather", "{}")]))
    message = caller.chat(tools=[WEATHER], **body).json()["choices"][0]["message"]
    assert re.fullmatch(r"call_00_[A-Za-z0-9]{20}", message["tool_calls"][0]["id"])


def test_usage_is_consistent(caller: Caller) -> None:
    usage = caller.chat().json()["usage"]
    assert usage["prompt_tokens"] == usage["prompt_cache_hit_tokens"] + usage["prompt_cache_miss_tokens"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert usage["completion_tokens"] > usage["completion_tokens_details"]["reasoning_tokens"] > 0


def test_a_thinking_stream_has_reasoning_then_content_then_the_finish(caller: Caller) -> None:
    caller.server.script(Turn(text="Hello", reasoning="Think", chunk_size=3))
    *chunks, done = caller.stream(stream_options={"include_usage": True})
    assert done == "[DONE]"
    assert [chunk["choices"][0]["delta"] for chunk in chunks] == [
        {"role": "assistant", "content": None, "reasoning_content": ""},
        {"content": None, "reasoning_content": "Thi"},
        {"content": None, "reasoning_content": "nk"},
        {"content": "Hel", "reasoning_content": None},
        {"content": "lo", "reasoning_content": None},
        {"content": "", "reasoning_content": None},
    ]
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None] * 5 + ["stop"]
    assert [chunk["usage"] for chunk in chunks[:-1]] == [None] * 5
    assert chunks[-1]["usage"]["completion_tokens"] > 0
    assert list(chunks[0]) == ["id", "object", "created", "model", "system_fingerprint", "choices", "usage"]
    assert chunks[0]["object"] == "chat.completion.chunk"


def test_a_stream_without_thinking_has_no_reasoning_key(caller: Caller) -> None:
    caller.server.script(Turn(text="Hi"))
    *chunks, _ = caller.stream(thinking=OFF)
    assert [c["choices"][0]["delta"] for c in chunks] == [
        {"role": "assistant", "content": ""},
        {"content": "Hi"},
        {"content": ""},
    ]


def test_without_include_usage_the_key_is_absent_until_the_last_chunk(caller: Caller) -> None:
    *chunks, _ = caller.stream()
    assert all("usage" not in chunk for chunk in chunks[:-1])
    assert chunks[-1]["usage"]["total_tokens"] > 0


def test_streamed_calls_are_sent_in_order_and_in_fragments(caller: Caller) -> None:
    caller.server.script(
        Turn(tool_calls=[ToolCall("a", '{"x": 1}', id="one"), ToolCall("b", "{}", id="two")], arguments_chunk=5)
    )
    *chunks, _ = caller.stream(tools=[tool("a"), tool("b")])
    assert [c["choices"][0]["delta"].get("tool_calls") for c in chunks[1:-1]] == [
        [{"index": 0, "id": "one", "type": "function", "function": {"name": "a", "arguments": ""}}],
        [{"index": 0, "function": {"arguments": '{"x":'}}],
        [{"index": 0, "function": {"arguments": " 1}"}}],
        [{"index": 1, "id": "two", "type": "function", "function": {"name": "b", "arguments": ""}}],
        [{"index": 1, "function": {"arguments": "{}"}}],
    ]
    assert chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"


def tool_lists(caller: Caller, **oddity: bool) -> list[list[dict[str, object]]]:
    calls = [ToolCall("a", '{"x": 1}'), ToolCall("b", '{"y": 2}')]
    caller.server.script(Turn(tool_calls=calls, arguments_chunk=4, **oddity))  # type: ignore[arg-type]
    *chunks, _ = caller.stream(tools=[tool("a"), tool("b")])
    return [d["tool_calls"] for c in chunks if "tool_calls" in (d := c["choices"][0]["delta"])]


def test_interleaved_calls_alternate(caller: Caller) -> None:
    assert [one["index"] for [one] in tool_lists(caller, interleave_tool_calls=True)] == [0, 1, 0, 1, 0, 1]


def test_merged_deltas_of_several_calls_share_a_chunk(caller: Caller) -> None:
    assert [[d["index"] for d in deltas] for deltas in tool_lists(caller, merge_tool_deltas=True)] == [[0, 1]] * 3


def test_the_index_can_be_missing(caller: Caller) -> None:
    assert all("index" not in delta for deltas in tool_lists(caller, omit_index=True) for delta in deltas)


def test_continuations_can_have_an_empty_id(caller: Caller) -> None:
    first, *rest = [one for [one] in tool_lists(caller, empty_ids=True)][:3]
    assert str(first["id"]).startswith("call_00_")
    assert [one["id"] for one in rest] == ["", ""]


def test_a_call_can_be_sent_in_a_single_chunk(caller: Caller) -> None:
    deltas = [one for [one] in tool_lists(caller, single_chunk_calls=True)]
    assert [one["function"] for one in deltas] == [
        {"name": "a", "arguments": '{"x": 1}'},
        {"name": "b", "arguments": '{"y": 2}'},
    ]


@pytest.mark.parametrize("stream", [False, True])
def test_logprobs_name_only_channels_with_tokens(caller: Caller, stream: bool) -> None:
    caller.server.script(Turn(text="Hi", reasoning="Hm"))
    if stream:
        first, reasoning, content, last, _ = caller.stream(logprobs=True, top_logprobs=2)
        assert first["choices"][0]["logprobs"] is None
        assert last["choices"][0]["logprobs"] is None
        assert list(reasoning["choices"][0]["logprobs"]) == ["reasoning_content"]
        item = content["choices"][0]["logprobs"]["content"][0]
    else:
        logprobs = caller.chat(logprobs=True, top_logprobs=2).json()["choices"][0]["logprobs"]
        assert set(logprobs) == {"content", "reasoning_content"}
        item = logprobs["content"][0]
    assert item["token"] == "Hi"
    assert item["bytes"] == [72, 105]
    assert len(item["top_logprobs"]) == 2


def test_raw_turns_are_sent_unchanged(caller: Caller) -> None:
    caller.server.script(Turn(raw={"odd": "✓"}), Turn(raw=[{"a": 1}, {"b": 2}]), Turn(raw=b"not json"))
    assert caller.chat().text == '{"odd":"✓"}'
    assert caller.stream() == [{"a": 1}, {"b": 2}, "[DONE]"]
    assert caller.chat().content == b"not json"


def test_a_turn_can_be_an_error(caller: Caller) -> None:
    caller.server.script(Turn(status=400, error="Content Exists Risk"))
    response = caller.chat()
    assert response.status_code == 400
    assert response.json()["error"]["message"] == "Content Exists Risk"


def test_usage_model_and_fingerprint_of_a_turn_have_priority(caller: Caller) -> None:
    caller.server.script(Turn(text="x", usage={"total_tokens": 7}, model="deepseek-v4-flash", system_fingerprint=None))
    body = caller.chat().json()
    assert (body["usage"], body["model"], body["system_fingerprint"]) == (
        {"total_tokens": 7},
        "deepseek-v4-flash",
        None,
    )


def test_max_tokens_cuts_the_answer_with_length(caller: Caller) -> None:
    caller.server.script(Turn(text="one two three four five", reasoning="a b"))
    body = caller.chat(max_tokens=5).json()
    assert body["choices"][0]["finish_reason"] == "length"
    assert body["choices"][0]["message"]["content"] == "one two"  # two of reasoning, one that closes it
    assert body["usage"]["completion_tokens"] == 5


def test_length_can_be_reached_during_thinking(caller: Caller) -> None:
    caller.server.script(Turn(text="never", reasoning="a b c d"))
    choice = caller.chat(max_tokens=2).json()["choices"][0]
    assert (choice["message"]["content"], choice["message"]["reasoning_content"]) == ("", "a b")
    assert choice["finish_reason"] == "length"


@pytest.mark.parametrize(("budget", "arguments"), [(5, None), (14, ""), (17, '{"city":')])
def test_length_can_be_reached_within_a_call(caller: Caller, budget: int, arguments: str | None) -> None:
    caller.server.script(Turn(tool_calls=[ToolCall("w", {"city": "Reykjavík"})]))
    choice = caller.chat(tools=[tool("w")], thinking=OFF, max_tokens=budget).json()["choices"][0]
    calls = choice["message"].get("tool_calls", [])
    assert choice["finish_reason"] == "length"
    assert [call["function"]["arguments"] for call in calls] == ([] if arguments is None else [arguments])


def test_stop_strings_end_the_text_before_them(caller: Caller) -> None:
    caller.server.script(Turn(text="one STOP two"))
    choice = caller.chat(stop=["STOP"]).json()["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("one ", "stop")


def test_content_null_and_a_separate_usage_chunk_can_be_enabled() -> None:
    with LocalServer(content_null=True, usage_chunk="separate") as server:
        caller = Caller(server)
        server.script(Turn(tool_calls=[ToolCall("w")]))
        assert caller.chat(tools=[tool("w")]).json()["choices"][0]["message"]["content"] is None
        *chunks, _ = caller.stream(stream_options={"include_usage": True})
        assert chunks[-1]["choices"] == []
        assert chunks[-1]["usage"]["total_tokens"] > 0
        assert chunks[-2]["choices"][0]["finish_reason"] == "stop"
        assert chunks[-2]["usage"] is None


def test_cached_tokens_are_reported_in_units_of_128(caller: Caller) -> None:
    long = "The quick brown fox jumps over the lazy dog. " * 60
    assert caller.chat(long).json()["usage"]["prompt_cache_hit_tokens"] == 0
    again = caller.chat(long + "And more.").json()["usage"]
    assert again["prompt_cache_hit_tokens"] >= 512
    assert again["prompt_cache_hit_tokens"] % 128 == 0
    assert again["prompt_tokens_details"]["cached_tokens"] == again["prompt_cache_hit_tokens"]
    assert caller.chat(long, user_id="somebody").json()["usage"]["prompt_cache_hit_tokens"] == 0


def test_text_is_sent_unescaped(caller: Caller) -> None:
    caller.server.script(Turn(text="你好 ✓"))
    assert "你好 ✓".encode() in caller.chat().content


def test_models_and_balance(caller: Caller) -> None:
    listing = caller.http.get("/models").json()
    assert [entry["id"] for entry in listing["data"]] == ["deepseek-flash", "deepseek-v4-pro"]
    assert caller.http.get("/models/deepseek-v4-pro").json() == listing["data"][1]
    assert caller.http.get("/models/nope").status_code == 404
    balance = caller.http.get("/user/balance").json()
    assert balance["is_available"] is True
    assert isinstance(balance["balance_infos"][0]["total_balance"], str)


def test_unknown_paths_are_404_without_a_body(caller: Caller) -> None:
    response = caller.http.post("/embeddings", json={})
    assert (response.status_code, response.content) == (404, b"")


def test_a_wrong_method_is_405(caller: Caller) -> None:
    assert caller.http.get("/chat/completions").status_code == 405
    assert caller.server.requests[0].status == 405


def test_v1_paths_are_aliases(caller: Caller) -> None:
    assert caller.chat(path="/v1/chat/completions").json() == caller.chat().json()
