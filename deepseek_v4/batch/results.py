"""The result of a row as a JSON object: flat, or in the format of OpenAI's batch API."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import Any, NamedTuple

from deepseek_v4.batch.money import Costs, costs_at
from deepseek_v4.batch.rows import Row
from deepseek_v4.errors import DeepSeekError
from deepseek_v4.integration import openai_format
from deepseek_v4.integration.answer_schema import AnswerSchema, UnfitAnswer
from deepseek_v4.request.prepared_request import PreparedRequest
from deepseek_v4.values.reply import Reply, Usage


class Outcome(NamedTuple):
    """The outcome of a row.

    ``reply``: the answer, also the partial one of an error. ``value``: the typed answer. ``error``: why the row failed.
    ``cost``: of all requests of the row; ``base_cost``: the same outside peak hours. ``at``: when it was sent.
    """

    row: Row
    reply: Reply | None
    value: Any
    error: Exception | None
    cost: float | None
    base_cost: float | None
    attempts: int
    at: datetime
    seconds: float

    @property
    def usage(self) -> Usage | None:
        """Tokens of all requests of the row."""
        return None if self.reply is None else self.reply.usage


def outcome_of(
    row: Row, request: PreparedRequest | None, answer: Reply | DeepSeekError, schema: AnswerSchema | None, at: datetime
) -> Outcome:
    """Judge the answer of a row and price it by the time of its request; None if the request could not be built."""
    reply, error = (answer.partial, answer) if isinstance(answer, DeepSeekError) else (answer, None)
    value, problem = None, None
    if schema is not None and error is None and reply is not None and not reply.tool_calls:
        try:
            value = schema.value(reply.content)
        except UnfitAnswer as unfit:
            problem = unfit
    costs: Costs = (None, None)
    if request is not None and reply is not None:
        is_of_this_hour = isinstance(reply.created, int) and reply.created // 3600 == at.timestamp() // 3600
        model = reply.model or request.request.model
        costs = costs_at(reply.usage, request.provider.name, model, at, reply.cost if is_of_this_hour else None)
    seconds = (datetime.now(timezone.utc) - at).total_seconds()
    return Outcome(row, reply, value, error or problem, *costs, len(answer.attempts) + 1, at, seconds)


def flat(outcome: Outcome) -> dict[str, Any]:
    """Return the result in our own format: ``text`` or ``value``, usage, cost, and ``error``."""
    reply = outcome.reply or Reply()
    line: dict[str, Any] = {"id": outcome.row.id}
    if outcome.value is None:
        line["text"] = outcome.reply and outcome.reply.content
    if reply.reasoning is not None and reply.reasoning.text:
        line["reasoning"] = reply.reasoning.text
    if reply.tool_calls:
        line["tool_calls"] = [{"id": one.id, "name": one.name, "arguments": one.arguments} for one in reply.tool_calls]
    line.update(finish_reason=reply.finish_reason, model=reply.model)
    return {**line, **_ours(outcome), "error": _error(outcome.error)}


def openai_form(outcome: Outcome) -> dict[str, Any]:
    """Return the result in the format of OpenAI's batch API, with our fields after its own."""
    error, reply, response = _error(outcome.error), outcome.reply, None
    if error is not None:
        error = {"code": error["type"], **error}
    elif reply is not None:
        response = {"status_code": 200, "request_id": reply.id, "body": openai_format.chat_completion(reply)}
    line = {"id": f"row_{outcome.row.hash}", "custom_id": outcome.row.id, "response": response, "error": error}
    return {**line, **_ours(outcome)}


FORMATS: Mapping[str, Callable[[Outcome], dict[str, Any]]] = {"flat": flat, "openai": openai_form}


def _ours(outcome: Outcome) -> dict[str, Any]:
    usage = outcome.usage
    return {
        **({} if outcome.value is None else {"value": outcome.value}),
        "usage": usage and usage.counts(),
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
