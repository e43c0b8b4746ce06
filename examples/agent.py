"""A LangGraph agent with a checkpointer: its reasoning is stored in a checkpoint and passed back to the model."""

from __future__ import annotations

from connection import deepseek_or_local
from langchain.agents import create_agent
from langgraph.checkpoint.sqlite import SqliteSaver

from deepseek_v4.testing import ToolCall, Turn
from langchain_deepseek_v4 import ChatDeepSeekV4


def look_up(topic: str) -> str:
    """Return the handbook's entry on a topic."""
    return f"The handbook on {topic}: thirty days a year."


def main() -> None:
    """Send two questions in one thread."""
    turns = [
        Turn(reasoning="The answer is in the handbook.", tool_calls=[ToolCall("look_up", {"topic": "holidays"})]),
        Turn("(scripted) You have thirty days a year.", reasoning="I have read it."),
        Turn("(scripted) That is two and a half days a month.", reasoning="Thirty divided by twelve."),
    ]
    with deepseek_or_local(*turns) as options, SqliteSaver.from_conn_string(":memory:") as memory:
        agent = create_agent(ChatDeepSeekV4(**options), tools=[look_up], checkpointer=memory)
        thread = {"configurable": {"thread_id": "1"}}
        for question in ("How many holidays do I have? Look it up.", "And per month?"):
            state = agent.invoke({"messages": [("user", question)]}, thread)
            print(f"> {question}\n{state['messages'][-1].text}")
        reasoning = [m.additional_kwargs.get("reasoning_content") for m in state["messages"] if m.type == "ai"]
        print("reasoning in the history:", reasoning)


if __name__ == "__main__":
    main()
