"""Which endpoint is spoken, by name. One file per protocol; adding one is a new file and a row here."""

from __future__ import annotations

from collections.abc import Mapping

from deepseek_v4.protocols.base import Encoded, Protocol, Reading
from deepseek_v4.protocols.chat_completions import ChatCompletions
from deepseek_v4.protocols.completions import Completions
from deepseek_v4.protocols.decoder import StreamDecoder
from deepseek_v4.protocols.messages import Messages
from deepseek_v4.protocols.responses import Responses

PROTOCOLS: Mapping[str, Protocol] = {
    protocol.name: protocol for protocol in (ChatCompletions(), Responses(), Messages(), Completions())
}

__all__ = ["PROTOCOLS", "Encoded", "Protocol", "Reading", "StreamDecoder"]
