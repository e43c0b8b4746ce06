"""The spans of OpenInference and OpenTelemetry for ``ChatDeepSeekV4``, complete and streamed."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage, SystemMessage, ToolMessage

from deepseek_v4.testing import LocalServer, Turn
from langchain_deepseek_v4 import ChatDeepSeekV4
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

WAYS = ["invoke", "stream", "ainvoke", "astream"]


def model_of(server: LocalServer, **options: Any) -> ChatDeepSeekV4:
    return ChatDeepSeekV4(
        base_url=server.base_url,
        api_key=KEY,
        default_headers={"X-Proxy-Key": HEADER},
        temperature=0.3,
        max_tokens=900,
        thinking=True,
        **options,
    )


def answered(model: Any, messages: list[BaseMessage], way: str) -> AIMessage:
    def added(chunks: list[AIMessageChunk]) -> AIMessage:
        total = chunks[0]
        for chunk in chunks[1:]:
            total += chunk
        return total

    async def streamed() -> AIMessage:
        return added([chunk async for chunk in model.astream(messages)])

    async def invoked() -> AIMessage:
        return await model.ainvoke(messages)

    if way == "invoke":
        return model.invoke(messages)
    if way == "stream":
        return added(list(model.stream(messages)))
    return asyncio.run(invoked() if way == "ainvoke" else streamed())


def exchange(server: LocalServer, way: str, **options: Any) -> tuple[AIMessage, AIMessage]:
    """Send a question and the results of two tool calls; return both answers."""
    server.script(*turns())
    model = model_of(server, **options).bind_tools([weather])
    messages: list[BaseMessage] = [SystemMessage("Be brief."), HumanMessage(ASKED)]

    def calling() -> tuple[AIMessage, AIMessage]:
        first = answered(model, messages, way)
        results = [ToolMessage(weather(**call["args"]), tool_call_id=call["id"]) for call in first.tool_calls]
        return first, answered(model, [*messages, first, *results], way)

    return aside(calling)


# -- OpenInference ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
def test_openinference_records_the_provider_and_the_usage(
    way: str, server: LocalServer, openinference_langchain: Spans
) -> None:
    answers = exchange(server, way)
    spans = openinference_langchain.all()
    assert len(spans) == 2
    for span, answer in zip(spans, answers, strict=True):
        assert span["openinference.span.kind"] == "LLM"
        assert span["llm.provider"] == "deepseek"
        assert span["llm.model_name"] == "deepseek-flash"
        assert span["llm.finish_reason"] == answer.response_metadata["finish_reason"]
        counts, usage = nested(span, "llm.token_count"), answer.usage_metadata
        assert usage is not None
        assert (counts["prompt"], counts["completion"], counts["total"]) == (
            usage["input_tokens"],
            usage["output_tokens"],
            usage["total_tokens"],
        )
        assert counts["completion_details"]["reasoning"] == usage["output_token_details"]["reasoning"]
    assert nested(spans[0], "llm.token_count") == {
        "prompt": 1000,
        "completion": 60,
        "total": 1060,
        "prompt_details": {"cache_read": 640},
        "completion_details": {"reasoning": 25},
    }


@pytest.mark.parametrize("way", WAYS)
def test_openinference_records_the_messages(way: str, server: LocalServer, openinference_langchain: Spans) -> None:
    first, _ = exchange(server, way)
    one, two = openinference_langchain.all()
    output = nested(one, "llm.output_messages")[0]["message"]
    assert {name: output[name] for name in output if name != "tool_calls"} == {"role": "assistant", "content": TEXT}
    assert calls_in(output) == CALLS
    assert [call["tool_call"]["id"] for call in output["tool_calls"]] == [call["id"] for call in first.tool_calls]
    received = [message["message"] for message in nested(two, "llm.input_messages")]
    assert [message["role"] for message in received] == ["system", "user", "assistant", "tool", "tool"]
    assert calls_in(received[2]) == CALLS
    assert [message["tool_call_id"] for message in received[3:]] == [call["id"] for call in first.tool_calls]
    assert [message["content"] for message in received[3:]] == ["Paris: rain", "Rome: rain"]
    assert nested(two, "llm.output_messages")[0]["message"] == {"role": "assistant", "content": ANSWER}


@pytest.mark.parametrize("way", WAYS)
def test_openinference_keeps_the_reasoning_and_the_text(
    way: str, server: LocalServer, openinference_langchain: Spans
) -> None:
    exchange(server, way)
    thoughts = []
    for span in openinference_langchain.all():
        message = json.loads(span["output.value"])["generations"][0][0]["message"]["kwargs"]
        thoughts.append(message["additional_kwargs"]["reasoning_content"])
        assert not [name for name in span if name.startswith("llm.output") and THOUGHT in str(span[name])]
    assert thoughts == [THOUGHT, THOUGHT_LAST]
    messages = json.loads(openinference_langchain.all()[1]["input.value"])["messages"][0]
    assert messages[2]["kwargs"]["additional_kwargs"]["reasoning_content"] == THOUGHT


@pytest.mark.parametrize("way", WAYS)
def test_openinference_records_the_options_and_no_key(
    way: str, server: LocalServer, openinference_langchain: Spans
) -> None:
    exchange(server, way)
    for span in openinference_langchain.all():
        options = json.loads(span["llm.invocation_parameters"])
        assert (options["temperature"], options["max_tokens"], options["thinking"]) == (0.3, 900, True)
        assert not {"api_key", "default_headers", "http_client"} & set(options)
        assert json.loads(span["llm.tools.0.tool.json_schema"])["function"]["name"] == "weather"
    written = openinference_langchain.text()
    assert KEY not in written
    assert HEADER not in written


@pytest.mark.parametrize("way", ["invoke", "stream"])
def test_openinference_records_no_v1_block_as_text(
    way: str, server: LocalServer, openinference_langchain: Spans
) -> None:
    exchange(server, way, output_version="v1")
    output = nested(openinference_langchain.all()[0], "llm.output_messages")[0]["message"]
    assert [content["message_content"] for content in output["contents"]] == [{"type": "text", "text": TEXT}]
    assert calls_in(output) == CALLS


@pytest.mark.parametrize("protocol", ["responses", "messages"])
@pytest.mark.parametrize("way", ["invoke", "stream"])
def test_openinference_records_the_same_through_other_protocols(
    protocol: str, way: str, server: LocalServer, openinference_langchain: Spans
) -> None:
    server.script(turns()[1])
    answer = aside(lambda: answered(model_of(server, protocol=protocol), [HumanMessage(ASKED)], way))
    (span,) = openinference_langchain.all()
    assert answer.usage_metadata is not None
    assert nested(span, "llm.token_count")["total"] == answer.usage_metadata["total_tokens"] > 0
    assert nested(span, "llm.output_messages")[0]["message"] == {"role": "assistant", "content": ANSWER}
    assert (span["llm.provider"], span["llm.model_name"]) == ("deepseek", "deepseek-flash")
    assert span["llm.finish_reason"] == "stop"


def test_openinference_names_the_model_that_answered(server: LocalServer, openinference_langchain: Spans) -> None:
    server.script(Turn("Hi.", model="deepseek-v4-flash-0925"))
    aside(lambda: model_of(server).invoke("Hello"))
    assert openinference_langchain.all()[0]["llm.model_name"] == "deepseek-v4-flash-0925"


# -- OpenTelemetry ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
def test_opentelemetry_records_the_model_and_the_usage(
    way: str, server: LocalServer, opentelemetry_langchain: Spans
) -> None:
    answers = exchange(server, way)
    spans = opentelemetry_langchain.having("gen_ai.request.model")
    assert len(spans) == 2
    for span, answer in zip(spans, answers, strict=True):
        assert span["gen_ai.operation.name"] == "chat"
        assert span["gen_ai.request.model"] == span["gen_ai.response.model"] == "deepseek-flash"
        assert (span["gen_ai.request.temperature"], span["gen_ai.request.max_tokens"]) == (0.3, 900)
        assert span["traceloop.association.properties.ls_provider"] == "deepseek"
        usage = answer.usage_metadata
        assert usage is not None
        assert span["gen_ai.usage.input_tokens"] == usage["input_tokens"]
        assert span["gen_ai.usage.output_tokens"] == usage["output_tokens"]
        assert span["gen_ai.usage.total_tokens"] == usage["total_tokens"]
        assert span["gen_ai.usage.cache_read.input_tokens"] == usage["input_token_details"]["cache_read"]
    assert spans[0]["gen_ai.usage.cache_read.input_tokens"] == USAGE["prompt_cache_hit_tokens"]
    assert [tuple(span["gen_ai.response.finish_reasons"]) for span in spans] == [("tool_call",), ("stop",)]


@pytest.mark.parametrize("way", WAYS)
def test_opentelemetry_records_the_messages_and_no_key(
    way: str, server: LocalServer, opentelemetry_langchain: Spans
) -> None:
    first, _ = exchange(server, way)
    one, two = opentelemetry_langchain.having("gen_ai.request.model")
    (output,) = json.loads(one["gen_ai.output.messages"])
    assert parts_of(output, "text") == [{"type": "text", "content": TEXT}]
    calls = [(part["id"], part["name"], part["arguments"]) for part in parts_of(output, "tool_call")]
    assert calls == [(call["id"], call["name"], call["args"]) for call in first.tool_calls]
    assert output["finish_reason"] == "tool_call"
    received = json.loads(two["gen_ai.input.messages"])
    assert [parts_of(message, "tool_call_response")[0]["response"] for message in received if message["role"] == "tool"]
    assert json.loads(two["gen_ai.system_instructions"]) == [{"type": "text", "content": "Be brief."}]
    assert json.loads(one["gen_ai.tool.definitions"])[0]["name"] == "weather"
    written = opentelemetry_langchain.text()
    assert KEY not in written
    assert HEADER not in written


def test_opentelemetry_names_the_answer(server: LocalServer, opentelemetry_langchain: Spans) -> None:
    answer, _ = exchange(server, "invoke")
    assert opentelemetry_langchain.all()[0]["gen_ai.response.id"] == answer.response_metadata["id"]
