"""Two LlamaIndex agents: one looks up facts and hands off, the other writes. The reasoning of both is printed."""

from __future__ import annotations

import asyncio

from connection import deepseek_or_local
from llama_index.core.agent.workflow import AgentOutput, AgentStream, AgentWorkflow, FunctionAgent, ToolCallResult

from deepseek_v4.testing import ToolCall, Turn
from llama_index_deepseek_v4 import DeepSeekV4

QUESTION = "Write one line for our customers about how long a table takes to arrive."


def look_up(goods: str) -> str:
    """Return the delivery time of goods, from the shop's list."""
    return {"chair": "three days", "table": "two weeks"}.get(goods, f"{goods} is not on the list")


async def main() -> None:
    """Send one question to the researcher; the writer returns the answer."""
    turns = [
        Turn(reasoning="The list shows how long a table takes.", tool_calls=[ToolCall("look_up", {"goods": "table"})]),
        Turn(
            reasoning="Two weeks. The line itself is the writer's work.",
            tool_calls=[ToolCall("handoff", {"to_agent": "writer", "reason": "A table takes two weeks."})],
        ),
        Turn("(scripted) Your table is with you in two weeks.", reasoning="One line, friendly, two weeks in it."),
    ]
    with deepseek_or_local(*turns) as options:
        llm = DeepSeekV4(**options)
        researcher = FunctionAgent(
            name="researcher",
            description="Looks facts up.",
            system_prompt="You look facts up and hand over to the writer; you write nothing yourself.",
            tools=[look_up],
            llm=llm,
            can_handoff_to=["writer"],
        )
        writer = FunctionAgent(
            name="writer",
            description="Writes for customers.",
            system_prompt="You write one friendly line from the facts that were found.",
            llm=llm,
            can_handoff_to=[],
        )
        run = AgentWorkflow(agents=[researcher, writer], root_agent="researcher").run(QUESTION)
        print(f"> {QUESTION}")
        thinking = False
        async for event in run.stream_events():
            if isinstance(event, AgentStream) and event.thinking_delta:
                print("" if thinking else f"{event.current_agent_name} thinks: ", event.thinking_delta, sep="", end="")
                thinking = True
            elif isinstance(event, AgentOutput):
                print()
                thinking = False
            elif isinstance(event, ToolCallResult):
                print(f"  {event.tool_name}({event.tool_kwargs}) returned {event.tool_output}")
        answer = await run
        print(f"{answer.current_agent_name} answers: {answer}")
        await llm.aclose()


if __name__ == "__main__":
    asyncio.run(main())
