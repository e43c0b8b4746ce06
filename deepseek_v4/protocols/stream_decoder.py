"""``StreamDecoder``: what the decoders of all protocols share, from bytes to events to the required end."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from deepseek_v4 import errors
from deepseek_v4.protocols.decode_context import DecodeContext
from deepseek_v4.protocols.error_bodies import read_error_body
from deepseek_v4.protocols.reply_builder import ReplyBuilder
from deepseek_v4.protocols.response_body import parse_body
from deepseek_v4.protocols.sse import EventSplitter
from deepseek_v4.protocols.think_tags import ThinkSplitter
from deepseek_v4.values import json
from deepseek_v4.values.http import HttpResponse
from deepseek_v4.values.json import Json
from deepseek_v4.values.reply import Delta, ReasoningDelta, Reply, StreamEnd, TextDelta

UNREADABLE = (AttributeError, IndexError, KeyError, OverflowError, RecursionError, TypeError, ValueError)
"""Exceptions raised by decoding if a field is missing or of an unexpected type."""


ABORTED_FINISH_REASONS = ("interrupted", "error")
"""Finish reasons of an answer that the provider aborted; it is incomplete."""


def complete_answer(reply: Reply, provider: str) -> Reply:
    """Return a complete answer; raise if the provider aborted it.

    Raises:
        ServerError: if the provider aborted it; retryable, with the incomplete reply in ``partial``.
    """
    if reply.finish_reason in ABORTED_FINISH_REASONS:
        raise errors.ServerError(
            f"The provider stopped before the answer was complete (finish_reason={reply.finish_reason!r}). "
            "The partial reply is in `.partial`. Send the request again.",
            provider=provider,
            partial=reply,
        )
    return reply


def is_flat_error(body: Json) -> bool:
    """Return True for an error without an envelope in place of an answer, such as ``{"code": …, "message": …}``."""
    return isinstance(body.get("message") or body.get("msg"), str)


class StreamDecoder(ABC):
    """Decodes one response: the bytes of a stream into deltas, or a complete response into a reply.

    Of a stream, call ``feed`` with each chunk, then ``close`` at the end. Exactly one ``StreamEnd`` is returned, last;
    if the stream ends before it, ``close`` raises. Of a complete response, call ``decode``.
    """

    def __init__(self, context: DecodeContext) -> None:
        self.context = context
        self.provider: str = context.provider
        self.builder: ReplyBuilder = ReplyBuilder(context)
        self.finished: bool = False
        """True if ``StreamEnd`` has been returned; later events are ignored."""
        self.splitter = ThinkSplitter(begun=context.begins_with_reasoning) if context.dialect.think_tags else None
        """Splits reasoning off the visible text, if the server may leave it there."""
        self._events = EventSplitter(context.response_limits)
        self._nesting = context.response_limits.nesting
        self._bytes_left = context.response_limits.stream_bytes
        self._silent = True
        self._failure: errors.DeepSeekError | None = None
        """An error to raise after the deltas that preceded it have been returned."""

    def decode(self, response: HttpResponse) -> Reply:
        """Decode a complete response.

        Raises:
            DeepSeekError: if the body of a 200 response contains an error.
            MalformedResponseError: if the body does not follow the protocol.
        """
        return self._read_complete(parse_body(response, self.provider, self._nesting), [])

    def _read_complete(self, body: Any, deltas: list[Delta]) -> Reply:
        try:
            self.read_body(body, deltas)
            return self.conclude(deltas)
        except UNREADABLE as error:
            why = f"The response does not follow the protocol: {type(error).__name__}: {error}."
            raise errors.MalformedResponseError(why, provider=self.provider, body=body) from None

    def feed(self, chunk: bytes) -> list[Delta]:
        """Add a chunk; return the deltas that it completes.

        Raises:
            DeepSeekError: if the provider reports an error inside the stream; ``partial`` holds what was received.
            MalformedResponseError: if an event does not follow the protocol, or the stream exceeds a limit.
        """
        if self._failure is not None:
            raise self._failure
        deltas: list[Delta] = []
        self._bytes_left -= len(chunk)
        if self._bytes_left < 0:
            chunk = chunk[: self._bytes_left]
        try:
            for event in self._events.feed(chunk):
                self._silent = False
                if self.finished:
                    break
                if not event:  # an empty ``data:`` keeps a connection open
                    continue
                if len(event) > self._nesting and json.is_deeper(event, self._nesting):
                    raise self._above("nesting")
                self.decode_event(event, deltas)
            if self._bytes_left < 0 and not self.finished:
                raise self._above("stream_bytes")
            if self._events.exceeded is not None and not self.finished:
                raise self._above(self._events.exceeded)
        except UNREADABLE as error:
            self._fail(self.malformed(error), deltas)
        except errors.DeepSeekError as failure:
            self._fail(failure, deltas)
        return deltas

    def _above(self, limit: str) -> errors.MalformedResponseError:
        value = getattr(self.context.response_limits, limit)
        return errors.MalformedResponseError.above(limit, value, provider=self.provider, partial=self.partial())

    def _fail(self, failure: errors.DeepSeekError, deltas: list[Delta]) -> None:
        """Raise the error, or store it if deltas precede it in the same chunk."""
        if not deltas:
            raise failure
        self._failure = failure

    def close(self) -> list[Delta]:
        """End the stream; return the deltas that were held back.

        Raises:
            StreamInterruptedError: if the answer has begun and is incomplete.
            MalformedResponseError: if there was no event at all.
        """
        if self._failure is not None:
            raise self._failure
        deltas: list[Delta] = []
        for event in self._events.flush():
            self._silent = False
            if not self.finished:
                with suppress(*UNREADABLE, errors.MalformedResponseError):  # the stream was interrupted inside it
                    self.decode_event(event, deltas)
        if not self.finished:
            try:
                self._conclude(deltas)
            except UNREADABLE as error:
                raise self.malformed(error) from None
        return deltas

    def _conclude(self, deltas: list[Delta]) -> None:
        """Handle the end of a stream that had no end event."""
        if self._silent:
            stray = self._events.stray()
            if stray.strip() and b"data:".startswith(stray):
                raise self.interrupted("it was interrupted inside its first event")
            self._read_stray(stray, deltas)
            return
        reason = self.incomplete_reason()
        if reason is not None:
            raise self.interrupted(reason)
        self.finish(deltas)

    def _read_stray(self, body: bytes, deltas: list[Delta]) -> None:
        """Decode a complete response or an error as plain JSON, which some gateways send for streaming requests."""
        if not body.strip():
            raise errors.MalformedResponseError(
                "The response was empty: status 200, no events.", provider=self.provider, retryable=True
            )
        try:
            parsed = json.loads(body)
        except ValueError:
            raise errors.MalformedResponseError(
                "The response is not an event stream. Check that base_url is the URL of a chat API.",
                provider=self.provider,
                body=body[:2000].decode("utf-8", "replace"),
            ) from None
        self._end(self._read_complete(parsed, deltas), deltas)

    def partial(self) -> Reply:
        """Return the reply received so far, with the text in which reasoning was searched for."""
        self.close_tags([])
        return self.builder.build(complete=False)

    def finish(self, deltas: list[Delta]) -> None:
        """Append the deltas that were held back, and ``StreamEnd``.

        Raises:
            StreamInterruptedError: if the provider reports that it aborted the answer.
        """
        self._end(self.conclude(deltas), deltas)

    def _end(self, reply: Reply, deltas: list[Delta]) -> None:
        if reply.finish_reason in ABORTED_FINISH_REASONS:
            raise self.interrupted(f"the provider aborted it (finish_reason={reply.finish_reason!r})")
        self.finished = True
        deltas.append(StreamEnd(reply))

    def conclude(self, deltas: list[Delta]) -> Reply:
        """Append the deltas that were held back, and return the complete reply."""
        self.close_tags(deltas)
        self.builder.settle(deltas)
        return self.builder.build()

    def add_reasoning(self, text: str, deltas: list[Delta]) -> None:
        """Append reasoning that was received apart from the text."""
        self.builder.add_reasoning(text)
        if text:
            if self.splitter is not None:
                self.splitter.end_reasoning()
            deltas.append(ReasoningDelta(text))

    def add_text(self, text: str, deltas: list[Delta]) -> None:
        """Append visible text, and the reasoning at its start."""
        self._add_split(*(("", text) if self.splitter is None else self.splitter.feed(text)), deltas)

    def close_tags(self, deltas: list[Delta]) -> None:
        """End the text in which reasoning was searched for."""
        if self.splitter is not None:
            self._add_split(*self.splitter.close(), deltas)
            if self.splitter.opened and self.builder.reasoning is None:
                self.builder.add_reasoning("")

    def _add_split(self, thought: str, text: str, deltas: list[Delta]) -> None:
        if thought:
            self.builder.add_reasoning(thought)
            deltas.append(ReasoningDelta(thought))
        shown = self.builder.add_text(text) if text else ""
        if shown:
            deltas.append(TextDelta(shown))

    def add_call(self, slot: Any, call_id: str | None, name: str | None, arguments: str, deltas: list[Delta]) -> None:
        """Append a fragment of a tool call; the arguments are those of ``ReplyBuilder.add_tool_call``."""
        self.close_tags(deltas)  # text before a call was not reasoning
        delta = self.builder.add_tool_call(slot, call_id, name, arguments)
        if delta is not None:
            deltas.append(delta)

    def parse_event(self, event: bytes) -> Json:
        """Parse the JSON object of an event.

        Raises:
            MalformedResponseError: if the data is not a JSON object.
        """
        try:
            value = json.loads(event)
        except ValueError:
            value = None
        if isinstance(value, dict):
            return value
        raise errors.MalformedResponseError(
            "A stream event is not a JSON object.",
            provider=self.provider,
            body=event[:2000].decode("utf-8", "replace"),
            partial=self.partial(),
        )

    def provider_error(self, source: Json) -> errors.DeepSeekError:
        """Return the exception for an error object in the response; ``partial`` holds what was received."""
        error = read_error_body(source, self.context.dialect, self.provider)
        error.partial = self.partial()
        return error

    def lacking(self, what: str, body: Any) -> errors.DeepSeekError:
        """Return the error for a complete response without an answer."""
        if isinstance(body, dict) and is_flat_error(body):
            return self.provider_error(body)
        why = f"The response contains no {what}."
        return errors.MalformedResponseError(why, provider=self.provider, body=body, retryable=True)

    def interrupted(self, why: str) -> errors.StreamInterruptedError:
        """Return the error for a stream that ended too early."""
        return errors.StreamInterruptedError(
            f"The stream ended before the answer was complete: {why}. The partial reply is in `.partial`.",
            provider=self.provider,
            partial=self.partial(),
        )

    def malformed(self, error: Exception) -> errors.MalformedResponseError:
        """Return the error for an event with a missing field or one of an unexpected type."""
        return errors.MalformedResponseError(
            f"Unexpected event in the stream: {type(error).__name__}: {error}.",
            provider=self.provider,
            partial=self.partial(),
        )

    @abstractmethod
    def decode_event(self, event: bytes, deltas: list[Delta]) -> None:
        """Decode the data of one event and append its deltas."""

    @abstractmethod
    def read_body(self, body: Any, deltas: list[Delta]) -> None:
        """Decode the JSON of a complete response, and append the deltas in which it would have been streamed.

        Raises:
            DeepSeekError: if it contains an error.
            MalformedResponseError: if it has no answer.
        """

    def incomplete_reason(self) -> str | None:
        """Return why the answer is incomplete, or None if it is complete."""
        return None if self.builder.finish_reason is not None else "no finish reason was received"


class TypedEventDecoder(StreamDecoder):
    """Decodes events that state their type, each by a method of its own; unknown ones are ignored."""

    readers: Mapping[str, Callable[[Json, list[Delta]], None]]
    """Type of an event -> the method that decodes it."""

    def decode_event(self, event: bytes, deltas: list[Delta]) -> None:
        """Decode one event; ``[DONE]`` is optional."""
        if event == b"[DONE]":
            return
        value = self.parse_event(event)
        reader = self.readers.get(value.get("type", ""))
        if reader is not None:
            reader(value, deltas)
        elif (
            value.get("error")
            or "error" in (value.get("type"), value.get("object"))
            or ("type" not in value and is_flat_error(value))
        ):
            raise self.provider_error(value)
