"""DeepSeek's API, https://api.deepseek.com: facts and their sources. It holds no protocol logic."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from deepseek_v4 import errors
from deepseek_v4.protocols.account import BalanceDialect, ModelsDialect, money
from deepseek_v4.protocols.chat.dialect import ChatDialect
from deepseek_v4.protocols.completions.dialect import CompletionsDialect
from deepseek_v4.protocols.dialect import Dialect, ErrorTable, OptionSpec, select_options
from deepseek_v4.protocols.messages.dialect import ANTHROPIC_WEB_SEARCH, MessagesDialect
from deepseek_v4.protocols.responses.dialect import ResponsesDialect
from deepseek_v4.providers.base import Provider
from deepseek_v4.providers.efforts import LOW_HIGH_MAX, MAX_OUTPUT_TOKENS, default_max_tokens
from deepseek_v4.values.account import Amount, Balance
from deepseek_v4.values.json import Json
from deepseek_v4.values.messages import Reasoning
from deepseek_v4.values.notes import Note
from deepseek_v4.values.sampling import Thinking

_REFERENCE = "https://api-docs.deepseek.com/api/create-chat-completion (2026-10-01)"

EFFORTS: Mapping[str, str | None] = MappingProxyType({"none": None, **LOW_HIGH_MAX})

FIELDS: Mapping[str, OptionSpec] = MappingProxyType(
    {
        "temperature": OptionSpec("temperature", 0, 2, default=1, source=_REFERENCE),
        "top_p": OptionSpec("top_p", 0, 1, above=True, default=1, source=_REFERENCE),
        # the API ignores max_completion_tokens, so it would not limit the answer
        "max_tokens": OptionSpec(
            "max_tokens", 1, MAX_OUTPUT_TOKENS, default="8K, 64K thinking, 128K max", source=_REFERENCE
        ),
        "stop": OptionSpec("stop", most=16, source=_REFERENCE),
        "frequency_penalty": OptionSpec("frequency_penalty", -2, 2, default=0, source=_REFERENCE),
        "presence_penalty": OptionSpec("presence_penalty", -2, 2, default=0, source=_REFERENCE),
        "logprobs": OptionSpec("logprobs", default=False, source=_REFERENCE),
        "top_logprobs": OptionSpec("top_logprobs", 0, 20, source=_REFERENCE),
        # the API ignores "user"; user_id isolates cache, scheduling and content safety
        "user_id": OptionSpec("user_id", longest=512, pattern=r"[a-zA-Z0-9\-_]+", source=_REFERENCE),
    }
)

UNSUPPORTED: Mapping[str, str] = MappingProxyType(
    {
        "top_k": "the API has no such parameter",
        "min_p": "the API has no such parameter",
        "repetition_penalty": "the API has no such parameter",
        "seed": "the API accepts and ignores it",
        "logit_bias": "the API has no such parameter",
        "thinking_budget": "the API has effort levels only: use reasoning_effort",
        "web_search": "add {'type': 'deepseek_web_search'} to the tools (deepseek-flash)",
    }
)

ERROR_PHRASES: ErrorTable = (
    (re.compile(r"maximum context length", re.I), errors.ContextLengthError),
    (re.compile(r"content exists risk", re.I), errors.ContentFilterError),
    (re.compile(r"insufficient balance", re.I), errors.InsufficientBalanceError),
    (re.compile(r"concurrency (limit|is)", re.I), errors.RateLimitError),
    (re.compile(r"service is too busy", re.I), errors.OverloadedError),
)


@dataclass(frozen=True)
class _DeepSeek(Provider):
    def model_id(self, model: str) -> str:
        """Remove the author prefix of ids copied from a router; the API does not accept it."""
        return model.removeprefix("deepseek/")

    def dialect_for(self, protocol: str, model: str) -> Dialect:
        """Return the dialect of a protocol; at ``/responses`` only ``deepseek-v4-pro`` searches the web."""
        if protocol == "responses" and "pro" not in model:
            return _FLASH_RESPONSES
        return self.dialect(protocol)

    def resolve_base_url(self, base_url: str | None, path: str) -> str:
        """Remove ``/beta``, which belongs to a path, and ``/v1`` for the endpoints that are not under it."""
        root = super().resolve_base_url(base_url, path).strip().rstrip("/").removesuffix("/beta")
        return root.removesuffix("/v1") if path.startswith(("/beta", "/anthropic", "/user")) else root


class DeepSeekChat(ChatDialect):
    """``POST /chat/completions``."""

    fields = FIELDS
    unsupported = UNSUPPORTED
    efforts = EFFORTS
    strict_path = "/beta/chat/completions"  # https://api-docs.deepseek.com/guides/function_calling#strict-mode-beta
    prefix_path = "/beta/chat/completions"  # https://api-docs.deepseek.com/guides/chat_prefix_completion
    forced_tool_while_thinking = False  # 400 "Thinking mode does not support this tool_choice"
    json_mode_requires_keyword = True  # https://api-docs.deepseek.com/guides/json_mode
    strict_tools = True
    finish_reason_always = True
    error_phrases = ERROR_PHRASES

    def encode_thinking(self, thinking: Thinking, notes: list[Note]) -> Json:
        """Return ``thinking`` and ``reasoning_effort``; the API rejects both together when thinking is off."""
        if thinking.on is False:
            return {"thinking": {"type": "disabled"}}
        body: Json = {"thinking": {"type": "enabled"}} if thinking.on else {}
        if thinking.effort is not None:
            body["reasoning_effort"] = self.encode_effort(thinking.effort, notes)
        return body

    def encode_reasoning(self, reasoning: Reasoning | None) -> Json:
        """Return ``reasoning_content``, ``""`` if unknown: some versions of the API require it, and all accept it."""
        return {"reasoning_content": (reasoning.text if reasoning is not None else None) or ""}

    def decode_reasoning(self, message: Json) -> tuple[str | None, list[Json] | None]:
        """Decode ``reasoning_content``; ``""`` means that there was no reasoning."""
        return message.get("reasoning_content"), None


_RESPONSES = "https://api-docs.deepseek.com (Responses API, 2026-09-19)"


class DeepSeekResponses(ResponsesDialect):
    """``POST /responses``."""

    fields = MappingProxyType(
        {
            **select_options(FIELDS, _RESPONSES, "temperature", "top_p", "top_logprobs", user_id="user"),
            "max_tokens": OptionSpec("max_output_tokens", 1, MAX_OUTPUT_TOKENS, source=_RESPONSES),
        }
    )
    unsupported = MappingProxyType(
        {
            **UNSUPPORTED,
            "stop": "the Responses endpoint does not support stop sequences: use protocol='chat_completions'",
            "frequency_penalty": "the Responses endpoint does not support penalties, and V4 ignores them",
            "presence_penalty": "the Responses endpoint does not support penalties, and V4 ignores them",
        }
    )
    efforts = EFFORTS
    forced_tool_while_thinking = False  # 400, as in chat
    json_mode_requires_keyword = True
    strict_tools = True  # recorded with "strict": true and status 200, at the standard URL (2026-08)
    empty_reasoning_items = True
    # deepseek-recipe 0.2.0: the schema constrains the text either way; strict mode accepts only a subset of schemas
    strict_formats = False
    # recorded on 2026-08-10, although it is documented as ignored
    web_search_tool = MappingProxyType({"type": "web_search"})
    error_phrases = ERROR_PHRASES

    def encode_thinking(self, thinking: Thinking, notes: list[Note]) -> Json:
        """Return ``reasoning.effort``: ``none`` if thinking is off, ``high`` if it is on without an effort."""
        if thinking.on is False:
            return {"reasoning": {"effort": "none"}}
        if thinking.effort is not None:
            return {"reasoning": {"effort": self.encode_effort(thinking.effort, notes)}}
        return {"reasoning": {"effort": "high"}} if thinking.on else {}


_MESSAGES = "https://api-docs.deepseek.com/guides/anthropic_api (2026-09-19)"


class DeepSeekMessages(MessagesDialect):
    """``POST /anthropic/v1/messages``."""

    path = "/anthropic/v1/messages"
    key_header = "x-api-key"
    fields = MappingProxyType(
        {
            **select_options(
                FIELDS, _MESSAGES, "temperature", "top_p", stop="stop_sequences", user_id="metadata.user_id"
            ),
            "max_tokens": OptionSpec("max_tokens", 1, MAX_OUTPUT_TOKENS, source=_MESSAGES),
        }
    )
    unsupported = MappingProxyType(
        {
            **UNSUPPORTED,
            "top_k": "the API accepts and ignores it",
            "logprobs": "the Messages endpoint does not support log probabilities: use protocol='chat_completions'",
            "top_logprobs": "the Messages endpoint does not support log probabilities: use protocol='chat_completions'",
            "frequency_penalty": "the Messages endpoint does not support penalties, and V4 ignores them",
            "presence_penalty": "the Messages endpoint does not support penalties, and V4 ignores them",
        }
    )
    efforts = EFFORTS
    # a named tool gets a 400 while thinking; "any" was accepted once (2026-10-05): both are treated as unsupported
    forced_tool_while_thinking = False
    documents = False
    unread_blocks = frozenset({"redacted_thinking"})
    web_search_tool = ANTHROPIC_WEB_SEARCH  # one of the two types that the API's errors list
    error_phrases = ERROR_PHRASES

    def default_max_tokens(self, thinks: bool, thinking: Thinking) -> int:
        """Return the default limit of the chat endpoint; a budget does not count here, and xhigh is sent as high."""
        return default_max_tokens(thinks, dataclasses.replace(thinking, budget=None), largest=("max",))

    def encode_thinking(self, thinking: Thinking, notes: list[Note]) -> Json:
        """Return ``thinking`` and ``output_config.effort``; the API rejects both together when thinking is off."""
        if thinking.on is False:
            return {"thinking": {"type": "disabled"}}
        body: Json = {"thinking": {"type": "enabled"}} if thinking.on else {}
        if thinking.effort is not None:
            body["output_config"] = {"effort": self.encode_effort(thinking.effort, notes)}
        return body


_FILL_IN = "https://api-docs.deepseek.com/api/create-completion (2026-10-01)"


class DeepSeekCompletions(CompletionsDialect):
    """``POST /beta/completions``: fill-in-the-middle. Any other path returns status 400."""

    path = "/beta/completions"
    fields = MappingProxyType(
        {
            **select_options(FIELDS, _FILL_IN, "temperature", "top_p", "stop", "frequency_penalty", "presence_penalty"),
            **select_options(FIELDS, _FILL_IN, top_logprobs="logprobs"),
            "max_tokens": OptionSpec("max_tokens", 1, 4096, clamp=True, source=_FILL_IN),
        }
    )
    unsupported = MappingProxyType({**UNSUPPORTED, "user_id": "the completions endpoint does not list it"})
    error_phrases = ERROR_PHRASES


class DeepSeekBalance(BalanceDialect):
    """``GET /user/balance``."""

    path = "/user/balance"

    def decode_balance(self, body: Any) -> Balance | None:
        """Decode ``balance_infos``, which holds an amount for each currency, as text."""
        infos = body.get("balance_infos") if isinstance(body, Mapping) else None
        if not isinstance(infos, list):
            return None
        amounts = []
        for info in infos:
            total = money(info.get("total_balance")) if isinstance(info, Mapping) else None
            if total is not None:
                granted, topped_up = money(info.get("granted_balance")), money(info.get("topped_up_balance"))
                amounts.append(Amount(str(info.get("currency") or ""), total, granted, topped_up))
        return Balance(body.get("is_available"), tuple(amounts), body)


_FLASH_RESPONSES = DeepSeekResponses(
    web_search_tool=None,
    unsupported={
        **DeepSeekResponses.unsupported,
        # answered with 200 and no search: Chevey339/kelivo PR 1030 (2026-09-13), earendil-works/pi #9952 (2026-09-23)
        "web_search": "deepseek-flash does not search at this endpoint: use protocol='messages'",
    },
)
"""``POST /responses`` of every model but ``deepseek-v4-pro``, which still searches."""

DEEPSEEK = _DeepSeek(
    name="deepseek",
    base_url="https://api.deepseek.com",
    key_variable="DEEPSEEK_API_KEY",
    default_model="deepseek-flash",
    checks_model_ids=True,
    dialects={
        dialect.protocol: dialect
        for dialect in (
            DeepSeekChat(),
            DeepSeekResponses(),
            DeepSeekMessages(),
            DeepSeekCompletions(),
            ModelsDialect(),
            DeepSeekBalance(),
        )
    },
)
