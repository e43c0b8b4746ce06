"""Differences between providers on the Completions endpoint."""

from __future__ import annotations

from deepseek_v4.protocols.dialect import Dialect
from deepseek_v4.values.json import Json
from deepseek_v4.values.notes import Note
from deepseek_v4.values.sampling import Thinking


class CompletionsDialect(Dialect):
    """A provider's version of ``/completions``: a prompt, an optional suffix, and no thinking."""

    protocol = "completions"
    path = "/completions"
    tools = False
    asks_for_stream_usage = True
    reports_cost = True

    def thinks(self, thinking: Thinking) -> bool:
        """Return False."""
        return False

    def encode_thinking(self, thinking: Thinking, notes: list[Note]) -> Json:
        """Return no fields, because this endpoint does not support thinking."""
        return {}
