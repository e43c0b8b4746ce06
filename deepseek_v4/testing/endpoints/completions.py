"""POST /beta/completions: fill in the middle."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from deepseek_v4.testing.checks.parameters import RANGES, Range, check_ranges, check_stop
from deepseek_v4.testing.checks.protocol_types import completion_types
from deepseek_v4.testing.checks.types import check_types
from deepseek_v4.testing.endpoints.chat import complete_body, event_stream, fixed_outcome
from deepseek_v4.testing.exchange import Exchange
from deepseek_v4.testing.improviser import fill_in
from deepseek_v4.testing.model.answer import Answer, compose
from deepseek_v4.testing.outcome import DONE, Outcome, Rejection, event
from deepseek_v4.testing.reading.chat import ChatCall
from deepseek_v4.testing.script import Turn
from deepseek_v4.testing.tokens import token_parts

OFF_BETA = 'completions api is only available when using beta api (set base_url="https://api.deepseek.com/beta")'
MOST_OUTPUT = 4096
MOST_LOGPROBS = 20
FIM_RANGES: Mapping[str, Range] = {**RANGES, "max_tokens": Range(1, MOST_OUTPUT, f"[1, {MOST_OUTPUT}]")}


def refuse_off_beta(exchange: Exchange) -> Outcome:
    """Refuse the endpoint, which exists on the beta host only."""
    raise Rejection(OFF_BETA)


def check_deepseek_types(check: Callable[[Any], None], exchange: Exchange) -> None:
    """Check the types of a request; a refusal has the text of the service's deserializer."""
    place = f"at line 1 column {len(exchange.received.raw)}"
    text = f"Failed to deserialize the JSON body into the target type: {{}} {place}"
    check_types(check, exchange.body, text, exchange.options.type_error_status)


def answer_completion(exchange: Exchange) -> Outcome:
    """Answer a fill-in-the-middle request."""
    body = exchange.body
    check_deepseek_types(completion_types, exchange)
    _check(exchange, body)
    prompt, suffix, stop = body["prompt"], body.get("suffix") or "", body.get("stop") or ()
    turn = exchange.next_turn(lambda: Turn(text=fill_in(prompt, suffix)))
    stream = bool(body.get("stream"))
    if (fixed := fixed_outcome(exchange, turn, stream)) is not None:
        return fixed
    call = ChatCall(
        model=body["model"],
        messages=(),
        thinking=False,
        stop=(stop,) if isinstance(stop, str) else tuple(stop),
        max_tokens=body.get("max_tokens") or MOST_OUTPUT,
        prompt=prompt + suffix,
    )
    answer = compose(call, turn, exchange.stamp, body, exchange.options, 0)
    if body.get("echo"):
        answer = replace(answer, content=prompt + answer.content)
    usage = answer.usage_object(exchange.dialect.counted_usage)
    if stream:
        return event_stream(exchange, _events(answer, usage))
    return complete_body(exchange, {**_body(answer, answer.content, answer.finish_reason), "usage": usage})


def _check(exchange: Exchange, body: Mapping[str, Any]) -> None:
    exchange.dialect.check_model(body["model"], exchange)
    check_ranges(body, FIM_RANGES)
    check_stop(body)
    if (body.get("logprobs") or 0) > MOST_LOGPROBS:
        raise Rejection("Invalid logprobs value, the valid range of logprobs is [0, 20].")
    if body.get("echo") and (body.get("suffix") is not None or body.get("logprobs") is not None):
        raise Rejection("echo cannot be used together with suffix or logprobs")
    if body.get("stream_options") is not None and not body.get("stream"):
        raise Rejection("stream_options should be set along with stream = true")


def _events(answer: Answer, usage: Mapping[str, Any]) -> Iterator[bytes]:
    pending = {"usage": None} if (answer.request.get("stream_options") or {}).get("include_usage") else {}
    for text in token_parts(answer.content):
        yield event({**_body(answer, text), **pending})
    yield event({**_body(answer, "", answer.finish_reason), "usage": usage})
    yield DONE


def _body(answer: Answer, text: str, finish_reason: str | None = None) -> dict[str, Any]:
    """Return the body of a complete answer or of a chunk, without usage."""
    logprobs = _logprobs(answer, text) if text else None
    return {
        "id": answer.stamp.answer_id(),
        "object": "text_completion",
        "created": answer.stamp.created,
        "model": answer.model,
        "system_fingerprint": answer.turn.system_fingerprint,
        "choices": [{"index": 0, "text": text, "logprobs": logprobs, "finish_reason": finish_reason}],
    }


def _logprobs(answer: Answer, text: str) -> dict[str, Any] | None:
    top = answer.request.get("logprobs")
    if top is None:
        return None
    tokens = token_parts(text)
    values = [answer.stamp.logprob(position) for position in range(len(tokens))]
    offsets = [sum(len(token) for token in tokens[:position]) for position in range(len(tokens))]
    best = [{token: value} if top else {} for token, value in zip(tokens, values, strict=True)]
    return {"text_offset": offsets, "token_logprobs": values, "tokens": tokens, "top_logprobs": best}
