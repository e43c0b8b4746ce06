"""``POST /completions``: complete a prompt, or fill the gap between a prompt and a suffix. Pure.

The model does not think here, has no tools and sees no messages; DeepSeek serves it on the beta host
(https://api-docs.deepseek.com/guides/fim_completion).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from deepseek_v4 import errors
from deepseek_v4.protocols.base import EncodedRequest, Protocol
from deepseek_v4.protocols.chat_request import ChatRequest
from deepseek_v4.protocols.completions.dialect import CompletionsDialect
from deepseek_v4.protocols.decode_context import DecodeContext
from deepseek_v4.protocols.dialect import Dialect
from deepseek_v4.protocols.encode_options import drop, encode_options
from deepseek_v4.protocols.parsing import OPENAI_FIELDS, decode_envelope, text_of
from deepseek_v4.protocols.stream_decoder import StreamDecoder
from deepseek_v4.protocols.tool_names import ToolNames
from deepseek_v4.values.json import Json
from deepseek_v4.values.notes import Note
from deepseek_v4.values.reply import Delta, TextDelta
from deepseek_v4.values.sampling import Thinking


class CompletionsStreamDecoder(StreamDecoder):
    """Decodes ``text_completion`` objects, complete or chunk by chunk."""

    def decode_event(self, event: bytes, deltas: list[Delta]) -> None:
        """Decode one chunk, or ``[DONE]``."""
        if event != b"[DONE]":
            self._read(self.parse_event(event), deltas)
            return
        reason = self.missing()
        if reason is not None:
            raise self.interrupted(reason)
        self.finish(deltas)

    def read_body(self, body: Any, deltas: list[Delta]) -> None:
        """Decode a complete response, which is read like one chunk.

        Raises:
            DeepSeekError: if it contains an error.
            MalformedResponseError: if it has no choice.
        """
        if not isinstance(body, dict) or not (body.get("error") or body.get("choices")):
            raise errors.MalformedResponseError(
                "The response contains no choice.", provider=self.provider, body=body, retryable=True
            )
        self._read(body, deltas)

    def _read(self, chunk: Json, deltas: list[Delta]) -> None:
        if chunk.get("error"):
            raise self.provider_error(chunk)
        builder = self.builder
        decode_envelope(chunk, builder, OPENAI_FIELDS)
        if chunk.get("usage"):
            builder.count(self.context.dialect.decode_usage(chunk["usage"]))
        for choice in (chunk.get("choices") or ())[:1]:
            text = text_of(choice.get("text"))
            if text:
                builder.add_text(text)
                deltas.append(TextDelta(text))
            logprobs = choice.get("logprobs")
            if isinstance(logprobs, Mapping):
                builder.add_logprobs(logprobs)
            builder.end(choice.get("finish_reason"))


class Completions(Protocol):
    """The protocol ``completions``. Its history is one user message: the prompt."""

    name = "completions"
    decoder = CompletionsStreamDecoder

    def encode(self, request: ChatRequest, dialect: Dialect, provider: str) -> EncodedRequest:
        """Encode a request as a JSON body."""
        assert isinstance(dialect, CompletionsDialect)
        _refuse_chat_options(request)
        notes: list[Note] = []
        body: Json = {"model": request.model}
        body.update(encode_options(_plain(request, provider, notes), dialect, provider, notes))
        if request.stream:
            body["stream"] = True
            if request.stream_usage and dialect.asks_for_stream_usage:
                body["stream_options"] = {"include_usage": True}
        if request.echo:
            body["echo"] = True
        headers = dialect.finish_body(body, [], request, notes)
        if request.extra_body:
            body.update(request.extra_body)
        body["prompt"] = request.messages[0].text
        if request.suffix is not None:
            body["suffix"] = request.suffix
        return EncodedRequest(dialect.path, body, notes, DecodeContext(dialect, provider, ToolNames(())), headers)


def _refuse_chat_options(request: ChatRequest) -> None:
    for option, value in (("tools", request.tools), ("response_format", request.response_format)):
        if value:
            raise errors.UnsupportedError(f"{option} is not supported by completions. Use chat().")
    if len(request.messages) != 1 or request.messages[0].role != "user":
        raise errors.InvalidRequestError("A completion takes one prompt. Use chat() for a message history.")
    has_logprobs = request.sampling.logprobs or request.sampling.top_logprobs is not None
    if request.echo and (request.suffix is not None or has_logprobs):
        raise errors.InvalidRequestError("echo cannot be combined with suffix or logprobs.")


def _plain(request: ChatRequest, provider: str, notes: list[Note]) -> ChatRequest:
    """Return the request without thinking, and with log probabilities requested by a number, as this endpoint needs."""
    thinking = request.thinking
    if thinking.on or thinking.effort is not None or thinking.budget is not None:
        drop("thinking", "completions do not support thinking; use chat()", request, provider, notes)
    sampling = request.sampling
    if sampling.logprobs is False and sampling.top_logprobs is not None:
        raise errors.InvalidRequestError("top_logprobs requires logprobs. Leave logprobs unset, or set it to True.")
    number = 1 if sampling.logprobs and sampling.top_logprobs is None else sampling.top_logprobs
    return dataclasses.replace(
        request, thinking=Thinking(), sampling=sampling._replace(logprobs=None, top_logprobs=number)
    )


COMPLETIONS = Completions()
