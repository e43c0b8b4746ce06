"""Chunks of a stream, made without validation (``deepseek_v4.unvalidated``).

They equal what the constructors make but for one thing, which is meant: ``AIMessageChunk`` tries to read a fragment of
arguments as JSON, shortening it character by character, which takes time in proportion to its square, and calls it an
invalid call. Here a fragment is a fragment.
"""

from __future__ import annotations

from typing import Any

from langchain_core.messages import AIMessage, AIMessageChunk, ToolCallChunk
from langchain_core.outputs import ChatGenerationChunk

from deepseek_v4.integration.fast_construction import unvalidated_factory

_PATTERN = AIMessageChunk(content="")
_chunk = unvalidated_factory(_PATTERN, "content", "additional_kwargs", "response_metadata")
_generation = unvalidated_factory(ChatGenerationChunk(message=_PATTERN), "message", "text")


def message_chunk(content: Any, additional_kwargs: dict[str, Any], marks: dict[str, Any]) -> AIMessageChunk:
    """A chunk of text or reasoning.

    Args:
        content: A string, or a list of blocks.
        additional_kwargs: Owned by the chunk from here on.
        marks: The response metadata of every chunk; copied.
    """
    return _chunk(
        {
            "content": content,
            "additional_kwargs": additional_kwargs,
            "response_metadata": marks.copy(),
            "tool_calls": [],
            "invalid_tool_calls": [],
            "tool_call_chunks": [],
        }
    )


def fragment_chunk(content: Any, piece: ToolCallChunk, marks: dict[str, Any]) -> AIMessageChunk:
    """A chunk with a further piece of a tool call's arguments."""
    chunk = message_chunk(content, {}, marks)
    chunk.__dict__["tool_call_chunks"] = [piece]
    chunk.__pydantic_fields_set__.update(("tool_call_chunks", "tool_calls", "invalid_tool_calls"))
    return chunk


def finish_info(message: AIMessage) -> dict[str, Any] | None:
    """What stands beside an answer in LangChain's generations; None where the provider gave no reason."""
    reason = message.response_metadata.get("finish_reason")
    return None if reason is None else {"finish_reason": reason}


def generation_chunk(message: AIMessageChunk) -> ChatGenerationChunk:
    """A chunk as LangChain's model layer wants it; those who watch the run look for the finish reason beside it."""
    if message.chunk_position == "last":
        return ChatGenerationChunk(message=message, generation_info=finish_info(message))
    content = message.content
    return _generation({"message": message, "text": content if isinstance(content, str) else message.text})
