"""``Protocol``: one endpoint, as the encoder of its requests and the decoder of its responses."""

from __future__ import annotations

from typing import Any

from deepseek_v4.protocols.chat_request import ChatRequest
from deepseek_v4.protocols.decode_context import DecodeContext
from deepseek_v4.protocols.dialect import Dialect
from deepseek_v4.protocols.request_encoder import EncodedRequest, RequestEncoder
from deepseek_v4.protocols.stream_decoder import StreamDecoder
from deepseek_v4.values.http import HttpResponse
from deepseek_v4.values.reply import Reply
from deepseek_v4.values.value import dataclass


@dataclass(frozen=True)
class Protocol:
    """One API endpoint; it does no I/O."""

    name: str
    encoder: type[RequestEncoder[Any]]
    decoder: type[StreamDecoder]

    def encode(self, request: ChatRequest, dialect: Dialect, provider: str) -> EncodedRequest:
        """Encode a request as a JSON body; raises the errors of ``RequestEncoder.encode``."""
        return self.encoder(request, dialect, provider).encode()

    def decode(self, response: HttpResponse, context: DecodeContext) -> Reply:
        """Decode a complete response; raises the errors of ``StreamDecoder.decode``."""
        return self.decoder(context).decode(response)

    def stream(self, context: DecodeContext) -> StreamDecoder:
        """Return a decoder for one response."""
        return self.decoder(context)
