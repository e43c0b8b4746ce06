"""Differences between providers on the Completions endpoint."""

from __future__ import annotations

from deepseek_v4.protocols.dialect import FINISH_REASONS, Dialect
from deepseek_v4.values.json import Json
from deepseek_v4.values.notes import Note
from deepseek_v4.values.reply import Usage
from deepseek_v4.values.sampling import Thinking


class CompletionsDialect(Dialect):
    """A provider's version of ``/completions``: a prompt, an optional suffix, and no thinking."""

    protocol = "completions"
    path = "/completions"
    tools = False
    asks_for_stream_usage = True
    """True if streams report usage only with ``stream_options.include_usage``."""
    finish_reasons = FINISH_REASONS

    def thinks(self, thinking: Thinking) -> bool:
        """Return False."""
        return False

    def encode_thinking(self, thinking: Thinking, notes: list[Note]) -> Json:
        """Return no fields, because this endpoint does not support thinking."""
        return {}

    def decode_usage(self, usage: Json) -> Usage:
        """Decode OpenAI's usage object, as in chat."""
        details = usage.get("prompt_tokens_details") or {}
        return Usage(
            input_tokens=int(usage.get("prompt_tokens") or 0),
            output_tokens=int(usage.get("completion_tokens") or 0),
            cached_tokens=usage.get("prompt_cache_hit_tokens", details.get("cached_tokens")),
            cost=usage.get("cost"),
            extra=usage,
        )
