"""What a provider may say differently on the Responses endpoint (``protocols/responses.py``)."""

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
    """Facts and small functions of one provider's ``/responses``."""

    protocol = "responses"
    path = "/responses"
    json_schema = True
    parallel_tool_calls = False
    """Whether the field ``parallel_tool_calls`` is read; otherwise it is held here, on the reply."""
    empty_reasoning_items = False
    """Whether a past turn whose reasoning is unknown gets an item that says so, as chat has ``""`` for it."""
    strict_formats = True
    """Whether ``strict`` of a ``json_schema`` format is sent; False if the schema is kept to without it as well."""
    statuses = FINISH_REASONS
    """The provider's words for the status of an answer -> why it ended."""
    incomplete_reasons: Mapping[str, FinishReason] = MappingProxyType(
        {word: meant for word, meant in FINISH_REASONS.items() if meant not in ("stop", "tool_calls")}
    )
    """The provider's words for why an answer is incomplete -> ours; an incomplete answer never ended by itself."""

    def demands_reasoning_text(self, message: Message) -> bool:
        """True if an assistant message of a turn with tool calls must carry a reasoning text that is not empty.

        DeepSeek refuses an empty one until the next user message (``deepseek-recipe`` 0.2.0), except in an answer
        that was sent without reasoning: its call ids show that.
        """
        return self.empty_reasoning_items and not any(_UNREASONED.match(call.id) for call in message.tool_calls)

    def encode_reasoning(self, text: str | None) -> list[Json]:
        """Items that pass a past turn's reasoning back when only its text is known, or not even that (None)."""
        if not text and not self.empty_reasoning_items:
            return []
        return [{"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": text or ""}]}]

    def encode_item(self, item: Json) -> Json | None:
        """An item of the provider's own record as it goes back, or None to leave it out."""
        if item.get("type") == "reasoning":
            # every recorded request leaves it out, and OpenAI's own endpoint has refused it on these items
            item.pop("status", None)
        return item

    def decode_usage(self, usage: Json) -> Usage:
        """OpenAI's form, which all hosts share."""
        given = usage.get("input_tokens_details") or {}
        written = usage.get("output_tokens_details") or {}
        return Usage(
            input_tokens=int(usage.get("input_tokens") or 0),
            output_tokens=int(usage.get("output_tokens") or 0),
            cached_tokens=given.get("cached_tokens"),
            cache_write_tokens=given.get("cache_write_tokens"),
            reasoning_tokens=written.get("reasoning_tokens"),
            cost=usage.get("cost"),
            extra=usage,
        )
