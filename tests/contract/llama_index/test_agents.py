"""LlamaIndex's agents on ``DeepSeekV4``: strict server, thinking on."""

from __future__ import annotations

from typing import Any

import pytest
from llama_index.core.agent.workflow import (
    AgentOutput,
    AgentStream,
    AgentWorkflow,
    CodeActAgent,
    FunctionAgent,
    ReActAgent,
    ToolCallResult,
)
from llama_index.core.memory import ChatMemoryBuffer, Memory
from llama_index.core.tools import FunctionTool
from pydantic import BaseModel

from deepseek_v4 import errors
from deepseek_v4.testing import Fault, LocalServer, ToolCall, Turn
from llama_index_deepseek_v4 import DeepSeekV4


def get_weather(city: str) -> str:
    """Tell the weather of a city."""
    return f"It rains in {city}."


def explode() -> str:
    """Fail."""
    raise RuntimeError("no rain gauge")


def run_code(code: str) -> str:
    """Run code."""
    return f"ran {code}"


class Forecast(BaseModel):
    """A forecast."""

    city: str
    rain: bool


CALL = Turn("Let me see.", reasoning="I should ask.", tool_calls=[ToolCall("get_weather", {"city": "Paris"}, id="c1")])
TWO = Turn(
    reasoning="Two calls at once.",
    tool_calls=[
        ToolCall("get_weather", {"city": "Paris"}, id="c1"),
        ToolCall("get_weather", {"city": "Rome"}, id="c2"),
    ],
)
ANSWER = Turn("Take an umbrella.", reasoning="It rains, so.")


async def run(agent: Any, question: str, **options: Any) -> tuple[AgentOutput, list[Any]]:
    handler = agent.run(question, **options)
    events = [event async for event in handler.stream_events()]
    return await handler, events


@pytest.mark.parametrize("streaming", [True, False])
class TestFunctionAgent:
    async def test_a_loop_with_one_tool(self, llm: DeepSeekV4, server: LocalServer, streaming: bool) -> None:
        server.script(CALL, ANSWER)
        agent = FunctionAgent(llm=llm, tools=[get_weather], streaming=streaming)
        output, events = await run(agent, "Weather in Paris?")
        assert str(output) == "Take an umbrella."
        results = [event for event in events if isinstance(event, ToolCallResult)]
        assert [(r.tool_name, r.tool_kwargs, str(r.tool_output)) for r in results] == [
            ("get_weather", {"city": "Paris"}, "It rains in Paris.")
        ]
        assert output.raw["usage"]["total_tokens"] > 0
        sent = server.requests[1].body["messages"]
        assert [message["role"] for message in sent] == ["user", "assistant", "tool"]
        assert sent[1]["reasoning_content"] == "I should ask."
        assert sent[1]["content"] == "Let me see."

    async def test_parallel_tools(self, llm: DeepSeekV4, server: LocalServer, streaming: bool) -> None:
        server.script(TWO, ANSWER)
        agent = FunctionAgent(llm=llm, tools=[get_weather], streaming=streaming)
        output, events = await run(agent, "Weather in Paris and Rome?")
        assert str(output) == "Take an umbrella."
        assert sum(isinstance(event, ToolCallResult) for event in events) == 2
        assert [m["role"] for m in server.requests[1].body["messages"]] == ["user", "assistant", "tool", "tool"]

    async def test_one_call_at_a_time(self, llm: DeepSeekV4, server: LocalServer, streaming: bool) -> None:
        server.script(TWO, ANSWER)
        agent = FunctionAgent(llm=llm, tools=[get_weather], streaming=streaming, allow_parallel_tool_calls=False)
        _, events = await run(agent, "Weather in Paris and Rome?")
        assert sum(isinstance(event, ToolCallResult) for event in events) == 1
        assert len(server.requests[1].body["messages"][1]["tool_calls"]) == 1

    async def test_initial_tool_choice(self, llm: DeepSeekV4, server: LocalServer, streaming: bool) -> None:
        agent = FunctionAgent(
            llm=llm, tools=[get_weather, run_code], streaming=streaming, initial_tool_choice="get_weather"
        )
        server.script(CALL, ANSWER)
        await run(agent, "Weather in Paris?")
        first, second = (request.body for request in server.requests)
        assert first["tool_choice"]["function"]["name"] == "get_weather"
        assert first["thinking"] == {"type": "disabled"}
        assert "tool_choice" not in second
        assert "thinking" not in second
        assert second["messages"][1]["reasoning_content"] == "", "only the second call is made with thinking"

    async def test_a_tool_that_fails(self, llm: DeepSeekV4, server: LocalServer, streaming: bool) -> None:
        server.script(Turn(reasoning="r", tool_calls=[ToolCall("explode", {})]), ANSWER)
        output, _ = await run(FunctionAgent(llm=llm, tools=[explode], streaming=streaming), "q")
        assert str(output) == "Take an umbrella."
        assert "no rain gauge" in server.requests[1].body["messages"][-1]["content"]

    async def test_a_tool_that_does_not_exist(self, llm: DeepSeekV4, server: LocalServer, streaming: bool) -> None:
        server.script(Turn(reasoning="r", tool_calls=[ToolCall("made_up", {})]), ANSWER)
        output, _ = await run(FunctionAgent(llm=llm, tools=[get_weather], streaming=streaming), "q")
        assert str(output) == "Take an umbrella."
        assert "made_up" in server.requests[1].body["messages"][-1]["content"]

    async def test_a_tool_that_returns_nothing(self, llm: DeepSeekV4, server: LocalServer, streaming: bool) -> None:
        server.script(Turn(reasoning="r", tool_calls=[ToolCall("quiet", {})]), ANSWER)
        tool = FunctionTool.from_defaults(lambda: "", name="quiet", description="Returns nothing.")
        await run(FunctionAgent(llm=llm, tools=[tool], streaming=streaming), "q")
        assert server.requests[1].body["messages"][-1]["content"] == ""

    async def test_cut_arguments_stop_the_run(self, llm: DeepSeekV4, server: LocalServer, streaming: bool) -> None:
        server.script(CALL)
        server.fault(Fault.truncated_arguments())
        with pytest.raises(errors.MalformedResponseError, match="raise max_tokens"):
            await run(FunctionAgent(llm=llm, tools=[get_weather], streaming=streaming), "q")

    async def test_a_typed_result(self, llm: DeepSeekV4, server: LocalServer, streaming: bool) -> None:
        server.script(CALL, ANSWER, Turn('{"city": "Paris", "rain": true}', reasoning="As JSON."))
        agent = FunctionAgent(llm=llm, tools=[get_weather], streaming=streaming, output_cls=Forecast)
        output, _ = await run(agent, "Weather in Paris?")
        assert output.get_pydantic_model(Forecast) == Forecast(city="Paris", rain=True)
        assert "thinking" not in server.requests[-1].body

    async def test_a_final_answer_after_the_last_iteration(
        self, llm: DeepSeekV4, server: LocalServer, streaming: bool
    ) -> None:
        server.script(
            *[Turn(reasoning="r", tool_calls=[ToolCall("get_weather", {"city": str(number)})]) for number in range(2)],
            ANSWER,
        )
        agent = FunctionAgent(llm=llm, tools=[get_weather], streaming=streaming, early_stopping_method="generate")
        output, _ = await run(agent, "q", max_iterations=2)
        assert str(output) == "Take an umbrella."
        assert server.requests[-1].body["messages"][-1]["role"] == "system"

    async def test_memory(self, llm: DeepSeekV4, server: LocalServer, streaming: bool) -> None:
        for memory in (Memory.from_defaults(session_id="s"), ChatMemoryBuffer.from_defaults(llm=llm)):
            server.reset()
            server.script(TWO, ANSWER, Turn("Yes.", reasoning="Sure."))
            agent = FunctionAgent(llm=llm, tools=[get_weather], streaming=streaming)
            await run(agent, "Weather?", memory=memory)
            await run(agent, "Really?", memory=memory)
            sent = server.requests[-1].body["messages"]
            assert [message["role"] for message in sent] == ["user", "assistant", "tool", "tool", "assistant", "user"]
            assert [m["reasoning_content"] for m in sent if m["role"] == "assistant"] == [
                "Two calls at once.",
                "It rains, so.",
            ]


class TestThinkingDelta:
    """Thinking is in the deltas of ``AgentStream``, and never in the text."""

    @pytest.mark.parametrize("kind", ["function", "react", "codeact"])
    async def test_thinking_is_streamed_by_every_agent(self, llm: DeepSeekV4, server: LocalServer, kind: str) -> None:
        text = "Thought: easy.\nAnswer: Done." if kind == "react" else "Done."
        server.script(Turn(text, reasoning="Some long thinking."))
        agent: Any = {
            "function": lambda: FunctionAgent(llm=llm, tools=[get_weather]),
            "react": lambda: ReActAgent(llm=llm, tools=[get_weather]),
            "codeact": lambda: CodeActAgent(llm=llm, code_execute_fn=run_code),
        }[kind]()
        output, events = await run(agent, "q")
        streamed = [event for event in events if isinstance(event, AgentStream)]
        assert "".join(event.thinking_delta or "" for event in streamed) == "Some long thinking."
        assert "".join(event.delta for event in streamed) == text
        assert streamed[-1].response == text
        assert streamed[-1].raw["usage"]["total_tokens"] > 0
        assert "thinking" not in str(output)

    async def test_tool_calls_come_with_the_last_event(self, llm: DeepSeekV4, server: LocalServer) -> None:
        server.script(TWO, ANSWER)
        _, events = await run(FunctionAgent(llm=llm, tools=[get_weather]), "q")
        streamed = [event for event in events if isinstance(event, AgentStream)]
        with_calls = [event for event in streamed if event.tool_calls]
        assert len(with_calls) == 1
        assert [call.tool_kwargs["city"] for call in with_calls[0].tool_calls] == ["Paris", "Rome"]
        fragments = [
            call["function"]["arguments"]
            for event in streamed
            for choice in (event.raw or {}).get("choices", [])
            for call in choice.get("delta", {}).get("tool_calls", [])
        ]
        assert len(fragments) > 4, "the fragments of the arguments are in raw"


class TestOtherAgents:
    async def test_react(self, llm: DeepSeekV4, server: LocalServer) -> None:
        server.script(
            Turn('Thought: ask.\nAction: get_weather\nAction Input: {"city": "Paris"}', reasoning="r1"),
            Turn("Thought: I can answer.\nAnswer: It rains.", reasoning="r2"),
        )
        output, events = await run(ReActAgent(llm=llm, tools=[get_weather]), "Weather in Paris?")
        assert str(output) == "It rains."
        assert sum(isinstance(event, ToolCallResult) for event in events) == 1

    async def test_react_after_an_answer_with_only_thinking(self, llm: DeepSeekV4, server: LocalServer) -> None:
        server.script(Turn("", reasoning="All in here."), Turn("Thought: well.\nAnswer: It rains.", reasoning="r2"))
        llm.on_empty = "return"  # the agent itself sends another request
        output, _ = await run(ReActAgent(llm=llm, tools=[get_weather]), "q")
        assert str(output) == "It rains."

    async def test_code(self, llm: DeepSeekV4, server: LocalServer) -> None:
        server.script(Turn("<execute>print(1)</execute>", reasoning="r1"), Turn("It printed 1.", reasoning="r2"))
        output, events = await run(CodeActAgent(llm=llm, code_execute_fn=run_code), "q")
        assert str(output) == "It printed 1."
        assert [str(e.tool_output) for e in events if isinstance(e, ToolCallResult)] == ["ran print(1)"]

    async def test_from_tools_or_functions_selects_function_calling(self, llm: DeepSeekV4) -> None:
        workflow = AgentWorkflow.from_tools_or_functions([get_weather], llm=llm)
        assert [type(agent) for agent in workflow.agents.values()] == [FunctionAgent]

    @pytest.mark.parametrize("second", ["function", "codeact"])
    async def test_hand_off(self, llm: DeepSeekV4, server: LocalServer, second: str) -> None:
        hand_over = {"to_agent": "writer", "reason": "writing"}
        server.script(
            CALL,
            Turn(reasoning="Now the writer.", tool_calls=[ToolCall("handoff", hand_over, id="h1")]),
            ANSWER,
        )
        asker = FunctionAgent(name="asker", description="Asks", system_prompt="You ask.", llm=llm, tools=[get_weather])
        writer: Any = (
            FunctionAgent(name="writer", description="Writes", system_prompt="You write.", llm=llm)
            if second == "function"
            else CodeActAgent(name="writer", description="Writes", llm=llm, code_execute_fn=run_code)
        )
        workflow = AgentWorkflow(agents=[asker, writer], root_agent="asker")
        output, _ = await run(workflow, "Write about the weather in Paris")
        assert str(output) == "Take an umbrella."
        sent = [message for message in server.requests[-1].body["messages"] if message["role"] == "assistant"]
        assert [message["reasoning_content"] for message in sent] == ["I should ask.", "Now the writer."]
