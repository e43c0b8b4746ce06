"""Chunks of text and reasoning without validation: they come from our own decoder, thousands to an answer.

A chunk is put together field by field from a validated one of the same class, so it is equal to what the constructor
would have made, at a third of the cost; ``tests/unit/langchain/test_lc_chunks.py`` holds the two against each other.
"""

from __future__ import annotations

from typing import Any

from langchain_core.messages import AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk

_new = object.__new__
_set = object.__setattr__

_MESSAGE = AIMessageChunk(content="")
_MESSAGE_FIELDS = dict(_MESSAGE.__dict__)
_MESSAGE_SET = frozenset({"content", "additional_kwargs", "response_metadata"})
_GENERATION_FIELDS = dict(ChatGenerationChunk(message=_MESSAGE).__dict__)


def message_chunk(content: Any, additional_kwargs: dict[str, Any], marks: dict[str, Any]) -> AIMessageChunk:
    """What ``AIMessageChunk(content=…, additional_kwargs=…, response_metadata=marks)`` makes.

    Args:
        content: A string, or a list of blocks.
        additional_kwargs: Owned by the chunk from here on.
        marks: Copied.
    """
    fields = _MESSAGE_FIELDS.copy()
    fields["content"] = content
    fields["additional_kwargs"] = additional_kwargs
    fields["response_metadata"] = marks.copy()
    fields["tool_calls"] = []
    fields["invalid_tool_calls"] = []
    fields["tool_call_chunks"] = []
    chunk: AIMessageChunk = _new(AIMessageChunk)
    _set(chunk, "__dict__", fields)
    _set(chunk, "__pydantic_fields_set__", set(_MESSAGE_SET))
    _set(chunk, "__pydantic_extra__", {})
    _set(chunk, "__pydantic_private__", None)
    return chunk


def generation_chunk(message: AIMessageChunk) -> ChatGenerationChunk:
    """What ``ChatGenerationChunk(message=message)`` makes."""
    content = message.content
    fields = _GENERATION_FIELDS.copy()
    fields["message"] = message
    fields["text"] = content if isinstance(content, str) else message.text
    chunk: ChatGenerationChunk = _new(ChatGenerationChunk)
    _set(chunk, "__dict__", fields)
    _set(chunk, "__pydantic_fields_set__", {"message", "text"})
    _set(chunk, "__pydantic_extra__", None)
    _set(chunk, "__pydantic_private__", None)
    return chunk
