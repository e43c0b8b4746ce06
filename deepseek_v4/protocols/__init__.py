"""Which endpoint is spoken, by name. One file per protocol; adding one is a new file and a row here."""

from __future__ import annotations

from collections.abc import Mapping

from deepseek_v4.lazy import Registry
from deepseek_v4.protocols.base import Encoded, Protocol, Reading
from deepseek_v4.protocols.decoder import StreamDecoder

PROTOCOLS: Mapping[str, Protocol] = Registry(
    {
        "chat_completions": "deepseek_v4.protocols.chat_completions:CHAT_COMPLETIONS",
        "responses": "deepseek_v4.protocols.responses:RESPONSES",
        "messages": "deepseek_v4.protocols.messages:MESSAGES",
        "completions": "deepseek_v4.protocols.completions:COMPLETIONS",
    }
)

__all__ = ["PROTOCOLS", "Encoded", "Protocol", "Reading", "StreamDecoder"]
