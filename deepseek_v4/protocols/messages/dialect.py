"""What a provider may say differently on the Messages endpoint (``protocols/messages.py``)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from deepseek_v4.protocols.dialect import FINISH_REASONS, Dialect
from deepseek_v4.values.json import Json
from deepseek_v4.values.reply import Usage
from deepseek_v4.values.sampling import Thinking


class MessagesDialect(Dialect):
    """Facts and small functions of one provider's ``/messages``."""

    protocol = "messages"
    path = "/messages"
    headers: Mapping[str, str] = MappingProxyType({"anthropic-version": "2023-06-01"})
    json_object = False  # Anthropic's form has no JSON mode: the schema is said in the prompt
    parallel_tool_calls = False
    """Whether ``tool_choice.disable_parallel_tool_use`` is read; otherwise it is held here, on the reply."""
    documents = True
    """Whether files that are no images are read."""
    unread_blocks: frozenset[str] = frozenset()
    """Types of blocks in a past turn's record that are refused here."""
    stop_reasons = FINISH_REASONS
    """The provider's words for why an answer ended -> ours."""

    def default_max_tokens(self, thinks: bool, thinking: Thinking) -> int:
        """What to send when ``max_tokens`` is not set, since this form demands the field."""
        raise NotImplementedError

    def encode_reasoning(self, text: str | None) -> list[Json]:
        """Blocks that pass a past turn's reasoning back when only its text is known, or not even that (None)."""
        return [{"type": "thinking", "thinking": text or "", "signature": ""}]

    def encode_block(self, block: Json) -> Json | None:
        """A block of the provider's own record as it goes back, or None to leave it out."""
        return None if block.get("type") in self.unread_blocks else block

    def decode_usage(self, usage: Json) -> Usage:
        """Anthropic's form: ``input_tokens`` leaves out what was read from or written to the cache; ours do not."""
        read = usage.get("cache_read_input_tokens")
        written = usage.get("cache_creation_input_tokens")
        details = usage.get("output_tokens_details") or {}
        return Usage(
            input_tokens=int(usage.get("input_tokens") or 0) + int(read or 0) + int(written or 0),
            output_tokens=int(usage.get("output_tokens") or 0),
            cached_tokens=read,
            cache_write_tokens=written,
            reasoning_tokens=details.get("thinking_tokens", details.get("reasoning_tokens")),
            cost=usage.get("cost"),
            extra=usage,
        )
