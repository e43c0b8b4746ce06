"""EmpirioLabs' dialect: variants and their abilities, the gateway's defaults, search, codes of errors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from deepseek_v4.testing import Fault, LocalServer, ToolCall, Turn
from tests.unit.testing.calls import Caller, events, named_events, tool

BASE = "deepseek-v4-flash"
TOOLS = f"{BASE}:variant2"
USER = {"role": "user", "content": "Hi"}
WEATHER = tool("get_weather", {"city": {"type": "string"}})
RESULT = {"role": "tool", "tool_call_id": "a", "content": "ok"}
CALL = {
    "role": "assistant",
    "content": "",
    "tool_calls": [{"id": "a", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}],
}


@pytest.fixture
def gateway() -> Iterator[Caller]:
    """A client of a strict EmpirioLabs server."""
    with LocalServer(provider="empiriolabs") as server:
        one = Caller(server)
        with one.http:
            yield one


def ask(gateway: Caller, text: str = "Hello", **body: Any) -> httpx.Response:
    return gateway.chat(text, **{"model": BASE, **body})


def refused(response: httpx.Response, status: int = 400, code: str = "invalid_request_error") -> str:
    """Check the envelope of a refusal and return its message."""
    error = response.json()["error"]
    assert response.status_code == status, error
    assert response.headers["content-type"] == "application/json"
    assert (set(error), error["code"]) == ({"message", "type", "param", "code"}, code)
    return str(error["message"])


# ---------------------------------------------------------------------- answers


def test_a_complete_answer(gateway: Caller) -> None:
    gateway.server.script(Turn(text="Hi", reasoning="A greeting."))
    body = ask(gateway).json()
    assert body["id"].startswith("chatcmpl-")
    assert body["model"] == BASE
    message = body["choices"][0]["message"]
    assert message == {"role": "assistant", "content": "Hi", "reasoning_content": "A greeting."}
    assert set(body["usage"]) >= {"prompt_tokens", "completion_tokens", "total_tokens", "completion_tokens_details"}


def test_a_stream_with_usage_at_its_end(gateway: Caller) -> None:
    gateway.server.script(*[Turn(text="Hi", reasoning="So", chunk_size=2)] * 2)
    *chunks, last, done = events(ask(gateway, stream=True, stream_options={"include_usage": True}).content)
    assert [chunk["choices"][0]["delta"] for chunk in chunks] == [
        {"role": "assistant", "content": ""},
        {"reasoning_content": "So"},
        {"content": "Hi"},
        {"content": ""},
    ]
    assert (last["choices"], done) == ([], "[DONE]")
    assert last["usage"]["total_tokens"] > 0
    assert all("usage" not in chunk for chunk in events(ask(gateway, stream=True).content)[:-1])


def test_the_gateways_defaults(gateway: Caller) -> None:
    gateway.server.script(*[Turn(text="word " * 5000)] * 2)
    body = ask(gateway).json()
    assert body["usage"]["completion_tokens"] == 4096
    assert body["choices"][0]["finish_reason"] == "length"
    assert ask(gateway, max_tokens=8192).json()["choices"][0]["finish_reason"] == "stop"


def test_its_own_system_prompt_is_billed(gateway: Caller) -> None:
    def tokens(*messages: Any) -> int:
        return int(ask(gateway, messages=[*messages]).json()["usage"]["prompt_tokens"])

    plain = tokens(USER)
    for role in ("system", "developer"):
        assert tokens({"role": role, "content": ""}, USER) < plain


def test_budgets_cut_the_reasoning(gateway: Caller) -> None:
    gateway.server.script(Turn(text="x", reasoning="one two three"))
    message = ask(gateway, thinking_budget=2).json()["choices"][0]["message"]
    assert (message["reasoning_content"], message["content"]) == ("one two", "x")


@pytest.mark.parametrize("off", [{"reasoning_effort": "none"}, {"enable_thinking": False}])
def test_thinking_can_be_disabled(gateway: Caller, off: dict[str, Any]) -> None:
    assert "reasoning_content" not in ask(gateway, **off).json()["choices"][0]["message"]


def test_cached_tokens_on_variant2_only(gateway: Caller) -> None:
    def cached(model: str) -> int:
        text = "The same words again and again. " * 60
        return int(
            [ask(gateway, text, model=model).json() for _ in range(2)][1]["usage"]["prompt_tokens_details"][
                "cached_tokens"
            ]
        )

    assert cached(BASE) == 0
    assert cached(TOOLS) > 0


# ---------------------------------------------------------------------- web search


def test_linkup_lists_its_sources_after_the_answer(gateway: Caller) -> None:
    content = ask(gateway, web_search_linkup=True).json()["choices"][0]["message"]["content"]
    assert content.endswith("Sources:\n1. [A page the local server made up](https://example.com/local-server)")
    plain = ask(gateway, web_search_linkup=True, disable_formatting=True).json()["choices"][0]["message"]["content"]
    assert "Sources" not in plain
    gateway.server.script(Turn(text="x", citations=[{"url": "u", "title": "t", "content": "c"}]))
    streamed = events(ask(gateway, web_search_linkup=True, stream=True).content)[:-1]
    text = "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in streamed)
    assert text == "x\n\nSources:\n1. [t](u)"


def test_the_variants_search_without_a_footer(gateway: Caller) -> None:
    for name in ("variant1", "variant2"):
        body = ask(gateway, model=f"{BASE}:{name}", tool_web_search=True).json()
        assert "Sources" not in body["choices"][0]["message"]["content"]


# ---------------------------------------------------------------------- variants


def test_only_variant2_supports_tools(gateway: Caller) -> None:
    for name in (BASE, f"{BASE}:variant1", f"{BASE}:variant3", "deepseek-v4-flash-0731"):
        message = refused(ask(gateway, model=name, tools=[WEATHER]))
        assert message == f"Model '{name}' does not support function calling; deepseek-v4-flash:variant2 does"
    calls = ask(gateway, "Weather in Paris?", model=TOOLS, tools=[WEATHER]).json()["choices"][0]["message"][
        "tool_calls"
    ]
    assert calls[0]["function"] == {"name": "get_weather", "arguments": '{"city": "Paris"}'}
    assert "index" not in calls[0]


def test_any_numbered_variant_is_accepted(gateway: Caller) -> None:
    for name in (f"{BASE}:variant3", f"{BASE}:variant17", "deepseek-v4-flash-0731:variant1"):
        assert ask(gateway, model=name).json()["model"] == name
    for name in (f"{BASE}:free", f"{BASE}:variant", "deepseek/deepseek-v4-flash", "gpt-5"):
        assert refused(ask(gateway, model=name), 404, "model_not_found") == f"Model '{name}' not found"


@pytest.mark.parametrize(
    ("model", "switch"),
    [
        (BASE, "tool_web_search"),
        (f"{BASE}:variant1", "web_search_linkup"),
        (TOOLS, "disable_formatting"),
        (f"{BASE}:variant3", "tool_web_search"),
    ],
)
def test_switches_of_other_variants_are_refused_when_strict(gateway: Caller, model: str, switch: str) -> None:
    assert switch in refused(ask(gateway, model=model, **{switch: True}))
    gateway.server.configure(passback="lenient")
    assert ask(gateway, model=model, **{switch: True}).status_code == 200


def test_the_token_limit_of_variant2(gateway: Caller) -> None:
    assert "384000" in refused(ask(gateway, model=TOOLS, max_tokens=384_001))
    assert ask(gateway, max_tokens=393_216).status_code == 200
    gateway.server.configure(passback="lenient")
    assert ask(gateway, model=TOOLS, max_tokens=393_216).status_code == 200


# ---------------------------------------------------------------------- parameters


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"temperature": 2.5}, "Invalid temperature"),
        ({"top_p": 1.5}, "Invalid top_p"),
        ({"max_tokens": 0}, "Invalid max_tokens"),
        ({"max_tokens": 393_217}, "Invalid max_tokens"),
        ({"thinking_budget": 0}, "Invalid thinking_budget"),
        ({"reasoning_effort": "minimal"}, "unknown variant `minimal`"),
        ({"reasoning_effort": "xhigh"}, "unknown variant `xhigh`"),
        ({"stop": ["a"] * 5}, "at most 4 strings"),
        ({"enable_thinking": "yes"}, "enable_thinking: invalid type"),
        ({"web_search_linkup": {}}, "web_search_linkup: invalid type"),
        ({"reasoning_effort": "high", "enable_thinking": True}, "cannot be combined"),
        ({"reasoning_effort": "high", "thinking_budget": 100}, "cannot be combined"),
    ],
)
def test_invalid_requests_are_refused(gateway: Caller, change: dict[str, Any], message: str) -> None:
    assert message in refused(ask(gateway, **change))


@pytest.mark.parametrize(
    "allowed",
    [
        {"temperature": 0, "top_p": 0, "stop": "x"},
        {"stop": ["a", "b", "c", "d"]},
        {"enable_thinking": True, "thinking_budget": 393_216},
        {"reasoning_effort": "max"},
        {"seed": 1, "frequency_penalty": 9, "logprobs": "x", "top_k": -5, "n": 3},
        {"messages": [{"role": "developer", "content": "x"}, USER]},
    ],
)
def test_valid_options_are_accepted(gateway: Caller, allowed: dict[str, Any]) -> None:
    response = ask(gateway, **allowed)
    assert response.status_code == 200, response.text


def test_an_effort_is_used_in_lenient_mode(gateway: Caller) -> None:
    gateway.server.configure(passback="lenient")
    body = ask(gateway, reasoning_effort="none", enable_thinking=True).json()
    assert "reasoning_content" not in body["choices"][0]["message"]


# ---------------------------------------------------------------------- keys, errors, reasoning


def test_keys(gateway: Caller) -> None:
    url = f"{gateway.server.base_url}/chat/completions"
    assert gateway.server.base_url.endswith("/v1")
    sent = {"model": BASE, "messages": [USER]}
    refused(httpx.post(url, json=sent), 401, "missing_api_key")
    refused(httpx.post(url, json=sent, headers={"authorization": "Bearer x"}), 401, "invalid_api_key")
    assert httpx.post(url, json=sent, headers={"x-api-key": gateway.server.api_key}).status_code == 200


@pytest.mark.parametrize(
    ("status", "code"),
    [(402, "insufficient_credits"), (429, "rate_limit_exceeded"), (503, "model_unavailable"), (502, "upstream_error")],
)
def test_codes_of_errors(gateway: Caller, status: int, code: str) -> None:
    gateway.server.fault(Fault.status(status))
    assert refused(ask(gateway), status, code)


def test_reasoning_is_required_with_tools(gateway: Caller) -> None:
    def send(*messages: Any, **body: Any) -> httpx.Response:
        return ask(gateway, model=TOOLS, messages=[*messages], **{"tools": [WEATHER], **body})

    message = refused(send(USER, CALL, RESULT), 400, "upstream_error")
    assert message == "The `reasoning_content` in the thinking mode must be passed back to the API."
    assert send(USER, CALL | {"reasoning_content": ""}, RESULT).status_code == 200
    assert send(USER, CALL, RESULT, enable_thinking=False).status_code == 200
    refused(send(USER, {"role": "assistant", "content": "x"}, USER), 400, "upstream_error")
    gateway.server.configure(passback="off")
    assert send(USER, CALL, RESULT).status_code == 200


# ---------------------------------------------------------------------- the other endpoints


def test_the_schema_of_a_model(gateway: Caller) -> None:
    entry = gateway.http.get(f"/models/{TOOLS}").json()
    assert (entry["id"], entry["max_output_tokens"]) == (TOOLS, 384_000)
    assert entry["capabilities"]["function_calling"] is True
    assert entry["pricing"] == {"input": 0.138, "output": 0.275, "cache_read": 0.028}
    parameters = {one["name"]: one for one in entry["supported_parameters"]}
    assert parameters["max_tokens"]["default"] == 4096
    assert parameters["reasoning_effort"]["allowed"] == ["none", "low", "medium", "high", "max"]
    assert "tool_web_search" in parameters
    assert "disable_formatting" not in parameters
    base = gateway.http.get(f"/models/{BASE}").json()
    assert base["capabilities"]["function_calling"] is False
    assert {one["name"] for one in base["supported_parameters"]} >= {"web_search_linkup", "disable_formatting"}
    assert len(gateway.http.get("/models").json()["data"]) == 3
    assert gateway.http.get("/models/x").status_code == 404


def test_the_responses_endpoint(gateway: Caller) -> None:
    items = gateway.responses(model=BASE).json()["output"]
    assert [item["type"] for item in items] == ["reasoning", "message"]
    off = gateway.responses(model=BASE, enable_thinking=False).json()["output"]
    assert [item["type"] for item in off] == ["message"]
    assert named_events(gateway.responses(model=BASE, stream=True).content)[-1]["type"] == "response.completed"
    flat = {"type": "function", **WEATHER["function"]}
    refused(gateway.responses(model=BASE, tools=[flat]))
    gateway.server.script(Turn(tool_calls=[ToolCall("get_weather", "{}")]))
    assert gateway.responses(model=TOOLS, tools=[flat]).json()["output"][-1]["type"] == "function_call"
    assert "thinking_budget" in refused(gateway.responses(model=BASE, thinking_budget=0))


def test_the_messages_endpoint(gateway: Caller) -> None:
    blocks = gateway.messages(path="/messages", model=BASE).json()["content"]
    assert [block["type"] for block in blocks] == ["thinking", "text"]
    off = gateway.messages(path="/messages", model=BASE, thinking={"type": "disabled"}).json()["content"]
    assert [block["type"] for block in off] == ["text"]
    gateway.server.script(Turn(text="x", reasoning="one two three"))
    enabled = {"type": "enabled", "budget_tokens": 2}
    assert (
        gateway.messages(path="/messages", model=BASE, thinking=enabled).json()["content"][0]["thinking"] == "one two"
    )
    response = gateway.messages(path="/messages", model="x")
    assert response.status_code == 404
    assert response.json() == {
        "type": "error",
        "error": {"type": "not_found_error", "message": "Model 'x' not found", "code": "model_not_found"},
    }


def test_a_schema_is_followed(gateway: Caller) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    form = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
    content = ask(gateway, "Take 7.", response_format=form).json()["choices"][0]["message"]["content"]
    assert json.loads(content) == {"n": 7}
