"""The same agent and the same RAG pipeline on every provider: only ``provider`` and the base URL change."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage
from llama_index.core import SimpleDirectoryReader
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.chat_engine import CondensePlusContextChatEngine
from llama_index.core.memory import Memory
from llama_index.core.node_parser import MarkdownNodeParser
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.schema import BaseNode
from llama_index.retrievers.bm25 import BM25Retriever

from deepseek_v4 import errors
from deepseek_v4.testing import LocalServer, ToolCall, Turn
from langchain_deepseek_v4 import ChatDeepSeekV4
from llama_index_deepseek_v4 import DeepSeekV4
from tests.end_to_end.providers.conftest import connection_to, server_of

DOCS = Path(__file__).resolve().parents[3] / "docs"
PROVIDERS = ["deepseek", "openrouter", "empiriolabs:variant2", "vllm", "sglang"]

BOTH = Turn(
    text="I look both up.",
    reasoning="Weather and time.\n\nTwo calls, then. ☂",
    tool_calls=[
        ToolCall("get_weather", {"city": "Paris"}, id="call_weather"),
        ToolCall("get_time", {"zone": "Europe/Paris"}, id="call_time"),
    ],
)
MORE = Turn(reasoning="Rome too.", tool_calls=[ToolCall("get_weather", {"city": "Rome"}, id="call_rome")])
ANSWER = Turn(text="It rains, and it is noon.", reasoning="Now I can answer. 雨")
NEXT = Turn(text="Take an umbrella.", reasoning="Rain means umbrella.")
THOUGHTS = [BOTH.reasoning, MORE.reasoning, ANSWER.reasoning]
GROWING = [THOUGHTS[:n] for n in range(4)]

REASONING_FIELDS = {
    "deepseek": {"reasoning_content"},
    "openrouter": {"reasoning_content", "reasoning_details"},
    "empiriolabs:variant2": {"reasoning_content"},
    "vllm": {"reasoning", "reasoning_content"},
    "sglang": {"reasoning_content"},
}


def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"It rains in {city}."


def get_time(zone: str) -> str:
    """The time in a zone."""
    return "12:00"


TOOLS = [get_weather, get_time]


@pytest.fixture(params=PROVIDERS)
def provider(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def server(provider: str) -> Iterator[LocalServer]:
    with server_of(provider) as server:
        yield server


@pytest.fixture
def options(provider: str, server: LocalServer) -> dict[str, Any]:
    return connection_to(provider, server)


def passed_back(server: LocalServer, provider: str) -> list[list[str]]:
    """Return the past reasoning of each request; each field that the provider requires has the same text."""
    reasoning = []
    for request in server.requests:
        assert request.status == 200, request.body
        past = [message for message in request.body["messages"] if message["role"] == "assistant"]
        for message in past:
            fields = {key for key in message if key.startswith("reasoning")}
            assert fields == REASONING_FIELDS[provider]
            for name in fields - {"reasoning_details"}:
                assert message[name] == message["reasoning_content"]
            if "reasoning_details" in fields:
                texts = [detail["text"] for detail in message["reasoning_details"]]
                assert "".join(texts) == message["reasoning_content"]
        reasoning.append([message["reasoning_content"] for message in past])
    return reasoning


@pytest.mark.parametrize("shape", [{}, {"output_version": "v1"}], ids=["v0", "v1"])
@pytest.mark.parametrize("streamed", [False, True], ids=["complete", "streamed"])
def test_the_same_langchain_agent(
    provider: str, server: LocalServer, options: dict[str, Any], streamed: bool, shape: dict[str, Any]
) -> None:
    server.script(BOTH, MORE, ANSWER, NEXT)
    agent = create_agent(ChatDeepSeekV4(**options, **shape, thinking=True), TOOLS, system_prompt="Be brief.")
    history: list[Any] = [HumanMessage("How are Paris and Rome?")]
    if streamed:
        chunks = []
        for mode, data in agent.stream({"messages": history}, stream_mode=["messages", "values"]):
            if mode == "messages":
                chunks.append(data[0])
            else:
                history = data["messages"]
        received = [c for c in chunks if isinstance(c, AIMessageChunk)]
        thought = [b.get("reasoning", "") for c in received for b in c.content_blocks if b["type"] == "reasoning"]
        assert "".join(thought) == "".join(map(str, THOUGHTS))
    else:
        history = agent.invoke({"messages": history})["messages"]
    assert history[-1].text == ANSWER.text
    last = agent.invoke({"messages": [*history, HumanMessage("What should I take?")]})["messages"][-1]
    assert isinstance(last, AIMessage)
    assert last.text == NEXT.text
    assert last.usage_metadata is not None
    assert last.response_metadata["model_provider"]
    assert passed_back(server, provider) == GROWING
    results = [m for m in server.requests[1].body["messages"] if m["role"] == "tool"]
    assert [(m["tool_call_id"], m["content"]) for m in results] == [
        ("call_weather", "It rains in Paris."),
        ("call_time", "12:00"),
    ]
    assert [bool(r.body.get("stream")) for r in server.requests] == [streamed] * 3 + [False]


async def test_the_same_async_langchain_agent(provider: str, server: LocalServer, options: dict[str, Any]) -> None:
    server.script(BOTH, ANSWER)
    async with ChatDeepSeekV4(**options) as model:
        state = await create_agent(model, TOOLS).ainvoke({"messages": [HumanMessage("How is Paris?")]})
    assert state["messages"][-1].text == ANSWER.text
    assert passed_back(server, provider) == [[], [BOTH.reasoning]]


@pytest.mark.parametrize("streaming", [False, True], ids=["complete", "streamed"])
async def test_the_same_llama_index_agent(
    provider: str, server: LocalServer, options: dict[str, Any], streaming: bool
) -> None:
    server.script(BOTH, MORE, ANSWER, NEXT)
    async with DeepSeekV4(**options, thinking=True) as llm:
        agent = FunctionAgent(llm=llm, tools=TOOLS, system_prompt="Be brief.", streaming=streaming)
        memory = Memory.from_defaults(session_id=provider)
        assert str(await agent.run("How are Paris and Rome?", memory=memory)) == ANSWER.text
        assert str(await agent.run("What should I take?", memory=memory)) == NEXT.text
    assert passed_back(server, provider) == GROWING
    assert [bool(r.body.get("stream")) for r in server.requests] == [streaming] * 4


@pytest.fixture(scope="module")
def nodes() -> list[BaseNode]:
    documents = SimpleDirectoryReader(input_files=sorted(DOCS.glob("*.md"))).load_data()
    return MarkdownNodeParser().get_nodes_from_documents(documents)


@pytest.mark.parametrize("streaming", [False, True], ids=["complete", "streamed"])
def test_the_same_query_over_documents(
    provider: str, server: LocalServer, options: dict[str, Any], nodes: list[BaseNode], streaming: bool
) -> None:
    server.script(Turn(text="Those that may pass.", reasoning="The page on errors."))
    retriever = BM25Retriever.from_defaults(nodes=nodes, similarity_top_k=3)
    engine = RetrieverQueryEngine.from_args(retriever, llm=DeepSeekV4(**options), streaming=streaming)
    response = engine.query("Which errors are retried?")
    assert str(response) == "Those that may pass."
    assert len(response.source_nodes) == 3
    (request,) = server.requests
    assert request.status == 200
    prompt = request.body["messages"][-1]["content"]
    assert "Which errors are retried?" in prompt
    for source in response.source_nodes:
        assert source.text.strip()[:200] in prompt


def test_the_same_chat_over_documents(
    provider: str, server: LocalServer, options: dict[str, Any], nodes: list[BaseNode]
) -> None:
    """Two questions; the model rephrases the second one first.

    The engine's memory stores text only; ``lenient``, because the strict OpenRouter server requires its own record.
    """
    server.configure(passback="lenient")
    server.script(
        Turn(text="One.", reasoning="a"), Turn(text="Are time-outs retried?", reasoning="b"), Turn(text="Two.")
    )
    retriever = BM25Retriever.from_defaults(nodes=nodes, similarity_top_k=2)
    engine = CondensePlusContextChatEngine.from_defaults(retriever=retriever, llm=DeepSeekV4(**options))
    assert str(engine.chat("Which errors are retried?")) == "One."
    streamed = engine.stream_chat("Time-outs too?")
    assert "".join(streamed.response_gen) == "Two."
    assert len(streamed.source_nodes) == 2
    assert [request.status for request in server.requests] == [200, 200, 200]


@pytest.mark.parametrize("variant", ["empiriolabs", "empiriolabs:variant1"])
@pytest.mark.parametrize("adapter", ["langchain", "llama_index"])
async def test_tools_on_a_variant_without_function_calling(variant: str, adapter: str) -> None:
    with server_of(variant) as server:
        options = connection_to(variant, server)
        with pytest.raises(errors.UnsupportedError, match="deepseek-v4-flash:variant2"):
            if adapter == "langchain":
                ChatDeepSeekV4(**options).bind_tools(TOOLS).invoke("How is Paris?")
            else:
                async with DeepSeekV4(**options) as llm:
                    await FunctionAgent(llm=llm, tools=TOOLS).run("How is Paris?")
        assert server.requests == []
