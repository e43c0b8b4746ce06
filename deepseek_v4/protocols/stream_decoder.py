"""What every protocol's stream decoder shares: bytes to events, and the end that must be reached."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import suppress

from deepseek_v4 import errors
from deepseek_v4.protocols.reply_builder import ReplyBuilder
from deepseek_v4.protocols.sse import EventSplitter
from deepseek_v4.values.reply import Delta, Reply, StreamEnd

UNREADABLE = (AttributeError, IndexError, KeyError, OverflowError, RecursionError, TypeError, ValueError)
"""What reading an answer raises when a field is missing or of another type than the protocol says."""


BROKEN_OFF = ("interrupted", "error")
"""Finish reasons of an answer that the provider gave up: it is not whole, however it reads."""


def whole_answer(reply: Reply, provider: str) -> Reply:
    """A whole answer, unless the provider broke it off.

    Raises:
        ServerError: when it did; retryable, with what there is in ``partial``.
    """
    if reply.finish_reason in BROKEN_OFF:
        raise errors.ServerError(
            f"The provider broke the answer off (finish reason {reply.finish_reason}). What it wrote is in .partial; "
            "ask again.",
            provider=provider,
            partial=reply,
        )
    return reply


class StreamDecoder(ABC):
    """Turns the bytes of one streamed answer into deltas.

    ``feed`` the bytes as they come, then ``close`` at the end of the stream. Exactly one ``StreamEnd`` comes out, last;
    a stream that stops short of it makes ``close`` raise.
    """

    def __init__(self, builder: ReplyBuilder, provider: str) -> None:
        self.builder = builder
        self.provider = provider
        self.finished = False
        """Whether ``StreamEnd`` has been given out; what follows on the wire is of no interest."""
        self._events = EventSplitter()
        self._silent = True
        self._failure: errors.DeepSeekError | None = None
        """What went wrong behind deltas that are still to be handed out."""

    def feed(self, piece: bytes) -> list[Delta]:
        """Take the next bytes; return the deltas they complete.

        Raises:
            DeepSeekError: when the provider reports an error inside the stream; ``partial`` holds what had arrived.
            MalformedResponseError: when an event is not what the protocol says.
        """
        if self._failure is not None:
            raise self._failure
        deltas: list[Delta] = []
        try:
            for event in self._events.feed(piece):
                self._silent = False
                if self.finished:
                    break
                self.decode_event(event, deltas)
        except UNREADABLE as fault:
            self._fail(self.malformed(fault), deltas)
        except errors.DeepSeekError as failure:
            self._fail(failure, deltas)
        return deltas

    def _fail(self, failure: errors.DeepSeekError, deltas: list[Delta]) -> None:
        """Raise, or first let out what came before it in the same bytes."""
        if not deltas:
            raise failure
        self._failure = failure

    def close(self) -> list[Delta]:
        """The connection has ended; return what was still held back.

        Raises:
            StreamInterruptedError: when the answer had begun and is not complete.
            MalformedResponseError: when there was no event at all.
        """
        if self._failure is not None:
            raise self._failure
        deltas: list[Delta] = []
        for event in self._events.flush():
            self._silent = False
            if not self.finished:
                with suppress(*UNREADABLE, errors.MalformedResponseError):  # then the stream broke off inside it
                    self.decode_event(event, deltas)
        if not self.finished:
            try:
                self._conclude(deltas)
            except UNREADABLE as fault:
                raise self.malformed(fault) from None
        return deltas

    def _conclude(self, deltas: list[Delta]) -> None:
        """The end of a stream whose events did not name one."""
        if self._silent:
            stray = self._events.stray()
            if stray.strip() and b"data:".startswith(stray):
                raise self.interrupted("it broke off inside its first event")
            self.read_stray(stray, deltas)
            return
        fault = self.missing()
        if fault is not None:
            raise self.interrupted(fault)
        self.finish(deltas)

    def partial(self) -> Reply:
        """The reply as far as it has arrived."""
        return self.builder.build(whole=False)

    def finish(self, deltas: list[Delta]) -> None:
        """Give out what was held back, and the end.

        Raises:
            StreamInterruptedError: when the provider says that it broke the answer off.
        """
        self.builder.settle(deltas)
        reply = self.builder.build()
        if reply.finish_reason in BROKEN_OFF:
            raise self.interrupted(f"the provider broke it off (finish reason {reply.finish_reason})")
        self.finished = True
        deltas.append(StreamEnd(reply))

    def interrupted(self, why: str) -> errors.StreamInterruptedError:
        """The error for a stream that stopped short."""
        return errors.StreamInterruptedError(
            f"The stream ended before the answer did: {why}. What had arrived is in .partial.",
            provider=self.provider,
            partial=self.partial(),
        )

    def malformed(self, fault: Exception) -> errors.MalformedResponseError:
        """The error for an event in which a field is missing or of another type than the protocol says."""
        return errors.MalformedResponseError(
            f"An event of the stream is not what the protocol says: {type(fault).__name__}: {fault}.",
            provider=self.provider,
            partial=self.partial(),
        )

    def read_stray(self, body: bytes, deltas: list[Delta]) -> None:
        """The answer to a streaming request was no event stream: blank, or a plain body."""
        if not body.strip():
            raise errors.MalformedResponseError(
                "The answer was blank: status 200 and no event.", provider=self.provider, retryable=True
            )
        raise errors.MalformedResponseError(
            "The answer is no event stream; is base_url the address of a chat service?",
            provider=self.provider,
            body=body[:2000].decode("utf-8", "replace"),
        )

    @abstractmethod
    def decode_event(self, event: bytes, deltas: list[Delta]) -> None:
        """Read the data of one event and append what it says."""

    @abstractmethod
    def missing(self) -> str | None:
        """What is missing for the answer to be whole, or None when it is."""
