"""Conversations that are run, stored and edited: the strict server receives every past turn with its own reasoning."""

from __future__ import annotations

import copy
import itertools
import json
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware, ModelFallbackMiddleware, SummarizationMiddleware
from langchain_core.language_models import BaseChatModel
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.load import dumps, loads
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    AnyMessage,
    BaseMessage,
    HumanMessage,
    ToolMessage,
    messages_from_dict,
    messages_to_dict,
    trim_messages,
)
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import MessagesState, StateGraph
from langgraph.types import Command

from deepseek_v4.testing import LocalServer, ToolCall, Turn
from langchain_deepseek_v4 import ChatDeepSeekV4
from tests.end_to_end.journeys.conversations import ENDPOINTS, is_extended_by, messages_of
from tests.end_to_end.journeys.langchain.journey import (
    ANSWER,
    NEXT_ANSWER,
    ONE_MORE,
    TOOLS,
    WEATHER_AND_TIME,
    passed_back,
)

THOUGHT_1, THOUGHT_2, THOUGHT_3 = WEATHER_AND_TIME.reasoning, ONE_MORE.reasoning, ANSWER.reasoning
QUESTION = {"messages": [HumanMessage("How is Paris?")]}
GROWING = [[], [THOUGHT_1], [THOUGHT_1, THOUGHT_2], [THOUGHT_1, THOUGHT_2, THOUGHT_3]]
"""The reasoning passed back in an agent's three steps and in the user's next turn."""


@pytest.fixture(params=ENDPOINTS, ids="-".join)
def endpoint(request: pytest.FixtureRequest) -> Any:
    return request.param


def run(agent: Any, messages: list[AnyMessage], config: Any = None) -> list[BaseMessage]:
    return agent.invoke({"messages": messages}, config)["messages"]


SHAPES: dict[str, dict[str, Any]] = {"v0": {}, "v1": {"output_version": "v1"}}
SHAPED = [
    pytest.param(endpoint, SHAPES[name], id="-".join((*endpoint, name)))
    for number, endpoint in enumerate(ENDPOINTS)
    for name in SHAPES
    if endpoint[0] == "deepseek" or number % 2 == (name == "v1")
]
"""Each endpoint with a shape of messages: DeepSeek's with both, those of the other hosts with v0 and v1 in turn."""

both_shapes = pytest.mark.parametrize(("endpoint", "shape"), SHAPED, indirect=["endpoint"])


@both_shapes
def test_agent_loop_with_parallel_tools_and_the_next_user_turn(
    server: LocalServer, make_model: Callable[..., ChatDeepSeekV4], shape: dict[str, Any]
) -> None:
    server.script(WEATHER_AND_TIME, ONE_MORE, ANSWER, NEXT_ANSWER)
    agent = create_agent(make_model(**shape), TOOLS, system_prompt="Be brief.")
    history = run(agent, [HumanMessage("How is Paris?")])
    run(agent, [*history, HumanMessage("What should I take?")])
    assert passed_back(server) == GROWING
    results = [m for m in messages_of(server.requests[1]) if m["role"] == "tool"]
    assert [(m["tool_call_id"], m["content"]) for m in results] == [
        ("call_weather", "It rains in Paris."),
        ("call_time", "12:00"),
    ]


@both_shapes
async def test_async_agent_loop(
    server: LocalServer, make_model: Callable[..., ChatDeepSeekV4], shape: dict[str, Any]
) -> None:
    server.script(WEATHER_AND_TIME, ONE_MORE, ANSWER)
    async with make_model(**shape) as model:
        await create_agent(model, TOOLS).ainvoke(QUESTION)
    assert passed_back(server) == GROWING[:3]


@both_shapes
def test_agent_that_streams_its_messages(
    server: LocalServer, make_model: Callable[..., ChatDeepSeekV4], shape: dict[str, Any]
) -> None:
    server.script(WEATHER_AND_TIME, ONE_MORE, ANSWER)
    agent = create_agent(make_model(**shape), TOOLS)
    chunks = [chunk for chunk, _ in agent.stream(QUESTION, stream_mode="messages")]
    assert all(request.body["stream"] for request in server.requests)
    assert passed_back(server) == GROWING[:3]
    thought = [
        block["reasoning"]
        for chunk in chunks
        if isinstance(chunk, AIMessageChunk)
        for block in chunk.content_blocks
        if block["type"] == "reasoning"
    ]
    assert "".join(thought) == f"{THOUGHT_1}{THOUGHT_2}{THOUGHT_3}"


@pytest.mark.skipif(sys.version_info < (3, 11), reason="before Python 3.11, LangGraph's nodes lose the callbacks")
@both_shapes
async def test_agent_under_astream_events_v2(
    server: LocalServer, make_model: Callable[..., ChatDeepSeekV4], shape: dict[str, Any]
) -> None:
    server.script(WEATHER_AND_TIME, ONE_MORE, ANSWER)
    async with make_model(**shape) as model:
        agent = create_agent(model, TOOLS)
        names = {event["event"] async for event in agent.astream_events(QUESTION, version="v2")}
    assert "on_chat_model_stream" in names
    assert all(request.body["stream"] for request in server.requests)
    assert passed_back(server) == GROWING[:3]


@both_shapes
def test_messages_of_v3_events(
    server: LocalServer, make_model: Callable[..., ChatDeepSeekV4], shape: dict[str, Any]
) -> None:
    server.script(WEATHER_AND_TIME, ONE_MORE, ANSWER)
    model = make_model(**shape).bind_tools(TOOLS)
    history: list[BaseMessage] = [HumanMessage("How is Paris?")]
    for _ in range(3):
        stream = model.stream_events(history, version="v3")
        message = stream.output
        history.append(message)
        history += [ToolMessage("12:00", tool_call_id=call["id"]) for call in message.tool_calls]
    assert passed_back(server) == GROWING[:3]


@both_shapes
async def test_messages_of_async_v3_events(
    server: LocalServer, make_model: Callable[..., ChatDeepSeekV4], shape: dict[str, Any]
) -> None:
    server.script(WEATHER_AND_TIME, ANSWER)
    async with make_model(**shape) as plain:
        model = plain.bind_tools(TOOLS)
        history: list[BaseMessage] = [HumanMessage("How is Paris?")]
        stream = await model.astream_events(history, version="v3")
        message = await stream.output
        history += [message, *(ToolMessage("12:00", tool_call_id=call["id"]) for call in message.tool_calls)]
        await model.ainvoke(history)
    assert passed_back(server) == GROWING[:2]


@both_shapes
def test_an_agent_under_v3_events(
    server: LocalServer, make_model: Callable[..., ChatDeepSeekV4], shape: dict[str, Any]
) -> None:
    server.script(WEATHER_AND_TIME, ONE_MORE, ANSWER)
    agent = create_agent(make_model(**shape), TOOLS)
    stream = agent.stream_events(QUESTION, version="v3")
    for _ in stream:
        pass
    assert passed_back(server) == GROWING[:3]


@both_shapes
def test_checkpoint_in_sqlite_and_reload(
    server: LocalServer, make_model: Callable[..., ChatDeepSeekV4], shape: dict[str, Any], tmp_path: Path
) -> None:
    server.script(WEATHER_AND_TIME, ONE_MORE, ANSWER, NEXT_ANSWER)
    thread = {"configurable": {"thread_id": "1"}}
    with SqliteSaver.from_conn_string(str(tmp_path / "checkpoints.db")) as saver:
        run(create_agent(make_model(**shape), TOOLS, checkpointer=saver), [HumanMessage("Paris?")], thread)
    with SqliteSaver.from_conn_string(str(tmp_path / "checkpoints.db")) as saver:
        run(create_agent(make_model(**shape), TOOLS, checkpointer=saver), [HumanMessage("Umbrella?")], thread)
    assert passed_back(server) == GROWING


def through_dumps(history: list[BaseMessage]) -> list[BaseMessage]:
    return loads(dumps(history), allowed_objects="messages")


def through_dicts(history: list[BaseMessage]) -> list[BaseMessage]:
    return messages_from_dict(messages_to_dict(history))


def through_pickle(history: list[BaseMessage]) -> list[BaseMessage]:
    return pickle.loads(pickle.dumps(history))


def through_pydantic(history: list[BaseMessage]) -> list[BaseMessage]:
    return [type(message).model_validate(message.model_dump()) for message in history]


def through_a_prompt(history: list[BaseMessage]) -> list[BaseMessage]:
    prompt = ChatPromptTemplate.from_messages([MessagesPlaceholder("history")])
    return prompt.invoke({"history": history}).to_messages()


def through_copies(history: list[BaseMessage]) -> list[BaseMessage]:
    return [message.model_copy(update={"id": f"edited-{number}"}) for number, message in enumerate(history)]


def through_trimming(history: list[BaseMessage]) -> list[BaseMessage]:
    return trim_messages(history, max_tokens=100, token_counter=len, strategy="last", include_system=True)


def as_loose_content_blocks(history: list[BaseMessage]) -> list[BaseMessage]:
    """Keep only the standard blocks, as a user interface may."""
    return [
        AIMessage(content_blocks=message.content_blocks) if isinstance(message, AIMessage) else message
        for message in history
    ]


JOURNEYS = (
    through_dumps,
    through_dicts,
    through_pickle,
    through_pydantic,
    through_a_prompt,
    through_copies,
    through_trimming,
    as_loose_content_blocks,
)


@pytest.mark.parametrize("streamed", [False, True], ids=["complete", "streamed"])
@both_shapes
def test_a_history_that_was_stored_and_loaded(
    server: LocalServer, make_model: Callable[..., ChatDeepSeekV4], shape: dict[str, Any], streamed: bool
) -> None:
    server.script(WEATHER_AND_TIME, ONE_MORE, ANSWER)
    agent = create_agent(make_model(**shape, **({"streaming": True} if streamed else {})), TOOLS)
    history = run(agent, [HumanMessage("How is Paris?")])
    assert all(request.body.get("stream", False) is streamed for request in server.requests)
    for journey in JOURNEYS:
        server.reset()
        server.script(NEXT_ANSWER)
        run(agent, [*journey(copy.deepcopy(history)), HumanMessage("Umbrella?")])
        assert passed_back(server) == GROWING[3:], journey


@both_shapes
def test_chunks_added_up_by_hand(
    server: LocalServer, make_model: Callable[..., ChatDeepSeekV4], shape: dict[str, Any]
) -> None:
    server.script(WEATHER_AND_TIME, ANSWER)
    model = make_model(**shape).bind_tools(TOOLS)
    history: list[BaseMessage] = [HumanMessage("How is Paris?")]
    total: AIMessageChunk | None = None
    for chunk in model.stream(history):
        total = chunk if total is None else total + chunk
    assert total is not None
    history += [total, *(ToolMessage("12:00", tool_call_id=call["id"]) for call in total.tool_calls)]
    model.invoke(history)
    assert passed_back(server) == GROWING[:2]


@both_shapes
def test_summarised_history(
    server: LocalServer, make_model: Callable[..., ChatDeepSeekV4], shape: dict[str, Any]
) -> None:
    summary = Turn(text="They spoke about Paris.", reasoning="I sum it up.")
    server.script(WEATHER_AND_TIME, ONE_MORE, summary, ANSWER)
    model = make_model(**shape)
    middleware = SummarizationMiddleware(model, trigger=("messages", 5), keep=("messages", 2))
    run(create_agent(model, TOOLS, middleware=[middleware]), [HumanMessage("How is Paris?")])
    assert len(server.requests) == 4
    assert passed_back(server)[-1] == [THOUGHT_2]


@both_shapes
def test_a_human_edits_a_tool_call(
    server: LocalServer, make_model: Callable[..., ChatDeepSeekV4], shape: dict[str, Any]
) -> None:
    server.script(WEATHER_AND_TIME, ANSWER)
    agent = create_agent(
        make_model(**shape),
        TOOLS,
        middleware=[HumanInTheLoopMiddleware(interrupt_on={"get_weather": True})],
        checkpointer=InMemorySaver(),
    )
    thread = {"configurable": {"thread_id": "1"}}
    agent.invoke(QUESTION, thread)
    edited = {"name": "get_weather", "args": {"city": "Lyon", "days": []}}
    agent.invoke(Command(resume={"decisions": [{"type": "edit", "edited_action": edited}]}), thread)
    assert passed_back(server) == GROWING[:2]
    results = [m["content"] for m in messages_of(server.requests[1]) if m["role"] == "tool"]
    assert any("It rains in Lyon." in result for result in results)


@both_shapes
def test_tool_calls_edited_on_a_copy_are_sent(
    server: LocalServer, make_model: Callable[..., ChatDeepSeekV4], shape: dict[str, Any]
) -> None:
    server.script(WEATHER_AND_TIME, ANSWER)
    model = make_model(**shape).bind_tools(TOOLS)
    answer = model.invoke("How is Paris?")
    edited = {**answer.tool_calls[0], "args": {"city": "Lyon", "days": []}}
    copy = answer.model_copy(update={"tool_calls": [edited]})
    model.invoke([HumanMessage("How is Paris?"), copy, ToolMessage("It rains.", tool_call_id="call_weather")])
    sent = messages_of(server.requests[1])[1]
    assert [json.loads(call["function"]["arguments"]) for call in sent["tool_calls"]] == [{"city": "Lyon", "days": []}]
    assert sent["reasoning_content"] == THOUGHT_1


@both_shapes
def test_a_human_edits_the_text_of_an_answer(
    server: LocalServer, make_model: Callable[..., ChatDeepSeekV4], shape: dict[str, Any]
) -> None:
    server.script(ANSWER, NEXT_ANSWER)
    model = make_model(**shape)
    answer = model.invoke("How is Paris?")
    blocks = [{**block, "text": "It snows."} if block["type"] == "text" else block for block in answer.content_blocks]
    edited = answer.model_copy(update={"content": blocks if shape else "It snows."})
    model.invoke([HumanMessage("How is Paris?"), edited, HumanMessage("Umbrella?")])
    assert messages_of(server.requests[1])[1] == {
        "role": "assistant",
        "content": "It snows.",
        "reasoning_content": THOUGHT_3,
    }


# -- histories of other vendors ---------------------------------------------------------------------------------------

CALL = {"name": "get_weather", "args": {"city": "Paris", "days": [1]}, "id": "call_other", "type": "tool_call"}
MESSAGES_OF_OTHERS = {
    "by hand": AIMessage("", tool_calls=[CALL]),
    "anthropic": AIMessage(
        [
            {"type": "thinking", "thinking": "Let me look.", "signature": "c2lnbmF0dXJl"},
            {"type": "redacted_thinking", "data": "eHg="},
            {"type": "text", "text": "I look."},
            {"type": "tool_use", "id": "call_other", "name": "get_weather", "input": CALL["args"]},
        ],
        tool_calls=[CALL],
        response_metadata={"model_provider": "anthropic"},
    ),
    "openai responses": AIMessage(
        [
            {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Let me look."}]},
            {"type": "text", "text": "I look.", "annotations": []},
            {
                "type": "function_call",
                "id": "fc_1",
                "call_id": "call_other",
                "name": "get_weather",
                "arguments": '{"city": "Paris", "days": [1]}',
            },
        ],
        tool_calls=[CALL],
        response_metadata={"model_provider": "openai"},
    ),
    "gemini": AIMessage(
        [
            {"type": "thinking", "thinking": "Let me look.", "signature": "c2ln"},
            {"type": "text", "text": "I look.", "extras": {"signature": "c2ln"}},
        ],
        tool_calls=[CALL],
        additional_kwargs={"__gemini_function_call_thought_signatures__": {"call_other": "c2ln"}},
        response_metadata={"model_provider": "google_genai"},
    ),
    "bedrock": AIMessage(
        [
            {"type": "reasoning_content", "reasoning_content": {"text": "Let me look.", "signature": "s"}},
            {"type": "text", "text": "I look."},
            {"type": "tool_use", "id": "call_other", "name": "get_weather", "input": CALL["args"]},
        ],
        tool_calls=[CALL],
        response_metadata={"model_provider": "bedrock_converse"},
    ),
    "openai chat": AIMessage("I look.", tool_calls=[CALL], additional_kwargs={"refusal": None}),
}


@pytest.mark.parametrize("vendor", MESSAGES_OF_OTHERS)
def test_a_history_of_another_vendor(server: LocalServer, model: ChatDeepSeekV4, vendor: str) -> None:
    foreign = MESSAGES_OF_OTHERS[vendor]
    before = foreign.model_copy(deep=True)
    history = [HumanMessage("How is Paris?"), foreign, ToolMessage("It rains.", tool_call_id="call_other")]
    model.bind_tools(TOOLS).invoke(history)
    sent = messages_of(server.requests[0])[1]
    thought = "" if vendor in ("by hand", "openai chat") else "Let me look."
    for call in sent["tool_calls"]:
        call["function"]["arguments"] = json.loads(call["function"]["arguments"])
    assert sent == {
        "role": "assistant",
        "content": "" if vendor == "by hand" else "I look.",
        "reasoning_content": thought,
        "tool_calls": [
            {
                "id": "call_other",
                "type": "function",
                "function": {"name": "get_weather", "arguments": {"city": "Paris", "days": [1]}},
            }
        ],
    }
    assert foreign == before


class OtherVendorModel(GenericFakeChatModel):
    """A model of another vendor, to which an agent sends its first request."""

    def bind_tools(self, tools: Any, **_: Any) -> Any:
        return self

    @property
    def _llm_type(self) -> str:
        return "other"


@pytest.mark.parametrize("endpoint", [("deepseek", "chat_completions")], indirect=True)
@pytest.mark.filterwarnings("ignore:messages repaired:deepseek_v4.errors.HistoryRepairedWarning")
def test_the_next_agent_of_a_graph_answers_after_the_answer_of_the_first(
    server: LocalServer, make_model: Callable[..., ChatDeepSeekV4]
) -> None:
    server.script(WEATHER_AND_TIME, ANSWER, NEXT_ANSWER)
    graph = StateGraph(MessagesState)
    graph.add_sequence([("forecaster", create_agent(make_model(), TOOLS)), ("adviser", create_agent(make_model()))])
    graph.set_entry_point("forecaster")
    history = graph.compile().invoke({"messages": [HumanMessage("How is Paris?")]})["messages"]
    assert [history[-2].text, history[-1].text] == [ANSWER.text, NEXT_ANSWER.text]
    assert messages_of(server.requests[-1])[-1]["content"] == "Continue."
    assert passed_back(server) == [[], [THOUGHT_1], [THOUGHT_1, THOUGHT_3]]


@both_shapes
def test_fallback_to_another_vendor_and_back(
    server: LocalServer, make_model: Callable[..., ChatDeepSeekV4], shape: dict[str, Any]
) -> None:
    server.script(WEATHER_AND_TIME)
    model = make_model(**shape)
    answer = model.bind_tools(TOOLS).invoke("Paris?")
    results = [ToolMessage("12:00", tool_call_id=call["id"]) for call in answer.tool_calls]
    history = [HumanMessage("Paris?"), answer, *results]
    other = run(
        create_agent(OtherVendorModel(messages=iter([MESSAGES_OF_OTHERS["anthropic"], "It rains."])), TOOLS), history
    )
    server.reset()
    server.script(NEXT_ANSWER)
    run(create_agent(model, TOOLS), [*other, HumanMessage("Umbrella?")])
    past = [m for m in messages_of(server.requests[0]) if m["role"] == "assistant"]
    assert [m["reasoning_content"] for m in past] == [THOUGHT_1, "Let me look.", ""]
    assert server.requests[0].status == 200


def test_fallback_middleware_continues_with_our_history(
    server: LocalServer, make_model: Callable[..., ChatDeepSeekV4]
) -> None:
    class FailingModel(OtherVendorModel):
        def _generate(self, *args: Any, **kwargs: Any) -> Any:
            raise RuntimeError("down")

    server.script(WEATHER_AND_TIME, ANSWER)
    middleware = [ModelFallbackMiddleware(make_model())]
    failing: BaseChatModel = FailingModel(messages=iter([]))
    run(create_agent(failing, TOOLS, middleware=middleware), [HumanMessage("How is Paris?")])
    assert passed_back(server) == GROWING[:2]


def test_message_dicts_of_openai(server: LocalServer, model: ChatDeepSeekV4) -> None:
    model.bind_tools(TOOLS).invoke(
        [
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": "Hello", "reasoning_content": "A greeting."},
            {"role": "user", "content": "Paris?"},
        ]
    )
    assert [m["role"] for m in messages_of(server.requests[0])] == ["system", "user", "assistant", "user"]
    assert messages_of(server.requests[0])[2]["reasoning_content"] == "A greeting."


def test_reasoning_is_not_sent_if_thinking_is_switched_off(server: LocalServer, model: ChatDeepSeekV4) -> None:
    server.script(WEATHER_AND_TIME)
    bound = model.bind_tools(TOOLS)
    answer = bound.invoke("How is Paris?")
    results = [ToolMessage("12:00", tool_call_id=call["id"]) for call in answer.tool_calls]
    bound.invoke([HumanMessage("How is Paris?"), answer, *results], thinking=False)
    assert "reasoning_content" not in messages_of(server.requests[1])[1]


def test_a_turn_without_thinking_is_continued_with_thinking(server: LocalServer, model: ChatDeepSeekV4) -> None:
    server.script(WEATHER_AND_TIME, ANSWER)
    bound = model.bind_tools(TOOLS)
    answer = bound.invoke("How is Paris?", thinking=False)
    assert "reasoning_content" not in answer.additional_kwargs
    results = [ToolMessage("12:00", tool_call_id=call["id"]) for call in answer.tool_calls]
    bound.invoke([HumanMessage("How is Paris?"), answer, *results])
    assert messages_of(server.requests[1])[1]["reasoning_content"] == ""
    assert server.requests[1].status == 200


@both_shapes
def test_truncated_arguments_are_passed_back_verbatim(
    server: LocalServer, make_model: Callable[..., ChatDeepSeekV4], endpoint: tuple[str, str], shape: dict[str, Any]
) -> None:
    """On Messages, arguments are always an object: invalid JSON is sent inside one.

    The same applies to other hosts than DeepSeek, which parse arguments before they forward them.
    """
    provider, protocol = endpoint
    arguments = '{"city": "Par'
    expected = arguments
    if protocol == "messages" or provider != "deepseek":
        name = "INVALID_JSON" if protocol == "messages" else "invalid_arguments"
        expected = json.dumps({name: arguments})
    truncated = Turn(
        reasoning="Hm.",
        tool_calls=[ToolCall("get_weather", arguments, id="call_cut")],
        finish_reason="length",
    )
    for streaming in ({"streaming": True},) if protocol == "messages" else ({}, {"streaming": True}):
        server.reset()
        server.script(truncated, ANSWER)
        agent = create_agent(make_model(**shape, **streaming), TOOLS)
        history = run(agent, [HumanMessage("How is Paris?")])
        assert history[-1].invalid_tool_calls
        run(agent, [*history, HumanMessage("Go on.")])
        _, sent, result, _ = messages_of(server.requests[1])
        text_passed_back = sent["tool_calls"][0]["function"]["arguments"]
        assert text_passed_back == expected or (
            expected != arguments and json.loads(text_passed_back) == json.loads(expected)
        )
        assert sent["reasoning_content"] == "Hm."
        assert result["tool_call_id"] == "call_cut"


# -- the prompt cache ------------------------------------------------------------------------------------------------


@both_shapes
@pytest.mark.parametrize("streaming", [{}, {"streaming": True}], ids=["complete", "streamed"])
def test_each_request_of_a_conversation_begins_with_the_one_before(
    server: LocalServer,
    make_model: Callable[..., ChatDeepSeekV4],
    shape: dict[str, Any],
    streaming: dict[str, Any],
) -> None:
    server.script(WEATHER_AND_TIME, ONE_MORE, ANSWER, NEXT_ANSWER)
    agent = create_agent(
        make_model(**shape, **streaming), TOOLS, system_prompt="Be brief.", checkpointer=InMemorySaver()
    )
    thread = {"configurable": {"thread_id": "1"}}
    run(agent, [HumanMessage("How is Paris?")], thread)
    run(agent, [HumanMessage("Umbrella?")], thread)
    assert len(server.requests) == 4
    assert all(is_extended_by(shorter, longer) for shorter, longer in itertools.pairwise(server.requests))


def test_a_history_has_the_same_bytes_complete_and_streamed_in_both_shapes(
    server: LocalServer, make_model: Callable[..., ChatDeepSeekV4]
) -> None:
    bodies = set()
    for shape in ({}, {"output_version": "v1"}):
        for streaming in ({}, {"streaming": True}):
            server.reset()
            server.script(WEATHER_AND_TIME, ONE_MORE, ANSWER)
            history = run(create_agent(make_model(**shape, **streaming), TOOLS), [HumanMessage("Paris?")])
            make_model().bind_tools(TOOLS).invoke([*history, HumanMessage("Umbrella?")])
            bodies.add(server.requests[-1].raw)
    assert len(bodies) == 1
