"""Types and ranges of the fields that OpenRouter's gateway reads itself, before it calls a host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deepseek_v4.testing.checks.parameters import Range
from deepseek_v4.testing.checks.protocol_types import OPENAI_ROLES, messages_of, stop_words, tool_choice
from deepseek_v4.testing.checks.types import (
    Check,
    FieldTypes,
    TypeFault,
    boolean,
    integer,
    list_of,
    number,
    one_of,
    request_of,
    string,
    struct,
    whole_number,
)

EFFORT = one_of("none", "minimal", "low", "medium", "high", "xhigh", "max")
SORT = one_of("price", "throughput", "latency", "exacto")
PLUGINS = (
    *("web", "web-fetch", "file-parser", "response-healing", "context-compression", "moderation"),
    *("auto-router", "pareto-router", "fusion"),
)
DETAIL_TYPES = ("reasoning.text", "reasoning.summary", "reasoning.encrypted", "reasoning.server_tool_call")
QUANTIZATIONS = ("int4", "int8", "fp4", "mxfp4", "nvfp4", "fp6", "fp8", "mxfp8", "fp16", "bf16", "fp32", "unknown")
SEARCH_TOOLS = ("openrouter:web_search", "web_search")

MOST_STOP_WORDS = 4
LONGEST_NAME = 64
LONGEST_SESSION = 256
MOST_PAIRS, LONGEST_KEY, LONGEST_VALUE = 16, 64, 512
MOST_RESULTS = 25

RANGES: Mapping[str, Range] = {
    "temperature": Range(0, 2, "[0, 2]"),
    "top_p": Range(0, 1, "(0, 1]", open_below=True),
    "min_p": Range(0, 1, "[0, 1]"),
    "top_a": Range(0, 1, "[0, 1]"),
    "frequency_penalty": Range(-2, 2, "[-2, 2]"),
    "presence_penalty": Range(-2, 2, "[-2, 2]"),
    "repetition_penalty": Range(0, 2, "(0, 2]", open_below=True),
    "top_logprobs": Range(0, 20, "[0, 20]"),
    "max_tokens": Range(1, float("inf"), "[1, ...)"),
    "max_completion_tokens": Range(1, float("inf"), "[1, ...)"),
}
BIAS = Range(-100, 100, "[-100, 100]")


def _within(check: Check, allowed: Range) -> Check:
    def check_range(path: str, value: Any) -> None:
        check(path, value)
        if not allowed.holds(value):
            raise TypeFault(path, f"{value} is not in {allowed.text}")

    return check_range


def _text(longest: int) -> Check:
    def check(path: str, value: Any) -> None:
        string(path, value)
        if len(value) > longest:
            raise TypeFault(path, f"has {len(value)} characters, at most {longest} are allowed")

    return check


def _object_or(check: Check, fields: FieldTypes) -> Check:
    """Return the check of an object, or of a single value."""
    return lambda path, value: (struct("object", fields) if isinstance(value, dict) else check)(path, value)


def _price(path: str, value: Any) -> None:
    """Check a number, or a number as text."""
    try:
        float(value)
    except (TypeError, ValueError):
        raise TypeFault(path, "expected a price in USD per million tokens") from None


def _stop(path: str, value: Any) -> None:
    stop_words(path, value)
    if isinstance(value, list) and len(value) > MOST_STOP_WORDS:
        raise TypeFault(path, f"has {len(value)} entries, at most {MOST_STOP_WORDS} are allowed")


def _logit_bias(path: str, value: Any) -> None:
    struct("map")(path, value)
    for token, bias in value.items():
        number(f"{path}.{token}", bias)
        if not token.isdigit() or not BIAS.holds(bias):
            raise TypeFault(f"{path}.{token}", f"expected a token id and a bias in {BIAS.text}")


def _metadata(path: str, value: Any) -> None:
    struct("map")(path, value)
    if len(value) > MOST_PAIRS:
        raise TypeFault(path, f"has {len(value)} pairs, at most {MOST_PAIRS} are allowed")
    for key, text in value.items():
        _text(LONGEST_KEY)(f"{path}.<key>", key)
        _text(LONGEST_VALUE)(f"{path}.{key}", text)


STRINGS = list_of(string)
SEARCH = struct(
    "object",
    {
        "max_results": _within(whole_number, Range(1, MOST_RESULTS, f"[1, {MOST_RESULTS}]")),
        **dict.fromkeys(("max_uses", "max_total_results", "max_characters"), whole_number),
        "engine": string,
        "search_context_size": one_of("low", "medium", "high"),
        "allowed_domains": STRINGS,
        "excluded_domains": STRINGS,
    },
)
FUNCTION = struct("Function", {"name!": _text(LONGEST_NAME), "description": string, "strict": boolean})
TOOL = struct("Tool", {"type!": string}, {"function": {"function!": FUNCTION}})
REASONING = struct(
    "object",
    {
        "effort": EFFORT,
        "max_tokens": whole_number,
        "exclude": boolean,
        "enabled": boolean,
        "summary": one_of("auto", "concise", "detailed"),
        "context": one_of("auto", "all_turns", "current_turn"),
        "mode": one_of("standard", "pro"),
    },
)
JSON_SCHEMA = struct("JsonSchema", {"name!": _text(LONGEST_NAME), "schema": struct("Schema")})
RESPONSE_FORMAT = struct(
    "ResponseFormat",
    {"type!": one_of("text", "json_object", "json_schema", "grammar", "python")},
    {"json_schema": {"json_schema!": JSON_SCHEMA}},
)
DETAIL = struct("ReasoningDetail", {"type!": one_of(*DETAIL_TYPES)})
PREFERENCE = _object_or(number, dict.fromkeys(("p50", "p75", "p90", "p99"), number))
PROVIDER_FIELDS: FieldTypes = {
    **dict.fromkeys(("order", "only", "ignore"), STRINGS),
    **dict.fromkeys(("allow_fallbacks", "require_parameters", "zdr", "enforce_distillable_text"), boolean),
    "data_collection": one_of("allow", "deny"),
    "quantizations": list_of(one_of(*QUANTIZATIONS)),
    "sort": _object_or(SORT, {"by": SORT, "partition": one_of("model", "none")}),
    **dict.fromkeys(("preferred_min_throughput", "preferred_max_latency"), PREFERENCE),
    "options": struct("object"),
    "max_price": struct("object", dict.fromkeys(("prompt", "completion", "request", "image", "audio"), _price)),
}


def check_tool(path: str, value: Any) -> None:
    """Check a function, or one of the router's own tools."""
    TOOL(path, value)
    kind = value["type"]
    if kind.startswith(SEARCH_TOOLS):
        SEARCH(f"{path}.parameters", value.get("parameters") or {})
    elif kind != "function" and not kind.startswith("openrouter:"):
        raise TypeFault(f"{path}.type", f"unknown tool `{kind}`")


def _provider(path: str, value: Any) -> None:
    struct("ProviderPreferences", PROVIDER_FIELDS)(path, value)
    for name in value:
        if name not in PROVIDER_FIELDS:
            raise TypeFault(path, f"unknown field `{name}`")


SHARED_FIELDS: FieldTypes = {
    "model": string,
    "models": STRINGS,
    "provider": _provider,
    "plugins": list_of(struct("Plugin", {"id!": one_of(*PLUGINS), "enabled": boolean})),
    "session_id": _text(LONGEST_SESSION),
    "metadata": _metadata,
    "route": one_of("fallback", "sort"),
    "reasoning": REASONING,
    **{name: _within(number, RANGES[name]) for name in ("temperature", "top_p")},
}
CHAT_FIELDS: FieldTypes = {
    **SHARED_FIELDS,
    "messages": messages_of(*OPENAI_ROLES, more={"reasoning": string, "reasoning_details": list_of(DETAIL)}),
    **{name: _within(number, allowed) for name, allowed in RANGES.items()},
    **{name: _within(whole_number, RANGES[name]) for name in ("top_logprobs", "max_tokens", "max_completion_tokens")},
    "top_k": whole_number,
    "logit_bias": _logit_bias,
    **dict.fromkeys(("logprobs", "stream", "parallel_tool_calls", "structured_outputs", "include_reasoning"), boolean),
    "seed": integer,
    "stop": _stop,
    "tools": list_of(check_tool),
    "tool_choice": tool_choice,
    "response_format": RESPONSE_FORMAT,
    "reasoning_effort": EFFORT,
    "verbosity": one_of("low", "medium", "high", "xhigh", "max"),
    "service_tier": one_of("auto", "default", "fast", "flex", "priority", "scale"),
    **dict.fromkeys(("user", "prompt_cache_key"), string),
    "transforms": STRINGS,
}
openrouter_types = request_of("ChatRequest", CHAT_FIELDS, "messages")
gateway_types = request_of("Request", SHARED_FIELDS)  # all three protocols have these fields
