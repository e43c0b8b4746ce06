"""Shared by the tests of traces: spans kept in memory, and one exchange with two tools, reported to every tracer."""

from __future__ import annotations

import contextvars
import json
from collections.abc import Callable
from typing import Any, TypeVar

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from deepseek_v4.testing import ToolCall, Turn

T = TypeVar("T")

ASKED = "Weather in Paris and Rome?"
THOUGHT = "Two cities, two calls."
TEXT = "Let me look."
CALLS = [("weather", {"city": "Paris"}), ("weather", {"city": "Rome"})]
THOUGHT_LAST = "Both are here."
ANSWER = "It rains in both."
KEY = "sk-traced-secret-0123456789"
HEADER = "header-of-a-proxy-4711"
USAGE = {
    "prompt_tokens": 1000,
    "completion_tokens": 60,
    "total_tokens": 1060,
    "prompt_tokens_details": {"cached_tokens": 640},
    "completion_tokens_details": {"reasoning_tokens": 25},
    "prompt_cache_hit_tokens": 640,
    "prompt_cache_miss_tokens": 360,
}


def turns() -> list[Turn]:
    """Return a turn with reasoning, text and two calls, and the answer."""
    calls = [ToolCall(name, arguments) for name, arguments in CALLS]
    return [Turn(TEXT, reasoning=THOUGHT, tool_calls=calls, usage=USAGE), Turn(ANSWER, reasoning=THOUGHT_LAST)]


def weather(city: str) -> str:
    """The weather in a city."""
    return f"{city}: rain"


class Spans:
    """Finished spans, in memory."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))

    def all(self) -> list[dict[str, Any]]:
        """Return the attributes of every span, in the order in which they ended."""
        return [dict(span.attributes or {}) for span in self.exporter.get_finished_spans()]

    def finished(self) -> tuple[Any, ...]:
        """Return the spans, in the order in which they ended."""
        return self.exporter.get_finished_spans()

    def having(self, attribute: str) -> list[dict[str, Any]]:
        """Return the spans that have an attribute."""
        return [span for span in self.all() if attribute in span]

    def text(self) -> str:
        """Return all exported text: names, attributes, events, states, resources."""
        spans = self.exporter.get_finished_spans()
        assert spans
        return "".join(span.to_json() for span in spans)


Handler = tuple[Spans, Any, Callable[[], None]]
"""The spans of a callback handler, the handler, and a function that waits for it."""


def aside(call: Callable[[], T]) -> T:
    """Run a call in a separate context: some tracers do not reset theirs."""
    return contextvars.copy_context().run(call)


def nested(attributes: dict[str, Any], prefix: str) -> Any:
    """Return attributes with dots in their names as nested dicts, numbers as lists."""
    tree: dict[str, Any] = {}
    for name, value in attributes.items():
        if name.startswith(f"{prefix}."):
            *way, last = name.removeprefix(f"{prefix}.").split(".")
            place = tree
            for step in way:
                place = place.setdefault(step, {})
            place[last] = value
    return _listed(tree)


def _listed(tree: Any) -> Any:
    if not isinstance(tree, dict):
        return tree
    if tree and all(key.isdigit() for key in tree):
        return [_listed(tree[key]) for key in sorted(tree, key=int)]
    return {key: _listed(value) for key, value in tree.items()}


def calls_in(message: dict[str, Any]) -> list[tuple[str, Any]]:
    """Return OpenInference's tool calls of a message: names and arguments."""
    functions = [call["tool_call"]["function"] for call in message.get("tool_calls", ())]
    return [(function["name"], json.loads(function["arguments"])) for function in functions]


def parts_of(message: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """Return OpenTelemetry's parts of a message that are of one kind."""
    return [part for part in message["parts"] if part["type"] == kind]
