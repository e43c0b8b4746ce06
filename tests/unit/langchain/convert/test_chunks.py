"""Chunks that are built without validation equal those of the constructors."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from langchain_core.messages import AIMessageChunk
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGenerationChunk

from langchain_deepseek_v4.convert.chunks import fragment_chunk, generation_chunk, message_chunk

MARKS = {"model_provider": "deepseek"}
CASES: list[tuple[Any, dict[str, Any]]] = [
    ("text", {}),
    ("", {"reasoning_content": "thought"}),
    ([{"type": "text", "text": "text", "index": "lc_txt_0"}], {}),
    ([{"type": "reasoning", "reasoning": "thought", "index": "lc_rs_0"}], {"reasoning_content": "thought"}),
]


def state(value: Any) -> tuple[Any, ...]:
    return (
        {k: (state(v) if isinstance(v, AIMessageChunk) else v) for k, v in value.__dict__.items()},
        value.__pydantic_fields_set__,
        value.__pydantic_extra__,
        value.__pydantic_private__,
    )


@pytest.mark.parametrize(("content", "kwargs"), CASES)
def test_chunks_equal_validated_ones_in_every_part(content: Any, kwargs: dict[str, Any]) -> None:
    validated = AIMessageChunk(content=content, additional_kwargs=dict(kwargs), response_metadata=dict(MARKS))
    made = message_chunk(content, dict(kwargs), MARKS)
    assert state(made) == state(validated)
    assert state(generation_chunk(made)) == state(ChatGenerationChunk(message=validated))
    assert made.model_dump() == validated.model_dump()
    assert pickle.loads(pickle.dumps(made)) == validated
    assert made + made == validated + validated
    assert (generation_chunk(made) + generation_chunk(made)).text == 2 * ChatGenerationChunk(message=validated).text


def test_chunks_share_no_mutable_values() -> None:
    one, other = (message_chunk("a", {}, MARKS) for _ in range(2))
    one.response_metadata["x"] = 1
    one.tool_calls.append({"name": "f", "args": {}, "id": "1"})
    one.invalid_tool_calls.append({"name": "f", "args": "", "id": "1", "error": None})
    one.tool_call_chunks.append({"name": "f", "args": "", "id": "1", "index": 0})
    assert MARKS == {"model_provider": "deepseek"}
    assert state(other) == state(message_chunk("a", {}, MARKS))


def test_a_fragment_of_arguments_is_valid_and_adds_up_like_a_validated_one() -> None:
    first = AIMessageChunk(content="", tool_call_chunks=[tool_call_chunk(name="f", args='{"a": "', id="1", index=0)])
    chunk = tool_call_chunk(name=None, args='b"}', id=None, index=0)
    validated = AIMessageChunk(content="", tool_call_chunks=[chunk], response_metadata=dict(MARKS))
    made = fragment_chunk("", chunk, MARKS)
    assert made.invalid_tool_calls == []
    assert made.tool_call_chunks == validated.tool_call_chunks
    assert made.__pydantic_fields_set__ - {"additional_kwargs"} == validated.__pydantic_fields_set__
    assert first + made == first + validated
    assert (first + made).tool_calls[0]["args"] == {"a": "b"}
