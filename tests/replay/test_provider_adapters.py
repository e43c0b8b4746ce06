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
from tests.replay.test_openrouter_decoding import Said, in_random_pieces

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
    pieces = [exchange.body]
    if exchange.streamed:
        pieces = list(in_random_pieces(exchange.body, seed + zlib.crc32(exchange.name.encode())))
    server.answer(exchange.status, "text/event-stream" if exchange.streamed else "application/json", pieces)
    provider = "openrouter" if exchange.provider == "openrouter" else other.host_of(exchange)
    return {"provider": provider, "base_url": server.base_url, "api_key": "sk-replay", "max_retries": 0}


def what_it_says(exchange: Exchange) -> Said:
    said = openrouter if exchange.provider == "openrouter" else other
    return said.what_it_says(exchange)


def sound_and_cut(said: Said) -> tuple[list[tuple[str, str, Any]], list[tuple[str, str, str]]]:
    """The calls that may be run, and those whose arguments the limit cut or that are no object."""
    limit_hit = {said.finish_reason, said.native_finish_reason} & {"length", "max_tokens", "max_output_tokens"}
    sound: list[tuple[str, str, Any]] = []
    cut: list[tuple[str, str, str]] = []
    for call_id, name, arguments in said.calls.values():
        try:
            value = json.loads(arguments or ("" if limit_hit else "{}"))
        except ValueError:
            cut.append((call_id, name, arguments))
            continue
        sound.append((call_id, name, value))
    return sound, cut


def detail_counts(said: Said) -> tuple[int | None, int | None, int | None]:
    assert said.usage is not None
    read = said.usage.get("prompt_tokens_details") or {}
    written = said.usage.get("completion_tokens_details") or {}
    cached = said.usage.get("cached_tokens", said.usage.get("cache_read_input_tokens", read.get("cached_tokens")))
    return cached, read.get("cache_write_tokens"), written.get("reasoning_tokens")


def given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def assert_langchain_says(message: AIMessage, said: Said, shape: str) -> None:
    sound, cut = sound_and_cut(said)
    assert message.text == said.text.removesuffix(said.refusal or "")
    blocks = [block for block in message.content_blocks if block["type"] == "reasoning"]
    assert "".join(block.get("reasoning", "") for block in blocks) == (said.reasoning or "")
    assert message.additional_kwargs.get("reasoning_content") == said.reasoning
    assert json.dumps(message.additional_kwargs.get("reasoning_details")) == json.dumps(said.details)
    if shape == "v1" and said.details is not None:
        assert [block["extras"]["reasoning_details"] for block in blocks] == [said.details]
    assert [(c["id"], c["name"], c["args"]) for c in message.tool_calls] == sound
    assert [(c["id"], c["name"]) for c in message.invalid_tool_calls] == [(a, b) for a, b, _ in cut]
    for call, (_, _, arguments) in zip(message.invalid_tool_calls, cut, strict=True):
        assert (call["args"] or "").startswith(arguments)
    metadata = message.response_metadata
    assert metadata["finish_reason"] == said.finish_reason
    assert metadata["model_name"] == said.model
    assert metadata.get("logprobs") == said.logprobs
    assert metadata.get("annotations", []) == said.annotations
    assert metadata.get("refusal") == said.refusal
    assert metadata.get("provider") == said.upstream
    assert metadata.get("error") == said.error
    usage = message.usage_metadata
    assert said.usage is not None
    assert usage is not None
    assert usage["input_tokens"] == said.usage["prompt_tokens"]
    assert usage["output_tokens"] == said.usage["completion_tokens"]
    cached, cache_write, reasoning = detail_counts(said)
    assert usage.get("input_token_details", {}) == given(cache_read=cached, cache_creation=cache_write)
    assert usage.get("output_token_details", {}) == given(reasoning=reasoning)
    if "cost" in said.usage:
        assert metadata["cost"] == said.usage["cost"]
        assert metadata["cost_details"]["computed"] is False


def folded(model: ChatDeepSeekV4) -> AIMessage:
    whole: AIMessageChunk | None = None
    for chunk in model.stream("Hello"):
        assert isinstance(chunk, AIMessageChunk)
        whole = chunk if whole is None else whole + chunk
    assert whole is not None
    return whole


def test_the_recordings_are_all_there() -> None:
    assert (len(CHATS), len(WELL), len(BADLY)) == (133, 129, 4)
    assert sum(exchange.streamed for exchange in CHATS) == 41


@pytest.mark.parametrize("shape", ["v0", "v1"])
@pytest.mark.parametrize("exchange", WELL, ids=str)
def test_langchain_says_exactly_what_was_recorded(exchange: Exchange, shape: str, server: ReplayServer) -> None:
    said = what_it_says(exchange)
    for seed in range(3 if exchange.streamed else 1):
        model = ChatDeepSeekV4(**play(server, exchange, seed), output_version=shape)
        assert_langchain_says(folded(model) if exchange.streamed else model.invoke("Hello"), said, shape)


def assert_llama_index_says(response: ChatResponse, said: Said) -> None:
    sound, cut = sound_and_cut(said)
    message = response.message
    assert (message.content or "") == said.text
    thoughts = [block for block in message.blocks if isinstance(block, ThinkingBlock)]
    assert "".join(block.content or "" for block in thoughts) == (said.reasoning or "")
    records = [block.additional_information.get("reasoning_details") for block in thoughts]
    assert json.dumps(next((record for record in records if record is not None), None)) == json.dumps(said.details)
    calls = [block for block in message.blocks if isinstance(block, ToolCallBlock)]
    assert [(c.tool_call_id, c.tool_name, c.tool_kwargs) for c in calls if isinstance(c.tool_kwargs, dict)] == sound
    assert [(c.tool_call_id, c.tool_name, c.tool_kwargs) for c in calls if isinstance(c.tool_kwargs, str)] == cut
    assert response.raw["choices"][0]["finish_reason"] == said.finish_reason
    assert response.raw["model"] == said.model
    assert response.additional_kwargs.get("annotations", []) == said.annotations
    assert said.usage is not None
    for name in ("prompt_tokens", "completion_tokens", "total_tokens"):
        assert response.additional_kwargs[name] == said.usage[name]
    cached, _, reasoning = detail_counts(said)
    assert response.additional_kwargs.get("cached_tokens") == cached
    assert response.additional_kwargs.get("reasoning_tokens") == reasoning
    if "cost" in said.usage:
        assert response.additional_kwargs["cost"] == said.usage["cost"]


@pytest.mark.parametrize("exchange", WELL, ids=str)
def test_llama_index_says_exactly_what_was_recorded(exchange: Exchange, server: ReplayServer) -> None:
    question = [ChatMessage(role="user", content="Hello")]
    said = what_it_says(exchange)
    for seed in range(3 if exchange.streamed else 1):
        llm = DeepSeekV4(**play(server, exchange, seed))
        if not exchange.streamed:
            assert_llama_index_says(llm.chat(question), said)
            continue
        responses = list(llm.stream_chat(question))
        assert "".join(response.delta or "" for response in responses) == said.text
        assert_llama_index_says(responses[-1], said)


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
