"""LangChain messages as a conversation in our own words. Messages that come in are never changed.

Histories come from everywhere: our own turns (whole, streamed, v1 output), checkpoints, turns written by hand, turns
of another vendor after a model fallback. What each of them says is read from wherever it stands; the mending
of what a provider would refuse is the core's (``deepseek_v4.history``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import takewhile
from operator import itemgetter
from typing import Any

from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
)

from deepseek_v4 import errors
from deepseek_v4.integration.conversion_cache import ConversionCache
from deepseek_v4.integration.typed_answers import was_asked_again
from deepseek_v4.values.messages import Message, Part, Reasoning, Role, TextPart, ToolCall
from deepseek_v4.values.tool_arguments import arguments_text
from langchain_deepseek_v4.convert.content import RESULTS, TOOL_CALL_TYPES, blocks_of, parts_of, result_of, text_of
from langchain_deepseek_v4.convert.invalid_calls import strip_suffix

__all__ = ["to_conversation"]

ROLES: Mapping[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "ai": "assistant",
    "model": "assistant",
}
"""Roles of a ``ChatMessage`` -> ours. The service itself knows no ``developer``."""

SHOWN_BELOW = "(see the next message)"
"""The text of a tool result that holds an image or a file and no words."""

_MEMORY = ConversionCache()
"""What plain messages said, as long as they live."""

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
"""Names that every service takes; others are left out."""


def to_conversation(messages: Sequence[BaseMessage]) -> tuple[Message, ...]:
    """The conversation that a list of messages says.

    Images and files in tool results go into a user's message behind the results, because tool messages hold text only.

    Raises:
        InvalidRequestError: for a message of a kind or role that cannot be said.
        UnsupportedError: for audio and video.
    """
    looks = [
        (_LOOKS.get(message.__class__, _unknown)(message.__dict__), message.response_metadata.get("attempts"))
        for message in messages
    ]
    known = _MEMORY.recall(messages, looks)
    conversation: list[Message] = list(takewhile(bool, known))  # type: ignore[arg-type]
    attachments: list[Part] = []
    new = slice(len(conversation), None)
    for message, look, said in zip(messages[new], looks[new], known[new], strict=True):
        if attachments and not isinstance(message, ToolMessage):
            conversation.append(Message.user(tuple(attachments)))
            attachments = []
        if said is not None:
            conversation.append(said)
        elif _is_plain(message):
            said = _plain(message)
            _MEMORY.keep(message, look, said)
            conversation.append(said)
        elif isinstance(message, ToolMessage):
            text, held = result_of(message.content)
            conversation.append(Message.tool(text or (SHOWN_BELOW if held else ""), message.tool_call_id))
            if held:
                attachments += (TextPart(f"From the result of the tool call {message.tool_call_id}:"), *held)
        else:
            conversation.extend(_said(message, conversation))
    if attachments:
        conversation.append(Message.user(tuple(attachments)))
    return tuple(conversation)


Look = Callable[[dict[str, Any]], Any]

_answer: Look = itemgetter("type", "content", "additional_kwargs", "tool_calls", "invalid_tool_calls")
_LOOKS: Mapping[type, Look] = {
    AIMessage: _answer,
    AIMessageChunk: _answer,
    ToolMessage: itemgetter("type", "content", "tool_call_id"),
    HumanMessage: itemgetter("type", "content", "name"),
    SystemMessage: itemgetter("type", "content", "name"),
}
"""Class -> everything that is read of a plain message, out of its fields."""
_unknown: Look = id
"""For messages of other classes, which are read anew each time."""


def _is_plain(message: BaseMessage) -> bool:
    """Whether it says one message, always the same: what a user or a tool says may hold files and results."""
    return message.__class__ in _LOOKS and (isinstance(message.content, str) or isinstance(message, AIMessage))


def _plain(message: BaseMessage) -> Message:
    """What a plain message says."""
    if isinstance(message, AIMessage):
        return _assistant(message)
    text = text_of(message.content)
    if isinstance(message, ToolMessage):
        return Message("tool", text, tool_call_id=message.tool_call_id)
    return Message("system" if isinstance(message, SystemMessage) else "user", text, name=_name(message))


def _said(message: BaseMessage, before: Sequence[Message]) -> Iterator[Message]:
    """What a message that is no tool result says."""
    if isinstance(message, RemoveMessage):
        return
    if isinstance(message, FunctionMessage):
        yield _function_result(message, before)
        return
    role = _role(message)
    if role == "assistant":
        yield _assistant(message)
    elif role == "system":
        yield Message("system", text_of(message.content), name=_name(message))
    else:
        yield from _user(message)


def _role(message: BaseMessage) -> Role:
    if isinstance(message, AIMessage):
        return "assistant"
    if isinstance(message, HumanMessage):
        return "user"
    if isinstance(message, SystemMessage):
        return "system"
    if isinstance(message, ChatMessage) and message.role in ROLES:
        return ROLES[message.role]
    said = f"role {message.role!r}" if isinstance(message, ChatMessage) else f"type {message.type!r}"
    raise errors.InvalidRequestError(f"A message of {said} cannot be sent; known roles: {', '.join(ROLES)}.")


def _name(message: BaseMessage) -> str | None:
    return message.name if message.name and _NAME.fullmatch(message.name) else None


def _user(message: BaseMessage) -> Iterator[Message]:
    """A user's turn; the tool results that Anthropic's histories keep in it stand before it."""
    content = message.content
    results = [] if isinstance(content, str) else [b for b in blocks_of(content) if b.get("type") in RESULTS]
    attachments: tuple[Part, ...] = ()
    for result in results:
        text, held = result_of(result.get("content") or "")
        yield Message.tool(text or (SHOWN_BELOW if held else ""), result.get("tool_use_id") or "")
        attachments += held
    parts = parts_of(content)
    if attachments:
        parts = (*attachments, *((TextPart(parts),) if isinstance(parts, str) else parts))
    if parts or not results:
        yield Message("user", parts, name=_name(message))


def _assistant(message: BaseMessage) -> Message:
    return Message(
        "assistant",
        text_of(message.content),
        reasoning=_reasoning(message),
        tool_calls=tuple(_calls(message)),
        retried=was_asked_again(message.response_metadata),
    )


def _function_result(message: FunctionMessage, before: Sequence[Message]) -> Message:
    """A result of the time before tools: it names a function instead of a call."""
    text, _ = result_of(message.content)
    for past in reversed(before):
        for call in past.tool_calls:
            if call.name == message.name:
                return Message.tool(text, call.id)
    return Message.user(f"{message.name} returned: {text}")


def _reasoning(message: BaseMessage) -> Reasoning | None:
    """The chain of thought, wherever it survived; None when nothing is known, which is not the same as ``""``.

    It stands in ``additional_kwargs`` (ours and the ecosystem's), in reasoning blocks (v1 output, event streams,
    OpenAI), or in thinking blocks (Anthropic, Google, Bedrock).
    """
    text = message.additional_kwargs.get("reasoning_content")
    details = message.additional_kwargs.get("reasoning_details")
    if not isinstance(text, str):
        text = None
    if not isinstance(details, (list, tuple)):
        details = None
    if (text is None or details is None) and not isinstance(message.content, str):
        texts, records = _reasoning_blocks(message)
        if text is None and texts:
            text = "".join(texts)
        details = records if details is None else details
    if text is None and details is None:
        return None
    return Reasoning(text, None if details is None else tuple(details))


def _reasoning_blocks(message: BaseMessage) -> tuple[list[str], list[Mapping[str, Any]] | None]:
    texts: list[str] = []
    records: list[Mapping[str, Any]] | None = None
    if isinstance(message.content, str):
        return texts, records
    for block in blocks_of(message.content):
        kind = block.get("type")
        if kind == "reasoning":
            said = block.get("reasoning")
            if isinstance(said, str):
                texts.append(said)
            texts += [summary.get("text") or "" for summary in block.get("summary") or ()]  # OpenAI Responses
            extras = block.get("extras") or {}
            if isinstance(extras.get("reasoning_details"), (list, tuple)):
                records = [*(records or ()), *extras["reasoning_details"]]
        elif kind == "thinking" and isinstance(block.get("thinking"), str):
            texts.append(block["thinking"])
        elif kind == "reasoning_content" and isinstance(block.get("reasoning_content"), Mapping):  # Bedrock
            texts.append(block["reasoning_content"].get("text") or "")
    return texts, records


def _calls(message: BaseMessage) -> Iterator[ToolCall]:
    """The tool calls of an assistant's turn; the blocks of its content speak only where its own fields are empty."""
    valid = getattr(message, "tool_calls", ())
    invalid = getattr(message, "invalid_tool_calls", ())
    for call in valid:
        yield ToolCall(call["id"] or "", call["name"], arguments_text(call["args"]))
    for call in invalid:
        yield ToolCall(call["id"] or "", call["name"] or "", strip_suffix(call["args"] or ""))
    if valid or invalid:
        return
    for block in () if isinstance(message.content, str) else blocks_of(message.content):
        if block.get("type") in TOOL_CALL_TYPES and block.get("name"):
            said = block.get("args") or block.get("input") or block.get("arguments")
            arguments = strip_suffix(said) if isinstance(said, str) else arguments_text(said)
            yield ToolCall(block.get("call_id") or block.get("id") or "", block["name"], arguments)
    function = message.additional_kwargs.get("function_call")
    if isinstance(function, Mapping) and function.get("name"):
        yield ToolCall(f"call_{function['name']}", function["name"], arguments_text(function.get("arguments")))
