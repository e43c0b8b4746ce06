"""POST /responses: items in, items out."""

from __future__ import annotations

from deepseek_v4.testing.endpoints.chat import complete_body, event_stream, next_answer
from deepseek_v4.testing.exchange import Exchange
from deepseek_v4.testing.outcome import Outcome


def answer_responses(exchange: Exchange) -> Outcome:
    """Answer a Responses request."""
    shapes, body = exchange.dialect.responses, exchange.body
    call = exchange.dialect.read_responses(exchange)
    answer = next_answer(exchange, call, shapes.form)
    if isinstance(answer, Outcome):
        return answer
    stream = shapes.stream(answer, call, body)
    if call.stream:
        return event_stream(exchange, stream.events(), stream.form)
    return complete_body(exchange, shapes.complete(answer, call, body), stream.form)
