"""Encoding and decoding of wire JSON, one package per protocol. To add one, add a package and a row here."""

from __future__ import annotations

from collections.abc import Mapping

from deepseek_v4._lazy import Registry
from deepseek_v4.protocols.base import Protocol
from deepseek_v4.protocols.decode_context import DecodeContext
from deepseek_v4.protocols.stream_decoder import StreamDecoder

PROTOCOLS: Mapping[str, Protocol] = Registry(
    {
        "chat_completions": "deepseek_v4.protocols.chat.encode:CHAT_COMPLETIONS",
        "responses": "deepseek_v4.protocols.responses.encode:RESPONSES",
        "messages": "deepseek_v4.protocols.messages.encode:MESSAGES",
        "completions": "deepseek_v4.protocols.completions.codec:COMPLETIONS",
    }
)

__all__ = ["PROTOCOLS", "DecodeContext", "Protocol", "StreamDecoder"]
