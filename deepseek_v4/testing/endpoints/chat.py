"""The endpoints of the model: check, get the answer of the scripted model, encode it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from deepseek_v4.testing.exchange import Exchange
from deepseek_v4.testing.improviser import improvise
from deepseek_v4.testing.model.answer import compose
from deepseek_v4.testing.outcome import CHAT, EVENT_STREAM, Outcome, Rejection, Step, StreamForm, dumps
from deepseek_v4.testing.script import Turn
from deepseek_v4.testing.tokens import cached_tokens


def answer(exchange: Exchange) -> Outcome:
    """Answer a request of chat completions, the Responses or the Messages protocol."""
    dialect, shapes = exchange.dialect, exchange.dialect.shapes(exchange.protocol)
    call = dialect.read(exchange)
    turn = exchange.next_turn(lambda: improvise(call))
    if (fixed := fixed_outcome(exchange, turn, call.stream, shapes.form)) is not None:
        return fixed
    cached = 0
    if exchange.options.prefix_cache and call.caches:
        owner = f"{exchange.key}/{call.user_id}"
        cached = cached_tokens(exchange.memory.prompts, call.prompt, call.prompt_tokens, owner)
    composed = compose(call, turn, exchange.stamp, exchange.body, exchange.options, cached)
    dialect.remember(composed, exchange)
    if call.stream:
        return event_stream(exchange, *shapes.stream(composed))
    return complete_body(exchange, shapes.complete(composed), shapes.form)


def event_stream(exchange: Exchange, events: Iterable[Step], form: StreamForm = CHAT) -> Outcome:
    """Return events as a response."""
    headers = {"cache-control": "no-cache"}
    filler = exchange.dialect.keep_alive_comment
    return Outcome(events, content_type=EVENT_STREAM, headers=headers, streaming=True, filler=filler, form=form)


def complete_body(exchange: Exchange, body: Mapping[str, Any], form: StreamForm = CHAT) -> Outcome:
    """Return an unstreamed answer as a response, without a length header, since keep-alives may precede it."""
    return Outcome(iter((dumps(body),)), filler=exchange.dialect.blank_line, form=form)


def fixed_outcome(exchange: Exchange, turn: Turn, stream: bool, form: StreamForm = CHAT) -> Outcome | None:
    """Return the response of a turn that is an error or is sent unchanged; `None` for an ordinary one."""
    if turn.error is not None or turn.status != 200:
        words = turn.error if isinstance(turn.error, str) else "Request failed"
        refused = exchange.dialect.refuse(Rejection(words, status=turn.status), exchange.protocol)
        if isinstance(turn.error, Mapping):
            envelope = exchange.dialect.error(Rejection(words), exchange.protocol)
            return replace(refused, steps=(dumps({**envelope, "error": turn.error}),))
        return refused
    if turn.raw is None:
        return None
    if isinstance(turn.raw, bytes):
        steps: Sequence[bytes] = (turn.raw,)
    elif stream:
        objects = [turn.raw] if isinstance(turn.raw, Mapping) else turn.raw
        steps = (*(form.event(value) for value in objects), *form.end)
    else:
        steps = (dumps(turn.raw),)
    if stream:
        return event_stream(exchange, iter(steps), form)
    return Outcome(iter(steps), filler=exchange.dialect.blank_line, form=form)
