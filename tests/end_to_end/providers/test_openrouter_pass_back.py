"""OpenRouter's records of reasoning: encrypted data, summaries and signed text are passed back byte for byte."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.load import dumps, loads
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, messages_from_dict, messages_to_dict
from langgraph.checkpoint.sqlite import SqliteSaver
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.base.llms.types import ChatMessage, ToolCallBlock
from llama_index.core.memory import Memory
from llama_index.core.tools import FunctionTool

from deepseek_v4 import errors
from deepseek_v4.testing import LocalServer, ToolCall, Turn
from langchain_deepseek_v4 import ChatDeepSeekV4
from llama_index_deepseek_v4 import DeepSeekV4
from tests.end_to_end.providers.conftest import connection_to, server_of

ENCRYPTED = "gAAAAABo" + "x9+/ü☂" * 40 + "=="
SUMMARY_AND_ENCRYPTED: list[dict[str, Any]] = [
    {
        "type": "reasoning.summary",
        "summary": "**Two look-ups**\n\nBoth at once. ☂",
        "format": "openai-responses-v1",
        "index": 0,
    },
    {
        "type": "reasoning.encrypted",
        "data": ENCRYPTED,
        "id": "rs_1",
        "format": "openai-responses-v1",
        "index": 1,
    },
]
SIGNED = [
    {
        "type": "reasoning.text",
        "text": "Rome, too.\r\n\t雨",
        "format": "anthropic-claude-v1",
        "index": 0,
        "of_a_later_day": {"kept": [1, None, 2.5]},
        "signature": "EqQBCkYIBxgCKkBd+/=",  # last, as on the wire of a stream
    }
]
ENCRYPTED_ALONE = [{"type": "reasoning.encrypted", "data": ENCRYPTED[::-1], "format": None, "index": 0}]


def call(tool: str, id: str, **arguments: Any) -> ToolCall:
    return ToolCall(tool, arguments, id=id)


TURNS = (
    Turn(
        text="I look both up.",
        reasoning="(not shown)",
        reasoning_details=SUMMARY_AND_ENCRYPTED,
        tool_calls=[call("get_weather", "call_a", city="Paris"), call("get_time", "call_b", zone="Europe/Paris")],
    ),
    Turn(reasoning="-", reasoning_details=SIGNED, tool_calls=[call("get_weather", "call_c", city="Rome")]),
    Turn(reasoning="-", reasoning_details=ENCRYPTED_ALONE, tool_calls=[call("get_time", "call_d", zone="Europe/Rome")]),
    Turn(text="I did not think.", reasoning="", reasoning_details=[]),
    Turn(text="Done.", reasoning="The end."),
)
RECORDS = [SUMMARY_AND_ENCRYPTED, SIGNED, ENCRYPTED_ALONE, []]


def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"It rains in {city}."


def get_time(zone: str) -> str:
    """The time in a zone."""
    return "12:00"


TOOLS = [get_weather, get_time]


@pytest.fixture
def server() -> Iterator[LocalServer]:
    with server_of("openrouter") as server:
        server.script(*TURNS)
        yield server


def assert_passed_back(server: LocalServer) -> None:
    """Assert that every request has the records of all past turns, byte for byte; the server compares them as well."""
    assert len(server.requests) == len(TURNS)
    for number, request in enumerate(server.requests):
        assert request.status == 200, request.body
        past = [message for message in request.body["messages"] if message["role"] == "assistant"]
        assert [json.dumps(message.get("reasoning_details")) for message in past] == [
            json.dumps(record) for record in RECORDS[:number]
        ]


# --------------------------------------------------------------------------------------------------------- LangChain


def through_dumps(history: list[BaseMessage]) -> list[BaseMessage]:
    return loads(dumps(history), allowed_objects="messages")


def through_dicts(history: list[BaseMessage]) -> list[BaseMessage]:
    return messages_from_dict(json.loads(json.dumps(messages_to_dict(history))))


def through_pickle(history: list[BaseMessage]) -> list[BaseMessage]:
    return pickle.loads(pickle.dumps(history))


def through_pydantic(history: list[BaseMessage]) -> list[BaseMessage]:
    return [type(message).model_validate_json(message.model_dump_json()) for message in history]


def as_loose_content_blocks(history: list[BaseMessage]) -> list[BaseMessage]:
    return [
        AIMessage(content_blocks=message.content_blocks) if isinstance(message, AIMessage) else message
        for message in history
    ]


shapes = pytest.mark.parametrize("shape", [{}, {"output_version": "v1"}], ids=["v0", "v1"])
modes = pytest.mark.parametrize("streamed", [False, True], ids=["complete", "streamed"])


@pytest.mark.parametrize(
    "copied",
    [copy.deepcopy, through_dumps, through_dicts, through_pickle, through_pydantic],
)
@modes
@shapes
def test_a_langchain_history_that_was_stored_and_loaded(
    server: LocalServer,
    shape: dict[str, Any],
    streamed: bool,
    copied: Callable[[list[BaseMessage]], list[BaseMessage]],
) -> None:
    extra: dict[str, Any] = {"streaming": True} if streamed else {}
    agent = create_agent(ChatDeepSeekV4(**connection_to("openrouter", server), **shape, **extra), TOOLS)
    history = agent.invoke({"messages": [HumanMessage("Paris and Rome?")]})["messages"]
    agent.invoke({"messages": [*copied(history), HumanMessage("And now?")]})
    assert_passed_back(server)
    assert all(bool(request.body.get("stream")) is streamed for request in server.requests)


@modes
def test_a_langchain_history_of_standard_blocks(server: LocalServer, streamed: bool) -> None:
    """Only v1: for v0, LangChain creates the blocks, and they have the text alone."""
    extra: dict[str, Any] = {"streaming": True} if streamed else {}
    agent = create_agent(ChatDeepSeekV4(**connection_to("openrouter", server), output_version="v1", **extra), TOOLS)
    history = agent.invoke({"messages": [HumanMessage("Paris and Rome?")]})["messages"]
    agent.invoke({"messages": [*as_loose_content_blocks(history), HumanMessage("And now?")]})
    assert_passed_back(server)


@modes
@shapes
def test_langgraph_checkpoint_in_sqlite(
    server: LocalServer, shape: dict[str, Any], streamed: bool, tmp_path: Path
) -> None:
    thread: Any = {"configurable": {"thread_id": "1"}}
    for question in ("Paris and Rome?", "And now?"):
        with SqliteSaver.from_conn_string(str(tmp_path / "checkpoints.db")) as saver:
            model = ChatDeepSeekV4(**connection_to("openrouter", server), **shape)
            agent = create_agent(model, TOOLS, checkpointer=saver)
            state: Any = {"messages": [HumanMessage(question)]}
            if streamed:
                list(agent.stream(state, thread, stream_mode="messages"))
            else:
                agent.invoke(state, thread)
    assert_passed_back(server)


@shapes
def test_langchain_agent_with_v3_events(server: LocalServer, shape: dict[str, Any]) -> None:
    agent = create_agent(ChatDeepSeekV4(**connection_to("openrouter", server), **shape), TOOLS)
    stream = agent.stream_events({"messages": [HumanMessage("Paris and Rome?")]}, version="v3")
    for _ in stream:
        pass
    history = stream.output["messages"]
    agent.invoke({"messages": [*history, HumanMessage("And now?")]})
    assert_passed_back(server)


# -------------------------------------------------------------------------------------------------------- LlamaIndex

FUNCTIONS = [FunctionTool.from_defaults(function) for function in TOOLS]


@modes
async def test_llama_index_sql_chat_store(server: LocalServer, streamed: bool, tmp_path: Path) -> None:
    uri = f"sqlite+aiosqlite:///{tmp_path / 'chat.db'}"
    async with DeepSeekV4(**connection_to("openrouter", server)) as llm:
        agent = FunctionAgent(llm=llm, tools=FUNCTIONS, streaming=streamed)
        await agent.run("Paris and Rome?", memory=Memory.from_defaults(session_id="s", async_database_uri=uri))
        await agent.run("And now?", memory=Memory.from_defaults(session_id="s", async_database_uri=uri))
    assert_passed_back(server)
    assert all(bool(request.body.get("stream")) is streamed for request in server.requests)


@pytest.mark.parametrize(
    "copied",
    [
        copy.deepcopy,
        lambda messages: pickle.loads(pickle.dumps(messages)),
        lambda messages: [ChatMessage.model_validate(m.model_dump()) for m in messages],
        lambda messages: [ChatMessage.model_validate_json(m.model_dump_json()) for m in messages],
    ],
    ids=["deepcopy", "pickle", "dump", "json"],
)
@modes
def test_a_llama_index_history_that_was_stored_and_loaded(
    server: LocalServer, streamed: bool, copied: Callable[[list[ChatMessage]], list[ChatMessage]]
) -> None:
    by_name = {tool.metadata.name: tool for tool in FUNCTIONS}
    with DeepSeekV4(**connection_to("openrouter", server)) as llm:
        history = [ChatMessage(role="user", content="Paris and Rome?")]
        for number in range(len(TURNS)):
            history = copied(history)
            options: dict[str, Any] = {"chat_history": history, "allow_parallel_tool_calls": True}
            if streamed:
                *_, response = llm.stream_chat_with_tools(FUNCTIONS, **options)
            else:
                response = llm.chat_with_tools(FUNCTIONS, **options)
            history = [*history, response.message]
            for block in response.message.blocks:
                if isinstance(block, ToolCallBlock):
                    assert isinstance(block.tool_kwargs, dict)
                    result = by_name[block.tool_name](**block.tool_kwargs)
                    extra_kwargs = {"tool_call_id": block.tool_call_id}
                    history.append(ChatMessage(role="tool", content=result.content, additional_kwargs=extra_kwargs))
            if number == len(TURNS) - 2:
                history.append(ChatMessage(role="user", content="And now?"))
    assert_passed_back(server)


# ------------------------------------------------------------------------------------------------------ the test itself


def test_the_strict_server_refuses_a_changed_record(server: LocalServer) -> None:
    """So the tests above would fail with a changed record."""
    agent = create_agent(ChatDeepSeekV4(**connection_to("openrouter", server)), TOOLS)
    history = agent.invoke({"messages": [HumanMessage("Paris and Rome?")]})["messages"]
    history[1].additional_kwargs["reasoning_details"][1]["data"] += "="
    with pytest.raises(errors.InvalidRequestError, match="not the reasoning that was sent"):
        agent.invoke({"messages": [*history, HumanMessage("And now?")]})
