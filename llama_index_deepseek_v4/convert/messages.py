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
from deepseek_v4.values.messages import SHOWN_BELOW, Message, Part, Reasoning, Role, TextPart, ToolCall, new_message
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


@names_the_message
def to_conversation(messages: Sequence[ChatMessage]) -> list[Message]:
    """Convert a list of chat messages to a conversation.

    Images and files that tools returned move into a user message after the last result of their batch: a tool
    message contains text only.

    Raises:
        UnsupportedError: if a block has a type that DeepSeek V4 does not support, such as audio.
        InvalidRequestError: if an image or file is in a message that is neither a user nor a tool message.
    """
    known = _CACHE.lookup(messages)
    conversation: list[Message] = list(takewhile(bool, known))  # type: ignore[arg-type]
    attachments: list[Part] = []
    again: bool | None = None
    new = slice(len(conversation), None)
    for message, converted in zip(messages[new], known[new], strict=True):
        role = ROLES[message.role]
        if attachments and role != "tool":
            conversation.append(Message.user(tuple(attachments)))
            attachments = []
        if converted is None:
            converted = _plain(message, role)
            if converted is not None:
                if again is None:
                    again = _CACHE.arrives_again(message)
                if again:
                    _CACHE.store(message, converted)
            else:
                if role == "tool":
                    converted, attached = _tool_result(message)
                    attachments.extend(attached)
                else:
                    converted = _mixed(message, role)
                if any(isinstance(block, CachePoint) for block in message.blocks):
                    converted = replace(converted, left_out=("cache_control",))
        conversation.append(converted)
    if attachments:
        conversation.append(Message.user(tuple(attachments)))
    return conversation


def _fingerprints(messages: Sequence[ChatMessage]) -> list[Any]:
    """Return for each message everything that ``_plain`` reads."""
    fingerprints = []
    for message in messages:
        fields = message.__dict__
        fingerprint = [fields["role"], fields["additional_kwargs"]]
        for block in fields["blocks"]:
            fingerprint.append(block.__dict__)  # noqa: PERF401 - most messages have one, and a comprehension takes a call
        fingerprints.append(fingerprint)
    return fingerprints


_CACHE = ConversionCache(_fingerprints)
"""The conversions of messages without images and files, as long as these exist."""


def _plain(message: ChatMessage, role: Role) -> Message | None:
    """Convert a message of text, thinking and tool calls, always to the same; None for other blocks."""
    texts: list[str] = []
    thoughts: list[ThinkingBlock] = []
    calls: list[ToolCallBlock] = []
    for block in message.blocks:
        kind = block.__class__  # isinstance takes 0.14 µs for a pydantic object of another class
        if kind is TextBlock:
            texts.append(block.text)  # type: ignore[union-attr]
        elif kind is ThinkingBlock:
            thoughts.append(block)  # type: ignore[arg-type]
        elif kind is ToolCallBlock:
            calls.append(block)  # type: ignore[arg-type]
        else:
            return None
    return _converted(message, role, "".join(texts), thoughts, calls)


def _mixed(message: ChatMessage, role: Role) -> Message:
    """Convert a message with any blocks that is not a tool result; files and images are read again each time."""
    blocks = message.blocks
    thoughts = [block for block in blocks if isinstance(block, ThinkingBlock)]
    calls = [block for block in blocks if isinstance(block, ToolCallBlock)]
    return _converted(message, role, joined(parts_of(blocks, role)), thoughts, calls)


def _converted(
    message: ChatMessage,
    role: Role,
    content: str | tuple[Part, ...],
    thoughts: Sequence[ThinkingBlock],
    calls: Sequence[ToolCallBlock],
) -> Message:
    kwargs = message.additional_kwargs
    marks = ("cache_control",) if "cache_control" in kwargs else ()  # for LlamaIndex's model of Anthropic
    if role == "assistant":
        return new_message(
            role,
            content,
            _reasoning(thoughts, kwargs),
            _tool_calls(calls, kwargs),
            name=_name(kwargs),
            retried=was_asked_again(kwargs),
            left_out=marks,
        )
    if kwargs.get("role") == "latest_reminder":  # MessageRole has no such role
        return new_message("latest_reminder", content, left_out=marks)
    if role == "tool":
        return new_message(role, content, tool_call_id=kwargs.get("tool_call_id"), left_out=marks)
    return new_message(role, content, name=_name(kwargs), left_out=marks)


def _name(kwargs: Mapping[str, Any]) -> str | None:
    name = kwargs.get("name")
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


def _reasoning(thoughts: Sequence[ThinkingBlock], kwargs: Mapping[str, Any]) -> Reasoning | None:
    """Return the reasoning of a message; None if it has none, which differs from an empty one."""
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
    content = kwargs.get("reasoning_content")
    records = kwargs.get("reasoning_details")
    text = content if isinstance(content, str) else None
    details = tuple(records) if isinstance(records, (list, tuple)) else None
    return None if text is None and details is None else Reasoning(text, details)


def _tool_calls(blocks: Sequence[ToolCallBlock], kwargs: Mapping[str, Any]) -> tuple[ToolCall, ...]:
    """Return the calls of a message, from its blocks, else from ``additional_kwargs["tool_calls"]``; never from both.

    A block's arguments are a dict, and encoding it again may give other bytes than the model's own. If
    ``additional_kwargs`` has the original text of the same arguments, that is sent, so that the provider's prompt cache
    matches.
    """
    listed = kwargs.get("tool_calls")
    legacy = tuple(legacy_calls(listed)) if listed else ()
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
