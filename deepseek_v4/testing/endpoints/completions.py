"""POST /beta/completions: fill in the middle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from deepseek_v4.testing.checks.chat_types import STREAM_OPTIONS, stop_words
from deepseek_v4.testing.checks.parameters import RANGES, Range, check_ranges, check_stop
from deepseek_v4.testing.checks.types import (
    FieldTypes,
    boolean,
    check_types,
    number,
    request_types,
    string,
    whole_number,
)
from deepseek_v4.testing.endpoints.chat import event_stream, fixed_outcome
from deepseek_v4.testing.exchange import Exchange
from deepseek_v4.testing.improviser import fill_in
from deepseek_v4.testing.model.answer import cut_at_stop
from deepseek_v4.testing.outcome import DONE, Outcome, dumps, event
from deepseek_v4.testing.rejection import Rejection
from deepseek_v4.testing.script import Turn
from deepseek_v4.testing.tokens import estimate, token_parts

OFF_BETA = 'completions api is only available when using beta api (set base_url="https://api.deepseek.com/beta")'
MOST_OUTPUT = 4096
MOST_LOGPROBS = 20
FIM_RANGES: Mapping[str, Range] = {**RANGES, "max_tokens": Range(1, MOST_OUTPUT, f"[1, {MOST_OUTPUT}]")}


@dataclass(frozen=True, slots=True)
class Completion:
    """A completed text and its counts."""

    text: str
    finish_reason: str
    usage: Mapping[str, Any]


def refuse_off_beta(exchange: Exchange) -> Outcome:
    """Refuse the endpoint, which exists on the beta host only."""
    raise Rejection(OFF_BETA)


def answer_completion(exchange: Exchange) -> Outcome:
    """Answer a fill-in-the-middle request."""
    body, options = exchange.body, exchange.options
    check_types(body, exchange.received.raw, options.type_error_status, _completion_types)
    _check(exchange, body)
    prompt, suffix = body["prompt"], body.get("suffix") or ""
    turn = exchange.next_turn(lambda: Turn(text=fill_in(prompt, suffix)))
    stream = bool(body.get("stream"))
    if (fixed := fixed_outcome(exchange, turn, stream)) is not None:
        return fixed
    completion = _complete(body, turn, prompt, suffix)
    if stream:
        return event_stream(exchange, _events(exchange, body, turn, completion))
    logprobs = _logprobs(exchange, completion.text, body.get("logprobs"))
    complete = _body(exchange, body, turn, completion.text, logprobs, completion.finish_reason)
    return Outcome(iter((dumps({**complete, "usage": completion.usage}),)), filler=exchange.dialect.blank_line)


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


def _complete(body: Mapping[str, Any], turn: Turn, prompt: str, suffix: str) -> Completion:
    stop = body.get("stop") or ()
    text, stop_word = cut_at_stop(turn.text, (stop,) if isinstance(stop, str) else stop)
    parts = token_parts(text)
    limit = body.get("max_tokens") or MOST_OUTPUT
    reason = turn.finish_reason if turn.finish_reason and stop_word is None else "stop"
    if len(parts) > limit:
        text, reason, parts = "".join(parts[:limit]), "length", parts[:limit]
    prompt_tokens = estimate(prompt) + estimate(suffix)
    usage = {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": len(parts),
        "total_tokens": prompt_tokens + len(parts),
        "prompt_tokens_details": {"cached_tokens": 0},
        "prompt_cache_hit_tokens": 0,
        "prompt_cache_miss_tokens": prompt_tokens,
    }
    return Completion((prompt if body.get("echo") else "") + text, reason, turn.usage or usage)


def _events(exchange: Exchange, body: Mapping[str, Any], turn: Turn, completion: Completion) -> Iterator[bytes]:
    pending = {"usage": None} if (body.get("stream_options") or {}).get("include_usage") else {}
    for text in token_parts(completion.text):
        logprobs = _logprobs(exchange, text, body.get("logprobs"))
        yield event({**_body(exchange, body, turn, text, logprobs, None), **pending})
    final = _body(exchange, body, turn, "", None, completion.finish_reason)
    yield event({**final, "usage": completion.usage})
    yield DONE


def _body(
    exchange: Exchange, body: Mapping[str, Any], turn: Turn, text: str, logprobs: Any, finish_reason: Any
) -> dict[str, Any]:
    return {
        "id": exchange.stamp.answer_id(),
        "object": "text_completion",
        "created": exchange.stamp.created,
        "model": turn.model or body["model"],
        "system_fingerprint": turn.system_fingerprint,
        "choices": [{"index": 0, "text": text, "logprobs": logprobs, "finish_reason": finish_reason}],
    }


def _logprobs(exchange: Exchange, text: str, top: int | None) -> dict[str, Any] | None:
    if top is None:
        return None
    tokens = token_parts(text)
    values = [exchange.stamp.logprob(position) for position in range(len(tokens))]
    offsets = [sum(len(token) for token in tokens[:position]) for position in range(len(tokens))]
    best = [{token: value} if top else {} for token, value in zip(tokens, values, strict=True)]
    return {"text_offset": offsets, "token_logprobs": values, "tokens": tokens, "top_logprobs": best}


def _completion_types(body: Any) -> None:
    request_types(body, "CompletionRequest", _FIELDS, ("model", "prompt"))


_FIELDS: FieldTypes = {
    "model": string,
    "prompt": string,
    "suffix": string,
    "echo": boolean,
    "logprobs": whole_number,
    "max_tokens": whole_number,
    "stop": stop_words,
    "stream": boolean,
    "stream_options": STREAM_OPTIONS,
    "temperature": number,
    "top_p": number,
    "frequency_penalty": number,
    "presence_penalty": number,
}
