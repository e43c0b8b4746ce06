"""OpenRouter's dialect: ids, parameters, routing, costs, records of reasoning, errors in its own envelope."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from deepseek_v4.testing import Fault, LocalServer, ToolCall, Turn
from tests.unit.testing.calls import Caller, events, tool

MODEL = "deepseek/deepseek-v4-flash"
DATED = "deepseek/deepseek-v4-flash-20260423"
USER = {"role": "user", "content": "Hi"}
WEATHER = tool("get_weather", {"city": {"type": "string"}})
RESULT = {"role": "tool", "tool_call_id": "a", "content": "ok"}
CALL = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{"id": "a", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}],
}
DETAIL = {"type": "reasoning.text", "text": "because", "format": "unknown", "index": 0}


@pytest.fixture
def router() -> Iterator[Caller]:
    """A client of a strict OpenRouter server."""
    with LocalServer(provider="openrouter") as server:
        one = Caller(server)
        with one.http:
            yield one


def ask(router: Caller, text: str = "Hello", **body: Any) -> httpx.Response:
    return router.chat(text, **{"model": MODEL, **body})


def stream(router: Caller, **body: Any) -> list[Any]:
    return events(ask(router, stream=True, **body).content)


def refused(response: httpx.Response, status: int = 400) -> dict[str, Any]:
    """Check the envelope of a refusal and return its error."""
    body = response.json()
    assert response.status_code == status, body
    assert response.headers["content-type"] == "application/json"
    assert body["error"]["code"] == status
    assert isinstance(body["error"]["metadata"]["error_type"], str)
    assert "user_id" in body
    return dict(body["error"])


# ---------------------------------------------------------------------- answers


def test_a_complete_answer(router: Caller) -> None:
    router.server.script(Turn(text="Hi", reasoning="A greeting."))
    response = ask(router)
    body = response.json()
    assert re.fullmatch(r"gen-\d+-[A-Za-z0-9]{20}", body["id"])
    assert response.headers["x-generation-id"] == body["id"]
    assert (body["object"], body["model"], body["provider"]) == ("chat.completion", DATED, "DeepSeek")
    choice = body["choices"][0]
    assert (choice["finish_reason"], choice["native_finish_reason"]) == ("stop", "stop")
    assert choice["message"] == {
        "role": "assistant",
        "content": "Hi",
        "refusal": None,
        "reasoning": "A greeting.",
        "reasoning_details": [{"type": "reasoning.text", "text": "A greeting.", "format": "unknown", "index": 0}],
    }


def test_costs_are_added(router: Caller) -> None:
    usage = ask(router).json()["usage"]
    details = usage["cost_details"]
    assert usage["cost"] == pytest.approx(usage["prompt_tokens"] * 0.14e-6 + usage["completion_tokens"] * 0.28e-6)
    assert usage["cost"] == pytest.approx(
        details["upstream_inference_prompt_cost"] + details["upstream_inference_completions_cost"]
    )
    assert usage["is_byok"] is False
    assert set(usage["prompt_tokens_details"]) == {
        "cached_tokens",
        "cache_write_tokens",
        "audio_tokens",
        "video_tokens",
    }


def test_calls_come_with_null_content_and_an_index(router: Caller) -> None:
    message = ask(router, "Weather in Paris?", tools=[WEATHER]).json()["choices"][0]["message"]
    assert message["content"] is None
    assert message["tool_calls"][0]["index"] == 0
    assert message["tool_calls"][0]["function"]["arguments"] == '{"city": "Paris"}'


def test_the_deltas_of_a_stream(router: Caller) -> None:
    calls = [ToolCall("w", "{}", id="one")]
    router.server.script(Turn(text="Hi", reasoning="So", tool_calls=calls, chunk_size=1))
    response = ask(router, stream=True)
    *chunks, done = events(response.content)
    assert done == "[DONE]"
    record = {"type": "reasoning.text", "format": "unknown", "index": 0}
    announced = {"index": 0, "id": "one", "type": "function", "function": {"name": "w", "arguments": ""}}
    role = {"role": "assistant"}
    assert [chunk["choices"][0]["delta"] for chunk in chunks] == [
        {"content": "", **role},
        {"content": "", **role, "reasoning": "S", "reasoning_details": [{**record, "text": "S"}]},
        {"content": "", **role, "reasoning": "o", "reasoning_details": [{**record, "text": "o"}]},
        {"content": "H", **role},
        {"content": "i", **role},
        {"content": None, **role, "tool_calls": [announced]},
        {"content": None, **role, "tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]},
        {"content": "", **role},
        {"content": "", **role},
    ]
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks[-3:]] == [None, "tool_calls", "tool_calls"]
    assert ["usage" in chunk for chunk in chunks[-2:]] == [False, True]
    assert chunks[0]["provider"] == "DeepSeek"


@pytest.mark.parametrize(
    ("shape", "choices", "finishes"),
    [
        ("separate", 0, ["stop"]),
        ("null_finish", 1, ["stop", None]),
        ("repeated_finish", 1, ["stop", "stop"]),
        ("with_finish", 1, ["stop"]),
    ],
)
def test_usage_comes_in_one_of_several_shapes(router: Caller, shape: Any, choices: int, finishes: list[Any]) -> None:
    router.server.configure(usage_chunk=shape)
    router.server.script(Turn(text="x"))
    chunks = [c for c in stream(router)[:-1] if c["choices"] == [] or not c["choices"][0]["delta"]["content"]][1:]
    assert len(chunks[-1]["choices"]) == choices
    assert chunks[-1]["usage"]["cost"] > 0
    assert [c["choices"][0]["finish_reason"] for c in chunks if c["choices"]] == finishes


def test_comments_keep_the_stream_alive(router: Caller) -> None:
    router.server.configure(keep_alives=2)
    assert ask(router, stream=True).content.startswith(b": OPENROUTER PROCESSING\n\n: OPENROUTER PROCESSING\n\ndata: {")


def test_scripted_details_are_streamed_in_fragments_and_complete(router: Caller) -> None:
    details = [
        {"type": "reasoning.summary", "summary": "abc", "format": "openai-responses-v1", "index": 0, "id": "rs"},
        {"type": "reasoning.encrypted", "data": "xyz", "format": "openai-responses-v1", "index": 1, "id": "rs"},
    ]
    router.server.script(*[Turn(text="x", reasoning_details=details, chunk_size=2)] * 2)
    message = ask(router).json()["choices"][0]["message"]
    assert (message["reasoning_details"], message["reasoning"]) == (details, "abc")
    deltas = [chunk["choices"][0]["delta"] for chunk in stream(router)[:-1]]
    records = [d["reasoning_details"][0] for d in deltas if d.get("reasoning_details")]
    assert [(p["type"], p.get("summary"), p.get("id")) for p in records] == [
        ("reasoning.summary", "ab", None),
        ("reasoning.summary", "c", "rs"),
        ("reasoning.encrypted", None, "rs"),
    ]


def test_without_visible_thinking_the_record_is_empty(router: Caller) -> None:
    router.server.script(*[Turn(text="x")] * 2)
    assert ask(router).json()["choices"][0]["message"]["reasoning_details"] == []
    assert stream(router)[0]["choices"][0]["delta"]["reasoning_details"] == []


@pytest.mark.parametrize("off", [{"effort": "none"}, {"enabled": False}])
def test_thinking_can_be_disabled(router: Caller, off: dict[str, Any]) -> None:
    body = ask(router, reasoning=off).json()
    assert "reasoning_details" not in body["choices"][0]["message"]
    assert body["usage"]["completion_tokens_details"]["reasoning_tokens"] == 0


@pytest.mark.parametrize("hiding", [{"reasoning": {"exclude": True}}, {"include_reasoning": False}])
def test_hidden_reasoning_is_billed(router: Caller, hiding: dict[str, Any]) -> None:
    body = ask(router, **hiding).json()
    assert "reasoning_details" not in body["choices"][0]["message"]
    assert body["usage"]["completion_tokens_details"]["reasoning_tokens"] > 0
    assert all("reasoning" not in c["choices"][0]["delta"] for c in stream(router, **hiding)[:-1])


def test_a_budget_cuts_the_reasoning(router: Caller) -> None:
    router.server.script(Turn(text="x", reasoning="one two three"))
    message = ask(router, reasoning={"max_tokens": 2}).json()["choices"][0]["message"]
    assert message["reasoning"] == "one two"


@pytest.mark.parametrize(
    "search",
    [
        {"plugins": [{"id": "web"}]},
        {"tools": [{"type": "openrouter:web_search", "parameters": {"max_results": 3}}]},
        {"tools": [{"type": "web_search_preview"}]},
        {"model": f"{MODEL}:online"},
    ],
)
def test_a_search_adds_citations(router: Caller, search: dict[str, Any]) -> None:
    body = ask(router, **search).json()
    citation = body["choices"][0]["message"]["annotations"][0]
    assert citation["type"] == "url_citation"
    assert set(citation["url_citation"]) == {"url", "title", "content", "start_index", "end_index"}
    assert body["usage"]["server_tool_use_details"]["web_search_requests"] == 1
    assert body["usage"]["cost"] > 0.02
    deltas = [chunk["choices"][0]["delta"] for chunk in stream(router, **search)[:-1]]
    assert sum("annotations" in delta for delta in deltas) == 1


def test_a_schema_is_followed(router: Caller) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    form = {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": schema}}
    assert json.loads(ask(router, "Take 7.", response_format=form).json()["choices"][0]["message"]["content"]) == {
        "n": 7
    }


def test_developer_messages_are_accepted(router: Caller) -> None:
    assert ask(router, messages=[{"role": "developer", "content": "x"}, USER]).status_code == 200


# ---------------------------------------------------------------------- models and routing


@pytest.mark.parametrize("name", ["deepseek-v4-flash", "deepseek/deepseek-v9", f"{MODEL}:cheap", "DeepSeek/x"])
def test_ids_require_their_author(router: Caller, name: str) -> None:
    error = refused(ask(router, model=name))
    assert error["message"] == f"{name} is not a valid model ID"
    assert error["availability"]["code"] == "model_not_found"
    assert error["availability"]["retryable"] is False


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        (f"{MODEL}:free", DATED),
        (f"{MODEL}:free:nitro", DATED),
        (f"~{MODEL}-latest", DATED),
        ("deepseek/deepseek-v4.1-flash", "deepseek/deepseek-v4.1-flash-20260910"),
    ],
)
def test_variants_are_answered_by_the_dated_model(router: Caller, name: str, slug: str) -> None:
    assert ask(router, model=name).json()["model"] == slug


def test_fallbacks_replace_unavailable_models(router: Caller) -> None:
    router.server.configure(unavailable_models=(MODEL,))
    pro = "deepseek/deepseek-v4-pro"
    assert ask(router, models=[pro]).json()["model"] == f"{pro}-20260423"
    error = refused(ask(router), 503)
    assert error["availability"]["code"] == "temporarily_unavailable"
    assert error["availability"]["retryable"] is True
    assert "not a valid model ID" in refused(ask(router, models=["x"]))["message"]


@pytest.mark.parametrize(
    ("preferences", "host"),
    [
        ({"order": ["Novita", "deepinfra"]}, "Novita"),
        ({"only": ["deepinfra/turbo"]}, "DeepInfra"),
        ({"ignore": ["deepseek"]}, "DeepInfra"),
        ({"require_parameters": True}, "DeepSeek"),
        ({"max_price": {"prompt": 1, "completion": "0.5"}}, "DeepSeek"),
        ({"sort": {"by": "price", "partition": "none"}, "data_collection": "deny"}, "DeepSeek"),
        ({"order": ["unknown"]}, "DeepSeek"),
    ],
)
def test_preferences_select_the_host(router: Caller, preferences: dict[str, Any], host: str) -> None:
    assert ask(router, provider=preferences).json()["provider"] == host


@pytest.mark.parametrize(
    ("body", "by"),
    [
        ({"provider": {"only": ["unlisted"]}}, "only"),
        ({"provider": {"order": ["unlisted"], "allow_fallbacks": False}}, "order"),
        ({"provider": {"max_price": {"prompt": 0.01}}}, "max_price"),
        ({"provider": {"quantizations": ["int4"]}}, "quantizations"),
        *[
            ({"provider": {"require_parameters": True}, **one}, "require_parameters")
            for one in (
                {"max_completion_tokens": 9},
                {"parallel_tool_calls": True},
                {"reasoning_effort": "high"},
                {"top_a": 0.5},
                {"verbosity": "low"},
            )
        ],
    ],
)
def test_preferences_that_no_host_meets_are_404(router: Caller, body: dict[str, Any], by: str) -> None:
    error = refused(ask(router, **body), 404)
    assert error["availability"]["code"] == "constraint_filtered"
    assert by in error["availability"]["excluded_by"]


def test_unlisted_parameters_are_ignored_by_default(router: Caller) -> None:
    assert ask(router, parallel_tool_calls=False, verbosity="low", top_a=0.5, prediction={}).status_code == 200


# ---------------------------------------------------------------------- parameters


@pytest.mark.parametrize(
    "allowed",
    [
        {"temperature": 2},
        {"top_p": 1},
        {"top_k": 0},
        {"min_p": 1},
        {"frequency_penalty": -2},
        {"presence_penalty": 2},
        {"repetition_penalty": 2},
        {"logit_bias": {"50256": -100}},
        {"logprobs": True, "top_logprobs": 20},
        {"seed": -3},
        {"stop": ["a", "b", "c", "d"]},
        {"max_tokens": 1},
        {"response_format": {"type": "text"}},
        {"structured_outputs": True},
        {"include_reasoning": True},
        {"reasoning": {"effort": "xhigh", "enabled": True, "summary": "auto"}},
        {"reasoning_effort": "low", "reasoning": {"effort": "low"}},
        {"stream_options": {"include_usage": True}},
        {"usage": {"include": True}},
        {"session_id": "s" * 256},
        {"metadata": {"k": "v"}},
        {"plugins": [{"id": "response-healing"}, {"id": "web", "enabled": False}]},
        {"service_tier": "flex", "user": "u", "trace": {"trace_id": "t"}, "transforms": ["middle-out"]},
        {"tools": [WEATHER], "tool_choice": "auto"},
        {"something_new": 1},
    ],
)
def test_valid_options_are_accepted(router: Caller, allowed: dict[str, Any]) -> None:
    response = ask(router, **allowed)
    assert response.status_code == 200, response.text


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"temperature": 2.1}, "temperature"),
        ({"temperature": "1"}, "temperature"),
        ({"top_p": 0}, "top_p"),
        ({"top_k": -1}, "top_k"),
        ({"min_p": 1.1}, "min_p"),
        ({"top_a": -0.1}, "top_a"),
        ({"frequency_penalty": 2.5}, "frequency_penalty"),
        ({"presence_penalty": -2.5}, "presence_penalty"),
        ({"repetition_penalty": 0}, "repetition_penalty"),
        ({"logit_bias": {"1": 101}}, "logit_bias.1"),
        ({"logit_bias": {"word": 1}}, "logit_bias.word"),
        ({"logprobs": 1}, "logprobs"),
        ({"logprobs": True, "top_logprobs": 21}, "top_logprobs"),
        ({"top_logprobs": 3}, "top_logprobs"),
        ({"seed": 1.5}, "seed"),
        ({"stop": ["a"] * 5}, "stop"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_completion_tokens": 0}, "max_completion_tokens"),
        ({"response_format": {"type": "xml"}}, "response_format.type"),
        ({"response_format": {"type": "json_schema", "json_schema": {"schema": {}}}}, "response_format.json_schema"),
        ({"structured_outputs": "yes"}, "structured_outputs"),
        ({"include_reasoning": "yes"}, "include_reasoning"),
        ({"reasoning": {"effort": "ultra"}}, "reasoning.effort"),
        ({"reasoning": "high"}, "reasoning"),
        ({"reasoning": {"effort": "high", "max_tokens": 100}}, 'only one of "effort" and "max_tokens"'),
        ({"reasoning": {"effort": "high"}, "reasoning_effort": "low"}, "reasoning_effort and reasoning.effort differ"),
        ({"session_id": "s" * 257}, "session_id"),
        ({"metadata": {str(i): "v" for i in range(17)}}, "metadata"),
        ({"plugins": [{"id": "unknown"}]}, "plugins[0].id"),
        ({"tools": [{"type": "mcp"}]}, "tools[0].type"),
        ({"tools": [tool("n" * 65)]}, "tools[0].function.name"),
        ({"tools": [{"type": "openrouter:web_search", "parameters": {"max_results": 26}}]}, "max_results"),
        ({"tool_choice": "any"}, "tool_choice"),
        ({"provider": {"sort": "speed"}}, "provider.sort"),
        ({"provider": {"quantizations": ["int3"]}}, "provider.quantizations[0]"),
        ({"provider": {"orders": []}}, "provider: unknown field `orders`"),
        ({"provider": {"order": "DeepInfra"}}, "provider.order"),
        ({"models": MODEL}, "models"),
        ({"messages": [{"role": "function", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{**CALL, "reasoning_details": [{"text": "x"}]}, RESULT]}, "reasoning_details[0]"),
    ],
)
def test_invalid_requests_are_refused(router: Caller, change: dict[str, Any], path: str) -> None:
    error = refused(ask(router, **change))
    assert error["message"].startswith("Invalid request: ")
    assert path in error["message"]
    assert error["metadata"]["error_type"] == "invalid_request"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"messages": [USER, CALL, USER], "reasoning": {"enabled": False}}, "must be followed by tool messages"),
        ({"tools": [WEATHER, WEATHER]}, "Tool names must be unique."),
        ({"tools": [WEATHER], "tool_choice": "required"}, "Thinking mode does not support this tool_choice"),
        ({"response_format": {"type": "json_object"}}, "must contain the word 'json'"),
    ],
)
def test_the_hosts_refusals_are_in_an_envelope(router: Caller, change: dict[str, Any], message: str) -> None:
    error = refused(ask(router, **change))
    assert error["message"] == "Provider returned error"
    assert error["metadata"]["provider_name"] == "DeepSeek"
    assert message in json.loads(error["metadata"]["raw"])["error"]["message"]


def test_other_hosts_accept_options_that_deepseeks_refuses(router: Caller) -> None:
    router.server.configure(passback="lenient")
    assert ask(router, tools=[WEATHER], tool_choice="required").status_code == 200


def test_keys_and_headers(router: Caller) -> None:
    url = f"{router.server.base_url}/chat/completions"
    assert router.server.base_url.endswith("/api/v1")
    assert refused(httpx.post(url, json={}), 401)["message"] == "No auth credentials found"
    assert refused(httpx.post(url, json={}, headers={"authorization": "Bearer x"}), 401)["message"] == "User not found."
    odd = {"HTTP-Referer": "nonsense", "X-Title": "t", "X-OpenRouter-Categories": "a,b,c", "x-session-id": "s" * 999}
    assert (
        router.http.post("/chat/completions", json={"model": MODEL, "messages": [USER]}, headers=odd).status_code == 200
    )
    assert httpx.post(url.replace("/api/v1", ""), json={}).status_code == 404


# ---------------------------------------------------------------------- reasoning is passed back


def status(rule: Any, *messages: Any, **body: Any) -> int:
    with LocalServer(provider="openrouter", passback=rule) as server:
        response = ask(Caller(server), messages=[*messages], **{"tools": [WEATHER], **body})
    if response.status_code == 400:
        assert "must be passed back" in response.json()["error"]["metadata"]["raw"]
    return response.status_code


@pytest.mark.parametrize(
    "reasoning",
    [{"reasoning_details": [DETAIL]}, {"reasoning_details": []}, {"reasoning_content": ""}, {"reasoning": "because"}],
)
def test_every_form_of_reasoning_is_accepted(reasoning: dict[str, Any]) -> None:
    assert status("strict", USER, CALL | reasoning, RESULT) == 200


def test_the_pass_back_rule() -> None:
    plain = {"role": "assistant", "content": "x"}
    assert status("strict", USER, CALL, RESULT) == 400
    assert status("lenient", USER, CALL, RESULT) == 400
    assert status("off", USER, CALL, RESULT) == 200
    assert status("strict", USER, CALL, RESULT, reasoning={"effort": "none"}) == 200
    assert status("strict", USER, plain, USER) == 400
    assert status("lenient", USER, plain, USER) == 200


def follow_up(router: Caller, message: dict[str, Any], **change: Any) -> int:
    """Return the status of the request after a tool call whose assistant message is changed."""
    result = {**RESULT, "tool_call_id": message["tool_calls"][0]["id"]}
    sent = {"role": "user", "content": "Weather in Paris?"}
    changed = {key: value for key, value in {**message, **change}.items() if value is not ...}
    return ask(router, messages=[sent, changed, result], tools=[WEATHER]).status_code


def test_reasoning_must_be_passed_back_unchanged(router: Caller) -> None:
    details = [DETAIL, {"type": "reasoning.encrypted", "data": "xyz", "id": "1", "format": None, "index": 1}]
    router.server.script(Turn(tool_calls=[ToolCall("get_weather", {"city": "Paris"})], reasoning_details=details))
    message = ask(router, "Weather in Paris?", tools=[WEATHER]).json()["choices"][0]["message"]
    assert follow_up(router, message) == 200
    assert follow_up(router, message, reasoning_details=..., reasoning=..., reasoning_content="because") == 200
    for wrong in (details[:1], details[::-1], [], [{**DETAIL, "text": "Because"}, details[1]], [DETAIL, *details]):
        assert follow_up(router, message, reasoning_details=wrong) == 400
    assert follow_up(router, message, reasoning_details=..., reasoning=..., reasoning_content="Because") == 400
    router.server.configure(passback="lenient")
    assert follow_up(router, message, reasoning_details=[]) == 200


# ---------------------------------------------------------------------- faults


def test_faults_have_the_envelope(router: Caller) -> None:
    for code, kind in ((402, "payment_required"), (429, "rate_limit_exceeded"), (529, "provider_overloaded")):
        router.server.fault(Fault.status(code))
        assert refused(ask(router), code)["metadata"]["error_type"] == kind


def test_an_error_in_a_complete_body(router: Caller) -> None:
    error = {"code": 502, "message": "Provider returned error"}
    router.server.fault(Fault.error_in_stream(0, error))
    response = ask(router)
    assert (response.status_code, response.json()) == (200, {"error": error})
    router.server.script(Turn(text="abcd"))
    router.server.fault(Fault.error_in_stream(0, error, with_choices=True))
    choice = ask(router).json()["choices"][0]
    assert (choice["error"], choice["finish_reason"], choice["message"]["content"]) == (error, "error", "ab")


def test_an_error_in_a_stream(router: Caller) -> None:
    error = {"code": "server_error", "message": "m"}
    router.server.fault(Fault.error_in_stream(3, error, with_choices=True, finish_reason="error"))
    *_, last, done = stream(router)
    assert done == "[DONE]"
    assert last["error"] == error
    assert (last["choices"][0]["finish_reason"], last["provider"]) == ("error", "DeepSeek")
    router.server.fault(Fault.error_in_stream(2))
    assert stream(router)[-1]["error"]["code"] == 400


def test_an_error_with_the_usage(router: Caller) -> None:
    router.server.configure(usage_chunk="null_finish")
    router.server.fault(Fault.trailing_error())
    *_, before, last, done = stream(router, max_tokens=3)
    assert (before["choices"][0]["finish_reason"], done) == ("length", "[DONE]")
    assert last["error"] == {"code": 400, "message": "Token limit reached"}
    assert last["choices"][0]["finish_reason"] is None
    assert last["usage"]["completion_tokens"] == 3


def test_the_hosts_own_finish_reason(router: Caller) -> None:
    router.server.script(Turn(tool_calls=[ToolCall("w", '{"a')], native_finish_reason="length"))
    choice = ask(router).json()["choices"][0]
    assert (choice["finish_reason"], choice["native_finish_reason"]) == ("tool_calls", "length")
    router.server.fault(Fault.finish("insufficient_system_resource"))
    choice = ask(router).json()["choices"][0]
    assert (choice["finish_reason"], choice["native_finish_reason"]) == ("error", "insufficient_system_resource")


# ---------------------------------------------------------------------- the other endpoints


def test_the_catalogue(router: Caller) -> None:
    listed = router.http.get("/models").json()
    entry = next(one for one in listed["data"] if one["id"] == MODEL)
    assert listed["total_count"] == len(listed["data"])
    assert entry["canonical_slug"] == DATED
    assert (entry["pricing"]["prompt"], entry["pricing"]["completion"]) == ("0.00000014", "0.00000028")
    assert len(entry["supported_parameters"]) == 19
    assert entry["reasoning"]["supported_efforts"] == ["xhigh", "high"]
    assert router.http.get(f"/model/{MODEL}:free").json()["data"] == entry
    hosts = router.http.get(f"/models/{MODEL}/endpoints").json()["data"]["endpoints"]
    assert hosts[0]["provider_name"] == "DeepSeek"
    assert refused(router.http.get("/model/deepseek/x"), 404)["message"] == "Model deepseek/x not found"
    assert router.http.get("/key").json()["data"]["limit"] is None
    assert router.http.get("/credits").json()["data"]["total_credits"] == 110.0


def test_the_responses_endpoint(router: Caller) -> None:
    body = router.responses(model=MODEL).json()
    assert body["id"].startswith("gen-")
    assert body["model"] == DATED
    assert [item["id"][:7] for item in body["output"]] == ["rs_tmp_", "msg_tmp"]
    assert body["output"][0]["format"] == "unknown"
    assert body["usage"]["cost"] > 0
    response = router.responses(model=MODEL, stream=True)
    assert b"event: " not in response.content
    *chunks, last, done = events(response.content)
    assert (chunks[0]["type"], last["type"], done) == ("response.created", "response.completed", "[DONE]")
    for kept in ({"store": True}, {"previous_response_id": "x"}):
        assert "stateless" in refused(router.responses(model=MODEL, **kept))["message"]
    off = router.responses(model=MODEL, reasoning={"enabled": False}).json()
    assert [item["type"] for item in off["output"]] == ["message"]
    cut = [USER, {"type": "function_call", "call_id": "a", "name": "w", "arguments": "{}"}]
    assert refused(router.responses(cut, model=MODEL))["message"] == "Provider returned error"


def test_the_messages_endpoint(router: Caller) -> None:
    body = router.messages(path="/messages", model=MODEL).json()
    assert body["id"].startswith("gen-")
    assert [block["type"] for block in body["content"]] == ["thinking", "text"]
    assert body["usage"]["cost"] > 0
    response = router.messages(path="/messages", model="x")
    assert response.status_code == 400
    assert response.json()["type"] == "error"
    assert response.json()["error"]["type"] == "invalid_request_error"
    assert response.json()["error"]["error_type"] == "invalid_request"
    url = f"{router.server.base_url}/messages"
    sent = {"model": MODEL, "max_tokens": 9, "messages": [USER]}
    assert httpx.post(url, json=sent, headers={"x-api-key": router.server.api_key}).status_code == 200
    assert httpx.post(url, json=sent).json()["error"]["type"] == "authentication_error"


@pytest.mark.parametrize(("field", "value"), [("temperature", 2.1), ("temperature", "hot"), ("top_p", 0)])
def test_ranges_apply_to_all_endpoints(router: Caller, field: str, value: Any) -> None:
    changed = {"model": MODEL, field: value}
    assert field in refused(router.responses(**changed))["message"]
    answer = router.messages(path="/messages", **changed)
    assert (answer.status_code, field in answer.json()["error"]["message"]) == (400, True)
