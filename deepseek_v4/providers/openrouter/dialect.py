"""What OpenRouter says alike on all three endpoints: errors, words for effort, routing and other options of its own.

Sources as in ``openrouter.py``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from deepseek_v4 import errors
from deepseek_v4.protocols.chat_request import ChatRequest
from deepseek_v4.protocols.dialect import ErrorTable
from deepseek_v4.providers.base import explain
from deepseek_v4.providers.openai_compatible import ConfigurableDialect
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

SHARED = frozenset(("provider", "models", "plugins", "session_id", "server_tools", "reasoning"))
"""Fields of ``OpenRouterOptions`` that all three endpoints have in their bodies, ``reasoning`` in words of its own."""

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
"""Fields of it that are headers."""


class OpenRouterDialect(ConfigurableDialect):
    """What is the same in every protocol."""

    forced_tool_while_thinking = False  # by endpoint: 400 on DeepSeek's own
    error_phrases = ERROR_PHRASES
    error_types = ERROR_TYPES

    def resolve_thinking(self, thinking: Thinking, notes: list[Note]) -> Thinking:
        """``effort`` and ``max_tokens`` exclude each other; V4 knows efforts, so the budget goes."""
        if thinking.effort is None or thinking.budget is None:
            return thinking
        notes.append(
            Note("dropped", "thinking_budget", "reasoning.max_tokens and reasoning.effort exclude each other here")
        )
        return Thinking(thinking.on, thinking.effort)

    def encode_web_search(self, wanted: Any, notes: list[Note]) -> Json | None:
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

    def error_codes(self, error: Json) -> tuple[str, ...]:
        """``availability.code`` says more than the status 404 it comes with."""
        availability = error.get("availability")
        code = availability.get("code") if isinstance(availability, dict) else None
        return (code,) if isinstance(code, str) else ()

    def decode_retry(self, error: Json) -> tuple[bool | None, float | None]:
        """``availability.retryable`` is to be trusted over the status."""
        availability = error.get("availability")
        if not isinstance(availability, dict):
            return None, None
        after = availability.get("retry_after")
        seconds = float(after) if isinstance(after, (int, float)) and 0 <= after < 1e9 else None
        return availability.get("retryable"), seconds


def words_for(efforts: tuple[str, ...]) -> Mapping[str, str | None]:
    """Canonical effort -> the nearest word that a model lists."""
    return {
        effort: next(word for word in nearest if word in efforts)
        for effort, nearest in NEAREST.items()
        if any(word in efforts for word in nearest)
    }


def encode_shared(body: Json, options: OpenRouterOptions, request: ChatRequest, notes: list[Note]) -> None:
    """Routing, fallbacks, plugins, session and server tools, which every endpoint takes in the same form."""
    said = options.said()
    if options.server_tools:
        body["tools"] = [*body.get("tools", ()), *said["server_tools"]]
    for name in ("provider", "session_id"):
        if name in said:
            body[name] = said[name]
    if options.models:
        body["models"] = [full_id(model) for model in options.models]
    if options.plugins:
        body["plugins"] = _plugins(said["plugins"], request, notes)


def merge_reasoning(body: Json, own: Json) -> None:
    """``OpenRouterOptions.reasoning`` into what thinking, effort and budget have said.

    Raises:
        InvalidRequestError: for two words on the same thing.
    """
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


def _plugins(plugins: list[Json], request: ChatRequest, notes: list[Note]) -> list[Json]:
    if not request.stream:
        return plugins
    kept = [plugin for plugin in plugins if plugin["id"] != "response-healing"]
    if len(kept) < len(plugins):
        notes.append(Note("dropped", "plugins", "response-healing works on whole answers only, not on streams"))
    return kept


def build_headers(options: OpenRouterOptions) -> dict[str, str]:
    """The options that are headers."""
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


def full_id(model: str) -> str:
    """An id with its author in front, which OpenRouter demands; DeepSeek's own ids come without."""
    return f"deepseek/{model}" if "/" not in model and model.startswith("deepseek") else model
