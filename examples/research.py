"""A deepagents researcher: a helper agent reads this project's docs, the researcher writes a report into a file.

deepagents needs Python 3.11. ``create_deep_agent("deepseek_v4:deepseek-v4-pro")`` works as well, with the key in
``DEEPSEEK_API_KEY``.
"""

from __future__ import annotations

from pathlib import Path

from connection import deepseek_or_local
from deepagents import create_deep_agent
from langchain_core.messages import AIMessage

from deepseek_v4.testing import ToolCall, Turn
from langchain_deepseek_v4 import ChatDeepSeekV4

DOCS = Path(__file__).resolve().parents[1] / "docs"
QUESTION = "Find out in the docs what happens to an empty answer, and write it to /report.md in two sentences."


def search_docs(words: str) -> str:
    """Return the three paragraphs of the project's docs that contain most of some words."""
    query = set(words.lower().split())
    found = [
        (sum(word in paragraph.lower() for word in query), f"{page.name}: {paragraph}")
        for page in sorted(DOCS.glob("*.md"))
        for paragraph in page.read_text(encoding="utf-8").split("\n\n")
    ]
    return "\n\n".join(text for _, text in sorted(found, key=lambda hit: -hit[0])[:3])


def main() -> None:
    """Run one research task."""
    report = "(scripted) An empty answer is retried once. If it is empty again, EmptyReplyError is raised."
    turns = [
        Turn(
            reasoning="Reading is a helper's work.",
            tool_calls=[ToolCall("task", {"description": "What happens to empty answers?", "subagent_type": "reader"})],
        ),
        Turn(
            reasoning="I search the docs.", tool_calls=[ToolCall("search_docs", {"words": "empty answer retried once"})]
        ),
        Turn("It is retried once, then EmptyReplyError is raised.", reasoning="The decisions page describes it."),
        Turn(
            reasoning="Two sentences.",
            tool_calls=[ToolCall("write_file", {"file_path": "/report.md", "content": report})],
        ),
        Turn("(scripted) The report is in /report.md.", reasoning="It is written."),
    ]
    with deepseek_or_local(*turns) as options, ChatDeepSeekV4(**options) as model:
        reader = {
            "name": "reader",
            "description": "Reads the project's docs and answers questions about them.",
            "system_prompt": "You search the docs and answer in one or two sentences.",
            "tools": [search_docs],
        }
        agent = create_deep_agent(model, subagents=[reader], system_prompt="You delegate searches to the reader.")
        state = agent.invoke({"messages": [("user", QUESTION)]}, {"recursion_limit": 60})
    print(f"> {QUESTION}")
    for message in state["messages"]:
        if isinstance(message, AIMessage):
            print(f"  thinks: {message.additional_kwargs.get('reasoning_content')}")
            for call in message.tool_calls:
                print(f"  calls {call['name']}")
    print(state["messages"][-1].text)
    for path, file in state.get("files", {}).items():
        print(f"{path}:\n{file['content']}")


if __name__ == "__main__":
    main()
