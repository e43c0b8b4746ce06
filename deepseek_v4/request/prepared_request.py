"""A request that is ready to be sent, and what is needed to decode its answer."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deepseek_v4 import errors
from deepseek_v4.protocols import DecodeContext, Protocol
from deepseek_v4.protocols.chat_request import ChatRequest
from deepseek_v4.protocols.dialect import Dialect
from deepseek_v4.protocols.stream_decoder import complete_answer
from deepseek_v4.providers.base import Provider
from deepseek_v4.request import history
from deepseek_v4.request.call_options import CallOptions
from deepseek_v4.request.url import request_url
from deepseek_v4.values import json
from deepseek_v4.values.http import HttpRequest, HttpResponse
from deepseek_v4.values.messages import Message
from deepseek_v4.values.notes import Note
from deepseek_v4.values.reply import Reply


@dataclass(slots=True, eq=False, repr=False)
class PreparedRequest:
    """A request ready to be sent, and what is needed to decode its answer.

    Attributes:
        http: The request, complete except for the key, which is added when it is sent.
        request: The same request by canonical names.
        context: The context of the decoder.
        protocol: The endpoint's codec.
        provider: The provider that receives it.
        body: The JSON body as a value.
        notes: What was translated, dropped, clamped or repaired, with the reason.
        options: All options of the call, reduced to what the provider supports.
        deadline: Time by which the call must be done, by ``time.monotonic``, for a follow-up request; None for the
            first request of a call, which has the full ``total_timeout``.
        watch: The ``observe.watch.Watch`` of its answer; None without a listener.
    """

    http: HttpRequest
    request: ChatRequest
    context: DecodeContext
    protocol: Protocol
    provider: Provider
    body: Mapping[str, Any]
    notes: tuple[Note, ...]
    options: CallOptions
    deadline: float | None = None
    watch: Any = None

    @property
    def dialect(self) -> Dialect:
        """The dialect that encoded the request and decodes the response."""
        return self.context.dialect

    def read(self, response: HttpResponse) -> Reply:
        """Decode a complete response.

        Raises:
            DeepSeekError: if it is an error, or not an answer.
        """
        return complete_answer(self.protocol.decode(response, self.context), self.provider.name)

    def with_messages(self, more: Sequence[Message]) -> PreparedRequest:
        """Return the request with messages appended and the history repaired; everything else is unchanged."""
        messages: Sequence[Message] = (*self.request.messages, *more)
        if self.options.repair_history:
            messages, _ = history.repair(messages)  # hosts that number their calls reuse ids
        return self.with_history(tuple(messages))

    def with_history(self, messages: tuple[Message, ...]) -> PreparedRequest:
        """Return the request with another history; a message to continue can change the URL path."""
        request = dataclasses.replace(self.request, messages=messages)
        encoded = self.protocol.encode(request, self.dialect, self.provider.name)
        url = request_url(self.provider, self.options.base_url, encoded.path)
        http = dataclasses.replace(self.http, url=url, body=body_bytes(encoded.body))
        return dataclasses.replace(self, http=http, request=request, context=encoded.context, body=encoded.body)


def body_bytes(body: Mapping[str, Any]) -> bytes:
    """Serialize a JSON body.

    Raises:
        InvalidRequestError: for a value that cannot be serialized; names the places to check.
    """
    try:
        return json.dumps(body)
    except (TypeError, ValueError, RecursionError) as error:
        raise errors.InvalidRequestError(
            f"The request cannot be serialized to JSON: {error}. Check the tool parameters, response_format and "
            "extra_body."
        ) from None
