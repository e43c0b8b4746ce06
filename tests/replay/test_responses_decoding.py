"""Every recorded Responses exchange, of DeepSeek and of OpenRouter, through the decoder: complete and at every cut."""

from __future__ import annotations

import json
import random
import zlib
from collections.abc import Iterable
from typing import Any

import pytest

from deepseek_v4 import Message, ReasoningDelta, Reply, StreamEnd, TextDelta, ToolCallDelta
from deepseek_v4.errors import MalformedResponseError, StreamInterruptedError
from deepseek_v4.protocols import PROTOCOLS, DecodeContext
from deepseek_v4.protocols.error_bodies import decode_error
from deepseek_v4.protocols.responses.dialect import ResponsesDialect
from deepseek_v4.protocols.tool_names import ToolNames
from deepseek_v4.providers import PROVIDERS
from deepseek_v4.request.build import prepare
from deepseek_v4.request.call_options import resolve
from deepseek_v4.request.settings import ModelSettings
from deepseek_v4.values.http import HttpResponse
from tests.long_form import SLOW
from tests.replay.recordings import Exchange, events_of, exchanges
from tests.replay.test_core_decoding import by_event, in_random_chunks

DEEPSEEK = exchanges("deepseek", "responses")
OTHERS = exchanges("openrouter", "responses")
ALL = DEEPSEEK + OTHERS
PROTOCOL = PROTOCOLS["responses"]

pytestmark = pytest.mark.recording

STEP = 1 if SLOW else 5
"""Bytes between two places at which a stream is split."""


def context(exchange: Exchange) -> DecodeContext:
    own = exchange.provider == "deepseek"
    dialect = PROVIDERS["deepseek"].dialect("responses") if own else ResponsesDialect()
    return DecodeContext(dialect, exchange.provider, ToolNames(()))


def response_of(exchange: Exchange) -> dict[str, Any]:
    """The response object an exchange ends with."""
    if not exchange.streamed:
        return json.loads(exchange.body)
    return next(e["response"] for e in events_of(exchange.body) if e["type"] == "response.completed")


def streamed(exchange: Exchange, chunks: Iterable[bytes]) -> Reply:
    decoder = PROTOCOL.stream(context(exchange))
    deltas = [delta for chunk in chunks for delta in decoder.feed(chunk)]
    deltas.extend(decoder.close())
    assert isinstance(deltas[-1], StreamEnd)
    assert sum(isinstance(delta, StreamEnd) for delta in deltas) == 1
    reply = deltas[-1].reply
    assert "".join(delta.text for delta in deltas if isinstance(delta, TextDelta)) == reply.content
    reasoning = [delta for delta in deltas if isinstance(delta, ReasoningDelta)]
    assert "".join(delta.text for delta in reasoning) == ((reply.reasoning.text or "") if reply.reasoning else "")
    records = [record for delta in reasoning for record in delta.details or ()]
    assert records == list((reply.reasoning.details or ()) if reply.reasoning else ())
    arguments: dict[int, str] = {}
    for delta in deltas:
        if isinstance(delta, ToolCallDelta):
            arguments[delta.index] = arguments.get(delta.index, "") + delta.arguments
    assert list(arguments.values()) == [call.arguments for call in reply.tool_calls]
    return reply


def assert_decoded(reply: Reply, exchange: Exchange) -> None:
    expected = response_of(exchange)
    items = {kind: [item for item in expected["output"] if item["type"] == kind] for kind in KINDS}
    assert [item["type"] for item in expected["output"] if item["type"] not in KINDS] == []
    assert reply.content == "".join(part["text"] for item in items["message"] for part in item["content"])
    thoughts = [part["text"] for item in items["reasoning"] for part in item.get("content") or ()]
    assert ((reply.reasoning.text or "") if reply.reasoning else "") == "".join(thoughts)
    assert (reply.reasoning is not None) == bool(items["reasoning"])
    if reply.reasoning is not None:
        kept = [record for record in reply.reasoning.details or () if record["type"] == "reasoning"]
        assert kept == items["reasoning"]
    calls = [(item["call_id"], item["name"], item["arguments"]) for item in items["function_call"]]
    assert [(call.id, call.name, call.arguments) for call in reply.tool_calls] == calls
    assert reply.invalid_tool_calls == ()
    assert reply.finish_reason == ("tool_calls" if calls else "stop")
    assert (reply.id, reply.model, reply.created) == (expected["id"], expected["model"], expected["created_at"])
    usage = expected["usage"]
    assert reply.usage is not None
    assert reply.usage.input_tokens == usage["input_tokens"]
    assert reply.usage.output_tokens == usage["output_tokens"]
    assert reply.usage.total_tokens == usage["total_tokens"]
    assert reply.usage.cached_tokens == usage["input_tokens_details"]["cached_tokens"]
    assert reply.usage.cache_write_tokens == usage["input_tokens_details"].get("cache_write_tokens")
    assert reply.usage.reasoning_tokens == usage["output_tokens_details"]["reasoning_tokens"]
    assert reply.usage.cost == usage.get("cost")
    assert reply.extra["service_tier"] == expected["service_tier"]
    assert "output" not in reply.extra


KINDS = ("message", "reasoning", "function_call")


def test_the_recordings_are_all_there() -> None:
    assert (len(DEEPSEEK), len(OTHERS)) == (15, 6)
    assert sum(exchange.streamed for exchange in ALL) == 5


@pytest.mark.parametrize("exchange", [e for e in ALL if e.status == 200 and not e.streamed], ids=str)
def test_complete_answers_are_decoded_exactly(exchange: Exchange) -> None:
    assert_decoded(PROTOCOL.decode(HttpResponse(200, {}, exchange.body), context(exchange)), exchange)


@pytest.mark.parametrize("exchange", [e for e in ALL if e.streamed], ids=str)
def test_streams_are_decoded_exactly_however_they_are_split(exchange: Exchange) -> None:
    body = exchange.body
    complete = streamed(exchange, [body])
    assert_decoded(complete, exchange)
    assert streamed(exchange, by_event(body)) == complete
    assert streamed(exchange, (body[i : i + 1] for i in range(len(body)))) == complete
    for cut in range(1, len(body), STEP):
        assert streamed(exchange, (body[:cut], body[cut:])) == complete
    for seed in range(5):
        assert streamed(exchange, in_random_chunks(body, seed + zlib.crc32(exchange.name.encode()))) == complete


@pytest.mark.parametrize("exchange", [e for e in ALL if e.streamed], ids=str)
def test_a_stream_equals_its_complete_answer(exchange: Exchange) -> None:
    complete = json.dumps(response_of(exchange)).encode()
    assert streamed(exchange, [exchange.body]) == PROTOCOL.decode(HttpResponse(200, {}, complete), context(exchange))
    assert streamed(exchange, [complete]).content == response_text(exchange)


def response_text(exchange: Exchange) -> str:
    output = response_of(exchange)["output"]
    return "".join(part["text"] for item in output if item["type"] == "message" for part in item["content"])


@pytest.mark.parametrize("exchange", [e for e in ALL if e.streamed], ids=str)
def test_a_stream_cut_before_its_terminal_event_is_never_a_complete_answer(exchange: Exchange) -> None:
    finish = exchange.body.rindex(b"data: {", 0, exchange.body.rindex(b"response.completed") + 1)
    finish = exchange.body.index(b"\n", finish) - 1
    chance = random.Random(1)
    for cut in sorted({chance.randrange(1, finish) for _ in range(50)}):
        decoder = PROTOCOL.stream(context(exchange))
        text = ""
        with pytest.raises((StreamInterruptedError, MalformedResponseError)) as caught:
            for delta in [*decoder.feed(exchange.body[:cut]), *decoder.close()]:
                assert not isinstance(delta, StreamEnd)
                text += delta.text if isinstance(delta, TextDelta) else ""
        if isinstance(caught.value, StreamInterruptedError):
            assert caught.value.partial is not None
            assert response_text(exchange).startswith(caught.value.partial.content)


@pytest.mark.parametrize("exchange", [e for e in ALL if e.status != 200], ids=str)
def test_errors_are_read_exactly(exchange: Exchange) -> None:
    answer = HttpResponse(exchange.status, exchange.headers, exchange.body)
    error = decode_error(answer, context(exchange).dialect, exchange.provider)
    assert type(error).__name__ == "InvalidRequestError"
    assert error.message == json.loads(exchange.body)["error"]["message"]
    assert (error.status_code, error.retryable) == (400, False)


@pytest.mark.parametrize(
    "name", ["function_tool", "function_tool_stream", "text_multi_turn", "replay_own_reasoning_history"], ids=str
)
def test_a_conversation_goes_back_as_the_service_was_recorded_to_take_it(name: str) -> None:
    """The second recorded turn's history, made from the first recorded answer by our own encoder."""
    first, second = (e for e in DEEPSEEK if f"__test_deepseek_responses_{name}/" in e.name)
    protocol = context(first)
    reply = (
        streamed(first, [first.body])
        if first.streamed
        else PROTOCOL.decode(HttpResponse(200, {}, first.body), protocol)
    )
    known = len(first.request["input"])
    messages = [Message.user("any"), reply.to_message()]
    messages += [Message.tool("21.0", call.id) for call in reply.tool_calls]
    options = resolve(ModelSettings(protocol="responses", api_key="sk-test"), {})
    ours = prepare(messages, options, stream=False).body["input"][1:]
    theirs = second.request["input"][known:]
    if theirs[-1].get("role") == "user":
        theirs = theirs[:-1]
    assert [comparable(item) for item in ours] == [comparable(item) for item in theirs]


def comparable(item: dict[str, Any]) -> dict[str, Any]:
    """Without what the recorded client left out or added: an encrypted record it nulled."""
    return {key: value for key, value in item.items() if key != "encrypted_content"}
