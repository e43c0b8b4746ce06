"""Refusals of the service: their order, status, text and content type."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from deepseek_v4.testing import LocalServer
from tests.unit.testing.calls import OFF, Caller, tool

WEATHER = tool("w", {"city": {"type": "string"}})
USER = {"role": "user", "content": "Hi"}


def calling(*ids: str, arguments: Any = "{}") -> dict[str, Any]:
    function = {"name": "w", "arguments": arguments}
    calls = [{"id": one, "type": "function", "function": function} for one in ids]
    return {"role": "assistant", "content": "", "reasoning_content": "", "tool_calls": calls}


def taking(parameters: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": "w", "parameters": parameters}}


def result(call_id: str) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": "ok"}


def refused(response: httpx.Response, status: int = 400, octets: bool = True) -> str:
    """Check the response of a refusal and return its message."""
    error = response.json()["error"]
    assert response.status_code == status, error
    expected = "application/octet-stream" if octets else "application/json"
    assert response.headers["content-type"] == expected
    assert "x-ds-trace-id" in response.headers
    assert error["param"] is None
    assert error["code"] == "invalid_request_error"
    return str(error["message"])


# ---------------------------------------------------------------------- keys and JSON


def test_a_wrong_key_is_401_and_masked(caller: Caller) -> None:
    response = caller.http.get("/models", headers={"authorization": "Bearer sk-wrong-1234"})
    message = refused(response, 401, octets=False)
    assert message == "Authentication Fails, Your api key: ****1234 is invalid"
    assert response.json()["error"]["type"] == "authentication_error"


def test_a_missing_key_is_401(caller: Caller) -> None:
    assert httpx.post(f"{caller.server.base_url}/chat/completions", json={}).status_code == 401


def test_the_key_is_checked_before_the_body(caller: Caller) -> None:
    response = caller.http.post("/chat/completions", content=b"{", headers={"authorization": "Bearer x"})
    assert response.status_code == 401


def test_more_keys_can_be_accepted() -> None:
    with LocalServer(extra_keys=["sk-second"]) as server:
        response = httpx.get(f"{server.base_url}/models", headers={"authorization": "Bearer sk-second"})
    assert response.status_code == 200


@pytest.mark.parametrize("body", [b"{", b"", b"\xff", b'{"a": NaN}', b"[1,]"])
def test_broken_json_is_400(caller: Caller, body: bytes) -> None:
    message = refused(caller.http.post("/chat/completions", content=body), octets=False)
    assert message.startswith("Failed to parse the request body as JSON: ")


# ---------------------------------------------------------------------- types


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"thinking": True}, "thinking: invalid type: boolean `true`, expected struct ThinkingOptions"),
        ({"thinking": {}}, "thinking: missing field `type`"),
        (
            {"thinking": {"type": "on"}},
            "thinking.type: unknown variant `on`, expected one of `enabled`, `disabled`, `adaptive`",
        ),
        ({"reasoning_effort": "huge"}, "reasoning_effort: unknown variant `huge`, expected one of `none`, "),
        ({"temperature": "1"}, 'temperature: invalid type: string "1", expected f32'),
        ({"max_tokens": 1.5}, "max_tokens: invalid type: floating point `1.5`, expected u32"),
        ({"max_tokens": -1}, "max_tokens: invalid value: integer `-1`, expected u32"),
        ({"stream": "yes"}, 'stream: invalid type: string "yes", expected a boolean'),
        ({"stop": [1]}, "stop[0]: invalid type: integer `1`, expected a string"),
        ({"tools": {}}, "tools: invalid type: map, expected a sequence"),
        ({"tools": [{"type": "custom"}]}, "tools[0].type: unknown variant `custom`, expected one of `function`"),
        (
            {"tools": [WEATHER], "tool_choice": "any"},
            "tool_choice: expected one of `none`, `auto`, `required` or a tool",
        ),
        ({"response_format": {"type": "grammar"}}, "response_format.type: unknown variant `grammar`"),
        ({"response_format": {"type": "json_schema"}}, "response_format: missing field `json_schema`"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {}}},
            "response_format.json_schema: missing field `schema`",
        ),
        ({"model": None}, "model: invalid type: null, expected a string"),
        ({"messages": [{"content": "x"}]}, "messages[0]: missing field `role`"),
        (
            {"messages": [{"role": "developer", "content": "x"}]},
            "messages[0].role: unknown variant `developer`, expected one of `system`, `user`, `assistant`, `tool`, "
            "`latest_reminder`",
        ),
        ({"messages": [{"role": "function", "content": "x"}]}, "messages[0].role: unknown variant `function`"),
        ({"messages": [{"role": "user"}]}, "messages[0]: missing field `content`"),
        ({"messages": [{"role": "user", "content": None}]}, "messages[0].content: invalid type: null"),
        (
            {"messages": [{"role": "tool", "content": "x"}]},
            "messages[0]: missing field `tool_call_id`",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]},
            "messages[0]: unknown variant `input_audio`, expected one of `text`",
        ),
        (
            {"messages": [calling("a", arguments={})]},
            "messages[0].tool_calls[0].function.arguments: invalid type: map, expected a string",
        ),
    ],
)  # fmt: skip
def test_wrong_types_are_refused_with_the_deserializers_message(
    caller: Caller, change: dict[str, Any], reason: str
) -> None:
    message = refused(caller.chat(**change), 422, octets=False)
    assert message.startswith(f"Failed to deserialize the JSON body into the target type: {reason}")
    assert " at line 1 column " in message


@pytest.mark.parametrize("missing", ["model", "messages"])
def test_model_and_messages_are_required(caller: Caller, missing: str) -> None:
    body = {"model": "deepseek-flash", "messages": [USER]}
    del body[missing]
    message = refused(caller.http.post("/chat/completions", json=body), 422, octets=False)
    assert f"target type: missing field `{missing}` at line 1" in message


def test_type_errors_can_be_400_as_in_earlier_versions() -> None:
    with LocalServer(type_error_status=400) as server:
        assert Caller(server).chat(thinking=True).status_code == 400


# ---------------------------------------------------------------------- values


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"model": "gpt-9"},
            "The supported API model names are deepseek-v4-pro or deepseek-v4-flash, but you passed gpt-9.",
        ),
        ({"temperature": 2.1}, "Invalid temperature value, the valid range of temperature is [0, 2]"),
        ({"top_p": 0}, "Invalid top_p value, the valid range of top_p is (0, 1.0]"),
        ({"max_tokens": 0}, "Invalid max_tokens value, the valid range of max_tokens is [1, 393216]"),
        ({"max_tokens": 393217}, "Invalid max_tokens value, the valid range of max_tokens is [1, 393216]"),
        (
            {"presence_penalty": -3},
            "Invalid presence_penalty value, the valid range of presence_penalty is [-2, 2]",
        ),
        (
            {"frequency_penalty": 3},
            "Invalid frequency_penalty value, the valid range of frequency_penalty is [-2, 2]",
        ),
        ({"n": 2}, "Invalid n value (currently only n = 1 is supported)"),
        ({"stop": ["x"] * 17}, "Stop string array too long: 17"),
        (
            {"top_logprobs": 3},
            "Invalid top_logprobs and logprobs value, logprobs must be set to true if top_logprobs is used.",
        ),
        (
            {"logprobs": True, "top_logprobs": 21},
            "Invalid top_logprobs value, the valid range of top_logprobs is [0, 20].",
        ),
        ({"stream_options": {"include_usage": True}}, "stream_options should be set along with stream = true"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"schema": {}}}},
            "This response_format type is unavailable now",
        ),
        (
            {"response_format": {"type": "json_object"}},
            "Prompt must contain the word 'json' in some form to use 'response_format' of type 'json_object'.",
        ),
        (
            {"thinking": OFF, "reasoning_effort": "high"},
            "thinking options type cannot be disabled when reasoning_effort is set",
        ),
        ({"messages": []}, "Empty input messages"),
        (
            {"messages": [{"role": "assistant", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]},
            "Image in assistant message is not supported",
        ),
        ({"tools": [WEATHER, WEATHER]}, "Tool names must be unique."),
        (
            {"tools": [tool("get weather")]},
            "Invalid 'tools[0].function.name': string does not match pattern. "
            "Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.",
        ),
        (
            {"tools": [taking({})]},
            "Invalid schema for function 'w': schema must be a JSON Schema of 'type: \"object\"', got 'type: null'.",
        ),
        (
            {"tools": [taking({"type": "object", "required": None})]},
            "Invalid schema for function 'w': null is not of type \"array\"",
        ),
        ({"tools": [WEATHER], "tool_choice": "required"}, "Thinking mode does not support this tool_choice"),
        (
            {"tools": [WEATHER], "tool_choice": {"type": "function", "function": {"name": "w"}}},
            "Thinking mode does not support this tool_choice",
        ),
    ],
)  # fmt: skip
def test_wrong_values_are_400_with_the_documented_text(caller: Caller, change: dict[str, Any], message: str) -> None:
    assert refused(caller.chat(**change)) == message


@pytest.mark.parametrize("user_id", ["a b", "ü", "x" * 513, ""])
def test_user_ids_have_a_pattern(caller: Caller, user_id: str) -> None:
    assert "user_id" in refused(caller.chat(user_id=user_id))


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1, "parallel_tool_calls": True, "user": "x", "metadata": {}, "unknown": [1]},
        {"max_completion_tokens": 1},
        {"n": 1, "stop": None, "thinking": None, "tools": None, "tool_choice": "none"},
        {"reasoning_effort": "none"},
        {"thinking": {"type": "adaptive", "budget_tokens": 3}, "reasoning_effort": "max"},
        {"thinking": OFF, "tools": [WEATHER], "tool_choice": "required"},
        {"tools": [{"type": "deepseek_web_search"}]},
        {"response_format": {"type": "json_object"}, "messages": [{"role": "user", "content": "JSON please"}]},
        {"messages": [{"role": "system", "content": "s", "name": "n"}, USER, {"role": "system", "content": "t"}]},
        {"model": "deepseek-v4-flash"},
    ],
)
def test_ignored_and_allowed_values_are_200(caller: Caller, change: dict[str, Any]) -> None:
    response = caller.chat(**change)
    assert response.status_code == 200, response.text
    assert response.json()["model"] == change.get("model", "deepseek-flash")


def test_only_the_effort_none_disables_thinking(caller: Caller) -> None:
    assert "reasoning_content" not in caller.chat(reasoning_effort="none").json()["choices"][0]["message"]


def test_a_prompt_that_is_too_long_names_its_size() -> None:
    with LocalServer(context_length=100) as server:
        message = refused(Caller(server).chat("word " * 200, max_tokens=10))
    assert message.startswith("This model's maximum context length is 100 tokens. However, you requested ")
    assert "10 in the completion). Please reduce the length of the messages or completion." in message


def test_the_documented_context_has_a_million_tokens(caller: Caller) -> None:
    assert caller.chat("x" * 3_400_000).status_code == 200
    assert "maximum context length is 1048565" in refused(caller.chat("x" * 3_500_000))


def test_images_are_allowed_in_user_and_tool_messages(caller: Caller) -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
    messages = [{"role": "user", "content": [{"type": "text", "text": "Look"}, image]}]
    assert caller.chat(messages=messages).status_code == 200
    assert caller.chat(messages=messages, model="deepseek-v4-pro").status_code == 200  # it reads [Unsupported Image]
    messages[0]["role"] = "system"
    assert "user messages" in refused(caller.chat(messages=messages))


# ---------------------------------------------------------------------- messages


UNANSWERED = (
    "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'"
)
ORPHAN = "Messages with role 'tool' must be a response to a preceding message with 'tool_calls'"


@pytest.mark.parametrize(
    ("messages", "message"),
    [
        (
            [USER, {"role": "assistant", "content": None}, USER],
            "Invalid assistant message: content or tool_calls must be set",
        ),
        (
            [USER, {"role": "assistant"}, USER],
            "Invalid assistant message: content or tool_calls must be set",
        ),
        ([USER, result("a")], ORPHAN),
        ([USER, {"role": "assistant", "content": "x"}, result("a")], ORPHAN),
        ([USER, calling("a"), result("a"), USER, result("a")], ORPHAN),
        (
            [USER, calling("a"), result("b")],
            f"{UNANSWERED}, The following tool_call_ids did not have response messages: a",
        ),
        (
            [USER, calling("a"), USER],
            f"{UNANSWERED}. (insufficient tool messages following tool_calls message)",
        ),
        ([USER, calling("a")], f"{UNANSWERED}. (insufficient tool messages following tool_calls message)"),
        (
            [USER, calling("a", "b", "c"), result("b"), USER],
            f"{UNANSWERED}. (insufficient tool messages following tool_calls message)",
        ),
        (
            [USER, calling("a"), result("a"), calling("a"), result("a")],
            "Duplicate value for 'tool_call_id' of a in message[3]",
        ),
        (
            [USER, calling("a"), result("a"), result("a")],
            "Messages with role 'tool' must be a response to a preceding message with 'tool_calls'",
        ),
        (
            [USER, calling("a", "b"), result("a"), result("a")],
            f"{UNANSWERED}, The following tool_call_ids did not have response messages: b",
        ),
        (
            [USER, {"role": "assistant", "content": "x"}],
            "The last message of deepseek-flash must be a user message, or an assistant message with prefix mode on "
            "(refer to https://api-docs.deepseek.com/guides/chat_prefix_completion).",
        ),
    ],
)  # fmt: skip
def test_broken_histories_are_refused(caller: Caller, messages: list[Any], message: str) -> None:
    assert refused(caller.chat(messages=messages, tools=[WEATHER])) == message


def test_results_of_a_batch_may_be_in_any_order(caller: Caller) -> None:
    messages = [USER, calling("a", "b"), result("b"), result("a")]
    assert caller.chat(messages=messages, tools=[WEATHER]).status_code == 200


def test_unknown_keys_on_messages_are_tolerated(caller: Caller) -> None:
    past = {"role": "assistant", "content": "x", "reasoning": "r", "reasoning_content": "r", "index": 0}
    assert caller.chat(messages=[USER, past, USER]).status_code == 200


def test_prefix_mode_requires_the_beta_host(caller: Caller) -> None:
    messages = [USER, {"role": "assistant", "content": "```python\n", "prefix": True}]
    assert "prefix mode" in refused(caller.chat(messages=messages))
    answer = caller.chat(messages=messages, path="/beta/chat/completions").json()
    assert "print" in answer["choices"][0]["message"]["content"]


def test_a_choice_without_tools_is_ignored(caller: Caller) -> None:
    for choice in ("auto", "required", {"type": "function", "function": {"name": "other"}}):
        assert caller.chat(tool_choice=choice).status_code == 200
        assert caller.chat(tools=[], tool_choice=choice).status_code == 200


def test_a_tool_choice_must_name_a_tool(caller: Caller) -> None:
    choice = {"type": "function", "function": {"name": "other"}}
    assert "'other'" in refused(caller.chat(tools=[WEATHER], tool_choice=choice, thinking=OFF))


# ---------------------------------------------------------------------- order


def test_types_are_checked_before_the_model_and_the_model_before_ranges(caller: Caller) -> None:
    everything = {"model": "gpt-9", "temperature": 9, "messages": []}
    assert "Failed to deserialize" in refused(caller.chat(**everything, stream=1), 422, octets=False)
    assert "gpt-9" in refused(caller.chat(**everything))
    assert "temperature" in refused(caller.chat(**{**everything, "model": "deepseek-flash"}))


def test_errors_of_a_streamed_request_are_plain_json(caller: Caller) -> None:
    response = caller.chat(stream=True, temperature=9)
    assert json.loads(response.content)["error"]["message"].startswith("Invalid temperature")
