"""A history is converted once; a changed message is converted again."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import pytest
from llama_index.core.base.llms.types import ChatMessage, ImageBlock, TextBlock, ThinkingBlock, ToolCallBlock

from llama_index_deepseek_v4.convert import messages as conversion
from llama_index_deepseek_v4.convert.messages import to_conversation


def answer(text: str = "", **kept: Any) -> ChatMessage:
    blocks = [
        ThinkingBlock(content="I look."),
        TextBlock(text=text),
        ToolCallBlock(tool_call_id="call_1", tool_name="look", tool_kwargs={"at": {"x": [1]}}),
    ]
    return ChatMessage(role="assistant", blocks=blocks, additional_kwargs=kept)


def user() -> ChatMessage:
    return ChatMessage("Hi", role="user")


def result() -> ChatMessage:
    return ChatMessage("Hi", role="tool", additional_kwargs={"tool_call_id": "a"})


def set_args(message: Any) -> None:
    message.blocks[2].tool_kwargs["at"]["x"][0] = True  # equal to 1 in Python, not in JSON


PLAIN_CALL = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"at":  1}'}}

CHANGES: dict[str, tuple[Callable[[], ChatMessage], Callable[[Any], None]]] = {
    "text": (user, lambda m: setattr(m.blocks[0], "text", "Ho")),
    "another block": (user, lambda m: setattr(m, "blocks", [TextBlock(text="Ho")])),
    "a block more": (user, lambda m: m.blocks.append(TextBlock(text="Ho"))),
    "role": (user, lambda m: setattr(m, "role", type(m.role)("system"))),
    "name": (user, lambda m: m.additional_kwargs.update(name="ann")),
    "an image": (user, lambda m: m.blocks.append(ImageBlock(url="https://example.org/a.png"))),
    "result": (result, lambda m: setattr(m.blocks[0], "text", "Ho")),
    "result's call": (result, lambda m: m.additional_kwargs.update(tool_call_id="b")),
    "reasoning": (answer, lambda m: setattr(m.blocks[0], "content", "No.")),
    "records": (answer, lambda m: m.blocks[0].additional_information.update(reasoning_details=[{"type": "x"}])),
    "answer": (answer, lambda m: setattr(m.blocks[1], "text", "Ho")),
    "arguments, deep inside": (answer, set_args),
    "tool": (answer, lambda m: setattr(m.blocks[2], "tool_name", "hear")),
    "call id": (answer, lambda m: setattr(m.blocks[2], "tool_call_id", "call_9")),
    "text and thought swapped": (
        lambda: ChatMessage(role="assistant", blocks=[ThinkingBlock(content="a"), TextBlock(text="b")]),
        lambda m: setattr(m, "blocks", [TextBlock(text="a"), ThinkingBlock(content="b")]),
    ),
    "plain calls": (
        lambda: ChatMessage("Hi", role="assistant", additional_kwargs={"tool_calls": [PLAIN_CALL]}),
        lambda m: m.additional_kwargs.update(tool_calls=[]),
    ),
    "old reasoning": (
        lambda: ChatMessage("Hi", role="assistant", additional_kwargs={"reasoning_content": "a"}),
        lambda m: m.additional_kwargs.update(reasoning_content="b"),
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_changed_message_is_converted_again(what: str) -> None:
    make, change = CHANGES[what]
    message = make()
    _, before = (to_conversation([message]) for _ in range(2))
    assert to_conversation([message])[0] is before[0]
    change(message)
    after = to_conversation([message])
    assert after == to_conversation([message.model_copy(deep=True)])
    assert after != before


def test_conversations_are_not_kept_alive() -> None:
    gc.collect()
    before = len(conversion._CACHE)
    history = [answer(str(number)) for number in range(50)]
    to_conversation(history)
    assert len(conversion._CACHE) == before
    to_conversation(history)
    assert len(conversion._CACHE) == before + 50
    del history
    gc.collect()
    assert len(conversion._CACHE) == before


def test_messages_after_a_cached_beginning_are_converted_once() -> None:
    first, second, third = answer("1"), answer("2"), answer("3")
    to_conversation([first])
    converted = to_conversation([first, second])
    again = to_conversation([first, second])
    assert all(message is known for message, known in zip(again, converted, strict=True))
    following = to_conversation([first, second, third])
    assert to_conversation([first, second, third])[2] is not following[2]
