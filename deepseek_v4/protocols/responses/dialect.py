"""Differences between providers on the Responses endpoint."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from deepseek_v4.protocols.dialect import FINISH_REASONS, Dialect
from deepseek_v4.values.json import Json
from deepseek_v4.values.messages import Message
from deepseek_v4.values.reply import FinishReason, Usage

_UNREASONED = re.compile(r"(?:call|toolu)_\d+_ET_")
"""The beginning of the call ids in an answer of DeepSeek that has no reasoning."""


class ResponsesDialect(Dialect):
    """A provider's version of ``/responses``."""

    protocol = "responses"
    path = "/responses"
    json_schema = True
    parallel_tool_calls = False
    """True if the provider reads the field ``parallel_tool_calls``; else it is enforced on the reply."""
    empty_reasoning_items = False
    """True if a past turn with unknown reasoning gets an empty reasoning item, as chat gets ``""``."""
    strict_formats = True
    """True if ``strict`` of a ``json_schema`` format is sent; False if the schema is also enforced without it."""
    statuses = FINISH_REASONS
    """The provider's statuses of a response -> finish reasons."""
    incomplete_reasons: Mapping[str, FinishReason] = MappingProxyType(
        {word: reason for word, reason in FINISH_REASONS.items() if reason not in ("stop", "tool_calls")}
    )
    """The provider's reasons for an incomplete response -> ours; an incomplete answer never ends by itself."""

    def demands_reasoning_text(self, message: Message) -> bool:
        """Return True if an assistant message of a turn with tool calls must have a reasoning text that is not empty.

        DeepSeek refuses an empty one until the next user message (``deepseek-recipe`` 0.2.0), except in an answer
        that was sent without reasoning, which its call ids show.
        """
        return self.empty_reasoning_items and not any(_UNREASONED.match(call.id) for call in message.tool_calls)

    def encode_reasoning(self, text: str | None) -> list[Json]:
        """Return items for a past turn's reasoning of which only the text is known, or not even that (None)."""
        if not text and not self.empty_reasoning_items:
            return []
        return [{"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": text or ""}]}]

    def encode_item(self, item: Json) -> Json | None:
        """Encode an item of the provider's own record, or return None to leave it out."""
        if item.get("type") == "reasoning":
            # every recorded request omits it, and OpenAI's own endpoint has refused it on these items
            item.pop("status", None)
        return item

    def decode_usage(self, usage: Json) -> Usage:
        """Decode OpenAI's usage object, which all hosts share."""
        read = usage.get("input_tokens_details") or {}
        written = usage.get("output_tokens_details") or {}
        return Usage(
            input_tokens=int(usage.get("input_tokens") or 0),
            output_tokens=int(usage.get("output_tokens") or 0),
            cached_tokens=read.get("cached_tokens"),
            cache_write_tokens=read.get("cache_write_tokens"),
            reasoning_tokens=written.get("reasoning_tokens"),
            cost=usage.get("cost"),
            extra=usage,
        )
