"""The spans and metrics of the core: one span for each answer, for every framework and method."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import pytest
from langchain_core.messages import HumanMessage
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.trace import SpanKind, StatusCode

from deepseek_v4 import Client, ToolSpec, errors
from deepseek_v4.observe import instrument
from deepseek_v4.testing import Fault, LocalServer, Turn
from langchain_deepseek_v4 import ChatDeepSeekV4
from llama_index_deepseek_v4 import DeepSeekV4
from tests.observability.watching import ANSWER, ASKED, KEY, USAGE, Spans, aside, turns


@pytest.fixture
def spans() -> Spans:
    spans = Spans()
    instrument(tracer_provider=spans.provider)
    return spans


def client_of(server: LocalServer, **options: Any) -> Client:
    return Client(base_url=server.base_url, api_key=KEY, **options)


async def _read(stream: Any) -> None:
    async for _ in stream:
        pass


def langchain(server: LocalServer) -> ChatDeepSeekV4:
    return ChatDeepSeekV4(base_url=server.base_url, api_key=KEY)


WAYS: dict[str, Any] = {
    "Client": lambda server: client_of(server).chat(ASKED),
    "Client, streamed": lambda server: list(client_of(server).stream(ASKED)),
    "LangChain, asyncio": lambda server: asyncio.run(langchain(server).ainvoke(ASKED)),
    "LangChain, asyncio, streamed": lambda server: asyncio.run(_read(langchain(server).astream(ASKED))),
    "LlamaIndex": lambda server: DeepSeekV4(base_url=server.base_url, api_key=KEY).complete(ASKED),
}


@pytest.mark.parametrize("way", WAYS)
def test_an_answer_is_one_client_span(server: LocalServer, spans: Spans, way: str) -> None:
    server.script(Turn(ANSWER, usage=USAGE))
    WAYS[way](server)
    [span] = spans.finished()
    assert (span.name, span.kind, span.status.status_code) == ("chat deepseek-flash", SpanKind.CLIENT, StatusCode.UNSET)
    attributes = dict(span.attributes)
    first = attributes.pop("gen_ai.response.time_to_first_chunk", None)
    assert (first is not None) is ("streamed" in way)
    assert attributes.pop("gen_ai.response.id")
    assert attributes.pop("operation.cost") > 0
    assert attributes == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "deepseek",
        "gen_ai.request.model": "deepseek-flash",
        "gen_ai.request.stream": "streamed" in way,
        "gen_ai.output.type": "text",
        "server.address": "127.0.0.1",
        "server.port": int(server.base_url.rpartition(":")[2]),
        "gen_ai.response.model": "deepseek-flash",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 1000,
        "gen_ai.usage.output_tokens": 60,
        "gen_ai.usage.cache_read.input_tokens": 640,
        "gen_ai.usage.reasoning.output_tokens": 25,
    }


def test_a_retry_a_second_attempt_and_a_resumed_part_are_events_of_the_span(server: LocalServer, spans: Spans) -> None:
    client = client_of(server, resume_streams=True, thinking=False)
    server.fault(Fault.status(503))
    server.script(Turn(""))
    reply = client.chat(ASKED)
    server.fault(Fault.cut_stream(6))
    parts = list(client.stream(ASKED))
    answered, resumed = spans.finished()
    assert [(event.name, event.attributes["reason"]) for event in answered.events] == [
        ("deepseek_v4.next_request", "transient"),
        ("deepseek_v4.next_request", "empty"),
    ]
    assert [event.attributes.get("http.response.status_code") for event in answered.events] == [503, 200]
    assert [event.attributes["reason"] for event in resumed.events] == ["interrupted"]
    assert answered.start_time < answered.events[0].timestamp < answered.end_time
    for span, usage in ((answered, reply.usage), (resumed, parts[-1].reply.usage)):
        assert usage is not None
        assert span.attributes["gen_ai.usage.input_tokens"] == usage.input_tokens  # the sum over the requests


def test_an_error_is_on_the_span_without_the_key(server: LocalServer, spans: Spans) -> None:
    with pytest.raises(errors.AuthenticationError):
        Client(base_url=server.base_url, api_key="sk-wrong-0123456789").chat(ASKED)
    [span] = spans.finished()
    assert (span.status.status_code, span.attributes["error.type"]) == (StatusCode.ERROR, "AuthenticationError")
    assert "sk-wrong-0123456789" not in spans.text()


def test_content_only_if_requested(server: LocalServer, spans: Spans) -> None:
    def calls() -> None:
        server.script(*turns())
        client_of(server).chat(ASKED, tools=[ToolSpec("weather", "The weather in a city.")], temperature=0.3)

    calls()
    assert ASKED not in spans.text()
    assert dict(spans.finished()[0].attributes)["gen_ai.request.temperature"] == 0.3
    with_content = Spans()
    instrument(tracer_provider=with_content.provider, content=True)
    server.reset()
    calls()
    [span] = with_content.all()
    [question] = json.loads(span["gen_ai.input.messages"])
    assert question == {"role": "user", "parts": [{"type": "text", "content": ASKED}]}
    [answer] = json.loads(span["gen_ai.output.messages"])
    assert [part["type"] for part in answer["parts"]] == ["reasoning", "text", "tool_call", "tool_call"]
    assert answer["parts"][2]["arguments"] == {"city": "Paris"}
    assert answer["finish_reason"] == "tool_calls"
    assert json.loads(span["gen_ai.tool.definitions"])[0]["name"] == "weather"
    assert len(spans.all()) == 1  # the first instrumentation was replaced


def test_metrics_have_duration_and_tokens(server: LocalServer) -> None:
    reader = InMemoryMetricReader()
    instrument(tracer_provider=Spans().provider, meter_provider=MeterProvider([reader]))
    server.script(Turn(ANSWER, usage=USAGE))
    list(client_of(server).stream(ASKED))
    data = json.loads(reader.get_metrics_data().to_json())
    [scope] = data["resource_metrics"][0]["scope_metrics"]
    points = {
        one["name"].removeprefix("gen_ai.client.inference."): one["data"]["data_points"][0] for one in scope["metrics"]
    }
    assert {name: point["value"] for name, point in points.items() if name.startswith("usage.")} == {
        "usage.input_tokens": 1000,
        "usage.output_tokens": 60,
        "usage.cache_read.input_tokens": 640,
        "usage.reasoning.output_tokens": 25,
    }
    assert points["duration"]["count"] == points["time_to_first_chunk"]["count"] == 1
    assert points["duration"]["attributes"]["gen_ai.response.model"] == "deepseek-flash"


@pytest.mark.parametrize("framework", ["langchain", "llama_index"])
def test_tokens_count_once_with_openinference(
    server: LocalServer, framework: str, openinference_langchain: Spans, openinference_llama_index: Spans
) -> None:
    others = openinference_langchain if framework == "langchain" else openinference_llama_index
    instrument(tracer_provider=others.provider, tokens=False)
    server.fault(Fault.status(503))
    server.script(Turn(ANSWER, usage=USAGE))
    if framework == "langchain":
        aside(lambda: langchain(server).invoke([HumanMessage(ASKED)]))
    else:
        aside(lambda: DeepSeekV4(base_url=server.base_url, api_key=KEY).complete(ASKED))
    counted = [span for span in others.all() if any("token" in name or "cost" in name for name in span)]
    assert [span["openinference.span.kind"] for span in counted] == ["LLM"]
    [own] = [span for span in others.finished() if span.kind is SpanKind.CLIENT]
    assert len(own.events) == 1
    if framework == "llama_index":
        assert own.parent is not None


def test_without_the_api_the_error_has_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "deepseek_v4.observe.spans", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(ModuleNotFoundError, match=r"deepseek-v4\[otel\]"):
        import deepseek_v4.observe.spans  # noqa: F401
