"""``POST /completions``: complete a prompt, or fill the gap between a prompt and a suffix. Pure.

The model does not think here, has no tools and sees no messages; DeepSeek serves it on the beta host
(https://api-docs.deepseek.com/guides/fim_completion).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from deepseek_v4 import errors
from deepseek_v4.protocols.base import Protocol
from deepseek_v4.protocols.completions.dialect import CompletionsDialect
from deepseek_v4.protocols.encode_options import drop
from deepseek_v4.protocols.request_encoder import RequestEncoder
from deepseek_v4.protocols.response_body import OPENAI_FIELDS, decode_envelope, text_of
from deepseek_v4.protocols.stream_decoder import StreamDecoder, is_flat_error
from deepseek_v4.values.json import Json
from deepseek_v4.values.reply import Delta, TextDelta
from deepseek_v4.values.sampling import Thinking


class CompletionsStreamDecoder(StreamDecoder):
    """Decodes ``text_completion`` objects, complete or chunk by chunk."""

    def decode_event(self, event: bytes, deltas: list[Delta]) -> None:
        """Decode one chunk, or ``[DONE]``."""
        if event != b"[DONE]":
            self._read(self.parse_event(event), deltas)
            return
        reason = self.incomplete_reason()
        if reason is not None:
            raise self.interrupted(reason)
        self.finish(deltas)

    def read_body(self, body: Any, deltas: list[Delta]) -> None:
        """Decode a complete response, which is read like one chunk."""
        if not isinstance(body, dict) or not (body.get("error") or body.get("choices")):
            raise self.lacking("choice", body)
        self._read(body, deltas)

    def _read(self, chunk: Json, deltas: list[Delta]) -> None:
        if chunk.get("error") or (not chunk.get("choices") and is_flat_error(chunk)):
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


class CompletionsEncoder(RequestEncoder[CompletionsDialect]):
    """Encodes a request of the protocol ``completions``. Its history is one user message: the prompt."""

    def check(self) -> None:
        """Refuse what only a chat has, and drop thinking."""
        request = self.request
        for option, value in (("tools", request.tools), ("response_format", request.response_format)):
            if value:
                raise errors.UnsupportedError(f"{option} is not supported by completions. Use chat().")
        if len(request.messages) != 1 or request.messages[0].role != "user":
            raise errors.InvalidRequestError("A completion takes one prompt. Use chat() for a message history.")
        has_logprobs = request.sampling.logprobs or request.sampling.top_logprobs is not None
        if request.echo and (request.suffix is not None or has_logprobs):
            raise errors.InvalidRequestError("echo cannot be combined with suffix or logprobs.")
        thinking = request.thinking
        if thinking.on or thinking.effort is not None or thinking.budget is not None:
            drop("thinking", "completions do not support thinking; use chat()", request, self.provider, self.notes)
        self.request = dataclasses.replace(request, thinking=Thinking())

    def add_fields(self, body: Json) -> None:
        """Add the fields of a stream, and ``echo``."""
        super().add_fields(body)
        if self.request.echo:
            body["echo"] = True

    def add_history(self, body: Json, history: list[Json]) -> None:
        """Add the prompt, and the text after the gap."""
        body["prompt"] = self.request.messages[0].text
        if self.request.suffix is not None:
            body["suffix"] = self.request.suffix


COMPLETIONS = Protocol("completions", CompletionsEncoder, CompletionsStreamDecoder)
