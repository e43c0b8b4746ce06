"""Decode complete and streamed responses of ``/chat/completions`` into replies. Pure."""

from __future__ import annotations

import warnings
from typing import Any

from deepseek_v4 import errors
from deepseek_v4.protocols.chat.dialect import ChatDialect
from deepseek_v4.protocols.decode_context import DecodeContext
from deepseek_v4.protocols.reasoning_details import UNKNOWN_FIELDS
from deepseek_v4.protocols.response_body import OPENAI_FIELDS, decode_envelope, keep, text_of
from deepseek_v4.protocols.stream_decoder import UNREADABLE, StreamDecoder, is_flat_error
from deepseek_v4.values import json
from deepseek_v4.values.json import Json
from deepseek_v4.values.reply import Delta, ReasoningDelta, Reply, TextDelta

_MESSAGE_KEYS = frozenset(
    {"role", "content", "refusal", "tool_calls", "reasoning", "reasoning_content", "reasoning_details", "annotations"}
)
_TEXT_KEYS = frozenset({"role", "content", "reasoning", "reasoning_content", "reasoning_details"})
"""The keys of almost all deltas of a stream; the other ones need more work."""
_SHOWN_ONCE = frozenset({"refusal", "title"})
"""Fields of an answer that are not a part of the turn."""
_CHOICE_KEYS = frozenset({"index", "message", "delta", "logprobs", "finish_reason", "error"})

_new = tuple.__new__
"""Creates a delta in half the time of its class: a tenth of the time of a streamed chunk."""


def _warn_of_leaks(reply: Reply, context: DecodeContext) -> None:
    """Warn that the server's parsers left prompt markup in the text that no call could be made of."""
    assert isinstance(context.dialect, ChatDialect)
    leaked = reply.extra.get("leaked_markup", {})
    if "found" in leaked:
        return  # reported by the builder
    if leaked.get("withheld") or (context.dialect.may_leak_markup and _holds_markup(reply.content)):
        warnings.warn(
            f"The reply of {context.provider} contains model markup (<｜DSML｜…> or </think>) that the server's tool "
            "or reasoning parser missed. Check the server's parser flags and version.",
            errors.LeakedMarkupWarning,
            stacklevel=2,
        )


def _holds_markup(text: str) -> bool:
    if "DSML" not in text and "</think>" not in text:
        return False
    # rarely needed, and its patterns are slow to compile
    from deepseek_v4.protocols.leaked_calls.dsml_tags import holds_markup

    return holds_markup(text)


def _text(arguments: Any) -> str:
    """Return arguments as JSON text; a few hosts send them as an object."""
    if isinstance(arguments, str):
        return arguments
    return "" if arguments is None else json.dumps(arguments).decode()


class ChatStreamDecoder(StreamDecoder):
    """Decodes ``chat.completion.chunk`` events into deltas."""

    def __init__(self, context: DecodeContext) -> None:
        super().__init__(context)
        self.builder.streamed = True
        assert isinstance(context.dialect, ChatDialect)
        self._dialect = context.dialect
        self._read_reasoning = context.dialect.decode_reasoning
        self._named = False

    def decode_event(self, event: bytes, deltas: list[Delta]) -> None:
        """Decode one chunk, or ``[DONE]``."""
        if event == b"[DONE]":
            self.close_tags(deltas)
            reason, builder = self.incomplete_reason(), self.builder
            begun = builder.content or builder.calls or builder.reasoning
            if reason is not None and (self._dialect.finish_reason_always or not begun):
                raise self.interrupted(reason)
            self.finish(deltas)
            return
        try:
            chunk = json.fast_loads(event)
        except ValueError:
            chunk = None
        if chunk.__class__ is not dict:
            chunk = self.parse_event(event)
        if chunk.get("error"):
            self._read_error(chunk)
        builder = self.builder
        if not self._named:
            self._named = bool(chunk.get("model"))
            decode_envelope(chunk, builder, OPENAI_FIELDS)
        usage = chunk.get("usage")
        if usage:
            builder.count(self._dialect.decode_usage(usage))
        choices = chunk.get("choices")
        if usage or not choices:
            keep(builder.extra, chunk, OPENAI_FIELDS)
        if not choices:
            chunk = self._dialect.unwrap(chunk)
            choices = chunk.get("choices")
            if not choices:
                if is_flat_error(chunk):
                    self._read_error(chunk)
                return
        choice = choices[0]
        delta = choice.get("delta")
        if delta:
            self._read_message(delta, deltas)
        if choice.get("logprobs"):
            builder.add_logprobs(choice["logprobs"])
        if choice.get("finish_reason") and not (chunk.get("error") and self.incomplete_reason() is None):
            self._read_finish(choice)
            keep(builder.extra, chunk, OPENAI_FIELDS)
        if choice.get("error"):
            self._read_error(choice)

    def read_body(self, body: Any, deltas: list[Delta]) -> None:
        """Decode one choice with a message, which is read like one delta; an error has the rest in ``partial``."""
        completion = self._dialect.unwrap(body) if isinstance(body, dict) else {}
        choices = completion.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
        failed = completion if completion.get("error") else choice if choice.get("error") else None
        error = None if failed is None else self.provider_error(failed)
        message = choice.get("message")
        if isinstance(message, dict):
            try:
                self._read_choice(completion, choice, message, deltas)
            except UNREADABLE:
                if error is None:
                    raise
                raise error from None
            if error is None:
                return
            error.partial = self.partial()
        raise error or self.lacking("choice with a message", body)

    def _read_choice(self, completion: Json, choice: Json, message: Json, deltas: list[Delta]) -> None:
        builder = self.builder
        builder.streamed = False
        decode_envelope(completion, builder, OPENAI_FIELDS)
        self._read_finish(choice)
        if choice.get("logprobs"):
            builder.add_logprobs(choice["logprobs"])
        if completion.get("usage"):
            builder.count(self._dialect.decode_usage(completion["usage"]))
        if self.context.prefix is not None:
            message = self._dialect.without_prefix(message, self.context.prefix)
        self._read_message(message, deltas)

    def conclude(self, deltas: list[Delta]) -> Reply:
        """Append the deltas that were held back, and return the complete reply; warn of markup in its text."""
        self.close_tags(deltas)
        if self.builder.unknown and self._dialect.passes_back_unknown_fields:
            self._record_unknown(deltas)
        reply = super().conclude(deltas)
        _warn_of_leaks(reply, self.context)
        return reply

    def _record_unknown(self, deltas: list[Delta]) -> None:
        """Store the fields that must be sent again: the calls of tools that the provider ran, and their results."""
        fields = {name: value for name, value in self.builder.unknown_fields().items() if name not in _SHOWN_ONCE}
        if fields:
            record = ({"type": UNKNOWN_FIELDS, "fields": fields},)
            for value in fields.values():
                self.builder.count_server_calls(value)
            self.builder.add_details(record)
            deltas.append(ReasoningDelta("", record))

    def _read_message(self, message: Json, deltas: list[Delta]) -> None:
        builder = self.builder
        text, details = self._read_reasoning(message)
        if details is not None:
            builder.add_details(details)
        if text is not None:
            builder.add_reasoning(text if isinstance(text, str) else text_of(text))
        if text or details:
            if self.splitter is not None:
                self.splitter.end_reasoning()
            deltas.append(_new(ReasoningDelta, (text or "", tuple(details) if details else None)))
        content = message.get("content")
        if content and self.splitter is not None:
            self.add_text(text_of(content), deltas)
        elif content:
            shown = builder.add_text(content if isinstance(content, str) else text_of(content))
            if shown:
                deltas.append(_new(TextDelta, (shown,)))
        if not _TEXT_KEYS.issuperset(message):
            if message.get("tool_calls"):
                self._read_calls(message["tool_calls"], deltas)
            if message.get("refusal"):
                deltas.append(builder.add_refusal(text_of(message["refusal"])))
            if message.get("annotations"):
                builder.add_annotations(message["annotations"])
            for key, value in message.items():
                if key not in _MESSAGE_KEYS and value is not None:
                    builder.add_unknown(key, value)

    def _read_finish(self, choice: Json) -> None:
        self.builder.end(choice.get("finish_reason"))
        self.builder.cut = self._dialect.was_cut(choice)
        keep(self.builder.extra, choice, _CHOICE_KEYS)

    def _read_calls(self, calls: list[Any], deltas: list[Delta]) -> None:
        for position, call in enumerate(calls):
            function = call.get("function") or {}
            slot = call.get("index") if self.builder.streamed else position
            name, arguments = text_of(function.get("name")), _text(function.get("arguments"))
            self.add_call(slot, text_of(call.get("id")), name, arguments, deltas)

    def _read_error(self, source: Json) -> None:
        """Raise an error inside the stream; after a finish reason it is only recorded."""
        if self.builder.finish_reason in ("stop", "length", "tool_calls"):
            self.builder.extra["error"] = source.get("error", source)
            return
        raise self.provider_error(source)
