"""Histories with random values: a request, or an ``InvalidRequestError`` that names the message."""

from __future__ import annotations

import warnings
from typing import Any

import pydantic
import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from llama_index.core.base.llms.types import ChatMessage, ThinkingBlock, ToolCallBlock

from deepseek_v4 import Client, Message, Reasoning, ToolCall, errors
from langchain_deepseek_v4 import ChatDeepSeekV4
from llama_index_deepseek_v4 import DeepSeekV4
from tests.faults.wire import PROTOCOLS

CYCLE: dict[str, Any] = {}
CYCLE["a"] = CYCLE
LIST: list[Any] = []
LIST.append(LIST)
ODD: tuple[Any, ...] = (
    *(b"x", CYCLE, LIST, [None], None, True, 17, 0.5, float("nan"), {"a": b"x"}, {1: 2}, {(1, 2): 3}, object()),
    *([object()], "", [], {}, "\ud800", 10**400, {"a": {1, 2}}),
)
FIELDS = ("reasoning_content", "reasoning_details", "tool_calls", "function_call", "tool_call_id", "name", "prefix")


def langchain_histories(odd: Any) -> list[list[BaseMessage]]:
    made: list[Any] = [lambda: AIMessage("x", tool_calls=[{"name": "f", "args": {"a": odd}, "id": "c"}])]
    made += [lambda field=field: AIMessage("x", additional_kwargs={field: odd}) for field in FIELDS]
    made += [lambda: HumanMessage([odd]), lambda: HumanMessage([{"type": "text", "text": odd}])]
    return [[HumanMessage("q"), message, ToolMessage("r", tool_call_id="c")] for message in sound(made)]


def llama_index_histories(odd: Any) -> list[list[ChatMessage]]:
    made: list[Any] = [
        lambda field=field: ChatMessage("x", role="assistant", additional_kwargs={field: odd}) for field in FIELDS
    ]
    made.append(lambda: ChatMessage(role="tool", content="r", additional_kwargs={"tool_call_id": odd}))
    made.append(
        lambda: ChatMessage(
            role="assistant", blocks=[ToolCallBlock(tool_name="f", tool_kwargs={"a": odd}, tool_call_id="c")]
        )
    )
    made.append(
        lambda: ChatMessage(
            role="assistant", blocks=[ThinkingBlock(content="x", additional_information={"reasoning_details": odd})]
        )
    )
    return [[ChatMessage("q"), message, ChatMessage("q")] for message in sound(made)]


def core_histories(odd: Any) -> list[list[Message]]:
    messages = [
        Message("assistant", "x", reasoning=Reasoning("t", odd)),
        Message("assistant", odd),
        *(
            Message("assistant", tool_calls=(ToolCall(*call),))
            for call in ((odd, "f", "{}"), ("1", odd, "{}"), ("1", "f", odd))
        ),
        Message("tool", "x", tool_call_id=odd),
    ]
    return [[Message.user("q"), message] for message in messages]


def sound(made: list[Any]) -> list[Any]:
    """Create the messages that the framework accepts."""
    found = []
    for make in made:
        try:
            found.append(make())
        except (pydantic.ValidationError, TypeError, ValueError, RecursionError, AttributeError):
            continue
    return found


KINDS = {
    "langchain": (ChatDeepSeekV4, langchain_histories),
    "llama_index": (DeepSeekV4, llama_index_histories),
    "core": (Client, core_histories),
}


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("kind", KINDS)
def test_random_values(kind: str, protocol: str) -> None:
    make, histories = KINDS[kind]
    model: Any = make(api_key="k", protocol=protocol)
    refused = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for odd in ODD:
            for history in histories(odd):  # type: ignore[operator]
                try:
                    model.preview(history)
                except errors.InvalidRequestError as error:
                    refused += "Message 1" in error.message or "Message 0" in error.message
    assert refused > 5
