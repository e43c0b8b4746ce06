"""The dialects of vLLM and SGLang: the field of reasoning, the switch of thinking, the rules of histories."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from deepseek_v4.testing import LocalServer, ToolCall, Turn
from tests.unit.testing.calls import Caller, events, tool

MODEL = "deepseek-v4-flash"
USER = {"role": "user", "content": "Hi"}
RESULT = {"role": "tool", "tool_call_id": "a", "content": "ok"}
WEATHER = tool("get_weather", {"city": {"type": "string"}})
TURN = Turn(text="Hi", reasoning="So", chunk_size=2)


@pytest.fixture
def vllm() -> Iterator[Caller]:
    """A client of a vLLM server."""
    with LocalServer(provider="vllm") as server:
        one = Caller(server)
        with one.http:
            yield one


@pytest.fixture
def sglang() -> Iterator[Caller]:
    """A client of an SGLang server."""
    with LocalServer(provider="sglang") as server:
        one = Caller(server)
        with one.http:
            yield one


def switches(**keys: Any) -> dict[str, Any]:
    return {"chat_template_kwargs": keys}


def ask(caller: Caller, text: str = "Hello", **body: Any) -> httpx.Response:
    return caller.chat(text, **{"model": MODEL, **body})


def message(caller: Caller, **body: Any) -> dict[str, Any]:
    response = ask(caller, **body)
    assert response.status_code == 200, response.text
    return dict(response.json()["choices"][0]["message"])


def calling(arguments: str) -> dict[str, Any]:
    function = {"name": "get_weather", "arguments": arguments}
    return {"role": "assistant", "content": "", "tool_calls": [{"id": "a", "type": "function", "function": function}]}


# ---------------------------------------------------------------------- vLLM


def test_vllm_sends_reasoning(vllm: Caller) -> None:
    vllm.server.script(TURN, TURN)
    body = ask(vllm).json()
    assert body["choices"][0]["message"] == {"role": "assistant", "content": "Hi", "reasoning": "So"}
    assert body["choices"][0]["stop_reason"] is None
    assert body["usage"]["prompt_tokens_details"] is None
    *chunks, last, done = events(ask(vllm, stream=True, stream_options={"include_usage": True}).content)
    assert [chunk["choices"][0]["delta"] for chunk in chunks] == [
        {"role": "assistant", "content": ""},
        {"reasoning": "So"},
        {"content": "Hi"},
        {"content": ""},
    ]
    assert (last["choices"], last["usage"]["total_tokens"] > 0, done) == ([], True, "[DONE]")


@pytest.mark.parametrize(
    ("body", "thinks"),
    [
        ({}, True),
        (switches(thinking=False), False),
        (switches(enable_thinking=False), False),
        (switches(thinking=False, enable_thinking=True), True),
        ({"reasoning_effort": "none"}, False),
        ({"reasoning_effort": "xhigh"}, True),
        ({"reasoning_effort": "none", **switches(thinking=True)}, True),
        (switches(reasoning_effort="none"), False),
        ({"include_reasoning": False}, False),
    ],
)
def test_vllm_switches(vllm: Caller, body: dict[str, Any], thinks: bool) -> None:
    assert ("reasoning" in message(vllm, **body)) is thinks


def test_vllm_does_not_think_by_default_in_older_releases(vllm: Caller) -> None:
    vllm.server.configure(thinking_default=False)
    assert "reasoning" not in message(vllm)
    assert "reasoning" in message(vllm, **switches(thinking=True))


def test_vllm_calls(vllm: Caller) -> None:
    answer = message(vllm, text="Weather in Paris?", tools=[WEATHER])
    assert answer["content"] is None
    assert re.fullmatch(r"chatcmpl-tool-[0-9a-f]{24}", answer["tool_calls"][0]["id"])
    assert "tool_calls" not in message(vllm)
    assert message(vllm, tools=[WEATHER], tool_choice="required")["tool_calls"]
    assert message(vllm, messages=[USER, calling("{broken"), RESULT], tools=[WEATHER])["content"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"temperature": -1}, "temperature must be in"),
        ({"top_logprobs": 3}, "`logprobs` must be set to true"),
        ({"stream_options": {"include_usage": True}}, "Stream options can only be defined"),
        ({"continue_final_message": True, "add_generation_prompt": True}, "Cannot set both"),
        ({"tool_choice": "required"}, "`tools` must be set"),
        ({"chat_template_kwargs": True}, "chat_template_kwargs: invalid type"),
        ({"thinking_token_budget": "x"}, "thinking_token_budget: invalid type"),
    ],
)
def test_vllm_refuses(vllm: Caller, change: dict[str, Any], message: str) -> None:
    response = ask(vllm, **change)
    error = response.json()["error"]
    assert (response.status_code, error["code"], error["type"]) == (400, 400, "BadRequestError")
    assert message in error["message"]


def test_vllm_continues_a_message(vllm: Caller) -> None:
    messages = [USER, {"role": "assistant", "content": "The answer is"}]
    more = {"continue_final_message": True, "add_generation_prompt": False}
    assert ask(vllm, messages=messages, **more).status_code == 200
    assert ask(vllm, messages=messages).status_code == 200


@pytest.mark.parametrize("provider", ["vllm", "sglang"])
def test_a_key_is_checked_only_if_one_is_sent(provider: str) -> None:
    with LocalServer(provider=provider) as server:
        url = f"{server.base_url}/chat/completions"
        sent = {"model": MODEL, "messages": [USER]}
        assert httpx.post(url, json=sent).status_code == 200
        wrong = httpx.post(url, json=sent, headers={"authorization": "Bearer x"})
        assert (wrong.status_code, wrong.json()) == (401, {"error": "Unauthorized"})
        caller = Caller(server)
        assert ask(caller, model="other").status_code == 404
        assert caller.http.get("/models").json()["data"][0]["id"] == MODEL
        server.configure(extra_models=("other",))
        assert ask(caller, model="other").json()["model"] == "other"


# ---------------------------------------------------------------------- SGLang


def test_sglang_sends_reasoning_content_and_every_key(sglang: Caller) -> None:
    sglang.server.script(TURN, TURN)
    on = switches(thinking=True)
    body = ask(sglang, **on).json()
    assert body["choices"][0]["message"] == {
        "role": "assistant",
        "content": "Hi",
        "reasoning_content": "So",
        "tool_calls": None,
    }
    assert body["choices"][0]["matched_stop"] == 1
    assert body["usage"]["reasoning_tokens"] > 0
    *chunks, last, _ = events(ask(sglang, stream=True, stream_options={"include_usage": True}, **on).content)
    nothing = {"role": None, "content": None, "reasoning_content": None, "tool_calls": None}
    assert [chunk["choices"][0]["delta"] for chunk in chunks] == [
        {**nothing, "role": "assistant", "content": ""},
        {**nothing, "reasoning_content": "So"},
        {**nothing, "content": "Hi"},
        nothing,
    ]
    assert last["choices"] == []
    assert last["usage"]["reasoning_tokens"] > 0


@pytest.mark.parametrize(
    ("body", "thinks"),
    [
        ({}, False),
        (switches(thinking=True), True),
        (switches(enable_thinking=True), False),
        ({"reasoning_effort": "high"}, False),
        ({"reasoning_effort": "high", **switches(thinking=True)}, True),
        ({"reasoning_effort": "none", **switches(thinking=True)}, False),
        ({"reasoning": {"enabled": True}}, True),
    ],
)
def test_sglang_switches(sglang: Caller, body: dict[str, Any], thinks: bool) -> None:
    assert (message(sglang, **body)["reasoning_content"] is not None) is thinks


def test_sglang_can_leave_the_reasoning_in_the_text(sglang: Caller) -> None:
    sglang.server.script(TURN)
    answer = message(sglang, separate_reasoning=False, **switches(thinking=True))
    assert (answer["content"], answer["reasoning_content"]) == ("So</think>Hi", None)


@pytest.mark.parametrize("arguments", ["{broken", "[1]", '"text"', ""])
def test_sglang_requires_arguments_to_be_objects(sglang: Caller, arguments: str) -> None:
    response = ask(sglang, messages=[USER, calling(arguments), RESULT], tools=[WEATHER])
    assert response.status_code == 400
    assert response.json() == {
        "object": "error",
        "message": "messages[1]: the arguments of a tool call must be a JSON object",
        "type": "BadRequest",
        "param": None,
        "code": 400,
    }
    assert ask(sglang, messages=[USER, calling("{}"), RESULT], tools=[WEATHER]).status_code == 200


@pytest.mark.parametrize("effort", ["minimal", "xhigh"])
def test_sglang_supports_fewer_efforts(sglang: Caller, effort: str) -> None:
    response = ask(sglang, reasoning_effort=effort)
    assert response.status_code == 400
    assert f"unknown variant `{effort}`" in response.json()["message"]


@pytest.mark.parametrize(("effort", "status"), [(1, 200), (100, 200), (0, 400), (101, 400), (True, 400)])
def test_sglang_accepts_a_number_as_effort(sglang: Caller, effort: int, status: int) -> None:
    assert ask(sglang, reasoning_effort=effort).status_code == status


def test_sglang_requires_no_past_reasoning(sglang: Caller) -> None:
    body = {"messages": [USER, calling("{}"), RESULT], "tools": [WEATHER], **switches(thinking=True)}
    assert ask(sglang, **body).status_code == 200


def test_sglang_calls(sglang: Caller) -> None:
    sglang.server.script(Turn(tool_calls=[ToolCall("get_weather", {"city": "Paris"})]))
    *chunks, _ = events(ask(sglang, stream=True, tools=[WEATHER]).content)
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    first = next(delta for delta in deltas if delta["tool_calls"])
    assert re.fullmatch(r"call_[0-9a-f]{24}", first["tool_calls"][0]["id"])
    assert first["content"] is None
    assert chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"


def test_sglang_enforces_no_schema_with_tools(sglang: Caller) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    form = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
    assert message(sglang, text="Take 7.", response_format=form)["content"] == '{"n": 7}'
    assert message(sglang, text="Take 7.", response_format=form, tools=[WEATHER])["content"] != '{"n": 7}'
