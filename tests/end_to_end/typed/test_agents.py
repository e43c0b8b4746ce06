"""Agents and query engines on default settings, thinking on, against the strict server; reasoning is kept."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any, Literal

import pytest
from langchain.agents import create_agent
from langchain.agents.structured_output import ProviderStrategy, ToolStrategy
from langchain_core.messages import AIMessage, HumanMessage
from llama_index.core import PropertyGraphIndex, SummaryIndex
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.base.llms.types import ChatMessage, ThinkingBlock
from llama_index.core.embeddings import MockEmbedding
from llama_index.core.indices.property_graph import SchemaLLMPathExtractor, SimpleLLMPathExtractor
from llama_index.core.query_engine import RouterQueryEngine, SubQuestionQueryEngine
from llama_index.core.question_gen import LLMQuestionGenerator
from llama_index.core.schema import Document
from llama_index.core.selectors import LLMSingleSelector, PydanticSingleSelector
from llama_index.core.tools import QueryEngineTool
from pydantic import BaseModel

from deepseek_v4.testing import LocalServer, ToolCall, Turn
from langchain_deepseek_v4 import ChatDeepSeekV4
from llama_index_deepseek_v4 import DeepSeekV4


class Person(BaseModel):
    """A person."""

    name: str
    age: int


class Party(BaseModel):
    """A party."""

    day: dt.date
    guests: int = 0


def look_up(name: str) -> str:
    """Look a person up."""
    return f"{name} is 36."


ADA = Person(name="Ada", age=36)
LOOK = Turn("", reasoning="I look her up.", tool_calls=[ToolCall("look_up", {"name": "Ada"}, id="call_1")])
TYPED = Turn('{"name": "Ada", "age": 36}', reasoning="She is 36.")
BY_CALL = Turn("", reasoning="She is 36.", tool_calls=[ToolCall("Person", {"name": "Ada", "age": 36}, id="call_2")])
ANSWERED = Turn("Blue.", reasoning="The sky is blue.")


@pytest.fixture
def server() -> Iterator[LocalServer]:
    with LocalServer(passback="strict") as running:
        yield running


@pytest.fixture
def connection(server: LocalServer) -> dict[str, Any]:
    return {"base_url": server.base_url, "api_key": server.api_key, "max_retries": 0}


@pytest.fixture
def llm(connection: dict[str, Any]) -> Iterator[DeepSeekV4]:
    with DeepSeekV4(**connection) as llm:
        yield llm


def all_with_thinking(server: LocalServer) -> bool:
    """Return True if no request switched thinking off; all must have been accepted."""
    assert [request.status for request in server.requests] == [200] * len(server.requests)
    return all(request.body.get("thinking", {}).get("type") != "disabled" for request in server.requests)


def passed_back(server: LocalServer) -> list[str]:
    """Return the reasoning in the last request."""
    return [m["reasoning_content"] for m in server.requests[-1].body["messages"] if m["role"] == "assistant"]


# -- LangChain ---------------------------------------------------------------------------------------------------------

SCHEMAS = {
    "pydantic": Person,
    "JSON Schema": {**Person.model_json_schema(), "title": "Person"},
}


@pytest.mark.parametrize("strategy", ["default", "provider"])
@pytest.mark.parametrize("schema", SCHEMAS)
@pytest.mark.parametrize("streaming", [False, True])
def test_create_agent_keeps_thinking_and_returns_a_typed_answer(
    server: LocalServer, connection: dict[str, Any], strategy: str, schema: str, streaming: bool
) -> None:
    server.script(LOOK, TYPED)
    response_format: Any = SCHEMAS[schema]
    agent = create_agent(
        ChatDeepSeekV4(**connection, streaming=streaming),
        [look_up],
        response_format=response_format if strategy == "default" else ProviderStrategy(response_format),
    )
    result = agent.invoke({"messages": [HumanMessage("Who is Ada?")]})
    assert result["structured_response"] == (ADA if schema == "pydantic" else ADA.model_dump())
    assert all_with_thinking(server)
    assert passed_back(server) == [LOOK.reasoning]
    answers = [message for message in result["messages"] if isinstance(message, AIMessage)]
    assert [a.additional_kwargs["reasoning_content"] for a in answers] == [LOOK.reasoning, TYPED.reasoning]
    bodies = [request.body for request in server.requests]
    assert bodies[0]["messages"][0] == bodies[1]["messages"][0], "the schema is at the same place"
    assert all("response_format" not in body for body in bodies), "JSON mode might keep it from calling tools"


def test_create_agent_without_tools_uses_json_mode(server: LocalServer, connection: dict[str, Any]) -> None:
    server.script(TYPED)
    agent = create_agent(ChatDeepSeekV4(**connection), [], response_format=Person)
    assert agent.invoke({"messages": [HumanMessage("Who is Ada?")]})["structured_response"] == ADA
    assert server.requests[0].body["response_format"] == {"type": "json_object"}
    assert all_with_thinking(server)


@pytest.mark.parametrize("bad", ["She is 36.", "", '{"name": "Ada"}'])
async def test_create_agent_is_retried(server: LocalServer, connection: dict[str, Any], bad: str) -> None:
    server.script(LOOK, Turn(bad, reasoning="Hm."), TYPED)
    agent = create_agent(ChatDeepSeekV4(**connection), [look_up], response_format=Person)
    result = await agent.ainvoke({"messages": [HumanMessage("Who is Ada?")]})
    assert result["structured_response"] == ADA
    assert len(server.requests) == 3
    assert len([m for m in result["messages"] if isinstance(m, AIMessage)]) == 2, (
        "the failed attempt is not in the history"
    )
    assert all_with_thinking(server)


@pytest.mark.parametrize("bad", ['{"day": "tomorrow"}', '{"day": "2026-11-22", "guests": null}'])
def test_create_agent_is_retried_if_the_class_refuses_the_answer(
    server: LocalServer, connection: dict[str, Any], bad: str
) -> None:
    server.script(Turn(bad), Turn('{"day": "2026-11-22"}'))
    agent = create_agent(ChatDeepSeekV4(**connection), [look_up], response_format=Party)
    assert agent.invoke({"messages": [HumanMessage("When?")]})["structured_response"] == Party(
        day=dt.date(2026, 11, 22)
    )


@pytest.mark.parametrize("bad", ["She is 36.", "", '{"name": "Ada"}', '```json\n{"name": "Ada", "age": 36}\n```'])
async def test_create_agent_is_retried_while_it_streams(
    server: LocalServer, connection: dict[str, Any], bad: str
) -> None:
    server.script(LOOK, Turn(bad, reasoning="Hm."), TYPED)
    agent = create_agent(ChatDeepSeekV4(**connection), [look_up], response_format=Person)
    state: Any = None
    text = ""
    async for mode, data in agent.astream(
        {"messages": [HumanMessage("Who is Ada?")]}, stream_mode=["messages", "values"]
    ):
        if mode == "values":
            state = data
        elif isinstance(data[0], AIMessage):
            text += data[0].text
    assert state["structured_response"] == ADA
    assert text == TYPED.text
    assert len(server.requests) == 3
    assert all_with_thinking(server)


async def test_tool_strategy_is_retried_if_its_call_is_invalid(server: LocalServer, connection: dict[str, Any]) -> None:
    server.script(LOOK, Turn("", tool_calls=[ToolCall("Person", {"name": "Ada"})]), BY_CALL)
    agent = create_agent(
        ChatDeepSeekV4(**connection), [look_up], response_format=ToolStrategy(Person, handle_errors=False)
    )
    result = await agent.ainvoke({"messages": [HumanMessage("Who is Ada?")]})
    assert result["structured_response"] == ADA
    assert len(server.requests) == 3


@pytest.mark.parametrize("tools", [[], [look_up]], ids=["no tools", "a tool"])
def test_tool_strategy(server: LocalServer, connection: dict[str, Any], tools: list[Any]) -> None:
    """It forces a call at every step, which DeepSeek refuses while thinking: so thinking is off in these steps."""
    server.script(*([LOOK] if tools else []), BY_CALL)
    agent = create_agent(ChatDeepSeekV4(**connection), tools, response_format=ToolStrategy(Person))
    result = agent.invoke({"messages": [HumanMessage("Who is Ada?")]})
    assert result["structured_response"] == ADA
    assert not all_with_thinking(server)


def test_tool_strategy_by_instruction_keeps_thinking(server: LocalServer, connection: dict[str, Any]) -> None:
    server.script(LOOK, BY_CALL)
    model = ChatDeepSeekV4(**connection, on_forced_tool="instruct")
    agent = create_agent(model, [look_up], response_format=ToolStrategy(Person))
    result = agent.invoke({"messages": [HumanMessage("Who is Ada?")]})
    assert result["structured_response"] == ADA
    assert all_with_thinking(server)
    assert passed_back(server) == [LOOK.reasoning]


def test_tool_strategy_after_turns_with_reasoning(server: LocalServer, connection: dict[str, Any]) -> None:
    server.script(ANSWERED, BY_CALL, ANSWERED)
    model = ChatDeepSeekV4(**connection)
    history: list[Any] = [HumanMessage("What colour is the sky?")]
    history.append(model.invoke(history))
    agent = create_agent(model, [], response_format=ToolStrategy(Person))
    state = agent.invoke({"messages": [*history, HumanMessage("Who is Ada?")]})
    model.bind_tools([look_up]).invoke([*state["messages"], HumanMessage("And the sky?")])
    assert passed_back(server)[0] == ANSWERED.reasoning


@pytest.mark.parametrize("typed", [False, True])
def test_deepagents(server: LocalServer, connection: dict[str, Any], typed: bool) -> None:
    deepagents = pytest.importorskip("deepagents", reason="deepagents needs Python 3.11")
    write = Turn(
        "",
        reasoning="I note it.",
        tool_calls=[ToolCall("write_file", {"file_path": "/note.txt", "content": "Ada is 36."}, id="call_w")],
    )
    delegate = Turn(
        "",
        reasoning="Another may know.",
        tool_calls=[ToolCall("task", {"description": "Who is Ada?", "subagent_type": "general-purpose"}, id="call_t")],
    )
    end = TYPED if typed else ANSWERED
    server.script(write, delegate, LOOK, ANSWERED, end)
    agent = deepagents.create_deep_agent(
        ChatDeepSeekV4(**connection), [look_up], response_format=Person if typed else None
    )
    result = agent.invoke({"messages": [HumanMessage("Research Ada.")]}, {"recursion_limit": 40})
    assert len(server.requests) == 5
    assert all_with_thinking(server)
    assert passed_back(server) == [write.reasoning, delegate.reasoning]
    assert "/note.txt" in result["files"]
    if typed:
        assert result["structured_response"] == ADA
    else:
        assert result["messages"][-1].text == "Blue."


# -- LlamaIndex --------------------------------------------------------------------------------------------------------


def engines(llm: DeepSeekV4) -> list[QueryEngineTool]:
    index = SummaryIndex.from_documents([Document(text="The sky is blue.")])
    return [
        QueryEngineTool.from_defaults(index.as_query_engine(llm=llm), name=name, description=f"About the {name}.")
        for name in ("sky", "grass")
    ]


@pytest.mark.parametrize("selector", [None, LLMSingleSelector, PydanticSingleSelector])
async def test_router_query_engine(server: LocalServer, llm: DeepSeekV4, selector: Any) -> None:
    chosen = selector.from_defaults(llm=llm) if selector is not None else None
    engine = RouterQueryEngine.from_defaults(engines(llm), llm=llm, selector=chosen)
    if selector is LLMSingleSelector:
        pick = Turn('[{"choice": 1, "reason": "sky"}]', reasoning="The first.")
    else:
        call = ToolCall("SingleSelection", {"index": 0, "reason": "sky"})
        pick = Turn("", reasoning="The first.", tool_calls=[call])
    server.script(pick, ANSWERED, pick, ANSWERED)
    assert str(engine.query("What colour is the sky?")) == "Blue."
    assert str(await engine.aquery("What colour is the sky?")) == "Blue."
    assert len(server.requests) == 4


async def test_sub_question_query_engine(server: LocalServer, llm: DeepSeekV4) -> None:
    sub_questions = '[{"sub_question": "What colour is the sky?", "tool_name": "sky"}]'
    split = Turn(f'```json\n{{"items": {sub_questions}}}\n```', reasoning="One question will do.")
    engine = SubQuestionQueryEngine.from_defaults(
        engines(llm), llm=llm, question_gen=LLMQuestionGenerator.from_defaults(llm=llm), use_async=False, verbose=False
    )
    server.script(split, ANSWERED, ANSWERED, split, ANSWERED, ANSWERED)
    assert str(engine.query("Which colours?")) == "Blue."
    assert str(await engine.aquery("Which colours?")) == "Blue."
    assert all_with_thinking(server)


def test_property_graph_by_schema(server: LocalServer, llm: DeepSeekV4) -> None:
    triplet = {
        "subject": {"type": "PERSON", "name": "Ada"},
        "relation": {"type": "WROTE"},
        "object": {"type": "WORK", "name": "Notes"},
    }
    extractor = SchemaLLMPathExtractor(
        llm=llm,
        possible_entities=Literal["PERSON", "WORK"],
        possible_relations=Literal["WROTE"],
        kg_validation_schema=[("PERSON", "WROTE", "WORK")],
        num_workers=1,
    )
    server.script(Turn(json.dumps({"triplets": [triplet]}), reasoning="One triplet."))
    index = PropertyGraphIndex.from_documents(
        [Document(text="Ada wrote Notes.")], kg_extractors=[extractor], embed_model=MockEmbedding(4), use_async=False
    )
    found = {(a.name, r.label, b.name) for a, r, b in index.property_graph_store.get_triplets(entity_names=["Ada"])}
    assert ("Ada", "WROTE", "Notes") in found
    assert all_with_thinking(server)


def test_property_graph_by_text(server: LocalServer, llm: DeepSeekV4) -> None:
    server.script(Turn("(Ada, wrote, Notes)", reasoning="One triplet."))
    index = PropertyGraphIndex.from_documents(
        [Document(text="Ada wrote Notes.")],
        kg_extractors=[SimpleLLMPathExtractor(llm=llm, num_workers=1)],
        embed_model=MockEmbedding(4),
        use_async=False,
    )
    assert index.property_graph_store.get(ids=["Ada"])
    assert all_with_thinking(server)


@pytest.mark.parametrize("how", [a + b for b in ("chat", "complete") for a in ("", "a", "stream_", "astream_")])
async def test_as_structured_llm_keeps_usage_and_thinking(server: LocalServer, llm: DeepSeekV4, how: str) -> None:
    server.script(TYPED)
    typed = llm.as_structured_llm(Person)
    conversation = [ChatMessage(role="user", content="Who is {Ada}?")]
    response: Any = getattr(typed, how)(conversation if "chat" in how else "Who is {Ada}?")
    response = await response if how.startswith("a") else response
    if how.startswith("stream"):
        *_, response = response
    elif how.startswith("astream"):
        *_, response = [chunk async for chunk in response]
    assert response.raw == ADA
    assert response.additional_kwargs["prompt_tokens"] > 0
    assert response.additional_kwargs["completion_tokens"] > 0
    assert response.additional_kwargs["cost"] > 0
    assert server.requests[0].body["messages"][-1]["content"] == "Who is {Ada}?"
    if "chat" in how:
        assert Person.model_validate_json(response.message.content) == ADA
        assert isinstance(response.message.blocks[0], ThinkingBlock)
        assert response.message.blocks[0].content == TYPED.reasoning
    assert all_with_thinking(server)


async def test_as_structured_llm_in_a_query_engine(server: LocalServer, llm: DeepSeekV4) -> None:
    index = SummaryIndex.from_documents([Document(text="Ada is 36.")])
    server.script(TYPED, TYPED)
    engine = index.as_query_engine(llm=llm.as_structured_llm(Person))
    assert engine.query("Who?").response == ADA
    assert (await engine.aquery("Who?")).response == ADA
    assert all_with_thinking(server)


@pytest.mark.parametrize("mode", ["compact", "refine", "tree_summarize"])
async def test_output_cls_of_query_engines(server: LocalServer, llm: DeepSeekV4, mode: str) -> None:
    index = SummaryIndex.from_documents([Document(text="Ada is 36.")])
    server.script(TYPED, TYPED)
    engine = index.as_query_engine(llm=llm, output_cls=Person, response_mode=mode)
    assert engine.query("Who?").response == ADA
    assert (await engine.aquery("Who?")).response == ADA
    assert all_with_thinking(server)


async def test_output_cls_of_agents(server: LocalServer, llm: DeepSeekV4) -> None:
    server.script(LOOK, Turn("Ada is 36.", reasoning="Done."), TYPED)
    agent = FunctionAgent(tools=[look_up], llm=llm, output_cls=Person)
    result = await agent.run("Who is Ada?")
    assert result.get_pydantic_model(Person) == ADA
    assert all_with_thinking(server)
    turns = [m for m in server.requests[1].body["messages"] if m["role"] == "assistant"]
    assert [turn["reasoning_content"] for turn in turns] == [LOOK.reasoning]
