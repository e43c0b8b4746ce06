"""A real engine writes on at the end of a message that was begun for it."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from llama_index.core.base.llms.types import ChatMessage, TextBlock, ThinkingBlock

from deepseek_v4.errors import UnsupportedError
from tests.engines.conftest import Engine
from tests.engines.engine import ANSWER, QUESTION, THOUGHT

BEGUN = "The answer is"


def conversation(framework: str) -> list[Any]:
    if framework == "langchain":
        begun = AIMessage(BEGUN, additional_kwargs={"reasoning_content": THOUGHT})
        return [HumanMessage(QUESTION), begun]
    blocks = [ThinkingBlock(content=THOUGHT), TextBlock(text=BEGUN)]
    return [ChatMessage(role="user", content=QUESTION), ChatMessage(role="assistant", blocks=blocks)]


async def test_the_answer_is_the_rest(engine: Engine, framework: str, way: str) -> None:
    answer = await engine.model(framework, "chat_completions").ask(way, conversation(framework), prefix=True)
    assert BEGUN + answer.text == ANSWER
    assert answer.reasoning == ""
    assert answer.finish_reason == "stop"


@pytest.mark.parametrize("protocol", ["responses", "messages"])
async def test_other_protocols_have_no_prefix(engine: Engine, framework: str, protocol: str) -> None:
    with pytest.raises(UnsupportedError, match="does not support prefix completion"):
        await engine.model(framework, protocol).ask("whole", conversation(framework), prefix=True)
