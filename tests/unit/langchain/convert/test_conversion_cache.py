"""A history is converted once; a changed message is converted again."""

from __future__ import annotations

import copy
import gc
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage, SystemMessage, ToolMessage

from langchain_deepseek_v4.convert import messages as conversion
from langchain_deepseek_v4.convert.messages import to_conversation


def call(**args: Any) -> dict[str, Any]:
    return {"name": "look", "args": args, "id": "call_1", "type": "tool_call"}


def answer(**fields: Any) -> AIMessage:
    kept = {"reasoning_content": "I look.", **fields.pop("kept", {})}
    return AIMessage(**{"content": "", "additional_kwargs": kept, "tool_calls": [call(at={"x": [1]})], **fields})


BLOCKS = [{"type": "reasoning", "reasoning": "Hm.", "index": "lc_rs_0"}, {"type": "text", "text": "Yes."}]


def set_args(message: Any) -> None:
    message.tool_calls[0]["args"]["at"]["x"][0] = True  # equal to 1 in Python, not in JSON


CHANGES: dict[str, tuple[BaseMessage, Callable[[Any], None]]] = {
    "text": (HumanMessage("Hi"), lambda m: setattr(m, "content", "Ho")),
    "name": (HumanMessage("Hi", name="ann"), lambda m: setattr(m, "name", "bob")),
    "system text": (SystemMessage("Hi"), lambda m: setattr(m, "content", "Ho")),
    "text to blocks": (HumanMessage("Hi"), lambda m: setattr(m, "content", [{"type": "text", "text": "Ho"}])),
    "result": (ToolMessage("Hi", tool_call_id="a"), lambda m: setattr(m, "content", "Ho")),
    "result's call": (ToolMessage("Hi", tool_call_id="a"), lambda m: setattr(m, "tool_call_id", "b")),
    "answer": (AIMessage("Hi"), lambda m: setattr(m, "content", "Ho")),
    "reasoning": (answer(), lambda m: m.additional_kwargs.update(reasoning_content="No.")),
    "reasoning gone": (answer(), lambda m: m.additional_kwargs.clear()),
    "reasoning come": (AIMessage("Hi"), lambda m: m.additional_kwargs.update(reasoning_content="No.")),
    "details come": (answer(), lambda m: m.additional_kwargs.update(reasoning_details=[{"type": "reasoning.text"}])),
    "details": (
        answer(kept={"reasoning_details": [{"type": "reasoning.text", "text": "a"}]}),
        lambda m: m.additional_kwargs["reasoning_details"][0].update(text="b"),
    ),
    "arguments, deep inside": (answer(), set_args),
    "a call more": (answer(), lambda m: m.tool_calls.append({**call(), "id": "call_2"})),
    "a call less": (answer(content="Hi"), lambda m: m.tool_calls.clear()),
    "another id": (answer(), lambda m: m.tool_calls[0].update(id="call_9")),
    "an invalid call": (
        answer(),
        lambda m: m.invalid_tool_calls.append({"name": "look", "args": "{", "id": "call_2", "error": None}),
    ),
    "old function call": (
        AIMessage("Hi"),
        lambda m: m.additional_kwargs.update(function_call={"name": "look", "arguments": "{}"}),
    ),
    "a block": (AIMessage(copy.deepcopy(BLOCKS)), lambda m: m.content[1].update(text="No.")),
    "a block of reasoning": (AIMessage(copy.deepcopy(BLOCKS)), lambda m: m.content[0].update(reasoning="Oh.")),
    "a second try": (answer(), lambda m: m.response_metadata.update(attempts=[{"reason": "invalid"}])),
    "a chunk": (AIMessageChunk("Hi"), lambda m: setattr(m, "content", "Ho")),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_changed_message_is_converted_again(what: str) -> None:
    original, change = CHANGES[what]
    message = original.model_copy(deep=True)
    _, before = (to_conversation([message]) for _ in range(2))
    assert to_conversation([message])[0] is before[0]
    known = copy.deepcopy(before)
    change(message)
    after = to_conversation([message])
    assert after == to_conversation([message.model_copy(deep=True)])
    assert after != known


def test_incomparable_arguments_are_converted_every_time() -> None:
    """An object in the arguments: a change of it cannot be detected."""
    message = AIMessage("Hi", additional_kwargs={"reasoning_content": "Hm.", "mine": object()})
    first, second = to_conversation([message])[0], to_conversation([message])[0]
    assert first == second
    assert first is not second


def test_conversations_are_not_kept_alive() -> None:
    gc.collect()
    before = len(conversion._CACHE)
    history = [answer() for _ in range(50)]
    to_conversation(history)
    assert len(conversion._CACHE) == before
    to_conversation(history)
    assert len(conversion._CACHE) == before + 50
    del history
    gc.collect()
    assert len(conversion._CACHE) == before


def test_messages_after_a_cached_beginning_are_converted_once() -> None:
    first, second, third = answer(), answer(), answer()
    to_conversation([first])
    converted = to_conversation([first, second])
    again = to_conversation([first, second])
    assert all(message is known for message, known in zip(again, converted, strict=True))
    following = to_conversation([first, second, third])
    assert to_conversation([first, second, third])[2] is not following[2]
