"""The spans of OpenInference and OpenTelemetry for ``DeepSeekV4``, complete and streamed."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.llms import ChatMessage, ChatResponse, MessageRole
from llama_index.core.tools import FunctionTool
from pydantic import BaseModel

from deepseek_v4.errors import AuthenticationError, StreamInterruptedError
from deepseek_v4.testing import Fault, LocalServer, Turn
from llama_index_deepseek_v4 import DeepSeekV4
from tests.observability.watching import (
    ANSWER,
    ASKED,
    CALLS,
    HEADER,
    KEY,
    TEXT,
    THOUGHT,
    THOUGHT_LAST,
    USAGE,
    Spans,
    aside,
    calls_in,
    nested,
    parts_of,
    turns,
    weather,
)

WAYS = ["chat", "stream_chat", "achat", "astream_chat"]
TOOL = FunctionTool.from_defaults(weather)


class DeepSeek(DeepSeekV4):
    """The class of docs/observability.md: a name without a digit."""

    @classmethod
    def class_name(cls) -> str:
        return "DeepSeek"


def model_of(server: LocalServer, cls: type[DeepSeekV4] = DeepSeekV4, **options: Any) -> DeepSeekV4:
    output: dict[str, Any] = {"temperature": 0.3, "max_tokens": 900, "thinking": True, "api_key": KEY, **options}
    return cls(base_url=server.base_url, default_headers={"X-Proxy-Key": HEADER}, **output)


def answered(llm: DeepSeekV4, history: list[ChatMessage], way: str) -> ChatResponse:
    options: dict[str, Any] = {"chat_history": history, "allow_parallel_tool_calls": True}

    async def streamed() -> ChatResponse:
        return [response async for response in await llm.astream_chat_with_tools([TOOL], **options)][-1]

    if way == "chat":
        return llm.chat_with_tools([TOOL], **options)
    if way == "stream_chat":
        return list(llm.stream_chat_with_tools([TOOL], **options))[-1]
    return asyncio.run(llm.achat_with_tools([TOOL], **options) if way == "achat" else streamed())


def exchange(server: LocalServer, way: str, cls: type[DeepSeekV4] = DeepSeekV4) -> tuple[ChatResponse, ChatResponse]:
    """Send a question and the results of two tool calls; return both answers."""
    server.script(*turns())
    llm = model_of(server, cls)
    history = [ChatMessage("Be brief.", role=MessageRole.SYSTEM), ChatMessage(ASKED, role=MessageRole.USER)]

    def calling() -> tuple[ChatResponse, ChatResponse]:
        first = answered(llm, history, way)
        results = [
            ChatMessage(
                weather(**call.tool_kwargs), role=MessageRole.TOOL, additional_kwargs={"tool_call_id": call.tool_id}
            )
            for call in llm.get_tool_calls_from_response(first)
        ]
        return first, answered(llm, [*history, first.message, *results], way)

    return aside(calling)


# -- OpenInference ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
def test_openinference_records_the_model_and_the_usage(
    way: str, server: LocalServer, openinference_llama_index: Spans
) -> None:
    answers = exchange(server, way)
    spans = openinference_llama_index.having("llm.token_count.total")
    assert len(spans) == 2
    for span, answer in zip(spans, answers, strict=True):
        assert span["openinference.span.kind"] == "LLM"
        assert span["llm.model_name"] == "deepseek-flash"
        facts = answer.additional_kwargs
        assert span["llm.finish_reason"] == facts["finish_reason"]
        assert nested(span, "llm.token_count") == {
            "prompt": facts["prompt_tokens"],
            "completion": facts["completion_tokens"],
            "total": facts["total_tokens"],
            "prompt_details": {"cache_read": facts["cached_tokens"]},
            "completion_details": {"reasoning": facts["reasoning_tokens"]},
        }
    assert spans[0]["llm.token_count.prompt_details.cache_read"] == USAGE["prompt_cache_hit_tokens"]
    assert spans[0]["llm.token_count.completion_details.reasoning"] == 25


@pytest.mark.parametrize("way", WAYS)
def test_openinference_records_the_messages(way: str, server: LocalServer, openinference_llama_index: Spans) -> None:
    first, _ = exchange(server, way)
    one, two = openinference_llama_index.having("llm.token_count.total")
    output = nested(one, "llm.output_messages")[0]["message"]
    assert output["role"] == "assistant"
    assert [content["message_content"] for content in output["contents"]] == [{"type": "text", "text": TEXT}]
    assert calls_in(output) == CALLS
    ids = [call["tool_call"]["id"] for call in output["tool_calls"]]
    assert ids == [call["id"] for call in first.message.additional_kwargs["tool_calls"]]
    received = [message["message"] for message in nested(two, "llm.input_messages")]
    assert [message["role"] for message in received] == ["system", "user", "assistant", "tool", "tool"]
    assert calls_in(received[2]) == CALLS
    assert [message["tool_call_id"] for message in received[3:]] == ids
    assert [message["content"] for message in received[3:]] == ["Paris: rain", "Rome: rain"]
    last = nested(two, "llm.output_messages")[0]["message"]
    assert [content["message_content"]["text"] for content in last["contents"]] == [ANSWER]


@pytest.mark.parametrize("way", WAYS)
def test_openinference_records_reasoning_as_input_and_not_as_text(
    way: str, server: LocalServer, openinference_llama_index: Spans
) -> None:
    exchange(server, way)
    one, two = openinference_llama_index.having("llm.token_count.total")
    for span, thought in ((one, THOUGHT), (two, THOUGHT_LAST)):
        assert thought not in "".join(str(span[name]) for name in span if name.startswith(("llm.output", "output.")))
    assert THOUGHT in two["input.value"]


@pytest.mark.parametrize("way", WAYS)
def test_openinference_records_the_tools_and_no_key(
    way: str, server: LocalServer, openinference_llama_index: Spans
) -> None:
    exchange(server, way)
    for span in openinference_llama_index.having("llm.token_count.total"):
        assert json.loads(span["llm.invocation_parameters"])["model_name"] == "deepseek-flash"
        assert json.loads(span["llm.tools.0.tool.json_schema"])["function"]["name"] == "weather"
    written = openinference_llama_index.text()
    assert KEY not in written
    assert HEADER not in written


@pytest.mark.parametrize("way", ["complete", "stream_complete"])
def test_openinference_counts_completions(way: str, server: LocalServer, openinference_llama_index: Spans) -> None:
    server.script(Turn(ANSWER, reasoning=THOUGHT, usage=USAGE))
    llm = model_of(server)
    aside(lambda: llm.complete(ASKED) if way == "complete" else list(llm.stream_complete(ASKED)))
    (span,) = openinference_llama_index.having("llm.token_count.total")
    assert span["llm.token_count.total"] == USAGE["total_tokens"]
    assert (list(span["llm.prompts"]), span["output.value"]) == ([ASKED], ANSWER)


@pytest.mark.parametrize("protocol", ["responses", "messages"])
@pytest.mark.parametrize("way", ["chat", "stream_chat"])
def test_openinference_records_the_same_through_other_protocols(
    protocol: str, way: str, server: LocalServer, openinference_llama_index: Spans
) -> None:
    server.script(turns()[1])
    llm = model_of(server, protocol=protocol)
    answer = aside(lambda: answered(llm, [ChatMessage(ASKED)], way))
    (span,) = openinference_llama_index.having("llm.token_count.total")
    assert span["llm.token_count.total"] == answer.additional_kwargs["total_tokens"] > 0
    assert (span["llm.model_name"], span["llm.finish_reason"]) == ("deepseek-flash", "stop")
    assert span["output.value"] == f"assistant: {ANSWER}"


def test_openinference_counts_every_call_of_an_agent(server: LocalServer, openinference_llama_index: Spans) -> None:
    server.script(*turns())

    async def run() -> str:
        return str(await FunctionAgent(llm=model_of(server), tools=[TOOL]).run(ASKED))

    assert aside(lambda: asyncio.run(run())) == ANSWER
    counted = [span["llm.token_count.total"] for span in openinference_llama_index.having("llm.token_count.total")]
    assert len(counted) == 2
    assert counted[0] == USAGE["total_tokens"]
    kinds = [span["openinference.span.kind"] for span in openinference_llama_index.all()]
    assert kinds.count("TOOL") == len(CALLS)
    assert KEY not in openinference_llama_index.text()


def test_a_refused_key_is_in_no_span(server: LocalServer, openinference_llama_index: Spans) -> None:
    wrong = "sk-refused-9876543210abcdef"
    with pytest.raises(AuthenticationError):
        aside(lambda: model_of(server, api_key=wrong).chat([ChatMessage(ASKED)]))
    written = openinference_llama_index.text()
    assert "AuthenticationError" in written
    assert wrong not in written


def test_a_cut_stream_ends_its_span_in_error(server: LocalServer, openinference_llama_index: Spans) -> None:
    server.fault(Fault.cut_stream(after_events=3))
    server.script(turns()[1])
    with pytest.raises(StreamInterruptedError):
        aside(lambda: list(model_of(server, max_retries=0).stream_chat([ChatMessage(ASKED)])))
    written = json.loads(openinference_llama_index.text())
    assert written["status"]["status_code"] == "ERROR"
    assert "StreamInterruptedError" in written["status"]["description"]


def test_a_closed_stream_ends_its_span(server: LocalServer, openinference_llama_index: Spans) -> None:
    def close_early() -> None:
        stream = model_of(server).stream_chat([ChatMessage(ASKED)])
        next(stream)
        stream.close()

    aside(close_early)
    written = json.loads(openinference_llama_index.text())
    assert written["status"]["description"].startswith("GeneratorExit")


def test_a_typed_model_shows_its_own_span_around_the_call(
    server: LocalServer, openinference_llama_index: Spans
) -> None:
    class Town(BaseModel):
        name: str

    server.script(Turn('{"name": "Paris"}', reasoning=THOUGHT, usage=USAGE))
    aside(lambda: model_of(server).as_structured_llm(Town).chat([ChatMessage(ASKED)]))
    counted = [nested(span, "llm.token_count") for span in openinference_llama_index.having("llm.token_count.total")]
    assert [count["total"] for count in counted] == [USAGE["total_tokens"]] * 2


# -- OpenTelemetry ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
def test_opentelemetry_records_the_model_and_the_usage(
    way: str, server: LocalServer, opentelemetry_llama_index: Spans
) -> None:
    answers = exchange(server, way, DeepSeek)
    spans = opentelemetry_llama_index.having("gen_ai.operation.name")
    assert len(spans) == 2
    for span, answer in zip(spans, answers, strict=True):
        facts = answer.additional_kwargs
        assert (span["gen_ai.operation.name"], span["gen_ai.provider.name"]) == ("chat", "deepseek")
        assert span["gen_ai.request.model"] == span["gen_ai.response.model"] == "deepseek-flash"
        assert span["gen_ai.request.temperature"] == 0.3
        assert span["gen_ai.response.id"] == facts["id"]
        assert span["gen_ai.usage.input_tokens"] == facts["prompt_tokens"]
        assert span["gen_ai.usage.output_tokens"] == facts["completion_tokens"]
        assert span["gen_ai.usage.total_tokens"] == facts["total_tokens"]
        assert span["gen_ai.usage.cache_read.input_tokens"] == facts["cached_tokens"]
    assert spans[0]["gen_ai.usage.cache_read.input_tokens"] == USAGE["prompt_cache_hit_tokens"]
    assert [tuple(span["gen_ai.response.finish_reasons"]) for span in spans] == [("tool_call",), ("stop",)]


@pytest.mark.parametrize("way", WAYS)
def test_opentelemetry_records_the_messages_and_no_key(
    way: str, server: LocalServer, opentelemetry_llama_index: Spans
) -> None:
    exchange(server, way, DeepSeek)
    one, two = opentelemetry_llama_index.having("gen_ai.operation.name")
    (output,) = json.loads(one["gen_ai.output.messages"])
    assert output["role"] == "assistant"
    assert parts_of(output, "text") == [{"type": "text", "content": TEXT}]
    assert [(part["name"], part["arguments"]) for part in parts_of(output, "tool_call")] == CALLS
    received = json.loads(two["gen_ai.input.messages"])
    assert [message["role"] for message in received] == ["system", "user", "assistant", "tool", "tool"]
    assert [parts_of(message, "tool_call_response")[0]["response"] for message in received[3:]] == [
        "Paris: rain",
        "Rome: rain",
    ]
    for span, thought in ((one, THOUGHT), (two, THOUGHT_LAST)):
        assert thought not in span["gen_ai.output.messages"]
    assert THOUGHT in two["traceloop.entity.input"]
    written = opentelemetry_llama_index.text()
    assert KEY not in written
    assert HEADER not in written
