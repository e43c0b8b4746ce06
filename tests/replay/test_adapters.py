"""Every DeepSeek chat exchange through both adapters, over a socket: complete, or a stream cut at random bytes."""

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
from tests.replay.recordings import Exchange, Expected, exchanges, expected_of
from tests.replay.replay_server import ReplayServer
from tests.replay.test_core_decoding import in_random_chunks

CHATS = exchanges("deepseek", "chat")
WELL = [e for e in CHATS if e.status == 200]
BADLY = [e for e in CHATS if e.status != 200]

pytestmark = pytest.mark.recording


@pytest.fixture(scope="module")
def server() -> Iterator[ReplayServer]:
    running = ReplayServer()
    yield running
    running.close()


def play(server: ReplayServer, exchange: Exchange) -> dict[str, Any]:
    chunks = [exchange.body]
    if exchange.streamed:
        chunks = list(in_random_chunks(exchange.body, zlib.crc32(exchange.name.encode())))
    server.answer(exchange.status, "text/event-stream" if exchange.streamed else "application/json", chunks)
    return {"base_url": server.base_url, "api_key": "sk-replay", "max_retries": 0}


def sound_and_cut(expected: Expected) -> tuple[list[tuple[str, str, Any]], list[tuple[str, str, str]]]:
    """The calls whose arguments are an object, and those that must not be run."""
    sound, cut = [], []
    for call_id, name, arguments in expected.calls:
        try:
            sound.append((call_id, name, json.loads(arguments)))
        except ValueError:
            cut.append((call_id, name, arguments))
    return sound, cut


def assert_langchain_message(message: AIMessage, exchange: Exchange) -> None:
    expected = expected_of(exchange)
    sound, cut = sound_and_cut(expected)
    assert message.content == expected.text
    assert message.additional_kwargs.get("reasoning_content") == expected.reasoning
    assert [(c["id"], c["name"], c["args"]) for c in message.tool_calls] == sound
    assert [(c["id"], c["name"]) for c in message.invalid_tool_calls] == [(a, b) for a, b, _ in cut]
    for call, (_, _, arguments) in zip(message.invalid_tool_calls, cut, strict=True):
        assert (call["args"] or "").startswith(arguments)
    assert message.response_metadata["finish_reason"] == expected.finish_reason
    assert message.response_metadata["model_name"] == expected.model
    assert message.response_metadata.get("logprobs") == expected.logprobs
    if expected.usage is not None:
        usage = message.usage_metadata
        assert usage is not None
        assert usage["input_tokens"] == expected.usage["prompt_tokens"]
        assert usage["output_tokens"] == expected.usage["completion_tokens"]
        assert usage["input_token_details"]["cache_read"] == expected.usage["prompt_cache_hit_tokens"]
        counted = (expected.usage.get("completion_tokens_details") or {}).get("reasoning_tokens")
        assert usage.get("output_token_details", {}).get("reasoning") == counted


def folded(model: ChatDeepSeekV4) -> AIMessage:
    complete: AIMessageChunk | None = None
    for chunk in model.stream("Hello"):
        assert isinstance(chunk, AIMessageChunk)
        complete = chunk if complete is None else complete + chunk
    assert complete is not None
    return complete


@pytest.mark.parametrize("exchange", WELL, ids=str)
def test_langchain_returns_exactly_what_was_recorded(exchange: Exchange, server: ReplayServer) -> None:
    model = ChatDeepSeekV4(**play(server, exchange))
    assert_langchain_message(folded(model) if exchange.streamed else model.invoke("Hello"), exchange)


def assert_llama_index_response(response: ChatResponse, exchange: Exchange) -> None:
    expected = expected_of(exchange)
    sound, cut = sound_and_cut(expected)
    message = response.message
    assert (message.content or "") == expected.text
    thoughts = [block.content for block in message.blocks if isinstance(block, ThinkingBlock)]
    assert "".join(thoughts) == (expected.reasoning or "")
    calls = [block for block in message.blocks if isinstance(block, ToolCallBlock)]
    assert [(c.tool_call_id, c.tool_name, c.tool_kwargs) for c in calls if isinstance(c.tool_kwargs, dict)] == sound
    assert [(c.tool_call_id, c.tool_name, c.tool_kwargs) for c in calls if isinstance(c.tool_kwargs, str)] == cut
    assert response.raw["choices"][0]["finish_reason"] == expected.finish_reason
    assert response.raw["model"] == expected.model
    if expected.usage is not None:
        for name in ("prompt_tokens", "completion_tokens", "total_tokens"):
            assert response.raw["usage"][name] == expected.usage[name]
            assert response.additional_kwargs[name] == expected.usage[name]


@pytest.mark.parametrize("exchange", WELL, ids=str)
def test_llama_index_returns_exactly_what_was_recorded(exchange: Exchange, server: ReplayServer) -> None:
    llm = DeepSeekV4(**play(server, exchange))
    question = [ChatMessage(role="user", content="Hello")]
    if not exchange.streamed:
        assert_llama_index_response(llm.chat(question), exchange)
        return
    responses = list(llm.stream_chat(question))
    assert "".join(response.delta or "" for response in responses) == expected_of(exchange).text
    assert_llama_index_response(responses[-1], exchange)


@pytest.mark.parametrize("exchange", BADLY, ids=str)
@pytest.mark.parametrize("way", ["invoke", "stream"])
def test_langchain_raises_what_was_recorded(exchange: Exchange, way: str, server: ReplayServer) -> None:
    model = ChatDeepSeekV4(**play(server, exchange))
    with pytest.raises(ModelError) as caught:
        model.invoke("Hello") if way == "invoke" else folded(model)
    assert isinstance(caught.value, DeepSeekError)
    assert caught.value.status_code == exchange.status


@pytest.mark.parametrize("exchange", BADLY, ids=str)
@pytest.mark.parametrize("way", ["chat", "stream_chat"])
def test_llama_index_raises_what_was_recorded(exchange: Exchange, way: str, server: ReplayServer) -> None:
    llm = DeepSeekV4(**play(server, exchange))
    with pytest.raises(DeepSeekError) as caught:
        getattr(llm, way)([ChatMessage(role="user", content="Hello")])
    assert caught.value.status_code == exchange.status
