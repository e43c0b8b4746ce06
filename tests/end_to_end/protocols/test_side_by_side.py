"""One conversation over the three protocols: equal framework messages, and any protocol continues any other."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from llama_index.core.base.llms.types import ChatMessage, ChatResponse, ThinkingBlock, ToolCallBlock
from llama_index.core.tools import FunctionTool

from deepseek_v4.testing import LocalServer, ToolCall, Turn
from langchain_deepseek_v4 import ChatDeepSeekV4
from llama_index_deepseek_v4 import DeepSeekV4
from tests.end_to_end.journeys.conversations import PROTOCOLS, messages_of

CALLS = [
    ToolCall("get_weather", {"city": "Zürich"}, id="call_00_a"),
    ToolCall("get_weather", {"city": "東京"}, id="call_01_b"),
]
CALLING = Turn("Let me look.", reasoning="Two cities.\n\nTwo calls ☂", tool_calls=CALLS)
TURNS = {
    "thinking and text": Turn("It is 391 — sicher.", reasoning="Hm, 17 * 23 …"),
    "empty thinking": Turn("It is 391.", reasoning=""),
    "two calls and text": CALLING,
    "one call alone": Turn(reasoning="The weather.", tool_calls=CALLS[:1]),
    "truncated": Turn("It is", reasoning="Long", finish_reason="length"),
    "text alone": Turn("It is 391."),
}
THOUGHTS = ["Two cities.\n\nTwo calls ☂", "Hm, 17 * 23 …"]


def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"It rains in {city}."


TOOL = FunctionTool.from_defaults(get_weather)


def connection(server: LocalServer, protocol: str) -> dict[str, Any]:
    return {"base_url": server.base_url, "api_key": server.api_key, "protocol": protocol, "max_retries": 0}


def without(message: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in message.items() if name not in names}


# -- LangChain -------------------------------------------------------------------------------------------------------


def langchain_answer(server: LocalServer, protocol: str, *, streamed: bool, **options: Any) -> AIMessage:
    model = ChatDeepSeekV4(**connection(server, protocol), streaming=streamed, **options)
    message = model.bind_tools([get_weather]).invoke("How is it?")
    assert isinstance(message, AIMessage)
    return message


def langchain_essence(message: AIMessage) -> dict[str, Any]:
    """Return a message without ids, protocol-specific records and prompt tokens.

    An answer without reasoning has ``""``, an empty block, or no item.
    """
    assert message.usage_metadata is not None
    content = message.content
    if isinstance(content, list):
        content = [without(block, "extras") for block in content if isinstance(block, dict)]
        content = [block for block in content if block.get("reasoning") != ""]  # a block with a record only
    metadata = message.response_metadata
    assert isinstance(metadata["id"], str)
    return {
        "type": type(message),
        "content": content,
        "text": message.text,
        "reasoning": message.additional_kwargs.get("reasoning_content") or "",
        "other": without(message.additional_kwargs, "reasoning_content", "reasoning_details"),
        "tool_calls": message.tool_calls,
        "invalid_tool_calls": message.invalid_tool_calls,
        "metadata": {name: metadata.get(name) for name in ("model_name", "finish_reason", "model_provider")},
        "output_tokens": message.usage_metadata["output_tokens"],
        "priced": metadata["cost"] > 0,
    }


@pytest.mark.parametrize("shape", [{}, {"output_version": "v1"}], ids=["v0", "v1"])
@pytest.mark.parametrize("turn", TURNS)
def test_langchain_messages_are_equal(server: LocalServer, turn: str, shape: dict[str, Any]) -> None:
    essences = []
    for protocol, streamed in itertools.product(PROTOCOLS, (False, True)):
        server.script(TURNS[turn])
        essences.append(langchain_essence(langchain_answer(server, protocol, streamed=streamed, **shape)))
    assert all(one == essences[0] for one in essences[1:])
    assert len({request.path for request in server.requests}) == 3


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("turn", TURNS)
def test_complete_and_streamed_blocks_have_the_same_order(server: LocalServer, turn: str, protocol: str) -> None:
    types = []
    for streamed in (False, True):
        server.script(TURNS[turn])
        message = langchain_answer(server, protocol, streamed=streamed, output_version="v1")
        types.append([(block["type"], sorted(block)) for block in message.content if isinstance(block, dict)])
        assert all("reasoning" in block for block in message.content_blocks if block["type"] == "reasoning")
    assert types[0] == types[1]


def langchain_turn(server: LocalServer, protocol: str, history: list[BaseMessage], shape: dict[str, Any]) -> AIMessage:
    message = ChatDeepSeekV4(**connection(server, protocol), **shape).bind_tools([get_weather]).invoke(history)
    assert isinstance(message, AIMessage)
    return message


@pytest.mark.parametrize("shape", [{}, {"output_version": "v1"}], ids=["v0", "v1"])
@pytest.mark.parametrize(("first", "second", "third"), itertools.product(PROTOCOLS, repeat=3))
def test_a_langchain_history_is_continued_with_its_reasoning(
    server: LocalServer, first: str, second: str, third: str, shape: dict[str, Any]
) -> None:
    server.script(CALLING, TURNS["thinking and text"], Turn("Yes.", reasoning="Sure."))
    history: list[BaseMessage] = [HumanMessage("How is it?")]
    history.append(langchain_turn(server, first, history, shape))
    assert isinstance(history[-1], AIMessage)
    history += [ToolMessage("It rains.", tool_call_id=call["id"]) for call in history[-1].tool_calls]
    history.append(langchain_turn(server, second, history, shape))
    history.append(HumanMessage("Sure?"))
    langchain_turn(server, third, history, shape)
    assert_passed_back(server)


# -- LlamaIndex ------------------------------------------------------------------------------------------------------


def llama_answer(llm: DeepSeekV4, history: list[ChatMessage], *, streamed: bool) -> ChatResponse:
    if not streamed:
        return llm.chat_with_tools([TOOL], chat_history=history, allow_parallel_tool_calls=True)
    *_, last = llm.stream_chat_with_tools([TOOL], chat_history=history, allow_parallel_tool_calls=True)
    return last


def llama_essence(response: ChatResponse) -> dict[str, Any]:
    blocks = []
    for block in response.message.blocks:
        if isinstance(block, ThinkingBlock) and not block.content:
            continue  # no reasoning: "", an empty block, or no item
        # the Messages endpoint does not count reasoning tokens
        own = ("additional_information", "num_tokens") if isinstance(block, ThinkingBlock) else ()
        blocks.append(block.model_dump(exclude=set(own)))
    facts = response.additional_kwargs
    assert isinstance(facts["id"], str)
    return {
        "blocks": blocks,
        "role": response.message.role,
        "kwargs": response.message.additional_kwargs,
        "facts": {name: facts.get(name) for name in ("finish_reason", "model", "completion_tokens")},
        "priced": facts["cost"] > 0,
    }


@pytest.mark.parametrize("turn", TURNS)
def test_llama_index_messages_are_equal(server: LocalServer, turn: str) -> None:
    essences = []
    for protocol, streamed in itertools.product(PROTOCOLS, (False, True)):
        server.script(TURNS[turn])
        with DeepSeekV4(**connection(server, protocol)) as llm:
            question = [ChatMessage(role="user", content="How is it?")]
            essences.append(llama_essence(llama_answer(llm, question, streamed=streamed)))
    assert all(one == essences[0] for one in essences[1:])
    assert len({request.path for request in server.requests}) == 3


@pytest.mark.parametrize("streamed", [False, True], ids=["complete", "streamed"])
@pytest.mark.parametrize(("first", "second", "third"), itertools.product(PROTOCOLS, repeat=3))
def test_a_llama_index_history_is_continued_with_its_reasoning(
    server: LocalServer, first: str, second: str, third: str, streamed: bool
) -> None:
    server.script(CALLING, TURNS["thinking and text"], Turn("Yes.", reasoning="Sure."))
    history = [ChatMessage(role="user", content="How is it?")]
    for protocol in (first, second):
        with DeepSeekV4(**connection(server, protocol)) as llm:
            history.append(llama_answer(llm, history, streamed=streamed).message)
        history += [
            ChatMessage(role="tool", content="It rains.", additional_kwargs={"tool_call_id": block.tool_call_id})
            for block in history[-1].blocks
            if isinstance(block, ToolCallBlock)
        ]
    history.append(ChatMessage(role="user", content="Sure?"))
    with DeepSeekV4(**connection(server, third)) as llm:
        llama_answer(llm, history, streamed=streamed)
    assert_passed_back(server)


# -- both ------------------------------------------------------------------------------------------------------------


def assert_passed_back(server: LocalServer) -> None:
    """Assert that the last request has both past turns once, each with its own reasoning, text and calls."""
    past = [message for message in messages_of(server.requests[-1]) if message["role"] == "assistant"]
    assert [message["reasoning_content"] for message in past] == THOUGHTS
    assert [message["content"] for message in past] == ["Let me look.", "It is 391 — sicher."]
    assert [call["id"] for call in past[0]["tool_calls"]] == ["call_00_a", "call_01_b"]
    results = [message["tool_call_id"] for message in messages_of(server.requests[-1]) if message["role"] == "tool"]
    assert results == ["call_00_a", "call_01_b"]
