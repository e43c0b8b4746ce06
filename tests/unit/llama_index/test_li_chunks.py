"""Responses put together without validation are the ones the constructors make."""

from __future__ import annotations

from typing import Any

from llama_index.core.base.llms.types import ChatMessage, MessageRole, TextBlock, ThinkingBlock
from pydantic import BaseModel

from llama_index_deepseek_v4.chunks import ChatResponseChunk, response_chunk, text_block, thinking_block


def state(value: Any) -> Any:
    if isinstance(value, BaseModel):
        fields = {name: state(each) for name, each in value.__dict__.items()}
        return fields, value.__pydantic_fields_set__, value.__pydantic_extra__, value.__pydantic_private__
    return [state(each) for each in value] if isinstance(value, list) else value


def test_blocks_equal_validated_ones_in_every_part() -> None:
    assert state(text_block("a")) == state(TextBlock(text="a"))
    assert state(thinking_block("a")) == state(ThinkingBlock(content="a"))


def test_responses_equal_validated_ones_in_every_part() -> None:
    raw = {"choices": [{"index": 0}]}
    message = ChatMessage(
        role=MessageRole.ASSISTANT,
        blocks=[ThinkingBlock(content="t"), TextBlock(text="a")],
        additional_kwargs={"x": []},
    )
    validated = ChatResponseChunk(message=message, delta="a", raw=raw, additional_kwargs={"thinking_delta": "t"})
    made = response_chunk([thinking_block("t"), text_block("a")], {"x": []}, "a", raw, {"thinking_delta": "t"})
    assert state(made) == state(validated)
    assert made.model_dump() == validated.model_dump()


def test_responses_share_nothing_that_changes() -> None:
    one, other = (response_chunk([thinking_block("t")], {}, "", {}, {}) for _ in range(2))
    one.message.blocks.append(TextBlock(text="b"))
    one.message.additional_kwargs["x"] = 1
    one.additional_kwargs["y"] = 1
    one.message.blocks[0].additional_information["z"] = 1
    assert state(other) == state(response_chunk([thinking_block("t")], {}, "", {}, {}))
