"""Streams beside tools whose text is to be JSON of a schema that stands in the prompt alone: judged before it is shown.

Agents read such an answer when it is whole, and give up at the first fault. So reasoning and calls stream as they come,
and the text is held back until a call follows it or the answer has ended; one that does not fit is asked for again
(``answer_watch``), and its reader has seen nothing of it but the reasoning, which stays in front of what follows.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NoReturn

from deepseek_v4 import errors
from deepseek_v4.answer_watch import AnswerWatch
from deepseek_v4.relay import Course, arelay, relay
from deepseek_v4.reply import Delta, End, TextDelta, ToolCallDelta
from deepseek_v4.request import Prepared
from deepseek_v4.transport import AsyncStream, SyncStream

__all__ = ["ajudged", "judged"]


class _Course(Course):
    """The text of each answer is held until it is known that it can be shown."""

    def __init__(self, watch: AnswerWatch) -> None:
        self._watch = watch
        self._wants_another = False
        self._text: list[Delta] = []
        self._shown = False

    def take(self, delta: Delta) -> list[Delta]:
        """Everything but the text; that, too, once a call follows it or it fits."""
        if isinstance(delta, TextDelta) and not self._shown:
            self._text.append(delta)
            return []
        if isinstance(delta, End):
            if not self._shown and self._watch.wants_another(delta.reply):
                self._wants_another = True
                return []
            delta = End(self._watch.added_up(delta.reply))
        elif not isinstance(delta, ToolCallDelta):
            return [delta]
        self._shown = True
        text, self._text = self._text, []
        return [*text, delta]

    def following(self, error: errors.DeepSeekError | None) -> Prepared | None:
        """The request that shows the model its fault."""
        if not self._wants_another:
            return None
        self._wants_another, self._text, self._shown = False, [], False
        return self._watch.request

    def broke(self, error: errors.DeepSeekError) -> NoReturn:
        """It breaks for the reader as well, with what the answers before cost."""
        self._watch.add_up(error)
        raise error

    unsent = broke


def judged(prepared: Prepared, send: Callable[[Prepared], SyncStream[Delta]]) -> SyncStream[Delta]:
    """Send a request and give out the deltas of an answer that fits, or of the last one.

    Args:
        prepared: The request.
        send: Sends it and opens its stream.
    """
    watch = AnswerWatch(prepared, streamed=True)
    return relay(send(watch.request), _Course(watch), send)


async def ajudged(prepared: Prepared, send: Callable[[Prepared], Awaitable[AsyncStream[Delta]]]) -> AsyncStream[Delta]:
    """Like ``judged``, asynchronously."""
    watch = AnswerWatch(prepared, streamed=True)
    return await arelay(await send(watch.request), _Course(watch), send)
