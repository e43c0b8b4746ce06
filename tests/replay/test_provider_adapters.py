"""Every chat exchange of OpenRouter and other hosts through both adapters, over a socket, streams cut at random."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.exceptions import ModelError
from langchain_core.messages import AIMessage, AIMessageChunk
from llama_index.core.base.llms.types import ChatMessage, ChatResponse, ThinkingBlock, ToolCallBlock

from deepseek_v4.errors import DeepSeekError
from langchain_deepseek_v4 import ChatDeepSeekV4
from llama_index_deepseek_v4 import DeepSeekV4
from tests.replay import test_openrouter_decoding as openrouter
from tests.replay import test_other_hosts_decoding as other
from tests.replay.recordings import Exchange, exchanges
from tests.replay.replay_server import ReplayServer
from tests.replay.test_openrouter_decoding import Expected, in_random_chunks

CHATS = exchanges("openrouter", "chat") + exchanges("other", "chat")
WELL = [exchange for exchange in CHATS if exchange.status == 200]
BADLY = [exchange for exchange in CHATS if exchange.status != 200]

pytestmark = pytest.mark.recording


@pytest.fixture(scope="module")
def server() -> Iterator[ReplayServer]:
    running = ReplayServer()
    yield running
    running.close()


def play(server: ReplayServer, exchange: Exchange, seed: int = 0) -> dict[str, Any]:
    """Let the server answer with an exchange; the options that reach it."""
    chunks = [exchange.body]
    if exchange.streamed:
        chunks = list(in_random_chunks(exchange.body, seed + zlib.crc32(exchange.name.encode())))
    server.answer(exchange.status, "text/event-stream" if exchange.streamed else "application/json", chunks)
    provider = "openrouter" if exchange.provider == "openrouter" else other.host_of(exchange)
    return {"provider": provider, "base_url": server.base_url, "api_key": "sk-replay", "max_retries": 0}


def expected_of(exchange: Exchange) -> Expected:
    expected = openrouter if exchange.provider == "openrouter" else other
    return expected.expected_of(exchange)


def sound_and_cut(expected: Expected) -> tuple[list[tuple[str, str, Any]], list[tuple[str, str, str]]]:
    """The calls that may be run, and those whose arguments the limit cut or that are not an object."""
    limit_hit = {expected.finish_reason, expected.native_finish_reason} & {"length", "max_tokens", "max_output_tokens"}
    sound: list[tuple[str, str, Any]] = []
    cut: list[tuple[str, str, str]] = []
    for call_id, name, arguments in expected.calls.values():
        try:
            value = json.loads(arguments or ("" if limit_hit else "{}"))
        except ValueError:
            cut.append((call_id, name, arguments))
            continue
        sound.append((call_id, name, value))
    return sound, cut


def detail_counts(expected: Expected) -> tuple[int | None, int | None, int | None]:
    assert expected.usage is not None
    read = expected.usage.get("prompt_tokens_details") or {}
    written = expected.usage.get("completion_tokens_details") or {}
    cached = expected.usage.get(
        "cached_tokens", expected.usage.get("cache_read_input_tokens", read.get("cached_tokens"))
    )
    return cached, read.get("cache_write_tokens"), written.get("reasoning_tokens")


def given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def assert_langchain_message(message: AIMessage, expected: Expected, shape: str) -> None:
    sound, cut = sound_and_cut(expected)
    assert message.text == expected.text.removesuffix(expected.refusal or "")
    blocks = [block for block in message.content_blocks if block["type"] == "reasoning"]
    assert "".join(block.get("reasoning", "") for block in blocks) == (expected.reasoning or "")
    assert message.additional_kwargs.get("reasoning_content") == expected.reasoning
    assert json.dumps(message.additional_kwargs.get("reasoning_details")) == json.dumps(expected.details)
    if shape == "v1" and expected.details is not None:
        assert [block["extras"]["reasoning_details"] for block in blocks] == [expected.details]
    assert [(c["id"], c["name"], c["args"]) for c in message.tool_calls] == sound
    assert [(c["id"], c["name"]) for c in message.invalid_tool_calls] == [(a, b) for a, b, _ in cut]
    for call, (_, _, arguments) in zip(message.invalid_tool_calls, cut, strict=True):
        assert (call["args"] or "").startswith(arguments)
    metadata = message.response_metadata
    assert metadata["finish_reason"] == expected.finish_reason
    assert metadata["model_name"] == expected.model
    assert metadata.get("logprobs") == expected.logprobs
    assert metadata.get("annotations", []) == expected.annotations
    assert metadata.get("refusal") == expected.refusal
    assert metadata.get("provider") == expected.upstream
    assert metadata.get("error") == expected.error
    usage = message.usage_metadata
    assert expected.usage is not None
    assert usage is not None
    assert usage["input_tokens"] == expected.usage["prompt_tokens"]
    assert usage["output_tokens"] == expected.usage["completion_tokens"]
    cached, cache_write, reasoning = detail_counts(expected)
    assert usage.get("input_token_details", {}) == given(cache_read=cached, cache_creation=cache_write)
    assert usage.get("output_token_details", {}) == given(reasoning=reasoning)
    if "cost" in expected.usage:
        assert metadata["cost"] == expected.usage["cost"]
        assert metadata["cost_details"]["computed"] is False


def folded(model: ChatDeepSeekV4) -> AIMessage:
    complete: AIMessageChunk | None = None
    for chunk in model.stream("Hello"):
        assert isinstance(chunk, AIMessageChunk)
        complete = chunk if complete is None else complete + chunk
    assert complete is not None
    return complete


def test_the_recordings_are_all_there() -> None:
    assert (len(CHATS), len(WELL), len(BADLY)) == (133, 129, 4)
    assert sum(exchange.streamed for exchange in CHATS) == 41


@pytest.mark.parametrize("shape", ["v0", "v1"])
@pytest.mark.parametrize("exchange", WELL, ids=str)
def test_langchain_returns_exactly_what_was_recorded(exchange: Exchange, shape: str, server: ReplayServer) -> None:
    expected = expected_of(exchange)
    for seed in range(3 if exchange.streamed else 1):
        model = ChatDeepSeekV4(**play(server, exchange, seed), output_version=shape)
        assert_langchain_message(folded(model) if exchange.streamed else model.invoke("Hello"), expected, shape)


def assert_llama_index_response(response: ChatResponse, expected: Expected) -> None:
    sound, cut = sound_and_cut(expected)
    message = response.message
    assert (message.content or "") == expected.text
    thoughts = [block for block in message.blocks if isinstance(block, ThinkingBlock)]
    assert "".join(block.content or "" for block in thoughts) == (expected.reasoning or "")
    records = [block.additional_information.get("reasoning_details") for block in thoughts]
    assert json.dumps(next((record for record in records if record is not None), None)) == json.dumps(expected.details)
    calls = [block for block in message.blocks if isinstance(block, ToolCallBlock)]
    assert [(c.tool_call_id, c.tool_name, c.tool_kwargs) for c in calls if isinstance(c.tool_kwargs, dict)] == sound
    assert [(c.tool_call_id, c.tool_name, c.tool_kwargs) for c in calls if isinstance(c.tool_kwargs, str)] == cut
    assert response.raw["choices"][0]["finish_reason"] == expected.finish_reason
    assert response.raw["model"] == expected.model
    assert response.additional_kwargs.get("annotations", []) == expected.annotations
    assert expected.usage is not None
    for name in ("prompt_tokens", "completion_tokens", "total_tokens"):
        assert response.additional_kwargs[name] == expected.usage[name]
    cached, _, reasoning = detail_counts(expected)
    assert response.additional_kwargs.get("cached_tokens") == cached
    assert response.additional_kwargs.get("reasoning_tokens") == reasoning
    if "cost" in expected.usage:
        assert response.additional_kwargs["cost"] == expected.usage["cost"]


@pytest.mark.parametrize("exchange", WELL, ids=str)
def test_llama_index_returns_exactly_what_was_recorded(exchange: Exchange, server: ReplayServer) -> None:
    question = [ChatMessage(role="user", content="Hello")]
    expected = expected_of(exchange)
    for seed in range(3 if exchange.streamed else 1):
        llm = DeepSeekV4(**play(server, exchange, seed))
        if not exchange.streamed:
            assert_llama_index_response(llm.chat(question), expected)
            continue
        responses = list(llm.stream_chat(question))
        assert "".join(response.delta or "" for response in responses) == expected.text
        assert_llama_index_response(responses[-1], expected)


@pytest.mark.parametrize("exchange", BADLY, ids=str)
@pytest.mark.parametrize("way", ["invoke", "stream", "chat", "stream_chat"])
def test_what_was_refused_is_raised(exchange: Exchange, way: str, server: ReplayServer) -> None:
    options = play(server, exchange)
    question = [ChatMessage(role="user", content="Hello")]
    with pytest.raises(DeepSeekError) as caught:
        if way == "invoke":
            ChatDeepSeekV4(**options).invoke("Hello")
        elif way == "stream":
            folded(ChatDeepSeekV4(**options))
        else:
            getattr(DeepSeekV4(**options), way)(question)
    assert caught.value.status_code == exchange.status
    assert caught.value.body == json.loads(exchange.body)
    assert isinstance(caught.value, ModelError) is (way in ("invoke", "stream"))
