"""Differences between providers on the Chat Completions endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deepseek_v4.values.json import Json
    from deepseek_v4.values.messages import Message, Reasoning
from deepseek_v4.protocols.dialect import Dialect


class ChatDialect(Dialect):
    """A provider's version of ``/chat/completions``."""

    protocol = "chat_completions"
    path = "/chat/completions"
    strict_path: str | None = None
    """Path for strict function calling, if it is not ``path``."""
    prefix_path: str | None = None
    """Path for chat prefix completion, or None."""
    asks_for_stream_usage = True
    finish_reason_always = False
    """True if every stream has a finish reason, so that ``[DONE]`` without one means it was truncated."""
    passes_back_unknown_fields = False
    """True if fields of an answer's message that this package does not decode are a part of the turn: they are sent
    again, unchanged, in a record of the type ``UNKNOWN_FIELDS``."""
    flat_files = False
    """True if a file's fields are in the part itself; False if in its object ``file``, as in OpenAI's format."""
    may_leak_markup = False
    """True if the server's parsers are known to leave prompt markup in the visible text; a warning is then issued."""

    def encode_reasoning(self, reasoning: Reasoning | None) -> Json:
        """Return the fields of a past assistant message that pass its reasoning back while thinking is on."""
        raise NotImplementedError

    def decode_reasoning(self, message: Json) -> tuple[str | None, list[Json] | None]:
        """Return the text and the record of reasoning in a message or a streamed delta; None for what is missing."""
        raise NotImplementedError

    def unwrap(self, body: Json) -> Json:
        """Return the completion (or chunk) in a body of status 200, if a gateway wraps it."""
        return body

    def without_prefix(self, message: Json, prefix: Message) -> Json:
        """Return a complete message without the message that it continues, if the server repeats it."""
        return message

    def was_cut(self, choice: Json) -> bool:
        """Return True if the output limit truncated an answer with another finish reason."""
        return False
