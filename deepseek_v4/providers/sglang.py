"""DeepSeek V4 on your own SGLang server: facts and their sources.

Sources: sgl-project/sglang, main of mid-2026 (``encoding_dsv4.py``, ``serving_chat.py``, ``protocol.py``).
The server needs ``--reasoning-parser deepseek-v4 --tool-call-parser deepseekv4``; for V4.1, ``deepseek-v41`` and
``deepseekv41`` (SGLang 0.5.23).

- Thinking is off by default, so the switch is sent in every request; ``thinking=None`` means on, as in DeepSeek's API.
- ``response_format`` is not enforced in requests with tools, so the prompt requires JSON there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from deepseek_v4.protocols.dialect import select_options
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

_RESPONSES = "sglang/srt/entrypoints/openai/protocol.py (2026)"
_MESSAGES = "sglang/srt/entrypoints/anthropic/protocol.py (2026)"


class SglangOptions(ProviderOptions):
    """Options that only SGLang has, for ``provider_options``.

    Examples:
        >>> SglangOptions(regex="yes|no").regex
        'yes|no'
    """

    chat_template_kwargs: dict[str, Any] | None = None
    """Merged with the thinking switch, which is always sent."""
    separate_reasoning: bool | None = None
    """False leaves the reasoning in the text. Default True."""
    stream_reasoning: bool | None = None
    """False sends the reasoning of a stream in one chunk. Default True."""
    task: Literal["action", "query", "authority", "domain", "read_url", "title"] | None = None
    """V4's quick instructions."""
    regex: str | None = None
    ebnf: str | None = None
    continuous_usage_stats: bool | None = None
    """Send token counts in every chunk of a stream."""


class SglangDialect(SelfHostedDialect):
    """The part of the dialect that the three endpoints share."""

    unsupported: Mapping[str, str] = {
        "web_search": "the server does not support web search",
        "thinking_budget": "the server does not support a thinking budget: use reasoning_effort",
    }
    # Thinking is off by default; SGLANG_DEFAULT_THINKING changes it.
    # The V4 encoder reads "thinking" only, not "enable_thinking".
    thinking_on: Mapping[str, Any] | None = {"chat_template_kwargs": {"thinking": True}}
    thinking_off: Mapping[str, Any] | None = {"chat_template_kwargs": {"thinking": False}}
    # minimal and xhigh fail validation; the encoder of V4 reads high and max and ignores low
    efforts = LOW_HIGH_MAX
    json_with_tools = False  # constrained decoding is switched off in requests with tools


class SglangChat(SglangDialect, SelfHostedChat):
    """``POST /chat/completions``."""

    numeric_effort_field = "reasoning_effort"  # SGLang 0.5.23, V4.1
    parser_flags = "--tool-call-parser deepseekv4"


class SglangResponses(SglangDialect, SelfHostedResponses):
    """``POST /responses``, which does not pass the switch and the format of the answer on: see docs/doubts.md."""

    option_specs = select_options(
        FIELDS, _RESPONSES, "temperature", "top_p", "top_k", "min_p", max_tokens="max_output_tokens"
    )
    thinking_off: Mapping[str, Any] | None = {
        "chat_template_kwargs": {"thinking": False},
        "reasoning": {"effort": "none"},
    }
    effort_field = "reasoning.effort"
    json_schema = False
    json_object = False


class SglangMessages(SglangDialect, SelfHostedMessages):
    """``POST /messages``."""

    option_specs = select_options(
        FIELDS, _MESSAGES, "max_tokens", "temperature", "top_p", "top_k", stop="stop_sequences"
    )
    # Anthropic's switch, with the smallest budget of its format, which the server does not enforce
    thinking_on: Mapping[str, Any] | None = {"thinking": {"type": "enabled", "budget_tokens": 1024}}
    thinking_off: Mapping[str, Any] | None = {"thinking": {"type": "disabled"}}
    effort_field = "output_config.effort"


SGLANG = self_hosted("sglang", 30000, (SglangChat(), SglangResponses(), SglangMessages()), SglangOptions)
