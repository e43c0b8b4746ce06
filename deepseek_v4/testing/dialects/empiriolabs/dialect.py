"""EmpirioLabs: DeepSeek V4 Flash in regional variants, on a gateway with its own switches and defaults.

Little of it is documented; these are choices:

- A feature the variant does not list is refused with 400: tools everywhere except on variant2, in `strict` also the web
  search switch and `disable_formatting` of another variant. Undocumented fields are ignored.
- `reasoning_effort` with `enable_thinking` or `thinking_budget` is refused in `strict`; else the effort counts.
- The thinking budget is part of `max_tokens`, which is 4096 by default. More output than the variant supports is
  refused in `strict` and clamped otherwise.
- Reasoning is in `reasoning_content`, and required there as on DeepSeek, by variants that have tools.
- Errors have OpenAI's envelope, in Anthropic's form Anthropic's; the status of each code is the usual one.
- A search's citations are the "Sources" footer, or nowhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from deepseek_v4.testing.checks.messages import check_reasoning, check_turns
from deepseek_v4.testing.checks.parameters import Range, check_ranges
from deepseek_v4.testing.checks.protocol_types import (
    CHAT_FIELDS,
    OPENAI_ROLES,
    messages_of,
    messages_types,
    responses_types,
)
from deepseek_v4.testing.checks.tools import check_choice_while_thinking, check_tools
from deepseek_v4.testing.checks.types import FieldTypes, boolean, check_types, number, one_of, request_of
from deepseek_v4.testing.dialects.empiriolabs import variants
from deepseek_v4.testing.endpoints.chat import answer
from deepseek_v4.testing.endpoints.models import answer_model, answer_models
from deepseek_v4.testing.exchange import Dialect, EndpointRoute, Exchange, ServedModel
from deepseek_v4.testing.model.answer import MADE_UP_PAGE
from deepseek_v4.testing.outcome import Rejection
from deepseek_v4.testing.reading import messages as messages_request
from deepseek_v4.testing.reading import responses as responses_request
from deepseek_v4.testing.reading.chat import ChatCall, as_system, chat_call
from deepseek_v4.testing.tokens import estimate
from deepseek_v4.testing.writing.chat import OpenAIShapes
from deepseek_v4.testing.writing.messages import error_type

ROOT = "/v1"
MOST_STOP_WORDS = 4
# Inserted before a conversation without a system message; the real text is not published.
IDENTITY = "You are DeepSeek V4 Flash, a large language model served by EmpirioLabs."
RANGES: Mapping[str, Range] = {
    "temperature": Range(0, 2, "0 to 2"),
    "top_p": Range(0, 1, "0 to 1"),
    "max_tokens": Range(1, variants.LARGEST_BUDGET, f"1 to {variants.LARGEST_BUDGET}"),
    "thinking_budget": Range(1, variants.LARGEST_BUDGET, f"1 to {variants.LARGEST_BUDGET}"),
}
SWITCHES = ("web_search_linkup", "tool_web_search", "disable_formatting")
# The gateway's own fields, which all three endpoints accept.
OWN_FIELDS: FieldTypes = {
    "enable_thinking": boolean,
    "thinking_budget": number,
    "reasoning_effort": one_of(*variants.EFFORTS),
    **dict.fromkeys(SWITCHES, boolean),
}
IGNORED = re.compile("(top_)?logprobs|.*_penalty|user_id|thinking|n|seed|parallel_tool_calls")
KEPT = {name: check for name, check in CHAT_FIELDS.items() if not IGNORED.fullmatch(name)}
FIELDS: FieldTypes = {**KEPT, **OWN_FIELDS, "messages": messages_of(*OPENAI_ROLES), "max_tokens": number}
chat_types = request_of("ChatRequest", FIELDS, "messages", "model")
own_types = request_of("Request", OWN_FIELDS)
STATUS_WORDS: Mapping[int, tuple[str, str, str]] = {
    400: ("The model service refused the request", "invalid_request_error", "upstream_error"),
    401: ("Invalid API key", "authentication_error", "invalid_api_key"),
    402: ("Insufficient credits", "insufficient_quota", "insufficient_credits"),
    404: ("Model not found", "invalid_request_error", "model_not_found"),
    429: ("Rate limit exceeded: 50 requests per minute", "rate_limit_error", "rate_limit_exceeded"),
    500: ("Upstream error", "server_error", "upstream_error"),
    502: ("Upstream error", "server_error", "upstream_error"),
    503: ("The model's worker is offline", "server_error", "model_unavailable"),
}


def _served(name: str, one: variants.Variant) -> ServedModel:
    return ServedModel(name, variants.entry(name, one))


class EmpirioLabsDialect(OpenAIShapes, Dialect):
    """api.empiriolabs.ai, by its model page and documentation of November 2026."""

    name = "empiriolabs"
    root = ROOT
    context_length = variants.CONTEXT_WINDOW
    x_api_key_paths = ""
    unknown_model = ("Model '{}' not found", 404, "model_not_found")
    status_words = STATUS_WORDS
    key_errors = (("Missing API key", "missing_api_key"), ("Invalid API key", "invalid_api_key"))
    models = (
        _served(variants.NAMES[0], variants.BASE),
        *(_served(f"{variants.NAMES[0]}:{suffix}", one) for suffix, one in variants.NUMBERED.items()),
    )

    routes = (
        EndpointRoute("POST", f"{ROOT}/chat/completions", answer),
        EndpointRoute("POST", f"{ROOT}/responses", answer, protocol="responses"),
        EndpointRoute("POST", f"{ROOT}/messages", answer, protocol="messages"),
        EndpointRoute("GET", f"{ROOT}/models", answer_models),
        EndpointRoute("GET", f"{ROOT}/models/{{id}}", answer_model),
    )

    def model_named(self, name: str) -> ServedModel | None:
        """Return the variant of an id; any `:variantN` is served."""
        one = variants.variant_named(name)
        return None if one is None else _served(name, one)

    # ------------------------------------------------------------------ refusals

    def error_object(self, rejection: Rejection, protocol: str) -> dict[str, Any]:
        """Return the error in OpenAI's form, or in Anthropic's with the code."""
        if protocol == "messages":
            return {"type": error_type(rejection.status), "message": rejection.message, "code": rejection.code}
        return super().error_object(rejection, protocol)

    def error(self, rejection: Rejection, protocol: str) -> dict[str, Any]:
        """Return the envelope of the protocol."""
        kind = {"type": "error"} if protocol == "messages" else {}
        return {**kind, **super().error(rejection, protocol)}

    # ------------------------------------------------------------------ requests

    def read_chat(self, exchange: Exchange) -> ChatCall:
        """Run the gateway's checks."""
        body = exchange.body
        _typed(chat_types, body)
        return self._read(exchange, body)

    def read_responses(self, exchange: Exchange) -> ChatCall:
        """Read items; reasoning is required before function calls only."""
        body = exchange.body
        _typed(responses_types, body)
        _typed(own_types, body)
        request = responses_request.chat_request(body)
        return self._read(exchange, {**request, **_own(body)}, calls_only=True)

    def read_messages(self, exchange: Exchange) -> ChatCall:
        """Read Anthropic's blocks; `budget_tokens` is the thinking budget."""
        body = exchange.body
        _typed(messages_types, body)
        _typed(own_types, body)
        request = messages_request.chat_request(body)
        requested = request.pop("thinking", None)
        if requested is not None:
            request["enable_thinking"] = requested["type"] != "disabled"
            if requested.get("budget_tokens") is not None:
                request["thinking_budget"] = requested["budget_tokens"]
        return self._read(exchange, {**request, **_own(body)}, any_allowed=True)

    def _read(
        self, exchange: Exchange, body: Mapping[str, Any], *, calls_only: bool = False, any_allowed: bool = False
    ) -> ChatCall:
        """Check what all protocols share, with the request in the form of chat."""
        strict = exchange.options.strict
        self.check_model(body["model"], exchange)
        one = variants.variant_named(body["model"]) or variants.BASE
        _check_parameters(body)
        _check_features(body, one, strict)
        thinking, budget = _thinking(body, strict, self.thinks_by_default(exchange))
        messages = tuple(as_system(message) for message in body["messages"])
        _upstream(check_turns, messages, False)
        _upstream(check_tools, body, beta=False)
        if thinking:
            if strict:
                _upstream(check_choice_while_thinking, body, any_allowed=any_allowed)
            rule = exchange.options.passback
            _upstream(check_reasoning, messages, bool(body.get("tools")), rule, calls_only=calls_only)
        searches = one.search is not None and bool(body.get(one.search))
        has_system = any(message["role"] == "system" for message in messages)
        return chat_call(
            {**body, "logprobs": False, "top_logprobs": 0},
            messages,
            thinking,
            max_tokens=_limit(body, one, strict),
            thinking_budget=budget,
            web_search=searches,
            caches=one.has("cache"),
            lists_sources=searches and one is variants.BASE and not body.get("disable_formatting"),
            hidden_tokens=(0 if has_system else estimate(IDENTITY)) + (estimate(str(MADE_UP_PAGE)) if searches else 0),
        )


_typed = partial(check_types, text="Invalid request body: {}")


def _upstream(check: Any, *arguments: Any, **more: Any) -> None:
    """Run a check of the model service; its refusal bears the gateway's code."""
    try:
        check(*arguments, **more)
    except Rejection as rejection:
        raise Rejection(rejection.message, code="upstream_error") from None


def _own(body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: body[name] for name in OWN_FIELDS if body.get(name) is not None}


def _check_parameters(body: Mapping[str, Any]) -> None:
    check_ranges(body, RANGES, "Invalid {name}: {value} is not within {range}")
    effort = body.get("reasoning_effort")
    if effort is not None and effort not in variants.EFFORTS:
        raise Rejection(f"Invalid reasoning_effort: '{effort}' is not one of {', '.join(variants.EFFORTS)}")
    stop = body.get("stop")
    if isinstance(stop, list) and len(stop) > MOST_STOP_WORDS:
        raise Rejection(f"Invalid stop: at most {MOST_STOP_WORDS} strings are allowed")


def _check_features(body: Mapping[str, Any], one: variants.Variant, strict: bool) -> None:
    model = body["model"]
    if body.get("tools") and not one.has("function_calling"):
        raise Rejection(f"Model '{model}' does not support function calling; deepseek-v4-flash:variant2 does")
    known = (one.search, "disable_formatting" if one is variants.BASE else None)
    for name in SWITCHES:
        if strict and body.get(name) is not None and name not in known:
            raise Rejection(f"Model '{model}' does not support the parameter '{name}'")


def _thinking(body: Mapping[str, Any], strict: bool, default: bool) -> tuple[bool, int | None]:
    """Return a pair: True if it thinks, and the budget."""
    effort, switch, budget = (body.get(name) for name in ("reasoning_effort", "enable_thinking", "thinking_budget"))
    if effort is not None:
        if strict and (switch is not None or budget is not None):
            raise Rejection("reasoning_effort cannot be combined with enable_thinking or thinking_budget")
        return effort != "none", variants.BUDGETS.get(effort)
    thinks = switch if switch is not None else default or budget is not None
    return bool(thinks), int(budget or variants.DEFAULTS["thinking_budget"])


def _limit(body: Mapping[str, Any], one: variants.Variant, strict: bool) -> int:
    requested = int(body.get("max_tokens") or variants.DEFAULTS["max_tokens"])
    if strict and requested > one.max_output:
        raise Rejection(f"Invalid max_tokens: {requested} is not within 1 to {one.max_output}")
    return min(requested, one.max_output)
