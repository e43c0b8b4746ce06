"""LlamaIndex messages converted to a conversation: with reasoning, tool calls and results from any place that has them.

A message may be shared with a memory or an agent's state, so input messages are never changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import takewhile
from typing import Any

from llama_index.core.base.llms.types import (
    CachePoint,
    ChatMessage,
    MessageRole,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)

from deepseek_v4.integration.conversion_cache import ConversionCache
from deepseek_v4.integration.message_errors import names_the_message
from deepseek_v4.integration.typed_answers import was_asked_again
from deepseek_v4.values.messages import SHOWN_BELOW, Message, Part, Reasoning, Role, TextPart, ToolCall
from deepseek_v4.values.tool_arguments import arguments_object, arguments_text
from llama_index_deepseek_v4.convert.content import joined, parts_of

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

_CACHE = ConversionCache()
"""The conversions of messages without images and files, as long as these exist."""


@names_the_message
def to_conversation(messages: Sequence[ChatMessage]) -> list[Message]:
    """Convert a list of chat messages to a conversation.

    Images and files that tools returned move into a user message after the last result of their batch: a tool
    message contains text only.

    Raises:
        UnsupportedError: if a block has a type that DeepSeek V4 does not support, such as audio.
        InvalidRequestError: if an image or file is in a message that is neither a user nor a tool message.
    """
    fingerprints = []
    for message in messages:
        fields = message.__dict__
        fingerprint = [fields["role"], fields["additional_kwargs"]]
        for block in fields["blocks"]:
            fingerprint.append(block.__dict__)  # noqa: PERF401 - most messages have one, and a comprehension takes a call
        fingerprints.append(fingerprint)
    known = _CACHE.lookup(messages, fingerprints)
    conversation: list[Message] = list(takewhile(bool, known))  # type: ignore[arg-type]
    attachments: list[Part] = []
    new = slice(len(conversation), None)
    for message, fingerprint, converted in zip(messages[new], fingerprints[new], known[new], strict=True):
        role = ROLES[message.role]
        if role != "tool" and attachments:
            conversation.append(Message.user(tuple(attachments)))
            attachments = []
        if converted is None:
            blocks = message.blocks
            if {block.__class__ for block in blocks} <= _PLAIN:
                text = "".join([block.text for block in blocks if block.__class__ is TextBlock])
                converted = _converted(message, role, text)
                _CACHE.store(message, fingerprint, converted)
            elif role == "tool":
                converted, attached = _tool_result(message)
                attachments.extend(attached)
            else:
                converted = _converted(message, role, joined(parts_of(blocks, role)))
            if any(isinstance(block, CachePoint) for block in blocks):
                converted = replace(converted, left_out=("cache_control",))
        conversation.append(converted)
    if attachments:
        conversation.append(Message.user(tuple(attachments)))
    return conversation


_PLAIN = {TextBlock, ThinkingBlock, ToolCallBlock}
"""Blocks that convert to the same each time; files and images are read again."""


def _converted(message: ChatMessage, role: Role, content: str | tuple[Part, ...]) -> Message:
    if role == "assistant":
        return Message(
            role,
            content,
            _reasoning(message),
            _tool_calls(message),
            name=_name(message),
            retried=was_asked_again(message.additional_kwargs),
        )
    if message.additional_kwargs.get("role") == "latest_reminder":  # MessageRole has no such role
        return Message("latest_reminder", content)
    if role == "tool":
        return Message(role, content, tool_call_id=message.additional_kwargs.get("tool_call_id"))
    return Message(role, content, name=_name(message))


def _name(message: ChatMessage) -> str | None:
    name = message.additional_kwargs.get("name")
    return name if isinstance(name, str) and name else None


def _tool_result(message: ChatMessage) -> tuple[Message, list[Part]]:
    """Return a result as text, and the parts that must be attachments to the model in a user message."""
    call_id = message.additional_kwargs.get("tool_call_id")
    parts = parts_of(message.blocks, "tool")
    text = "".join(part.text for part in parts if isinstance(part, TextPart))
    attached: list[Part] = [part for part in parts if not isinstance(part, TextPart)]
    result = Message("tool", text or (SHOWN_BELOW if attached else ""), tool_call_id=call_id)
    if attached:
        attached.insert(0, TextPart(f"Returned by the tool call {call_id}:"))
    return result, attached


def _reasoning(message: ChatMessage) -> Reasoning | None:
    """Return the reasoning of a message; None if it has none, which differs from an empty one."""
    thoughts = [block for block in message.blocks if isinstance(block, ThinkingBlock)]
    if thoughts:
        text: str | None = None
        details: tuple[Any, ...] | None = None
        for thought in thoughts:
            if thought.content is not None:
                text = thought.content if text is None else text + thought.content
            if "reasoning_details" in thought.additional_information:
                details = (*(details or ()), *(thought.additional_information["reasoning_details"] or ()))
        return Reasoning(text, details)
    # integrations that keep the wire's fields on the message
    content = message.additional_kwargs.get("reasoning_content")
    records = message.additional_kwargs.get("reasoning_details")
    text = content if isinstance(content, str) else None
    details = tuple(records) if isinstance(records, (list, tuple)) else None
    return None if text is None and details is None else Reasoning(text, details)


def _tool_calls(message: ChatMessage) -> tuple[ToolCall, ...]:
    """Return the calls of a message, from its blocks, else from ``additional_kwargs["tool_calls"]``; never from both.

    A block's arguments are a dict, and encoding it again may give other bytes than the model's own. If
    ``additional_kwargs`` has the original text of the same arguments, that is sent, so that the provider's prompt cache
    matches.
    """
    legacy = tuple(legacy_calls(message.additional_kwargs.get("tool_calls")))
    blocks = [block for block in message.blocks if isinstance(block, ToolCallBlock)]
    if not blocks:
        return legacy
    written = {(call.id, call.name): call.arguments for call in legacy}
    calls = []
    for block in blocks:
        call_id, arguments = block.tool_call_id or "", block.tool_kwargs
        verbatim = written.get((call_id, block.tool_name))
        if verbatim is None or (
            isinstance(arguments, dict) and not _is_same_json(arguments_object(verbatim), arguments)
        ):
            verbatim = arguments_text(arguments)
        calls.append(ToolCall(call_id, block.tool_name, verbatim))
    return tuple(calls)


def _is_same_json(one: Any, other: Any) -> bool:
    """True if two values are the same JSON; for Python ``1``, ``1.0`` and ``True`` are equal, too."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_is_same_json(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_is_same_json, one, other))
    return type(one) is type(other) and bool(one == other)


def legacy_calls(calls: Any) -> Iterator[ToolCall]:
    """Yield the calls of a list in OpenAI's format, of dicts or of a vendor SDK's objects."""
    for call in calls or ():
        function = _field(call, "function")
        name = _field(function, "name")
        if isinstance(name, str):
            yield ToolCall(_field(call, "id") or "", name, arguments_text(_field(function, "arguments")))


def _field(holder: Any, name: str) -> Any:
    return holder.get(name) if isinstance(holder, Mapping) else getattr(holder, name, None)
