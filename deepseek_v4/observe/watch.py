"""Watch the requests of one answer, and make an event of each. No request is sent here."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from deepseek_v4.errors import DeepSeekError
from deepseek_v4.observe.events import RequestEvent
from deepseek_v4.observe.listeners import Listener
from deepseek_v4.observe.sections import sections_of
from deepseek_v4.request.prepared_request import PreparedRequest
from deepseek_v4.request.preview import masked_headers
from deepseek_v4.transport import Exchange
from deepseek_v4.transport.mask_secrets import Mask
from deepseek_v4.values import json
from deepseek_v4.values.http import HttpResponse
from deepseek_v4.values.messages import Reasoning
from deepseek_v4.values.reply import Reply, StreamEnd

if TYPE_CHECKING:
    from deepseek_v4.recovery.attempts import FailedAttempt

T = TypeVar("T")

_log = logging.getLogger("deepseek_v4")


class Watch:
    """The requests of one answer. As a context it begins and ends the answer.

    Args:
        request: The first request.
        listeners: Who gets the events.

    Attributes:
        request: The request, as to be sent, until the answer ends: follow-up requests made from it are watched too.
        failed: The attempts so far whose result is not the answer; set by the attempts of the call.
    """

    def __init__(self, request: PreparedRequest, listeners: Sequence[Listener]) -> None:
        self.answer = uuid.uuid4().hex[:12]
        self.failed: Sequence[FailedAttempt[Any]] = ()
        self.request = replace(request, watch=self)
        self._listeners = listeners
        self._count = 0
        self._ended = self._streaming = False

    def __enter__(self) -> Watch:
        self._call("started", self.answer, self.request)
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is not None or not self._streaming:
            self.end(error)

    def stream(self, items: Any) -> Any:
        """Return the items of a stream, whose end is the end of the answer."""
        self._streaming = True
        return WatchedStream(items, self)

    def exchange_of(self, request: PreparedRequest) -> Callable[..., Exchange]:
        """Return what creates the exchange of a request."""
        return partial(WatchedExchange, request)

    def decoder_of(self, decoder: Any, exchange: WatchedExchange) -> WatchedDecoder:
        """Return the decoder of a streamed answer."""
        return WatchedDecoder(decoder, exchange)

    def end(self, error: BaseException | None = None) -> None:
        """End the answer; without effect if it has ended."""
        if not self._ended:
            self._ended = True
            del self.request  # which refers to the watch
            self._call("ended", self.answer, error)

    def next_attempt(self) -> tuple[int, FailedAttempt[Any] | None]:
        """Return the number of the next request, and the attempt that made it necessary."""
        self._count += 1
        return self._count, self.failed[-1] if self.failed else None

    def give(self, event: RequestEvent) -> None:
        """Give an event to the listeners."""
        self._call("received", event)

    def _call(self, method: str, *args: Any) -> None:
        for listener in self._listeners:
            try:
                getattr(listener, method)(*args)
            except Warning:  # noqa: PERF203 - the filter of warnings raises it; another error stops no listener
                raise
            except Exception:
                _log.exception("%r raised an exception in %s, which is ignored", listener, method)


class WatchedExchange(Exchange):
    """An exchange that makes an event of its request."""

    __slots__ = ("_attempt", "_before", "_first_byte", "_first_item", "_open", "_prepared", "_sent", "_started")

    def __init__(self, prepared: PreparedRequest, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._prepared = prepared
        self._attempt, self._before = prepared.watch.next_attempt()
        self._open = True
        self._first_byte: float | None = None
        self._first_item: float | None = None
        self._started = datetime.now(timezone.utc)
        self._sent = time.perf_counter()

    def accepts(self, response: Any) -> bool:
        """Store the response, and the time of its first byte."""
        self._first_byte = self._seconds()
        return super().accepts(response)

    def result(self, body: bytes, read: Callable[[HttpResponse], T]) -> T:
        """Decode a complete response, and make the event."""
        try:
            value = super().result(body, read)
        except DeepSeekError as error:
            self.end(error=error)
            raise
        if isinstance(value, Reply):
            self.end(value)
        return value

    def failure(self, cause: BaseException, decoder: Any = None) -> BaseException:
        """Return the exception to raise, and make the event."""
        error = super().failure(cause, decoder)
        self.end(None if decoder is None else decoder.partial(), error)
        return error

    def item(self) -> None:
        """Note the time of the first item of a stream."""
        if self._first_item is None:
            self._first_item = self._seconds()

    def end(self, reply: Reply | None = None, error: BaseException | None = None) -> None:
        """Make the event and give it to the listeners; without effect if that was done."""
        if self._open:
            self._open = False
            self._prepared.watch.give(self._event(reply, error))

    def _event(self, reply: Reply | None, error: BaseException | None) -> RequestEvent:
        seconds, prepared, mask = self._seconds(), self._prepared, self._mask()
        provider, model = prepared.provider.name, prepared.request.model
        if reply is None and isinstance(error, DeepSeekError):
            reply = error.partial
        usage, cost = (None, None) if reply is None else (reply.usage, reply.cost)
        sent = mask.content(prepared.http.body)
        body = prepared.body
        if sent != prepared.http.body:  # the key is in the prompt, and the model may repeat it
            body = json.loads_exactly(sent)
            reply = None if reply is None else _masked(reply, mask)
        status = None if self._response is None else self._response.status_code
        return RequestEvent(
            answer=prepared.watch.answer,
            attempt=self._attempt,
            reason=None if self._before is None else self._before.reason,
            detail=None if self._before is None else self._before.detail,
            provider=provider,
            protocol=prepared.protocol.name,
            model=model,
            streamed=prepared.request.stream,
            method=prepared.http.method,
            url=mask.text(prepared.http.url),
            headers=masked_headers(prepared.http),
            body=body,
            notes=prepared.notes,
            sections=sections_of(prepared.body, prepared.request.messages),
            started=self._started,
            seconds=seconds,
            seconds_to_first_byte=self._first_byte,
            seconds_to_first_item=self._first_item,
            status=status,
            reply=reply,
            error=None if error is None else mask.text(_described(error)),
            usage=usage,
            cost=cost,
        )

    def _seconds(self) -> float:
        return time.perf_counter() - self._sent


def _described(error: BaseException) -> str:
    if isinstance(error, GeneratorExit):
        return "closed by the reader"
    return f"{type(error).__name__}: {error}".removesuffix(": ")


def _masked(reply: Reply, mask: Mask) -> Reply:
    thought = None if reply.reasoning is None else Reasoning(mask.text(reply.reasoning.text or ""))
    calls = tuple(replace(call, arguments=mask.text(call.arguments)) for call in reply.tool_calls)
    invalid = tuple(
        replace(call, arguments=mask.text(call.arguments), error=mask.text(call.error))
        for call in reply.invalid_tool_calls
    )
    annotations, extra = json.loads_exactly(mask.content(json.dumps([reply.annotations, reply.extra])))
    return replace(
        reply,
        content=mask.text(reply.content),
        reasoning=thought,
        tool_calls=calls,
        invalid_tool_calls=invalid,
        logprobs=None,  # each of its tokens is a part of the text, which cannot be masked
        annotations=tuple(annotations),
        extra=extra,
    )


class WatchedDecoder:
    """A decoder of a stream that notes its first item and its end."""

    __slots__ = ("_decoder", "_exchange")

    def __init__(self, decoder: Any, exchange: WatchedExchange) -> None:
        self._decoder = decoder
        self._exchange = exchange

    @property
    def finished(self) -> bool:
        """True if the answer is complete."""
        return bool(self._decoder.finished)

    def feed(self, chunk: bytes) -> list[Any]:
        """Decode the next bytes."""
        return self._noted(self._decoder.feed(chunk))

    def close(self) -> list[Any]:
        """Return the remaining items."""
        return self._noted(self._decoder.close())

    def partial(self) -> Any:
        """Return the partial reply received so far."""
        return self._decoder.partial()

    def _noted(self, items: list[Any]) -> list[Any]:
        if items:
            self._exchange.item()
            if type(items[-1]) is StreamEnd:
                self._exchange.end(items[-1].reply)
        return items


class WatchedStream:
    """The items of a stream, blocking or on asyncio, whose end is the end of the answer."""

    def __init__(self, items: Any, watch: Watch) -> None:
        self._items = items
        self._watch = watch

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        try:
            return next(self._items)
        except BaseException as error:
            self._watch.end(None if isinstance(error, StopIteration) else error)
            raise

    def close(self) -> None:
        """Close the stream."""
        self._items.close()
        self._watch.end()

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        try:
            return await anext(self._items)
        except BaseException as error:
            self._watch.end(None if isinstance(error, StopAsyncIteration) else error)
            raise

    async def aclose(self) -> None:
        """Close the stream, asynchronously."""
        await self._items.aclose()
        self._watch.end()

    def __del__(self) -> None:
        self._watch.end()
