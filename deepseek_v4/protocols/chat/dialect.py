"""How one provider's version of chat completions differs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deepseek_v4.values.json import Json
    from deepseek_v4.values.messages import Reasoning
from deepseek_v4.protocols.dialect import FINISH_REASONS, Dialect


class ChatDialect(Dialect):
    """What a provider's chat completions may say differently."""

    protocol = "chat_completions"
    path = "/chat/completions"
    strict_path: str | None = None
    """Where strict function calling is served, when it is not ``path``."""
    prefix_path: str | None = None
    """Where chat prefix completion is served, or None."""
    asks_for_stream_usage = True
    """Whether usage comes in streams only when ``stream_options.include_usage`` asks for it."""
    parallel_tool_calls = False
    """Whether the field ``parallel_tool_calls`` is read; otherwise it is held here, on the reply."""
    finish_reason_always = False
    """Whether every stream names a finish reason, so that ``[DONE]`` without one means it was cut."""
    think_tags = False
    """Whether reasoning may come inside the visible text, between ``<think>`` and ``</think>`` at its start."""
    may_leak_markup = False
    """Whether the server's parsers are known to leave prompt markup in the visible text; then it is told."""
    finish_reasons = FINISH_REASONS
    """The provider's words for why an answer ended -> ours."""

    def encode_reasoning(self, reasoning: Reasoning | None) -> Json:
        """Fields of a past assistant message that pass its reasoning back, while thinking is on."""
        raise NotImplementedError

    def decode_reasoning(self, message: Json) -> tuple[str | None, list[Json] | None]:
        """Text and record of reasoning in a message or a streamed delta; None where absent."""
        raise NotImplementedError

    def unwrap(self, body: Json) -> Json:
        """The completion (or chunk) in a body of status 200, where a gateway puts it elsewhere."""
        return body

    def was_cut(self, choice: Json) -> bool:
        """Whether the output limit cut an answer whose finish reason says otherwise."""
        return False
