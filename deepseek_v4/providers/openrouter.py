"""OpenRouter, https://openrouter.ai: many hosts of DeepSeek V4 behind one address. Facts and their sources.

What only OpenRouter has is typed in ``openrouter_options.py``. Sources: its OpenAPI file and guides (snapshot of
2026-08-22) and the model page; ``reference/providers.md`` §1 has them field by field.

- Which words for effort there are differs by model; the nearest one that the model lists is said (``catalog.toml``).
- ``json_schema``, strict tools and forced tools are served by some endpoints and not by others. Without
  ``provider={"require_parameters": True}`` an endpoint may ignore them in silence.
- The cost of an answer is what OpenRouter charged (``usage.cost``).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from deepseek_v4 import catalog, errors, records
from deepseek_v4.conversation import Reasoning
from deepseek_v4.dialect import Asked, Dialect, ErrorTable, Field, Note, Provider, Thinking, explain
from deepseek_v4.dialect_account import Amount, Balance, BalanceDialect, ModelsDialect, money
from deepseek_v4.providers.openai_compatible import (
    OpenAICompatibleChat,
    keep_reasoning_for_tools,
    readable,
    text_of,
)
from deepseek_v4.providers.openrouter_options import OpenRouterOptions, WebSearch
from deepseek_v4.reply import Usage
from deepseek_v4.wire import Json

_OPENAPI = "https://openrouter.ai/docs/api/reference/parameters (2026-08-22)"

FIELDS: Mapping[str, Field] = MappingProxyType(
    {
        # the page marks max_tokens as deprecated; the model lists it, and max_completion_tokens not
        "max_tokens": Field("max_tokens", 1, default="the endpoint's", source=_OPENAPI),
        "temperature": Field("temperature", 0, 2, default="the endpoint's", source=_OPENAPI),
        "top_p": Field("top_p", 0, 1, above=True, default="the endpoint's", source=_OPENAPI),
        "top_k": Field("top_k", 0, default=0, source=_OPENAPI),
        "min_p": Field("min_p", 0, 1, default=0, source=_OPENAPI),
        "stop": Field("stop", most=4, source=_OPENAPI),
        "frequency_penalty": Field("frequency_penalty", -2, 2, default=0, source=_OPENAPI),
        "presence_penalty": Field("presence_penalty", -2, 2, default=0, source=_OPENAPI),
        "repetition_penalty": Field("repetition_penalty", 0, 2, above=True, default=1, source=_OPENAPI),
        "seed": Field("seed", source=_OPENAPI),
        "logit_bias": Field("logit_bias", -100, 100, source=_OPENAPI),
        "logprobs": Field("logprobs", default=False, source=_OPENAPI),
        "top_logprobs": Field("top_logprobs", 0, 20, source=_OPENAPI),
        "user_id": Field("user", source=_OPENAPI),
        "thinking_budget": Field("reasoning.max_tokens", 1, default="none; turned into an effort", source=_OPENAPI),
    }
)

LISTED = frozenset(
    (
        "frequency_penalty",
        "include_reasoning",
        "logit_bias",
        "logprobs",
        "max_tokens",
        "min_p",
        "presence_penalty",
        "reasoning",
        "repetition_penalty",
        "response_format",
        "seed",
        "stop",
        "structured_outputs",
        "temperature",
        "tool_choice",
        "tools",
        "top_k",
        "top_logprobs",
        "top_p",
    )
)
"""``supported_parameters`` of deepseek/deepseek-v4-flash, as the model page and GET /models have it."""

UNLISTED = frozenset(
    (
        "max_completion_tokens",
        "parallel_tool_calls",
        "prediction",
        "reasoning_effort",
        "top_a",
        "verbosity",
        "web_search_options",
    )
)
"""Parameters of a model that OpenRouter knows and V4 Flash does not list. With ``require_parameters`` one of them
leaves no endpoint; without it they are ignored."""

NEAREST: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "minimal": ("minimal", "low", "high"),
        "low": ("low", "high"),
        "medium": ("medium", "high"),
        "high": ("high",),
        "xhigh": ("xhigh", "high"),
        # where xhigh is the top step it means DeepSeek's max: the V4 Flash page of April; on deepseek/deepseek-v4-flash
        # xhigh reasoned four times as long as high, and max was refused (github.com/earendil-works/pi/issues/3787)
        "max": ("max", "xhigh", "high"),
    }
)
"""Canonical effort -> the words for it, best first; the first that the model lists is said."""

ERROR_PHRASES: ErrorTable = (
    (re.compile(r"(maximum|exceeds?\b.*) context length|context length exceeded", re.I), errors.ContextLengthError),
    (re.compile(r"not a valid model id|model .*does not exist", re.I), errors.NotFoundError),
    (re.compile(r"input was flagged|content exists risk", re.I), errors.ContentFilterError),
)

ERROR_TYPES: Mapping[str, type[errors.DeepSeekError]] = MappingProxyType(
    {
        # error.metadata.error_type, the same in all three protocols
        "context_length_exceeded": errors.ContextLengthError,
        "token_limit_exceeded": errors.ContextLengthError,
        "max_tokens_exceeded": errors.InvalidRequestError,
        "string_too_long": errors.InvalidRequestError,
        "authentication": errors.AuthenticationError,
        "permission_denied": errors.PermissionDeniedError,
        "payment_required": errors.InsufficientBalanceError,
        "rate_limit_exceeded": errors.RateLimitError,
        "provider_overloaded": errors.OverloadedError,
        "provider_unavailable": errors.OverloadedError,
        "invalid_request": errors.InvalidRequestError,
        "invalid_prompt": errors.InvalidRequestError,
        "precondition_failed": errors.InvalidRequestError,
        "payload_too_large": errors.InvalidRequestError,
        "unprocessable": errors.InvalidRequestError,
        "invalid_image": errors.InvalidRequestError,
        "not_found": errors.NotFoundError,
        "content_policy_violation": errors.ContentFilterError,
        "refusal": errors.ContentFilterError,
        "server": errors.ServerError,
        "timeout": errors.TimeoutError,
        # error.availability.code
        "model_not_found": errors.NotFoundError,
        "model_deprecated": errors.NotFoundError,
        "free_variant_ended": errors.NotFoundError,
        "no_endpoints": errors.NotFoundError,
        "constraint_filtered": errors.UnsupportedError,
        "privacy_restricted": errors.PermissionDeniedError,
        "region_restricted": errors.PermissionDeniedError,
        "capacity_exhausted": errors.OverloadedError,
        "temporarily_unavailable": errors.OverloadedError,
        "model_unavailable_upstream": errors.OverloadedError,
    }
)

_CUT = frozenset({"length", "max_tokens", "max_output_tokens", "MAX_TOKENS"})
"""Upstream words for an output that was cut."""


class OpenRouterChat(OpenAICompatibleChat):
    """``POST /chat/completions``."""

    fields = FIELDS
    thinking_on: Mapping[str, Any] | None = MappingProxyType({"reasoning": {"enabled": True}})
    thinking_off: Mapping[str, Any] | None = MappingProxyType({"reasoning": {"effort": "none"}})
    effort_field = "reasoning.effort"
    sends_details = True
    asks_for_stream_usage = False  # always sent; stream_options has no effect
    json_schema = True  # per endpoint; without provider.require_parameters it may be ignored in silence
    strict_tools = True  # function.strict, per endpoint
    forced_tool_while_thinking = False  # by endpoint: 400 on DeepSeek's own
    error_phrases = ERROR_PHRASES
    error_types = ERROR_TYPES

    def settle_thinking(self, thinking: Thinking, notes: list[Note]) -> Thinking:
        """``effort`` and ``max_tokens`` exclude each other; V4 knows efforts, so the budget goes."""
        if thinking.effort is None or thinking.budget is None:
            return thinking
        notes.append(
            Note("dropped", "thinking_budget", "reasoning.max_tokens and reasoning.effort exclude each other here")
        )
        return Thinking(thinking.on, thinking.effort)

    def say_thinking(self, thinking: Thinking, notes: list[Note]) -> Json:
        """The ``reasoning`` object; some routes want ``enabled`` beside an effort."""
        if thinking.on is None and thinking.effort is not None:
            thinking = Thinking(True, thinking.effort, thinking.budget)
        return super().say_thinking(thinking, notes)

    def say_web_search(self, wanted: Any, notes: list[Note]) -> Json | None:
        """The server tool, which the model calls when it wants to. The plugin ``web`` searches once, in any case.

        Raises:
            InvalidRequestError: for an option the tool has not.
        """
        if wanted is False:
            return None
        tool: Json = {"type": "openrouter:web_search"}
        if isinstance(wanted, Mapping) and wanted:
            try:
                tool["parameters"] = WebSearch.model_validate(dict(wanted)).said()
            except ValidationError as error:
                raise errors.InvalidRequestError(f"web_search: {explain(error, WebSearch)}") from None
        notes.append(Note("translated", "web_search", "the server tool openrouter:web_search"))
        return {"tools": [tool]}

    def say_reasoning(self, reasoning: Reasoning | None) -> Json:
        """The record as it came, ``[]`` too, and its text beside it.

        DeepSeek's endpoints refuse a record without ``reasoning_content`` (UKGovernmentBEIS/inspect_ai #4079); a record
        received empty goes back empty and alone (OpenRouterTeam/ai-sdk-provider #487).
        """
        text = readable(reasoning)
        details = None if reasoning is None else reasoning.details
        if details is None:
            return {"reasoning_content": text or ""}
        if not details and not text:
            return {"reasoning_details": []}
        said: Json = {"reasoning_content": text or ""}
        record = records.own_record(reasoning, "chat_completions")
        if record:
            said["reasoning_details"] = [dict(item) for item in record]
        return said

    def read_reasoning(self, message: Json) -> tuple[str | None, list[Json] | None]:
        """``reasoning_details``, and its text; ``reasoning`` repeats it, so it counts only where there is none."""
        details = message.get("reasoning_details")
        if not isinstance(details, list):
            details = None
        if details:
            text = text_of(details)
            if text is not None:
                return text, details
        text = message.get("reasoning")
        if text is None:
            text = message.get("reasoning_content")
        return text, details

    def read_usage(self, usage: Json) -> Usage:
        """Tokens by the upstream's own tokenizer, and what was charged."""
        counted = super().read_usage(usage)
        cost = usage.get("cost")
        return Usage(
            input_tokens=counted.input_tokens,
            output_tokens=counted.output_tokens,
            cached_tokens=counted.cached_tokens,
            cache_write_tokens=counted.cache_write_tokens,
            reasoning_tokens=counted.reasoning_tokens,
            cost=None if cost is None else float(cost),
            extra=usage,
        )

    def unwrap(self, body: Json) -> Json:
        """The completion, which has come inside the field ``provider`` (pydantic/pydantic-ai #3994)."""
        inner = body.get("provider")
        if not isinstance(inner, dict) or "choices" not in inner:
            return body
        outer = {key: value for key, value in body.items() if value is not None and key != "provider"}
        return {**outer, **{key: value for key, value in inner.items() if value is not None}}

    def was_cut(self, choice: Json) -> bool:
        """Beside ``finish_reason: tool_calls`` the upstream's own word can say that the arguments are cut."""
        return choice.get("native_finish_reason") in _CUT

    def error_words(self, error: Json) -> tuple[str, ...]:
        """``availability.code`` says more than the status 404 it comes with."""
        availability = error.get("availability")
        code = availability.get("code") if isinstance(availability, dict) else None
        return (code,) if isinstance(code, str) else ()

    def read_retry(self, error: Json) -> tuple[bool | None, float | None]:
        """``availability.retryable`` is to be trusted over the status."""
        availability = error.get("availability")
        if not isinstance(availability, dict):
            return None, None
        after = availability.get("retry_after")
        return availability.get("retryable"), float(after) if isinstance(after, (int, float)) else None

    def say_rest(self, body: Json, messages: list[Json], asked: Asked, notes: list[Note]) -> Mapping[str, str]:
        """``OpenRouterOptions``.

        Raises:
            InvalidRequestError: for two words on the same thing.
        """
        headers = super().say_rest(body, messages, asked, notes)
        options = asked.provider_options
        if options is None:
            return headers
        assert isinstance(options, OpenRouterOptions)
        said = options.said()
        if options.server_tools:
            body["tools"] = [*body.get("tools", ()), *said["server_tools"]]
        if options.reasoning is not None:
            _merge_reasoning(body, said["reasoning"])
        for name in _BODY_FIELDS & said.keys():
            body[name] = said[name]
        if options.models:
            body["models"] = [full_id(model) for model in options.models]
        if options.plugins:
            body["plugins"] = _plugins(said["plugins"], asked, notes)
        keep_reasoning_for_tools(body, notes)
        if options.debug and not asked.stream:
            del body["debug"]
            notes.append(Note("dropped", "debug", "OpenRouter echoes in streams only"))
        required = options.provider is not None and options.provider.require_parameters
        if options.use_max_completion_tokens and not required and "max_tokens" in body:
            body["max_completion_tokens"] = body.pop("max_tokens")
        if required:
            for name in sorted(UNLISTED & body.keys()):
                del body[name]
                notes.append(Note("dropped", name, "not listed for V4: with require_parameters nobody would answer"))
        return {**headers, **_headers(options)}


_BODY_FIELDS = frozenset(
    (
        "provider",
        "include_reasoning",
        "structured_outputs",
        "top_a",
        "verbosity",
        "prediction",
        "web_search_options",
        "service_tier",
        "session_id",
        "metadata",
        "trace",
        "prompt_cache_key",
        "cache_control",
        "debug",
        "stop_server_tools_when",
    )
)
"""Options that are fields of the body under their own name."""


def _merge_reasoning(body: Json, own: Json) -> None:
    said = body.get("reasoning") or {}
    for name in ("effort", "enabled", "max_tokens"):
        if name in said and name in own and said[name] != own[name]:
            raise errors.InvalidRequestError(
                f"provider_options.reasoning.{name}={own[name]!r} contradicts thinking, reasoning_effort or "
                f"thinking_budget, which say {said[name]!r}: give one of them."
            )
    merged = {**said, **own}
    if "effort" in merged and "max_tokens" in merged:
        raise errors.InvalidRequestError("reasoning.effort and reasoning.max_tokens exclude each other: give one.")
    body["reasoning"] = merged


def _plugins(plugins: list[Json], asked: Asked, notes: list[Note]) -> list[Json]:
    if not asked.stream:
        return plugins
    kept = [plugin for plugin in plugins if plugin["id"] != "response-healing"]
    if len(kept) < len(plugins):
        notes.append(Note("dropped", "plugins", "response-healing works on whole answers only, not on streams"))
    return kept


def _headers(options: OpenRouterOptions) -> dict[str, str]:
    said: dict[str, str | None] = {
        "http-referer": options.app_url,
        "x-openrouter-title": options.app_title,
        "x-openrouter-categories": ",".join(options.app_categories) if options.app_categories else None,
        "x-openrouter-metadata": "enabled" if options.router_metadata else None,
        "x-openrouter-cache": None if options.response_cache is None else str(options.response_cache).lower(),
        "x-openrouter-cache-ttl": None if options.response_cache_ttl is None else str(options.response_cache_ttl),
        "x-openrouter-cache-clear": "true" if options.response_cache_clear else None,
    }
    return {name: value for name, value in said.items() if value is not None}


class OpenRouterBalance(BalanceDialect):
    """``GET /credits``: what was bought and what was used, US dollars."""

    path = "/credits"

    def read_balance(self, body: Any) -> Balance | None:
        """The difference of the two; None when the answer does not say both."""
        data = body.get("data") if isinstance(body, Mapping) else None
        bought = money(data.get("total_credits")) if isinstance(data, Mapping) else None
        used = money(data.get("total_usage")) if isinstance(data, Mapping) else None
        if bought is None or used is None:
            return None
        return Balance(bought > used, (Amount("USD", bought - used),), extra=body)


def full_id(model: str) -> str:
    """An id with its author in front, which OpenRouter demands; DeepSeek's own ids come without."""
    return f"deepseek/{model}" if "/" not in model and model.startswith("deepseek") else model


@functools.cache
def _chat(efforts: tuple[str, ...]) -> OpenRouterChat:
    words = {
        effort: next(word for word in nearest if word in efforts)
        for effort, nearest in NEAREST.items()
        if any(word in efforts for word in nearest)
    }
    return OpenRouterChat(efforts=words)


@dataclass(frozen=True)
class _OpenRouter(Provider):
    def model_id(self, model: str) -> str:
        """With the author in front; ``provider="openrouter:nitro"`` puts its suffix behind others."""
        model = full_id(model)
        if self.variant and not model.endswith(f":{self.variant}"):
            return f"{model}:{self.variant}"
        return model

    def dialect_for(self, protocol: str, model: str) -> Dialect:
        """Which efforts there are differs by model (``reasoning.supported_efforts`` of GET /models)."""
        if protocol != "chat_completions":
            return self.dialect(protocol)
        return _chat(catalog.find(self.name, model).efforts)


OPENROUTER = _OpenRouter(
    name="openrouter",
    base_url="https://openrouter.ai/api/v1",
    key_variable="OPENROUTER_API_KEY",
    dialects=MappingProxyType(
        {each.protocol: each for each in (_chat(("high", "xhigh")), ModelsDialect(), OpenRouterBalance())}
    ),
    root_path="/api/v1",
    options_type=OpenRouterOptions,
    has_variants=True,
)
