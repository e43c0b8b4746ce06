"""Blocks and responses of decoded answers, created without validation; see ``fast_construction``."""

from __future__ import annotations

from typing import Any

from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    ContentBlock,
    LogProb,
    MessageRole,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)

from deepseek_v4.integration.fast_construction import unvalidated_factory

__all__ = [
    "ChatResponseChunk",
    "call_block",
    "response_chunk",
    "text_block",
    "thinking_block",
    "whole_response",
    "whole_thinking_block",
]


class ChatResponseChunk(ChatResponse):
    """A response of a stream that is not its last: its tool calls may be incomplete."""


_MESSAGE = ChatMessage(role=MessageRole.ASSISTANT, blocks=[])
_text = unvalidated_factory(TextBlock(text=""), "text")
_thinking = unvalidated_factory(ThinkingBlock(content=""), "content")
_whole_thinking = unvalidated_factory(ThinkingBlock(content=""), "content", "num_tokens", "additional_information")
_call = unvalidated_factory(ToolCallBlock(tool_name=""), "tool_call_id", "tool_name", "tool_kwargs")
_message = unvalidated_factory(_MESSAGE, "role", "blocks", "additional_kwargs")
_response = unvalidated_factory(ChatResponseChunk(message=_MESSAGE), "message", "delta", "raw", "additional_kwargs")
_whole = unvalidated_factory(ChatResponse(message=_MESSAGE), "message", "raw", "delta", "logprobs", "additional_kwargs")


def text_block(text: str) -> TextBlock:
    """Return ``TextBlock(text=text)``."""
    return _text({"text": text})


def thinking_block(text: str) -> ThinkingBlock:
    """Return ``ThinkingBlock(content=text)``."""
    return _thinking({"content": text, "additional_information": {}})


def whole_thinking_block(text: str | None, tokens: int | None, details: dict[str, Any]) -> ThinkingBlock:
    """Return ``ThinkingBlock(content=text, num_tokens=tokens, additional_information=details)``."""
    return _whole_thinking({"content": text, "num_tokens": tokens, "additional_information": details})


def call_block(call_id: str | None, name: str, arguments: dict[str, Any] | str) -> ToolCallBlock:
    """Return ``ToolCallBlock(tool_call_id=call_id, tool_name=name, tool_kwargs=arguments)``."""
    return _call({"tool_call_id": call_id, "tool_name": name, "tool_kwargs": arguments})


def whole_response(
    blocks: list[ContentBlock],
    kwargs: dict[str, Any],
    delta: str | None,
    raw: dict[str, Any],
    logprobs: list[list[LogProb]] | None,
    extra: dict[str, Any],
) -> ChatResponse:
    """Create the response of a complete answer; arguments as for ``response_chunk``."""
    message = _message({"blocks": blocks, "additional_kwargs": kwargs})
    return _whole({"message": message, "raw": raw, "delta": delta, "logprobs": logprobs, "additional_kwargs": extra})


def response_chunk(
    blocks: list[ContentBlock], kwargs: dict[str, Any], delta: str, raw: dict[str, Any], extra: dict[str, Any]
) -> ChatResponseChunk:
    """Create a response with everything so far.

    Args:
        blocks: The blocks of the message. Not copied; the message owns them.
        kwargs: The message's ``additional_kwargs``. Not copied either.
        delta: The text that was added.
        raw: The chunk in OpenAI's format.
        extra: The response's ``additional_kwargs``.
    """
    message = _message({"blocks": blocks, "additional_kwargs": kwargs})
    return _response({"message": message, "delta": delta, "raw": raw, "additional_kwargs": extra})
