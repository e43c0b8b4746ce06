"""Every recorded Responses exchange, of DeepSeek and of OpenRouter, through both adapters, over a socket.

Streams are sent at once, by event, byte by byte and in random fragments.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.exceptions import ModelError
from langchain_core.load import dumps, loads
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage, ToolMessage
from llama_index.core.base.llms.types import ChatMessage, ChatResponse, ThinkingBlock, ToolCallBlock

from deepseek_v4.errors import InvalidRequestError
from deepseek_v4.testing.outcome import Rejection
from deepseek_v4.testing.reading import responses as responses_request
from langchain_deepseek_v4 import ChatDeepSeekV4
from llama_index_deepseek_v4 import DeepSeekV4
from tests.replay.recordings import Exchange
from tests.replay.replay_server import ReplayServer
from tests.replay.test_core_decoding import by_event, in_random_chunks
from tests.replay.test_responses_decoding import ALL, response_of

WELL = [exchange for exchange in ALL if exchange.status == 200]
BADLY = [exchange for exchange in ALL if exchange.status != 200]
SPLITS = ("complete", "events", "bytes", "random 1", "random 2")
QUESTION = [ChatMessage(role="user", content="Hello")]
PLAYED = [(exchange, split) for exchange in WELL for split in (SPLITS if exchange.streamed else SPLITS[:1])]

pytestmark = pytest.mark.recording
each = pytest.mark.parametrize(("exchange", "split"), PLAYED, ids=str)


@pytest.fixture(scope="module")
def server() -> Iterator[ReplayServer]:
    running = ReplayServer()
    yield running
    running.close()


def play(server: ReplayServer, exchange: Exchange, split: str) -> dict[str, Any]:
    """Let the server answer with an exchange, cut as ``split`` requires; return the options that reach it."""
    body = exchange.body
    if split == "events":
        fragments = list(by_event(body))
    elif split == "bytes":
        fragments = [body[place : place + 1] for place in range(len(body))]
    elif split == "complete":
        fragments = [body]
    else:
        fragments = list(in_random_chunks(body, int(split.split()[1]) + zlib.crc32(exchange.name.encode())))
    server.answer(exchange.status, "text/event-stream" if exchange.streamed else "application/json", fragments)
    where = {"base_url": server.base_url, "api_key": "sk-replay", "max_retries": 0}
    return {"provider": exchange.provider, "protocol": "responses", **where}


def items(exchange: Exchange, kind: str) -> list[dict[str, Any]]:
    return [item for item in response_of(exchange)["output"] if item["type"] == kind]


def text(exchange: Exchange) -> str:
    return "".join(part["text"] for item in items(exchange, "message") for part in item["content"])


def thought(exchange: Exchange) -> str:
    parts = [part for item in items(exchange, "reasoning") for part in item.get("content") or ()]
    return "".join(part["text"] for part in parts)


def calls(exchange: Exchange) -> list[tuple[str, str, Any]]:
    made = items(exchange, "function_call")
    return [(item["call_id"], item["name"], json.loads(item["arguments"])) for item in made]


def goes_back(exchange: Exchange) -> list[dict[str, Any]]:
    """The reasoning items as the next request must hold them: without their status, or an empty one for none."""
    expected = [{key: value for key, value in item.items() if key != "status"} for item in items(exchange, "reasoning")]
    return expected or [{"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": ""}]}]


def reasoning_sent(request: Any) -> list[dict[str, Any]]:
    return [item for item in request.body["input"] if item.get("type") == "reasoning"]


def finish(exchange: Exchange) -> str:
    return "tool_calls" if calls(exchange) else "stop"


# --------------------------------------------------------------------------------------------------------- LangChain


def added_up(chunks: list[Any]) -> AIMessage:
    complete = chunks[0]
    for chunk in chunks[1:]:
        complete = complete + chunk
    assert isinstance(complete, AIMessageChunk)
    return complete


def assert_langchain_message(message: AIMessage, exchange: Exchange, shape: str) -> None:
    expected = response_of(exchange)
    assert message.text == text(exchange)
    if shape == "v1":
        shown = [block for block in message.content_blocks if block["type"] == "reasoning"]
        assert "".join(block.get("reasoning", "") for block in shown) == thought(exchange)
    else:
        assert message.content == text(exchange)
    assert (message.additional_kwargs.get("reasoning_content") or "") == thought(exchange)
    assert [(call["id"], call["name"], call["args"]) for call in message.tool_calls] == calls(exchange)
    assert message.invalid_tool_calls == []
    metadata = message.response_metadata
    assert (metadata["id"], metadata["model_name"]) == (expected["id"], expected["model"])
    assert metadata["finish_reason"] == finish(exchange)
    usage, counted = message.usage_metadata, expected["usage"]
    assert usage is not None
    assert [usage[name] for name in ("input_tokens", "output_tokens", "total_tokens")] == [
        counted[name] for name in ("input_tokens", "output_tokens", "total_tokens")
    ]
    given = counted["input_tokens_details"]
    cache = {"cache_read": given["cached_tokens"], "cache_creation": given.get("cache_write_tokens")}
    assert usage["input_token_details"] == {name: count for name, count in cache.items() if count is not None}
    assert usage["output_token_details"] == {"reasoning": counted["output_tokens_details"]["reasoning_tokens"]}
    if "cost" in counted:
        assert metadata["cost"] == counted["cost"]
        assert metadata["cost_details"]["computed"] is False


@pytest.mark.parametrize("shape", ["v0", "v1"])
@each
async def test_langchain_returns_exactly_what_was_recorded(
    exchange: Exchange, split: str, shape: str, server: ReplayServer
) -> None:
    async with ChatDeepSeekV4(**play(server, exchange, split), output_version=shape) as model:
        if exchange.streamed:
            expected = [
                added_up(list(model.stream("Hello"))),
                added_up([chunk async for chunk in model.astream("Hello")]),
            ]
        else:
            expected = [model.invoke("Hello"), await model.ainvoke("Hello")]
        for message in expected:
            assert_langchain_message(message, exchange, shape)
            for kept in (message, loads(dumps(message), allowed_objects="messages")):
                sent = model.preview([HumanMessage("Hello"), kept, HumanMessage("And?")])
                assert reasoning_sent(sent) == goes_back(exchange)


# -------------------------------------------------------------------------------------------------------- LlamaIndex


def assert_llama_index_response(response: ChatResponse, exchange: Exchange) -> None:
    expected = response_of(exchange)
    message = response.message
    assert (message.content or "") == text(exchange)
    thoughts = [block for block in message.blocks if isinstance(block, ThinkingBlock)]
    assert "".join(block.content or "" for block in thoughts) == thought(exchange)
    assert bool(thoughts) is bool(items(exchange, "reasoning"))
    made = [block for block in message.blocks if isinstance(block, ToolCallBlock)]
    assert [(block.tool_call_id, block.tool_name, block.tool_kwargs) for block in made] == calls(exchange)
    facts, counted = response.additional_kwargs, expected["usage"]
    assert (facts["id"], facts["model"], facts["finish_reason"]) == (
        expected["id"],
        expected["model"],
        finish(exchange),
    )
    assert facts["prompt_tokens"] == counted["input_tokens"]
    assert facts["completion_tokens"] == counted["output_tokens"]
    assert facts["total_tokens"] == counted["total_tokens"]
    assert facts["cached_tokens"] == counted["input_tokens_details"]["cached_tokens"]
    assert facts["reasoning_tokens"] == counted["output_tokens_details"]["reasoning_tokens"]
    if "cost" in counted:
        assert facts["cost"] == counted["cost"]
    assert response.raw["choices"][0]["finish_reason"] == finish(exchange)


@each
async def test_llama_index_returns_exactly_what_was_recorded(
    exchange: Exchange, split: str, server: ReplayServer
) -> None:
    async with DeepSeekV4(**play(server, exchange, split)) as llm:
        if exchange.streamed:
            ways = [list(llm.stream_chat(QUESTION)), [one async for one in await llm.astream_chat(QUESTION)]]
        else:
            ways = [[llm.chat(QUESTION)], [await llm.achat(QUESTION)]]
        for responses in ways:
            if exchange.streamed:
                assert "".join(response.delta or "" for response in responses) == text(exchange)
                fragments = [response.additional_kwargs.get("thinking_delta") or "" for response in responses]
                assert "".join(fragments) == thought(exchange)
            assert_llama_index_response(responses[-1], exchange)
            message = responses[-1].message
            for kept in (message, ChatMessage.model_validate_json(message.model_dump_json())):
                sent = llm.preview([*QUESTION, kept, ChatMessage(role="user", content="And?")])
                assert reasoning_sent(sent) == goes_back(exchange)


# -------------------------------------------------------------------------------------------------------------- both


def test_the_recordings_are_all_there() -> None:
    assert (len(WELL), len(BADLY)) == (20, 1)
    assert len(PLAYED) == 15 + 5 * len(SPLITS)
    kinds = {item["type"] for exchange in WELL for item in response_of(exchange)["output"]}
    assert kinds == {"message", "reasoning", "function_call"}
    assert any(item.get("encrypted_content") for exchange in WELL for item in items(exchange, "reasoning"))


def interleaved() -> list[tuple[str, Any]]:
    """Return the content of the refused request as (role, what): texts, calls and results each by themselves."""
    (exchange,) = BADLY
    expected: list[tuple[str, Any]] = []
    for item in exchange.request["input"]:
        kind = item.get("type", "message")
        expected.append((item["role"] if kind == "message" else kind, item))
    return expected


def as_recorded(made: Any) -> list[Any]:
    """The refused history as a framework's messages; ``made`` makes one of a text, a call or a result."""
    return [made(role, item) for role, item in interleaved()]


def langchain_message(role: str, item: dict[str, Any]) -> BaseMessage:
    if role == "user":
        return HumanMessage(item["content"])
    if role == "assistant":
        return AIMessage(item["content"])
    if role == "function_call":
        call = {"name": item["name"], "args": json.loads(item["arguments"]), "id": item["call_id"], "type": "tool_call"}
        return AIMessage("", tool_calls=[call])
    return ToolMessage(item["output"], tool_call_id=item["call_id"])


def llama_index_message(role: str, item: dict[str, Any]) -> ChatMessage:
    if role in ("user", "assistant"):
        return ChatMessage(role=role, content=item["content"])
    if role == "function_call":
        arguments = json.loads(item["arguments"])
        block = ToolCallBlock(tool_call_id=item["call_id"], tool_name=item["name"], tool_kwargs=arguments)
        return ChatMessage(role="assistant", blocks=[block])
    return ChatMessage(role="tool", content=item["output"], additional_kwargs={"tool_call_id": item["call_id"]})


@pytest.mark.filterwarnings("ignore::deepseek_v4.errors.HistoryRepairedWarning")
@pytest.mark.parametrize("adapter", ["langchain", "llama_index"])
def test_the_history_that_was_refused_is_sent_in_an_order_that_is_not(adapter: str) -> None:
    (exchange,) = BADLY
    with pytest.raises(Rejection, match="No tool output found for tool call call-a"):
        responses_request.chat_request(exchange.request)
    if adapter == "langchain":
        model: Any = ChatDeepSeekV4(protocol="responses", api_key="sk-replay")
        sent = model.preview(as_recorded(langchain_message))
    else:
        model = DeepSeekV4(protocol="responses", api_key="sk-replay")
        sent = model.preview(as_recorded(llama_index_message))
    read = responses_request.chat_request(sent.body)["messages"]
    made = [call["id"] for message in read for call in message.get("tool_calls", ())]
    answered = [message["tool_call_id"] for message in read if message["role"] == "tool"]
    assert made == answered == ["call-a", "call-b"]


@pytest.mark.parametrize("exchange", BADLY, ids=str)
@pytest.mark.parametrize("way", ["invoke", "stream", "chat", "stream_chat"])
def test_what_was_refused_is_raised(exchange: Exchange, way: str, server: ReplayServer) -> None:
    options = play(server, exchange, "complete")
    model = ChatDeepSeekV4(**options) if way in ("invoke", "stream") else DeepSeekV4(**options)
    with pytest.raises(InvalidRequestError, match="No tool output found") as caught:
        answer = getattr(model, way)("Hello" if isinstance(model, ChatDeepSeekV4) else QUESTION)
        list(answer)
    assert (caught.value.status_code, caught.value.retryable) == (400, False)
    assert caught.value.body == json.loads(exchange.body)
    assert isinstance(caught.value, ModelError) is isinstance(model, ChatDeepSeekV4)
