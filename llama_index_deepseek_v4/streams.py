"""A streamed call for LlamaIndex: with its events, and with the connection closed if the reader stops early.

LlamaIndex's callback decorators wrap a stream's generator in one of their own, which does not close the inner one
when it is closed. So the reader gets a generator of ours, the outermost, which has started before it is returned: its
``with`` block ends if it is read to the end, interrupted, closed, cancelled or dropped unread.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterable
from contextlib import AsyncExitStack, ExitStack, aclosing, closing
from typing import Any

Convert = Callable[[Any], Iterable[Any]]
"""Converts an item of a source to the responses that the reader gets."""


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

    @callback
    def opened(llm: Any, *args: Any, **options: Any) -> Generator[Any, None, None]:
        source, convert = open_source(*args, **options)
        items = resources.enter_context(closing(source))
        return (response for item in items for response in convert(item))

    def outermost(responses: Generator[Any, None, None]) -> Generator[Any, None, None]:
        with resources, closing(responses):
            yield None  # read below, so that it is in this block when the reader gets it
            yield from responses

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

    @callback
    async def opened(llm: Any, *args: Any, **options: Any) -> AsyncGenerator[Any, None]:
        source, convert = await open_source(*args, **options)
        items = await resources.enter_async_context(aclosing(source))
        return (response async for item in items for response in convert(item))

    async def outermost(responses: AsyncGenerator[Any, None]) -> AsyncGenerator[Any, None]:
        async with resources, aclosing(responses):
            yield None  # read below, so that it is in this block when the reader gets it
            async for response in responses:
                yield response

    generator = outermost(await opened(llm, *args, **options))
    await anext(generator)
    return generator
