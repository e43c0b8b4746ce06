"""What a provider may say differently where text is filled in (``protocols/completions.py``)."""

from __future__ import annotations

from deepseek_v4.protocols.dialect import FINISH_REASONS, Dialect
from deepseek_v4.values.json import Json
from deepseek_v4.values.notes import Note
from deepseek_v4.values.reply import Usage
from deepseek_v4.values.sampling import Thinking


class CompletionsDialect(Dialect):
    """Facts of one provider's ``/completions``: a prompt, an optional text after the gap, and no thinking."""

    protocol = "completions"
    path = "/completions"
    tools = False
    asks_for_stream_usage = True
    """Whether usage comes in streams only when ``stream_options.include_usage`` asks for it."""
    finish_reasons = FINISH_REASONS

    def thinks(self, thinking: Thinking) -> bool:
        """Never."""
        return False

    def encode_thinking(self, thinking: Thinking, notes: list[Note]) -> Json:
        """There is nothing to switch."""
        return {}

    def decode_usage(self, usage: Json) -> Usage:
        """As in chat, where OpenAI's form is shared."""
        details = usage.get("prompt_tokens_details") or {}
        return Usage(
            input_tokens=int(usage.get("prompt_tokens") or 0),
            output_tokens=int(usage.get("completion_tokens") or 0),
            cached_tokens=usage.get("prompt_cache_hit_tokens", details.get("cached_tokens")),
            cost=usage.get("cost"),
            extra=usage,
        )
