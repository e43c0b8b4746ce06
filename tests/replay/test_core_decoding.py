"""Every DeepSeek chat exchange, through the decoders: complete, event by event, and cut at random bytes."""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterable, Iterator

import pytest

from deepseek_v4 import ReasoningDelta, Reply, StreamEnd, TextDelta, ToolCallDelta
from deepseek_v4.protocols import PROTOCOLS, DecodeContext
from deepseek_v4.protocols.error_bodies import decode_error
from deepseek_v4.protocols.tool_names import ToolNames
from deepseek_v4.providers import PROVIDERS
from deepseek_v4.values.http import HttpResponse
from tests.replay.recordings import Exchange, exchanges, expected_of

CHATS = exchanges("deepseek", "chat")
READING = DecodeContext(PROVIDERS["deepseek"].dialect("chat_completions"), "deepseek", ToolNames(()))
PROTOCOL = PROTOCOLS["chat_completions"]

pytestmark = pytest.mark.recording


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


def streamed(chunks: Iterable[bytes]) -> Reply:
    decoder = PROTOCOL.stream(READING)
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


def assert_decoded(reply: Reply, exchange: Exchange) -> None:
    expected = expected_of(exchange)
    assert reply.content == expected.text
    assert (reply.reasoning.text if reply.reasoning else None) == expected.reasoning
    calls = sorted((c.id, c.name, c.arguments) for c in (*reply.tool_calls, *reply.invalid_tool_calls))
    assert calls == sorted(expected.calls)
    assert reply.finish_reason == expected.finish_reason
    assert reply.model == expected.model
    assert (dict(reply.logprobs) if reply.logprobs else None) == expected.logprobs
    if expected.usage is None:
        assert reply.usage is None
        return
    assert reply.usage is not None
    assert reply.usage.input_tokens == expected.usage["prompt_tokens"]
    assert reply.usage.output_tokens == expected.usage["completion_tokens"]
    assert reply.usage.total_tokens == expected.usage["total_tokens"]
    assert reply.usage.cached_tokens == expected.usage["prompt_cache_hit_tokens"]
    assert reply.usage.reasoning_tokens == (expected.usage.get("completion_tokens_details") or {}).get(
        "reasoning_tokens"
    )


def test_the_recordings_are_all_there() -> None:
    assert len(CHATS) == 175


@pytest.mark.parametrize("exchange", [e for e in CHATS if e.status == 200 and not e.streamed], ids=str)
def test_complete_answers_are_decoded_exactly(exchange: Exchange) -> None:
    assert_decoded(PROTOCOL.decode(HttpResponse(200, {}, exchange.body), READING), exchange)


@pytest.mark.parametrize("exchange", [e for e in CHATS if e.streamed], ids=str)
def test_streams_are_decoded_exactly_however_they_are_cut(exchange: Exchange) -> None:
    complete = streamed([exchange.body])
    assert_decoded(complete, exchange)
    assert streamed(by_event(exchange.body)) == complete
    assert streamed(exchange.body[i : i + 1] for i in range(len(exchange.body))) == complete
    for seed in range(3):
        assert streamed(in_random_chunks(exchange.body, seed + zlib.crc32(exchange.name.encode()))) == complete


@pytest.mark.parametrize("exchange", [e for e in CHATS if e.status != 200], ids=str)
def test_errors_are_read_exactly(exchange: Exchange) -> None:
    error = decode_error(HttpResponse(exchange.status, exchange.headers, exchange.body), READING.dialect, "deepseek")
    assert expected_of(exchange).error.rstrip(". ") in error.message
    assert error.status_code == exchange.status
    assert not error.retryable
    unknown_model = "supported API model names" in error.message  # answered with 400
    kind = {400: "InvalidRequestError", 401: "AuthenticationError"}[exchange.status]
    assert type(error).__name__ == ("NotFoundError" if unknown_model else kind)


@pytest.mark.parametrize("exchange", [e for e in CHATS if e.streamed], ids=str)
def test_a_stream_cut_before_its_finish_reason_is_never_a_complete_answer(exchange: Exchange) -> None:
    from deepseek_v4.errors import MalformedResponseError, StreamInterruptedError

    finish = exchange.body.rindex(b'"finish_reason":"')
    chance = random.Random(1)
    for cut in sorted({chance.randrange(1, finish) for _ in range(10)}):
        decoder = PROTOCOL.stream(READING)
        text = ""
        with pytest.raises((StreamInterruptedError, MalformedResponseError)) as caught:
            for delta in [*decoder.feed(exchange.body[:cut]), *decoder.close()]:
                assert not isinstance(delta, StreamEnd)
                text += delta.text if isinstance(delta, TextDelta) else ""
        if isinstance(caught.value, StreamInterruptedError):
            assert caught.value.partial is not None
            assert expected_of(exchange).text.startswith(caught.value.partial.content)
