"""An answer that ends by itself with neither text nor a call: when it counts as empty, and what is done about it.

It happens: the model thinks, and stops (https://github.com/deepseek-ai/DeepSeek-V3/issues/1453). The same request is
sent once more, and after that it is an error that holds the answer. A stream goes on with the second answer: its reader
has been given nothing but reasoning, which stays in front of the reasoning that follows (``relay``). ``EmptyWatch``
judges and adds up, without I/O.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Awaitable, Callable
from typing import NoReturn

from deepseek_v4 import errors
from deepseek_v4.relay import Course, arelay, relay
from deepseek_v4.reply import Delta, End, ReasoningDelta, Reply, TextDelta, ToolCallDelta
from deepseek_v4.request import Prepared
from deepseek_v4.transport import AsyncStream, SyncStream

__all__ = ["EmptyWatch", "aretried", "empty_error", "is_empty", "retried"]

_ANSWERS = ("refusal", "images", "audio")
"""What a provider may say instead of text, under its own name."""


def is_empty(reply: Reply) -> bool:
    """Whether an answer ended by itself and says nothing: no text, no call, whatever it thought.

    An answer that the output limit cut is not empty but cut: it is given out, and ``max_tokens`` is to be raised.
    """
    return (
        reply.finish_reason in ("stop", "tool_calls", None)
        and not reply.content.strip()
        and not reply.tool_calls
        and not reply.invalid_tool_calls
        and not any(reply.extra.get(name) for name in _ANSWERS)
    )


def empty_error(reply: Reply, provider: str, *, twice: bool) -> errors.EmptyReplyError:
    """The error for an empty answer that is not asked for again."""
    return errors.EmptyReplyError(
        f"The model ended its turn with neither text nor a tool call{', twice' if twice else ''}. The answer is in "
        ".partial. Ask again, say it in other words, or set on_empty='return' to be given such answers.",
        provider=provider,
        partial=reply,
    )


class EmptyWatch:
    """Judges the answers to one request.

    Args:
        prepared: The request.
        streamed: Whether the reasoning of an empty answer has been given out, and belongs to the answer that follows.
    """

    def __init__(self, prepared: Prepared, *, streamed: bool) -> None:
        options = prepared.options
        self._prepared = prepared
        self._streamed = streamed
        # what completes a text or continues a message may well add nothing
        continues = prepared.protocol.name == "completions" or prepared.request.messages[-1].prefix
        self._policy = "return" if continues else options["on_empty"]
        self._before: Reply | None = None
        seconds = options.get("total_timeout")
        self._deadline = math.inf if seconds is None else time.monotonic() + seconds

    @property
    def accepts_all(self) -> bool:
        """Whether empty answers are given out like others."""
        return self._policy == "return"

    def found_empty(self, reply: Reply) -> bool:
        """Whether an answer is empty, and not wanted so."""
        return not self.accepts_all and is_empty(reply)

    def again(self, reply: Reply) -> Prepared:
        """The request to send after an empty answer.

        Raises:
            EmptyReplyError: when there was one before, or it is not to be sent again.
        """
        left = self._deadline - time.monotonic()
        if self._before is not None or self._policy != "retry" or left <= 0:
            raise empty_error(self.added_up(reply), self._prepared.provider.name, twice=self._before is not None)
        self._before = reply
        if left == math.inf:
            return self._prepared
        return dataclasses.replace(self._prepared, options={**self._prepared.options, "total_timeout": left})

    def added_up(self, reply: Reply) -> Reply:
        """An answer, with the tokens of the empty one before it."""
        before = self._before
        if before is None:
            return reply
        reasoning = reply.reasoning
        if self._streamed and before.reasoning is not None:
            reasoning = before.reasoning + reasoning
        usage = reply.usage if before.usage is None else before.usage + reply.usage
        return dataclasses.replace(reply, reasoning=reasoning, usage=usage, extra={**reply.extra, "empty_replies": 1})

    def add_up(self, error: errors.DeepSeekError) -> None:
        """Put into an error what has been given out before."""
        if self._before is not None and not isinstance(error, errors.EmptyReplyError):
            error.partial = self.added_up(error.partial or Reply())


class _Course(Course):
    """A stream whose answer is empty is followed by one more."""

    through = (TextDelta, ReasoningDelta, ToolCallDelta)

    def __init__(self, watch: EmptyWatch) -> None:
        self._watch = watch
        self._empty: Reply | None = None

    def take(self, delta: Delta) -> tuple[Delta, ...]:
        """The end of an answer that is not empty, with the tokens of both."""
        assert isinstance(delta, End)
        if self._watch.found_empty(delta.reply):
            self._empty = delta.reply
            return ()
        return (End(self._watch.added_up(delta.reply)),)

    def following(self, error: errors.DeepSeekError | None) -> Prepared | None:
        """The same request again; see ``EmptyWatch.again``."""
        empty, self._empty = self._empty, None
        return None if empty is None else self._watch.again(empty)

    def broke(self, error: errors.DeepSeekError) -> NoReturn:
        """It breaks for the reader as well, with all that was given out in ``partial``."""
        self._watch.add_up(error)
        raise error

    unsent = broke


def retried(prepared: Prepared, send: Callable[[Prepared], SyncStream[Delta]]) -> SyncStream[Delta]:
    """Send a request and give out the deltas of its answer; when that is empty, of the next one as well.

    Args:
        prepared: The request.
        send: Sends it and opens its stream.
    """
    watch = EmptyWatch(prepared, streamed=True)
    first = send(prepared)
    return first if watch.accepts_all else relay(first, _Course(watch), send)


async def aretried(prepared: Prepared, send: Callable[[Prepared], Awaitable[AsyncStream[Delta]]]) -> AsyncStream[Delta]:
    """Like ``retried``, asynchronously."""
    watch = EmptyWatch(prepared, streamed=True)
    first = await send(prepared)
    return first if watch.accepts_all else await arelay(first, _Course(watch), send)
