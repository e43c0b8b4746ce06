"""Tools that DeepSeek runs itself, over a real socket: requests, blocks sent again, citations, cost."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from llama_index.core.base.llms.types import ChatMessage, CitationBlock

from deepseek_v4 import Client, Message, Reply, fold
from deepseek_v4.testing import LocalServer
from langchain_deepseek_v4 import ChatDeepSeekV4
from llama_index_deepseek_v4 import DeepSeekV4

PROTOCOLS = ("chat_completions", "responses", "messages")
TOOLS = [{"type": "deepseek_web_search"}, {"type": "deepseek_read_url"}]
PAGE = "https://example.com/local-server"
PEAK_FREE = 1_793_793_600  # 2026-11-04T12:00Z
NEXT = "And tomorrow?"


@pytest.fixture(autouse=True)
def november(server: LocalServer) -> None:
    server.configure(clock=PEAK_FREE, fragment=None)


def connection(server: LocalServer, **options: Any) -> dict[str, Any]:
    return {"base_url": server.base_url, "api_key": server.api_key, "max_retries": 0, **options}


def found_in(body: Any) -> list[Any]:
    """Return all objects of a body that belong to a search."""
    if isinstance(body, dict):
        inner = [each for value in body.values() for each in found_in(value)]
        kind = str(body.get("type"))
        own = kind == "web_search_call" or kind.endswith(("server_tool_use", "search_tool_result"))
        return [body, *inner] if own else inner
    return [each for value in body for each in found_in(value)] if isinstance(body, list) else []


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("thinking", [True, False])
@pytest.mark.parametrize("stream", [True, False])
def test_a_search_is_sent_again_unchanged_and_costs_its_price(
    server: LocalServer, protocol: str, thinking: bool, stream: bool
) -> None:
    with Client(**connection(server, protocol=protocol, thinking=thinking, model="deepseek-flash")) as client:
        call = (lambda *a, **o: fold(client.stream(*a, **o))) if stream else client.chat
        reply: Reply = call("Who won?", tools=TOOLS)
        plain = client.chat("Who won?")
        assert reply.usage is not None
        assert reply.usage.server_tool_calls == 1
        assert plain.usage is not None
        assert plain.usage.server_tool_calls is None
        client.chat([Message.user("Who won?"), reply.to_message(), Message.user(NEXT)], tools=TOOLS)
    kinds = [tool["type"] for tool in server.requests[0].body["tools"]]
    assert kinds == ["deepseek_web_search", "deepseek_read_url"]
    names = [tool.get("name") for tool in server.requests[0].body["tools"]]
    assert names == (kinds if protocol == "messages" else [None, None])
    received = found_in({"content": reply.extra.get("content") or reply.extra.get("output")}) or found_in(
        reply.extra.get("server_tool_blocks")
    )
    assert received
    assert found_in(server.requests[-1].body) == received


def test_the_price_of_a_search_is_in_the_cost() -> None:
    from deepseek_v4.catalog import cost_of
    from deepseek_v4.values.reply import Usage

    def cost(created: int, calls: int | None, provider: str = "deepseek") -> float:
        usage = Usage(1_000_000, 0, server_tool_calls=calls)
        price = cost_of(usage, provider, "deepseek-flash", created)
        assert price is not None
        return price.usd

    assert cost(PEAK_FREE, None) == 0.15
    assert cost(PEAK_FREE, 2) == 0.1515
    assert cost(1_793_462_399, 2) == 0.15  # the last second of October in Beijing
    assert cost(1_793_462_400, 2) == 0.1515


@pytest.mark.parametrize(
    ("model", "protocol", "tool"),
    [
        ("deepseek-flash", "chat_completions", {"type": "deepseek_web_search"}),
        ("deepseek-flash", "responses", {"type": "deepseek_web_search"}),
        ("deepseek-flash", "messages", {"type": "web_search_20250305", "name": "web_search"}),
        ("deepseek-v4-pro", "chat_completions", None),
        ("deepseek-v4-pro", "responses", {"type": "web_search"}),
        ("deepseek-v4-pro", "messages", {"type": "web_search_20250305", "name": "web_search"}),
    ],
)
def test_web_search_is_sent_as_the_tool_of_the_endpoint(model: str, protocol: str, tool: dict[str, str] | None) -> None:
    preview = Client(model=model, protocol=protocol, on_unsupported="ignore").preview("Hi", web_search=True)
    assert preview.body.get("tools") == (None if tool is None else [tool])
    assert [note.option for note in preview.notes if note.kind == "dropped"] == ([] if tool else ["web_search"])


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("output_version", ["v0", "v1"])
def test_langchain_keeps_a_search_through_json(server: LocalServer, protocol: str, output_version: str) -> None:
    model = ChatDeepSeekV4(
        **connection(server, protocol=protocol, output_version=output_version, model="deepseek-flash")
    )
    searching = model.bind_tools(TOOLS)
    streamed = searching.stream("Who won?")
    answer = next(streamed)
    for chunk in streamed:
        answer += chunk
    restored = AIMessage(**json.loads(answer.model_dump_json(include={"content", "additional_kwargs"})))
    searching.invoke([HumanMessage("Who won?"), restored, HumanMessage(NEXT)])
    assert found_in(server.requests[-1].body)
    assert answer.response_metadata["cost"] > 0.00075
    if protocol == "chat_completions" and output_version == "v1":
        (text,) = [block for block in answer.content if block["type"] == "text"]
        (citation,) = text["annotations"]
        assert (citation["type"], citation["url"]) == ("citation", PAGE)
        assert citation["cited_text"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("call", [DeepSeekV4.chat, lambda llm, *a, **o: list(llm.stream_chat(*a, **o))[-1]])
def test_llama_index_keeps_a_search_and_has_citation_blocks(
    server: LocalServer, protocol: str, call: Callable[..., Any]
) -> None:
    with DeepSeekV4(**connection(server, protocol=protocol, model="deepseek-flash")) as llm:
        answer = call(llm, [ChatMessage("Who won?")], tools=TOOLS)
        restored = ChatMessage.model_validate_json(answer.message.model_dump_json())
        llm.chat([ChatMessage("Who won?"), restored, ChatMessage(NEXT)], tools=TOOLS)
    assert found_in(server.requests[-1].body)
    assert answer.additional_kwargs["cost"] > 0.00075
    cited = [block for block in answer.message.blocks if isinstance(block, CitationBlock)]
    assert [block.source for block in cited] == ([PAGE] if protocol == "chat_completions" else [])
