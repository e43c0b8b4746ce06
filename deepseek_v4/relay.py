"""One stream made of several: where an answer cannot be used, or breaks off, that of a further request follows.

What follows is for a ``Course`` to say, without I/O; ``relay`` and ``arelay`` read one stream after another and say
nothing themselves.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterable
from typing import Any, ClassVar

from deepseek_v4.errors import DeepSeekError
from deepseek_v4.reply import Delta
from deepseek_v4.request import Prepared
from deepseek_v4.transport import AsyncStream, SyncStream

__all__ = ["Course", "arelay", "relay"]

_OPENED: Any = object()
"""What a generator gives out first, to ourselves: it has begun then, and its ``finally`` runs however it ends."""


class Course(ABC):
    """What becomes of the deltas of each stream, and what is sent when it has ended."""

    through: ClassVar[tuple[type[Any], ...]] = ()
    """Deltas that are given out as they are, unseen by ``take``."""

    @abstractmethod
    def take(self, delta: Delta) -> Iterable[Delta]:
        """What is given out after a delta."""

    @abstractmethod
    def broke(self, error: DeepSeekError) -> Iterable[Delta]:
        """The stream ended with an error: what had arrived of it and was not given out.

        Raises:
            DeepSeekError: when nothing can follow.
        """

    @abstractmethod
    def following(self, error: DeepSeekError | None) -> Prepared | None:
        """The request whose stream goes on; None when there is none.

        Args:
            error: What the stream ended with; None when it ended properly.

        Raises:
            DeepSeekError: when something would have to follow and cannot.
        """

    def rest(self) -> Iterable[Delta]:
        """What is given out when nothing follows."""
        return ()

    @abstractmethod
    def unsent(self, error: DeepSeekError) -> Iterable[Delta]:
        """The request that was to follow failed: what is given out instead.

        Raises:
            DeepSeekError: when that is nothing.
        """


def relay(first: SyncStream[Delta], course: Course, send: Callable[[Prepared], SyncStream[Delta]]) -> SyncStream[Delta]:
    """A stream and those that follow it.

    Args:
        first: The first of them.
        course: Says what follows.
        send: Sends a request and opens its stream.
    """

    def deltas() -> Generator[Delta, None, None]:
        stream = first
        through, take = course.through, course.take
        try:
            yield _OPENED
            while True:
                fault: DeepSeekError | None = None
                try:
                    for delta in stream:
                        if type(delta) in through:
                            yield delta
                        else:
                            yield from take(delta)
                except DeepSeekError as error:
                    fault = error
                if fault is not None:
                    yield from course.broke(fault)
                request = course.following(fault)
                if request is None:
                    yield from course.rest()
                    return
                stream.close()
                try:
                    stream = send(request)
                except DeepSeekError as error:
                    yield from course.unsent(error)
                    return
        finally:
            stream.close()

    items = deltas()
    next(items)
    return SyncStream(items)


async def arelay(
    first: AsyncStream[Delta], course: Course, send: Callable[[Prepared], Awaitable[AsyncStream[Delta]]]
) -> AsyncStream[Delta]:
    """Like ``relay``, asynchronously."""

    async def deltas() -> AsyncGenerator[Delta, None]:
        stream = first
        through, take = course.through, course.take
        try:
            yield _OPENED
            while True:
                fault: DeepSeekError | None = None
                try:
                    async for delta in stream:
                        if type(delta) in through:
                            yield delta
                        else:
                            for given in take(delta):
                                yield given
                except DeepSeekError as error:
                    fault = error
                if fault is not None:
                    for given in course.broke(fault):
                        yield given
                request = course.following(fault)
                if request is None:
                    for given in course.rest():
                        yield given
                    return
                await stream.aclose()
                try:
                    stream = await send(request)
                except DeepSeekError as error:
                    for given in course.unsent(error):
                        yield given
                    return
        finally:
            await stream.aclose()

    items = deltas()
    await anext(items)
    return AsyncStream(items)
