"""Hosts described by ``openai_compatible``: custom ones, and those of the package."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from deepseek_v4 import Client, Message, OptionSpec, Reasoning, ToolSpec, errors, openai_compatible
from deepseek_v4.errors import UnsupportedOptionWarning
from deepseek_v4.providers import PROVIDERS
from deepseek_v4.providers.hosts import HOSTS
from tests.unit.providers.outgoing import added, body, prepared

ON = {"chat_template_kwargs": {"thinking": True}}
OFF = {"chat_template_kwargs": {"thinking": False}}
MINE = openai_compatible(
    "mine",
    "https://llm.example.com/v1",
    key_variable="MINE_API_KEY",
    headers={"x-team": "search"},
    reasoning_response_fields=("thoughts",),
    reasoning_request_fields=("thoughts", "reasoning"),
    thinking_on=ON,
    thinking_off=OFF,
    thinks_by_default=False,
    efforts={"low": "a little", "max": "a lot"},
    effort_field="chat_template_kwargs.effort",
    budget=OptionSpec("chat_template_kwargs.budget", 10, 100),
    option_specs={"seed": None, "top_k": OptionSpec("top_k", 1, 50)},
    unsupported={"seed": "this host rolls its own dice"},
    json_schema=True,
)


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        ({}, {}),
        ({"thinking": True}, ON),
        ({"thinking": False}, OFF),
        ({"reasoning_effort": "low"}, {"chat_template_kwargs": {"thinking": True, "effort": "a little"}}),
        ({"thinking_budget": 50}, {"chat_template_kwargs": {"thinking": True, "budget": 50}}),
        ({"top_k": 50}, {"top_k": 50}),
        ({"user_id": "u"}, {"user": "u"}),
        ({"response_format": {"type": "json_schema", "json_schema": {}}},) * 2,
    ],
)
def test_a_custom_host_receives_requests_as_described(options: dict[str, Any], sent: dict[str, Any]) -> None:
    assert added(MINE, **options) == sent


def test_using_a_host_does_not_change_its_description() -> None:
    body(MINE, reasoning_effort="low")
    assert added(MINE, thinking=True) == {"chat_template_kwargs": {"thinking": True}}


def test_unsupported_options_are_reported_with_the_reason() -> None:
    with pytest.warns(UnsupportedOptionWarning, match="rolls its own dice"):
        assert added(MINE, seed=1) == {}
    with pytest.warns(UnsupportedOptionWarning, match="'high' is not supported; supported: low, max"):
        assert added(MINE, reasoning_effort="high") == ON
    with pytest.raises(errors.InvalidRequestError, match="thinking_budget=5 is out of range"):
        prepared(MINE, thinking_budget=5)


def test_headers_base_url_and_key_of_a_custom_host() -> None:
    request = prepared(MINE)
    assert request.http.url == "https://llm.example.com/v1/chat/completions"
    assert request.http.headers["x-team"] == "search"
    assert request.http.key is not None


def test_reasoning_is_passed_back_while_thinking() -> None:
    messages = [Message.user("Hi"), Message.assistant("Yes.", reasoning="Hm"), Message.user("And?")]
    assert body(MINE, messages)["messages"][1] == {"role": "assistant", "content": "Yes."}
    past_message = body(MINE, messages, reasoning_effort="low")["messages"][1]
    assert (past_message["thoughts"], past_message["reasoning"]) == ("Hm", "Hm")


def test_an_unknown_attribute_is_refused() -> None:
    with pytest.raises(TypeError, match="json_schemas"):
        openai_compatible("mine", "https://llm.example.com/v1", json_schemas=True)


@pytest.mark.parametrize("provider", [MINE, *PROVIDERS.values()], ids=lambda provider: provider.name)
def test_a_provider_survives_pickle_and_copies(provider: Any) -> None:
    for other in (pickle.loads(pickle.dumps(provider)), copy.deepcopy(provider), copy.copy(provider)):
        assert (other.name, other.base_url) == (provider.name, provider.base_url)
        assert other.dialects.keys() == provider.dialects.keys()
        address = {"base_url": "http://localhost:1/v1"} if not provider.base_url else {}
        assert body(other, thinking=True, **address) == body(provider, thinking=True, **address)


# -- the hosts of the package ----------------------------------------------------------------------------------------

ADDRESS = {"azure": "https://mine.services.ai.azure.com/openai/v1"}


def fields_of(host: str, **options: Any) -> dict[str, Any]:
    sent = body(host, model="m", base_url=ADDRESS.get(host), on_unsupported="ignore", **options)
    return {name: value for name, value in sent.items() if name not in ("model", "messages")}


@pytest.mark.parametrize(
    ("host", "on", "off", "most"),
    [
        ("alibaba", {"enable_thinking": True}, {"enable_thinking": False}, {"reasoning_effort": "max"}),
        ("siliconflow", {"enable_thinking": True}, {"enable_thinking": False}, {"reasoning_effort": "max"}),
        (
            "nvidia",
            {"chat_template_kwargs": {"thinking": True}},
            {"chat_template_kwargs": {"thinking": False}},
            {"chat_template_kwargs": {"thinking": True, "reasoning_effort": "max"}},
        ),
        ("deepinfra", {"reasoning": {"enabled": True}}, {"reasoning_effort": "none"}, {"reasoning_effort": "xhigh"}),
        ("fireworks", {"thinking": {"type": "enabled"}}, {"reasoning_effort": "none"}, {"reasoning_effort": "xhigh"}),
        (
            "together",
            {"reasoning": {"enabled": True}},
            {"reasoning": {"enabled": False}},
            {"reasoning_effort": "max"},
        ),
        ("novita", {}, {}, {"reasoning_effort": "xhigh"}),
        ("baseten", {}, {"reasoning_effort": "none"}, {"reasoning_effort": "max"}),
        (
            "tencent",
            {"thinking": {"type": "enabled"}},
            {"thinking": {"type": "disabled"}},
            {"reasoning_effort": "high"},
        ),
        ("huggingface", {}, {"reasoning_effort": "none"}, {"reasoning_effort": "xhigh"}),
        (
            "vercel",
            {"reasoning": {"enabled": True}},
            {"reasoning": {"enabled": False}},
            {"reasoning": {"effort": "xhigh"}},
        ),
        ("opencode", {}, {}, {"reasoning_effort": "max"}),
        ("nanogpt", {}, {"reasoning_effort": "none"}, {"reasoning_effort": "xhigh"}),
        ("azure", {}, {}, {}),
        ("doubleword", {}, {}, {}),
    ],
)
def test_each_host_has_its_own_fields_of_thinking(host: str, on: Any, off: Any, most: Any) -> None:
    assert fields_of(host, thinking=True) == on
    assert fields_of(host, thinking=False) == off
    assert fields_of(host, reasoning_effort="max") == most


def test_every_host_has_a_name_and_its_own_key() -> None:
    assert set(PROVIDERS) - set(HOSTS) == {"deepseek", "openrouter", "empiriolabs", "vllm", "sglang", "llamacpp"}
    for name, host in HOSTS.items():
        assert PROVIDERS[name] is host
        assert host.key_needed
        assert host.base_url.startswith("https://") or host.address_form.startswith("https://"), name
        assert fields_of(name) == ({"chat_template_kwargs": {"thinking": True}} if name == "nvidia" else {})


def test_a_host_without_a_base_url_requires_one() -> None:
    with pytest.raises(errors.InvalidRequestError, match=r"services\.ai\.azure\.com"):
        prepared("azure")


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("together", {"reasoning": "Hm"}),
        ("nvidia", {"reasoning": "Hm", "reasoning_content": "Hm"}),
        ("deepinfra", {"reasoning_content": "Hm"}),
        ("vercel", {"reasoning": "Hm", "reasoning_details": [{"type": "reasoning.text", "text": "Hm"}]}),
    ],
)
def test_each_host_receives_reasoning_in_the_field_it_reads(host: str, expected: dict[str, Any]) -> None:
    past = Message("assistant", "Yes.", reasoning=Reasoning("Hm", ({"type": "reasoning.text", "text": "Hm"},)))
    sent = body(host, [Message.user("Hi"), past, Message.user("And?")])["messages"][1]
    assert sent == {"role": "assistant", "content": "Yes.", **expected}


def test_a_forced_tool_is_requested_in_the_prompt_if_thinking_cannot_be_disabled() -> None:
    sent = body("opencode", tools=[ToolSpec("f")], tool_choice="f")
    assert "tool_choice" not in sent
    assert "Call the tool f now" in sent["messages"][-1]["content"]


def test_reasoning_is_passed_back_if_thinking_cannot_be_disabled() -> None:
    messages = [Message.user("Hi"), Message.assistant("Yes.", reasoning="Hm"), Message.user("And?")]
    with pytest.warns(UnsupportedOptionWarning, match="thinking"):
        assert body("opencode", messages, thinking=False)["messages"][1]["reasoning_content"] == "Hm"


@pytest.mark.parametrize(("host", "limit"), [("siliconflow", None), ("siliconflow-cn", None), ("novita", 100)])
def test_reasoning_may_exceed_a_limit_that_does_not_apply_to_it(host: str, limit: int | None) -> None:
    assert prepared(host, max_tokens=100).context.limit == limit


def test_azure_receives_no_json_mode_which_would_leave_the_answer_empty() -> None:
    sent = body("azure", base_url=ADDRESS["azure"], response_format={"type": "json_object"})
    assert "response_format" not in sent
    assert "JSON" in sent["messages"][0]["content"]


@pytest.mark.parametrize(
    ("host", "model"),
    [
        ("alibaba", "deepseek-v4-flash"),
        ("alibaba-cn", "deepseek-v4-flash"),
        ("alibaba-us", "deepseek-v4-flash-us"),
        ("doubleword", "deepseek-ai/DeepSeek-V4-Flash"),
    ],
)
def test_the_default_model_has_the_id_of_its_host(host: str, model: str) -> None:
    assert Client(provider=host, api_key="k").settings.model == model


def test_a_host_without_efforts_reports_that_it_has_none() -> None:
    with pytest.warns(UnsupportedOptionWarning, match="'max' is not supported, nor is any other"):
        prepared("azure", base_url=ADDRESS["azure"], reasoning_effort="max")
    with pytest.raises(errors.InvalidRequestError, match=r"reasoning_effort=50 for .*-flash\. Remove it\."):
        prepared("azure", base_url=ADDRESS["azure"], reasoning_effort=50)


def test_a_limit_above_a_million_is_shown_in_full() -> None:
    with pytest.warns(UnsupportedOptionWarning, match="2000000 -> 1048576 "):
        assert added("baseten", max_tokens=2_000_000) == {"max_tokens": 1_048_576}


def test_the_error_of_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"Unknown provider 'deepsek'.*deepseek.*openai_compatible"):
        Client(provider="deepsek")
    with pytest.raises(ValueError, match="has no variants"):
        Client(provider="vllm:variant1")
