"""The result of a row as a JSON object: flat, or in the format of OpenAI's batch API."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import Any, NamedTuple

from deepseek_v4.batch.rows import Row
from deepseek_v4.catalog import cost as costs
from deepseek_v4.catalog import find
from deepseek_v4.catalog.cost import off_peak, price_at
from deepseek_v4.errors import DeepSeekError
from deepseek_v4.integration import openai_format
from deepseek_v4.integration.answer_schema import AnswerSchema, UnfitAnswer
from deepseek_v4.values.reply import Reply, Usage

__all__ = ["Outcome", "flat", "openai_form", "outcome_of"]


class Outcome(NamedTuple):
    """What became of a row.

    ``reply``: the answer, also the partial one of an error. ``value``: the typed answer. ``error``: why the row failed.
    ``usage`` and ``cost``: of all requests of the row; ``base_cost``: the cost outside peak hours. ``at``: when it was
    sent.
    """

    row: Row
    reply: Reply | None
    value: Any
    error: Exception | None
    usage: Usage | None
    cost: float | None
    base_cost: float | None
    attempts: int
    seconds: float
    at: datetime


def outcome_of(
    row: Row, answer: Reply | DeepSeekError, schema: AnswerSchema | None, provider: str, model: str, at: datetime
) -> Outcome:
    """Judge the answer of a row and price it by the time of its request."""
    error: Exception | None = answer if isinstance(answer, DeepSeekError) else None
    reply = answer.partial if isinstance(answer, DeepSeekError) else answer
    value = None
    if schema is not None and error is None and reply is not None and not reply.tool_calls:
        try:
            value = schema.value(reply.content)
        except UnfitAnswer as problem:
            error = problem
    usage = None if reply is None else reply.usage
    prices = find(provider, (reply.model if reply is not None else None) or model).prices
    price = price_at(prices, at)
    cost = base = costs.of(usage, price, at=at)
    if price is not None and price.peak is not None and price.peak.covers(at):
        base = costs.of(usage, off_peak(price), at=at)
    return Outcome(
        row,
        reply,
        value,
        error,
        usage,
        None if cost is None else cost.usd,
        None if base is None else base.usd,
        len(answer.attempts) + 1,
        (datetime.now(timezone.utc) - at).total_seconds(),
        at,
    )


def flat(outcome: Outcome) -> dict[str, Any]:
    """Return the result in our own format: ``text`` or ``value``, usage, cost, and ``error``."""
    reply = outcome.reply or Reply()
    line: dict[str, Any] = {"id": outcome.row.id}
    if outcome.value is not None:
        line["value"] = outcome.value
    else:
        line["text"] = reply.content if outcome.reply is not None else None
    if reply.reasoning is not None and reply.reasoning.text:
        line["reasoning"] = reply.reasoning.text
    if reply.tool_calls:
        line["tool_calls"] = [
            {"id": call.id, "name": call.name, "arguments": call.arguments} for call in reply.tool_calls
        ]
    line["finish_reason"] = reply.finish_reason
    line["model"] = reply.model
    line["usage"] = None if outcome.usage is None else outcome.usage.counts()
    return {**line, **_ours(outcome), "error": _error(outcome.error)}


def openai_form(outcome: Outcome) -> dict[str, Any]:
    """Return the result in the format of OpenAI's batch API, with our fields after its own."""
    error, reply = outcome.error, outcome.reply
    response = None
    if error is None and reply is not None:
        body = openai_format.chat_completion(reply)
        response = {"status_code": 200, "request_id": reply.id, "body": body}
    described = _error(error)
    if described is not None:
        described = {"code": described["type"], **described}
    line = {"id": f"row_{outcome.row.hash}", "custom_id": outcome.row.id, "response": response, "error": described}
    if outcome.value is not None:
        line["value"] = outcome.value
    return {**line, **_ours(outcome)}


FORMATS: Mapping[str, Callable[[Outcome], dict[str, Any]]] = {"flat": flat, "openai": openai_form}


def _ours(outcome: Outcome) -> dict[str, Any]:
    return {
        "cost": outcome.cost,
        "attempts": outcome.attempts,
        "seconds": round(outcome.seconds, 3),
        "at": outcome.at.isoformat("T", "seconds").replace("+00:00", "Z"),
        "hash": outcome.row.hash,
    }


def _error(error: Exception | None) -> dict[str, Any] | None:
    if error is None:
        return None
    return {
        "type": type(error).__name__,
        "status": getattr(error, "status_code", None),
        "message": str(error),
        "retryable": getattr(error, "retryable", True),
        "request_id": getattr(error, "request_id", None),
    }
