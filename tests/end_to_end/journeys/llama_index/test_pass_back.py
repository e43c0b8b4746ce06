"""Reasoning is passed back: every past assistant message is sent with its own, also after it was stored."""

from __future__ import annotations

import copy
import itertools
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from llama_index.core.agent.workflow import AgentWorkflow, FunctionAgent
from llama_index.core.base.llms.types import (
    CacheControl,
    CachePoint,
    ChatMessage,
    CitationBlock,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.memory import ChatMemoryBuffer, Memory
from llama_index.core.storage.chat_store import SimpleChatStore
from llama_index.core.tools import FunctionTool
from llama_index.core.workflow import Context
from pydantic import BaseModel

from deepseek_v4.errors import HistoryRepairedWarning, InvalidRequestError
from deepseek_v4.testing import LocalServer, ToolCall, Turn
from llama_index_deepseek_v4 import DeepSeekV4
from tests.end_to_end.journeys.conversations import (
    ENDPOINTS,
    connection_to,
    is_extended_by,
    messages_of,
    thinking_is_on,
)


def get_weather(city: str) -> str:
    """Tell the weather of a city."""
    return f"It rains in {city}."


class Weather(BaseModel):
    """The weather."""

    rain: bool


TOOL = FunctionTool.from_defaults(get_weather)
PARIS, ROME = {"city": "Paris"}, {"city": "Rome"}


def call(reasoning: str | None, *cities: dict[str, str], text: str = "") -> Turn:
    calls = [ToolCall("get_weather", city, id=f"call_{reasoning}_{city['city']}") for city in cities]
    return Turn(text, reasoning=reasoning, tool_calls=calls)


def answer(reasoning: str | None, text: str = "An answer.") -> Turn:
    return Turn(text, reasoning=reasoning)


def sent(server: LocalServer, index: int = -1) -> list[dict[str, Any]]:
    """Return the messages of an accepted request."""
    return messages_of(server.requests[index])


def passed_back(server: LocalServer, index: int = -1) -> list[str | None]:
    """Return the reasoning of each past assistant message, ``(missing)`` for a message without the field."""
    return [m.get("reasoning_content", "(missing)") for m in sent(server, index) if m["role"] == "assistant"]


def roles(server: LocalServer, index: int = -1) -> list[str]:
    return [message["role"] for message in sent(server, index)]


def assert_shared_prefix(server: LocalServer) -> None:
    """Assert that each request begins with the bytes of the one before, up to the end of its messages."""
    assert len(server.requests) > 1
    assert all(before.raw.endswith(b"]}") for before in server.requests)
    assert all(is_extended_by(before, after) for before, after in itertools.pairwise(server.requests))


async def agent_run(agent: Any, question: str, **options: Any) -> str:
    return str(await agent.run(question, **options))


MODES = {"streamed": True, "complete": False}
both_modes = pytest.mark.parametrize(
    ("endpoint", "streamed"),
    [
        pytest.param(endpoint, MODES[name], id="-".join((*endpoint, name)))
        for number, endpoint in enumerate(ENDPOINTS)
        for name in MODES
        if endpoint[0] == "deepseek" or number % 2 == (name == "complete")
    ],
    indirect=["endpoint"],
)
"""Each endpoint with a mode of answers: DeepSeek's with both, those of the other hosts with each in turn."""


@pytest.fixture
def agent(llm: DeepSeekV4, streamed: bool) -> FunctionAgent:
    return FunctionAgent(llm=llm, tools=[get_weather], system_prompt="You know the weather.", streaming=streamed)


class TestAgents:
    @both_modes
    async def test_agent_loop(self, agent: FunctionAgent, server: LocalServer) -> None:
        server.script(call("first", PARIS, text="Let me see."), call("second", ROME), answer("third"))
        await agent_run(agent, "Weather?")
        assert passed_back(server) == ["first", "second"]
        assert sent(server)[2]["content"] == "Let me see."
        assert_shared_prefix(server)

    @both_modes
    async def test_parallel_tools(self, agent: FunctionAgent, server: LocalServer) -> None:
        server.script(call("both", PARIS, ROME), answer("done"))
        await agent_run(agent, "Weather?")
        assert roles(server) == ["system", "user", "assistant", "tool", "tool"]
        assert passed_back(server) == ["both"]
        assert_shared_prefix(server)

    @both_modes
    async def test_arguments_are_passed_back_verbatim(
        self, agent: FunctionAgent, server: LocalServer, protocol: str
    ) -> None:
        arguments = '{ "city" :  "Paris" }'  # not a serialiser's spacing
        server.script(Turn(reasoning="r", tool_calls=[ToolCall("get_weather", arguments)]), answer("done"))
        await agent_run(agent, "Weather?")
        passed = sent(server)[2]["tool_calls"][0]["function"]["arguments"]
        assert passed == arguments or (
            protocol == "messages" and json.loads(passed) == PARIS
        )  # its arguments are objects, not text

    @both_modes
    async def test_next_user_turns(self, agent: FunctionAgent, server: LocalServer, llm: DeepSeekV4) -> None:
        """Streamed with one type of memory, complete with the other."""
        memory = Memory.from_defaults(session_id="s") if agent.streaming else ChatMemoryBuffer.from_defaults(llm=llm)
        for turn in range(3):
            server.script(call(f"ask {turn}", PARIS, ROME), answer(f"tell {turn}"))
            await agent_run(agent, f"Weather {turn}?", memory=memory)
        assert passed_back(server) == ["ask 0", "tell 0", "ask 1", "tell 1", "ask 2"]
        assert_shared_prefix(server)

    @both_modes
    async def test_empty_and_missing_reasoning(self, agent: FunctionAgent, server: LocalServer) -> None:
        memory = Memory.from_defaults(session_id="s")
        server.script(call("", PARIS), answer(""), answer("x"))
        await agent_run(agent, "Weather?", memory=memory)
        await agent_run(agent, "Again?", memory=memory)
        assert passed_back(server) == ["", ""]

    async def test_forced_first_tool(self, llm: DeepSeekV4, server: LocalServer) -> None:
        agent = FunctionAgent(llm=llm, tools=[get_weather], initial_tool_choice="get_weather")
        server.script(call("unseen", PARIS), call("second", ROME), answer("x"))
        await agent_run(agent, "Weather?")
        assert not thinking_is_on(server.requests[0])
        assert passed_back(server) == ["", "second"], "the forced call was made without thinking"

    async def test_hand_off(self, llm: DeepSeekV4, server: LocalServer) -> None:
        first = FunctionAgent(name="asker", description="Asks", system_prompt="You ask.", llm=llm, tools=[get_weather])
        second = FunctionAgent(
            name="writer", description="Writes", system_prompt="You write.", llm=llm, can_handoff_to=["asker"]
        )
        hand_over = ToolCall("handoff", {"to_agent": "writer", "reason": "to write"}, id="h")
        memory = Memory.from_defaults(session_id="s")
        server.script(
            call("look", PARIS),
            Turn(reasoning="over to you", tool_calls=[hand_over]),
            answer("writing"),
            answer("more"),
        )
        workflow = AgentWorkflow(agents=[first, second], root_agent="asker")
        assert await agent_run(workflow, "Write about Paris", memory=memory) == "An answer."
        assert passed_back(server) == ["look", "over to you"]
        assert sent(server)[0]["content"].startswith("You write.")
        await agent_run(workflow, "More", memory=memory)
        assert passed_back(server) == ["look", "over to you", "writing"]

    async def test_return_direct_with_another_call(
        self, llm: DeepSeekV4, server: LocalServer, recwarn: pytest.WarningsRecorder
    ) -> None:
        """LlamaIndex drops the results after a return_direct tool and puts a call id on an assistant message."""
        direct = FunctionTool.from_defaults(get_weather, name="direct", return_direct=True)
        agent = FunctionAgent(llm=llm, tools=[direct, get_weather])
        memory = Memory.from_defaults(session_id="s")
        calls = [ToolCall("direct", PARIS, id="c1"), ToolCall("get_weather", ROME, id="c2")]
        server.script(Turn(reasoning="two ways", tool_calls=calls), answer("on"))
        assert await agent_run(agent, "Weather?", memory=memory) == "It rains in Paris."
        await agent_run(agent, "And now?", memory=memory)
        messages = sent(server)
        assert [message["role"] for message in messages] == ["user", "assistant", "tool", "tool", "assistant", "user"]
        assert passed_back(server) == ["two ways", ""]
        assert "not executed" in messages[3]["content"]
        assert "tool_call_id" not in messages[4]
        assert any(issubclass(warning.category, HistoryRepairedWarning) for warning in recwarn)

    async def test_an_agent_with_a_state_prompt(self, llm: DeepSeekV4, server: LocalServer) -> None:
        agent = FunctionAgent(llm=llm, tools=[get_weather], initial_state={"mood": "good"})
        memory = Memory.from_defaults(session_id="s")
        server.script(call("r1", PARIS), answer("r2"), answer("r3"))
        await agent_run(agent, "Weather?", memory=memory)
        await agent_run(agent, "Again?", memory=memory)
        assert passed_back(server) == ["r1", "r2"]

    @both_modes
    async def test_a_context_that_is_continued(self, agent: FunctionAgent, server: LocalServer) -> None:
        context = Context(agent)
        memory = Memory.from_defaults(session_id="s")
        server.script(call("r1", PARIS), answer("r2"), answer("r3"))
        await agent_run(agent, "Weather?", ctx=context, memory=memory)
        await agent_run(agent, "Again?", ctx=context, memory=memory)
        assert passed_back(server) == ["r1", "r2"]


class TestStores:
    """Histories that were stored and loaded."""

    @both_modes
    async def test_sql_chat_store(self, agent: FunctionAgent, server: LocalServer, tmp_path: Path) -> None:
        uri = f"sqlite+aiosqlite:///{tmp_path / 'chat.db'}"
        server.script(call("asked", PARIS, ROME), answer("answered"), answer("x"))
        await agent_run(agent, "Weather?", memory=Memory.from_defaults(session_id="s", async_database_uri=uri))
        reloaded = Memory.from_defaults(session_id="s", async_database_uri=uri)
        await agent_run(agent, "Again?", memory=reloaded)
        assert passed_back(server) == ["asked", "answered"]
        assert_shared_prefix(server)

    @both_modes
    async def test_simple_chat_store_on_disk(
        self, agent: FunctionAgent, server: LocalServer, llm: DeepSeekV4, tmp_path: Path
    ) -> None:
        store = SimpleChatStore()
        memory = ChatMemoryBuffer.from_defaults(llm=llm, chat_store=store, chat_store_key="ada")
        server.script(call("asked", PARIS), answer("answered"), answer("x"))
        await agent_run(agent, "Weather?", memory=memory)
        path = tmp_path / "store.json"
        # SimpleChatStore.persist() fails on pydantic 2.14 (llama-index-core 0.14.25), so the messages are written here
        stored = {key: [m.model_dump(mode="json") for m in messages] for key, messages in store.store.items()}
        path.write_text(json.dumps(stored))
        read = {
            key: [ChatMessage.model_validate(m) for m in messages]
            for key, messages in json.loads(path.read_text()).items()
        }
        reloaded = ChatMemoryBuffer.from_defaults(llm=llm, chat_store=SimpleChatStore(store=read), chat_store_key="ada")
        await agent_run(agent, "Again?", memory=reloaded)
        assert passed_back(server) == ["asked", "answered"]
        assert_shared_prefix(server)

    @pytest.mark.parametrize(
        "copied",
        [
            lambda messages: pickle.loads(pickle.dumps(messages)),
            lambda messages: [ChatMessage.model_validate(m.model_dump()) for m in messages],
            lambda messages: [ChatMessage.model_validate_json(m.model_dump_json()) for m in messages],
            lambda messages: [
                ChatMessage.model_validate(json.loads(json.dumps(m.model_dump(mode="json")))) for m in messages
            ],
            copy.deepcopy,
        ],
        ids=["pickle", "dump", "json", "json by hand", "deepcopy"],
    )
    @pytest.mark.parametrize("streamed", [True, False])
    def test_stored_messages(
        self,
        llm: DeepSeekV4,
        server: LocalServer,
        copied: Callable[[list[ChatMessage]], list[ChatMessage]],
        streamed: bool,
    ) -> None:
        server.script(call("asked", PARIS, ROME), answer("answered"), answer("x"))
        history = [ChatMessage(role="user", content="Weather?")]
        for _ in range(2):
            history = copied(history)
            history.append(_next(llm, history, streamed))
            history.extend(_results(llm, history[-1]))
        history = copied([*history, ChatMessage(role="user", content="Again?")])
        _next(llm, history, streamed)
        assert passed_back(server) == ["asked", "answered"]
        assert_shared_prefix(server)


def _next(llm: DeepSeekV4, history: list[ChatMessage], streamed: bool) -> ChatMessage:
    if not streamed:
        return llm.chat_with_tools([TOOL], chat_history=history, allow_parallel_tool_calls=True).message
    *_, last = llm.stream_chat_with_tools([TOOL], chat_history=history, allow_parallel_tool_calls=True)
    return last.message


def _results(llm: DeepSeekV4, message: ChatMessage) -> list[ChatMessage]:
    return [
        ChatMessage(
            role="tool",
            content=get_weather(**block.tool_kwargs),  # type: ignore[arg-type]
            additional_kwargs={"tool_call_id": block.tool_call_id},
        )
        for block in message.blocks
        if isinstance(block, ToolCallBlock)
    ]


class TestForeignHistories:
    def test_a_history_written_by_hand(self, llm: DeepSeekV4, server: LocalServer) -> None:
        history = [
            ChatMessage(role="system", content="Be brief."),
            ChatMessage(role="user", content="Weather?"),
            ChatMessage(
                role="assistant",
                blocks=[ToolCallBlock(tool_call_id="a", tool_name="get_weather", tool_kwargs=PARIS)],
            ),
            ChatMessage(role="tool", content="Rain.", additional_kwargs={"tool_call_id": "a"}),
            ChatMessage(role="assistant", content="It rains."),
        ]
        llm.chat_with_tools([TOOL], user_msg="Again?", chat_history=history)
        assert passed_back(server) == ["", ""]
        assert sent(server)[2]["content"] == ""

    @pytest.mark.parametrize("as_objects", [True, False])
    def test_a_history_of_openai(self, llm: DeepSeekV4, server: LocalServer, as_objects: bool) -> None:
        arguments = '{"city": "Paris"}'
        legacy: Any = {"id": "a", "type": "function", "function": {"name": "get_weather", "arguments": arguments}}
        if as_objects:
            function = SimpleNamespace(name="get_weather", arguments=arguments)
            legacy = SimpleNamespace(id="a", type="function", function=function)
        history = [
            ChatMessage(role="developer", content="Be brief."),
            ChatMessage(role="user", content="Weather?"),
            ChatMessage(
                role="assistant",
                blocks=[ToolCallBlock(tool_call_id="a", tool_name="get_weather", tool_kwargs=arguments)],
                additional_kwargs={"tool_calls": [legacy]},
            ),
            ChatMessage(role="tool", content="Rain.", additional_kwargs={"tool_call_id": "a"}),
        ]
        llm.chat_with_tools([TOOL], chat_history=history)
        assert roles(server) == ["system", "user", "assistant", "tool"]
        assert len(sent(server)[2]["tool_calls"]) == 1
        assert passed_back(server) == [""]

    def test_a_history_of_anthropic(self, llm: DeepSeekV4, server: LocalServer) -> None:
        point = CachePoint(cache_control=CacheControl(type="ephemeral"))
        citation = CitationBlock(cited_content="s", source="s", title="t", additional_location_info={"start": 0})
        history = [
            ChatMessage(role="system", blocks=[TextBlock(text="Be brief."), point]),
            ChatMessage(role="user", blocks=[TextBlock(text="Weather?"), point]),
            ChatMessage(
                role="assistant",
                blocks=[
                    ThinkingBlock(content="I could look.", additional_information={"signature": "abc"}),
                    ThinkingBlock(content=None, additional_information={"data": "redacted"}),
                    TextBlock(text="One moment."),
                    ToolCallBlock(tool_call_id="toolu_1", tool_name="get_weather", tool_kwargs=PARIS),
                ],
            ),
            ChatMessage(role="tool", content="Rain.", additional_kwargs={"tool_call_id": "toolu_1"}),
            ChatMessage(role="assistant", blocks=[TextBlock(text="It rains."), citation]),
        ]
        llm.chat_with_tools([TOOL], user_msg="Again?", chat_history=history)
        assert passed_back(server) == ["I could look.", ""]
        assert sent(server)[4]["content"] == "It rains."

    def test_a_history_of_older_integrations(self, llm: DeepSeekV4, server: LocalServer) -> None:
        call_ = {"id": "a", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Paris"}'}}
        history = [
            ChatMessage(role="user", content="Weather?"),
            ChatMessage(
                role="assistant", content="", additional_kwargs={"tool_calls": [call_], "reasoning_content": "kept"}
            ),
            ChatMessage(
                role="function", content="Rain.", additional_kwargs={"tool_call_id": "a", "name": "get_weather"}
            ),
        ]
        llm.chat_with_tools([TOOL], chat_history=history)
        assert passed_back(server) == ["kept"]

    def test_a_history_truncated_by_a_memory(self, llm: DeepSeekV4, server: LocalServer, protocol: str) -> None:
        """Truncation leaves a lone result at the front, or a call without one at the end."""
        history = [
            ChatMessage(role="tool", content="Rain.", additional_kwargs={"tool_call_id": "gone"}),
            ChatMessage(role="assistant", blocks=[ThinkingBlock(content="answered"), TextBlock(text="It rains.")]),
            ChatMessage(
                role="assistant",
                blocks=[
                    ThinkingBlock(content="asking"),
                    ToolCallBlock(tool_call_id="b", tool_name="get_weather", tool_kwargs=ROME),
                ],
            ),
        ]
        with pytest.warns(HistoryRepairedWarning):
            llm.chat_with_tools([TOOL], user_msg="Again?", chat_history=history)
        if protocol != "messages":
            assert roles(server) == ["assistant", "assistant", "tool", "user"]
            assert passed_back(server) == ["answered", "asking"]
        else:  # consecutive turns without a user message between them are one turn
            assert roles(server) == ["assistant", "tool", "user"]
            assert passed_back(server) == ["answeredasking"]


class TestOtherPaths:
    def test_simple_chat_engine(self, llm: DeepSeekV4, server: LocalServer, endpoint: Any) -> None:
        if endpoint == ("openrouter", "chat_completions"):  # strict: it requires the record that it sent
            server.configure(passback="lenient")
        server.script(answer("r1"), answer("r2"), answer("r3"))
        engine = SimpleChatEngine.from_defaults(llm=llm)
        engine.chat("One")
        "".join(engine.stream_chat("Two").response_gen)  # its history has the text alone
        engine.chat("Three")
        assert passed_back(server) == ["r1", ""]

    def test_thinking_switched_off(self, llm: DeepSeekV4, server: LocalServer) -> None:
        past = ChatMessage(role="assistant", blocks=[ThinkingBlock(content="r"), TextBlock(text="a")])
        history = [ChatMessage(role="user", content="q"), past, ChatMessage(role="user", content="q2")]
        llm.chat(history, thinking=False)
        assert passed_back(server) == ["(missing)"]
        llm.chat(history)
        assert passed_back(server) == ["r"]

    def test_pass_back_switched_off(self, server: LocalServer, endpoint: Any) -> None:
        llm = DeepSeekV4(**connection_to(endpoint, server), pass_back=False)
        past = ChatMessage(role="assistant", blocks=[ThinkingBlock(content="r"), TextBlock(text="a")])
        llm.chat([ChatMessage(role="user", content="q"), past, ChatMessage(role="user", content="q2")])
        assert passed_back(server) == ["(missing)"]

    def test_the_strict_server_refuses_a_history_without_reasoning(self, server: LocalServer, endpoint: Any) -> None:
        """So the tests above would fail without pass-back."""
        llm = DeepSeekV4(**connection_to(endpoint, server), pass_back=False)
        tool_call = ToolCallBlock(tool_call_id="a", tool_name="get_weather", tool_kwargs=PARIS)
        past = [
            ChatMessage(role="user", content="q"),
            ChatMessage(role="assistant", blocks=[ThinkingBlock(content="r"), tool_call]),
            ChatMessage(role="tool", content="Rain.", additional_kwargs={"tool_call_id": "a"}),
        ]
        error = "Provider returned error" if endpoint == ("openrouter", "messages") else "must be passed back"
        with pytest.raises(InvalidRequestError, match=error):
            llm.chat_with_tools([TOOL], chat_history=past)
        assert llm.chat_with_tools([TOOL], chat_history=past, pass_back=True).message.blocks

    async def test_typed_answer_in_the_middle_of_a_conversation(self, llm: DeepSeekV4, server: LocalServer) -> None:
        past = ChatMessage(role="assistant", blocks=[ThinkingBlock(content="r"), TextBlock(text="It rains.")])
        history = [ChatMessage(role="user", content="q"), past, ChatMessage(role="user", content="As JSON")]
        server.script(Turn('{"rain": true}', reasoning="x"))
        response = await llm.as_structured_llm(Weather).achat(history)
        assert response.raw == Weather(rain=True)
        assert passed_back(server) == ["r"]
