"""OpenRouter's chat completions: facts; their sources are those of ``provider.py``.

- The effort values differ by model; the nearest one that the model lists is sent (``catalog/models.toml``).
- ``json_schema``, strict tools and forced tools are supported by some endpoints only. Without
  ``provider={"require_parameters": True}`` an endpoint may silently ignore them.
- The cost of an answer is the amount that OpenRouter charged (``usage.cost``).
"""

from __future__ import annotations

from collections.abc import Mapping

from deepseek_v4.protocols import reasoning_details
from deepseek_v4.protocols.chat_request import ChatRequest
from deepseek_v4.protocols.dialect import FINISH_REASONS, Headers, OptionSpec
from deepseek_v4.providers.openai_compatible import OpenAICompatibleChat, keep_reasoning_for_tools
from deepseek_v4.providers.openrouter.encode_options import (
    IN_HEADERS,
    MESSAGES_ONLY,
    SHARED,
    UNLISTED,
    encode_shared,
)
from deepseek_v4.providers.openrouter.errors_and_web_search import OpenRouterDialect
from deepseek_v4.providers.openrouter.options import OpenRouterOptions
from deepseek_v4.providers.openrouter.reasoning import OpenRouterThinking, merge_reasoning
from deepseek_v4.values.json import Json
from deepseek_v4.values.messages import Reasoning
from deepseek_v4.values.notes import Note

_OPENAPI = "https://openrouter.ai/docs/api/reference/parameters (2026-08-22)"

FIELDS: Mapping[str, OptionSpec] = {
    # the page marks max_tokens as deprecated; the model lists it, but not max_completion_tokens
    "max_tokens": OptionSpec("max_tokens", 1, default="the endpoint's", source=_OPENAPI),
    "temperature": OptionSpec("temperature", 0, 2, default="the endpoint's", source=_OPENAPI),
    "top_p": OptionSpec("top_p", 0, 1, exclusive_low=True, default="the endpoint's", source=_OPENAPI),
    "top_k": OptionSpec("top_k", 0, default=0, source=_OPENAPI),
    "min_p": OptionSpec("min_p", 0, 1, default=0, source=_OPENAPI),
    "stop": OptionSpec("stop", max_items=4, source=_OPENAPI),
    "frequency_penalty": OptionSpec("frequency_penalty", -2, 2, default=0, source=_OPENAPI),
    "presence_penalty": OptionSpec("presence_penalty", -2, 2, default=0, source=_OPENAPI),
    "repetition_penalty": OptionSpec("repetition_penalty", 0, 2, exclusive_low=True, default=1, source=_OPENAPI),
    "seed": OptionSpec("seed", source=_OPENAPI),
    "logit_bias": OptionSpec("logit_bias", -100, 100, source=_OPENAPI),
    "logprobs": OptionSpec("logprobs", default=False, source=_OPENAPI),
    "top_logprobs": OptionSpec("top_logprobs", 0, 20, source=_OPENAPI),
    "user_id": OptionSpec("user", source=_OPENAPI),
    "thinking_budget": OptionSpec("reasoning.max_tokens", 1, default="none; converted to an effort", source=_OPENAPI),
}


class OpenRouterChat(OpenRouterDialect, OpenRouterThinking, OpenAICompatibleChat):
    """``POST /chat/completions``."""

    option_specs = FIELDS
    asks_for_stream_usage = False  # always sent; stream_options has no effect
    reports_cost = True
    json_schema = True  # per endpoint; without provider.require_parameters it may be silently ignored
    strict_tools = True  # function.strict, per endpoint
    reasoning_response_fields = ("reasoning", "reasoning_content")
    sends_details = True

    def encode_reasoning(self, reasoning: Reasoning | None) -> Json:
        """Return ``reasoning_details`` unchanged, also if empty, and the text in ``reasoning_content``.

        DeepSeek's endpoints reject details without ``reasoning_content`` (UKGovernmentBEIS/inspect_ai #4079); empty
        details are sent back empty, without ``reasoning_content`` (OpenRouterTeam/ai-sdk-provider #487).
        """
        if reasoning is not None and reasoning.details is not None and not (reasoning.details or reasoning.text):
            return {"reasoning_details": []}
        return super().encode_reasoning(reasoning)

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

    def finish_body(self, body: Json, messages: list[Json], request: ChatRequest, notes: list[Note]) -> Headers:
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
        headers = {**headers, **encode_shared(body, request, _HERE, notes)}
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
        return headers


_HERE = frozenset(OpenRouterOptions.model_fields) - MESSAGES_ONLY
_BODY_FIELDS = _HERE - SHARED - IN_HEADERS - {"use_max_completion_tokens"}
"""Options that are fields of a chat request under their own name, in addition to those of every endpoint."""
