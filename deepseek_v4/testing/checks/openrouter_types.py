"""Types and ranges of the fields that OpenRouter's gateway reads itself, before it calls a host."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from deepseek_v4.testing.checks.parameters import Range
from deepseek_v4.testing.checks.types import (
    FieldTypes,
    TypeFault,
    boolean,
    mapping,
    message_types,
    number,
    request_types,
    required,
    sequence,
    stop_words,
    string,
    tool_choice,
    variant,
    whole_number,
)

ROLES = ("system", "developer", "user", "assistant", "tool")
EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
FORMATS = ("text", "json_object", "json_schema", "grammar", "python")
SERVICE_TIERS = ("auto", "default", "fast", "flex", "priority", "scale")
VERBOSITIES = ("low", "medium", "high", "xhigh", "max")
DETAIL_TYPES = ("reasoning.text", "reasoning.summary", "reasoning.encrypted", "reasoning.server_tool_call")
PLUGINS = (
    "web",
    "web-fetch",
    "file-parser",
    "response-healing",
    "context-compression",
    "moderation",
    "auto-router",
    "pareto-router",
    "fusion",
)
QUANTIZATIONS = (
    *("int4", "int8", "fp4", "mxfp4", "nvfp4", "fp6", "fp8", "mxfp8", "fp16", "bf16", "fp32"),
    "unknown",
)
SORTS = ("price", "throughput", "latency", "exacto")
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


def openrouter_types(body: Any) -> None:
    """Check the types and ranges of a complete chat request."""
    request_types(body, "ChatRequest", CHAT_FIELDS, ("messages",))


def gateway_types(body: Any) -> None:
    """Check the types and ranges of the fields that all three protocols have."""
    request_types(body, "Request", SHARED_FIELDS, ())


def _within(name: str, kind: Callable[[str, Any], None]) -> Callable[[str, Any], None]:
    def check(path: str, value: Any) -> None:
        kind(path, value)
        if not RANGES[name].holds(value):
            raise TypeFault(path, f"{value} is not in {RANGES[name].text}")

    return check


def _one_of(*words: str) -> Callable[[str, Any], None]:
    return lambda path, value: variant(path, value, words)


def _at_most(longest: int) -> Callable[[str, Any], None]:
    def check(path: str, value: Any) -> None:
        string(path, value)
        if len(value) > longest:
            raise TypeFault(path, f"has {len(value)} characters, at most {longest} are allowed")

    return check


def _strings(path: str, value: Any) -> None:
    sequence(path, value)
    for position, one in enumerate(value):
        string(f"{path}[{position}]", one)


def _struct(path: str, value: Any, fields: FieldTypes) -> None:
    """Check the known fields of an object."""
    mapping(path, value, "object")
    for name, check in fields.items():
        if value.get(name) is not None:
            check(f"{path}.{name}", value[name])


def _whole(path: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeFault(path, "expected an integer")


def _messages(path: str, value: Any) -> None:
    message_types(path, value, ROLES)
    for position, message in enumerate(value):
        here = f"{path}[{position}]"
        if message.get("reasoning") is not None:
            string(f"{here}.reasoning", message["reasoning"])
        details = message.get("reasoning_details")
        if details is None:
            continue
        sequence(f"{here}.reasoning_details", details)
        for place, detail in enumerate(details):
            where = f"{here}.reasoning_details[{place}]"
            mapping(where, detail, "ReasoningDetail")
            variant(f"{where}.type", required(where, detail, "type"), DETAIL_TYPES)


def _reasoning(path: str, value: Any) -> None:
    _struct(path, value, REASONING_FIELDS)


def _response_format(path: str, value: Any) -> None:
    mapping(path, value, "ResponseFormat")
    variant(f"{path}.type", required(path, value, "type"), FORMATS)
    if value["type"] != "json_schema":
        return
    schema = required(path, value, "json_schema")
    mapping(f"{path}.json_schema", schema, "JsonSchema")
    _at_most(LONGEST_NAME)(f"{path}.json_schema.name", required(f"{path}.json_schema", schema, "name"))
    mapping(f"{path}.json_schema.schema", schema.get("schema") or {}, "Schema")


def _stop(path: str, value: Any) -> None:
    stop_words(path, value)
    if isinstance(value, list) and len(value) > MOST_STOP_WORDS:
        raise TypeFault(path, f"has {len(value)} entries, at most {MOST_STOP_WORDS} are allowed")


def _logit_bias(path: str, value: Any) -> None:
    mapping(path, value, "map")
    for token, bias in value.items():
        number(f"{path}.{token}", bias)
        if not token.isdigit() or not BIAS.holds(bias):
            raise TypeFault(f"{path}.{token}", f"expected a token id and a bias in {BIAS.text}")


def _metadata(path: str, value: Any) -> None:
    mapping(path, value, "map")
    if len(value) > MOST_PAIRS:
        raise TypeFault(path, f"has {len(value)} pairs, at most {MOST_PAIRS} are allowed")
    for key, text in value.items():
        _at_most(LONGEST_KEY)(f"{path}.<key>", key)
        _at_most(LONGEST_VALUE)(f"{path}.{key}", text)


def tools(path: str, value: Any) -> None:
    """Check functions, and the router's own tools."""
    sequence(path, value)
    for position, tool in enumerate(value):
        here = f"{path}[{position}]"
        mapping(here, tool, "Tool")
        kind = required(here, tool, "type")
        string(f"{here}.type", kind)
        if kind == "function":
            function = required(here, tool, "function")
            mapping(f"{here}.function", function, "Function")
            _at_most(LONGEST_NAME)(f"{here}.function.name", required(f"{here}.function", function, "name"))
            _struct(f"{here}.function", function, {"description": string, "strict": boolean})
        elif kind.startswith(SEARCH_TOOLS):
            _struct(f"{here}.parameters", tool.get("parameters") or {}, SEARCH_FIELDS)
        elif not kind.startswith("openrouter:"):
            raise TypeFault(f"{here}.type", f"unknown tool `{kind}`")


def _results(path: str, value: Any) -> None:
    whole_number(path, value)
    if not 1 <= value <= MOST_RESULTS:
        raise TypeFault(path, f"{value} is not in [1, {MOST_RESULTS}]")


def _plugins(path: str, value: Any) -> None:
    sequence(path, value)
    for position, plugin in enumerate(value):
        here = f"{path}[{position}]"
        mapping(here, plugin, "Plugin")
        variant(f"{here}.id", required(here, plugin, "id"), PLUGINS)
        _struct(here, plugin, {"enabled": boolean})


def _quantizations(path: str, value: Any) -> None:
    sequence(path, value)
    for position, one in enumerate(value):
        variant(f"{path}[{position}]", one, QUANTIZATIONS)


def _sort(path: str, value: Any) -> None:
    if isinstance(value, dict):
        _struct(path, value, {"by": _one_of(*SORTS), "partition": _one_of("model", "none")})
    else:
        variant(path, value, SORTS)


def _preference(path: str, value: Any) -> None:
    if isinstance(value, dict):
        _struct(path, value, dict.fromkeys(("p50", "p75", "p90", "p99"), number))
    else:
        number(path, value)


def _price(path: str, value: Any) -> None:
    """Check a number, or a number as text."""
    try:
        float(value)
    except (TypeError, ValueError):
        raise TypeFault(path, "expected a price in USD per million tokens") from None


def _max_price(path: str, value: Any) -> None:
    _struct(path, value, dict.fromkeys(("prompt", "completion", "request", "image", "audio"), _price))


def _provider(path: str, value: Any) -> None:
    mapping(path, value, "ProviderPreferences")
    for name, one in value.items():
        if name not in PROVIDER_FIELDS:
            raise TypeFault(path, f"unknown field `{name}`")
        if one is not None:
            PROVIDER_FIELDS[name](f"{path}.{name}", one)


SEARCH_FIELDS: FieldTypes = {
    "max_results": _results,
    "max_uses": whole_number,
    "max_total_results": whole_number,
    "max_characters": whole_number,
    "engine": string,
    "search_context_size": _one_of("low", "medium", "high"),
    "allowed_domains": _strings,
    "excluded_domains": _strings,
}
REASONING_FIELDS: FieldTypes = {
    "effort": _one_of(*EFFORTS),
    "max_tokens": whole_number,
    "exclude": boolean,
    "enabled": boolean,
    "summary": _one_of("auto", "concise", "detailed"),
    "context": _one_of("auto", "all_turns", "current_turn"),
    "mode": _one_of("standard", "pro"),
}
PROVIDER_FIELDS: FieldTypes = {
    "order": _strings,
    "only": _strings,
    "ignore": _strings,
    "allow_fallbacks": boolean,
    "require_parameters": boolean,
    "data_collection": _one_of("allow", "deny"),
    "zdr": boolean,
    "enforce_distillable_text": boolean,
    "quantizations": _quantizations,
    "sort": _sort,
    "preferred_min_throughput": _preference,
    "preferred_max_latency": _preference,
    "max_price": _max_price,
}
SHARED_FIELDS: FieldTypes = {
    "model": string,
    "models": _strings,
    "provider": _provider,
    "plugins": _plugins,
    "session_id": _at_most(LONGEST_SESSION),
    "metadata": _metadata,
    "route": _one_of("fallback", "sort"),
    "reasoning": _reasoning,
    **{name: _within(name, number) for name in ("temperature", "top_p")},
}
CHAT_FIELDS: FieldTypes = {
    **SHARED_FIELDS,
    "messages": _messages,
    **{name: _within(name, number) for name in RANGES},
    **{name: _within(name, whole_number) for name in ("top_logprobs", "max_tokens", "max_completion_tokens")},
    "top_k": whole_number,
    "logit_bias": _logit_bias,
    "logprobs": boolean,
    "seed": _whole,
    "stop": _stop,
    "stream": boolean,
    "tools": tools,
    "tool_choice": tool_choice,
    "parallel_tool_calls": boolean,
    "response_format": _response_format,
    "structured_outputs": boolean,
    "include_reasoning": boolean,
    "reasoning_effort": _one_of(*EFFORTS),
    "verbosity": _one_of(*VERBOSITIES),
    "service_tier": _one_of(*SERVICE_TIERS),
    "user": string,
    "prompt_cache_key": string,
    "transforms": _strings,
}
