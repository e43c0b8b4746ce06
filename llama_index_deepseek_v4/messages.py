"""LlamaIndex messages -> our conversation: reasoning, tool calls and tool results found wherever they survived.

Reads only: a message may be shared with a memory or an agent's state, so nothing that came in is changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from llama_index.core.base.llms.types import ChatMessage, MessageRole, TextBlock, ThinkingBlock, ToolCallBlock

from deepseek_v4.conversation import Message, Part, Reasoning, Role, TextPart, ToolCall
from deepseek_v4.memory import Memory, snapshot
from deepseek_v4.openai_shape import arguments_object, arguments_text
from llama_index_deepseek_v4.content import joined, parts_of

__all__ = ["legacy_calls", "to_conversation"]

ROLES: Mapping[MessageRole, Role] = {
    MessageRole.SYSTEM: "system",
    MessageRole.DEVELOPER: "system",
    MessageRole.USER: "user",
    MessageRole.ASSISTANT: "assistant",
    MessageRole.CHATBOT: "assistant",
    MessageRole.MODEL: "assistant",
    MessageRole.TOOL: "tool",
    MessageRole.FUNCTION: "tool",
}

SHOWN_BELOW = "(see the next message)"
"""The text of a tool result that holds an image or a file and no words."""

_MEMORY = Memory()
"""What messages without images and files said, as long as they live."""


def to_conversation(messages: Sequence[ChatMessage]) -> list[Message]:
    """The conversation a list of chat messages says.

    Images and files that tools returned move into a user message behind the last result of their batch: a tool
    message carries text only.

    Raises:
        UnsupportedError: for a block DeepSeek V4 cannot read, such as audio.
        InvalidRequestError: for an image or file outside a user's or tool's message.
    """
    conversation: list[Message] = []
    shown: list[Part] = []
    find = _MEMORY.find
    for message in messages:
        state = _state(message)
        known = None if state is None else find(message, state)
        if known is not None and not shown:
            conversation.append(known)
            continue
        role = ROLES[message.role]
        if role != "tool" and shown:
            conversation.append(Message.user(tuple(shown)))
            shown = []
        if state is not None:
            said = known or _plain(message, role)
            _MEMORY.keep(message, state, said)
            conversation.append(said)
        elif role == "tool":
            result, attached = _tool_result(message)
            conversation.append(result)
            shown.extend(attached)
        else:
            conversation.append(_plain(message, role))
    if shown:
        conversation.append(Message.user(tuple(shown)))
    return conversation


def _state(message: ChatMessage) -> tuple[Any, ...] | None:
    """Everything a message of text, reasoning and tool calls is read from; None for others, read anew each time."""
    state: list[Any] = [message.role]
    nested: list[Any] = []
    for block in message.blocks:
        kind = block.__class__
        if kind is TextBlock:
            state.append(block.text)  # type: ignore[union-attr]
        elif kind is ThinkingBlock:
            state.append((block.content,))  # type: ignore[union-attr]
            if block.additional_information:  # type: ignore[union-attr]
                nested.append(block.additional_information)  # type: ignore[union-attr]
        elif kind is ToolCallBlock:
            nested.append((block.tool_call_id, block.tool_name, block.tool_kwargs))  # type: ignore[union-attr]
        else:
            return None
    beside = message.additional_kwargs
    if nested:
        nested.append(beside)
    elif beside:
        if len(beside) == 1 and (call := beside.get("tool_call_id")).__class__ is str:
            state.append((None, call))
            return tuple(state)
        nested = [beside]
    else:
        return tuple(state)
    try:
        state.append(snapshot(nested))
    except (TypeError, ValueError):
        return None
    return tuple(state)


def _plain(message: ChatMessage, role: Role) -> Message:
    """What a message says that brings nothing along to be shown elsewhere."""
    if role == "assistant":
        return _assistant(message)
    if role == "tool":
        return _tool_result(message)[0]
    return Message(role, joined(parts_of(message.blocks, role)), name=_name(message))


def _assistant(message: ChatMessage) -> Message:
    return Message(
        "assistant",
        joined(parts_of(message.blocks, "assistant")),
        reasoning=_reasoning(message),
        tool_calls=tuple(_tool_calls(message)),
        name=_name(message),
    )


def _name(message: ChatMessage) -> str | None:
    name = message.additional_kwargs.get("name")
    return name if isinstance(name, str) and name else None


def _tool_result(message: ChatMessage) -> tuple[Message, list[Part]]:
    """A result as text, and what of it must be shown to the model in a user message."""
    call_id = message.additional_kwargs.get("tool_call_id")
    parts = parts_of(message.blocks, "tool")
    text = "".join(part.text for part in parts if isinstance(part, TextPart))
    attached: list[Part] = [part for part in parts if not isinstance(part, TextPart)]
    result = Message("tool", text or (SHOWN_BELOW if attached else ""), tool_call_id=call_id)
    if attached:
        attached.insert(0, TextPart(f"Returned by the tool call {call_id}:"))
    return result, attached


def _reasoning(message: ChatMessage) -> Reasoning | None:
    """What the message says of its reasoning; None when it says nothing, which is not the same as an empty one."""
    blocks = [block for block in message.blocks if isinstance(block, ThinkingBlock)]
    if blocks:
        texts = [block.content for block in blocks if block.content is not None]
        records = [
            record
            for block in blocks
            if (found := block.additional_information.get("reasoning_details")) is not None
            for record in found
        ]
        recorded = any("reasoning_details" in block.additional_information for block in blocks)
        return Reasoning("".join(texts) if texts else None, tuple(records) if recorded else None)
    # as integrations write it that keep the wire's fields on the message
    text = message.additional_kwargs.get("reasoning_content")
    found = message.additional_kwargs.get("reasoning_details")
    details = tuple(found) if isinstance(found, (list, tuple)) else None
    if not isinstance(text, str):
        return None if details is None else Reasoning(None, details)
    return Reasoning(text, details)


def _tool_calls(message: ChatMessage) -> Iterator[ToolCall]:
    """The calls of a message, from its blocks, else from ``additional_kwargs["tool_calls"]``; never from both.

    A block's arguments are a dict, written anew they need not give the model's own bytes. Where the wire text
    stands beside it and means the same, that is sent, so that the provider's prompt cache holds.
    """
    legacy = list(legacy_calls(message.additional_kwargs.get("tool_calls")))
    blocks = [block for block in message.blocks if isinstance(block, ToolCallBlock)]
    if not blocks:
        yield from legacy
        return
    written = {(call.id, call.name): call.arguments for call in legacy}
    for block in blocks:
        call_id, arguments = block.tool_call_id or "", block.tool_kwargs
        verbatim = written.get((call_id, block.tool_name))
        if verbatim is None or (
            isinstance(arguments, dict) and not _say_the_same(arguments_object(verbatim), arguments)
        ):
            verbatim = arguments_text(arguments)
        yield ToolCall(call_id, block.tool_name, verbatim)


def _say_the_same(one: Any, other: Any) -> bool:
    """Whether two values are the same JSON; Python calls ``1``, ``1.0`` and ``True`` equal, too."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_say_the_same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_say_the_same, one, other))
    return type(one) is type(other) and bool(one == other)


def legacy_calls(calls: Any) -> Iterator[ToolCall]:
    """OpenAI-shaped calls, as dicts or as the objects of a vendor's SDK."""
    for call in calls or ():
        function = _field(call, "function")
        name = _field(function, "name")
        if isinstance(name, str):
            yield ToolCall(_field(call, "id") or "", name, arguments_text(_field(function, "arguments")))


def _field(holder: Any, name: str) -> Any:
    return holder.get(name) if isinstance(holder, Mapping) else getattr(holder, name, None)
