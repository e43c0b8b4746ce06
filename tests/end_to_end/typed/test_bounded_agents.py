"""Agents whose model answers in prose and calls a tool when it is retried: one retry per user turn."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.structured_output import StructuredOutputError, ToolStrategy
from langchain_core.load import dumps, loads
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage, messages_from_dict
from langchain_core.messages import messages_to_dict as to_dicts
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.base.llms.types import ChatMessage
from pydantic import BaseModel

from deepseek_v4 import Client, Message, ToolSpec
from deepseek_v4.testing import LocalServer, ToolCall, Turn
from langchain_deepseek_v4 import ChatDeepSeekV4
from llama_index_deepseek_v4 import DeepSeekV4


class Person(BaseModel):
    """A person."""

    name: str


FORMAT = {"type": "json_schema", "json_schema": {"name": "Person", "schema": Person.model_json_schema()}}
PROSE = Turn("I look her up.", reasoning="Hm.")
GOOD = Turn('{"name": "Ada"}', reasoning="Ada.")
STEPS = 8
"""Steps in the script: 16 requests if each step is retried."""
BOUND = 3
"""Requests of the agent: prose, the retry with its call, prose after the result."""


def look_up(name: str) -> str:
    """Look a person up."""
    return f"{name} is 36."


def show(name: str) -> list[dict[str, Any]]:
    """Show a picture of a person."""
    return [{"type": "image_url", "image_url": {"url": "https://example.com/ada.png"}}]


def prose_and_calls(tool: str = "look_up") -> Iterator[Turn]:
    """Yield prose and a call in turn."""
    for step in range(STEPS):
        yield PROSE
        yield Turn("", reasoning="I call.", tool_calls=[ToolCall(tool, {"name": "Ada"}, id=f"call_{step}")])


@pytest.fixture(scope="module")
def running() -> Iterator[LocalServer]:
    with LocalServer(passback="strict") as server:
        yield server


@pytest.fixture
def server(running: LocalServer) -> LocalServer:
    running.reset()
    return running


@pytest.fixture
def connection(server: LocalServer) -> dict[str, Any]:
    return {"base_url": server.base_url, "api_key": server.api_key, "max_retries": 0}


def run(agent: Any, messages: list[Any], how: str) -> dict[str, Any]:
    if how == "invoke":
        return dict(agent.invoke({"messages": messages}))
    return dict(asyncio.run(agent.ainvoke({"messages": messages})))


@pytest.mark.parametrize("tool", [look_up, show])
@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("how", ["invoke", "ainvoke"])
def test_create_agent_ends_after_three_requests(
    server: LocalServer, connection: dict[str, Any], how: str, streaming: bool, tool: Callable[..., Any]
) -> None:
    server.script(*prose_and_calls(tool.__name__))
    model = ChatDeepSeekV4(**connection, model="deepseek-flash", streaming=streaming)
    agent = create_agent(model, [tool], response_format=Person)
    with pytest.raises(StructuredOutputError):
        run(agent, [HumanMessage("Who is Ada?")], how)
    assert len(server.requests) == BOUND
    assert "attempts" not in json.dumps([request.body for request in server.requests])


@pytest.mark.parametrize("how", ["invoke", "ainvoke"])
def test_tool_strategy_ends_after_three_requests(server: LocalServer, connection: dict[str, Any], how: str) -> None:
    server.script(*prose_and_calls())
    agent = create_agent(ChatDeepSeekV4(**connection), [look_up], response_format=ToolStrategy(Person))
    assert run(agent, [HumanMessage("Who is Ada?")], how).get("structured_response") is None
    assert len(server.requests) == BOUND


@pytest.mark.parametrize(
    "stored",
    [lambda m: m, lambda m: loads(dumps(m), allowed_objects="core"), lambda m: messages_from_dict(to_dicts(m))],
    ids=["unchanged", "loads", "messages_from_dict"],
)
@pytest.mark.parametrize("output_version", ["v0", "v1"])
def test_the_next_user_turn_gets_a_retry_of_its_own(
    server: LocalServer,
    connection: dict[str, Any],
    output_version: str,
    stored: Callable[[list[Any]], list[BaseMessage]],
) -> None:
    model = ChatDeepSeekV4(**connection, output_version=output_version).bind_tools([look_up], response_format=FORMAT)
    server.script(*list(prose_and_calls())[:2])
    history: list[Any] = [HumanMessage("Who is Ada?")]
    history = stored([*history, model.invoke(history), ToolMessage("36", tool_call_id="call_0")])
    assert history[1].tool_calls
    server.script(PROSE)
    answer = model.invoke(history)
    assert answer.text == PROSE.text
    assert len(server.requests) == BOUND
    server.script(PROSE, GOOD)
    assert model.invoke([*history, answer, HumanMessage("As JSON!")]).text == GOOD.text
    assert len(server.requests) == BOUND + 2


def test_a_chunk_counts_like_a_message(server: LocalServer, connection: dict[str, Any]) -> None:
    model: Any = ChatDeepSeekV4(**connection).bind_tools([look_up], response_format=FORMAT)
    server.script(*prose_and_calls())
    chunks = list(model.stream("Who is Ada?"))
    total = chunks[0]
    for chunk in chunks[1:]:
        total += chunk
    assert isinstance(total, AIMessage)
    model.invoke([HumanMessage("Who is Ada?"), total, ToolMessage("36", tool_call_id="call_0")])
    assert len(server.requests) == BOUND


class Typed(DeepSeekV4):
    """A model that requires JSON of a schema at every step of an agent."""

    def _prepare_chat_with_tools(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        return {**super()._prepare_chat_with_tools(*args, **kwargs), "response_format": FORMAT}


@pytest.mark.parametrize("streaming", [False, True])
async def test_function_agent_ends_after_three_requests(
    server: LocalServer, connection: dict[str, Any], streaming: bool
) -> None:
    server.script(*prose_and_calls())
    agent = FunctionAgent(llm=Typed(**connection), tools=[look_up], streaming=streaming)
    assert str(await agent.run("Who is Ada?")) == PROSE.text
    assert len(server.requests) == BOUND


@pytest.mark.parametrize("how", ["chat", "stream_chat"])
def test_llama_index_messages_record_the_retry(server: LocalServer, connection: dict[str, Any], how: str) -> None:
    llm = Typed(**connection)
    server.script(*prose_and_calls())
    options = llm._prepare_chat_with_tools([], user_msg="Who is Ada?")
    tools = [{"type": "function", "function": {"name": "look_up", "parameters": Person.model_json_schema()}}]
    messages = options.pop("messages")
    response: Any = getattr(llm, how)(messages, tools=tools, **options)
    if how == "stream_chat":
        *_, response = response
    assert [one["reason"] for one in response.message.additional_kwargs["attempts"]] == ["invalid"]
    saved = ChatMessage.model_validate_json(response.message.model_dump_json())
    result = ChatMessage(role="tool", content="36", additional_kwargs={"tool_call_id": "call_0"})
    llm.chat([*messages, saved, result], tools=tools, **options)
    assert len(server.requests) == BOUND


def test_a_loop_without_a_framework(server: LocalServer, connection: dict[str, Any]) -> None:
    server.script(*prose_and_calls())
    tool = ToolSpec("look_up", "Look a person up.", Person.model_json_schema())
    with Client(**connection) as client:
        history = [Message.user("Who is Ada?")]
        for _ in range(2):
            answered = client.chat(history, tools=[tool], response_format=FORMAT).to_message()
            history += [answered, *(Message.tool("36", call.id) for call in answered.tool_calls)]
    assert [message.retried for message in history if message.role == "assistant"] == [True, False]
    assert len(server.requests) == BOUND
