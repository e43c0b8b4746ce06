"""POST /messages: Anthropic's form."""

from __future__ import annotations

from deepseek_v4.testing.endpoints.chat import complete_body, event_stream, next_answer
from deepseek_v4.testing.exchange import Exchange
from deepseek_v4.testing.outcome import Outcome
from deepseek_v4.testing.writing.messages import MESSAGES


def answer_messages(exchange: Exchange) -> Outcome:
    """Answer a request in Anthropic's form."""
    shapes = exchange.dialect.messages
    call = exchange.dialect.read_messages(exchange)
    answer = next_answer(exchange, call, MESSAGES)
    if isinstance(answer, Outcome):
        return answer
    if call.stream:
        return event_stream(exchange, shapes.events(answer, exchange.options), MESSAGES)
    return complete_body(exchange, shapes.complete(answer), MESSAGES)
