"""DeepSeek V4 on your own vLLM server: facts and their sources.

Sources: vllm-project/vllm (``tokenizers/deepseek_v4.py``, ``chat_completion/protocol.py``), the recipe of 2026-08-17.
The server needs ``--tokenizer-mode deepseek_v4 --tool-call-parser deepseek_v4
--enable-auto-tool-choice --reasoning-parser deepseek_v4``, and ``--reasoning-config`` for a thinking budget. The
model id is the value of ``--served-model-name``.

- The server's default for thinking depends on its version, so the switch is sent in every request; ``thinking=None``
  means on, as in DeepSeek's API.
- Put your own ``chat_template_kwargs`` into ``VllmOptions``, which merges them with the thinking switches;
  ``extra_body`` would replace the switches.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from deepseek_v4.protocols.dialect import OptionSpec
from deepseek_v4.providers.base import ProviderOptions
from deepseek_v4.providers.efforts import LOW_HIGH_MAX
from deepseek_v4.providers.self_hosted import FIELDS, SelfHostedChat, self_hosted

_PROTOCOL = "vllm/entrypoints/openai/chat_completion/protocol.py (2026-08)"

_FIELDS: Mapping[str, OptionSpec] = MappingProxyType(
    {
        **FIELDS,
        "repetition_penalty": OptionSpec("repetition_penalty", 0, above=True, default=1, source=_PROTOCOL),
        "thinking_budget": OptionSpec("thinking_token_budget", 1, source=_PROTOCOL),
    }
)


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


class VllmChat(SelfHostedChat):
    """``POST /chat/completions``."""

    fields = _FIELDS
    unsupported: Mapping[str, str] = MappingProxyType({"web_search": "the server does not support web search"})
    # The field was renamed to "reasoning" (#27752), and the old name was removed from responses (#33402). In requests,
    # "reasoning_content" was silently dropped for a while (#38488), so both are sent.
    reasoning_response_fields = ("reasoning", "reasoning_content")
    reasoning_request_fields = ("reasoning", "reasoning_content")
    # Off by default in older releases, on since #50580. Either key works.
    thinking_on: Mapping[str, Any] | None = MappingProxyType(
        {"chat_template_kwargs": {"thinking": True, "enable_thinking": True}}
    )
    thinking_off: Mapping[str, Any] | None = MappingProxyType(
        {"chat_template_kwargs": {"thinking": False, "enable_thinking": False}}
    )
    effort_field = "chat_template_kwargs.reasoning_effort"
    # The encoder accepts low, high and max, and treats "medium" as low; DeepSeek's API treats it as high.
    efforts = LOW_HIGH_MAX
    strict_tools = True  # enables the grammar again, which tools without strict lost with #45600
    parser_flags = "--tool-call-parser deepseek_v4 --enable-auto-tool-choice"


VLLM = self_hosted("vllm", 8000, VllmChat(), VllmOptions)
