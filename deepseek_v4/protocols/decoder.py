"""What every protocol's stream decoder shares: bytes to events, and the end that must be reached."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import suppress

from deepseek_v4 import errors
from deepseek_v4.protocols.sse import EventSplitter
from deepseek_v4.reply import Delta, End, Reply, ReplyBuilder

UNREADABLE = (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError)
"""What reading an answer raises when a field is missing or of another type than the protocol says."""


class StreamDecoder(ABC):
    """Turns the bytes of one streamed answer into deltas.

    ``feed`` the bytes as they come, then ``close`` at the end of the stream. Exactly one ``End`` comes out, last;
    a stream that stops short of it makes ``close`` raise.
    """

    def __init__(self, builder: ReplyBuilder, provider: str) -> None:
        self.builder = builder
        self.provider = provider
        self.finished = False
        """Whether ``End`` has been given out; what follows on the wire is of no interest."""
        self._events = EventSplitter()
        self._silent = True

    def feed(self, piece: bytes) -> list[Delta]:
        """Take the next bytes; return the deltas they complete.

        Raises:
            DeepSeekError: when the provider reports an error inside the stream; ``partial`` holds what had arrived.
            MalformedResponseError: when an event is not what the protocol says.
        """
        deltas: list[Delta] = []
        try:
            for event in self._events.feed(piece):
                self._silent = False
                if self.finished:
                    break
                self.read_event(event, deltas)
        except UNREADABLE as fault:
            raise self.malformed(fault) from fault
        return deltas

    def close(self) -> list[Delta]:
        """The connection has ended; return what was still held back.

        Raises:
            StreamInterruptedError: when the answer had begun and is not complete.
            MalformedResponseError: when there was no event at all.
        """
        deltas: list[Delta] = []
        for event in self._events.flush():
            self._silent = False
            if not self.finished:
                with suppress(*UNREADABLE, errors.MalformedResponseError):  # then the stream broke off inside it
                    self.read_event(event, deltas)
        if self.finished:
            return deltas
        if self._silent:
            stray = self._events.stray()
            if stray.strip() and b"data:".startswith(stray):
                raise self.interrupted("it broke off inside its first event")
            self.read_stray(stray, deltas)
            return deltas
        fault = self.missing()
        if fault is not None:
            raise self.interrupted(fault)
        self.finish(deltas)
        return deltas

    def partial(self) -> Reply:
        """The reply as far as it has arrived."""
        return self.builder.build(whole=False)

    def finish(self, deltas: list[Delta]) -> None:
        """Give out the end."""
        self.finished = True
        deltas.append(End(self.builder.build()))

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
    def read_event(self, event: bytes, deltas: list[Delta]) -> None:
        """Read the data of one event and append what it says."""

    @abstractmethod
    def missing(self) -> str | None:
        """What is missing for the answer to be whole, or None when it is."""
