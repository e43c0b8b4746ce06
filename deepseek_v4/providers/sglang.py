"""DeepSeek V4 on your own SGLang server: facts and their sources.

Sources: sgl-project/sglang, main of mid-2026 (``encoding_dsv4.py``, ``serving_chat.py``, ``protocol.py``).
The server needs ``--reasoning-parser deepseek-v4 --tool-call-parser deepseekv4``.

- Thinking is off by default, so the switch is sent in every request; ``thinking=None`` means on, as in DeepSeek's API.
- ``response_format`` is not enforced in requests with tools.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal

from deepseek_v4.providers.base import ProviderOptions
from deepseek_v4.providers.efforts import LOW_HIGH_MAX
from deepseek_v4.providers.self_hosted import SelfHostedChat, self_hosted


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


class SglangChat(SelfHostedChat):
    """``POST /chat/completions``."""

    unsupported: Mapping[str, str] = MappingProxyType(
        {
            "web_search": "the server does not support web search",
            "thinking_budget": "the server does not support a thinking budget: use reasoning_effort",
        }
    )
    # Thinking is off by default; SGLANG_DEFAULT_THINKING changes it.
    # The V4 encoder reads "thinking" only, not "enable_thinking".
    thinking_on: Mapping[str, Any] | None = MappingProxyType({"chat_template_kwargs": {"thinking": True}})
    thinking_off: Mapping[str, Any] | None = MappingProxyType({"chat_template_kwargs": {"thinking": False}})
    # minimal and xhigh fail validation; the encoder reads high and max and ignores low
    efforts = LOW_HIGH_MAX
    parser_flags = "--tool-call-parser deepseekv4"
    think_tags = True  # separate_reasoning=False, or a server without its reasoning parser


SGLANG = self_hosted("sglang", 30000, SglangChat(), SglangOptions)
