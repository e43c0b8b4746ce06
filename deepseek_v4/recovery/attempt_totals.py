"""Merge the attempts of a call into one answer: usage and cost are summed, what was shown before stays in front."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from deepseek_v4.errors import DeepSeekError
from deepseek_v4.recovery.attempts import FailedAttempt
from deepseek_v4.values.reply import Reply


def reply_of(outcome: Reply | DeepSeekError) -> Reply | None:
    """Return the reply of an attempt, complete or partial."""
    return outcome.partial if isinstance(outcome, DeepSeekError) else outcome


def merge_replies(failed: Sequence[FailedAttempt[Reply]], answer: Reply | None) -> Reply:
    """Merge replies into one. Single values (finish reason, id, model) are those of the last one."""
    reply = answer or Reply()
    for one in reversed(failed):
        before = reply_of(one.outcome)
        if before is not None and before.usage is not None:
            cost = before.cost
            if cost is not None and reply.usage is not None:
                cost += reply.cost
            reply = dataclasses.replace(reply, usage=before.usage + reply.usage, cost=cost)
        if one.kept is not None:
            reply = joined(one.kept, reply)
    return reply


def joined(before: Reply, part: Reply) -> Reply:
    """Put one reply in front of another; the usage is that of the second."""
    leaked = part.extra.get("leaked_markup")
    extra = {**before.extra, **part.extra}
    if leaked and "at" in leaked:  # a position in the text
        extra["leaked_markup"] = before.extra.get("leaked_markup") or {
            **leaked,
            "at": len(before.content) + leaked["at"],
        }
    return dataclasses.replace(
        part,
        content=before.content + part.content,
        reasoning=part.reasoning if before.reasoning is None else before.reasoning + part.reasoning,
        id=part.id or before.id,
        model=part.model or before.model,
        logprobs=_joined_lists(before.logprobs, part.logprobs),
        annotations=before.annotations + part.annotations,
        extra=extra,
    )


def _joined_lists(before: Any, part: Any) -> Any:
    if before is None or part is None:
        return part if before is None else before
    return {channel: [*before.get(channel, ()), *part.get(channel, ())] for channel in {**before, **part}}


def add_values(one: Any, other: Any) -> Any:
    """Add two usage objects of the same format: numbers are added, objects merged by key, other values kept."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return {**one, **{key: add_values(one[key], value) if key in one else value for key, value in other.items()}}
    if _is_number(one) and _is_number(other):
        return one + other
    return one if other is None else other


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
