"""LangChain messages converted to the core's messages. Input messages are never changed.

Histories have many sources: our own answers (complete, streamed, v1 output), checkpoints, messages written by hand,
answers of another vendor after a model fallback. Content is read from every place that these use; the core repairs what
a provider would reject (``deepseek_v4.request.history``).
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
from deepseek_v4.integration.message_errors import names_the_message
from deepseek_v4.integration.typed_answers import was_asked_again
from deepseek_v4.values.messages import SHOWN_BELOW, Message, Part, Reasoning, Role, TextPart, ToolCall, new_message
from deepseek_v4.values.tool_arguments import arguments_text
from langchain_deepseek_v4.convert.content import (
    RESULTS,
    TOOL_CALL_TYPES,
    blocks_of,
    left_out,
    parts_of,
    result_of,
    text_of,
)
from langchain_deepseek_v4.convert.invalid_calls import strip_suffix

ROLES: Mapping[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "ai": "assistant",
    "model": "assistant",
    "latest_reminder": "latest_reminder",
}
"""Roles of a ``ChatMessage`` -> ours. The API does not support ``developer``."""

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
"""Names that every provider accepts; others are left out."""


@names_the_message
def to_conversation(messages: Sequence[BaseMessage]) -> tuple[Message, ...]:
    """Convert a list of messages to a conversation.

    Images and files in tool results move into a user message after the results: tool messages contain text only.

    Raises:
        InvalidRequestError: if a message has a type or role that is not supported.
        UnsupportedError: if a message has audio or video.
    """
    known = _CACHE.lookup(messages)
    conversation: list[Message] = list(takewhile(bool, known))  # type: ignore[arg-type]
    attachments: list[Part] = []
    again: bool | None = None
    new = slice(len(conversation), None)
    for message, converted in zip(messages[new], known[new], strict=True):
        if attachments and not isinstance(message, ToolMessage):
            conversation.append(Message.user(tuple(attachments)))
            attachments = []
        if converted is not None:
            conversation.append(converted)
        elif (plain := _PLAIN.get(message.__class__)) and (plain is _ANSWER or isinstance(message.content, str)):
            converted = plain[0](message)
            if again is None:
                again = _CACHE.arrives_again(message)
            if again:
                _CACHE.store(message, converted)
            conversation.append(converted)
        elif isinstance(message, ToolMessage):
            text, attached = result_of(message.content)
            text = text or (SHOWN_BELOW if attached else "")
            conversation.append(Message.tool(text, message.tool_call_id, left_out=left_out(message.content)))
            if attached:
                attachments += (TextPart(f"From the result of the tool call {message.tool_call_id}:"), *attached)
        else:
            conversation.extend(_converted(message, conversation))
    if attachments:
        conversation.append(Message.user(tuple(attachments)))
    return tuple(conversation)


def _converted(message: BaseMessage, before: Sequence[Message]) -> Iterator[Message]:
    """Convert a message that is not a tool result."""
    if isinstance(message, RemoveMessage):
        return
    if isinstance(message, FunctionMessage):
        yield _function_result(message, before)
        return
    role = _role(message)
    if role == "assistant":
        yield _assistant(message)
    elif role in ("system", "latest_reminder"):
        yield Message(role, text_of(message.content), name=_name(message), left_out=left_out(message.content))
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
    kind = f"role {message.role!r}" if isinstance(message, ChatMessage) else f"type {message.type!r}"
    raise errors.InvalidRequestError(f"A message of {kind} cannot be sent. Use one of the roles: {', '.join(ROLES)}.")


def _name(message: BaseMessage) -> str | None:
    return message.name if message.name and _NAME.fullmatch(message.name) else None


def _user(message: BaseMessage) -> Iterator[Message]:
    """Convert a user message; the tool results that Anthropic's histories keep in it precede it."""
    content = message.content
    results = [] if isinstance(content, str) else [b for b in blocks_of(content) if b.get("type") in RESULTS]
    attachments: tuple[Part, ...] = ()
    for result in results:
        text, attached = result_of(result.get("content") or "")
        text = text or (SHOWN_BELOW if attached else "")
        yield Message.tool(text, result.get("tool_use_id") or "", left_out=left_out([result]))
        attachments += attached
    parts = parts_of(content)
    if attachments:
        parts = (*attachments, *((TextPart(parts),) if isinstance(parts, str) else parts))
    if parts or not results:
        yield Message("user", parts, name=_name(message), left_out=left_out(content))


def _assistant(message: BaseMessage) -> Message:
    content = message.content
    return new_message(
        "assistant",
        text_of(content) + _refusal_elsewhere(message),
        _reasoning(message),
        _calls(message),
        retried=was_asked_again(message.response_metadata),
        left_out=left_out(content),
    )


def _refusal_elsewhere(message: BaseMessage) -> str:
    """Return the refusal of an answer without a block of it: of an event stream (v3), or of another vendor."""
    refusal = message.additional_kwargs.get("refusal")
    if not isinstance(refusal, str) or any(block.get("type") == "refusal" for block in blocks_of(message.content)):
        return ""
    return refusal


def _result(message: BaseMessage) -> Message:
    return new_message("tool", message.content, tool_call_id=message.tool_call_id)  # type: ignore[attr-defined,arg-type]


def _question(message: BaseMessage) -> Message:
    return new_message("user", message.content, name=_name(message))  # type: ignore[arg-type]


def _instruction(message: BaseMessage) -> Message:
    return new_message("system", message.content, name=_name(message))  # type: ignore[arg-type]


_answer_fields = itemgetter("type", "content", "additional_kwargs", "tool_calls", "invalid_tool_calls")


def _answer(fields: dict[str, Any]) -> Any:
    return (*_answer_fields(fields), fields["response_metadata"].get("attempts"))


_ANSWER = (_assistant, _answer)
_PLAIN: Mapping[type, tuple[Callable[[BaseMessage], Message], Callable[[dict[str, Any]], Any]]] = {
    AIMessage: _ANSWER,
    AIMessageChunk: _ANSWER,
    ToolMessage: (_result, itemgetter("type", "content", "tool_call_id")),
    HumanMessage: (_question, itemgetter("type", "content", "name")),
    SystemMessage: (_instruction, itemgetter("type", "content", "name")),
}
"""Class -> the conversion of a plain message, and the fields that it reads.

A plain message always converts to the same single message. A user or tool message with blocks is not plain: these may
be files and results.
"""
_OTHER = (None, id)
"""For messages of other classes, which are converted each time."""


def _fingerprints(messages: Sequence[BaseMessage]) -> list[Any]:
    return [_PLAIN.get(message.__class__, _OTHER)[1](message.__dict__) for message in messages]


_CACHE = ConversionCache(_fingerprints)
"""The conversions of plain messages, as long as these exist."""


def _function_result(message: FunctionMessage, before: Sequence[Message]) -> Message:
    """Convert the result of a legacy function call: it has the name of a function instead of a call id."""
    text, _ = result_of(message.content)
    for past in reversed(before):
        for call in past.tool_calls:
            if call.name == message.name:
                return Message.tool(text, call.id)
    return Message.user(f"{message.name} returned: {text}")


def _reasoning(message: BaseMessage) -> Reasoning | None:
    """Return the reasoning, from any place that stores it; None if there is none, which differs from ``""``.

    It is in ``additional_kwargs`` (ours and the ecosystem's), in reasoning blocks (v1 output, event streams, OpenAI),
    or in thinking blocks (Anthropic, Google, Bedrock).
    """
    kwargs = message.additional_kwargs
    text = kwargs.get("reasoning_content")
    details = kwargs.get("reasoning_details")
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
    for block in blocks_of(message.content):
        kind = block.get("type")
        if kind == "reasoning":
            text = block.get("reasoning")
            if isinstance(text, str):
                texts.append(text)
            texts += [summary.get("text") or "" for summary in block.get("summary") or ()]  # OpenAI Responses
            extras = block.get("extras") or {}
            if isinstance(extras.get("reasoning_details"), (list, tuple)):
                records = [*(records or ()), *extras["reasoning_details"]]
        elif kind == "thinking" and isinstance(block.get("thinking"), str):
            texts.append(block["thinking"])
        elif kind == "reasoning_content" and isinstance(block.get("reasoning_content"), Mapping):  # Bedrock
            texts.append(block["reasoning_content"].get("text") or "")
    return texts, records


def _calls(message: BaseMessage) -> tuple[ToolCall, ...]:
    """Return the tool calls of an assistant message; from its content blocks only if its own fields are empty."""
    valid = getattr(message, "tool_calls", ())
    invalid = getattr(message, "invalid_tool_calls", ())
    if not (valid or invalid):
        return tuple(_calls_elsewhere(message))
    calls = [ToolCall(call["id"] or "", call["name"], arguments_text(call["args"])) for call in valid]
    calls += [ToolCall(call["id"] or "", call["name"] or "", strip_suffix(call["args"] or "")) for call in invalid]
    return tuple(calls)


def _calls_elsewhere(message: BaseMessage) -> Iterator[ToolCall]:
    """Yield the tool calls in content blocks and in the legacy field."""
    for block in () if isinstance(message.content, str) else blocks_of(message.content):
        if block.get("type") in TOOL_CALL_TYPES and block.get("name"):
            value = block.get("args") or block.get("input") or block.get("arguments")
            arguments = strip_suffix(value) if isinstance(value, str) else arguments_text(value)
            yield ToolCall(block.get("call_id") or block.get("id") or "", block["name"], arguments)
    function = message.additional_kwargs.get("function_call")
    if function and isinstance(function, Mapping) and function.get("name"):
        yield ToolCall(f"call_{function['name']}", function["name"], arguments_text(function.get("arguments")))
