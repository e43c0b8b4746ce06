"""OpenRouter, https://openrouter.ai: one API for many hosts of DeepSeek V4. Facts and their sources.

``options.py`` defines the options that only OpenRouter has; ``dialect.py`` holds what its three endpoints share, and
``responses_and_messages.py`` the two endpoints other than chat. Sources: its OpenAPI file and guides (snapshot of
2026-08-22) and the model page.

- The effort values differ by model; the nearest one that the model lists is sent (``catalog/models.toml``).
- ``json_schema``, strict tools and forced tools are supported by some endpoints only. Without
  ``provider={"require_parameters": True}`` an endpoint may silently ignore them.
- The cost of an answer is the amount that OpenRouter charged (``usage.cost``).
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from deepseek_v4.catalog import lookup
from deepseek_v4.protocols import reasoning_details
from deepseek_v4.protocols.account import BalanceDialect, ModelsDialect, money, price_of
from deepseek_v4.protocols.chat_request import ChatRequest
from deepseek_v4.protocols.dialect import FINISH_REASONS, Dialect, OptionSpec
from deepseek_v4.providers.base import Provider
from deepseek_v4.providers.openai_compatible import (
    OpenAICompatibleChat,
    keep_reasoning_for_tools,
)
from deepseek_v4.providers.openrouter.dialect import (
    IN_HEADERS,
    MESSAGES_ONLY,
    SHARED,
    UNLISTED,
    OpenRouterDialect,
    build_headers,
    drop_messages_only,
    effort_values,
    encode_shared,
    full_id,
    merge_reasoning,
)
from deepseek_v4.providers.openrouter.options import OpenRouterOptions
from deepseek_v4.providers.openrouter.responses_and_messages import OpenRouterMessages, OpenRouterResponses
from deepseek_v4.values.account import Amount, Balance
from deepseek_v4.values.json import Json
from deepseek_v4.values.messages import Reasoning
from deepseek_v4.values.notes import Note
from deepseek_v4.values.sampling import Thinking

_OPENAPI = "https://openrouter.ai/docs/api/reference/parameters (2026-08-22)"

FIELDS: Mapping[str, OptionSpec] = MappingProxyType(
    {
        # the page marks max_tokens as deprecated; the model lists it, but not max_completion_tokens
        "max_tokens": OptionSpec("max_tokens", 1, default="the endpoint's", source=_OPENAPI),
        "temperature": OptionSpec("temperature", 0, 2, default="the endpoint's", source=_OPENAPI),
        "top_p": OptionSpec("top_p", 0, 1, above=True, default="the endpoint's", source=_OPENAPI),
        "top_k": OptionSpec("top_k", 0, default=0, source=_OPENAPI),
        "min_p": OptionSpec("min_p", 0, 1, default=0, source=_OPENAPI),
        "stop": OptionSpec("stop", most=4, source=_OPENAPI),
        "frequency_penalty": OptionSpec("frequency_penalty", -2, 2, default=0, source=_OPENAPI),
        "presence_penalty": OptionSpec("presence_penalty", -2, 2, default=0, source=_OPENAPI),
        "repetition_penalty": OptionSpec("repetition_penalty", 0, 2, above=True, default=1, source=_OPENAPI),
        "seed": OptionSpec("seed", source=_OPENAPI),
        "logit_bias": OptionSpec("logit_bias", -100, 100, source=_OPENAPI),
        "logprobs": OptionSpec("logprobs", default=False, source=_OPENAPI),
        "top_logprobs": OptionSpec("top_logprobs", 0, 20, source=_OPENAPI),
        "user_id": OptionSpec("user", source=_OPENAPI),
        "thinking_budget": OptionSpec(
            "reasoning.max_tokens", 1, default="none; converted to an effort", source=_OPENAPI
        ),
    }
)


class OpenRouterChat(OpenRouterDialect, OpenAICompatibleChat):
    """``POST /chat/completions``."""

    fields = FIELDS
    thinking_on: Mapping[str, Any] | None = MappingProxyType({"reasoning": {"enabled": True}})
    thinking_off: Mapping[str, Any] | None = MappingProxyType({"reasoning": {"effort": "none"}})
    effort_field = "reasoning.effort"
    reasoning_response_fields = ("reasoning", "reasoning_content")
    sends_details = True
    asks_for_stream_usage = False  # always sent; stream_options has no effect
    reports_cost = True
    json_schema = True  # per endpoint; without provider.require_parameters it may be silently ignored
    strict_tools = True  # function.strict, per endpoint

    def encode_thinking(self, thinking: Thinking, notes: list[Note]) -> Json:
        """Return the ``reasoning`` object; some routes require ``enabled`` in addition to an effort."""
        if thinking.on is None and thinking.effort is not None:
            thinking = Thinking(True, thinking.effort, thinking.budget)
        return super().encode_thinking(thinking, notes)

    def encode_reasoning(self, reasoning: Reasoning | None) -> Json:
        """Return ``reasoning_details`` unchanged, also if empty, and the text in ``reasoning_content``.

        DeepSeek's endpoints reject details without ``reasoning_content`` (UKGovernmentBEIS/inspect_ai #4079); empty
        details are sent back empty, without ``reasoning_content`` (OpenRouterTeam/ai-sdk-provider #487).
        """
        text = reasoning_details.readable(reasoning)
        details = None if reasoning is None else reasoning.details
        if details is None:
            return {"reasoning_content": text or ""}
        if not details and not text:
            return {"reasoning_details": []}
        fields: Json = {"reasoning_content": text or ""}
        record = reasoning_details.details_for_protocol(reasoning, "chat_completions")
        if record:
            fields["reasoning_details"] = [dict(item) for item in record]
        return fields

    def decode_reasoning(self, message: Json) -> tuple[str | None, list[Json] | None]:
        """Decode ``reasoning_details`` and its text; ``reasoning`` repeats the text and is used if there are none."""
        text, details = super().decode_reasoning(message)
        listed = reasoning_details.details_text(details) if details else None
        return (text if listed is None else listed), details

    def unwrap(self, body: Json) -> Json:
        """Return the completion, which can be inside the field ``provider`` (pydantic/pydantic-ai #3994)."""
        inner = body.get("provider")
        if not isinstance(inner, dict) or "choices" not in inner:
            return body
        outer = {key: value for key, value in body.items() if value is not None and key != "provider"}
        return {**outer, **{key: value for key, value in inner.items() if value is not None}}

    def was_cut(self, choice: Json) -> bool:
        """Return True if the upstream's ``native_finish_reason`` reports a truncated answer."""
        return FINISH_REASONS.get(str(choice.get("native_finish_reason")).lower()) == "length"

    def finish_body(
        self, body: Json, messages: list[Json], request: ChatRequest, notes: list[Note]
    ) -> Mapping[str, str]:
        """Add ``OpenRouterOptions``.

        Raises:
            InvalidRequestError: If two options contradict each other.
        """
        headers = super().finish_body(body, messages, request, notes)
        options = request.provider_options
        if options is None:
            return headers
        assert isinstance(options, OpenRouterOptions)
        values = options.set_fields()
        if options.reasoning is not None:
            merge_reasoning(body, values["reasoning"])
        encode_shared(body, options, request, notes)
        drop_messages_only(options, notes)
        body.update({name: value for name, value in values.items() if name in _BODY_FIELDS})
        keep_reasoning_for_tools(body, notes)
        if options.debug and not request.stream:
            del body["debug"]
            notes.append(Note("dropped", "debug", "OpenRouter supports it in streams only"))
        required = options.provider is not None and options.provider.require_parameters
        if options.use_max_completion_tokens and not required and "max_tokens" in body:
            body["max_completion_tokens"] = body.pop("max_tokens")
        if required:
            for name in sorted(UNLISTED & body.keys()):
                del body[name]
                reason = "not listed for V4; with require_parameters no host would accept the request"
                notes.append(Note("dropped", name, reason))
        return {**headers, **build_headers(options)}


_BODY_FIELDS = (
    OpenRouterOptions.model_fields.keys() - SHARED - MESSAGES_ONLY - IN_HEADERS - {"use_max_completion_tokens"}
)
"""Options that are fields of a chat request under their own name, in addition to those of every endpoint."""


class OpenRouterModels(ModelsDialect):
    """``GET /models``: capabilities are those of all endpoints of a model together, prices are dollars per token."""

    one_path = "/model/{id}"

    def read_more(self, entry: Json, read: Mapping[str, Any]) -> Mapping[str, Any]:
        """Decode the capabilities from ``supported_parameters``, and the price of the preferred endpoint."""
        listed = read.get("parameters")
        abilities = {"tools": "tools" in listed, "json_schema": "structured_outputs" in listed} if listed else {}
        prices = entry.get("pricing")
        if not isinstance(prices, Mapping):
            return abilities
        amounts = (prices.get("prompt"), prices.get("completion"), prices.get("input_cache_read"))
        return {**abilities, "price": price_of(*amounts, per=1, source="https://openrouter.ai/api/v1/models")}


class OpenRouterBalance(BalanceDialect):
    """``GET /credits``: bought and used credits, in US dollars."""

    path = "/credits"

    def decode_balance(self, body: Any) -> Balance | None:
        """Decode the difference of both amounts; None if one is missing."""
        data = body.get("data") if isinstance(body, Mapping) else None
        bought = money(data.get("total_credits")) if isinstance(data, Mapping) else None
        used = money(data.get("total_usage")) if isinstance(data, Mapping) else None
        if bought is None or used is None:
            return None
        return Balance(bought > used, (Amount("USD", bought - used),), extra=body)


@functools.cache
def _described(protocol: str, efforts: tuple[str, ...]) -> OpenRouterDialect:
    return _DIALECTS[protocol](efforts=effort_values(efforts))


@dataclass(frozen=True)
class _OpenRouter(Provider):
    def model_id(self, model: str) -> str:
        """Return the id with the author prefix; ``provider="openrouter:nitro"`` appends its suffix after others."""
        model = full_id(model)
        if self.variant and not model.endswith(f":{self.variant}"):
            return f"{model}:{self.variant}"
        return model

    def dialect_for(self, protocol: str, model: str) -> Dialect:
        """Return the dialect of a model: its efforts differ (``reasoning.supported_efforts`` of GET /models)."""
        if protocol not in _DIALECTS:
            return self.dialect(protocol)
        return _described(protocol, lookup.find(self.name, model).efforts)


_DIALECTS: Mapping[str, type[OpenRouterDialect]] = MappingProxyType(
    {kind.protocol: kind for kind in (OpenRouterChat, OpenRouterResponses, OpenRouterMessages)}
)


OPENROUTER = _OpenRouter(
    name="openrouter",
    base_url="https://openrouter.ai/api/v1",
    key_variable="OPENROUTER_API_KEY",
    dialects={
        **{protocol: _described(protocol, ("high", "xhigh")) for protocol in _DIALECTS},
        **{each.protocol: each for each in (OpenRouterModels(), OpenRouterBalance())},
    },
    root_path="/api/v1",
    default_model="deepseek/deepseek-v4-flash",
    checks_model_ids=True,
    options_type=OpenRouterOptions,
    has_variants=True,
)
