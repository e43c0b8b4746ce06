"""OpenRouter's two other endpoints: ``/responses`` in OpenAI's format, ``/messages`` in Anthropic's.

Its documents call them skins: the same models, routing and errors under other names. Both are stateless. Fewer of their
fields are documented than of chat's; undocumented fields are not sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deepseek_v4.protocols.chat_request import ChatRequest
from deepseek_v4.protocols.dialect import Dialect, Headers, OptionSpec
from deepseek_v4.protocols.messages.dialect import ANTHROPIC_WEB_SEARCH, MessagesDialect
from deepseek_v4.protocols.responses.dialect import ResponsesDialect
from deepseek_v4.providers.openai_compatible import keep_reasoning_for_tools, repair_tool_call_arguments
from deepseek_v4.providers.openrouter.encode_options import (
    CHAT_ONLY,
    IN_HEADERS,
    MESSAGES_ONLY,
    SHARED,
    encode_shared,
    full_id,
)
from deepseek_v4.providers.openrouter.errors_and_web_search import OpenRouterDialect
from deepseek_v4.providers.openrouter.reasoning import OpenRouterThinking, merge_reasoning
from deepseek_v4.providers.thinking_and_efforts import default_max_tokens
from deepseek_v4.values.json import Json
from deepseek_v4.values.notes import Note
from deepseek_v4.values.sampling import Sampling, Thinking

_OPENAPI = "https://openrouter.ai/docs/api/reference (OpenAPI file of 2026-08-22)"

_UNSUPPORTED: Mapping[str, str] = dict.fromkeys(Sampling._fields, CHAT_ONLY)
"""Applies to the options that are not among an endpoint's fields."""


class OpenRouterResponses(OpenRouterDialect, OpenRouterThinking, ResponsesDialect):
    """``POST /responses``."""

    option_specs: Mapping[str, OptionSpec] = {
        "max_tokens": OptionSpec("max_output_tokens", 1, source=_OPENAPI),
        "temperature": OptionSpec("temperature", 0, 2, source=_OPENAPI),
        "top_p": OptionSpec("top_p", 0, 1, exclusive_low=True, source=_OPENAPI),
        "user_id": OptionSpec("user", source=_OPENAPI),
        "thinking_budget": OptionSpec("reasoning.max_tokens", 1, default="none", source=_OPENAPI),
    }
    unsupported = _UNSUPPORTED
    strict_tools = True  # per endpoint
    empty_reasoning_items = True  # DeepSeek's own endpoint rejects a call without reasoning

    def finish_body(self, body: Json, messages: list[Json], request: ChatRequest, notes: list[Note]) -> Headers:
        """Add the ``OpenRouterOptions`` this endpoint supports; send past arguments as JSON objects, as in chat.

        Raises:
            InvalidRequestError: If two options contradict each other.
        """
        repair_tool_call_arguments(messages, notes)
        headers = encode_shared(body, request, SHARED | IN_HEADERS, notes)
        own = getattr(request.provider_options, "reasoning", None)
        if own is not None:
            merge_reasoning(body, own.set_fields())
        keep_reasoning_for_tools(body, notes)
        return headers


class OpenRouterMessages(OpenRouterDialect, OpenRouterThinking, MessagesDialect):
    """``POST /messages``."""

    option_specs: Mapping[str, OptionSpec] = {
        "max_tokens": OptionSpec("max_tokens", 1, source=_OPENAPI),
        "temperature": OptionSpec("temperature", 0, 2, source=_OPENAPI),
        "top_p": OptionSpec("top_p", 0, 1, exclusive_low=True, source=_OPENAPI),
        "stop": OptionSpec("stop_sequences", max_items=4, source=_OPENAPI),
        "user_id": OptionSpec("metadata.user_id", source=_OPENAPI),
        "thinking_budget": OptionSpec("thinking.budget_tokens", 1, default="none", source=_OPENAPI),
    }
    unsupported = _UNSUPPORTED
    thinking_on: Mapping[str, Any] | None = {"thinking": {"type": "adaptive"}}
    thinking_off: Mapping[str, Any] | None = {"thinking": {"type": "disabled"}}
    effort_field = "output_config.effort"
    web_search_tool = ANTHROPIC_WEB_SEARCH
    encode_web_search = Dialect.encode_web_search
    default_max_tokens = staticmethod(default_max_tokens)

    def encode_thinking(self, thinking: Thinking, notes: list[Note]) -> Json:
        """Return ``thinking``, which is ``adaptive`` without a budget, and ``output_config.effort``."""
        if thinking.budget is not None:
            return {"thinking": {"type": "enabled"}}
        return super().encode_thinking(thinking, notes)

    def finish_body(self, body: Json, messages: list[Json], request: ChatRequest, notes: list[Note]) -> Headers:
        """Add the ``OpenRouterOptions`` this endpoint supports; thinking is sent in Anthropic's fields only."""
        here = (SHARED | IN_HEADERS | MESSAGES_ONLY) - {"reasoning", "server_tools"}
        headers = encode_shared(body, request, here, notes)
        options = request.provider_options
        if options is not None and options.fallbacks:
            body["fallbacks"] = [{"model": full_id(model)} for model in options.fallbacks]
        if options is not None and options.safeguards:
            body["safeguards"] = options.safeguards
        return headers
