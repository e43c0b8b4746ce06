"""Interface of a protocol: encode a request to a JSON body, decode a JSON body or its events to a reply."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from deepseek_v4.protocols.chat_request import ChatRequest
from deepseek_v4.protocols.decode_context import DecodeContext
from deepseek_v4.protocols.dialect import Dialect
from deepseek_v4.protocols.stream_decoder import StreamDecoder
from deepseek_v4.values.http import HttpResponse
from deepseek_v4.values.json import Json
from deepseek_v4.values.notes import Note
from deepseek_v4.values.reply import Reply

__all__ = ["EncodedRequest", "Protocol"]


@dataclass(slots=True, eq=False, repr=False)
class EncodedRequest:
    """A request encoded for the wire, before base URL and API key."""

    path: str
    body: Json
    notes: list[Note]
    context: DecodeContext
    headers: Mapping[str, str] = field(default_factory=dict)


class Protocol(ABC):
    """One API endpoint. Implementations hold no state, no client and do no I/O."""

    name: ClassVar[str]
    decoder: ClassVar[type[StreamDecoder]]

    @abstractmethod
    def encode(self, request: ChatRequest, dialect: Dialect, provider: str) -> EncodedRequest:
        """Encode a request as a JSON body.

        Raises:
            InvalidRequestError: if a value is out of range.
            UnsupportedError: if the endpoint does not support an option and ``on_unsupported`` is "raise".
        """

    def decode(self, response: HttpResponse, context: DecodeContext) -> Reply:
        """Decode a complete response.

        Raises:
            DeepSeekError: if the body of a 200 response contains an error.
            MalformedResponseError: if the body does not follow the protocol.
        """
        return self.stream(context).decode(response)

    def stream(self, context: DecodeContext) -> StreamDecoder:
        """Return a decoder for one response."""
        return self.decoder(context)
