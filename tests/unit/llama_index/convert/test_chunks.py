"""Responses that are built without validation equal those of the constructors."""

from __future__ import annotations

from typing import Any

from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    LogProb,
    MessageRole,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)
from pydantic import BaseModel

from llama_index_deepseek_v4.convert.chunks import (
    ChatResponseChunk,
    assistant_message,
    call_block,
    complete_response,
    complete_thinking_block,
    response_chunk,
    text_block,
    thinking_block,
)


def state(value: Any) -> Any:
    if isinstance(value, BaseModel):
        fields = {name: state(each) for name, each in value.__dict__.items()}
        return fields, value.__pydantic_fields_set__, value.__pydantic_extra__, value.__pydantic_private__
    return [state(each) for each in value] if isinstance(value, list) else value


def test_blocks_equal_validated_ones_in_every_part() -> None:
    assert state(text_block(text="a")) == state(TextBlock(text="a"))
    assert state(thinking_block(content="a", additional_information={})) == state(ThinkingBlock(content="a"))
    for text, tokens, known in (("a", 3, {"x": []}), (None, None, {})):
        validated = ThinkingBlock(content=text, num_tokens=tokens, additional_information=known)
        assert state(complete_thinking_block(content=text, num_tokens=tokens, additional_information=known)) == state(
            validated
        )
    for arguments in ({"a": [1]}, "{cut"):
        validated_call = ToolCallBlock(tool_call_id="c", tool_name="f", tool_kwargs=arguments)
        assert state(call_block(tool_call_id="c", tool_name="f", tool_kwargs=arguments)) == state(validated_call)


def test_responses_equal_validated_ones_in_every_part() -> None:
    raw = {"choices": [{"index": 0}]}
    message = ChatMessage(
        role=MessageRole.ASSISTANT,
        blocks=[ThinkingBlock(content="t"), TextBlock(text="a")],
        additional_kwargs={"x": []},
    )
    validated = ChatResponseChunk(message=message, delta="a", raw=raw, additional_kwargs={"thinking_delta": "t"})
    blocks = [thinking_block(content="t", additional_information={}), text_block(text="a")]
    made = response_chunk(
        message=assistant_message(blocks=blocks, additional_kwargs={"x": []}),
        delta="a",
        raw=raw,
        additional_kwargs={"thinking_delta": "t"},
    )
    assert state(made) == state(validated)
    assert made.model_dump() == validated.model_dump()


def test_complete_answers_equal_validated_ones_in_every_part() -> None:
    probable = [[LogProb(token="a", logprob=-0.1, bytes=[97])]]
    message = ChatMessage(role=MessageRole.ASSISTANT, blocks=[TextBlock(text="a")], additional_kwargs={"x": []})
    validated = ChatResponse(
        message=message, raw={"id": "1"}, delta="", logprobs=probable, additional_kwargs={"cost": 1.0}
    )
    made = complete_response(
        message=assistant_message(blocks=[text_block(text="a")], additional_kwargs={"x": []}),
        raw={"id": "1"},
        delta="",
        logprobs=probable,
        additional_kwargs={"cost": 1.0},
    )
    assert state(made) == state(validated)
    assert made.model_dump() == validated.model_dump()


def test_objects_do_not_share_their_fields_set() -> None:
    one, other = (text_block(text="a") for _ in range(2))
    one.__pydantic_fields_set__.add("block_type")
    assert state(other) == state(TextBlock(text="a"))
