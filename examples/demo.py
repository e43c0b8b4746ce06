"""The package in one run: a LangChain agent and a LlamaIndex RAG query on DeepSeek V4.

With DEEPSEEK_API_KEY set it calls DeepSeek. Without, it starts the local server, whose answers are scripted.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from connection import deepseek_or_local
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, ToolMessage
from langchain_core.tools import tool
from llama_index.core import SimpleDirectoryReader
from llama_index.core.node_parser import MarkdownNodeParser
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.retrievers.bm25 import BM25Retriever

from deepseek_v4.testing import ToolCall, Turn
from langchain_deepseek_v4 import ChatDeepSeekV4
from llama_index_deepseek_v4 import DeepSeekV4

ROOT = Path(__file__).resolve().parents[1]
TERMINAL = sys.stdout.isatty()
QUESTION = "What is the weather in Paris and what is the time in Tokyo? One sentence."
ABOUT_DOCS = "Why does a tool loop fail with status 400 when past reasoning is not passed back?"


def dim(text: str) -> str:
    """Return a text in dim style if the output is a terminal."""
    return f"\033[2m{text}\033[0m" if TERMINAL else text


def bold(text: str) -> str:
    """Return a text in bold style if the output is a terminal."""
    return f"\033[1m{text}\033[0m" if TERMINAL else text


@tool
def get_weather(city: str) -> str:
    """Return the current weather in a city."""
    return f"{city}: 18 °C, light rain"


@tool
def get_time(city: str) -> str:
    """Return the local time in a city."""
    return f"{city}: 21:40"


def run_agent(options: dict[str, Any]) -> list[AIMessage]:
    """Stream an agent: its reasoning dimmed, its tool calls, its answer."""
    print(bold(f"LangChain agent\n> {QUESTION}"))
    agent = create_agent(ChatDeepSeekV4(**options), tools=[get_weather, get_time])
    answers: list[AIMessage] = []
    thought = False
    for mode, data in agent.stream({"messages": [HumanMessage(QUESTION)]}, stream_mode=["messages", "updates"]):
        if mode == "messages":
            chunk = data[0]
            if not isinstance(chunk, AIMessageChunk):
                continue
            reasoning = chunk.additional_kwargs.get("reasoning_content")
            if reasoning:
                print(dim(reasoning), end="", flush=True)
                thought = True
            if chunk.text:
                print(("\n" if thought else "") + chunk.text, end="", flush=True)
                thought = False
            continue
        for update in data.values():
            for message in update["messages"]:
                if isinstance(message, AIMessage):
                    answers.append(message)
                    print()
                    thought = False
                    for call in message.tool_calls:
                        print(f"  calls {call['name']}({call['args']})")
                elif isinstance(message, ToolMessage):
                    print(f"  {message.name} returned {message.content}")
    return answers


def run_query(options: dict[str, Any]) -> Any:
    """Ask the project's own docs, with a BM25 retriever, and print the sources of the answer."""
    print(bold(f"\nLlamaIndex RAG over this project's docs\n> {ABOUT_DOCS}"))
    files = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    documents = SimpleDirectoryReader(input_files=files).load_data()
    nodes = MarkdownNodeParser().get_nodes_from_documents(documents)
    llm = DeepSeekV4(**options)
    retriever = BM25Retriever.from_defaults(nodes=nodes, similarity_top_k=3)
    engine = RetrieverQueryEngine.from_args(retriever, llm=llm)
    usage: dict[str, Any] = {}
    with counted(usage):
        response = engine.query(ABOUT_DOCS)
    print(response)
    for source in response.source_nodes:
        first = " ".join(source.text.split())[:70]
        print(f"  source {source.metadata['file_name']} (score {source.score:.2f}): {first}…")
    return usage


@contextlib.contextmanager
def counted(usage: dict[str, Any]) -> Iterator[None]:
    """Collect the usage and the cost that the chat calls inside report."""
    from llama_index.core.instrumentation import get_dispatcher
    from llama_index.core.instrumentation.event_handlers import BaseEventHandler
    from llama_index.core.instrumentation.events.llm import LLMChatEndEvent

    class Counter(BaseEventHandler):
        def handle(self, event: Any, **kwargs: Any) -> None:
            if isinstance(event, LLMChatEndEvent) and event.response is not None:
                for name, value in event.response.additional_kwargs.items():
                    if name in ("prompt_tokens", "completion_tokens", "cost") and value is not None:
                        usage[name] = usage.get(name, 0) + value

    counter = Counter()
    dispatcher = get_dispatcher()
    dispatcher.add_event_handler(counter)
    try:
        yield
    finally:
        dispatcher.event_handlers.remove(counter)


def report(answers: list[AIMessage], query: dict[str, Any]) -> None:
    """Print the tokens and the cost of both."""
    usages = [message.usage_metadata for message in answers if message.usage_metadata]
    costs = [message.response_metadata.get("cost") for message in answers]
    print(bold("\nTokens and cost"))
    rows = [
        (
            "agent",
            sum(usage["input_tokens"] for usage in usages),
            sum(usage["output_tokens"] for usage in usages),
            None if None in costs else sum(costs),
        ),
        ("query", query.get("prompt_tokens", 0), query.get("completion_tokens", 0), query.get("cost")),
    ]
    for name, read, written, cost in rows:
        price = "price unknown" if cost is None else f"${cost:.6f}"
        print(f"  {name}: {read} tokens read, {written} written, {price}")


def main() -> None:
    """Run both, live or against the local server."""
    turns = [
        Turn(
            reasoning="The two questions do not depend on each other, so I call both tools at once.",
            tool_calls=[ToolCall("get_weather", {"city": "Paris"}), ToolCall("get_time", {"city": "Tokyo"})],
        ),
        Turn(
            reasoning="Both results are here. I put them into one sentence.",
            text="(scripted) In Paris it is 18 °C with light rain, and in Tokyo it is 21:40.",
        ),
        Turn(
            reasoning="The passages describe the rule for past reasoning.",
            text="(scripted) The API requires the reasoning of past tool calls, and refuses a history without it.",
        ),
    ]
    with deepseek_or_local(*turns) as options:
        report(run_agent(options), run_query(options))


if __name__ == "__main__":
    main()
