"""``StreamDecoder``: what the stream decoders of all protocols share, from bytes to events to the required end."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import suppress

from deepseek_v4 import errors
from deepseek_v4.protocols.reply_builder import ReplyBuilder
from deepseek_v4.protocols.sse import EventSplitter
from deepseek_v4.values import json
from deepseek_v4.values.reply import Delta, Reply, StreamEnd

UNREADABLE = (AttributeError, IndexError, KeyError, OverflowError, RecursionError, TypeError, ValueError)
"""Exceptions raised by decoding if a field is missing or of an unexpected type."""


BROKEN_OFF = ("interrupted", "error")
"""Finish reasons of an answer that the provider aborted; it is incomplete."""


def whole_answer(reply: Reply, provider: str) -> Reply:
    """Return a complete answer; raise if the provider aborted it.

    Raises:
        ServerError: if the provider aborted it; retryable, with the incomplete reply in ``partial``.
    """
    if reply.finish_reason in BROKEN_OFF:
        raise errors.ServerError(
            f"The provider stopped before the answer was complete (finish_reason={reply.finish_reason!r}). "
            "The partial reply is in `.partial`. Send the request again.",
            provider=provider,
            partial=reply,
        )
    return reply


class StreamDecoder(ABC):
    """Decodes the bytes of one streamed response into deltas.

    Call ``feed`` with each chunk, then ``close`` at the end of the stream. Exactly one ``StreamEnd`` is returned, last;
    if the stream ends before it, ``close`` raises.
    """

    def __init__(self, builder: ReplyBuilder, provider: str) -> None:
        self.builder = builder
        self.provider = provider
        self.finished = False
        """True if ``StreamEnd`` has been returned; later events are ignored."""
        self._events = EventSplitter(builder.limits)
        self._nesting = builder.limits.nesting
        self._bytes_left = builder.limits.stream_bytes
        self._silent = True
        self._failure: errors.DeepSeekError | None = None
        """An error to raise after the deltas that preceded it have been returned."""

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
        value = getattr(self.builder.limits, limit)
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
            self.read_stray(stray, deltas)
            return
        reason = self.missing()
        if reason is not None:
            raise self.interrupted(reason)
        self.finish(deltas)

    def partial(self) -> Reply:
        """Return the reply received so far."""
        return self.builder.build(complete=False)

    def finish(self, deltas: list[Delta]) -> None:
        """Append the deltas that were held back, and ``StreamEnd``.

        Raises:
            StreamInterruptedError: if the provider reports that it aborted the answer.
        """
        self.builder.settle(deltas)
        reply = self.builder.build()
        if reply.finish_reason in BROKEN_OFF:
            raise self.interrupted(f"the provider aborted it (finish_reason={reply.finish_reason!r})")
        self.finished = True
        deltas.append(StreamEnd(reply))

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

    def read_stray(self, body: bytes, deltas: list[Delta]) -> None:
        """Handle a response that is not an event stream: raise an error that describes the body."""
        if not body.strip():
            raise errors.MalformedResponseError(
                "The response was empty: status 200, no events.", provider=self.provider, retryable=True
            )
        raise errors.MalformedResponseError(
            "The response is not an event stream. Check that base_url is the URL of a chat API.",
            provider=self.provider,
            body=body[:2000].decode("utf-8", "replace"),
        )

    @abstractmethod
    def decode_event(self, event: bytes, deltas: list[Delta]) -> None:
        """Decode the data of one event and append its deltas."""

    @abstractmethod
    def missing(self) -> str | None:
        """Return why the answer is incomplete, or None if it is complete."""
