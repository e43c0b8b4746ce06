"""DeepSeek V4 on your own llama.cpp server (``llama-server``): facts, tested with build 11549 and a small model.

The server needs ``--jinja`` (the default of current builds). The model id may be any name: the loaded model answers.

- The window is ``meta.n_ctx`` of ``/v1/models``; ``Client.list_models()`` returns it as ``context_window``.
- A message is continued exactly, in chat completions only.
- The server ignores the name in ``tool_choice``, so ``required`` is sent, and a call of another tool is invalid.
- A grammar for JSON excludes tool calls, so in requests with tools the prompt requires JSON.
- Images and schemas that the server cannot convert are answered with status 500.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deepseek_v4.protocols.chat_request import ChatRequest
from deepseek_v4.protocols.dialect import Headers, OptionSpec, select_options
from deepseek_v4.providers.base import ProviderOptions
from deepseek_v4.providers.self_hosted import (
    FIELDS,
    SelfHostedChat,
    SelfHostedDialect,
    SelfHostedMessages,
    SelfHostedResponses,
    self_hosted,
)
from deepseek_v4.values.json import Json
from deepseek_v4.values.messages import Message
from deepseek_v4.values.notes import Note

_TESTED = "llama.cpp's server, build 11549"

_FIELDS: Mapping[str, OptionSpec] = {
    **{option: spec for option, spec in FIELDS.items() if option != "user_id"},
    "repetition_penalty": OptionSpec("repeat_penalty", 0, exclusive_low=True, default=1, source=_TESTED),
    "thinking_budget": OptionSpec("thinking_budget_tokens", 1, source=_TESTED),
}


class LlamacppOptions(ProviderOptions):
    """Options that only llama.cpp has, for ``provider_options``.

    Examples:
        >>> LlamacppOptions(cache_prompt=False).cache_prompt
        False
    """

    chat_template_kwargs: dict[str, Any] | None = None
    """Merged with the thinking switches, which are always sent."""
    grammar: str | None = None
    """A grammar in GBNF that the answer must follow."""
    cache_prompt: bool | None = None
    """False evaluates the complete prompt again. Default True."""
    id_slot: int | None = None
    """The slot of the server that answers. Default: the one with the longest common prefix."""
    ignore_eos: bool | None = None


class LlamacppDialect(SelfHostedDialect):
    """The part of the dialect that the three endpoints share."""

    unsupported: Mapping[str, str] = {
        "web_search": "the server does not support web search",
        "user_id": "the server does not read it",
    }
    # "thinking" is the key of V4's own template, "enable_thinking" that of the server
    thinking_on: Mapping[str, Any] | None = {"chat_template_kwargs": {"thinking": True, "enable_thinking": True}}
    thinking_off: Mapping[str, Any] | None = {"chat_template_kwargs": {"thinking": False, "enable_thinking": False}}
    effort_field = "chat_template_kwargs.reasoning_effort"
    named_tool_choice = False
    json_with_tools = False


class LlamacppChat(LlamacppDialect, SelfHostedChat):
    """``POST /chat/completions``."""

    option_specs = _FIELDS

    def without_prefix(self, message: Json, prefix: Message) -> Json:
        """Remove the continued message, with which complete answers begin; streams do not repeat it.

        The server adds ``</think>`` before a message that has no reasoning (tested).
        """
        content = (message.get("content") or "").removeprefix("</think>").removeprefix(prefix.text)
        rest = {**message, "content": content}
        begun = (prefix.reasoning.text if prefix.reasoning is not None else None) or ""
        reasoning = (rest.pop("reasoning_content", None) or "").removeprefix(begun)
        return {**rest, "reasoning_content": reasoning} if reasoning else rest


class LlamacppResponses(LlamacppDialect, SelfHostedResponses):
    """``POST /responses``."""

    option_specs: Mapping[str, OptionSpec] = {
        **select_options(_FIELDS, _TESTED, "temperature", "top_p", "top_k", "min_p", "stop", "seed"),
        **select_options(_FIELDS, _TESTED, "repetition_penalty", "frequency_penalty", "presence_penalty"),
        **select_options(_FIELDS, _TESTED, "logit_bias", "thinking_budget", max_tokens="max_output_tokens"),
    }
    reports_truncation = False

    def finish_body(self, body: Json, messages: list[Json], request: ChatRequest, notes: list[Note]) -> Headers:
        """Send the format of the answer as in chat: the server ignores ``text.format``."""
        if body.pop("text", None) is not None:
            assert request.response_format is not None
            body["response_format"] = dict(request.response_format)
        return super().finish_body(body, messages, request, notes)


class LlamacppMessages(LlamacppDialect, SelfHostedMessages):
    """``POST /messages``."""

    option_specs: Mapping[str, OptionSpec] = {
        **select_options(_FIELDS, _TESTED, "max_tokens", "temperature", "top_p", "top_k", stop="stop_sequences"),
        "thinking_budget": OptionSpec("thinking.budget_tokens", 1, source=_TESTED),
    }


LLAMACPP = self_hosted("llamacpp", 8080, (LlamacppChat(), LlamacppResponses(), LlamacppMessages()), LlamacppOptions)
