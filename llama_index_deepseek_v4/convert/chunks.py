"""Blocks and responses of decoded answers, created without validation; see ``fast_construction``.

Each function creates what the constructor of the same arguments creates. Mutable arguments are not copied: the new
object owns them.
"""

from __future__ import annotations

from collections.abc import Callable

from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    MessageRole,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)

from deepseek_v4.integration.fast_construction import unvalidated_factory


class ChatResponseChunk(ChatResponse):
    """A response of a stream that is not its last: its tool calls may be incomplete."""


_MESSAGE = ChatMessage(role=MessageRole.ASSISTANT, blocks=[])
_THINKING = ThinkingBlock(content="")
text_block: Callable[..., TextBlock] = unvalidated_factory(TextBlock(text=""), "text")
thinking_block: Callable[..., ThinkingBlock] = unvalidated_factory(_THINKING, "content")
"""Needs ``additional_information={}``, too, which does not count as set."""
complete_thinking_block: Callable[..., ThinkingBlock] = unvalidated_factory(
    _THINKING, "content", "num_tokens", "additional_information"
)
call_block: Callable[..., ToolCallBlock] = unvalidated_factory(
    ToolCallBlock(tool_name=""), "tool_call_id", "tool_name", "tool_kwargs"
)
assistant_message: Callable[..., ChatMessage] = unvalidated_factory(_MESSAGE, "role", "blocks", "additional_kwargs")
response_chunk: Callable[..., ChatResponseChunk] = unvalidated_factory(
    ChatResponseChunk(message=_MESSAGE), "message", "delta", "raw", "additional_kwargs"
)
complete_response: Callable[..., ChatResponse] = unvalidated_factory(
    ChatResponse(message=_MESSAGE), "message", "raw", "delta", "logprobs", "additional_kwargs"
)
