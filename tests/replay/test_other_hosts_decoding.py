"""Chat exchanges with other hosts (Hugging Face's router, Doubleword), through the decoders of their descriptions."""

from __future__ import annotations

import json
import zlib

import pytest

from deepseek_v4 import ChatDialect, Message, Reply
from deepseek_v4.protocols import PROTOCOLS, DecodeContext
from deepseek_v4.protocols.chat_request import ChatRequest
from deepseek_v4.protocols.tool_names import ToolNames
from deepseek_v4.providers import find_provider
from deepseek_v4.values.http import HttpResponse
from tests.replay.recordings import Exchange, events_of, exchanges
from tests.replay.test_openrouter_decoding import Expected, by_event, complete, in_random_chunks, streamed

CHATS = exchanges("other", "chat")
PROTOCOL = PROTOCOLS["chat_completions"]

pytestmark = pytest.mark.recording


def host_of(exchange: Exchange) -> str:
    return "doubleword" if "doubleword" in exchange.name else "huggingface"


def dialect_of(exchange: Exchange) -> ChatDialect:
    dialect = find_provider(host_of(exchange)).dialect("chat_completions")
    assert isinstance(dialect, ChatDialect)
    return dialect


def decoding(exchange: Exchange) -> DecodeContext:
    return DecodeContext(dialect_of(exchange), host_of(exchange), ToolNames(()))


def bodies(exchange: Exchange) -> list[dict[str, object]]:
    return events_of(exchange.body) if exchange.streamed else [json.loads(exchange.body)]


def expected_of(exchange: Exchange) -> Expected:
    """Read naively: a call is in one chunk of these exchanges, and a record of reasoning is one text."""
    expected = Expected()
    for body in map(dict, bodies(exchange)):
        expected.usage = body.get("usage") or expected.usage
        expected.model = str(body["model"])
        for choice in body["choices"]:  # type: ignore[attr-defined]
            message = choice.get("delta") or choice["message"]
            expected.text += message.get("content") or ""
            if "reasoning_content" in message:
                expected.reasoning = (expected.reasoning or "") + message["reasoning_content"]
            if message.get("reasoning_details"):
                expected.details = (expected.details or []) + message["reasoning_details"]
            for call in message.get("tool_calls") or ():
                function = call["function"]
                expected.calls[len(expected.calls)] = [call["id"], function["name"], function["arguments"]]
            expected.finish_reason = choice.get("finish_reason") or expected.finish_reason
    if expected.details:
        expected.details = [complete(expected.details)]
    if expected.text.startswith("<think>"):
        expected.reasoning, text = expected.text.removeprefix("<think>").split("</think>")
        expected.text = text.lstrip()
    return expected


def assert_decoded(reply: Reply, exchange: Exchange) -> None:
    expected = expected_of(exchange)
    assert reply.model == expected.model
    assert reply.content == expected.text
    assert (reply.reasoning.text if reply.reasoning else None) == expected.reasoning
    if expected.details:
        assert reply.reasoning is not None
        assert reply.reasoning.details == tuple(expected.details)
    assert [[call.id, call.name, call.arguments] for call in reply.tool_calls] == list(expected.calls.values())
    assert reply.finish_reason == expected.finish_reason
    usage = expected.usage
    assert usage is not None
    assert reply.usage is not None
    assert reply.usage.input_tokens == usage["prompt_tokens"]
    assert reply.usage.output_tokens == usage["completion_tokens"]
    assert reply.usage.cached_tokens == usage.get("cached_tokens", usage.get("cache_read_input_tokens"))
    assert reply.usage.reasoning_tokens == usage.get("completion_tokens_details", {}).get("reasoning_tokens")
    assert reply.usage.cost is None


def test_the_recordings_are_all_there() -> None:
    assert len(CHATS) == 9
    assert sum(host_of(exchange) == "doubleword" for exchange in CHATS) == 3


@pytest.mark.parametrize("exchange", [e for e in CHATS if not e.streamed], ids=str)
def test_complete_answers_are_decoded_exactly(exchange: Exchange) -> None:
    assert_decoded(PROTOCOL.decode(HttpResponse(200, {}, exchange.body), decoding(exchange)), exchange)


@pytest.mark.parametrize("exchange", [e for e in CHATS if e.streamed], ids=str)
def test_streams_are_decoded_exactly_however_they_are_cut(exchange: Exchange) -> None:
    context = decoding(exchange)
    reply = streamed([exchange.body], context)
    assert_decoded(reply, exchange)
    assert streamed(by_event(exchange.body), context) == reply
    assert streamed((exchange.body[i : i + 1] for i in range(len(exchange.body))), context) == reply
    for seed in range(3):
        assert streamed(in_random_chunks(exchange.body, seed + zlib.crc32(exchange.name.encode())), context) == reply


@pytest.mark.parametrize("exchange", [e for e in CHATS if "reasoning_matrix" in e.name], ids=str)
def test_text_and_record_of_reasoning_go_back_as_they_came(exchange: Exchange) -> None:
    context = decoding(exchange)
    reply = (
        streamed([exchange.body], context)
        if exchange.streamed
        else PROTOCOL.decode(HttpResponse(200, {}, exchange.body), context)
    )
    request = ChatRequest("m", (Message.user("Hi"), reply.to_message(), Message.user("And?")))
    sent = PROTOCOL.encode(request, context.dialect, "doubleword").body["messages"][1]
    assert reply.reasoning is not None
    assert sent["reasoning_content"] == reply.reasoning.text
    assert sent["reasoning_details"] == [dict(detail) for detail in reply.reasoning.details or ()]
