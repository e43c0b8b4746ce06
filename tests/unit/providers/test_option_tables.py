"""Each option at each provider, in the bytes of the request: sent, out of range, or reported as unsupported."""

from __future__ import annotations

import re
import warnings
from typing import Any

import pytest

from deepseek_v4 import ToolSpec, errors
from deepseek_v4.errors import UnsupportedOptionWarning
from deepseek_v4.values.sampling import Sampling
from tests.unit.providers.outgoing import added, body, notes, prepared

Case = tuple[str, Any, dict[str, Any]]

# what OpenAI's reference has, under its own names
STANDARD: list[Case] = [
    ("temperature", 0.5, {"temperature": 0.5}),
    ("temperature", 0, {"temperature": 0}),
    ("temperature", 2, {"temperature": 2}),
    ("top_p", 0.3, {"top_p": 0.3}),
    ("top_p", 1, {"top_p": 1}),
    ("frequency_penalty", -2, {"frequency_penalty": -2}),
    ("frequency_penalty", 0.5, {"frequency_penalty": 0.5}),
    ("presence_penalty", 2, {"presence_penalty": 2}),
    ("seed", 7, {"seed": 7}),
    ("logit_bias", {"50256": -100, "11": 100}, {"logit_bias": {"50256": -100, "11": 100}}),
    ("logprobs", True, {"logprobs": True}),
    ("logprobs", False, {"logprobs": False}),
    ("top_logprobs", 20, {"top_logprobs": 20, "logprobs": True}),
    ("stop", ["a", "b", "c", "d"], {"stop": ["a", "b", "c", "d"]}),
    ("stop", ["a"], {"stop": ["a"]}),
    ("user_id", "user-1", {"user": "user-1"}),
    ("max_tokens", 1, {"max_tokens": 1}),
    ("max_tokens", 16_000, {"max_tokens": 16_000}),
]
SAMPLING: list[Case] = [
    ("top_k", 40, {"top_k": 40}),
    ("top_k", 0, {"top_k": 0}),
    ("min_p", 0.05, {"min_p": 0.05}),
    ("repetition_penalty", 1.1, {"repetition_penalty": 1.1}),
]
EMPIRIOLABS: list[Case] = [
    ("temperature", 0.7, {"temperature": 0.7}),
    ("temperature", 0, {"temperature": 0}),
    ("temperature", 2, {"temperature": 2}),
    ("top_p", 0, {"top_p": 0}),
    ("top_p", 0.9, {"top_p": 0.9}),
    ("top_p", 1, {"top_p": 1}),
    ("max_tokens", 1, {"max_tokens": 1}),
    ("max_tokens", 384_000, {"max_tokens": 384_000}),
    ("stop", ["END"], {"stop": "END"}),
    ("stop", ["a", "b", "c", "d"], {"stop": ["a", "b", "c", "d"]}),
    ("thinking_budget", 1, {"enable_thinking": True, "thinking_budget": 1}),
    ("thinking_budget", 32_768, {"enable_thinking": True, "thinking_budget": 32_768}),
    ("thinking", True, {"enable_thinking": True}),
    ("thinking", False, {"enable_thinking": False, "max_tokens": 8_192}),
    ("reasoning_effort", "none", {"enable_thinking": False, "max_tokens": 8_192}),
    ("reasoning_effort", "minimal", {"reasoning_effort": "low"}),
    ("reasoning_effort", "low", {"reasoning_effort": "low"}),
    ("reasoning_effort", "medium", {"reasoning_effort": "medium"}),
    ("reasoning_effort", "high", {"reasoning_effort": "high"}),
    ("reasoning_effort", "xhigh", {"reasoning_effort": "max", "max_tokens": 131_072}),
    ("reasoning_effort", "max", {"reasoning_effort": "max", "max_tokens": 131_072}),
]


def kwargs(**values: Any) -> dict[str, Any]:
    return {"chat_template_kwargs": values}


SENT: dict[str, list[Case]] = {
    "openrouter": [
        *STANDARD,
        *SAMPLING,
        ("max_tokens", 384_000, {"max_tokens": 384_000}),
        ("thinking", True, {"reasoning": {"enabled": True}}),
        ("thinking", False, {"reasoning": {"effort": "none"}}),
        ("reasoning_effort", "none", {"reasoning": {"effort": "none"}}),
        ("reasoning_effort", "minimal", {"reasoning": {"enabled": True, "effort": "high"}}),
        ("reasoning_effort", "low", {"reasoning": {"enabled": True, "effort": "high"}}),
        ("reasoning_effort", "medium", {"reasoning": {"enabled": True, "effort": "high"}}),
        ("reasoning_effort", "high", {"reasoning": {"enabled": True, "effort": "high"}}),
        ("reasoning_effort", "xhigh", {"reasoning": {"enabled": True, "effort": "xhigh"}}),
        ("reasoning_effort", "max", {"reasoning": {"enabled": True, "effort": "xhigh"}}),
        ("thinking_budget", 2_000, {"reasoning": {"max_tokens": 2_000}}),
        ("web_search", True, {"tools": [{"type": "openrouter:web_search"}]}),
        (
            "web_search",
            {"max_results": 3, "engine": "exa"},
            {"tools": [{"type": "openrouter:web_search", "parameters": {"engine": "exa", "max_results": 3}}]},
        ),
        ("web_search", False, {}),
    ],
    "empiriolabs": [
        *EMPIRIOLABS,
        ("max_tokens", 393_216, {"max_tokens": 393_216}),
        ("web_search", True, {"web_search_linkup": True}),
        ("web_search", {"disable_formatting": True}, {"web_search_linkup": True, "disable_formatting": True}),
        ("web_search", False, {}),
    ],
    "empiriolabs:variant1": [
        *EMPIRIOLABS,
        ("max_tokens", 393_216, {"max_tokens": 393_216}),
        ("web_search", True, {"tool_web_search": True}),
    ],
    "empiriolabs:variant2": [*EMPIRIOLABS, ("web_search", True, {"tool_web_search": True})],
    "vllm": [
        *STANDARD,
        *SAMPLING,
        ("top_k", -1, {"top_k": -1}),
        ("stop", ["a"] * 4, {"stop": ["a"] * 4}),
        ("thinking_budget", 4_000, {"thinking_token_budget": 4_000}),
        ("thinking", True, {}),  # sent in every request
        ("thinking", False, kwargs(thinking=False, enable_thinking=False)),
        ("reasoning_effort", "none", kwargs(thinking=False, enable_thinking=False)),
        ("reasoning_effort", "minimal", kwargs(thinking=True, enable_thinking=True, reasoning_effort="low")),
        ("reasoning_effort", "low", kwargs(thinking=True, enable_thinking=True, reasoning_effort="low")),
        ("reasoning_effort", "medium", kwargs(thinking=True, enable_thinking=True, reasoning_effort="high")),
        ("reasoning_effort", "high", kwargs(thinking=True, enable_thinking=True, reasoning_effort="high")),
        ("reasoning_effort", "xhigh", kwargs(thinking=True, enable_thinking=True, reasoning_effort="high")),
        ("reasoning_effort", "max", kwargs(thinking=True, enable_thinking=True, reasoning_effort="max")),
    ],
    "sglang": [
        *STANDARD,
        *SAMPLING,
        ("thinking", True, {}),
        ("thinking", False, kwargs(thinking=False)),
        ("reasoning_effort", "none", kwargs(thinking=False)),
        ("reasoning_effort", "minimal", {"reasoning_effort": "low"}),
        ("reasoning_effort", "low", {"reasoning_effort": "low"}),
        ("reasoning_effort", "medium", {"reasoning_effort": "high"}),
        ("reasoning_effort", "high", {"reasoning_effort": "high"}),
        ("reasoning_effort", "xhigh", {"reasoning_effort": "high"}),
        ("reasoning_effort", "max", {"reasoning_effort": "max"}),
    ],
}
CASES = [(provider, *case) for provider, cases in SENT.items() for case in cases]


@pytest.mark.parametrize(("provider", "option", "value", "sent"), CASES)
def test_an_option_is_sent_in_exactly_its_field(provider: str, option: str, value: Any, sent: dict[str, Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert added(provider, **{option: value}) == sent


def test_every_option_is_tested_at_every_provider() -> None:
    every = {*Sampling._fields, "thinking", "reasoning_effort", "thinking_budget", "web_search"}
    for provider, cases in SENT.items():
        sent = {option for option, _, _ in cases}
        missing = {option for name, option, _ in NOT_SUPPORTED if name == provider}
        assert sent | missing == every, provider
        assert not sent & missing


@pytest.mark.parametrize(
    ("provider", "expected"),
    [
        ("openrouter", {"model": "deepseek/deepseek-v4-flash"}),
        ("empiriolabs", {"model": "deepseek-v4-flash", "max_tokens": 65_536}),
        ("empiriolabs:variant2", {"model": "deepseek-v4-flash:variant2", "max_tokens": 65_536}),
        ("vllm", {"model": "deepseek-ai/DeepSeek-V4-Flash", **kwargs(thinking=True, enable_thinking=True)}),
        ("sglang", {"model": "deepseek-ai/DeepSeek-V4-Flash", **kwargs(thinking=True)}),
    ],
)
def test_nothing_else_is_sent(provider: str, expected: dict[str, Any]) -> None:
    assert body(provider) == {**expected, "messages": [{"role": "user", "content": "Hi"}]}


# -- out of range ----------------------------------------------------------------------------------------------------

_OPENAI_RANGES = [
    ("temperature", -0.1),
    ("temperature", 2.1),
    ("temperature", float("nan")),
    ("top_p", 1.1),
    ("frequency_penalty", -2.1),
    ("frequency_penalty", 2.1),
    ("presence_penalty", -3),
    ("presence_penalty", 3),
    ("logit_bias", {"11": 101}),
    ("logit_bias", {"11": 0, "12": -100.5}),
    ("top_logprobs", 21),
    ("top_logprobs", -1),
    ("min_p", -0.1),
    ("min_p", 1.1),
    ("repetition_penalty", 0),
    ("max_tokens", 0),
]
OUT_OF_RANGE = [
    *[("openrouter", *case) for case in _OPENAI_RANGES],
    ("openrouter", "top_p", 0),
    ("openrouter", "top_k", -1),
    ("openrouter", "repetition_penalty", 2.1),
    ("openrouter", "stop", ["a"] * 5),
    *[
        (provider, *case)
        for provider in ("empiriolabs", "empiriolabs:variant1", "empiriolabs:variant2")
        for case in (
            ("temperature", -0.1),
            ("temperature", 2.01),
            ("top_p", -0.1),
            ("top_p", 1.01),
            ("max_tokens", 0),
            ("thinking_budget", 393_217),
            ("stop", ["a"] * 5),
        )
    ],
    *[(provider, *case) for provider in ("vllm", "sglang") for case in _OPENAI_RANGES],
    ("vllm", "top_p", 0),
    ("vllm", "top_k", -2),
    ("sglang", "repetition_penalty", 2.1),
]


@pytest.mark.parametrize(("provider", "option", "value"), OUT_OF_RANGE)
def test_a_value_out_of_range_is_one_error_that_names_it(provider: str, option: str, value: Any) -> None:
    with pytest.raises(errors.InvalidRequestError, match=option) as caught:
        prepared(provider, **{option: value})
    assert re.search(r"must be (in [\[(]|at least|above)|at most", str(caught.value))


@pytest.mark.parametrize("provider", ["openrouter", "empiriolabs", "vllm", "sglang"])
def test_a_budget_below_one_is_refused(provider: str) -> None:
    with pytest.raises(errors.InvalidRequestError, match="thinking_budget"):
        prepared(provider, thinking_budget=0)


@pytest.mark.parametrize(
    ("provider", "largest"),
    [("empiriolabs", 393_216), ("empiriolabs:variant1", 393_216), ("empiriolabs:variant2", 384_000)],
)
def test_max_tokens_above_the_limit_of_a_variant_is_clamped_and_noted(provider: str, largest: int) -> None:
    assert added(provider, max_tokens=400_000) == {"max_tokens": largest}
    assert notes(provider, max_tokens=400_000) == [
        f"max_tokens clamped: 400000 -> {largest} (maximum for this provider)"
    ]
    assert notes(provider, max_tokens=largest) == []


# -- not supported ---------------------------------------------------------------------------------------------------

_NOT_AT_EMPIRIOLABS = [
    ("top_k", 40),
    ("min_p", 0.1),
    ("frequency_penalty", 1),
    ("presence_penalty", 1),
    ("repetition_penalty", 1.1),
    ("seed", 7),
    ("logit_bias", {"11": 1}),
    ("logprobs", True),
    ("top_logprobs", 3),
    ("user_id", "user-1"),
]
NOT_SUPPORTED = [
    *[
        (provider, *case)
        for provider in ("empiriolabs", "empiriolabs:variant1", "empiriolabs:variant2")
        for case in _NOT_AT_EMPIRIOLABS
    ],
    ("vllm", "web_search", True),
    ("sglang", "web_search", True),
    ("sglang", "thinking_budget", 4_000),
]


@pytest.mark.parametrize(("provider", "option", "value"), NOT_SUPPORTED)
def test_an_unsupported_option_is_left_out_with_one_warning(provider: str, option: str, value: Any) -> None:
    with pytest.warns(UnsupportedOptionWarning, match=option) as caught:
        assert added(provider, **{option: value}) == {}
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        prepared(provider, **{option: value})  # reported once
    assert any(f"{option} dropped" in note for note in notes(provider, **{option: value}))


@pytest.mark.parametrize(("provider", "option", "value"), NOT_SUPPORTED)
def test_an_unsupported_option_can_be_refused(provider: str, option: str, value: Any) -> None:
    with pytest.raises(errors.UnsupportedError, match=option):
        prepared(provider, on_unsupported="raise", **{option: value})


@pytest.mark.parametrize(("provider", "option", "value"), NOT_SUPPORTED)
def test_an_unsupported_option_can_be_left_out_without_a_warning(provider: str, option: str, value: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert added(provider, on_unsupported="ignore", **{option: value}) == {}


# -- tools, forms of answers -----------------------------------------------------------------------------------------

WEATHER = ToolSpec("get_weather", "The weather.", {"type": "object", "properties": {"city": {"type": "string"}}})
SCHEMA = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}}
WITH_TOOLS = ["openrouter", "empiriolabs:variant2", "vllm", "sglang"]


@pytest.mark.parametrize("provider", WITH_TOOLS)
def test_tools_are_sent(provider: str) -> None:
    function = {"name": "get_weather", "description": "The weather.", "parameters": dict(WEATHER.parameters or {})}
    assert added(provider, tools=[WEATHER]) == {"tools": [{"type": "function", "function": function}]}


@pytest.mark.parametrize("provider", WITH_TOOLS)
@pytest.mark.parametrize("choice", ["none", "required", "get_weather"])
def test_a_tool_choice_is_sent(provider: str, choice: str) -> None:
    named = {"type": "function", "function": {"name": "get_weather"}}
    sent = body(provider, tools=[WEATHER], tool_choice=choice, thinking=False)
    assert sent["tool_choice"] == (named if choice == "get_weather" else choice)
    assert "tool_choice" not in body(provider, tools=[WEATHER], tool_choice="auto")


@pytest.mark.parametrize("provider", ["openrouter", "empiriolabs:variant2"])
def test_a_forced_tool_disables_thinking_if_both_may_be_refused(provider: str) -> None:
    sent = body(provider, tools=[WEATHER], tool_choice="required")
    assert sent["tool_choice"] == "required"
    assert sent.get("reasoning") == {"effort": "none"} or sent.get("enable_thinking") is False


@pytest.mark.parametrize("provider", ["vllm", "sglang"])
def test_a_forced_tool_keeps_thinking_on_if_both_are_accepted(provider: str) -> None:
    assert added(provider, tools=[WEATHER], tool_choice="required").keys() == {"tools", "tool_choice"}


@pytest.mark.parametrize("provider", ["openrouter", "vllm", "sglang"])
def test_a_schema_is_sent_unchanged_if_schemas_are_supported(provider: str) -> None:
    assert added(provider, response_format=SCHEMA) == {"response_format": SCHEMA}


@pytest.mark.parametrize("provider", ["empiriolabs", "empiriolabs:variant1", "empiriolabs:variant2"])
def test_a_schema_becomes_json_mode_unless_schemas_are_supported(provider: str) -> None:
    sent = body(provider, response_format=SCHEMA)
    assert sent["response_format"] == {"type": "json_object"}
    assert "JSON Schema" in sent["messages"][0]["content"]


@pytest.mark.parametrize("provider", WITH_TOOLS)
def test_parallel_calls_are_removed_from_the_reply(provider: str) -> None:
    one = prepared(provider, tools=[WEATHER], parallel_tool_calls=False)
    assert "parallel_tool_calls" not in one.body
    assert one.context.single_call


@pytest.mark.parametrize(
    ("provider", "strict"), [("openrouter", True), ("vllm", True), ("sglang", False), ("empiriolabs:variant2", False)]
)
@pytest.mark.filterwarnings("ignore::deepseek_v4.errors.UnsupportedOptionWarning")
def test_strict_tools_are_sent_if_they_are_supported(provider: str, strict: bool) -> None:
    sent = body(provider, tools=[WEATHER], strict_tools=True)
    assert ("strict" in sent["tools"][0]["function"]) == strict
    assert any("strict_tools dropped" in note for note in notes(provider, tools=[WEATHER], strict_tools=True)) != strict


@pytest.mark.parametrize(
    ("provider", "requested"),
    [("openrouter", False), ("empiriolabs", True), ("empiriolabs:variant2", True), ("vllm", True), ("sglang", True)],
)
def test_token_counts_of_a_stream_are_requested_unless_they_are_always_sent(provider: str, requested: bool) -> None:
    sent = body(provider, stream=True)
    assert sent["stream"] is True
    assert sent.get("stream_options") == ({"include_usage": True} if requested else None)
    assert "stream_options" not in body(provider, stream=True, stream_usage=False)
