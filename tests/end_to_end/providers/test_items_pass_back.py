"""The record of a turn on Responses and Messages is sent back unchanged, at every host.

Encrypted and signed reasoning, and searches that a service ran, in histories that were stored and loaded.
"""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.load import dumps, loads
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, messages_from_dict, messages_to_dict
from llama_index.core.base.llms.types import ChatMessage, ToolCallBlock
from llama_index.core.tools import FunctionTool

from deepseek_v4.testing import LocalServer, Turn
from langchain_deepseek_v4 import ChatDeepSeekV4
from llama_index_deepseek_v4 import DeepSeekV4
from tests.end_to_end.providers.conftest import connection_to, server_of
from tests.unit.protocols.wire_examples import (
    call_item,
    message,
    message_events,
    message_item,
    reasoning_item,
    response,
    response_events,
    search_item,
    text_block,
    thinking_block,
    use_block,
)

PARIS, ROME = {"city": "Paris"}, {"city": "Rome"}
ENCRYPTED = "gAAAAABo" + "x9+/ü☂" * 40 + "=="
SIGNATURE = "EqQBCkYIBxgCKkBd+/="
UNKNOWN_FIELD = {"kept": [1, None, 2.5]}

HIDDEN = reasoning_item(
    None,
    "rs_1",
    encrypted_content=ENCRYPTED,
    format="openai-responses-v1",
    summary=[{"type": "summary_text", "text": "**Two look-ups** ☂"}],
)
SECOND = reasoning_item("Found it.\r\n\t雨", "rs_2", encrypted_content=ENCRYPTED[::-1])
SIGNED = reasoning_item("Rome, too.", "rs_3", signature=SIGNATURE, of_a_later_day=UNKNOWN_FIELD)
ITEMS: list[list[dict[str, Any]]] = [
    [
        HIDDEN,
        search_item(),
        SECOND,
        message_item("I look both up."),
        *(call_item("get_weather", json.dumps(city), id) for city, id in ((PARIS, "call_a"), (ROME, "call_b"))),
    ],
    [SIGNED, call_item("get_weather", json.dumps(ROME), "call_c")],
    [reasoning_item("So it is.", "rs_4"), message_item("It rains.")],
    [message_item("Done.")],
]
FOUND = {"type": "web_search_result", "url": "https://example.com", "title": "T", "encrypted_content": ENCRYPTED}
BLOCKS: list[list[dict[str, Any]]] = [
    [
        thinking_block("Two look-ups. ☂", SIGNATURE),
        {"type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": {"query": "weather"}},
        {"type": "web_search_tool_result", "tool_use_id": "srv_1", "content": [FOUND]},
        thinking_block("Found it.\r\n\t雨", SIGNATURE[::-1]),
        text_block("I look both up."),
        use_block("get_weather", PARIS, "call_a"),
        use_block("get_weather", ROME, "call_b"),
    ],
    [{**thinking_block("Rome, too."), "of_a_later_day": UNKNOWN_FIELD}, use_block("get_weather", ROME, "call_c")],
    [thinking_block("So it is."), text_block("It rains.")],
    [text_block("Done.")],
]
MESSAGE_TYPES = frozenset({"message", "function_call", "function_call_output", "text", "tool_use", "tool_result"})
"""Types of items and blocks that are not in the record: they are encoded from the message."""


def turns(protocol: str, streamed: bool) -> list[Turn]:
    if protocol == "responses":
        return [Turn(raw=response_events(*parts) if streamed else response(*parts)) for parts in ITEMS]
    turn_items = []
    for parts in BLOCKS:
        stop = "tool_use" if parts[-1]["type"] == "tool_use" else "end_turn"
        complete = message(*parts, stop_reason=stop)
        turn_items.append(Turn(raw=message_events(*parts, stop_reason=stop) if streamed else complete))
    return turn_items


def record(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a turn's record as it must be sent: reasoning items without their status, everything else unchanged."""
    items = [item for item in parts if item["type"] not in MESSAGE_TYPES]
    return [{k: v for k, v in item.items() if k != "status"} if item["type"] == "reasoning" else item for item in items]


def sent(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the records in a request."""
    if "input" in body:
        return [item for item in body["input"] if item.get("type", "message") not in MESSAGE_TYPES]
    turn_items = [turn["content"] for turn in body["messages"] if turn["role"] == "assistant"]
    return [
        block
        for blocks in turn_items
        if isinstance(blocks, list)
        for block in blocks
        if block["type"] not in MESSAGE_TYPES
    ]


def assert_passed_back(server: LocalServer, protocol: str) -> None:
    output = ITEMS if protocol == "responses" else BLOCKS
    assert len(server.requests) == len(output)
    for number, request in enumerate(server.requests):
        assert request.status == 200, request.body
        expected = [item for parts in output[:number] for item in record(parts)]
        assert json.dumps(sent(request.body)) == json.dumps(expected)


@pytest.fixture(params=["deepseek", "openrouter", "empiriolabs:variant2"])
def provider(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=["responses", "messages"])
def protocol(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=[False, True], ids=["complete", "streamed"])
def streamed(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def server(provider: str, protocol: str, streamed: bool) -> Iterator[LocalServer]:
    with server_of(provider) as server:
        server.script(*turns(protocol, streamed))
        yield server


def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"It rains in {city}."


@pytest.mark.parametrize("shape", ["v0", "v1"])
def test_a_langchain_history_that_was_stored_and_loaded(
    server: LocalServer, provider: str, protocol: str, streamed: bool, shape: str
) -> None:
    extra: dict[str, Any] = {"streaming": True} if streamed else {}
    model = ChatDeepSeekV4(**connection_to(provider, server), protocol=protocol, output_version=shape, **extra)
    history: list[BaseMessage] = [HumanMessage("Paris and Rome?")]
    history = create_agent(model, [get_weather]).invoke({"messages": history})["messages"]
    history = loads(dumps(history), allowed_objects="messages")
    history = messages_from_dict(json.loads(json.dumps(messages_to_dict(history))))
    history = pickle.loads(pickle.dumps(history))
    history = [type(message).model_validate_json(message.model_dump_json()) for message in history]
    if shape == "v1":  # keep only the standard blocks
        answers = [
            AIMessage(content_blocks=message.content_blocks) for message in history if isinstance(message, AIMessage)
        ]
        history = [answers.pop(0) if isinstance(message, AIMessage) else message for message in history]
    create_agent(model, [get_weather]).invoke({"messages": [*history, HumanMessage("And now?")]})
    assert_passed_back(server, protocol)


def test_a_llama_index_history_that_was_stored_and_loaded(
    server: LocalServer, provider: str, protocol: str, streamed: bool
) -> None:
    tool = FunctionTool.from_defaults(get_weather)
    history = [ChatMessage(role="user", content="Paris and Rome?")]
    with DeepSeekV4(**connection_to(provider, server), protocol=protocol) as llm:
        for number in range(len(ITEMS)):
            history = [ChatMessage.model_validate_json(message.model_dump_json()) for message in copy.deepcopy(history)]
            history = pickle.loads(pickle.dumps(history))
            options: dict[str, Any] = {"chat_history": history, "allow_parallel_tool_calls": True}
            if streamed:
                *_, answer = llm.stream_chat_with_tools([tool], **options)
            else:
                answer = llm.chat_with_tools([tool], **options)
            history.append(answer.message)
            for block in answer.message.blocks:
                if isinstance(block, ToolCallBlock):
                    extra_kwargs = {"tool_call_id": block.tool_call_id}
                    history.append(ChatMessage(role="tool", content="It rains.", additional_kwargs=extra_kwargs))
            if number == len(ITEMS) - 2:
                history.append(ChatMessage(role="user", content="And now?"))
    assert_passed_back(server, protocol)
