"""What a protocol is: a request in our words to a JSON body, and a JSON body or its events to a reply."""

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
    """A request as the wire wants it, before address and key."""

    path: str
    body: Json
    notes: list[Note]
    context: DecodeContext
    headers: Mapping[str, str] = field(default_factory=dict)


class Protocol(ABC):
    """One endpoint. Implementations hold no state, no client and do no I/O."""

    name: ClassVar[str]

    @abstractmethod
    def encode(self, request: ChatRequest, dialect: Dialect, provider: str) -> EncodedRequest:
        """The request as a JSON body.

        Raises:
            InvalidRequestError: for a value out of range.
            UnsupportedError: for what this endpoint has not, where the request says to refuse it.
        """

    @abstractmethod
    def decode(self, response: HttpResponse, context: DecodeContext) -> Reply:
        """A whole answer.

        Raises:
            DeepSeekError: for an error inside a 200 body.
            MalformedResponseError: when the body is not what the protocol says.
        """

    @abstractmethod
    def stream(self, context: DecodeContext) -> StreamDecoder:
        """A decoder for one streamed answer."""
