"""DeepSeek's API, https://api.deepseek.com: facts and their sources. It holds no protocol logic."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from deepseek_v4 import errors
from deepseek_v4.protocols.account import BalanceDialect, money
from deepseek_v4.protocols.chat.dialect import ChatDialect
from deepseek_v4.protocols.chat_request import ChatRequest
from deepseek_v4.protocols.completions.dialect import CompletionsDialect
from deepseek_v4.protocols.dialect import Dialect, ErrorTable, Headers, OptionSpec, select_options
from deepseek_v4.protocols.files import FilesDialect
from deepseek_v4.protocols.messages.dialect import ANTHROPIC_WEB_SEARCH, MessagesDialect
from deepseek_v4.protocols.responses.dialect import ResponsesDialect
from deepseek_v4.protocols.web_tools import WebToolsDialect
from deepseek_v4.providers.base import Provider, ProviderOptions
from deepseek_v4.providers.thinking_and_efforts import (
    LOW_HIGH_MAX,
    MAX_OUTPUT_TOKENS,
    SwitchedThinking,
    default_max_tokens,
)
from deepseek_v4.values.json import Json
from deepseek_v4.values.messages import Reasoning
from deepseek_v4.values.notes import Note
from deepseek_v4.values.sampling import Thinking

if TYPE_CHECKING:
    from deepseek_v4.values.account import Balance

_REFERENCE = "https://api-docs.deepseek.com/api/create-chat-completion (2026-10-01)"

FIELDS: Mapping[str, OptionSpec] = {
    "temperature": OptionSpec("temperature", 0, 2, default=1, source=_REFERENCE),
    "top_p": OptionSpec("top_p", 0, 1, exclusive_low=True, default=1, source=_REFERENCE),
    # the API ignores max_completion_tokens, so it would not limit the answer
    "max_tokens": OptionSpec(
        "max_tokens", 1, MAX_OUTPUT_TOKENS, default="8K, 64K thinking, 128K max", source=_REFERENCE
    ),
    "stop": OptionSpec("stop", max_items=16, source=_REFERENCE),
    "frequency_penalty": OptionSpec("frequency_penalty", -2, 2, default=0, source=_REFERENCE),
    "presence_penalty": OptionSpec("presence_penalty", -2, 2, default=0, source=_REFERENCE),
    "logprobs": OptionSpec("logprobs", default=False, source=_REFERENCE),
    "top_logprobs": OptionSpec("top_logprobs", 0, 20, source=_REFERENCE),
    # the API ignores "user"; user_id isolates cache, scheduling and content safety
    "user_id": OptionSpec("user_id", max_length=512, pattern=r"[a-zA-Z0-9\-_]+", source=_REFERENCE),
}

UNSUPPORTED: Mapping[str, str] = {
    "top_k": "the API has no such parameter",
    "min_p": "the API has no such parameter",
    "repetition_penalty": "the API has no such parameter",
    "seed": "the API accepts and ignores it",
    "logit_bias": "the API has no such parameter",
    "thinking_budget": "the API has effort levels only: use reasoning_effort",
    "web_search": "this endpoint has no web search for this model: use deepseek-flash, or protocol='messages'",
}

WEB_SEARCH: Mapping[str, str] = {"type": "deepseek_web_search"}
"""The tool with which the service searches the web, on ``deepseek-flash``.

https://api-docs.deepseek.com/guides/web_tools (2026-11-13)
"""

ERROR_PHRASES: ErrorTable = (
    (re.compile(r"maximum context length", re.I), errors.ContextLengthError),
    (re.compile(r"content exists risk", re.I), errors.ContentFilterError),
    (re.compile(r"insufficient balance", re.I), errors.InsufficientBalanceError),
    (re.compile(r"concurrency (limit|is)", re.I), errors.RateLimitError),
    (re.compile(r"service is too busy", re.I), errors.OverloadedError),
    (re.compile(r"supported API model names are|model not exist", re.I), errors.NotFoundError),  # with status 400
)


class _DeepSeek(Provider):
    def model_id(self, model: str) -> str:
        """Remove the author prefix of ids copied from a router; the API does not accept it."""
        return model.removeprefix("deepseek/")

    def dialect_for(self, protocol: str, model: str) -> Dialect:
        """Return the dialect of a protocol; the tools with which the service searches differ by model."""
        own = _PRO.get(protocol) if "-pro" in model else None
        return self.dialect(protocol) if own is None else own

    def resolve_base_url(self, base_url: str | None, path: str) -> str:
        """Remove ``/beta`` and ``/anthropic``, which belong to paths, and ``/v1`` for the endpoints not under it."""
        root = super().resolve_base_url(base_url, path).strip().rstrip("/")
        for ending in ("/beta", "/anthropic/v1", "/anthropic"):
            root = root.removesuffix(ending)
        return root.removesuffix("/v1") if path.startswith(("/beta", "/anthropic", "/user", "/v1")) else root


class DeepSeekOptions(ProviderOptions):
    """The options that only DeepSeek's API has.

    https://api-docs.deepseek.com/guides/build_a_chatbot (2026-11-13)
    """

    title: bool | None = None
    """True: the answer has a short title of the conversation, ``Reply.title``."""
    safety_check: Literal["low", "high"] | None = None
    """Review of input and output by the service, for services to the public; a refusal is the result of a risk."""


class _Conversation(SwitchedThinking):
    """The part of the dialect that the three endpoints for conversations share."""

    efforts = LOW_HIGH_MAX
    # the API rejects an effort together with thinking that is switched off
    thinking_on: Mapping[str, Any] | None = {"thinking": {"type": "enabled"}}
    thinking_off: Mapping[str, Any] | None = {"thinking": {"type": "disabled"}}
    forced_tool_while_thinking = False  # 400 "Thinking mode does not support this tool_choice"
    json_with_strict_tools = False  # deepseek-recipe 0.2.0: "response_format should not be used with tools"
    error_phrases = ERROR_PHRASES

    def finish_body(self, body: Json, messages: list[Json], request: ChatRequest, notes: list[Note]) -> Headers:
        """Add ``DeepSeekOptions``.

        Raises:
            InvalidRequestError: If a tool is forced together with ``safety_check``, which the API rejects.
        """
        options = request.provider_options
        if options is None:
            return {}
        assert isinstance(options, DeepSeekOptions)
        if options.title is not None:
            body["title"] = {"enabled": options.title}
        if options.safety_check is not None:
            body["safety_check"] = {"level": options.safety_check}
            if request.tool_choice not in (None, "auto", "none"):
                raise errors.InvalidRequestError(
                    "safety_check does not support a forced tool_choice. Use tool_choice='auto' or 'none'."
                )
        return {}


class DeepSeekChat(_Conversation, ChatDialect):
    """``POST /chat/completions``."""

    option_specs = FIELDS
    unsupported = UNSUPPORTED
    strict_path = "/beta/chat/completions"  # https://api-docs.deepseek.com/guides/function_calling#strict-mode-beta
    prefix_path = "/beta/chat/completions"  # https://api-docs.deepseek.com/guides/chat_prefix_completion
    # an older error: "… must be a user message, or an assistant message with prefix mode on"; docs/doubts.md
    ends_with_answer = False
    json_mode_requires_keyword = True  # https://api-docs.deepseek.com/guides/json_mode
    strict_tools = True
    web_search_tool = WEB_SEARCH
    latest_reminder = True
    passes_back_unknown_fields = True  # the layout of the blocks of server tools is not documented here: docs/doubts.md
    flat_files = True
    finish_reason_always = True

    def encode_reasoning(self, reasoning: Reasoning | None) -> Json:
        """Return ``reasoning_content``, ``""`` if unknown: some versions of the API require it, and all accept it."""
        return {"reasoning_content": (reasoning.text if reasoning is not None else None) or ""}

    def decode_reasoning(self, message: Json) -> tuple[str | None, list[Json] | None]:
        """Decode ``reasoning_content``; ``""`` means that there was no reasoning."""
        return message.get("reasoning_content"), None


_RESPONSES = "https://api-docs.deepseek.com (Responses API, 2026-09-19)"


class DeepSeekResponses(_Conversation, ResponsesDialect):
    """``POST /responses``."""

    option_specs: Mapping[str, OptionSpec] = {
        **select_options(FIELDS, _RESPONSES, "temperature", "top_p", "top_logprobs", user_id="user"),
        "max_tokens": OptionSpec("max_output_tokens", 1, MAX_OUTPUT_TOKENS, source=_RESPONSES),
    }
    unsupported: Mapping[str, str] = {
        **UNSUPPORTED,
        "stop": "the Responses endpoint does not support stop sequences: use protocol='chat_completions'",
        "frequency_penalty": "the Responses endpoint does not support penalties, and V4 ignores them",
        "presence_penalty": "the Responses endpoint does not support penalties, and V4 ignores them",
    }
    thinking_on: Mapping[str, Any] | None = {"reasoning": {"effort": "high"}}
    thinking_off: Mapping[str, Any] | None = {"reasoning": {"effort": "none"}}
    effort_field = "reasoning.effort"
    json_mode_requires_keyword = True
    strict_tools = True  # recorded with "strict": true and status 200, at the standard URL (2026-08)
    empty_reasoning_items = True
    # deepseek-recipe 0.2.0: the schema constrains the text either way; strict mode accepts only a subset of schemas
    strict_formats = False
    # {"type": "web_search"}: answered with 200 and no search on flash (Chevey339/kelivo PR 1030, 2026-09-13;
    # earendil-works/pi #9952, 2026-09-23)
    web_search_tool = WEB_SEARCH


_MESSAGES = "https://api-docs.deepseek.com/guides/anthropic_api (2026-09-19)"


class DeepSeekMessages(_Conversation, MessagesDialect):
    """``POST /anthropic/v1/messages``."""

    path = "/anthropic/v1/messages"
    key_header = "x-api-key"
    option_specs: Mapping[str, OptionSpec] = {
        **select_options(FIELDS, _MESSAGES, "temperature", "top_p", stop="stop_sequences", user_id="metadata.user_id"),
        "max_tokens": OptionSpec("max_tokens", 1, MAX_OUTPUT_TOKENS, source=_MESSAGES),
    }
    unsupported: Mapping[str, str] = {
        **UNSUPPORTED,
        "top_k": "the API accepts and ignores it",
        "logprobs": "the Messages endpoint does not support log probabilities: use protocol='chat_completions'",
        "top_logprobs": "the Messages endpoint does not support log probabilities: use protocol='chat_completions'",
        "frequency_penalty": "the Messages endpoint does not support penalties, and V4 ignores them",
        "presence_penalty": "the Messages endpoint does not support penalties, and V4 ignores them",
    }
    # forced_tool_while_thinking: a named tool gets a 400; "any" was accepted once (2026-10-05)
    effort_field = "output_config.effort"
    documents = False
    latest_reminder = True
    web_search_tool = ANTHROPIC_WEB_SEARCH  # one of the two types that the API's errors list

    def encode_server_tool(self, tool: Mapping[str, Any]) -> Json:
        """Add the name that DeepSeek's own tools require here (https://api-docs.deepseek.com/guides/web_tools)."""
        kind = tool["type"]
        return {"type": kind, "name": kind, **tool} if kind.startswith("deepseek_") else dict(tool)

    def default_max_tokens(self, thinks: bool, thinking: Thinking) -> int:
        """Return the default limit of the chat endpoint; a budget does not count here, and xhigh is sent as high."""
        return default_max_tokens(thinks, dataclasses.replace(thinking, budget=None), largest=("max",))


_FILL_IN = "https://api-docs.deepseek.com/api/create-completion (2026-10-01)"


class DeepSeekCompletions(CompletionsDialect):
    """``POST /beta/completions``: fill-in-the-middle. Any other path returns status 400."""

    path = "/beta/completions"
    option_specs: Mapping[str, OptionSpec] = {
        **select_options(FIELDS, _FILL_IN, "temperature", "top_p", "stop", "frequency_penalty", "presence_penalty"),
        **select_options(FIELDS, _FILL_IN, top_logprobs="logprobs"),
        "max_tokens": OptionSpec("max_tokens", 1, 4096, clamp=True, source=_FILL_IN),
    }
    unsupported: Mapping[str, str] = {**UNSUPPORTED, "user_id": "the completions endpoint does not list it"}
    error_phrases = ERROR_PHRASES


class DeepSeekBalance(BalanceDialect):
    """``GET /user/balance``."""

    path = "/user/balance"

    def decode_balance(self, body: Any) -> Balance | None:
        """Decode ``balance_infos``, which holds an amount for each currency, as text."""
        from deepseek_v4.values.account import Amount, Balance

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


_PRO: Mapping[str, Dialect] = {
    "chat_completions": DeepSeekChat(web_search_tool=None),
    # still searches with this tool (earendil-works/pi #9952, 2026-09-23)
    "responses": DeepSeekResponses(web_search_tool={"type": "web_search"}),
}
"""The dialects of ``deepseek-v4-pro``, which does not support the server tools of November 2026."""

DEEPSEEK = _DeepSeek(
    name="deepseek",
    base_url="https://api.deepseek.com",
    key_variable="DEEPSEEK_API_KEY",
    default_model="deepseek-flash",
    checks_model_ids=True,
    options_type=DeepSeekOptions,
    dialects={
        dialect.protocol: dialect
        for dialect in (
            DeepSeekChat(),
            DeepSeekResponses(),
            DeepSeekMessages(),
            DeepSeekCompletions(),
            DeepSeekBalance(),
            FilesDialect(error_phrases=ERROR_PHRASES),
            # 0.75 dollars per 1,000 calls with a result (2026-11-10)
            WebToolsDialect(price=0.00075, error_phrases=ERROR_PHRASES),
        )
    },
)
