"""A streamed call for LlamaIndex: with its events, and with the connection closed if the reader stops early.

LlamaIndex's callback decorators wrap a stream's generator in one of their own, which does not close the inner one
when it is closed. So the reader gets a generator of ours, the outermost, which has started before it is returned: its
``finally`` runs if it is read to the end, interrupted, closed, cancelled or dropped unread.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from llama_index.core.base.llms.types import ChatMessage, ChatResponse, CompletionResponse
from llama_index.core.llms.callbacks import llm_chat_callback, llm_completion_callback

from llama_index_deepseek_v4.convert.responses import ResponseBuilder, as_completion

if TYPE_CHECKING:
    from llama_index.core.callbacks import CallbackManager

    from deepseek_v4.client import Client
    from deepseek_v4.request.prepared_request import PreparedRequest

__all__ = ["StreamedCall", "aclose_on_exit", "close_on_exit"]

T = TypeVar("T")

_STARTED: Any = object()
"""The first item of a generator, read here, so that it is inside its ``try`` when the reader gets it."""


class StreamingLLM(Protocol):
    """The parts of the LLM that a streamed call uses."""

    callback_manager: CallbackManager
    rate_limiter: Any
    _client: Client

    def to_payload(self) -> dict[str, Any]:
        """Return the model's description for traces and callbacks."""

    def _prepared(
        self, messages: Sequence[ChatMessage], options: Mapping[str, Any], *, stream: bool
    ) -> PreparedRequest: ...

    def _prepared_prompt(
        self, prompt: str, formatted: bool, options: Mapping[str, Any], *, stream: bool
    ) -> PreparedRequest: ...


class StreamedCall:
    """One streamed call: the model's attributes that the callback decorators read, and the stream to close.

    The decorated methods open it, so that a rejected request ends the call's event and span with an error.
    """

    def __init__(self, llm: StreamingLLM) -> None:
        self.callback_manager = llm.callback_manager
        self.rate_limiter = llm.rate_limiter
        self.to_payload = llm.to_payload
        self._llm = llm
        self._close: Callable[[], None] | None = None
        self._aclose: Callable[[], Awaitable[None]] | None = None

    # -- blocking --------------------------------------------------------------------------------------------------

    def chat(self, messages: Sequence[ChatMessage], **options: Any) -> Generator[ChatResponse, None, None]:
        """Return the responses of a streamed chat."""
        responses = self._chat(messages, **options)
        return close_on_exit(responses, self._close)

    def complete(self, prompt: str, formatted: bool, **options: Any) -> Generator[CompletionResponse, None, None]:
        """Return the responses of a streamed completion."""
        responses = self._complete(prompt, formatted, **options)
        return close_on_exit(responses, self._close)

    @llm_chat_callback()
    def _chat(self, messages: Sequence[ChatMessage], **options: Any) -> Generator[ChatResponse, None, None]:
        return self._responses(self._llm._prepared(messages, options, stream=True), lambda response: response)

    @llm_completion_callback()
    def _complete(self, prompt: str, formatted: bool, **options: Any) -> Generator[CompletionResponse, None, None]:
        return self._responses(self._llm._prepared_prompt(prompt, formatted, options, stream=True), as_completion)

    def _responses(self, prepared: PreparedRequest, convert: Callable[[ChatResponse], T]) -> Generator[T, None, None]:
        stream = self._llm._client.open(prepared)
        self._close = stream.close
        add = ResponseBuilder(prepared.provider.name, prepared.request.model).add

        def responses() -> Generator[T, None, None]:
            for delta in stream:
                for response in add(delta):
                    yield convert(response)

        return responses()

    # -- on asyncio ------------------------------------------------------------------------------------------------

    async def achat(self, messages: Sequence[ChatMessage], **options: Any) -> AsyncGenerator[ChatResponse, None]:
        """Like ``chat``, asynchronously."""
        responses = await self._achat(messages, **options)
        return await aclose_on_exit(responses, self._aclose)

    async def acomplete(self, prompt: str, formatted: bool, **options: Any) -> AsyncGenerator[CompletionResponse, None]:
        """Like ``complete``, asynchronously."""
        responses = await self._acomplete(prompt, formatted, **options)
        return await aclose_on_exit(responses, self._aclose)

    @llm_chat_callback()
    async def _achat(self, messages: Sequence[ChatMessage], **options: Any) -> AsyncGenerator[ChatResponse, None]:
        prepared = self._llm._prepared(messages, options, stream=True)
        return await self._aresponses(prepared, lambda response: response)

    @llm_completion_callback()
    async def _acomplete(
        self, prompt: str, formatted: bool, **options: Any
    ) -> AsyncGenerator[CompletionResponse, None]:
        prepared = self._llm._prepared_prompt(prompt, formatted, options, stream=True)
        return await self._aresponses(prepared, as_completion)

    async def _aresponses(
        self, prepared: PreparedRequest, convert: Callable[[ChatResponse], T]
    ) -> AsyncGenerator[T, None]:
        stream = await self._llm._client.aopen(prepared)
        self._aclose = stream.aclose
        add = ResponseBuilder(prepared.provider.name, prepared.request.model).add

        async def responses() -> AsyncGenerator[T, None]:
            async for delta in stream:
                for response in add(delta):
                    yield convert(response)

        return responses()


def close_on_exit(responses: Generator[T, None, None], close: Callable[[], None] | None) -> Generator[T, None, None]:
    """Return the same responses for the reader; when this generator ends in any way, its source is closed at once.

    Args:
        responses: The generator of LlamaIndex's callback decorators.
        close: Closes the stream that it reads.
    """

    def outermost() -> Generator[T, None, None]:
        try:
            yield _STARTED
            yield from responses
        finally:
            responses.close()
            if close is not None:
                close()

    generator = outermost()
    next(generator)
    return generator


async def aclose_on_exit(
    responses: AsyncGenerator[T, None], aclose: Callable[[], Awaitable[None]] | None
) -> AsyncGenerator[T, None]:
    """Like ``close_on_exit``, asynchronously."""

    async def outermost() -> AsyncGenerator[T, None]:
        try:
            yield _STARTED
            async for response in responses:
                yield response
        finally:
            try:
                await responses.aclose()
            finally:
                if aclose is not None:
                    await aclose()

    generator = outermost()
    await anext(generator)
    return generator
