"""Every OpenRouter chat exchange, through the decoders: complete, by event, byte by byte, and cut at random bytes."""

from __future__ import annotations

import itertools
import json
import random
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from deepseek_v4 import Message, ReasoningDelta, Reply, StreamEnd, TextDelta, ToolCallDelta, errors
from deepseek_v4.protocols import PROTOCOLS, DecodeContext
from deepseek_v4.protocols.chat_request import ChatRequest
from deepseek_v4.protocols.error_bodies import decode_error
from deepseek_v4.protocols.tool_names import ToolNames
from deepseek_v4.providers import find_provider
from deepseek_v4.values.http import HttpResponse
from deepseek_v4.values.messages import ServerTool
from tests.replay.recordings import Exchange, events_of, exchanges

CHATS = exchanges("openrouter", "chat")
PROTOCOL = PROTOCOLS["chat_completions"]
DIALECT = find_provider("openrouter").dialect_for("chat_completions", "deepseek/deepseek-v4-flash")
READING = DecodeContext(DIALECT, "openrouter", ToolNames(()))

pytestmark = pytest.mark.recording


@dataclass
class Expected:
    """An answer, read naively: its text by the field ``reasoning``, its record by neighbours that match."""

    text: str = ""
    reasoning: str | None = None
    details: list[dict[str, Any]] | None = None
    calls: dict[int, list[str]] = field(default_factory=dict)
    finish_reason: str | None = None
    native_finish_reason: str | None = None
    usage: dict[str, Any] | None = None
    logprobs: dict[str, list[Any]] | None = None
    annotations: list[Any] = field(default_factory=list)
    refusal: str | None = None
    model: str | None = None
    upstream: str | None = None
    error: Any = None


def expected_of(exchange: Exchange) -> Expected:
    expected = Expected()
    for body in events_of(exchange.body) if exchange.streamed else [json.loads(exchange.body)]:
        expected.model = body["model"]
        expected.upstream = body.get("provider") or expected.upstream
        expected.usage = body.get("usage") or expected.usage
        expected.error = body.get("error") or expected.error
        for choice in body["choices"]:
            message = choice.get("delta") or choice.get("message") or {}
            expected.text += message.get("content") or message.get("refusal") or ""
            if message.get("reasoning") is not None:
                expected.reasoning = (expected.reasoning or "") + message["reasoning"]
            if message.get("reasoning_details") is not None:
                expected.details = (expected.details or []) + message["reasoning_details"]
            if message.get("refusal") is not None:
                expected.refusal = (expected.refusal or "") + message["refusal"]
            expected.annotations += message.get("annotations") or []
            for position, call in enumerate(message.get("tool_calls") or ()):
                parts = expected.calls.setdefault(call.get("index", position), ["", "", ""])
                parts[0] = call.get("id") or parts[0]
                parts[1] = call["function"].get("name") or parts[1]
                parts[2] += call["function"].get("arguments") or ""
            expected.finish_reason = choice["finish_reason"] or expected.finish_reason
            expected.native_finish_reason = choice["native_finish_reason"] or expected.native_finish_reason
            for channel, items in (choice.get("logprobs") or {}).items():
                if isinstance(items, list):
                    expected.logprobs = expected.logprobs or {}
                    expected.logprobs.setdefault(channel, []).extend(items)
    if exchange.streamed and expected.details:
        expected.details = [complete(list(group)) for _, group in itertools.groupby(expected.details, key=which)]
    return expected


def which(detail: dict[str, Any]) -> tuple[Any, ...]:
    return detail["type"], detail["index"], detail.get("id")


def complete(fragments: list[dict[str, Any]]) -> dict[str, Any]:
    joined = {key: None for fragment in fragments for key in fragment}
    for fragment in fragments:
        joined.update({key: value for key, value in fragment.items() if value is not None})
    for key in ("text", "summary", "data"):
        if key in joined:
            joined[key] = "".join(fragment.get(key) or "" for fragment in fragments)
    return joined


def in_random_chunks(body: bytes, seed: int) -> Iterator[bytes]:
    chance = random.Random(seed)
    position = 0
    while position < len(body):
        size = chance.choice((1, 2, 3, 7, 20, 100, 1000))
        yield body[position : position + size]
        position += size


def by_event(body: bytes) -> Iterator[bytes]:
    for event in body.split(b"\n\n"):
        yield event + b"\n\n"


def streamed(chunks: Iterable[bytes], context: DecodeContext = READING) -> Reply:
    decoder = PROTOCOL.stream(context)
    deltas = [delta for chunk in chunks for delta in decoder.feed(chunk)]
    deltas.extend(decoder.close())
    assert isinstance(deltas[-1], StreamEnd)
    assert sum(isinstance(delta, StreamEnd) for delta in deltas) == 1
    reply = deltas[-1].reply
    assert "".join(delta.text for delta in deltas if isinstance(delta, TextDelta)) == reply.content
    reasoning = "".join(delta.text for delta in deltas if isinstance(delta, ReasoningDelta))
    assert reasoning == ((reply.reasoning.text or "") if reply.reasoning else "")
    arguments: dict[int, str] = {}
    for delta in deltas:
        if isinstance(delta, ToolCallDelta):
            arguments[delta.index] = arguments.get(delta.index, "") + delta.arguments
    assert sorted(arguments) == list(range(len(reply.tool_calls) + len(reply.invalid_tool_calls)))
    return reply


def assert_decoded(reply: Reply, expected: Expected) -> None:
    assert reply.content == expected.text
    assert (reply.reasoning.text if reply.reasoning else None) == expected.reasoning
    assert (reply.reasoning.details if reply.reasoning else None) == (
        None if expected.details is None else tuple(expected.details)
    )
    calls = sorted((call.id, call.name, call.arguments) for call in (*reply.tool_calls, *reply.invalid_tool_calls))
    no_arguments = "" if "length" in (expected.finish_reason, expected.native_finish_reason) else "{}"
    assert calls == sorted((a, b, c or no_arguments) for a, b, c in expected.calls.values())
    assert reply.finish_reason == expected.finish_reason
    assert reply.extra["native_finish_reason"] == expected.native_finish_reason
    assert list(reply.annotations) == expected.annotations
    assert reply.extra.get("refusal") == expected.refusal
    assert reply.extra["provider"] == expected.upstream
    assert reply.extra.get("error") == expected.error
    assert reply.model == expected.model
    assert (dict(reply.logprobs) if reply.logprobs else None) == expected.logprobs
    assert expected.usage is not None
    assert reply.usage is not None
    usage = expected.usage
    assert reply.usage.input_tokens == usage["prompt_tokens"]
    assert reply.usage.output_tokens == usage["completion_tokens"]
    assert reply.usage.total_tokens == usage["total_tokens"]
    assert reply.usage.cached_tokens == (usage.get("prompt_tokens_details") or {}).get("cached_tokens")
    assert reply.usage.cache_write_tokens == (usage.get("prompt_tokens_details") or {}).get("cache_write_tokens")
    assert reply.usage.reasoning_tokens == (usage.get("completion_tokens_details") or {}).get("reasoning_tokens")
    assert reply.usage.cost == usage.get("cost")
    assert reply.usage.extra == usage


def test_the_recordings_are_all_there() -> None:
    assert len(CHATS) == 124
    assert sum(exchange.streamed for exchange in CHATS) == 39
    assert sum(exchange.status != 200 for exchange in CHATS) == 4


@pytest.mark.parametrize("exchange", [e for e in CHATS if e.status == 200 and not e.streamed], ids=str)
def test_complete_answers_are_decoded_exactly(exchange: Exchange) -> None:
    assert_decoded(PROTOCOL.decode(HttpResponse(200, {}, exchange.body), READING), expected_of(exchange))


@pytest.mark.parametrize("exchange", [e for e in CHATS if e.streamed], ids=str)
def test_streams_are_decoded_exactly_however_they_are_cut(exchange: Exchange) -> None:
    reply = streamed([exchange.body])
    assert_decoded(reply, expected_of(exchange))
    assert streamed(by_event(exchange.body)) == reply
    assert streamed(exchange.body[i : i + 1] for i in range(len(exchange.body))) == reply
    for seed in range(3):
        assert streamed(in_random_chunks(exchange.body, seed + zlib.crc32(exchange.name.encode()))) == reply


def decoded(exchange: Exchange) -> Reply:
    if exchange.streamed:
        return streamed([exchange.body])
    return PROTOCOL.decode(HttpResponse(200, {}, exchange.body), READING)


@pytest.mark.parametrize("exchange", [e for e in CHATS if e.status == 200], ids=str)
def test_reasoning_survives_the_way_back_byte_for_byte(exchange: Exchange) -> None:
    expected = expected_of(exchange)
    message = decoded(exchange).to_message()
    request = ChatRequest("m", (Message.user("Hi"), message, Message.user("And?")))
    sent = PROTOCOL.encode(request, DIALECT, "openrouter").body["messages"][1]
    if expected.details is None:
        assert "reasoning_details" not in sent
        assert sent["reasoning_content"] == (expected.reasoning or "")
    else:
        assert json.dumps(sent["reasoning_details"]) == json.dumps(expected.details)
        assert sent.get("reasoning_content", "") == (expected.reasoning or "")
    assert "reasoning" not in sent


def test_among_the_records_of_reasoning_are_text_with_signature_summaries_and_encrypted_ones() -> None:
    records = [detail for e in CHATS if e.status == 200 for detail in expected_of(e).details or ()]
    assert {record["type"] for record in records} == {"reasoning.text", "reasoning.summary", "reasoning.encrypted"}
    assert any("signature" in record for record in records)
    assert {record["format"] for record in records} >= {"unknown", None, "openai-responses-v1", "anthropic-claude-v1"}


@pytest.mark.parametrize(
    "exchange",
    [e for e in CHATS if e.status == 200 and b'"native_finish_reason":"length"' in e.body.replace(b": ", b":")],
    ids=str,
)
def test_a_call_whose_arguments_the_limit_cut_is_invalid(exchange: Exchange) -> None:
    reply = decoded(exchange)
    assert not reply.tool_calls
    if expected_of(exchange).calls:
        assert reply.finish_reason == "tool_calls"
        assert "max_tokens" in reply.invalid_tool_calls[0].error


def test_an_error_after_the_finish_reason_is_kept_with_the_answer() -> None:
    exchange = next(e for e in CHATS if "stream_error" in e.name)
    reply = decoded(exchange)
    assert reply.finish_reason == "length"
    assert reply.extra["error"] == {"code": 400, "message": "Token limit reached"}


@pytest.mark.parametrize("exchange", [e for e in CHATS if e.status != 200], ids=str)
def test_errors_are_read_exactly(exchange: Exchange) -> None:
    error = decode_error(HttpResponse(exchange.status, exchange.headers, exchange.body), DIALECT, "openrouter")
    body = json.loads(exchange.body)
    assert error.status_code == exchange.status
    assert error.body == body
    assert body["error"]["message"].rstrip(". ") in error.message
    if exchange.status == 429:
        assert type(error) is errors.RateLimitError
        assert error.retryable
        assert body["error"]["metadata"]["raw"].rstrip(". ") in error.message
    else:
        assert type(error) is errors.NotFoundError
        assert not error.retryable


@pytest.mark.parametrize("exchange", [e for e in CHATS if e.streamed], ids=str)
def test_a_stream_cut_before_its_finish_reason_is_never_a_complete_answer(exchange: Exchange) -> None:
    finish = exchange.body.replace(b'"finish_reason": "', b'"finish_reason":"').find(b'"finish_reason":"')
    chance = random.Random(1)
    for cut in sorted({chance.randrange(1, finish) for _ in range(10)}):
        decoder = PROTOCOL.stream(READING)
        with pytest.raises((errors.StreamInterruptedError, errors.MalformedResponseError)):
            assert not [d for d in [*decoder.feed(exchange.body[:cut]), *decoder.close()] if isinstance(d, StreamEnd)]


def test_server_tools_are_sent_as_they_are() -> None:
    """What the recorded requests with web search say in ``tools`` is what we send."""
    recorded = [e.request["tools"][0] for e in CHATS if "web_search" in e.name and e.request.get("tools")]
    assert recorded
    for tool in recorded:
        request = ChatRequest("m", (Message.user("Hi"),), tools=(ServerTool(tool),))
        assert PROTOCOL.encode(request, DIALECT, "openrouter").body["tools"] == [tool]
