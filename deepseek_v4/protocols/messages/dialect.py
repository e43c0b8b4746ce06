"""Differences between providers on the Messages endpoint."""

from __future__ import annotations

from collections.abc import Mapping

from deepseek_v4.protocols.dialect import Dialect, as_count, server_tool_calls
from deepseek_v4.values.json import Json
from deepseek_v4.values.reply import Usage
from deepseek_v4.values.sampling import Thinking

ANTHROPIC_WEB_SEARCH: Mapping[str, str] = {"type": "web_search_20250305", "name": "web_search"}
"""The server-side tool of Anthropic's format, for ``web_search_tool``."""


class MessagesDialect(Dialect):
    """A provider's version of ``/messages``."""

    protocol = "messages"
    path = "/messages"
    headers: Mapping[str, str] = {"anthropic-version": "2023-06-01"}
    json_object = False  # Anthropic's format has no JSON mode: the schema is in the prompt

    def default_max_tokens(self, thinks: bool, thinking: Thinking) -> int:
        """Return the value to send if ``max_tokens`` is not set, because this format requires the field."""
        raise NotImplementedError

    def decode_usage(self, usage: Json) -> Usage:
        """Decode Anthropic's usage: its ``input_tokens`` excludes tokens read from or written to the cache."""
        read = as_count(usage.get("cache_read_input_tokens"))
        written = as_count(usage.get("cache_creation_input_tokens"))
        details, cost = usage.get("output_tokens_details") or {}, usage.get("cost")
        return Usage(
            input_tokens=int(usage.get("input_tokens") or 0) + (read or 0) + (written or 0),
            output_tokens=int(usage.get("output_tokens") or 0),
            cached_tokens=read,
            cache_write_tokens=written,
            reasoning_tokens=as_count(details.get("thinking_tokens", details.get("reasoning_tokens"))),
            cost=None if cost is None else float(cost),
            server_tool_calls=server_tool_calls(usage),
            extra=usage,
        )
