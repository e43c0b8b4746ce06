"""Differences between providers on the Responses endpoint."""

from __future__ import annotations

from deepseek_v4.protocols.dialect import Dialect


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
