"""The common part of OpenRouter's three endpoints: its errors, and web search as a server tool."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from deepseek_v4 import errors
from deepseek_v4.protocols.dialect import Dialect, ErrorTable, by_word
from deepseek_v4.providers.base import explain
from deepseek_v4.providers.openrouter.options import WebSearch
from deepseek_v4.values.json import Json
from deepseek_v4.values.notes import Note
from deepseek_v4.values.sampling import Thinking

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
