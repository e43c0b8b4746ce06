from __future__ import annotations

import json
from typing import Any

import pytest

from deepseek_v4 import EmpirioLabsOptions, Message, ModelInfo, Reasoning, Reply, StreamEnd, ToolSpec, catalog, errors
from deepseek_v4.errors import UnsupportedOptionWarning
from deepseek_v4.protocols import PROTOCOLS, DecodeContext
from deepseek_v4.protocols.error_bodies import decode_error
from deepseek_v4.protocols.tool_names import ToolNames
from deepseek_v4.providers import find_provider
from deepseek_v4.values.http import HttpResponse
from tests.unit.providers.outgoing import added, body, notes, prepared

CHAT = PROTOCOLS["chat_completions"]
DIALECT = find_provider("empiriolabs").dialect_for("chat_completions", "deepseek-v4-flash")
WEATHER = ToolSpec("get_weather")
JSON = {"type": "json_object"}
BASE, FIRST, SECOND = "empiriolabs", "empiriolabs:variant1", "empiriolabs:variant2"


def decode(message: dict[str, Any]) -> Reply:
    answer = json.dumps({"choices": [{"message": message, "finish_reason": "stop"}]}).encode()
    return CHAT.decode(HttpResponse(200, {}, answer), DecodeContext(DIALECT, "empiriolabs", ToolNames(())))


def stream(*texts: str) -> Reply:
    decoder = CHAT.stream(DecodeContext(DIALECT, "empiriolabs", ToolNames(())))
    deltas = []
    for text in texts:
        chunk = {"choices": [{"delta": {"content": text}, "finish_reason": None}]}
        deltas += decoder.feed(b"data: " + json.dumps(chunk).encode() + b"\n\n")
    last = {"choices": [{"delta": {}, "finish_reason": "stop"}]}
    deltas += decoder.feed(b"data: " + json.dumps(last).encode() + b"\n\ndata: [DONE]\n\n")
    assert isinstance(deltas[-1], StreamEnd)
    return deltas[-1].reply


# -- variants --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("provider", "model", "sent"),
    [
        (BASE, "deepseek-v4-flash", "deepseek-v4-flash"),
        (BASE, "deepseek-v4-flash:variant1", "deepseek-v4-flash:variant1"),
        (BASE, "deepseek/deepseek-v4-flash:variant2", "deepseek-v4-flash:variant2"),
        (SECOND, "deepseek-v4-flash", "deepseek-v4-flash:variant2"),
        (SECOND, "deepseek-v4-flash:variant2", "deepseek-v4-flash:variant2"),
        ("empiriolabs:variant17", "deepseek-v4-flash", "deepseek-v4-flash:variant17"),
        ("empiriolabs:variant1", "deepseek-v4-flash-0731", "deepseek-v4-flash-0731:variant1"),
    ],
)
def test_a_variant_is_named_in_the_model_or_in_the_provider(provider: str, model: str, sent: str) -> None:
    assert body(provider, model=model)["model"] == sent


def test_two_variants_at_once_are_refused() -> None:
    with pytest.raises(errors.InvalidRequestError, match="Specify only one"):
        prepared(FIRST, model="deepseek-v4-flash:variant2")


@pytest.mark.parametrize("provider", [BASE, FIRST])
def test_unsupported_tools_are_refused_with_the_variant_that_supports_them(provider: str) -> None:
    with pytest.raises(errors.UnsupportedError, match="deepseek-v4-flash:variant2"):
        prepared(provider, tools=[WEATHER])


@pytest.mark.parametrize("provider", [SECOND, "empiriolabs:variant3"])
def test_tools_are_sent_unless_the_variant_is_known_to_refuse_them(provider: str) -> None:
    assert body(provider, tools=[WEATHER])["tools"][0]["function"]["name"] == "get_weather"


def test_updated_facts_of_a_variant_are_used() -> None:
    """``GET /v1/models/{id}`` may report that a variant supports tools."""
    updated = ModelInfo("deepseek-v4-flash", tools=True, max_output_tokens=100_000)
    try:
        assert {change.fact for change in catalog.update_from("empiriolabs", [updated])} == {
            "tools",
            "max_output_tokens",
        }
        assert body(BASE, tools=[WEATHER], max_tokens=200_000)["max_tokens"] == 100_000
    finally:
        catalog.reset()


@pytest.mark.parametrize(
    ("provider", "switch"),
    [
        (BASE, "web_search_linkup"),
        (FIRST, "tool_web_search"),
        (SECOND, "tool_web_search"),
        ("empiriolabs:variant9", "tool_web_search"),
    ],
)
def test_each_variant_has_its_own_switch_for_web_search(provider: str, switch: str) -> None:
    assert added(provider, web_search=True) == {switch: True}


def test_the_web_search_has_no_other_options() -> None:
    with pytest.raises(errors.InvalidRequestError, match="max_results"):
        prepared(BASE, web_search={"max_results": 3})


# -- the footer of sources -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("disabled", [True, False])
def test_the_footer_can_be_switched(disabled: bool) -> None:
    assert added(BASE, provider_options=EmpirioLabsOptions(disable_formatting=disabled)) == {
        "disable_formatting": disabled
    }
    assert added(BASE, provider_options={"disable_formatting": disabled}) == {"disable_formatting": disabled}


def test_the_footer_is_off_if_json_is_requested() -> None:
    assert body(BASE, web_search=True, response_format=JSON)["disable_formatting"] is True
    kept = body(BASE, web_search=True, response_format=JSON, provider_options={"disable_formatting": False})
    assert kept["disable_formatting"] is False
    assert "disable_formatting" not in body(BASE, web_search=True)
    assert "disable_formatting" not in body(BASE, response_format=JSON)
    assert "disable_formatting" not in body(SECOND, web_search=True, response_format=JSON)


def test_the_footer_is_off_if_only_the_prompt_requires_json() -> None:
    sent = body(BASE, protocol="messages", web_search=True, response_format=JSON)
    assert ("JSON" in sent["system"], sent["disable_formatting"]) == (True, True)


def test_a_schema_is_in_the_prompt_because_its_field_is_not_documented() -> None:
    schema = {"type": "object", "properties": {"name": {"type": "string"}}}
    form = {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}
    chat, responses = (body(BASE, protocol=name, response_format=form) for name in ("chat_completions", "responses"))
    assert (chat["response_format"], responses["text"]) == (JSON, {"format": JSON})
    assert chat["messages"][0]["content"] == responses["instructions"]
    assert json.dumps(schema, separators=(",", ":")) in responses["instructions"]


@pytest.mark.parametrize("provider", [FIRST, SECOND])
def test_the_switch_of_the_footer_is_left_out_if_it_is_not_supported(provider: str) -> None:
    with pytest.warns(UnsupportedOptionWarning, match="disable_formatting"):
        assert added(provider, provider_options={"disable_formatting": True}) == {}
    with pytest.raises(errors.UnsupportedError, match="disable_formatting"):
        prepared(provider, provider_options={"disable_formatting": True}, on_unsupported="raise")


# -- the gateway's defaults ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        ({}, 65_536),
        ({"thinking": True}, 65_536),
        ({"thinking": False}, 8_192),
        ({"reasoning_effort": "low"}, 65_536),
        ({"reasoning_effort": "max"}, 131_072),
        ({"thinking_budget": 1_000}, 65_536),
        ({"thinking_budget": 100_000}, 132_768),
        ({"thinking_budget": 393_216}, 384_000),
        ({"max_tokens": 17}, 17),
    ],
)
def test_max_tokens_is_always_sent(options: dict[str, Any], sent: int) -> None:
    assert body(SECOND, **options)["max_tokens"] == sent
    assert any("max_tokens" in note for note in notes(SECOND, **options)) == ("max_tokens" not in options)


def test_the_gateways_own_default_can_be_used() -> None:
    assert "max_tokens" not in body(BASE, provider_options=EmpirioLabsOptions(gateway_defaults=True))
    assert notes(BASE, provider_options=EmpirioLabsOptions(gateway_defaults=True)) == []


def test_the_gateways_system_prompt_can_be_replaced() -> None:
    own = EmpirioLabsOptions(system_prompt="Be brief.")
    assert body(BASE, provider_options=own)["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
    ]
    with_one = [Message.system("Rules"), Message.user("Hi")]
    assert len(body(BASE, with_one, provider_options=own)["messages"]) == 2
    assert len(body(BASE)["messages"]) == 1


def test_only_one_family_of_switches_is_sent() -> None:
    with pytest.warns(UnsupportedOptionWarning, match="reasoning_effort"):
        sent = body(BASE, reasoning_effort="high", thinking_budget=100)
    assert (sent["enable_thinking"], sent["thinking_budget"]) == (True, 100)
    assert "reasoning_effort" not in sent
    sent = body(BASE, thinking=True, reasoning_effort="high")
    assert sent["reasoning_effort"] == "high"
    assert "enable_thinking" not in sent


@pytest.mark.parametrize("options", [{"identity": True}, {"disable_formatting": "perhaps"}])
def test_a_wrong_option_is_one_error(options: dict[str, Any]) -> None:
    with pytest.raises(errors.InvalidRequestError, match=next(iter(options))):
        prepared(BASE, provider_options=options)


# -- answers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "reasoning", "content"),
    [
        ({"content": "Hi", "reasoning_content": "Hm"}, Reasoning("Hm"), "Hi"),
        ({"content": "Hi", "reasoning": "Hm"}, Reasoning("Hm"), "Hi"),
        ({"content": "<think>Hm</think>\n\nHi"}, Reasoning("Hm"), "Hi"),
        ({"content": "\n<think></think>Hi"}, Reasoning(""), "Hi"),
        ({"content": "<think>Hm"}, Reasoning("Hm"), ""),
        ({"content": "Hi <think>no</think>"}, None, "Hi <think>no</think>"),
        ({"content": " <thin"}, None, " <thin"),
        ({"content": "Hi"}, None, "Hi"),
    ],
)
@pytest.mark.filterwarnings("ignore::deepseek_v4.errors.LeakedMarkupWarning")
def test_reasoning_is_read_from_every_field(message: Any, reasoning: Reasoning | None, content: str) -> None:
    reply = decode(message)
    assert (reply.reasoning, reply.content) == (reasoning, content)


@pytest.mark.parametrize(
    "text", ["<think>Let me see\n</think>\n\nFour </b>.", "<think></think>Hi", "No tags", "<thin", ""]
)
def test_tags_are_split_equally_in_complete_and_streamed_answers(text: str) -> None:
    complete = decode({"content": text})
    for size in range(1, len(text) + 1):
        chunks = [text[i : i + size] for i in range(0, len(text), size)]
        reply = stream(*chunks)
        assert (reply.reasoning, reply.content) == (complete.reasoning, complete.content), chunks


def test_reasoning_is_sent_back_as_reasoning_content() -> None:
    past = Message.assistant("Yes.", reasoning="Hm")
    sent = body(BASE, [Message.user("Hi"), past, Message.user("And?")])["messages"][1]
    assert sent == {"role": "assistant", "content": "Yes.", "reasoning_content": "Hm"}
    none = body(BASE, [Message.user("Hi"), Message.assistant("Yes."), Message.user("And?")])["messages"][1]
    assert none["reasoning_content"] == ""


@pytest.mark.parametrize(
    ("code", "kind", "retryable"),
    [
        ("missing_api_key", "AuthenticationError", False),
        ("invalid_api_key", "AuthenticationError", False),
        ("insufficient_credits", "InsufficientBalanceError", False),
        ("model_not_found", "NotFoundError", False),
        ("rate_limit_exceeded", "RateLimitError", True),
        ("model_unavailable", "OverloadedError", True),
    ],
)
@pytest.mark.parametrize("status", [400, 502])
def test_the_class_of_an_error_is_that_of_its_code_for_any_status(
    code: str, kind: str, retryable: bool, status: int
) -> None:
    failure = json.dumps({"error": {"message": "It failed", "type": "error", "code": code, "param": None}}).encode()
    error = decode_error(HttpResponse(status, {}, failure), DIALECT, "empiriolabs")
    assert (type(error).__name__, error.retryable) == (kind, retryable)


@pytest.mark.parametrize(
    ("status", "kind", "retryable"), [(400, "InvalidRequestError", False), (502, "ServerError", True)]
)
def test_a_refusal_of_the_model_service_is_not_retried(status: int, kind: str, retryable: bool) -> None:
    """The gateway's code names only the service that failed."""
    failure = {
        "message": "reasoning_content must be passed back",
        "type": "invalid_request_error",
        "code": "upstream_error",
    }
    if status == 502:
        failure["type"] = "server_error"
    error = decode_error(HttpResponse(status, {}, json.dumps({"error": failure}).encode()), DIALECT, "empiriolabs")
    assert (type(error).__name__, error.retryable) == (kind, retryable)
