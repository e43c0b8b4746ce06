from __future__ import annotations

import json
import warnings
from typing import Any

import pytest

from deepseek_v4 import Message, OpenRouterOptions, Reasoning, Reply, StreamEnd, ToolSpec, errors
from deepseek_v4.errors import UnsupportedOptionWarning
from deepseek_v4.protocols import PROTOCOLS, DecodeContext
from deepseek_v4.protocols.account import BalanceDialect
from deepseek_v4.protocols.error_bodies import decode_error
from deepseek_v4.protocols.tool_names import ToolNames
from deepseek_v4.providers import find_provider
from deepseek_v4.values.http import HttpResponse
from tests.unit.providers.outgoing import added, body, notes, prepared

CHAT = PROTOCOLS["chat_completions"]
DIALECT = find_provider("openrouter").dialect_for("chat_completions", "deepseek/deepseek-v4-flash")
READING = DecodeContext(DIALECT, "openrouter", ToolNames(()))
WEATHER = ToolSpec("get_weather")


def decode(answer: Any) -> Reply:
    return CHAT.decode(HttpResponse(200, {}, json.dumps(answer).encode()), READING)


def stream(*chunks: Any) -> Reply:
    decoder = CHAT.stream(READING)
    deltas = decoder.feed(b": OPENROUTER PROCESSING\n\n")
    for chunk in chunks:
        deltas += decoder.feed(b"data: " + json.dumps(chunk).encode() + b"\n\n")
    deltas += decoder.feed(b"data: [DONE]\n\n")
    deltas += decoder.close()
    assert isinstance(deltas[-1], StreamEnd)
    return deltas[-1].reply


def chunk(delta: dict[str, Any] | None, finish: str | None = None, **rest: Any) -> dict[str, Any]:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    return {"id": "gen-1", "model": "deepseek/deepseek-v4-flash-20260423", "choices": choices, **rest}


USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5, "cost": 0.25, "cost_details": {"a": None}}

# -- ids -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("provider", "model", "sent"),
    [
        ("openrouter", "deepseek-v4-flash", "deepseek/deepseek-v4-flash"),
        ("openrouter", "deepseek/deepseek-v4-flash", "deepseek/deepseek-v4-flash"),
        ("openrouter", "deepseek-v4-flash:free:online", "deepseek/deepseek-v4-flash:free:online"),
        ("openrouter", "~deepseek/deepseek-v4-flash-latest", "~deepseek/deepseek-v4-flash-latest"),
        ("openrouter", "@preset/mine", "@preset/mine"),
        ("openrouter", "openai/gpt-4o", "openai/gpt-4o"),
        ("openrouter:nitro", "deepseek-v4-flash", "deepseek/deepseek-v4-flash:nitro"),
        ("openrouter:nitro", "deepseek-v4-flash:nitro", "deepseek/deepseek-v4-flash:nitro"),
        ("openrouter:online", "deepseek-v4-flash:free", "deepseek/deepseek-v4-flash:free:online"),
    ],
)
def test_the_author_is_a_prefix_of_the_model(provider: str, model: str, sent: str) -> None:
    assert body(provider, model=model)["model"] == sent


@pytest.mark.parametrize(
    ("model", "effort", "sent"),
    [
        ("deepseek-v4-flash", "max", "xhigh"),
        ("deepseek-v4-flash", "low", "high"),
        ("deepseek-v4-flash-0731", "max", "max"),
        ("deepseek-v4-flash-0731", "low", "low"),
        ("deepseek-v4.1-flash", "max", "max"),
    ],
)
def test_an_effort_is_sent_as_one_that_the_model_lists(model: str, effort: str, sent: str) -> None:
    assert body("openrouter", model=model, reasoning_effort=effort)["reasoning"]["effort"] == sent
    translated = [note for note in notes("openrouter", model=model, reasoning_effort=effort) if "translated" in note]
    assert bool(translated) == (effort != sent)


def test_effort_and_budget_exclude_each_other() -> None:
    with pytest.warns(UnsupportedOptionWarning, match="thinking_budget"):
        sent = body("openrouter", reasoning_effort="high", thinking_budget=100)
    assert sent["reasoning"] == {"enabled": True, "effort": "high"}


# -- its own options -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        ({"provider": {"order": ["deepseek"], "allow_fallbacks": False}},) * 2,
        ({"provider": {"only": ["deepinfra/turbo"], "ignore": ["x"], "zdr": True}},) * 2,
        ({"provider": {"data_collection": "deny", "quantizations": ["fp8", "bf16"]}},) * 2,
        ({"provider": {"sort": "throughput", "enforce_distillable_text": True}},) * 2,
        ({"provider": {"sort": {"by": "price", "partition": "none"}}},) * 2,
        ({"provider": {"max_price": {"prompt": 0.2, "completion": 1.0}}},) * 2,
        ({"provider": {"preferred_min_throughput": 40.0, "preferred_max_latency": {"p90": 3.0}}},) * 2,
        ({"provider": {"require_parameters": True}},) * 2,
        (
            {"models": ["deepseek-v4-pro", "openai/gpt-4o"]},
            {"models": ["deepseek/deepseek-v4-pro", "openai/gpt-4o"]},
        ),
        ({"plugins": [{"id": "web", "max_results": 3}, {"id": "moderation", "enabled": False}]},) * 2,
        ({"plugins": [{"id": "response-healing"}]},) * 2,
        (
            {"server_tools": [{"type": "openrouter:web_fetch"}]},
            {"tools": [{"type": "openrouter:web_fetch"}]},
        ),
        ({"stop_server_tools_when": [{"max_tool_calls": 3}]},) * 2,
        ({"include_reasoning": True},) * 2,
        ({"include_reasoning": False},) * 2,
        ({"structured_outputs": True},) * 2,
        ({"reasoning": {"exclude": True}},) * 2,
        ({"reasoning": {"effort": "minimal", "summary": "auto"}},) * 2,
        ({"reasoning": {"max_tokens": 100, "enabled": True}},) * 2,
        ({"top_a": 0.5},) * 2,
        ({"verbosity": "low"},) * 2,
        ({"prediction": {"type": "content", "content": "x"}},) * 2,
        ({"web_search_options": {"search_context_size": "low"}},) * 2,
        ({"service_tier": "flex"},) * 2,
        ({"session_id": "s" * 256},) * 2,
        ({"metadata": {"run": "7"}},) * 2,
        ({"trace": {"trace_id": "t"}},) * 2,
        ({"prompt_cache_key": "k"},) * 2,
        ({"cache_control": {"type": "ephemeral"}},) * 2,
    ],
    ids=str,
)
def test_each_of_its_options_is_sent_in_its_field(options: dict[str, Any], sent: dict[str, Any]) -> None:
    assert added("openrouter", provider_options=OpenRouterOptions(**options)) == sent
    assert added("openrouter", provider_options=options) == sent


@pytest.mark.parametrize(
    ("options", "headers"),
    [
        ({"app_url": "https://example.com"}, {"http-referer": "https://example.com"}),
        (
            {"app_url": "http://localhost:3000", "app_title": "Mine", "app_categories": ["cli-agent", "ide"]},
            {
                "http-referer": "http://localhost:3000",
                "x-openrouter-title": "Mine",
                "x-openrouter-categories": "cli-agent,ide",
            },
        ),
        ({"router_metadata": True}, {"x-openrouter-metadata": "enabled"}),
        (
            {"response_cache": True, "response_cache_ttl": 60},
            {"x-openrouter-cache": "true", "x-openrouter-cache-ttl": "60"},
        ),
        ({"response_cache": False}, {"x-openrouter-cache": "false"}),
        ({"response_cache_clear": True}, {"x-openrouter-cache-clear": "true"}),
    ],
)
def test_options_of_headers_are_sent_in_headers_only(options: Any, headers: dict[str, str]) -> None:
    request = prepared("openrouter", provider_options=options)
    plain = prepared("openrouter")
    assert {name: value for name, value in request.http.headers.items() if name not in plain.http.headers} == headers
    assert request.http.body == plain.http.body


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"sessoin_id": "x"}, "sessoin_id.*session_id"),
        ({"provider": {"ordr": ["x"]}}, "provider.ordr"),
        ({"provider": {"sort": "cheapness"}}, "provider.sort"),
        ({"provider": {"quantizations": ["fp7"]}}, "provider.quantizations"),
        ({"provider": {"max_price": {"prompt": -1}}}, "provider.max_price.prompt"),
        ({"session_id": "s" * 257}, "session_id"),
        ({"metadata": {"k" * 65: "v"}}, "metadata"),
        ({"metadata": {"k": "v" * 513}}, "metadata"),
        ({"metadata": {str(i): "v" for i in range(17)}}, "metadata"),
        ({"top_a": 1.1}, "top_a"),
        ({"reasoning": {"effort": "high", "max_tokens": 5}}, "exclude each other"),
        ({"reasoning": {"effort": "ultra"}}, "reasoning.effort"),
        ({"plugins": [{"enabled": True}]}, "plugins.0.id"),
        ({"app_title": "Mine"}, "app_url"),
        ({"app_url": "http://localhost", "app_categories": ["a", "b", "c"]}, "app_categories"),
        ({"app_url": "http://localhost:3000"}, "app_title"),
        ({"app_url": "http://localhost", "app_title": "Mine", "app_categories": ["a,b"]}, "app_categories.*comma"),
        ({"response_cache_ttl": 86_401}, "response_cache_ttl"),
    ],
)
def test_a_wrong_option_is_one_error_that_names_it(options: dict[str, Any], named: str) -> None:
    with pytest.raises(errors.InvalidRequestError, match=named):
        prepared("openrouter", provider_options=options)


@pytest.mark.parametrize("value", [{"max_results": 26}, {"max_results": 0}, {"engin": "exa"}, {"engine": "bing"}])
def test_a_wrong_option_of_the_web_search_is_one_error(value: dict[str, Any]) -> None:
    with pytest.raises(errors.InvalidRequestError, match=f"web_search: .*{next(iter(value))}"):
        prepared("openrouter", web_search=value)


def test_server_tools_and_searches_are_sent_with_functions() -> None:
    options = {"server_tools": [{"type": "openrouter:web_fetch"}]}
    sent = body("openrouter", tools=[WEATHER], web_search=True, provider_options=options)
    assert [tool.get("function", tool).get("name") or tool["type"] for tool in sent["tools"]] == [
        "openrouter:web_search",
        "get_weather",
        "openrouter:web_fetch",
    ]


def test_contradicting_options_are_refused() -> None:
    with pytest.raises(errors.InvalidRequestError, match=r"reasoning\.effort='high' contradicts"):
        prepared("openrouter", thinking=False, provider_options={"reasoning": {"effort": "high"}})
    with pytest.raises(errors.InvalidRequestError, match="exclude each other"):
        prepared("openrouter", reasoning_effort="high", provider_options={"reasoning": {"max_tokens": 5}})
    sent = body("openrouter", reasoning_effort="high", provider_options={"reasoning": {"exclude": True}})
    assert sent["reasoning"] == {"enabled": True, "effort": "high", "exclude": True}


@pytest.mark.parametrize("options", [{"reasoning": {"exclude": True}}, {"include_reasoning": False}])
def test_reasoning_that_must_be_passed_back_is_not_hidden(options: dict[str, Any]) -> None:
    with pytest.warns(UnsupportedOptionWarning, match="must include the reasoning"):
        sent = body("openrouter", tools=[WEATHER], provider_options=options)
    assert "include_reasoning" not in sent
    assert "exclude" not in sent.get("reasoning", {})
    with pytest.raises(errors.UnsupportedError, match="must include the reasoning"):
        prepared("openrouter", tools=[WEATHER], provider_options=options, on_unsupported="raise")


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"top_a": 0.5}, "top_a"),
        ({"verbosity": "low"}, "verbosity"),
        ({"prediction": {"type": "content", "content": "x"}}, "prediction"),
        ({"web_search_options": {}}, "web_search_options"),
    ],
)
def test_unlisted_parameters_are_left_out_if_parameters_are_required(options: dict[str, Any], field: str) -> None:
    options = {**options, "provider": {"require_parameters": True}}
    with pytest.warns(UnsupportedOptionWarning, match=field):
        assert field not in body("openrouter", temperature=1, provider_options=options)
    with pytest.raises(errors.UnsupportedError, match=field):
        prepared("openrouter", provider_options=options, on_unsupported="raise")


def test_listed_parameters_are_sent_if_parameters_are_required() -> None:
    listed = {
        "frequency_penalty": 1, "logit_bias": {"1": 1}, "logprobs": True, "max_tokens": 5, "min_p": 0.1,
        "presence_penalty": 1, "reasoning_effort": "high", "repetition_penalty": 1.1, "seed": 1, "stop": ["a"],
        "response_format": {"type": "json_object"}, "temperature": 1, "tool_choice": "none", "tools": [WEATHER],
        "top_k": 1, "top_logprobs": 1, "top_p": 0.5,
    }  # fmt: skip
    own = {"provider": {"require_parameters": True}, "include_reasoning": True, "structured_outputs": True}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sent = body("openrouter", provider_options=own, **listed)
    assert sent.keys() - {"model", "messages", "provider"} == {
        "frequency_penalty", "include_reasoning", "logit_bias", "logprobs", "max_tokens", "min_p", "presence_penalty",
        "reasoning", "repetition_penalty", "response_format", "seed", "stop", "structured_outputs", "temperature",
        "tool_choice", "tools", "top_k", "top_logprobs", "top_p",
    }  # fmt: skip


def test_max_completion_tokens_is_a_switch_and_is_left_out_with_required_parameters() -> None:
    switch = {"use_max_completion_tokens": True}
    assert added("openrouter", max_tokens=9, provider_options=switch) == {"max_completion_tokens": 9}
    assert added("openrouter", max_completion_tokens=9) == {"max_tokens": 9}
    required = {**switch, "provider": {"require_parameters": True}}
    assert body("openrouter", max_tokens=9, provider_options=required)["max_tokens"] == 9


def test_options_of_complete_answers_or_of_streams_only_are_left_out_of_the_other() -> None:
    options = {"plugins": [{"id": "response-healing"}, {"id": "web"}], "debug": {"echo_upstream_body": True}}
    with pytest.warns(UnsupportedOptionWarning, match="response-healing"):
        sent = body("openrouter", stream=True, provider_options=options)
    assert sent["plugins"] == [{"id": "web"}]
    assert sent["debug"] == {"echo_upstream_body": True}
    with pytest.warns(UnsupportedOptionWarning, match="debug"):
        assert "debug" not in body("openrouter", provider_options=options)


def test_options_of_another_provider_are_left_out() -> None:
    with pytest.warns(UnsupportedOptionWarning, match="OpenRouterOptions belongs to another provider; deepseek uses"):
        assert added("deepseek", provider_options=OpenRouterOptions(session_id="s")) == {}
    with pytest.raises(errors.UnsupportedError, match="OpenRouterOptions"):
        prepared("deepseek", provider_options=OpenRouterOptions(session_id="s"), on_unsupported="raise")
    with pytest.raises(errors.InvalidRequestError, match="unknown field 'session_id'"):
        prepared("deepseek", provider_options={"session_id": "s"})
    with pytest.raises(errors.InvalidRequestError, match="OpenRouterOptions"):
        prepared("openrouter", provider_options="fast")


def test_extra_body_has_priority() -> None:
    assert body("openrouter", thinking=True, extra_body={"reasoning": {}, "x": 1})["reasoning"] == {}
    assert list(body("openrouter", extra_body={"x": 1}))[-1] == "messages"


# -- reasoning in requests --------------------------------------------------------------------------------------------

TEXT = {"type": "reasoning.text", "text": "Well…", "signature": None, "format": "unknown", "id": None, "index": 0}
SUMMARY = {"type": "reasoning.summary", "summary": "Thought.", "format": "openai-responses-v1", "index": 0}
SECRET = {"type": "reasoning.encrypted", "data": "gAAA+/=", "id": "rs_1", "format": "openai-responses-v1", "index": 1}
SERVER_CALL = {"type": "reasoning.server_tool_call", "tool_name": "web", "arguments": "{}", "tool_call_id": "1"}


@pytest.mark.parametrize(
    ("reasoning", "sent"),
    [
        (None, {"reasoning_content": ""}),
        (Reasoning(""), {"reasoning_content": ""}),
        (Reasoning("Hm"), {"reasoning_content": "Hm"}),
        (Reasoning(None, ()), {"reasoning_details": []}),
        (Reasoning("", ()), {"reasoning_details": []}),
        (Reasoning("Hm", ()), {"reasoning_content": "Hm"}),
        (Reasoning("Well…", (TEXT,)), {"reasoning_content": "Well…", "reasoning_details": [TEXT]}),
        (Reasoning(None, (TEXT,)), {"reasoning_content": "Well…", "reasoning_details": [TEXT]}),
        (Reasoning(None, (SECRET,)), {"reasoning_content": "", "reasoning_details": [SECRET]}),
        (
            Reasoning("Thought.", (SUMMARY, SECRET, SERVER_CALL)),
            {"reasoning_content": "Thought.", "reasoning_details": [SUMMARY, SECRET, SERVER_CALL]},
        ),
        # a record of another protocol does not become reasoning_details
        (Reasoning("Hm", ({"type": "thinking", "thinking": "Hm", "signature": "s"},)), {"reasoning_content": "Hm"}),
    ],
)
def test_reasoning_is_sent_back_as_record_and_text(reasoning: Reasoning | None, sent: dict[str, Any]) -> None:
    past = Message("assistant", "Yes.", reasoning=reasoning)
    encoded = body("openrouter", [Message.user("Hi"), past, Message.user("And?")])["messages"][1]
    assert encoded == {"role": "assistant", "content": "Yes.", **sent}
    off = body("openrouter", [Message.user("Hi"), past, Message.user("And?")], thinking=False)["messages"][1]
    assert off == {"role": "assistant", "content": "Yes."}


def test_fragments_are_merged_by_type_index_and_id() -> None:
    def fragment(**rest: Any) -> dict[str, Any]:
        return chunk({"reasoning_details": [rest]})

    reply = stream(
        fragment(type="reasoning.text", text="We", format="unknown", index=0),
        fragment(type="reasoning.text", text=" think", format=None, index=0),
        fragment(type="reasoning.text", index=0, signature="sig"),
        fragment(type="reasoning.encrypted", data="A", id="rs_1", index=0),
        fragment(type="reasoning.encrypted", data="B", id="rs_2", index=0),
        fragment(type="reasoning.summary", summary="S1", index=1),
        fragment(type="reasoning.summary", summary="S2", index=2),
        chunk({"content": "Hi", "reasoning": None, "reasoning_details": []}, "stop"),
    )
    assert reply.reasoning == Reasoning(
        "We thinkS1S2",
        (
            {"type": "reasoning.text", "text": "We think", "format": "unknown", "index": 0, "signature": "sig"},
            {"type": "reasoning.encrypted", "data": "A", "id": "rs_1", "index": 0},
            {"type": "reasoning.encrypted", "data": "B", "id": "rs_2", "index": 0},
            {"type": "reasoning.summary", "summary": "S1", "index": 1},
            {"type": "reasoning.summary", "summary": "S2", "index": 2},
        ),
    )


def test_an_empty_record_is_kept_and_sent_back() -> None:
    reply = stream(chunk({"content": "Hi", "reasoning": None, "reasoning_details": []}, "stop"))
    assert reply.reasoning == Reasoning(None, ())
    sent = body("openrouter", [Message.user("Hi"), reply.to_message(), Message.user("And?")])["messages"][1]
    assert sent == {"role": "assistant", "content": "Hi", "reasoning_details": []}


def test_reasoning_in_two_fields_is_read_once() -> None:
    message = {"content": "Hi", "reasoning": "Hm", "reasoning_details": [{**TEXT, "text": "Hm"}]}
    assert decode({"choices": [{"message": message, "finish_reason": "stop"}]}).reasoning.text == "Hm"  # type: ignore[union-attr]
    only_text = {"content": "Hi", "reasoning": "Hm"}
    assert decode({"choices": [{"message": only_text, "finish_reason": "stop"}]}).reasoning == Reasoning("Hm")


# -- forms of answers -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "tail",
    [
        [chunk({"content": ""}, "stop"), chunk(None, usage=USAGE)],
        [chunk({"content": ""}, "stop"), chunk({"content": ""}, None, usage=USAGE)],
        [chunk({"content": ""}, "stop"), chunk({"content": ""}, "stop", usage=USAGE)],
        [chunk({"content": ""}, "stop", usage=USAGE)],
    ],
)
def test_the_three_places_of_usage_and_the_cost(tail: list[Any]) -> None:
    reply = stream(chunk({"role": "assistant", "content": "Hi"}), *tail)
    assert reply.content == "Hi"
    assert reply.finish_reason == "stop"
    assert reply.usage is not None
    assert (reply.usage.input_tokens, reply.usage.output_tokens, reply.usage.cost) == (3, 2, 0.25)
    assert reply.usage.extra["cost_details"] == {"a": None}


def test_float_counts_become_integers() -> None:
    usage = {"prompt_tokens": 3.0, "completion_tokens": 2.0, "cost": 0, "prompt_tokens_details": {"cached_tokens": 1.0}}
    read = decode({"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}], "usage": usage}).usage
    assert read is not None
    assert [type(count) for count in (read.input_tokens, read.output_tokens, read.cached_tokens)] == [int] * 3
    assert read.cost == 0.0


def test_metadata_of_the_router_on_the_last_chunk_is_kept() -> None:
    reply = stream(
        chunk({"content": "Hi"}, "stop"),
        chunk(None, usage=USAGE, provider="DeepInfra", openrouter_metadata={"strategy": "direct"}),
    )
    assert reply.extra["openrouter_metadata"] == {"strategy": "direct"}
    assert reply.extra["provider"] == "DeepInfra"


def test_the_completion_is_found_inside_the_field_provider() -> None:
    inner = {
        "id": "gen-2",
        "model": "deepseek/x",
        "provider": None,
        "choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}],
        "usage": USAGE,
    }
    reply = decode({"id": None, "choices": None, "model": None, "provider": inner})
    assert (reply.content, reply.id, reply.model) == ("Hi", "gen-2", "deepseek/x")
    assert reply.usage is not None
    assert "provider" not in reply.extra


def test_a_body_with_null_choices_is_retryable() -> None:
    with pytest.raises(errors.MalformedResponseError) as caught:
        decode({"id": None, "choices": None, "provider": None, "model": None})
    assert caught.value.retryable


@pytest.mark.parametrize("envelope", [{}, {"id": None, "choices": None, "model": None}])
def test_an_error_inside_a_200_body_is_raised(envelope: dict[str, Any]) -> None:
    with pytest.raises(errors.RateLimitError, match="slow down") as caught:
        decode({**envelope, "error": {"code": 429, "message": "slow down", "metadata": {}}})
    assert caught.value.retryable
    assert caught.value.status_code == 429


def test_an_error_inside_a_choice_is_raised_with_the_partial_reply() -> None:
    choice = {"finish_reason": "error", "error": {"code": 502, "message": "died"}, "message": {"content": "Hel"}}
    with pytest.raises(errors.ServerError, match="died") as caught:
        decode({"choices": [choice]})
    assert caught.value.partial is not None
    assert caught.value.partial.content == "Hel"


@pytest.mark.parametrize(
    "last",
    [
        chunk(None, error={"code": 502, "message": "died"}),
        chunk({"content": ""}, "error", error={"code": 502, "message": "died", "metadata": {"error_type": "server"}}),
        chunk({"content": ""}, "error", error={"code": "server_error", "message": "died"}),
        {"error": {"error_type": "server", "http_status": 500, "message": "died"}},
    ],
)
def test_an_error_inside_a_stream_is_raised_with_the_partial_reply(last: Any) -> None:
    with pytest.raises(errors.ServerError, match="died") as caught:
        stream(chunk({"content": "Hel"}), last)
    assert caught.value.partial is not None
    assert caught.value.partial.content == "Hel"
    assert caught.value.retryable


def test_an_error_after_the_finish_reason_is_kept_with_the_answer() -> None:
    error = {"code": 400, "message": "Token limit reached"}
    reply = stream(chunk({"content": "Hi"}, "length"), chunk({"content": ""}, None, usage=USAGE, error=error))
    assert reply.finish_reason == "length"
    assert reply.extra["error"] == error
    assert reply.usage is not None


def test_a_finish_reason_is_never_replaced() -> None:
    assert (
        stream(chunk({"content": "Hi"}, "length"), chunk({"content": ""}, None, usage=USAGE)).finish_reason == "length"
    )


def cut_call(arguments: str) -> list[dict[str, Any]]:
    return [{"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": arguments}}]


@pytest.mark.parametrize("arguments", ["", '{"city": "Pa'])
def test_a_call_cut_by_the_limit_is_invalid_although_the_finish_reason_is_tool_calls(arguments: str) -> None:
    native = {"native_finish_reason": "length"}
    complete = decode(
        {"choices": [{"message": {"tool_calls": cut_call(arguments)}, "finish_reason": "tool_calls", **native}]}
    )
    last = chunk({"content": ""}, "tool_calls", usage=USAGE)
    last["choices"][0].update(native)
    streamed = stream(chunk({"tool_calls": cut_call(arguments)}), last)
    for reply in (complete, streamed):
        assert not reply.tool_calls
        assert "raise max_tokens" in reply.invalid_tool_calls[0].error
        assert reply.finish_reason == "tool_calls"
        assert reply.extra["native_finish_reason"] == "length"


def test_a_call_with_the_native_reason_length_may_be_cut() -> None:
    choice = {
        "message": {"tool_calls": cut_call("{}")},
        "finish_reason": "tool_calls",
        "native_finish_reason": "length",
    }
    reply = decode({"choices": [choice]})
    assert reply.tool_calls == ()
    assert "raise max_tokens" in reply.invalid_tool_calls[0].error


# -- errors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "error", "kind", "retryable"),
    [
        (400, {"metadata": {"error_type": "context_length_exceeded"}}, "ContextLengthError", False),
        (400, {"metadata": {"error_type": "content_policy_violation"}}, "ContentFilterError", False),
        (400, {"metadata": {"error_type": "invalid_prompt"}}, "InvalidRequestError", False),
        (401, {}, "AuthenticationError", False),
        (402, {}, "InsufficientBalanceError", False),
        (403, {"metadata": {"error_type": "refusal"}}, "ContentFilterError", False),
        (403, {}, "PermissionDeniedError", False),
        (404, {}, "NotFoundError", False),
        (404, {"availability": {"code": "constraint_filtered", "retryable": False}}, "UnsupportedError", False),
        (404, {"availability": {"code": "privacy_restricted", "retryable": False}}, "PermissionDeniedError", False),
        (404, {"availability": {"code": "capacity_exhausted", "retryable": True}}, "OverloadedError", True),
        (404, {"availability": {"code": "no_endpoints", "retryable": True}}, "NotFoundError", True),
        (
            404,
            {"error_type": "not_found", "availability": {"code": "region_restricted"}},
            "PermissionDeniedError",
            False,
        ),
        (404, {"error_type": "not_found", "availability": {"code": "constraint_filtered"}}, "UnsupportedError", False),
        (408, {}, "TimeoutError", True),
        (413, {"metadata": {"error_type": "payload_too_large"}}, "InvalidRequestError", False),
        (429, {}, "RateLimitError", True),
        (500, {"metadata": {"error_type": "server"}}, "ServerError", True),
        (502, {"metadata": {"error_type": "provider_unavailable"}}, "OverloadedError", True),
        (503, {}, "OverloadedError", True),
        (504, {}, "ServerError", True),
        (524, {}, "ServerError", True),
        (529, {}, "OverloadedError", True),
    ],
)
def test_the_class_of_an_error_is_that_of_its_message(
    status: int, error: dict[str, Any], kind: str, retryable: bool
) -> None:
    body = {"error": {"code": status, "message": "It failed", **error}, "user_id": "u"}
    read = decode_error(HttpResponse(status, {}, json.dumps(body).encode()), DIALECT, "openrouter")
    assert (type(read).__name__, read.retryable) == (kind, retryable)


def test_the_time_to_wait_is_read_from_the_availability() -> None:
    availability = {"code": "temporarily_unavailable", "retryable": True, "retry_after": 7}
    body = json.dumps({"error": {"message": "later", "availability": availability}}).encode()
    assert decode_error(HttpResponse(503, {}, body), DIALECT, "openrouter").retry_after == 7.0


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        ('{"error":{"message":"This model\'s maximum context length is 1048565 tokens"}}', "ContextLengthError"),
        ('{"code":400,"message":"Content Exists Risk"}', "ContentFilterError"),
        ("The reasoning_content in the thinking mode must be passed back to the API.", "InvalidRequestError"),
    ],
)
def test_the_upstream_message_is_shown_and_determines_the_class(raw: str, kind: str) -> None:
    body = {"error": {"code": 400, "message": "Provider returned error", "metadata": {"raw": raw}}}
    read = decode_error(HttpResponse(400, {}, json.dumps(body).encode()), DIALECT, "openrouter")
    assert type(read).__name__ == kind
    assert raw.rstrip(".") in read.message


# -- the account -----------------------------------------------------------------------------------------------------


def test_the_balance_is_the_credits_minus_the_usage() -> None:
    dialect = find_provider("openrouter").dialect("balance")
    assert isinstance(dialect, BalanceDialect)
    balance = dialect.decode_balance({"data": {"total_credits": 10.5, "total_usage": 4}})
    assert balance is not None
    assert balance.available
    assert (balance.amounts[0].currency, str(balance.amounts[0].total)) == ("USD", "6.5")
    assert dialect.decode_balance({"data": {}}) is None
    assert dialect.decode_balance("no") is None
