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

from deepseek_v4.protocols.account import ModelsDialect
from deepseek_v4.protocols.chat_request import ChatRequest
from deepseek_v4.protocols.dialect import OptionSpec
from deepseek_v4.providers.base import Provider, ProviderOptions
from deepseek_v4.providers.openai_compatible import (
    SAMPLING_FIELDS,
    STANDARD_FIELDS,
    OpenAICompatibleChat,
    encode_continuation,
)
from deepseek_v4.values.json import Json
from deepseek_v4.values.notes import Note

_PROTOCOL = "python/sglang/srt/entrypoints/openai/protocol.py (mid-2026)"

FIELDS: Mapping[str, OptionSpec] = MappingProxyType(
    {
        **STANDARD_FIELDS,
        **SAMPLING_FIELDS,
        "stop": OptionSpec("stop", source=_PROTOCOL),
    }
)


class SglangOptions(ProviderOptions):
    """Options that only SGLang has, for ``provider_options``.

    Example:
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


class SglangChat(OpenAICompatibleChat):
    """``POST /chat/completions``."""

    fields = FIELDS
    unsupported: Mapping[str, str] = MappingProxyType(
        {
            "web_search": "the server does not support web search",
            "thinking_budget": "the server does not support a thinking budget: use reasoning_effort",
        }
    )
    always_sends_thinking = True  # off by default; SGLANG_DEFAULT_THINKING changes it
    # the V4 encoder reads "thinking" only, not "enable_thinking"
    thinking_on: Mapping[str, Any] | None = MappingProxyType({"chat_template_kwargs": {"thinking": True}})
    thinking_off: Mapping[str, Any] | None = MappingProxyType({"chat_template_kwargs": {"thinking": False}})
    # minimal and xhigh fail validation; the encoder reads high and max and ignores low
    efforts: Mapping[str, str | None] = MappingProxyType(
        {"minimal": "low", "low": "low", "medium": "high", "high": "high", "xhigh": "high", "max": "max"}
    )
    forced_tool_while_thinking = True
    json_schema = True
    prefix_path = "/chat/completions"
    think_tags = True  # separate_reasoning=False, or a server without its reasoning parser

    def finish_body(
        self, body: Json, messages: list[Json], request: ChatRequest, notes: list[Note]
    ) -> Mapping[str, str]:
        """Add ``SglangOptions`` and the fields that continue a message."""
        headers = super().finish_body(body, messages, request, notes)
        encode_continuation(body, messages)
        options = request.provider_options
        if options is None:
            return headers
        assert isinstance(options, SglangOptions)
        values = options.set_fields()
        body.setdefault("chat_template_kwargs", {}).update(values.pop("chat_template_kwargs", {}))
        continuous = values.pop("continuous_usage_stats", None)
        if continuous is not None and request.stream:
            body.setdefault("stream_options", {})["continuous_usage_stats"] = continuous
        body.update(values)
        return headers


SGLANG = Provider(
    name="sglang",
    base_url="http://localhost:30000/v1",
    key_variable="SGLANG_API_KEY",
    dialects=MappingProxyType({"chat_completions": SglangChat(), "models": ModelsDialect()}),
    key_needed=False,
    root_path="/v1",
    options_type=SglangOptions,
)
