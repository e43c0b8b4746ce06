"""OpenRouter's two other endpoints: ``/responses`` in OpenAI's format, ``/messages`` in Anthropic's.

Its documents call them skins: the same models, routing and errors under other names. Both are stateless. Fewer of their
fields are documented than of chat's; undocumented fields are not sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from deepseek_v4.protocols.chat_request import ChatRequest
from deepseek_v4.protocols.dialect import OptionSpec
from deepseek_v4.protocols.messages.dialect import MessagesDialect
from deepseek_v4.protocols.responses.dialect import ResponsesDialect
from deepseek_v4.providers.openai_compatible import keep_reasoning_for_tools, repair_tool_call_arguments
from deepseek_v4.providers.openrouter.dialect import (
    IN_HEADERS,
    SHARED,
    OpenRouterDialect,
    build_headers,
    encode_shared,
    merge_reasoning,
)
from deepseek_v4.providers.openrouter.options import OpenRouterOptions
from deepseek_v4.values.json import Json
from deepseek_v4.values.notes import Note
from deepseek_v4.values.sampling import Thinking

_OPENAPI = "https://openrouter.ai/docs/api/reference (OpenAPI file of 2026-08-22)"
_CHAT_ONLY = "not documented for this endpoint: use protocol='chat_completions'"

_UNSUPPORTED: Mapping[str, str] = MappingProxyType(
    dict.fromkeys(
        (
            "top_k",
            "min_p",
            "stop",
            "frequency_penalty",
            "presence_penalty",
            "repetition_penalty",
            "seed",
            "logit_bias",
            "logprobs",
            "top_logprobs",
        ),
        _CHAT_ONLY,
    )
)


def _encode_options(
    body: Json, request: ChatRequest, notes: list[Note], *, without: frozenset[str] = frozenset()
) -> dict[str, str]:
    """Add the options that this endpoint supports, and a note for each of the others; return the headers."""
    options = request.provider_options
    if options is None:
        return {}
    assert isinstance(options, OpenRouterOptions)
    here = (SHARED | IN_HEADERS) - without
    notes.extend(Note("dropped", name, _CHAT_ONLY) for name in sorted(options.set_fields().keys() - here))
    known = options.model_copy(update=dict.fromkeys(without))
    encode_shared(body, known, request, notes)
    return build_headers(known)


class OpenRouterResponses(OpenRouterDialect, ResponsesDialect):
    """``POST /responses``."""

    fields = MappingProxyType(
        {
            "max_tokens": OptionSpec("max_output_tokens", 1, source=_OPENAPI),
            "temperature": OptionSpec("temperature", 0, 2, source=_OPENAPI),
            "top_p": OptionSpec("top_p", 0, 1, above=True, source=_OPENAPI),
            "user_id": OptionSpec("user", source=_OPENAPI),
            "thinking_budget": OptionSpec("reasoning.max_tokens", 1, default="none", source=_OPENAPI),
        }
    )
    unsupported = _UNSUPPORTED
    strict_tools = True  # per endpoint
    empty_reasoning_items = True  # DeepSeek's own endpoint rejects a call without reasoning

    def encode_thinking(self, thinking: Thinking, notes: list[Note]) -> Json:
        """Return the ``reasoning`` object, as in chat."""
        if thinking.on is False:
            return {"reasoning": {"effort": "none"}}
        reasoning: Json = {"enabled": True} if thinking.on or thinking.effort is not None else {}
        if thinking.effort is not None:
            reasoning["effort"] = _effort_value(thinking.effort, self.efforts, notes)
        return {"reasoning": reasoning} if reasoning else {}

    def finish_body(
        self, body: Json, messages: list[Json], request: ChatRequest, notes: list[Note]
    ) -> Mapping[str, str]:
        """Add the ``OpenRouterOptions`` this endpoint supports; send past arguments as JSON objects, as in chat.

        Raises:
            InvalidRequestError: If two options contradict each other.
        """
        repair_tool_call_arguments(messages, notes)
        headers = _encode_options(body, request, notes)
        own = getattr(request.provider_options, "reasoning", None)
        if own is not None:
            merge_reasoning(body, own.set_fields())
        keep_reasoning_for_tools(body, notes)
        return headers


class OpenRouterMessages(OpenRouterDialect, MessagesDialect):
    """``POST /messages``."""

    fields = MappingProxyType(
        {
            "max_tokens": OptionSpec("max_tokens", 1, source=_OPENAPI),
            "temperature": OptionSpec("temperature", 0, 2, source=_OPENAPI),
            "top_p": OptionSpec("top_p", 0, 1, above=True, source=_OPENAPI),
            "stop": OptionSpec("stop_sequences", most=4, source=_OPENAPI),
            "user_id": OptionSpec("metadata.user_id", source=_OPENAPI),
            "thinking_budget": OptionSpec("thinking.budget_tokens", 1, default="none", source=_OPENAPI),
        }
    )
    unsupported = MappingProxyType({name: why for name, why in _UNSUPPORTED.items() if name != "stop"})
    unread_blocks = frozenset({"redacted_thinking"})

    def default_max_tokens(self, thinks: bool, thinking: Thinking) -> int:
        """Return the default of DeepSeek's API; with a budget, tokens for the answer are added."""
        if not thinks:
            return 8_192
        if thinking.budget is not None:
            return max(65_536, thinking.budget + 32_768)
        return 131_072 if thinking.effort in ("max", "xhigh") else 65_536

    def encode_thinking(self, thinking: Thinking, notes: list[Note]) -> Json:
        """Return ``thinking``, which is ``adaptive`` without a budget, and ``output_config.effort``."""
        if thinking.on is False:
            return {"thinking": {"type": "disabled"}}
        if thinking.budget is not None:
            return {"thinking": {"type": "enabled"}}
        body: Json = {}
        if thinking.on or thinking.effort is not None:
            body["thinking"] = {"type": "adaptive"}
        if thinking.effort is not None:
            body["output_config"] = {"effort": _effort_value(thinking.effort, self.efforts, notes)}
        return body

    def encode_web_search(self, setting: Any, notes: list[Note]) -> Json | None:
        """Return Anthropic's server tool, with Anthropic's options."""
        if not setting:
            return None
        options = setting if isinstance(setting, Mapping) else {}
        return {"tools": [{"type": "web_search_20250305", "name": "web_search", **options}]}

    def finish_body(
        self, body: Json, messages: list[Json], request: ChatRequest, notes: list[Note]
    ) -> Mapping[str, str]:
        """Add the ``OpenRouterOptions`` this endpoint supports; thinking is sent in Anthropic's fields only."""
        return _encode_options(body, request, notes, without=frozenset({"reasoning", "server_tools"}))


def _effort_value(effort: str, efforts: Mapping[str, str | None], notes: list[Note]) -> str | None:
    value = efforts[effort]
    if value != effort:
        notes.append(Note("translated", "reasoning_effort", f"{effort!r} is sent as {value!r}"))
    return value
