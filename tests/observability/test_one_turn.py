"""The spans of the core next to each tracer, over one agent turn: every token is on one span, with retries too."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import pytest
from opentelemetry.trace import SpanKind

from deepseek_v4.observe import instrument
from deepseek_v4.testing import LocalServer
from tests.observability.agent_turn import REASONS, AgentTurn, next_requests
from tests.observability.watching import KEY, Spans


def counted(span: Mapping[str, Any]) -> dict[str, int] | None:
    """Return the tokens that a backend would count for a span, by the attribute names of each tracer."""
    for input_name, output_name in (
        ("gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"),
        ("llm.token_count.prompt", "llm.token_count.completion"),
    ):
        if input_name in span:
            return {"input": span[input_name], "output": span[output_name]}
    if "langfuse.observation.usage_details" in span:
        usage = json.loads(span["langfuse.observation.usage_details"])  # without overlaps
        cached, reasoning = usage.get("input_cache_read", 0), usage.get("output_reasoning", 0)
        return {"input": usage["input"] + cached, "output": usage["output"] + reasoning}
    return None


class Seen(NamedTuple):
    """The spans of a turn: the tokens that a backend would count, and the spans of the core."""

    counted: int
    tokens: dict[str, int]
    reasons: list[list[str]]
    inside: list[bool]


def seen(spans: Spans) -> Seen:
    """Return how many spans have tokens and their sum; the reasons and places of the spans of the core."""
    counts = [count for span in spans.all() if (count := counted(span)) is not None]
    own = [span for span in spans.finished() if span.kind is SpanKind.CLIENT and span.name == "chat deepseek-flash"]
    own.sort(key=lambda span: span.start_time)
    assert all("operation.cost" not in span.attributes for span in own)
    assert KEY not in spans.text()
    return Seen(
        len(counts),
        {name: sum(count[name] for count in counts) for name in ("input", "output")},
        [[event.attributes["reason"] for event in next_requests(span)] for span in own],
        [span.parent is not None for span in own],
    )


@pytest.mark.parametrize("tracer", ["openinference_langchain", "opentelemetry_langchain"])
def test_an_instrumentor_of_langchain(tracer: str, server: LocalServer, request: pytest.FixtureRequest) -> None:
    spans: Spans = request.getfixturevalue(tracer)
    instrument(tracer_provider=spans.provider, tokens=False)
    paid = AgentTurn(server).langchain()
    assert seen(spans) == Seen(3, paid, REASONS, [tracer == "opentelemetry_langchain"] * 3)


@pytest.mark.parametrize("tracer", ["openinference_llama_index", "opentelemetry_llama_index"])
def test_an_instrumentor_of_llama_index(tracer: str, server: LocalServer, request: pytest.FixtureRequest) -> None:
    spans: Spans = request.getfixturevalue(tracer)
    instrument(tracer_provider=spans.provider, tokens=False)
    paid = AgentTurn(server).llama_index()
    assert seen(spans) == Seen(3, paid, REASONS, [True] * 3)


@pytest.mark.parametrize("tracer", ["langsmith_bridge", "langfuse_handler"])
def test_a_handler_of_langchain(tracer: str, server: LocalServer, request: pytest.FixtureRequest) -> None:
    spans, handler, finish = request.getfixturevalue(tracer)
    instrument(tracer_provider=spans.provider, tokens=False)
    paid = AgentTurn(server).langchain(handler)
    finish()
    assert seen(spans) == Seen(3, paid, REASONS, [tracer == "langfuse_handler"] * 3)


@pytest.mark.parametrize("framework", ["langchain", "llama_index"])
def test_the_spans_of_the_core_alone(framework: str, server: LocalServer) -> None:
    spans = Spans()
    instrument(tracer_provider=spans.provider)
    paid = getattr(AgentTurn(server), framework)()
    assert [counted(span) is not None for span in spans.all()] == [True] * 3
    assert {name: sum((counted(span) or {})[name] for span in spans.all()) for name in paid} == paid
    assert all(span["operation.cost"] > 0 for span in spans.all())
