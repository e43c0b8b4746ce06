"""An answer that ends by itself with neither text nor a call: when it counts as empty, and what is done about it.

It happens: the model thinks, and stops (https://github.com/deepseek-ai/DeepSeek-V3/issues/1453). The same request is
sent once more, and after that it is an error that holds the answer. A stream goes on with the second answer: its reader
has been given nothing but reasoning, which stays in front of the reasoning that follows. ``EmptyWatch`` judges and adds
up, without I/O; ``retried`` and ``aretried`` read the streams one after another.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from typing import Any

from deepseek_v4 import errors
from deepseek_v4.reply import Delta, End, Reply
from deepseek_v4.request import Prepared
from deepseek_v4.transport import AsyncStream, SyncStream

__all__ = ["EmptyWatch", "aretried", "empty_error", "is_empty", "retried"]

_OPENED: Any = object()
"""What a generator gives out first, to ourselves: it has begun then, and its ``finally`` runs however it ends."""

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


def retried(prepared: Prepared, send: Callable[[Prepared], SyncStream[Delta]]) -> SyncStream[Delta]:
    """Send a request and give out the deltas of its answer; when that is empty, of the next one as well.

    Args:
        prepared: The request.
        send: Sends it and opens its stream.
    """
    watch = EmptyWatch(prepared, streamed=True)
    first = send(prepared)
    if watch.accepts_all:
        return first

    def deltas() -> Generator[Delta, None, None]:
        stream = first
        try:
            yield _OPENED
            while True:
                empty: Reply | None = None
                for delta in stream:
                    if type(delta) is not End:
                        yield delta
                    elif watch.found_empty(delta.reply):
                        empty = delta.reply
                    else:
                        yield End(watch.added_up(delta.reply))
                if empty is None:
                    return
                following = watch.again(empty)
                stream.close()
                stream = send(following)
        except errors.DeepSeekError as error:
            watch.add_up(error)
            raise
        finally:
            stream.close()

    items = deltas()
    next(items)
    return SyncStream(items)


async def aretried(prepared: Prepared, send: Callable[[Prepared], Awaitable[AsyncStream[Delta]]]) -> AsyncStream[Delta]:
    """Like ``retried``, asynchronously."""
    watch = EmptyWatch(prepared, streamed=True)
    first = await send(prepared)
    if watch.accepts_all:
        return first

    async def deltas() -> AsyncGenerator[Delta, None]:
        stream = first
        try:
            yield _OPENED
            while True:
                empty: Reply | None = None
                async for delta in stream:
                    if type(delta) is not End:
                        yield delta
                    elif watch.found_empty(delta.reply):
                        empty = delta.reply
                    else:
                        yield End(watch.added_up(delta.reply))
                if empty is None:
                    return
                following = watch.again(empty)
                await stream.aclose()
                stream = await send(following)
        except errors.DeepSeekError as error:
            watch.add_up(error)
            raise
        finally:
            await stream.aclose()

    items = deltas()
    await anext(items)
    return AsyncStream(items)
