"""The cache report: the request that missed the prefix cache, the position, the cause and the cost."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import wrap_model_call
from langchain_core.messages import SystemMessage
from llama_index.core.base.llms.types import ChatMessage
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import deepseek_v4
from deepseek_v4 import Client, Message, errors
from deepseek_v4.observe import RequestEvent, instrument, listen, uninstrument
from deepseek_v4.observe.cache_tracker import CacheTracker
from deepseek_v4.observe.sections import sections_of
from deepseek_v4.testing import LocalServer, ToolCall, Turn
from deepseek_v4.values.reply import Usage
from langchain_deepseek_v4 import ChatDeepSeekV4
from llama_index_deepseek_v4 import DeepSeekV4

KEY = "sk-observed-0123456789"
SYSTEM = "You are careful. " * 100
TEXT = "There is much to see here. " * 60


@pytest.fixture(scope="module")
def shared_server() -> Iterator[LocalServer]:
    with LocalServer(api_key=KEY) as server:
        yield server


@pytest.fixture
def server(shared_server: LocalServer) -> LocalServer:
    shared_server.reset()
    return shared_server


# -- agents whose middleware breaks the prefix ---------------------------------------------------------------------


def look(place: str) -> str:
    """Look at a place."""
    return TEXT


def hear(place: str) -> str:
    """Listen at a place."""
    return TEXT


def middleware(change: Callable[[Any, int], Any]) -> Any:
    numbers = count()

    @wrap_model_call
    def changed(request: Any, handler: Any) -> Any:
        return handler(request.override(**change(request, next(numbers))))

    return changed


def unchanged(request: Any, number: int) -> dict[str, Any]:
    return {}


def reorders_tools(request: Any, number: int) -> dict[str, Any]:
    return {"tools": request.tools[::-1] if number % 2 else request.tools}


def stamps_the_time(request: Any, number: int) -> dict[str, Any]:
    return {"system_message": SystemMessage(f"{SYSTEM} It is 10:0{number}.")}


def trims_the_history(request: Any, number: int) -> dict[str, Any]:
    first, *rest = request.messages
    return {"messages": [first, *rest[-2:]]}


def changes_the_effort(request: Any, number: int) -> dict[str, Any]:
    return {"model_settings": {"reasoning_effort": "max" if number % 2 else "high"}}


BREAKS: list[tuple[Callable[[Any, int], Any], list[tuple[str, str]]]] = [
    (unchanged, []),
    (reorders_tools, [("tools", "the same tools in another order")] * 3),
    (stamps_the_time, [("system", "changed")] * 3),
    (trims_the_history, [("message 2", "2 messages removed")] * 2),
    (changes_the_effort, [("option reasoning_effort", "changed")] * 3),
]


@pytest.mark.parametrize(("change", "found"), BREAKS, ids=lambda value: getattr(value, "__name__", ""))
def test_an_agent_whose_middleware_breaks_the_prefix(
    server: LocalServer, change: Callable[[Any, int], Any], found: list[tuple[str, str]]
) -> None:
    server.script(*(Turn("I look.", tool_calls=[ToolCall("look", {"place": str(n)})]) for n in range(3)), Turn("Done."))
    model = ChatDeepSeekV4(base_url=server.base_url, api_key=KEY, warn_on_cache_bust=True)
    agent = create_agent(model, [look, hear], system_prompt=SYSTEM, middleware=[middleware(change)])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        agent.invoke({"messages": [("user", "Look at three places.")]})
    report = model.cache_report()
    [conversation] = report.conversations
    assert conversation.requests == 4
    assert conversation.start == "Look at three places."
    assert [(miss.change.place, miss.change.detail) for miss in report.misses if miss.change] == found
    assert {miss.cause for miss in report.misses} <= {"changed"}
    assert [warning.category for warning in caught] == [errors.CacheBustWarning] * len(found)
    assert conversation.share is not None
    if found:
        assert all(miss.cost and miss.cost > 0 for miss in report.misses)
        assert report.missed_cost == pytest.approx(sum(miss.cost or 0 for miss in report.misses))
        assert f"from {found[0][0]} on ({found[0][1]})" in str(caught[0].message)
        assert f"changed here: {found[0][0]} ({found[0][1]})" in str(report)
    else:
        assert conversation.share > 0.4


def breaks_in_four_ways(request: Any, number: int) -> dict[str, Any]:
    """Add one lasting change with each request."""
    changed: dict[str, Any] = {}
    if number >= 1:
        changed["tools"] = request.tools[::-1]
    if number >= 2:
        changed["system_message"] = SystemMessage(f"{SYSTEM} It is 10:02.")
    if number >= 3:
        changed["model_settings"] = {"reasoning_effort": "max"}
    if number >= 4:
        first, *rest = request.messages
        changed["messages"] = [first, *rest[2:]]
    return changed


def test_a_recorded_run_that_breaks_the_prefix_in_four_ways(server: LocalServer, tmp_path: Path) -> None:
    server.script(*(Turn("I look.", tool_calls=[ToolCall("look", {"place": str(n)})]) for n in range(5)), Turn("Done."))
    model = ChatDeepSeekV4(base_url=server.base_url, api_key=KEY, track_cache=True, reasoning_effort="high")
    agent = create_agent(model, [look, hear], system_prompt=SYSTEM, middleware=[middleware(breaks_in_four_ways)])
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    instrument(tracer_provider=provider)
    try:
        with deepseek_v4.inspect(tmp_path / "run.html") as inspection:
            agent.invoke({"messages": [("user", "Look at five places.")]})
    finally:
        uninstrument()
    found = [
        (2, "tools", "the same tools in another order"),
        (3, "system", "changed"),
        (4, "option reasoning_effort", "changed"),
        (5, "message 2", "2 messages removed"),
    ]
    report = model.cache_report()
    assert [(miss.request, miss.change.place, miss.change.detail) for miss in report.misses if miss.change] == found
    assert len(report.misses) == 4
    lines = [json.loads(line) for line in inspection.record.read_text("utf-8").splitlines()]
    recorded = [line["miss"] for line in lines if line.get("miss")]
    assert [(miss["place"], miss["cost"]) for miss in recorded] == [
        (miss.change.place, miss.cost) for miss in report.misses if miss.change
    ]
    events = [event for span in exporter.get_finished_spans() for event in span.events]
    assert [(event.name, event.attributes["place"], event.attributes["detail"]) for event in events] == [
        ("deepseek_v4.cache_miss", place, detail) for _, place, detail in found
    ]
    assert [event.attributes["missed_cost"] for event in events] == [miss.cost for miss in report.misses]
    assert [event.attributes["missed_tokens"] for event in events] == [miss.tokens for miss in report.misses]


# -- the other two ways of calling ----------------------------------------------------------------------------------


def test_a_client_and_a_llama_index_model_have_the_report(server: LocalServer) -> None:
    client = Client(base_url=server.base_url, api_key=KEY, track_cache=True)
    client.chat([Message.system(SYSTEM), Message.user(TEXT)])
    more = [Message.user(TEXT), Message.assistant("So."), Message.user("?")]
    list(client.stream([Message.system("New. " + SYSTEM), *more]))
    [miss] = client.cache_report().misses
    assert miss.change is not None
    assert (miss.change.place, miss.change.before[-8:], miss.change.offset) == ("system", "You are ", 28)

    model = DeepSeekV4(base_url=server.base_url, api_key=KEY, track_cache=True)
    history = [ChatMessage(SYSTEM, role="system"), ChatMessage(TEXT, role="user")]
    model.chat(history)
    model.chat([*history, ChatMessage("So.", role="assistant"), ChatMessage("?", role="user")])
    report = model.cache_report()
    assert report.misses == ()
    assert report.share is not None
    assert report.share > 0.3


def test_without_the_option_nothing_is_tracked(server: LocalServer) -> None:
    client = Client(base_url=server.base_url, api_key=KEY)
    client.chat("Hi")
    with pytest.raises(ValueError, match="track_cache=True"):
        client.cache_report()


def test_the_warning_can_be_an_error(server: LocalServer) -> None:
    client = Client(base_url=server.base_url, api_key=KEY)
    client.chat([Message.system("A"), Message.user("Hi")], track_cache=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error", errors.CacheBustWarning)
        with pytest.raises(errors.CacheBustWarning, match="from system on"):
            client.chat([Message.system("B"), Message.user("Hi")], warn_on_cache_bust=True)


# -- causes of consecutive requests --------------------------------------------------------------------------------


@pytest.fixture
def event(server: LocalServer) -> RequestEvent:
    events: list[RequestEvent] = []
    with listen(events.append):
        Client(base_url=server.base_url, api_key=KEY).chat("Hi")
    return events[0]


Follow = Callable[..., CacheTracker]


@pytest.fixture
def follow(event: RequestEvent) -> Follow:
    """Send events to a tracker: bodies, with the seconds between them and the cached tokens of each."""

    def followed(*bodies: dict[str, Any], gap: float = 60, cached: Sequence[int | None] = (0, 1920)) -> CacheTracker:
        tracker, at = CacheTracker(), datetime(2026, 11, 2, 12, tzinfo=timezone.utc)
        for body, tokens in zip(bodies, cached, strict=True):
            usage = Usage(2000, 10, cached_tokens=tokens)
            tracker.received(
                replace(event, body=body, sections=sections_of(body), started=at, seconds=0.0, usage=usage)
            )
            at += timedelta(seconds=gap)
        return tracker

    return followed


def body(*texts: str, **fields: Any) -> dict[str, Any]:
    messages = [{"role": "user" if n % 2 == 0 else "assistant", "content": text} for n, text in enumerate(texts)]
    return {"model": "deepseek-flash", **fields, "messages": messages}


FIRST, SECOND = body("a"), body("a", "b", "c")


@pytest.mark.parametrize(("gap", "cause"), [(7200, "expired"), (600, "evicted"), (1, "too_soon")])
def test_a_miss_with_the_same_beginning(follow: Follow, gap: float, cause: str) -> None:
    [miss] = follow(FIRST, SECOND, gap=gap, cached=(0, 0)).report().misses
    assert (miss.cause, miss.change, miss.tokens, miss.idle) == (cause, None, 1920, gap)
    assert miss.cost == pytest.approx(1920 * (0.14 - 0.0028) / 1e6, rel=0.5)
    assert "the same beginning" in str(miss)


def test_a_hit_is_not_a_miss(follow: Follow) -> None:
    report = follow(FIRST, SECOND).report()
    assert report.misses == ()
    assert report.share == pytest.approx(0.48)


def test_counts_that_are_not_reported_are_not_guessed(follow: Follow) -> None:
    report = follow(FIRST, SECOND, cached=(None, None)).report()
    assert report.misses == ()
    assert report.share is None
    assert "an unknown share" in str(report)


CHANGES: list[tuple[dict[str, Any], dict[str, Any], tuple[str, str] | None]] = [
    (FIRST, body("a", "b", "c", temperature=1.0, max_tokens=5), None),
    (SECOND, FIRST, None),  # the same beginning, to answer again
    (SECOND, body("a", "b", "other"), None),  # a branch
    (SECOND, body("a", "x", "c", "d", "e"), ("message 1", "changed")),
    (SECOND, body("a", "new", "newer", "b", "c"), ("message 1", "2 messages inserted")),
    (body("a", "b", "c", "d", "e"), body("a", "d", "e", "f", "g"), ("message 1", "2 messages removed")),
    (FIRST, body("a", "b", "c", tools=[{"name": "t"}]), ("tools", "added")),
    (body("a", tools=[{"name": "t"}]), SECOND, ("tools", "removed")),
    (
        body("a", tools=[{"name": "t"}, {"name": "u"}, {"name": "v"}]),
        body("a", tools=[{"name": "t", "description": "d"}, {"name": "w"}, {"name": "v"}]),
        ("tools", "added: w, removed: u, changed: t"),
    ),
    (FIRST, body("a", "b", "c", thinking={"type": "disabled"}), ("option thinking", "added")),
    (FIRST, {**SECOND, "model": "deepseek-v4-pro"}, ("option model", "changed")),
    (FIRST, body("a", "b", "c", system="s"), ("system", "added")),
    (body("a", system="s", tools=[{"name": "t"}]), body("a", tools=[{"name": "t"}]), ("system", "removed")),
    (body("a", response_format={"type": "json_object"}), SECOND, ("option response_format", "removed")),
]


@pytest.mark.parametrize(("before", "after", "found"), CHANGES)
def test_the_first_difference_is_found(
    follow: Follow, before: dict[str, Any], after: dict[str, Any], found: tuple[str, str] | None
) -> None:
    misses = follow(before, after).report().misses
    assert [(miss.change.place, miss.change.detail) for miss in misses if miss.change] == ([found] if found else [])


def test_requests_that_share_messages_are_one_conversation(follow: Follow) -> None:
    firsts = [body("a", system="s"), body("x", system="s")]
    report = follow(
        *firsts, body("a", "b", "c", system="s"), body("x", "y", "z", system="t"), cached=(0, 0, 1920, 0)
    ).report()
    assert [(one.start, one.requests, len(one.misses)) for one in report.conversations] == [("a", 2, 0), ("x", 2, 1)]


def test_an_interrupted_answer_is_not_a_part_of_the_next_request(follow: Follow, event: RequestEvent) -> None:
    tracker = follow(FIRST, cached=(0,))
    resumed = body("a", "half of b")
    usage = Usage(2000, 5, cached_tokens=1920)
    tracker.received(replace(event, body=resumed, sections=sections_of(resumed), usage=usage, reason="interrupted"))
    tracker.received(replace(event, body=SECOND, sections=sections_of(SECOND), usage=usage))
    [conversation] = tracker.report().conversations
    assert (conversation.requests, conversation.misses) == (3, ())


def test_the_memory_of_a_tracker_is_limited(follow: Follow) -> None:
    bodies = [body(str(n)) for n in range(1200)]
    tracker = follow(*bodies, cached=[0] * 1200)
    assert len(tracker._followed) == 64
    assert len(tracker.report().conversations) == 1064
    assert str(tracker.report()).endswith("conversations of one request: 1064")
