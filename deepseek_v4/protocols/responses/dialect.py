"""Differences between providers on the Responses endpoint."""

from __future__ import annotations

import re

from deepseek_v4.protocols.dialect import Dialect
from deepseek_v4.values.messages import Message

_UNREASONED = re.compile(r"(?:call|toolu)_\d+_ET_")
"""The beginning of the call ids in an answer of DeepSeek that has no reasoning."""


class ResponsesDialect(Dialect):
    """A provider's version of ``/responses``."""

    protocol = "responses"
    path = "/responses"
    json_schema = True
    empty_reasoning_items = False
    """True if a past turn with unknown reasoning gets an empty reasoning item, as chat gets ``""``."""
    strict_formats = True
    """True if ``strict`` of a ``json_schema`` format is sent; False if the schema is also enforced without it."""
    reports_truncation = True
    """True if an answer that the output limit truncated has the status ``incomplete``."""
    reports_cost = True

    def demands_reasoning_text(self, message: Message) -> bool:
        """Return True if an assistant message of a turn with tool calls must have a reasoning text that is not empty.

        DeepSeek refuses an empty one until the next user message (``deepseek-recipe`` 0.2.0), except in an answer
        that was sent without reasoning, which its call ids show.
        """
        return self.empty_reasoning_items and not any(_UNREASONED.match(call.id) for call in message.tool_calls)
