"""The events of one answer, put together. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add

from deepseek_v4.observe.events import RequestEvent
from deepseek_v4.recovery.attempt_totals import joined
from deepseek_v4.values.reply import Reply, Usage

_CONTINUED = ("interrupted", "length")
"""Reasons of requests whose answer continues the one before it."""


def reply_of(events: Sequence[RequestEvent]) -> Reply | None:
    """Return the answer: of the last request that has one, after the parts that it continues."""
    reply: Reply | None = None
    for event in events:
        if event.reply is not None:
            reply = event.reply if reply is None or event.reason not in _CONTINUED else joined(reply, event.reply)
    return reply


def usage_of(events: Sequence[RequestEvent]) -> Usage | None:
    """Return the tokens of all requests; None if the provider sent no counts."""
    usages = [event.usage for event in events if event.usage is not None]
    return reduce(add, usages) if usages else None


def cost_of(events: Sequence[RequestEvent]) -> float | None:
    """Return the US dollars of all requests whose cost is known; None if no cost is known."""
    costs = [event.cost.usd for event in events if event.cost is not None]
    return sum(costs) if costs else None
