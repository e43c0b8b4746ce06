"""OpenTelemetry: a span and metrics for each answer, by the GenAI conventions. Needs the extra ``otel``.

Names: https://github.com/open-telemetry/semantic-conventions-genai, version 0.1.0, in development. It has no attribute
for the cost; ``operation.cost`` is the one that Logfire reads.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from time import time_ns
from typing import Any
from urllib.parse import urlsplit

from deepseek_v4._version import __version__
from deepseek_v4.observe import genai_messages, listeners
from deepseek_v4.observe.answers import cost_of, reply_of, usage_of
from deepseek_v4.observe.cache_report import CacheMiss
from deepseek_v4.observe.cache_tracker import CacheTracker
from deepseek_v4.observe.events import RequestEvent
from deepseek_v4.observe.listeners import Listener
from deepseek_v4.request.prepared_request import PreparedRequest
from deepseek_v4.values.reply import Reply, Usage

try:
    from opentelemetry import metrics, trace
    from opentelemetry.trace import SpanKind, Status, StatusCode
except ModuleNotFoundError as error:
    if not str(error.name).startswith("opentelemetry"):
        raise
    text = "Spans need the OpenTelemetry API. Run: pip install 'deepseek-v4[otel]'"
    raise ModuleNotFoundError(text, name=error.name) from None

_SCOPE = "deepseek_v4"
_OPERATIONS = {"completions": "text_completion"}
_SAMPLING = ("max_tokens", "temperature", "top_p", "top_k", "frequency_penalty", "presence_penalty")
_TOKENS = {
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "cache_read.input_tokens": "cached_tokens",
    "cache_write.input_tokens": "cache_write_tokens",
    "reasoning.output_tokens": "reasoning_tokens",
}

_lock = threading.Lock()
_installed: list[Spans] = []


def instrument(
    *, tracer_provider: Any = None, meter_provider: Any = None, content: bool = False, tokens: bool = True
) -> None:
    """Make a CLIENT span and metrics for each answer of the process, of both frameworks and of ``Client``.

    Args:
        tracer_provider: An OpenTelemetry tracer provider; None: the global one.
        meter_provider: A meter provider; None: the global one.
        content: True to put messages, tools and answers on the spans.
        tokens: False to record no tokens and no cost: if another instrumentor records those of the same calls, they
            would count twice.

    Raises:
        ModuleNotFoundError: if the extra ``otel`` is not installed.
    """
    spans = Spans(tracer_provider, meter_provider, content=content, tokens=tokens)
    uninstrument()
    with _lock:
        _installed.append(spans)
    listeners.add(spans)


def uninstrument() -> None:
    """Stop creating spans; without effect if `instrument` was not called."""
    with _lock:
        while _installed:
            listeners.remove(_installed.pop())


@dataclass(slots=True)
class _Answer:
    span: Any
    request: PreparedRequest
    began: int
    events: list[RequestEvent] = field(default_factory=list)


class Spans(Listener):
    """A listener that makes a span and metrics for each answer; see ``instrument``."""

    def __init__(self, tracer_provider: Any, meter_provider: Any, *, content: bool, tokens: bool) -> None:
        self._tracer = trace.get_tracer(_SCOPE, __version__, tracer_provider)
        meter = metrics.get_meter(_SCOPE, __version__, meter_provider)
        name = "gen_ai.client.inference"
        self._duration = meter.create_histogram(f"{name}.duration", "s", "Duration of an answer, retries included.")
        self._first = meter.create_histogram(f"{name}.time_to_first_chunk", "s", "Time to the first part of a stream.")
        self._counters = {
            field: meter.create_counter(f"{name}.usage.{kind}", "{token}", "Tokens as counted by the provider.")
            for kind, field in _TOKENS.items()
        }
        self._content = content
        self._tokens = tokens
        self._tracker = CacheTracker()
        self._open: dict[str, _Answer] = {}

    def started(self, answer: str, request: PreparedRequest) -> None:
        """Start the span of an answer, in the context of the call."""
        attributes = _request_attributes(request)
        if self._content:
            attributes |= genai_messages.of_request(request.request)
        began = time_ns()
        name = f"{attributes['gen_ai.operation.name']} {request.request.model}"
        span = self._tracer.start_span(name, kind=SpanKind.CLIENT, attributes=attributes, start_time=began)
        self._open[answer] = _Answer(span, request, began)

    def received(self, event: RequestEvent) -> None:
        """Note a request: one that follows another, and a miss of the prefix cache, are events of the span."""
        one = self._open.get(event.answer)
        if one is None:  # the listener was added in the middle of an answer
            return
        if event.reason is not None:
            known = {"attempt": event.attempt, "reason": event.reason, "detail": event.detail}
            failed = one.events[-1] if one.events else None
            if failed is not None and failed.status is not None:
                known["http.response.status_code"] = failed.status
            one.span.add_event("deepseek_v4.next_request", known, int(event.started.timestamp() * 1e9))
        miss = self._tracker.compare(event).miss
        if miss is not None:
            one.span.add_event("deepseek_v4.cache_miss", _miss_attributes(miss))
        one.events.append(event)

    def ended(self, answer: str, error: BaseException | None) -> None:
        """End the span, and record the metrics."""
        one = self._open.pop(answer, None)
        if one is None:
            return
        ended = time_ns()
        reply, usage = reply_of(one.events), usage_of(one.events)
        common = _common_attributes(one.request)
        if reply is not None:
            one.span.set_attributes(_reply_attributes(reply))
            if reply.model:
                common["gen_ai.response.model"] = reply.model
            if self._content:
                one.span.set_attributes(genai_messages.of_reply(reply))
        first = _seconds_to_first_chunk(one)
        if first is not None:
            one.span.set_attribute("gen_ai.response.time_to_first_chunk", first)
        if usage is not None and self._tokens:
            one.span.set_attributes(_usage_attributes(usage))
            cost = cost_of(one.events)
            if cost is not None:
                one.span.set_attribute("operation.cost", cost)
        if error is not None:
            common["error.type"] = type(error).__qualname__
            one.span.set_attribute("error.type", common["error.type"])
            shown = one.events[-1].error if one.events else None  # the key is masked in it
            one.span.set_status(Status(StatusCode.ERROR, shown or common["error.type"]))
        one.span.end(ended)
        self._duration.record((ended - one.began) / 1e9, common)
        if first is not None:
            self._first.record(first, common)
        if usage is not None and self._tokens:
            for name, counter in self._counters.items():
                if getattr(usage, name):
                    counter.add(int(getattr(usage, name)), common)


def _common_attributes(request: PreparedRequest) -> dict[str, Any]:
    url = urlsplit(request.http.url)
    return {
        "gen_ai.operation.name": _OPERATIONS.get(request.protocol.name, "chat"),
        "gen_ai.provider.name": request.provider.name,
        "gen_ai.request.model": request.request.model,
        "server.address": url.hostname or "",
        "server.port": url.port or (443 if url.scheme == "https" else 80),
    }


def _request_attributes(request: PreparedRequest) -> dict[str, Any]:
    chat, options = request.request, request.options
    known = {f"gen_ai.request.{name}": getattr(chat.sampling, name) for name in _SAMPLING}
    known["gen_ai.request.stop_sequences"] = options.stop
    known["gen_ai.request.reasoning.level"] = options.reasoning_effort
    form = options.response_format
    return {
        **_common_attributes(request),
        "gen_ai.request.stream": chat.stream,
        "gen_ai.output.type": "text" if form is None else "json",
        **{name: value for name, value in known.items() if value is not None},
    }


def _reply_attributes(reply: Reply) -> dict[str, Any]:
    reasons = (reply.finish_reason,) if reply.finish_reason else None
    known = {
        "gen_ai.response.id": reply.id,
        "gen_ai.response.model": reply.model,
        "gen_ai.response.finish_reasons": reasons,
    }
    return {name: value for name, value in known.items() if value is not None}


def _usage_attributes(usage: Usage) -> dict[str, Any]:
    counts = {f"gen_ai.usage.{kind}": getattr(usage, name) for kind, name in _TOKENS.items()}
    return {name: int(count) for name, count in counts.items() if count is not None}


def _miss_attributes(miss: CacheMiss) -> dict[str, Any]:
    """Return where and why the prefix cache missed, without any text of the prompt."""
    known: dict[str, Any] = {"cause": miss.cause, "missed_tokens": miss.tokens, "missed_cost": miss.cost}
    if miss.change is not None:
        known |= {"place": miss.change.place, "detail": miss.change.detail}
    return {name: value for name, value in known.items() if value is not None}


def _seconds_to_first_chunk(one: _Answer) -> float | None:
    for event in one.events:
        if event.seconds_to_first_item is not None:
            return max(0.0, event.started.timestamp() - one.began / 1e9) + event.seconds_to_first_item
    return None
