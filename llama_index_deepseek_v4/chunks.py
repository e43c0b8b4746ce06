"""The responses of a stream, made without validation (``deepseek_v4.unvalidated``)."""

from __future__ import annotations

from typing import Any

from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    ContentBlock,
    MessageRole,
    TextBlock,
    ThinkingBlock,
)

from deepseek_v4.unvalidated import maker

__all__ = ["ChatResponseChunk", "response_chunk", "text_block", "thinking_block"]


class ChatResponseChunk(ChatResponse):
    """A response of a stream that is not its last: tool calls in it may be cut anywhere."""


_MESSAGE = ChatMessage(role=MessageRole.ASSISTANT, blocks=[])
_text = maker(TextBlock(text=""), "text")
_thinking = maker(ThinkingBlock(content=""), "content")
_message = maker(_MESSAGE, "role", "blocks", "additional_kwargs")
_response = maker(ChatResponseChunk(message=_MESSAGE), "message", "delta", "raw", "additional_kwargs")


def text_block(text: str) -> TextBlock:
    """``TextBlock(text=text)``."""
    return _text({"text": text})


def thinking_block(text: str) -> ThinkingBlock:
    """``ThinkingBlock(content=text)``."""
    return _thinking({"content": text, "additional_information": {}})


def response_chunk(
    blocks: list[ContentBlock], kept: dict[str, Any], delta: str, raw: dict[str, Any], extra: dict[str, Any]
) -> ChatResponseChunk:
    """A response with everything so far.

    Args:
        blocks: The blocks of the message; owned by it from here on.
        kept: Its ``additional_kwargs``, likewise.
        delta: What was added to the visible text.
        raw: The chunk in OpenAI's shape.
        extra: The response's ``additional_kwargs``.
    """
    message = _message({"blocks": blocks, "additional_kwargs": kept})
    return _response({"message": message, "delta": delta, "raw": raw, "additional_kwargs": extra})
