"""Decode complete and streamed responses of ``/chat/completions`` into replies. Pure."""

from __future__ import annotations

import warnings
from typing import Any

from deepseek_v4 import errors
from deepseek_v4.protocols.chat.dialect import ChatDialect
from deepseek_v4.protocols.decode_context import DecodeContext
from deepseek_v4.protocols.error_bodies import read_error_body
from deepseek_v4.protocols.parsing import decode_envelope, keep, parse_event, text_of
from deepseek_v4.protocols.reply_builder import ReplyBuilder
from deepseek_v4.protocols.stream_decoder import UNREADABLE, StreamDecoder
from deepseek_v4.protocols.think_tags import ThinkSplitter
from deepseek_v4.values import json
from deepseek_v4.values.json import Json
from deepseek_v4.values.reply import Delta, ReasoningDelta, Reply, StreamEnd, TextDelta, ToolCallDelta

_MESSAGE_KEYS = frozenset(
    {"role", "content", "tool_calls", "reasoning", "reasoning_content", "reasoning_details", "annotations"}
)
_TEXT_KEYS = frozenset({"role", "content", "reasoning", "reasoning_content", "reasoning_details"})
"""The keys of almost all deltas of a stream; the other ones need more work."""
_CHOICE_KEYS = frozenset({"index", "message", "delta", "logprobs", "finish_reason", "error"})
_ENVELOPE = frozenset({"id", "object", "created", "model", "choices", "usage", "system_fingerprint", "error"})

_new = tuple.__new__
"""Creates a delta in half the time of its class: a tenth of the time of a streamed chunk."""


def decode_body(body: Any, context: DecodeContext) -> Reply:
    """Decode a complete response.

    Raises:
        DeepSeekError: if it contains an error; ``partial`` holds the rest of the response.
        MalformedResponseError: if it has no choice, or a field is of an unexpected type.
    """
    dialect = context.dialect
    assert isinstance(dialect, ChatDialect)
    completion = dialect.unwrap(body) if isinstance(body, dict) else {}
    choices = completion.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
    flawed = completion.get("error") or _is_flat_error(completion)
    failed = completion if flawed else choice if choice.get("error") else None
    error = None if failed is None else read_error_body(failed, dialect, context.provider)
    if isinstance(choice.get("message"), dict):
        try:
            reply = _read_choice(completion, choice, context, dialect, complete=error is None)
        except UNREADABLE as problem:
            error = error or errors.MalformedResponseError(
                f"The response does not follow the protocol: {type(problem).__name__}: {problem}.",
                provider=context.provider,
                body=body,
            )
        else:
            if error is None:
                return reply
            error.partial = reply
    raise error or errors.MalformedResponseError(
        "The response contains no choice with a message.", provider=context.provider, body=body, retryable=True
    )


def _read_choice(body: Json, choice: Json, context: DecodeContext, dialect: ChatDialect, *, complete: bool) -> Reply:
    builder = context.builder()
    message = choice["message"]
    decode_envelope(body, builder, _ENVELOPE)
    _read_finish(builder, choice, dialect)
    if choice.get("logprobs"):
        builder.add_logprobs(choice["logprobs"])
    if body.get("usage"):
        builder.count(dialect.decode_usage(body["usage"]))
    text, details = dialect.decode_reasoning(message)
    if text is not None:
        builder.add_reasoning(text_of(text))
    if details is not None:
        builder.add_details(details)
    content = text_of(message.get("content"))
    if dialect.think_tags:
        splitter = ThinkSplitter()
        thought, content = map("".join, zip(splitter.feed(content), splitter.close(), strict=True))
        if splitter.opened:
            builder.add_reasoning(thought)
    builder.add_text(content)
    for position, call in enumerate(message.get("tool_calls") or ()):
        function = call.get("function") or {}
        name = context.names.from_wire(text_of(function.get("name")))
        builder.add_tool_call(position, text_of(call.get("id")), name, _text(function.get("arguments")))
    builder.add_annotations(message.get("annotations"))
    keep(builder.extra, message, _MESSAGE_KEYS)
    reply = builder.build(complete=complete)
    _warn_of_leaks(reply, context)
    return reply


def _is_flat_error(body: Json) -> bool:
    """Return True for an error without an envelope, as vLLM and SGLang send: ``{"object": "error", "message": …}``."""
    return body.get("object") == "error" and not body.get("choices")


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
    from deepseek_v4.protocols.leaked_calls.dsml import (
        holds_markup,  # rarely needed, and its patterns are slow to compile
    )

    return holds_markup(text)


def _text(arguments: Any) -> str:
    """Return arguments as JSON text; a few hosts send them as an object."""
    if isinstance(arguments, str):
        return arguments
    return "" if arguments is None else json.dumps(arguments).decode()


def _merge_unknown(extra: dict[str, Any], delta: Json) -> None:
    """Merge message keys that this package does not decode from the chunks of a stream."""
    for key, value in delta.items():
        if key not in _MESSAGE_KEYS and value is not None:
            known = extra.get(key)
            joined = isinstance(value, (str, list)) and type(known) is type(value)
            extra[key] = known + value if joined else value


def _read_finish(builder: ReplyBuilder, choice: Json, dialect: ChatDialect) -> None:
    builder.end(choice.get("finish_reason"), dialect.finish_reasons)
    builder.cut = dialect.was_cut(choice)
    keep(builder.extra, choice, _CHOICE_KEYS)


class ChatStreamDecoder(StreamDecoder):
    """Decodes ``chat.completion.chunk`` events into deltas."""

    def __init__(self, context: DecodeContext) -> None:
        super().__init__(context.builder(streamed=True), context.provider)
        assert isinstance(context.dialect, ChatDialect)
        self._context = context
        self._dialect = context.dialect
        self._read_reasoning = context.dialect.decode_reasoning
        self._named = False
        self._splitter = ThinkSplitter() if context.dialect.think_tags else None

    def decode_event(self, event: bytes, deltas: list[Delta]) -> None:
        """Decode one chunk, or ``[DONE]``."""
        if event == b"[DONE]":
            reason = self.missing()
            if reason is not None and (self._dialect.finish_reason_always or self._empty()):
                raise self.interrupted(reason)
            self.finish(deltas)
            return
        try:
            chunk = json.fast_loads(event)
        except ValueError:
            chunk = None
        if chunk.__class__ is not dict:
            chunk = parse_event(event, self)
        if chunk.get("error"):
            self._read_error(chunk)
        builder = self.builder
        if not self._named:
            self._named = bool(chunk.get("model"))
            decode_envelope(chunk, builder, _ENVELOPE)
        usage = chunk.get("usage")
        if usage:
            builder.count(self._dialect.decode_usage(usage))
        choices = chunk.get("choices")
        if usage or not choices:
            keep(builder.extra, chunk, _ENVELOPE)
        if not choices:
            chunk = self._dialect.unwrap(chunk)
            choices = chunk.get("choices")
            if _is_flat_error(chunk):
                self._read_error(chunk)
            if not choices:
                return
        choice = choices[0]
        delta = choice.get("delta")
        if delta:
            text, details = self._read_reasoning(delta)
            if details is not None:
                builder.add_details(details)
            if text is not None:
                builder.add_reasoning(text if isinstance(text, str) else text_of(text))
            if text or details:
                deltas.append(_new(ReasoningDelta, (text or "", tuple(details) if details else None)))
            content = delta.get("content")
            if content and self._splitter is not None:
                self._add_split(*self._splitter.feed(text_of(content)), deltas)
            elif content:
                shown = builder.add_text(content if isinstance(content, str) else text_of(content))
                if shown:
                    deltas.append(_new(TextDelta, (shown,)))
            if not _TEXT_KEYS.issuperset(delta):
                if delta.get("tool_calls"):
                    self._read_calls(delta["tool_calls"], deltas)
                if delta.get("annotations"):
                    builder.add_annotations(delta["annotations"])
                _merge_unknown(builder.extra, delta)
        if choice.get("logprobs"):
            builder.add_logprobs(choice["logprobs"])
        if choice.get("finish_reason") and not (chunk.get("error") and self.missing() is None):
            _read_finish(builder, choice, self._dialect)
            keep(builder.extra, chunk, _ENVELOPE)
        if choice.get("error"):
            self._read_error(choice)

    def missing(self) -> str | None:
        """Require a finish reason; ``[DONE]`` alone ends the streams of hosts that never send one."""
        return None if self.builder.finish_reason is not None else "no finish reason was received"

    def read_stray(self, body: bytes, deltas: list[Delta]) -> None:
        """Decode a complete response or an error as plain JSON, which some gateways send for streaming requests."""
        try:
            parsed = json.loads(body)
        except ValueError:
            super().read_stray(body, deltas)
            return
        reply = decode_body(parsed, self._context)
        deltas.extend(_as_deltas(reply))
        self.finished = True
        deltas.append(StreamEnd(reply))

    def finish(self, deltas: list[Delta]) -> None:
        """Append the deltas that were held back, and ``StreamEnd``."""
        if self._splitter is not None:
            self._add_split(*self._splitter.close(), deltas)
            if self._splitter.opened and self.builder.reasoning is None:
                self.builder.add_reasoning("")
        super().finish(deltas)
        end = deltas[-1]
        assert isinstance(end, StreamEnd)
        _warn_of_leaks(end.reply, self._context)

    def _add_split(self, thought: str, text: str, deltas: list[Delta]) -> None:
        if thought:
            self.builder.add_reasoning(thought)
            deltas.append(ReasoningDelta(thought))
        shown = self.builder.add_text(text) if text else ""
        if shown:
            deltas.append(TextDelta(shown))

    def _empty(self) -> bool:
        builder = self.builder
        return not (builder.content or builder.calls or builder.reasoning)

    def _read_calls(self, calls: list[Any], deltas: list[Delta]) -> None:
        for call in calls:
            function = call.get("function") or {}
            name = text_of(function.get("name"))
            delta = self.builder.add_tool_call(
                call.get("index"),
                text_of(call.get("id")),
                self._context.names.from_wire(name) if name else None,
                _text(function.get("arguments")),
            )
            if delta is not None:
                deltas.append(delta)

    def _read_error(self, source: Json) -> None:
        """Raise an error inside the stream; after a finish reason it is only recorded."""
        if self.builder.finish_reason in ("stop", "length", "tool_calls"):
            self.builder.extra["error"] = source.get("error", source)
            return
        error = read_error_body(source, self._dialect, self.provider)
        error.partial = self.partial()
        raise error


def _as_deltas(reply: Reply) -> list[Delta]:
    """Return the deltas that a complete reply would have been streamed in, without the ``StreamEnd``."""
    deltas: list[Delta] = []
    if reply.reasoning is not None and (reply.reasoning.text or reply.reasoning.details):
        deltas.append(ReasoningDelta(reply.reasoning.text or "", reply.reasoning.details))
    if reply.content:
        deltas.append(TextDelta(reply.content))
    calls = reply.to_message().tool_calls
    deltas.extend(ToolCallDelta(index, call.id, call.name or None, call.arguments) for index, call in enumerate(calls))
    return deltas
