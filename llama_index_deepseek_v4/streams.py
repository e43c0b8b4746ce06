"""A streamed call for LlamaIndex: with its events, and with the connection closed if the reader stops early.

LlamaIndex's callback decorators wrap a stream's generator in one of their own, which does not close the inner one
when it is closed. So the reader gets a generator of ours, the outermost, which has started before it is returned: its
``with`` block ends if it is read to the end, interrupted, closed, cancelled or dropped unread.

The decorators also create an event for each response, validated with all messages of the call: half of the time of a
chunk, and more after a long history. Without an event handler, the responses go past the decorator, which gets only the
last one, or the error.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Iterable, Iterator
from contextlib import AsyncExitStack, ExitStack, aclosing, closing
from typing import Any

from llama_index.core.instrumentation.event_handlers import NullEventHandler
from llama_index.core.llms import callbacks

Convert = Callable[[Any], Iterable[Any]]
"""Converts an item of a source to the responses that the reader gets."""


def has_event_handlers() -> bool:
    """Return True if a handler receives the events of LlamaIndex's callback decorators."""
    dispatcher = callbacks.dispatcher
    while all(type(handler) is NullEventHandler for handler in dispatcher.event_handlers):
        if not dispatcher.propagate:
            return False
        dispatcher = dispatcher.parent
    return True


class _Ending:
    """How a stream ended whose responses went past the callback decorator, to which ``report`` passes it."""

    last: Any = None
    error: BaseException | None = None

    def report(self) -> Generator[Any, None, None]:
        error, self.error = self.error, None
        try:
            if error is not None:
                raise error
            yield self.last
        finally:
            del error  # avoids a reference cycle between the error and this frame

    async def areport(self) -> AsyncGenerator[Any, None]:
        for last in self.report():
            yield last


def stream(
    callback: Callable[[Any], Any],
    open_source: Callable[..., tuple[Any, Convert]],
    llm: Any,
    *args: Any,
    **options: Any,
) -> Generator[Any, None, None]:
    """Return the responses of a streamed call.

    Args:
        callback: LlamaIndex's decorator, ``llm_chat_callback()`` or ``llm_completion_callback()``. The source is opened
            inside it, so that a rejected request ends the call's event and span with an error.
        open_source: Returns the iterable to read, which has ``close``, and the function that converts its items; takes
            ``args`` and ``options``.
        llm: The model, for the callback.
        *args: The input of the call.
        **options: The options of the call.
    """
    resources = ExitStack()
    ending = _Ending()
    unobserved: list[Iterator[Any]] = []

    @callback
    def opened(llm: Any, *args: Any, **options: Any) -> Generator[Any, None, None]:
        source, convert = open_source(*args, **options)
        items = resources.enter_context(closing(source))
        responses = (response for item in items for response in convert(item))
        if has_event_handlers():
            return responses
        unobserved.append(responses)
        return ending.report()

    def outermost(observed: Generator[Any, None, None]) -> Generator[Any, None, None]:
        with resources, closing(observed):
            yield None  # read below, so that it is in this block when the reader gets it
            if not unobserved:
                yield from observed
                return
            try:
                for response in unobserved.pop():
                    ending.last = response
                    yield response
            except BaseException as error:
                ending.error = error
            for _ in observed:
                pass

    generator = outermost(opened(llm, *args, **options))
    next(generator)
    return generator


async def astream(
    callback: Callable[[Any], Any],
    open_source: Callable[..., Awaitable[tuple[Any, Convert]]],
    llm: Any,
    *args: Any,
    **options: Any,
) -> AsyncGenerator[Any, None]:
    """Like ``stream``, asynchronously; the source has ``aclose``."""
    resources = AsyncExitStack()
    ending = _Ending()
    unobserved: list[AsyncIterator[Any]] = []

    @callback
    async def opened(llm: Any, *args: Any, **options: Any) -> AsyncGenerator[Any, None]:
        source, convert = await open_source(*args, **options)
        items = await resources.enter_async_context(aclosing(source))
        responses = (response async for item in items for response in convert(item))
        if has_event_handlers():
            return responses
        unobserved.append(responses)
        return ending.areport()

    async def outermost(observed: AsyncGenerator[Any, None]) -> AsyncGenerator[Any, None]:
        async with resources, aclosing(observed):
            yield None  # read below, so that it is in this block when the reader gets it
            if not unobserved:
                async for response in observed:
                    yield response
                return
            try:
                async for response in unobserved.pop():
                    ending.last = response
                    yield response
            except BaseException as error:
                ending.error = error
            async for _ in observed:
                pass

    generator = outermost(await opened(llm, *args, **options))
    await anext(generator)
    return generator
