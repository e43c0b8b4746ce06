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
    ("provider", "model", "said"),
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
def test_a_variant_is_named_in_the_model_or_in_the_provider(provider: str, model: str, said: str) -> None:
    assert body(provider, model=model)["model"] == said


def test_two_variants_at_once_are_refused() -> None:
    with pytest.raises(errors.InvalidRequestError, match="Specify only one"):
        prepared(FIRST, model="deepseek-v4-flash:variant2")


@pytest.mark.parametrize("provider", [BASE, FIRST])
def test_tools_are_refused_where_they_are_not_served_and_the_variant_that_has_them_is_named(provider: str) -> None:
    with pytest.raises(errors.UnsupportedError, match="deepseek-v4-flash:variant2"):
        prepared(provider, tools=[WEATHER])


@pytest.mark.parametrize("provider", [SECOND, "empiriolabs:variant3"])
def test_tools_are_sent_where_they_are_served_or_not_known_to_be_refused(provider: str) -> None:
    assert body(provider, tools=[WEATHER])["tools"][0]["function"]["name"] == "get_weather"


def test_what_the_catalog_learned_of_a_variant_counts() -> None:
    """``GET /v1/models/{id}`` may say that a variant has tools by now."""
    told = ModelInfo("deepseek-v4-flash", tools=True, max_output_tokens=100_000)
    try:
        assert {change.fact for change in catalog.update_from("empiriolabs", [told])} == {"tools", "max_output_tokens"}
        assert body(BASE, tools=[WEATHER], max_tokens=200_000)["max_tokens"] == 100_000
    finally:
        catalog.forget()


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


def test_the_web_search_knows_no_other_options() -> None:
    with pytest.raises(errors.InvalidRequestError, match="max_results"):
        prepared(BASE, web_search={"max_results": 3})


# -- the footer of sources -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wanted", [True, False])
def test_the_footer_is_switched(wanted: bool) -> None:
    assert added(BASE, provider_options=EmpirioLabsOptions(disable_formatting=wanted)) == {"disable_formatting": wanted}
    assert added(BASE, provider_options={"disable_formatting": wanted}) == {"disable_formatting": wanted}


def test_the_footer_is_off_where_it_would_break_json() -> None:
    assert body(BASE, web_search=True, response_format=JSON)["disable_formatting"] is True
    kept = body(BASE, web_search=True, response_format=JSON, provider_options={"disable_formatting": False})
    assert kept["disable_formatting"] is False
    assert "disable_formatting" not in body(BASE, web_search=True)
    assert "disable_formatting" not in body(BASE, response_format=JSON)
    assert "disable_formatting" not in body(SECOND, web_search=True, response_format=JSON)


@pytest.mark.parametrize("provider", [FIRST, SECOND])
def test_the_switch_of_the_footer_is_left_out_where_there_is_none(provider: str) -> None:
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


def test_the_gateways_own_default_can_be_had() -> None:
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
        said = body(BASE, reasoning_effort="high", thinking_budget=100)
    assert (said["enable_thinking"], said["thinking_budget"]) == (True, 100)
    assert "reasoning_effort" not in said
    said = body(BASE, thinking=True, reasoning_effort="high")
    assert said["reasoning_effort"] == "high"
    assert "enable_thinking" not in said


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
def test_reasoning_is_read_wherever_it_comes(message: Any, reasoning: Reasoning | None, content: str) -> None:
    reply = decode(message)
    assert (reply.reasoning, reply.content) == (reasoning, content)


@pytest.mark.parametrize(
    "text", ["<think>Let me see\n</think>\n\nFour </b>.", "<think></think>Hi", "No tags", "<thin", ""]
)
def test_tags_are_split_alike_whole_and_in_pieces_of_any_size(text: str) -> None:
    whole = decode({"content": text})
    for size in range(1, len(text) + 1):
        pieces = [text[i : i + size] for i in range(0, len(text), size)]
        reply = stream(*pieces)
        assert (reply.reasoning, reply.content) == (whole.reasoning, whole.content), pieces


def test_reasoning_goes_back_as_reasoning_content() -> None:
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
def test_an_error_is_what_its_code_says_whatever_the_status(code: str, kind: str, retryable: bool, status: int) -> None:
    said = json.dumps({"error": {"message": "It failed", "type": "error", "code": code, "param": None}}).encode()
    error = decode_error(HttpResponse(status, {}, said), DIALECT, "empiriolabs")
    assert (type(error).__name__, error.retryable) == (kind, retryable)


@pytest.mark.parametrize(
    ("status", "kind", "retryable"), [(400, "InvalidRequestError", False), (502, "ServerError", True)]
)
def test_what_the_model_service_refused_is_not_sent_again(status: int, kind: str, retryable: bool) -> None:
    """The gateway's code for it says only who failed."""
    said = {
        "message": "reasoning_content must be passed back",
        "type": "invalid_request_error",
        "code": "upstream_error",
    }
    if status == 502:
        said["type"] = "server_error"
    error = decode_error(HttpResponse(status, {}, json.dumps({"error": said}).encode()), DIALECT, "empiriolabs")
    assert (type(error).__name__, error.retryable) == (kind, retryable)
