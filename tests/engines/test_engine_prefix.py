"""Prefix completion on a real engine."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from llama_index.core.base.llms.types import ChatMessage, TextBlock, ThinkingBlock

from deepseek_v4 import Client, StreamEnd, TextDelta
from deepseek_v4.errors import UnsupportedError
from tests.engines.conftest import Engine
from tests.engines.engine import ANSWER, QUESTION, THOUGHT, options

BEGUN = "The answer is"


def conversation(framework: str, thought: str = THOUGHT) -> list[Any]:
    if framework == "langchain":
        begun = AIMessage(BEGUN, additional_kwargs={"reasoning_content": thought} if thought else {})
        return [HumanMessage(QUESTION), begun]
    blocks = [*([ThinkingBlock(content=thought)] if thought else []), TextBlock(text=BEGUN)]
    return [ChatMessage(role="user", content=QUESTION), ChatMessage(role="assistant", blocks=blocks)]


@pytest.mark.parametrize("thought", [THOUGHT, ""], ids=["with reasoning", "without reasoning"])
async def test_the_answer_continues_the_prefix(engine: Engine, framework: str, way: str, thought: str) -> None:
    answer = await engine.model(framework, "chat_completions").call(way, conversation(framework, thought), prefix=True)
    assert BEGUN + answer.text == ANSWER
    assert answer.reasoning == ""
    assert answer.finish_reason == "stop"


@pytest.mark.parametrize("protocol", ["responses", "messages"])
async def test_other_protocols_do_not_support_prefixes(engine: Engine, framework: str, protocol: str) -> None:
    with pytest.raises(UnsupportedError, match="does not support prefix completion"):
        await engine.model(framework, protocol).call("complete", conversation(framework), prefix=True)


@pytest.mark.parametrize("limit", [3, 8, 20])
def test_a_stream_is_resumed_word_by_word_after_the_output_limit(engine: Engine, limit: int) -> None:
    """Inside the reasoning and inside the answer: nothing is lost, nothing is repeated."""
    with Client(**options(engine.url, "chat_completions")) as client:
        *deltas, end = client.stream(
            QUESTION, max_tokens=limit, resume_streams=True, max_resumes=20, max_retries=2
        )  # the engine closes a connection after some requests
    assert isinstance(end, StreamEnd)
    assert "".join(delta.text for delta in deltas if isinstance(delta, TextDelta)) == end.reply.content == ANSWER
    assert end.reply.reasoning is not None
    assert end.reply.reasoning.text == THOUGHT
