"""The parts shared by OpenRouter's three endpoints: errors, effort values, routing and other provider-specific options.

Sources as in ``provider.py``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from deepseek_v4 import errors
from deepseek_v4.protocols.chat_request import ChatRequest
from deepseek_v4.protocols.dialect import Dialect, ErrorTable, by_word
from deepseek_v4.providers.base import explain
from deepseek_v4.providers.openrouter.options import OpenRouterOptions, WebSearch
from deepseek_v4.values.json import Json
from deepseek_v4.values.notes import Note
from deepseek_v4.values.sampling import Thinking

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
"""Parameters that OpenRouter supports and V4 Flash does not list. With ``require_parameters``, no endpoint accepts a
request that has one of them; without it they are ignored."""

NEAREST: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "minimal": ("minimal", "low", "high"),
        "low": ("low", "high"),
        "medium": ("medium", "high"),
        "high": ("high",),
        "xhigh": ("xhigh", "high"),
        # if xhigh is the highest value, it means DeepSeek's max: the V4 Flash page of April; deepseek/deepseek-v4-flash
        # reasoned four times as long with xhigh as with high, and max was rejected
        # (github.com/earendil-works/pi/issues/3787)
        "max": ("max", "xhigh", "high"),
    }
)
"""Effort -> OpenRouter's values for it, best first; the first one that the model lists is sent."""

ERROR_PHRASES: ErrorTable = (
    (re.compile(r"(maximum|exceeds?\b.*) context length|context length exceeded", re.I), errors.ContextLengthError),
    (re.compile(r"not a valid model id|model .*does not exist", re.I), errors.NotFoundError),
    (re.compile(r"input was flagged|content exists risk", re.I), errors.ContentFilterError),
)

# error.metadata.error_type, the same in all three protocols, and error.availability.code
ERROR_TYPES: Mapping[str, type[errors.DeepSeekError]] = by_word(
    {
        errors.ContextLengthError: ("context_length_exceeded", "token_limit_exceeded"),
        errors.InvalidRequestError: (
            "max_tokens_exceeded",
            "string_too_long",
            "invalid_request",
            "invalid_prompt",
            "precondition_failed",
            "payload_too_large",
            "unprocessable",
            "invalid_image",
        ),
        errors.AuthenticationError: ("authentication",),
        errors.PermissionDeniedError: ("permission_denied", "privacy_restricted", "region_restricted"),
        errors.InsufficientBalanceError: ("payment_required",),
        errors.RateLimitError: ("rate_limit_exceeded",),
        errors.OverloadedError: (
            "provider_overloaded",
            "provider_unavailable",
            "capacity_exhausted",
            "temporarily_unavailable",
            "model_unavailable_upstream",
        ),
        errors.NotFoundError: (
            "not_found",
            "model_not_found",
            "model_deprecated",
            "free_variant_ended",
            "no_endpoints",
        ),
        errors.ContentFilterError: ("content_policy_violation", "refusal"),
        errors.ServerError: ("server",),
        errors.TimeoutError: ("timeout",),
        errors.UnsupportedError: ("constraint_filtered",),
    }
)

SHARED = frozenset(("provider", "models", "plugins", "session_id", "server_tools", "reasoning", "deferred_tools"))
"""Fields of ``OpenRouterOptions`` in the request body of all three endpoints; ``reasoning`` differs by endpoint."""

MESSAGES_ONLY = frozenset(("fallbacks", "safeguards"))
"""Fields of ``OpenRouterOptions`` that only ``/messages`` has."""

IN_HEADERS = frozenset(
    (
        "app_url",
        "app_title",
        "app_categories",
        "router_metadata",
        "response_cache",
        "response_cache_ttl",
        "response_cache_clear",
    )
)
"""Fields of ``OpenRouterOptions`` that are sent as headers."""


class OpenRouterDialect(Dialect):
    """The part of the dialect that all protocols share."""

    forced_tool_while_thinking = False  # by endpoint: 400 on DeepSeek's own
    error_phrases = ERROR_PHRASES
    error_types = ERROR_TYPES

    def resolve_thinking(self, thinking: Thinking, notes: list[Note]) -> Thinking:
        """Drop the budget if an effort is set: they exclude each other, and V4 supports efforts."""
        if thinking.effort is None or thinking.budget is None:
            return thinking
        notes.append(Note("dropped", "thinking_budget", "reasoning.max_tokens and reasoning.effort exclude each other"))
        return Thinking(thinking.on, thinking.effort)

    def encode_web_search(self, setting: Any, notes: list[Note]) -> Json | None:
        """Return the server tool, which the model can call. The plugin ``web`` would always search once.

        Raises:
            InvalidRequestError: If the tool does not support an option.
        """
        if setting is False:
            return None
        tool: Json = {"type": "openrouter:web_search"}
        if isinstance(setting, Mapping) and setting:
            try:
                tool["parameters"] = WebSearch.model_validate(dict(setting)).set_fields()
            except ValidationError as error:
                raise errors.InvalidRequestError(f"web_search: {explain(error, WebSearch)}") from None
        notes.append(Note("translated", "web_search", "sent as the server tool openrouter:web_search"))
        return {"tools": [tool]}

    def error_codes(self, error: Json) -> tuple[str, ...]:
        """Return ``availability.code``, which is more specific than its status 404."""
        availability = error.get("availability")
        code = availability.get("code") if isinstance(availability, dict) else None
        return (code,) if isinstance(code, str) else ()

    def decode_retry(self, error: Json) -> tuple[bool | None, float | None]:
        """Return ``availability.retryable`` and the delay in seconds; they take precedence over the status."""
        availability = error.get("availability")
        if not isinstance(availability, dict):
            return None, None
        after = availability.get("retry_after")
        seconds = float(after) if isinstance(after, (int, float)) and 0 <= after < 1e9 else None
        return availability.get("retryable"), seconds


def effort_values(efforts: tuple[str, ...]) -> Mapping[str, str | None]:
    """Return effort -> the nearest value that a model lists."""
    return {
        effort: next(value for value in nearest if value in efforts)
        for effort, nearest in NEAREST.items()
        if any(value in efforts for value in nearest)
    }


def encode_shared(body: Json, options: OpenRouterOptions, request: ChatRequest, notes: list[Note]) -> None:
    """Add routing, fallbacks, plugins, session and server tools, which have the same format on every endpoint."""
    values = options.set_fields()
    if options.server_tools:
        body["tools"] = [*body.get("tools", ()), *values["server_tools"]]
    for name in ("provider", "session_id", "deferred_tools"):
        if name in values:
            body[name] = values[name]
    if options.models:
        body["models"] = [full_id(model) for model in options.models]
    if options.plugins:
        body["plugins"] = _plugins(values["plugins"], request, notes)


def drop_messages_only(options: OpenRouterOptions, notes: list[Note]) -> None:
    """Add a note for each option that only ``/messages`` has."""
    why = "only the Messages endpoint has it: use protocol='messages'"
    notes.extend(Note("dropped", name, why) for name in sorted(MESSAGES_ONLY & options.set_fields().keys()))


def merge_reasoning(body: Json, own: Json) -> None:
    """Merge ``OpenRouterOptions.reasoning`` into the fields set by thinking, effort and budget.

    Raises:
        InvalidRequestError: If two options contradict each other.
    """
    current = body.get("reasoning") or {}
    for name in ("effort", "enabled", "max_tokens"):
        if name in current and name in own and current[name] != own[name]:
            raise errors.InvalidRequestError(
                f"provider_options.reasoning.{name}={own[name]!r} contradicts thinking, reasoning_effort or "
                f"thinking_budget, which set it to {current[name]!r}. Set only one of them."
            )
    merged = {**current, **own}
    if "effort" in merged and "max_tokens" in merged:
        raise errors.InvalidRequestError("reasoning.effort and reasoning.max_tokens exclude each other. Set only one.")
    body["reasoning"] = merged


def _plugins(plugins: list[Json], request: ChatRequest, notes: list[Note]) -> list[Json]:
    if not request.stream:
        return plugins
    kept = [plugin for plugin in plugins if plugin["id"] != "response-healing"]
    if len(kept) < len(plugins):
        notes.append(Note("dropped", "plugins", "response-healing does not support streams"))
    return kept


def build_headers(options: OpenRouterOptions) -> dict[str, str]:
    """Return the options that are sent as headers."""
    headers: dict[str, str | None] = {
        "http-referer": options.app_url,
        "x-openrouter-title": options.app_title,
        "x-openrouter-categories": ",".join(options.app_categories) if options.app_categories else None,
        "x-openrouter-metadata": "enabled" if options.router_metadata else None,
        "x-openrouter-cache": None if options.response_cache is None else str(options.response_cache).lower(),
        "x-openrouter-cache-ttl": None if options.response_cache_ttl is None else str(options.response_cache_ttl),
        "x-openrouter-cache-clear": "true" if options.response_cache_clear else None,
    }
    return {name: value for name, value in headers.items() if value is not None}


def full_id(model: str) -> str:
    """Add the author prefix that OpenRouter requires; DeepSeek's own ids do not have it."""
    return f"deepseek/{model}" if "/" not in model and model.startswith("deepseek") else model
