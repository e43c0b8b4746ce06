"""The client: for scripts without a framework, and the base of both adapters."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from deepseek_v4 import tokens
from deepseek_v4.account_methods import ClientMethods
from deepseek_v4.errors import DeepSeekError
from deepseek_v4.limits.paced_send import ametered, apaced, metered, paced
from deepseek_v4.observe import listeners
from deepseek_v4.protocols.error_bodies import decode_error
from deepseek_v4.providers import find_provider
from deepseek_v4.recovery.policies import AccountAttempts, ReplyAttempts, accepts
from deepseek_v4.recovery.retry_loops import acomplete, arun, complete, run
from deepseek_v4.recovery.user_call import USER_CALL
from deepseek_v4.request.account import AccountRequest
from deepseek_v4.request.build import chat_request, prepare
from deepseek_v4.request.call_options import resolve
from deepseek_v4.request.constructor_signature import OptionSignature
from deepseek_v4.request.headers import no_key_advice
from deepseek_v4.request.prepared_request import PreparedRequest
from deepseek_v4.request.preview import Preview, preview
from deepseek_v4.request.settings import ModelSettings
from deepseek_v4.transport import AsyncStream, AsyncTransport, Exchange, Limits, SyncStream, SyncTransport
from deepseek_v4.values.messages import Message
from deepseek_v4.values.reply import Delta, Reply
from deepseek_v4.values.response_limits import DEFAULT
from deepseek_v4.values.usage_report import UsageReport

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from deepseek_v4.limits.budget import Budget, Reservation
    from deepseek_v4.limits.limiter import Limiter
    from deepseek_v4.observe.cache_report import CacheReport
    from deepseek_v4.observe.cache_tracker import CacheTracker
    from deepseek_v4.observe.watch import Watch
    from deepseek_v4.request.option_types import ChatOptions, CompletionOptions, ModelOptions

T = TypeVar("T")
Wrap = Callable[..., Callable[[Any], Any]]


class Client(ClientMethods):
    """DeepSeek V4, without a framework.

    Examples:
        >>> from deepseek_v4 import Client
        >>> client = Client(model="deepseek-flash")
        >>> reply = client.chat("What is 17 * 23?")  # doctest: +SKIP
        >>> print(reply.reasoning.text, reply.content)  # doctest: +SKIP

    Args:
        settings: A settings object (an adapter passes itself); alternatively pass options by name.
        **options: Every field of ``ModelSettings``.

    Attributes:
        settings: The options.
        usage: Tokens and cost of all answers of this client, also of those that were retried: ``print(client.usage)``.

    Raises:
        pydantic.ValidationError: for a wrong type or an unknown option.
    """

    __signature__: ClassVar[OptionSignature] = OptionSignature(ModelSettings)

    def __init__(self, settings: ModelSettings | None = None, **options: Unpack[ModelOptions]) -> None:
        if settings is not None and options:
            raise TypeError("settings and options were both given. Pass only one of them.")
        self.settings: ModelSettings = settings if settings is not None else ModelSettings(**options)
        self.usage: UsageReport = UsageReport()
        self._sync: SyncTransport | None = None
        self._async: AsyncTransport | None = None
        self._cache_tracker: CacheTracker | None = None

    def __repr__(self) -> str:
        options = ", ".join(f"{name}={value!r}" for name, value in self.settings.__repr_args__())
        return f"{type(self).__name__}({options})"

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy or a pickle takes over: everything but the transports, which are created when needed."""
        return {**vars(self), "_sync": None, "_async": None}

    # -- calls ---------------------------------------------------------------------------------------------------

    def chat(self, messages: str | Sequence[Message], **options: Unpack[ChatOptions]) -> Reply:
        """Send a conversation and return the complete answer.

        Args:
            messages: The conversation, or the text of a single user message.
            **options: ``tools``, ``tool_choice``, ``response_format``, ``parallel_tool_calls``, and every constructor
                option, for this call only.

        Raises:
            DeepSeekError: see ``deepseek_v4.errors``.
        """
        return self.send(self.prepare(messages, options, stream=False))

    async def achat(self, messages: str | Sequence[Message], **options: Unpack[ChatOptions]) -> Reply:
        """Like ``chat``, asynchronously."""
        return await self.asend(self.prepare(messages, options, stream=False))

    def stream(self, messages: str | Sequence[Message], **options: Unpack[ChatOptions]) -> SyncStream[Delta]:
        """Stream one answer.

        When this returns, the server has accepted the request; request errors are raised here, after any retries.

        Returns:
            An iterable of deltas that ends with a ``StreamEnd``; a context manager; ``close()`` frees the connection.

        Raises:
            DeepSeekError: here if the request fails, and during iteration if the stream is interrupted (``partial`` of
                ``StreamInterruptedError`` contains the partial reply).
        """
        return self.open(self.prepare(messages, options, stream=True))

    async def astream(self, messages: str | Sequence[Message], **options: Unpack[ChatOptions]) -> AsyncStream[Delta]:
        """Like ``stream``, asynchronously: ``async for delta in await client.astream(...)``."""
        return await self.aopen(self.prepare(messages, options, stream=True))

    def preview(
        self, messages: str | Sequence[Message], *, stream: bool = False, **options: Unpack[ChatOptions]
    ) -> Preview:
        """Return the exact request that ``chat`` (or ``stream``) would send. Nothing is sent."""
        return preview(self.prepare(messages, options, stream=stream))

    def count_tokens(self, messages: str | Sequence[Message], **options: Unpack[ChatOptions]) -> tokens.TokenCount:
        """Count the prompt tokens of a conversation. Nothing is sent, and no key is needed.

        The count is exact with the extra ``tokens``, else an estimate. Unlike ``preview``, which counts the whole
        request, it accepts parts of a conversation.

        Args:
            messages: As for ``chat``.
            **options: As for ``chat``: ``tools`` are counted.

        Raises:
            InvalidRequestError: for an unknown option or a wrong type.
        """
        if isinstance(messages, str):
            messages = (Message.user(messages),)
        resolved = resolve(self.settings, options)
        request, dialect = chat_request(messages, resolved, find_provider(resolved.provider))
        return tokens.count_prompt(request, dialect.protocol)

    def cache_report(self) -> CacheReport:
        """Return how much of each conversation was read from the provider's prefix cache, and why the rest was not.

        Raises:
            ValueError: if no request was tracked.
        """
        if self._cache_tracker is None:
            raise ValueError("No request was tracked. Create the model with track_cache=True, and call it first.")
        return self._cache_tracker.report()

    # -- filling in ----------------------------------------------------------------------------------------------

    def complete(self, prompt: str, suffix: str | None = None, **options: Unpack[CompletionOptions]) -> Reply:
        """Complete a prompt, or fill the gap between it and a suffix. The model does not think here.

        Args:
            prompt: The text before the gap.
            suffix: The text after it.
            **options: ``echo``, and the constructor options that completions support: ``max_tokens`` (DeepSeek: up to
                4096), ``stop``, ``temperature``, ``top_p``, ``top_logprobs``. Thinking is dropped with a warning.

        Returns:
            A reply whose ``content`` is the text.

        Raises:
            UnsupportedError: if the provider does not support completions, or for tools and response formats.
            DeepSeekError: see ``deepseek_v4.errors``.
        """
        return self.send(self.prepare_completion(prompt, {**options, "suffix": suffix}, stream=False))

    async def acomplete(self, prompt: str, suffix: str | None = None, **options: Unpack[CompletionOptions]) -> Reply:
        """Like ``complete``, asynchronously."""
        return await self.asend(self.prepare_completion(prompt, {**options, "suffix": suffix}, stream=False))

    def stream_complete(
        self, prompt: str, suffix: str | None = None, **options: Unpack[CompletionOptions]
    ) -> SyncStream[Delta]:
        """Like ``complete``, as a stream of deltas; see ``stream``."""
        return self.open(self.prepare_completion(prompt, {**options, "suffix": suffix}, stream=True))

    async def astream_complete(
        self, prompt: str, suffix: str | None = None, **options: Unpack[CompletionOptions]
    ) -> AsyncStream[Delta]:
        """Like ``stream_complete``, asynchronously."""
        return await self.aopen(self.prepare_completion(prompt, {**options, "suffix": suffix}, stream=True))

    # -- steps, for adapters -------------------------------------------------------------------------------------

    def prepare(
        self, messages: str | Sequence[Message], options: Mapping[str, Any], *, stream: bool
    ) -> PreparedRequest:
        """Build a request without sending it."""
        if isinstance(messages, str):
            messages = (Message.user(messages),)
        return prepare(messages, resolve(self.settings, options), stream=stream)

    def prepare_completion(self, prompt: str, options: Mapping[str, Any], *, stream: bool) -> PreparedRequest:
        """Build the request of ``complete`` without sending it; ``suffix`` is among the options."""
        return prepare((Message.user(prompt),), resolve(self.settings, options, completions=True), stream=stream)

    def send(self, request: PreparedRequest) -> Reply:
        """Send a request and return the final answer, which may take several requests (``recovery``).

        Raises:
            DeepSeekError: the error that ends the call; ``partial`` contains the usage of earlier answers.
        """
        if watch := self._watch(request):
            with watch:
                return self.send(watch.request)
        send = self._limited(self._send, metered, paced)
        reply: Reply = complete(request, send, self._accepts, self._attempts)
        return reply

    async def asend(self, request: PreparedRequest) -> Reply:
        """Like ``send``, asynchronously."""
        if watch := self._watch(request):
            with watch:
                return await self.asend(watch.request)
        send = self._limited(self._asend, ametered, apaced)
        return await acomplete(request, send, self._accepts, self._attempts)

    def open(self, request: PreparedRequest) -> SyncStream[Delta]:
        """Send a request and open its stream, which continues with another answer if the first one is invalid."""
        if watch := self._watch(request):
            with watch:
                return SyncStream(watch.stream(self.open(watch.request)))
        deltas = run(self._attempts(request, time.monotonic()), self._limited(self._open, metered, paced))
        next(deltas)
        return SyncStream(deltas)

    async def aopen(self, request: PreparedRequest) -> AsyncStream[Delta]:
        """Like ``open``, asynchronously."""
        if watch := self._watch(request):
            with watch:
                return AsyncStream(watch.stream(await self.aopen(watch.request)))
        deltas = arun(self._attempts(request, time.monotonic()), self._limited(self._aopen, ametered, apaced))
        await anext(deltas)
        return AsyncStream(deltas)

    def _accepts(self, request: PreparedRequest, reply: Reply) -> bool:
        """Return True if no policy needs to judge the reply, which is then counted."""
        accepted = accepts(request, reply)
        if accepted:
            self.usage.add_reply(reply, request.request.model)
        return accepted

    def _attempts(self, request: PreparedRequest, started: float) -> ReplyAttempts:
        return _CountedAttempts(self.usage, request, started)

    def _limited(self, send: Callable[[Any], Any], meter: Wrap, pace: Wrap) -> Callable[[Any], Any]:
        """Return ``send``, counted by the user's call that it belongs to, and limited by what the settings contain."""
        budget, limiter, gate = self.settings.budget, self.settings.limiter, self.settings.retry_gate()
        call = USER_CALL.get()
        if call is not None:
            send = call.counting(send)
        if budget is not None:
            send = meter(send, partial(_reserve, budget))
        return send if limiter is None and gate is None else pace(send, limiter, gate, _prompt_tokens)

    def _send(self, request: PreparedRequest | AccountRequest[Any]) -> Any:
        return self._transport().call(_exchange(request), request.read)

    async def _asend(self, request: PreparedRequest | AccountRequest[Any]) -> Any:
        return await self._async_transport().call(_exchange(request), request.read)

    def _open(self, request: PreparedRequest) -> SyncStream[Delta]:
        return self._transport().stream(*_stream_exchange(request))

    async def _aopen(self, request: PreparedRequest) -> AsyncStream[Delta]:
        return await self._async_transport().stream(*_stream_exchange(request))

    def _watch(self, request: PreparedRequest) -> Watch | None:
        """Return what watches a new answer for its listeners; usually there are none."""
        if request.watch is not None:
            return None
        listening, options = listeners.active, request.options
        if options.track_cache or options.warn_on_cache_bust:
            if self._cache_tracker is None:
                from deepseek_v4.observe.cache_tracker import CacheTracker

                self._cache_tracker = CacheTracker()
            listening = (*listening, self._cache_tracker)
        if not listening:
            return None
        from deepseek_v4.observe.watch import Watch

        return Watch(request, listening)

    def _ask(self, build: Callable[..., AccountRequest[T]], *args: Any, limiter: Limiter | None = None) -> T:
        query = build(resolve(self.settings, {}), *args)
        send = self._send if limiter is None else paced(self._send, limiter, None, _no_tokens)
        value: T = complete(query, send, _accepts_any, AccountAttempts)
        return value

    async def _aask(self, build: Callable[..., AccountRequest[T]], *args: Any, limiter: Limiter | None = None) -> T:
        query = await asyncio.to_thread(build, resolve(self.settings, {}), *args)  # an upload reads its file
        send = self._asend if limiter is None else apaced(self._asend, limiter, None, _no_tokens)
        value: T = await acomplete(query, send, _accepts_any, AccountAttempts)
        return value

    # -- life ----------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Close the connections of synchronous calls. The client can be used again."""
        if self._sync is not None:
            self._sync.close()

    async def aclose(self) -> None:
        """Close all connections: of synchronous calls, and of asynchronous calls on this event loop."""
        self.close()
        if self._async is not None:
            await self._async.aclose()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def _transport(self) -> SyncTransport:
        if self._sync is None:
            self._sync = SyncTransport(self.settings.http_client, capped=self.settings.limiter is None)
        return self._sync

    def _async_transport(self) -> AsyncTransport:
        if self._async is None:
            self._async = AsyncTransport(self.settings.http_async_client, capped=self.settings.limiter is None)
        return self._async


def _prompt_tokens(request: PreparedRequest) -> int:
    return tokens.estimate(request.request.messages, request.request.tools)


class _CountedAttempts(ReplyAttempts):
    """The attempts at one reply, whose tokens are added to the client's when the call ends."""

    def __init__(self, usage: UsageReport, request: PreparedRequest, started: float) -> None:
        super().__init__(request, started)
        self._usage = usage

    def finish(self, outcome: Reply | DeepSeekError) -> tuple[Sequence[Delta], Reply | None]:
        """Process the outcome of an attempt."""
        try:
            items, answer = super().finish(outcome)
        except DeepSeekError as error:
            self._usage.add_reply(error.partial, self.base.request.model)
            raise
        self._usage.add_reply(answer, self.base.request.model)
        return items, answer


def _exchange(request: PreparedRequest | AccountRequest[Any], *, streamed: bool = False) -> Exchange:
    options, provider = request.options, request.provider
    body_bytes = (options.response_limits or DEFAULT).body_bytes
    limits = Limits(options.timeout, options.total_timeout, request.deadline, body_bytes)
    advice = no_key_advice(provider, request.http)
    read_error = partial(decode_error, dialect=request.dialect, provider=provider.name, key_advice=advice)
    kind = Exchange if request.watch is None else request.watch.exchange_of(request)
    return kind(request.http, limits, read_error, provider.name, streamed=streamed)


def _stream_exchange(request: PreparedRequest) -> tuple[Exchange, Any]:
    exchange, decoder = _exchange(request, streamed=True), request.protocol.stream(request.context)
    return exchange, decoder if request.watch is None else request.watch.decoder_of(decoder, exchange)


def _reserve(budget: Budget, request: PreparedRequest) -> Reservation:
    return budget.reserve(request.provider.name, request.request.model, _prompt_tokens(request), request.context.limit)


def _no_tokens(query: AccountRequest[Any]) -> int:
    return 0


def _accepts_any(query: AccountRequest[T], value: T) -> bool:
    return True
