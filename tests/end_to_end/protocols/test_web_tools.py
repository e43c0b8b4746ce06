"""DeepSeek's Search and Fetch APIs, over a real socket: the client, LangChain tools, the LlamaIndex tool spec."""

from __future__ import annotations

import time
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import ToolMessage
from llama_index.core.agent.workflow import FunctionAgent

from deepseek_v4 import Client, Limiter, errors
from deepseek_v4.testing import Fault, LocalServer, ToolCall, Turn
from langchain_deepseek_v4 import ChatDeepSeekV4, DeepSeekFetch, DeepSeekSearch
from llama_index_deepseek_v4 import DeepSeekToolSpec, DeepSeekV4

URL = "https://example.com/local-server"
PRICE = 0.00075


def connection(server: LocalServer, **options: Any) -> dict[str, Any]:
    return {"base_url": server.base_url, "api_key": server.api_key, "max_retries": 0, **options}


async def test_results_and_pages_have_their_price(server: LocalServer) -> None:
    async with Client(**connection(server)) as client:
        found = client.search("V4.1 site:deepseek.com", count=5, question="What is new?", need_content=True)
        assert server.requests[-1].path == "/v1/tools/search"
        assert server.requests[-1].body == {
            "query": "V4.1 site:deepseek.com",
            "count": 5,
            "ori_question": "What is new?",
            "need_content": True,
        }
        (result,) = found.results
        assert (result.url, result.authority, result.rerank_score, found.cost) == (URL, 3, 2.1, PRICE)
        assert result.content
        assert (await client.asearch("V4.1")).results[0].content == ""
        assert (await client.asearch("nothing")).cost == 0
        page = client.fetch(URL)
        assert (await client.afetch(URL)) == page
        assert page.cost == PRICE
        assert str(page).startswith("# A page")
        assert URL in str(found)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda c: c.search(" "), "query has 1"),
        (lambda c: c.search("x" * 129), "query has 129"),
        (lambda c: c.search("x", question="y" * 129), "question has 129"),
        (lambda c: c.search("x", count=51), "count=51"),
        (lambda c: c.fetch("file:///etc/passwd"), "not an HTTP URL"),
    ],
)
def test_bad_input_is_one_error_and_nothing_is_sent(server: LocalServer, call: Any, text: str) -> None:
    with pytest.raises(errors.InvalidRequestError, match=text):
        call(Client(**connection(server)))
    assert not server.requests


async def test_a_tool_api_without_a_method_receives_the_body_unchanged(server: LocalServer) -> None:
    async with Client(**connection(server)) as client:
        assert client.call_tool_api("fetch", {"url": URL, "extra": None}).keys() == {"title", "content"}
        assert (server.requests[-1].path, server.requests[-1].body) == ("/v1/tools/fetch", {"url": URL, "extra": None})
        assert (await client.acall_tool_api("search", {"query": "V4.1"})).keys() == {"results"}
        with pytest.raises(errors.NotFoundError):
            client.call_tool_api("ocr", {})
        assert server.requests[-1].path == "/v1/tools/ocr"
        sent = len(server.requests)
        for name in ("../models", "", "ocr?x", "o\n"):
            with pytest.raises(errors.InvalidRequestError, match="not the name of a tool API"):
                client.call_tool_api(name, {})
        assert len(server.requests) == sent
    with pytest.raises(errors.UnsupportedError, match="vllm does not support web tools"):
        Client(provider="vllm", base_url=server.base_url).call_tool_api("ocr", {})


def test_errors_of_the_service_and_other_providers(server: LocalServer) -> None:
    client = Client(**connection(server))
    with pytest.raises(errors.NotFoundError, match="failed to fetch"):
        client.fetch("https://example.com/missing")
    server.fault(Fault.status(429))
    with pytest.raises(errors.RateLimitError):
        client.search("x")
    with pytest.raises(errors.UnsupportedError, match="vllm does not support web tools"):
        Client(provider="vllm", base_url=server.base_url).search("x")


async def test_langchain_tools_return_text_and_the_cost_as_artifact(server: LocalServer) -> None:
    client = Client(**connection(server))
    search, fetch = DeepSeekSearch(client=client, count=3), DeepSeekFetch(client=client)
    call = {"name": search.name, "args": {"query": "V4.1"}, "id": "call_1", "type": "tool_call"}
    for message in (search.invoke(call), await search.ainvoke(call)):
        assert isinstance(message, ToolMessage)
        assert URL in message.content
        assert message.artifact.cost == PRICE
    assert server.requests[0].body["count"] == 3
    assert fetch.invoke({"url": URL}) == await fetch.ainvoke({"url": URL})
    missing = fetch.invoke({**call, "args": {"url": "https://example.com/missing"}})
    assert (missing.status, "failed to fetch" in missing.content) == ("error", True)
    assert search.invoke({"query": "nothing"}) == "No results."
    server.fault(Fault.status(402))
    with pytest.raises(errors.InsufficientBalanceError):
        search.invoke({"query": "x"})
    assert "sk-" not in repr(search)
    await client.aclose()


async def test_searches_are_limited_to_five_per_second_by_default(server: LocalServer) -> None:
    async with Client(**connection(server)) as client, Client(**connection(server)) as other:
        assert client.web_limiter is other.web_limiter
        assert client.web_limiter is not None
        assert client.web_limiter.requests_per_minute == 300
        client.web_limiter = Limiter(requests_per_minute=600)
        assert other.web_limiter is not client.web_limiter
        began = time.monotonic()
        for _ in range(4):
            client.search("V4.1")
            await client.afetch(URL)
        assert time.monotonic() - began > 0.4
        client.web_limiter = None
        assert client.search("V4.1").results


def test_an_agent_of_langchain_searches(server: LocalServer) -> None:
    server.script(Turn(tool_calls=[ToolCall("deepseek_search", {"query": "V4.1"})]), Turn(text="Done."))
    agent = create_agent(ChatDeepSeekV4(**connection(server)), [DeepSeekSearch(client=Client(**connection(server)))])
    messages = agent.invoke({"messages": [("user", "What is new?")]})["messages"]
    assert messages[-1].text == "Done."
    assert URL in messages[-2].text


async def test_an_agent_of_llama_index_searches(server: LocalServer) -> None:
    server.script(Turn(tool_calls=[ToolCall("search_web", {"query": "V4.1"})]), Turn(text="Done."))
    client = Client(**connection(server))
    tools = DeepSeekToolSpec(client, count=2).to_tool_list()
    assert [tool.metadata.name for tool in tools] == ["search_web", "fetch_page"]
    assert tools[1](url=URL).raw_output.cost == PRICE
    agent = FunctionAgent(tools=tools, llm=DeepSeekV4(**connection(server)))
    answer = await agent.run("What is new?")
    assert str(answer) == "Done."
    assert URL in str(answer.tool_calls[0].tool_output)
    assert any(request.body == {"query": "V4.1", "count": 2} for request in server.requests)
    await client.aclose()
