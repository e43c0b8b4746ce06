"""The endpoints other than chat in LlamaIndex: fill-in-the-middle, prefixes, resumed streams, models, balance."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from llama_index.core.base.llms.types import ChatMessage, TextBlock, ThinkingBlock

from deepseek_v4.errors import StreamInterruptedError, UnsupportedError, UnsupportedOptionWarning
from deepseek_v4.testing import LocalServer, Turn
from llama_index_deepseek_v4 import DeepSeekV4
from tests.contract.llama_index.llm_conformance import CHAT, COMPLETE, ask
from tests.end_to_end.protocols.cutting import TEXT, THOUGHT, cut_streams


def connection(server: LocalServer, **options: Any) -> dict[str, Any]:
    return {"base_url": server.base_url, "api_key": server.api_key, "max_retries": 0, **options}


@pytest.fixture
def llm(server: LocalServer) -> Iterator[DeepSeekV4]:
    with DeepSeekV4(**connection(server)) as llm:
        yield llm


def thinking_of(message: ChatMessage) -> str:
    return "".join(block.content or "" for block in message.blocks if isinstance(block, ThinkingBlock))


# -- fill-in-the-middle ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", COMPLETE)
async def test_fill_in_the_middle(llm: DeepSeekV4, server: LocalServer, method: str) -> None:
    server.script(Turn("a, b", chunk_size=2))
    responses = await ask(llm, method, "def f(", suffix="):", max_tokens=50)
    assert responses[-1].text == "a, b"
    assert "".join(response.delta or "" for response in responses) in ("", "a, b")
    assert responses[-1].additional_kwargs["finish_reason"] == "stop"
    assert responses[-1].raw["usage"]["total_tokens"] > 0
    (request,) = server.requests
    assert request.path == "/beta/completions"
    assert (request.body["prompt"], request.body["suffix"], request.body["max_tokens"]) == ("def f(", "):", 50)
    assert not {"thinking", "reasoning_effort", "messages"} & request.body.keys()


def test_without_suffix_a_chat_request_is_sent(llm: DeepSeekV4, server: LocalServer) -> None:
    llm.complete("Hi")
    assert server.requests[0].path == "/chat/completions"


def test_thinking_is_reported_as_unsupported(server: LocalServer) -> None:
    expected = pytest.warns(UnsupportedOptionWarning, match="do not support thinking")
    with DeepSeekV4(**connection(server, thinking=True)) as llm, expected:
        llm.complete("x", suffix="y")
    refusing = DeepSeekV4(**connection(server, reasoning_effort="high", on_unsupported="raise"))
    with refusing as llm, pytest.raises(UnsupportedError, match="do not support thinking"):
        llm.complete("x", suffix="y")


# -- prefix ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", CHAT)
async def test_the_last_message_is_continued(llm: DeepSeekV4, server: LocalServer, method: str) -> None:
    server.script(Turn(" 391.", reasoning=" So 391."))
    begun = [ThinkingBlock(content="17 * 23 …"), TextBlock(text="It is")]
    history = [ChatMessage(role="user", content="17 * 23?"), ChatMessage(role="assistant", blocks=begun)]
    last = (await ask(llm, method, history, prefix=True))[-1]
    assert last.message.content == " 391."
    assert thinking_of(last.message) == " So 391."
    (request,) = server.requests
    assert request.path == "/beta/chat/completions"
    assert request.body["messages"][-1] == {
        "role": "assistant",
        "content": "It is",
        "reasoning_content": "17 * 23 …",
        "prefix": True,
    }


@pytest.mark.parametrize("protocol", ["responses", "messages"])
def test_other_protocols_report_that_prefix_is_not_supported(server: LocalServer, protocol: Any) -> None:
    history = [ChatMessage(role="user", content="17 * 23?"), ChatMessage(role="assistant", content="It is")]
    with DeepSeekV4(**connection(server, protocol=protocol)) as llm, pytest.raises(UnsupportedError, match="chat_comp"):
        llm.chat(history, prefix=True)
    assert not server.requests


# -- resume ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["stream_chat", "astream_chat", "stream_complete", "astream_complete"])
async def test_cut_streams_are_resumed(server: LocalServer, method: str) -> None:
    question: Any = "17 * 23?" if "complete" in method else [ChatMessage(role="user", content="17 * 23?")]
    async with DeepSeekV4(**connection(server, resume_streams=True)) as llm:
        for turns in cut_streams(25, seed=2):
            server.reset()
            server.script(*turns)
            responses = await ask(llm, method, question)
            assert "".join(response.delta or "" for response in responses) == TEXT
            thought = [response.additional_kwargs.get("thinking_delta") or "" for response in responses]
            assert "".join(thought) == THOUGHT
            last = responses[-1]
            assert [attempt["reason"] for attempt in last.additional_kwargs["attempts"]] == ["interrupted"]
            assert last.additional_kwargs["finish_reason"] == "stop"
            if "chat" in method:
                assert (last.message.content, thinking_of(last.message)) == (TEXT, THOUGHT)
            assert [request.path for request in server.requests] == ["/chat/completions", "/beta/chat/completions"]


def test_streams_are_not_resumed_by_default(llm: DeepSeekV4, server: LocalServer) -> None:
    server.script(*next(cut_streams(1, seed=3)))
    with pytest.raises(StreamInterruptedError) as caught:
        list(llm.stream_chat([ChatMessage(role="user", content="17 * 23?")]))
    assert caught.value.partial is not None
    assert len(server.requests) == 1


# -- models and balance ----------------------------------------------------------------------------------------------


async def test_models_and_balance(server: LocalServer) -> None:
    async with DeepSeekV4(**connection(server)) as llm:
        for models in (llm.list_models(), await llm.alist_models()):
            assert "deepseek-flash" in [one.id for one in models]
        for balance in (llm.balance(), await llm.abalance()):
            assert balance.amounts[0].total == Decimal("110.00")
