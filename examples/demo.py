"""The package in one run: an agent, a RAG query, a stream that breaks off, and the cost.

With DEEPSEEK_API_KEY set it calls DeepSeek. Without, it starts the local server, whose answers are scripted.
"""

from __future__ import annotations

import shutil
import sys
import textwrap
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

import langchain_deepseek_v4
import llama_index_deepseek_v4
from deepseek_v4 import Client, TextDelta
from deepseek_v4.errors import StreamInterruptedError
from deepseek_v4.testing import Fault, LocalServer, ToolCall, Turn
from langchain_deepseek_v4 import ChatDeepSeekV4
from llama_index_deepseek_v4 import DeepSeekV4

ROOT = Path(__file__).resolve().parents[1]
TERMINAL = sys.stdout.isatty()
WIDTH = min(shutil.get_terminal_size((100, 40)).columns, 100)
QUESTION = "What is the weather in Paris and what is the time in Tokyo? One sentence."
ABOUT_DOCS = "Why does a tool loop fail with status 400 when past reasoning is not passed back?"


def title(text: str) -> None:
    """Print a heading, bold if the output is a terminal."""
    print(f"\n\033[1m{text}\033[0m" if TERMINAL else f"\n{text}")


class Words:
    """Prints streamed text and starts a new line between words, never inside one."""

    def __init__(self) -> None:
        self._column = 0
        self._word = ""

    def write(self, text: str, *, dim: bool = False) -> None:
        """Print the words that a part of the text completes."""
        for character in text:
            if not character.isspace():
                self._word += character
                continue
            self._flush(dim)
            if character == "\n":
                self.end()

    def end(self, *, dim: bool = False) -> None:
        """Print the last word and end the line."""
        self._flush(dim)
        if self._column:
            print()
        self._column = 0

    def _flush(self, dim: bool) -> None:
        word, self._word = self._word, ""
        if not word:
            return
        if self._column and self._column + 1 + len(word) > WIDTH:
            print()
            self._column = 0
        space = " " if self._column else ""
        print(f"{space}\033[2m{word}\033[0m" if dim and TERMINAL else f"{space}{word}", end="", flush=True)
        self._column += len(space) + len(word)


@tool
def get_weather(city: str) -> str:
    """Return the current weather in a city."""
    return f"{city}: 18 °C, light rain"


@tool
def get_time(city: str) -> str:
    """Return the local time in a city."""
    return f"{city}: 21:40"


def run_agent(options: dict[str, Any]) -> None:
    """Stream an agent: dimmed reasoning, tool calls, answer; then the size of the reasoning that was passed back."""
    title(f"1. LangChain agent: {QUESTION}")
    model = ChatDeepSeekV4(**options)
    agent = create_agent(model, tools=[get_weather, get_time])
    messages: list[Any] = [HumanMessage(QUESTION)]
    words, thinking = Words(), False
    for mode, data in agent.stream({"messages": messages}, stream_mode=["messages", "updates"]):
        if mode == "messages":
            if isinstance(data[0], AIMessageChunk):
                if reasoning := data[0].additional_kwargs.get("reasoning_content"):
                    words.write(reasoning, dim=True)
                    thinking = True
                elif data[0].text:
                    if thinking:
                        words.end(dim=True)
                    thinking = False
                    words.write(data[0].text)
            continue
        words.end()
        for message in (each for update in data.values() for each in update["messages"]):
            messages.append(message)
            if isinstance(message, AIMessage):
                for call in message.tool_calls:
                    print(f"  calls {call['name']}({', '.join(map(repr, call['args'].values()))})")
            elif isinstance(message, ToolMessage):
                print(f"  {message.name} returned {message.content}")
    sent = model.preview(messages[:-1]).body["messages"]
    passed_back = [message["reasoning_content"] for message in sent if message["role"] == "assistant"]
    print(f"  The second request passed back {sum(map(len, passed_back))} characters of reasoning, unchanged.")


def run_query(options: dict[str, Any]) -> None:
    """Query the project's own docs with a BM25 retriever, and print the sources of the answer."""
    title(f"2. LlamaIndex RAG over this project's docs: {ABOUT_DOCS}")
    files = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    documents = SimpleDirectoryReader(input_files=files).load_data()
    nodes = MarkdownNodeParser().get_nodes_from_documents(documents)
    retriever = BM25Retriever.from_defaults(nodes=nodes, similarity_top_k=3)
    response = RetrieverQueryEngine.from_args(retriever, llm=DeepSeekV4(**options)).query(ABOUT_DOCS)
    print(textwrap.fill(" ".join(str(response).split()), WIDTH, max_lines=4))
    for source in response.source_nodes:
        line = f"source {source.metadata['file_name']} (score {source.score:.2f}): {source.text}"
        print(f"  {textwrap.shorten(line, WIDTH - 2, placeholder=' …')}")


def run_cut_stream() -> None:
    """Stream from the local server, which closes the connection in the middle of the answer."""
    title("3. A stream that breaks off (always the local server)")
    with LocalServer() as server, Client(base_url=server.base_url, api_key=server.api_key) as client:
        server.script(Turn("Transfer 100 euros to the account of the landlord."))
        server.fault(Fault.cut_stream(after_events=8))
        try:
            text = "".join(delta.text for delta in client.stream("Pay") if isinstance(delta, TextDelta))
            print(f"The answer is complete: {text}")
        except StreamInterruptedError as error:
            partial = error.partial.content if error.partial else ""
            print(f"  StreamInterruptedError, not a shorter answer; .partial has what arrived: {partial!r}")


def main() -> None:
    """Run everything, live or against the local server."""
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
        with langchain_deepseek_v4.UsageReport() as agent, llama_index_deepseek_v4.UsageReport() as query:
            run_agent(options)
            run_query(options)
        run_cut_stream()
        title("Tokens and cost")
        print(f"  agent: {agent}\n  query: {query}")


if __name__ == "__main__":
    main()
