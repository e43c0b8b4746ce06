"""DeepSeek V4 on your own vLLM server: facts and their sources.

Sources: vllm-project/vllm (``tokenizers/deepseek_v4.py``, ``chat_completion/protocol.py``), the recipe of 2026-08-17.
vLLM 0.32 was tested, on CPU with a small model. The server needs ``--tokenizer-mode deepseek_v4
--tool-call-parser deepseek_v4 --enable-auto-tool-choice --reasoning-parser deepseek_v4``; for V4.1, ``deepseek_v41``
(vLLM 0.33). The model id is the value of ``--served-model-name``.

- The server's default for thinking depends on its version, so the switch is sent in every request; ``thinking=None``
  means on, as in DeepSeek's API.
- Put your own ``chat_template_kwargs`` into ``VllmOptions``, which merges them with the thinking switches;
  ``extra_body`` would replace the switches.
- A message cannot be continued (``prefix=True``, ``resume_streams``), and at most four stop texts are accepted.
- A forced tool call is sent with ``strict``, without which its arguments need not follow the schema.
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
from deepseek_v4.providers.thinking_and_efforts import LOW_HIGH_MAX
from deepseek_v4.values.json import Json
from deepseek_v4.values.messages import ToolSpec
from deepseek_v4.values.notes import Note

_PROTOCOL = "vllm/entrypoints/openai/chat_completion/protocol.py (2026-08)"
_RESPONSES = "vllm/entrypoints/openai/responses/protocol.py (2026)"
_MESSAGES = "vllm/entrypoints/anthropic/protocol.py (2026); vLLM 0.32"

_FIELDS: Mapping[str, OptionSpec] = {
    **FIELDS,
    "stop": OptionSpec("stop", max_items=4, source="vLLM 0.32: 400 for more"),
    "repetition_penalty": OptionSpec("repetition_penalty", 0, exclusive_low=True, default=1, source=_PROTOCOL),
    "thinking_budget": OptionSpec("thinking_token_budget", 1, source=_PROTOCOL),
}


def _switch(on: bool) -> Mapping[str, bool]:
    return {"thinking": on, "enable_thinking": on}


class VllmOptions(ProviderOptions):
    """Options that only vLLM has, for ``provider_options``.

    Examples:
        >>> VllmOptions(min_tokens=16, cache_salt="tenant-7").min_tokens
        16
    """

    chat_template_kwargs: dict[str, Any] | None = None
    """Merged with the thinking switches, which are always sent."""
    include_reasoning: bool | None = None
    """False hides the reasoning. Not sent with tools, because the reasoning has to be passed back."""
    structured_outputs: dict[str, Any] | None = None
    """``{"regex": …}``, ``{"choice": […]}``, ``{"grammar": …}``; a JSON Schema is ``response_format``."""
    min_tokens: int | None = None
    stop_token_ids: list[int] | None = None
    ignore_eos: bool | None = None
    priority: int | None = None
    request_id: str | None = None
    session_id: str | None = None
    cache_salt: str | None = None
    documents: list[dict[str, Any]] | None = None
    continuous_usage_stats: bool | None = None
    """Send token counts in every chunk of a stream."""


class VllmDialect(SelfHostedDialect):
    """The part of the dialect that the three endpoints share."""

    unsupported: Mapping[str, str] = {
        "web_search": "the server does not support web search",
        "prefix": "in V4's tokenizer mode, vLLM ignores continue_final_message",  # vLLM 0.32, tested
    }
    # Off by default in older releases, on since #50580. Either key works.
    thinking_on: Mapping[str, Any] | None = {"chat_template_kwargs": _switch(True)}
    thinking_off: Mapping[str, Any] | None = {"chat_template_kwargs": _switch(False)}
    # V4's encoder accepts low, high and max, and treats "medium" as low; DeepSeek's API treats it as high. V4.1's
    # refuses "medium" and "minimal".
    efforts = LOW_HIGH_MAX
    # vLLM 0.33, V4.1; vLLM 0.32 was tested with chat_template_kwargs on all three endpoints
    numeric_effort_field = "chat_template_kwargs.reasoning_effort"
    strict_tools = True  # enables the grammar again, which tools without strict lost with #45600

    def finish_body(self, body: Json, messages: list[Json], request: ChatRequest, notes: list[Note]) -> Headers:
        """Send a forced tool with ``strict``, without which its arguments need not follow the schema (tested)."""
        headers = super().finish_body(body, messages, request, notes)
        if request.tool_choice not in (None, "auto", "none"):
            loose = {tool.name for tool in request.tools if isinstance(tool, ToolSpec) and tool.strict is False}
            body["tools"] = [_strict(tool) if _is_forced(tool, loose) else tool for tool in body["tools"]]
        return headers


def _is_forced(tool: Json, loose: set[str]) -> bool:
    name = tool.get("function", tool).get("name")
    return tool.get("type", "function") == "function" and name not in loose


def _strict(tool: Json) -> Json:
    """Return the tool with ``strict``; a tool that was given as JSON is the caller's and stays as it is."""
    if "function" in tool:
        return {**tool, "function": {**tool["function"], "strict": True}}
    return {**tool, "strict": True}


class VllmChat(VllmDialect, SelfHostedChat):
    """``POST /chat/completions``."""

    option_specs = _FIELDS
    # The field was renamed to "reasoning" (#27752), and the old name was removed from responses (#33402). In requests,
    # "reasoning_content" was silently dropped for a while (#38488), so both are sent.
    reasoning_response_fields = ("reasoning", "reasoning_content")
    reasoning_request_fields = ("reasoning", "reasoning_content")
    effort_field = "chat_template_kwargs.reasoning_effort"
    prefix_path = None
    parser_flags = "--tool-call-parser deepseek_v4 --enable-auto-tool-choice"


class VllmResponses(VllmDialect, SelfHostedResponses):
    """``POST /responses``."""

    option_specs: Mapping[str, OptionSpec] = {
        **select_options(_FIELDS, _RESPONSES, "temperature", "top_p", "top_k", "stop", "repetition_penalty"),
        **select_options(_FIELDS, _RESPONSES, "seed", "logit_bias", "user_id", max_tokens="max_output_tokens"),
    }
    # some releases have no chat_template_kwargs here, and pass the effort to the template
    thinking_off: Mapping[str, Any] | None = {"chat_template_kwargs": _switch(False), "reasoning": {"effort": "none"}}
    effort_field = "reasoning.effort"


class VllmMessages(VllmDialect, SelfHostedMessages):
    """``POST /messages``."""

    option_specs: Mapping[str, OptionSpec] = {
        **select_options(_FIELDS, _MESSAGES, "max_tokens", "temperature", "top_p", "top_k", stop="stop_sequences"),
        "thinking_budget": OptionSpec("thinking.budget_tokens", 1024, source=_MESSAGES),
    }
    effort_field = "output_config.effort"


VLLM = self_hosted("vllm", 8000, (VllmChat(), VllmResponses(), VllmMessages()), VllmOptions)
