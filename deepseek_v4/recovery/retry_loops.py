"""The only loops that send and wait: one blocking driver, and its equivalent on asyncio.

A driver sends requests until ``Attempts`` has the final answer. A complete answer is a stream of its end only.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Iterable
from typing import Any, TypeVar

from deepseek_v4.errors import DeepSeekError
from deepseek_v4.recovery.attempts import Attempts
from deepseek_v4.values.reply import StreamEnd

Request = TypeVar("Request")
Item = TypeVar("Item")
Answer = TypeVar("Answer")

OPENED: Any = object()
"""The first item of a driver: its first stream is open, and its ``finally`` will run."""

sleep = time.sleep
asleep = asyncio.sleep


def run(
    attempts: Attempts[Request, Item, Answer],
    open_stream: Callable[[Request], Iterable[Item | StreamEnd[Answer]]],
    outcome: Answer | DeepSeekError | None = None,
) -> Generator[Any, None, None]:
    """Yield ``OPENED``, then the items to show, and a ``StreamEnd`` with the final answer.

    Args:
        attempts: The state that decides about further requests.
        open_stream: Sends a request; returns the items of its answer, the last one a ``StreamEnd``.
        outcome: The outcome of a first attempt, if it was already made.

    Raises:
        DeepSeekError: the error that ends the call.
    """
    stream: Any = None
    begun = outcome is not None
    try:
        while True:
            if outcome is None:
                try:
                    stream = open_stream(attempts.request)
                except DeepSeekError as error:
                    outcome = error
            if outcome is None:
                attempts.opened = True
                if not begun:
                    begun = True
                    yield OPENED
                through, items = attempts.through, iter(stream)
                while True:
                    try:  # no yield here: an error thrown by the consumer is not one of the stream
                        item = next(items, None)
                    except DeepSeekError as error:
                        outcome = error
                        break
                    kind = type(item)
                    if kind in through:
                        yield item
                    elif item is None:
                        break
                    elif kind is StreamEnd:
                        outcome = item.reply
                    else:
                        yield from attempts.receive(item)
            assert outcome is not None, "a stream ended without a StreamEnd"
            rest, answer = attempts.finish(outcome)
            outcome = None
            yield from rest
            if answer is not None:
                yield StreamEnd(answer)
                return
            if hasattr(stream, "close"):
                stream.close()
            if attempts.wait:
                sleep(attempts.wait)
    finally:
        outcome = None  # avoids a reference cycle between the error and its frame
        if hasattr(stream, "close"):
            stream.close()


async def arun(
    attempts: Attempts[Request, Item, Answer],
    open_stream: Callable[[Request], Awaitable[AsyncIterator[Item | StreamEnd[Answer]]]],
    outcome: Answer | DeepSeekError | None = None,
) -> AsyncGenerator[Any, None]:
    """Like ``run``, asynchronously."""
    stream: Any = None
    begun = outcome is not None
    try:
        while True:
            if outcome is None:
                try:
                    stream = await open_stream(attempts.request)
                except DeepSeekError as error:
                    outcome = error
            if outcome is None:
                attempts.opened = True
                if not begun:
                    begun = True
                    yield OPENED
                through, items = attempts.through, aiter(stream)
                while True:
                    try:  # no yield here: an error thrown by the consumer is not one of the stream
                        item = await anext(items, None)
                    except DeepSeekError as error:
                        outcome = error
                        break
                    kind = type(item)
                    if kind in through:
                        yield item
                    elif item is None:
                        break
                    elif kind is StreamEnd:
                        outcome = item.reply
                    else:
                        for shown in attempts.receive(item):
                            yield shown
            assert outcome is not None, "a stream ended without a StreamEnd"
            rest, answer = attempts.finish(outcome)
            outcome = None
            for shown in rest:
                yield shown
            if answer is not None:
                yield StreamEnd(answer)
                return
            if hasattr(stream, "aclose"):
                await stream.aclose()
            if attempts.wait:
                await asleep(attempts.wait)
    finally:
        outcome = None  # avoids a reference cycle between the error and its frame
        if hasattr(stream, "aclose"):
            await stream.aclose()


def complete(
    request: Request,
    send: Callable[[Request], Answer],
    accepts: Callable[[Request, Answer], bool],
    attempts_for: Callable[[Request, float], Attempts[Request, Any, Answer]],
) -> Answer:
    """Send a request, and further ones if its answer is not accepted; return the final answer.

    Args:
        request: The first request.
        send: Sends a request and returns its complete answer.
        accepts: Returns True if no policy needs to judge an answer, which is the common case.
        attempts_for: Creates the attempts from the request and the time when it was sent, if they are needed.

    Raises:
        DeepSeekError: the error that ends the call.
    """
    started = time.monotonic()
    try:
        answer = send(request)
    except DeepSeekError as error:
        outcome: Answer | DeepSeekError = error
    else:
        if accepts(request, answer):
            return answer
        outcome = answer
    ends = run(attempts_for(request, started), lambda following: (StreamEnd(send(following)),), outcome)
    del outcome
    [end] = ends
    return end.reply  # type: ignore[no-any-return]


async def acomplete(
    request: Request,
    send: Callable[[Request], Awaitable[Answer]],
    accepts: Callable[[Request, Answer], bool],
    attempts_for: Callable[[Request, float], Attempts[Request, Any, Answer]],
) -> Answer:
    """Like ``complete``, asynchronously."""
    started = time.monotonic()
    try:
        answer = await send(request)
    except DeepSeekError as error:
        outcome: Answer | DeepSeekError = error
    else:
        if accepts(request, answer):
            return answer
        outcome = answer

    async def one(following: Request) -> AsyncIterator[StreamEnd[Answer]]:
        return _only(StreamEnd(await send(following)))

    ends = arun(attempts_for(request, started), one, outcome)
    del outcome
    [end] = [end async for end in ends]
    return end.reply  # type: ignore[no-any-return]


async def _only(item: Item) -> AsyncIterator[Item]:
    yield item
