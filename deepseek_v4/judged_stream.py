"""Streams beside tools whose text is to be JSON of a schema that stands in the prompt alone: judged before it is shown.

Agents read such an answer when it is whole, and give up at the first fault. So reasoning and calls stream as they come,
and the text is held back until a call follows it or the answer has ended; one that does not fit is asked for again
(``answer_watch``), and its reader has seen nothing of it but the reasoning, which stays in front of what follows.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from typing import Any

from deepseek_v4 import errors
from deepseek_v4.answer_watch import AnswerWatch
from deepseek_v4.reply import Delta, End, TextDelta, ToolCallDelta
from deepseek_v4.request import Prepared
from deepseek_v4.transport import AsyncStream, SyncStream

__all__ = ["ajudged", "judged"]

_OPENED: Any = object()
"""What a generator gives out first, to ourselves: it has begun then, and its ``finally`` runs however it ends."""


class _Held:
    """The text of one answer, until it is known that it can be shown."""

    def __init__(self, watch: AnswerWatch) -> None:
        self.wants_another = False
        self._watch = watch
        self._text: list[Delta] = []
        self._shown = False

    def pass_on(self, delta: Delta) -> list[Delta]:
        """What can be given out after a delta."""
        if isinstance(delta, TextDelta) and not self._shown:
            self._text.append(delta)
            return []
        if isinstance(delta, End):
            if not self._shown and self._watch.wants_another(delta.reply):
                self.wants_another = True
                return []
            delta = End(self._watch.added_up(delta.reply))
        elif not isinstance(delta, ToolCallDelta):
            return [delta]
        self._shown = True
        text, self._text = self._text, []
        return [*text, delta]


def judged(prepared: Prepared, send: Callable[[Prepared], SyncStream[Delta]]) -> SyncStream[Delta]:
    """Send a request and give out the deltas of an answer that fits, or of the last one.

    Args:
        prepared: The request.
        send: Sends it and opens its stream.
    """
    watch = AnswerWatch(prepared, streamed=True)
    first = send(watch.request)

    def deltas() -> Generator[Delta, None, None]:
        stream = first
        try:
            yield _OPENED
            while True:
                held = _Held(watch)
                for delta in stream:
                    yield from held.pass_on(delta)
                if not held.wants_another:
                    return
                stream.close()
                stream = send(watch.request)
        except errors.DeepSeekError as error:
            watch.add_up(error)
            raise
        finally:
            stream.close()

    items = deltas()
    next(items)
    return SyncStream(items)


async def ajudged(prepared: Prepared, send: Callable[[Prepared], Awaitable[AsyncStream[Delta]]]) -> AsyncStream[Delta]:
    """Like ``judged``, asynchronously."""
    watch = AnswerWatch(prepared, streamed=True)
    first = await send(watch.request)

    async def deltas() -> AsyncGenerator[Delta, None]:
        stream = first
        try:
            yield _OPENED
            while True:
                held = _Held(watch)
                async for delta in stream:
                    for passed in held.pass_on(delta):
                        yield passed
                if not held.wants_another:
                    return
                await stream.aclose()
                stream = await send(watch.request)
        except errors.DeepSeekError as error:
            watch.add_up(error)
            raise
        finally:
            await stream.aclose()

    items = deltas()
    await anext(items)
    return AsyncStream(items)
