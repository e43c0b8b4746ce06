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
from deepseek_v4.protocols.error_bodies import read_error_body
from deepseek_v4.protocols.parsing import decode_envelope, decoding, parse_body, parse_event, text_of
from deepseek_v4.protocols.reply_builder import ReplyBuilder
from deepseek_v4.protocols.stream_decoder import StreamDecoder
from deepseek_v4.protocols.tool_names import ToolNames
from deepseek_v4.values.http import HttpResponse
from deepseek_v4.values.json import Json
from deepseek_v4.values.notes import Note
from deepseek_v4.values.reply import Delta, Reply, TextDelta
from deepseek_v4.values.sampling import Thinking

_KNOWN = frozenset({"id", "object", "created", "model", "choices", "usage", "system_fingerprint", "error"})


class Completions(Protocol):
    """The protocol ``completions``. Its history is one user message: the prompt."""

    name = "completions"

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

    def decode(self, response: HttpResponse, context: DecodeContext) -> Reply:
        """Decode a complete response."""
        builder = ReplyBuilder()
        body = parse_body(response, context.provider, context.response_limits.nesting)
        with decoding(body, context.provider):
            _read_complete(body, builder, context)
            return builder.build()

    def stream(self, context: DecodeContext) -> StreamDecoder:
        """Return a decoder for one streamed response."""
        return CompletionsStreamDecoder(context)


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


def _read_head(body: Json, builder: ReplyBuilder, dialect: CompletionsDialect) -> None:
    decode_envelope(body, builder, _KNOWN)
    if body.get("usage"):
        builder.count(dialect.decode_usage(body["usage"]))


def _read_choice(choice: Json, builder: ReplyBuilder, dialect: CompletionsDialect) -> str:
    """Decode a choice, complete or a chunk of it; return its text."""
    text = text_of(choice.get("text"))
    if text:
        builder.add_text(text)
    logprobs = choice.get("logprobs")
    if isinstance(logprobs, Mapping):
        builder.add_logprobs(logprobs)
    builder.end(choice.get("finish_reason"), dialect.finish_reasons)
    return text


def _read_complete(body: Any, builder: ReplyBuilder, context: DecodeContext) -> str:
    dialect = context.dialect
    assert isinstance(dialect, CompletionsDialect)
    if isinstance(body, dict) and body.get("error"):
        raise read_error_body(body, dialect, context.provider)
    choices = body.get("choices") if isinstance(body, dict) else None
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise errors.MalformedResponseError(
            "The response contains no choice.", provider=context.provider, body=body, retryable=True
        )
    _read_head(body, builder, dialect)
    return _read_choice(choices[0], builder, dialect)


class CompletionsStreamDecoder(StreamDecoder):
    """Decodes ``text_completion`` chunks into deltas."""

    def __init__(self, context: DecodeContext) -> None:
        super().__init__(ReplyBuilder(streamed=True, limits=context.response_limits), context.provider)
        assert isinstance(context.dialect, CompletionsDialect)
        self._context = context
        self._dialect = context.dialect

    def decode_event(self, event: bytes, deltas: list[Delta]) -> None:
        """Decode one chunk, or ``[DONE]``."""
        if event == b"[DONE]":
            reason = self.missing()
            if reason is not None:
                raise self.interrupted(reason)
            self.finish(deltas)
            return
        chunk = parse_event(event, self)
        if chunk.get("error"):
            error = read_error_body(chunk, self._dialect, self.provider)
            error.partial = self.partial()
            raise error
        _read_head(chunk, self.builder, self._dialect)
        for choice in chunk.get("choices") or ():
            text = _read_choice(choice, self.builder, self._dialect)
            if text:
                deltas.append(TextDelta(text))

    def missing(self) -> str | None:
        """Require a finish reason."""
        return None if self.builder.finish_reason is not None else "no finish reason was received"

    def read_stray(self, body: bytes, deltas: list[Delta]) -> None:
        """Decode a complete response or an error as plain JSON, which some gateways send for streaming requests."""
        if not body.strip():
            super().read_stray(body, deltas)
        text = _read_complete(parse_body(HttpResponse(200, {}, body), self.provider), self.builder, self._context)
        if text:
            deltas.append(TextDelta(text))
        self.finish(deltas)


COMPLETIONS = Completions()
