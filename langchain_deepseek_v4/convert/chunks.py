"""Chunks of a stream, created without validation (``deepseek_v4.integration.fast_construction``).

They equal what the constructors create, with one intended difference: ``AIMessageChunk`` tries to parse a fragment of
arguments as JSON, shortening it character by character, which takes quadratic time, and lists it as an invalid call.
Here, a fragment is only a fragment.
"""

from __future__ import annotations

from typing import Any

from langchain_core.messages import AIMessage, AIMessageChunk, ToolCallChunk
from langchain_core.outputs import ChatGenerationChunk

from deepseek_v4.integration.fast_construction import unvalidated_factory

_TEMPLATE = AIMessageChunk(content="")
_chunk = unvalidated_factory(_TEMPLATE, "content", "additional_kwargs", "response_metadata")
_generation = unvalidated_factory(ChatGenerationChunk(message=_TEMPLATE), "message", "text")


def message_chunk(content: Any, additional_kwargs: dict[str, Any], metadata: dict[str, Any]) -> AIMessageChunk:
    """Create a chunk of text or reasoning.

    Args:
        content: A string, or a list of blocks.
        additional_kwargs: Not copied; the chunk owns it.
        metadata: The ``response_metadata`` of every chunk; copied.
    """
    return _chunk(
        content=content,
        additional_kwargs=additional_kwargs,
        response_metadata=metadata.copy(),
        tool_calls=[],
        invalid_tool_calls=[],
        tool_call_chunks=[],
    )


def fragment_chunk(content: Any, fragment: ToolCallChunk, metadata: dict[str, Any]) -> AIMessageChunk:
    """Create a chunk with a further fragment of a tool call's arguments."""
    chunk = message_chunk(content, {}, metadata)
    chunk.__dict__["tool_call_chunks"] = [fragment]
    chunk.__pydantic_fields_set__.update(("tool_call_chunks", "tool_calls", "invalid_tool_calls"))
    return chunk


def finish_info(message: AIMessage) -> dict[str, Any] | None:
    """Return the ``generation_info`` of an answer; None if the provider sent no finish reason."""
    reason = message.response_metadata.get("finish_reason")
    return None if reason is None else {"finish_reason": reason}


def generation_chunk(message: AIMessageChunk) -> ChatGenerationChunk:
    """Return the chunk for LangChain's model layer; tracers read the finish reason from its ``generation_info``."""
    if message.chunk_position == "last":
        return ChatGenerationChunk(message=message, generation_info=finish_info(message))
    content = message.content
    return _generation(message=message, text=content if isinstance(content, str) else message.text)
