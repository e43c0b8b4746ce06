"""The core's own face: a client for scripts without a framework, and what both adapters are written on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, TypeVar

from deepseek_v4.conversation import Message
from deepseek_v4.dialect import Dialect
from deepseek_v4.dialect_account import Balance, ModelInfo
from deepseek_v4.empty import EmptyWatch, aretried, retried
from deepseek_v4.endpoints import Query, balance_query, model_query, models_query
from deepseek_v4.errors import DeepSeekError
from deepseek_v4.preview import Preview, preview
from deepseek_v4.protocols.decoder import whole_answer
from deepseek_v4.protocols.error_bodies import read_error
from deepseek_v4.reply import Delta, Reply
from deepseek_v4.request import Prepared, prepare, tool_choice_of, tools_of
from deepseek_v4.second_try import was_retried
from deepseek_v4.settings import ModelSettings, call_options
from deepseek_v4.transport import AsyncStream, AsyncTransport, Limits, SyncStream, SyncTransport
from deepseek_v4.wire import HttpResponse

__all__ = ["Client", "Preview", "preview"]

T = TypeVar("T")


class Client:
    """DeepSeek V4, without a framework.

    Example:
        >>> from deepseek_v4 import Client
        >>> client = Client(model="deepseek-v4-flash")
        >>> reply = client.chat("What is 17 * 23?")  # doctest: +SKIP
        >>> print(reply.reasoning.text, reply.content)  # doctest: +SKIP

    Args:
        settings: Options already gathered (an adapter passes itself); or give them by name.
        **options: Every field of ``ModelSettings``.

    Raises:
        pydantic.ValidationError: for a wrong type or an unknown option.
    """

    def __init__(self, settings: ModelSettings | None = None, **options: Any) -> None:
        if settings is not None and options:
            raise TypeError("give settings, or options by name, not both")
        self.settings = settings if settings is not None else ModelSettings(**options)
        self._sync: SyncTransport | None = None
        self._async: AsyncTransport | None = None

    # -- calls ---------------------------------------------------------------------------------------------------

    def chat(self, messages: str | Sequence[Message], **options: Any) -> Reply:
        """One whole answer.

        Args:
            messages: The conversation, or the text of a single user message.
            **options: ``tools``, ``tool_choice``, ``response_format``, ``parallel_tool_calls``, and every constructor
                option, for this call only.

        Raises:
            DeepSeekError: see ``deepseek_v4.errors``.
        """
        return self.send(self.prepare(messages, options, stream=False))

    async def achat(self, messages: str | Sequence[Message], **options: Any) -> Reply:
        """Like ``chat``, asynchronously."""
        return await self.asend(self.prepare(messages, options, stream=False))

    def stream(self, messages: str | Sequence[Message], **options: Any) -> SyncStream[Delta]:
        """One answer in pieces; the request has been answered when this returns, so errors and retries lie behind.

        Returns:
            An iterable of deltas that ends with an ``End``; a context manager; ``close()`` frees the connection.

        Raises:
            DeepSeekError: here when the request fails, while iterating when the stream breaks
                (``StreamInterruptedError`` holds what had arrived in ``partial``).
        """
        return self.open(self.prepare(messages, options, stream=True))

    async def astream(self, messages: str | Sequence[Message], **options: Any) -> AsyncStream[Delta]:
        """Like ``stream``, asynchronously: ``async for delta in await client.astream(...)``."""
        return await self.aopen(self.prepare(messages, options, stream=True))

    def preview(self, messages: str | Sequence[Message], *, stream: bool = False, **options: Any) -> Preview:
        """The exact request that ``chat`` (or ``stream``) would send. Nothing is sent."""
        return preview(self.prepare(messages, options, stream=stream))

    # -- filling in, and small endpoints -------------------------------------------------------------------------

    def complete(self, prompt: str, suffix: str | None = None, **options: Any) -> Reply:
        """The text that follows a prompt, or that fills the gap between it and a suffix. The model does not think here.

        Args:
            prompt: The text before the gap.
            suffix: The text after it.
            **options: ``echo``, and the constructor options that completions have: ``max_tokens`` (DeepSeek: up to
                4096), ``stop``, ``temperature``, ``top_p``, ``top_logprobs``. Thinking is dropped with a warning.

        Returns:
            A reply whose ``content`` is the text.

        Raises:
            UnsupportedError: when the provider fills in no text, or for tools and response formats.
            DeepSeekError: see ``deepseek_v4.errors``.
        """
        return self.send(self.prepare_completion(prompt, {**options, "suffix": suffix}, stream=False))

    async def acomplete(self, prompt: str, suffix: str | None = None, **options: Any) -> Reply:
        """Like ``complete``, asynchronously."""
        return await self.asend(self.prepare_completion(prompt, {**options, "suffix": suffix}, stream=False))

    def stream_complete(self, prompt: str, suffix: str | None = None, **options: Any) -> SyncStream[Delta]:
        """Like ``complete``, in pieces; see ``stream``."""
        return self.open(self.prepare_completion(prompt, {**options, "suffix": suffix}, stream=True))

    async def astream_complete(self, prompt: str, suffix: str | None = None, **options: Any) -> AsyncStream[Delta]:
        """Like ``stream_complete``, asynchronously."""
        return await self.aopen(self.prepare_completion(prompt, {**options, "suffix": suffix}, stream=True))

    def list_models(self) -> tuple[ModelInfo, ...]:
        """The models the provider lists.

        Raises:
            DeepSeekError: see ``deepseek_v4.errors``.
        """
        return self._ask(models_query(self.settings.options()))

    async def alist_models(self) -> tuple[ModelInfo, ...]:
        """Like ``list_models``, asynchronously."""
        return await self._aask(models_query(self.settings.options()))

    def describe_model(self, model: str | None = None) -> ModelInfo:
        """What the provider tells of one model; of this client's own where none is named.

        Raises:
            DeepSeekError: see ``deepseek_v4.errors``.
        """
        return self._ask(model_query(self.settings.options(), model or self.settings.model))

    async def adescribe_model(self, model: str | None = None) -> ModelInfo:
        """Like ``describe_model``, asynchronously."""
        return await self._aask(model_query(self.settings.options(), model or self.settings.model))

    def balance(self) -> Balance:
        """What is left on the account.

        Raises:
            UnsupportedError: when the provider does not tell.
            DeepSeekError: see ``deepseek_v4.errors``.
        """
        return self._ask(balance_query(self.settings.options()))

    async def abalance(self) -> Balance:
        """Like ``balance``, asynchronously."""
        return await self._aask(balance_query(self.settings.options()))

    # -- steps, for adapters -------------------------------------------------------------------------------------

    def prepare(self, messages: str | Sequence[Message], options: Mapping[str, Any], *, stream: bool) -> Prepared:
        """Build a request without sending it."""
        if isinstance(messages, str):
            messages = (Message.user(messages),)
        merged = call_options(self.settings, options)
        if "tools" in merged:
            merged["tools"] = tools_of(merged["tools"])
        if "tool_choice" in merged:
            merged["tool_choice"] = tool_choice_of(merged["tool_choice"])
        return prepare(messages, merged, stream=stream)

    def prepare_completion(self, prompt: str, options: Mapping[str, Any], *, stream: bool) -> Prepared:
        """Build the request of ``complete`` without sending it; ``suffix`` is among the options."""
        merged = {**call_options(self.settings, options), "protocol": "completions"}
        if "tools" in merged:
            merged["tools"] = tools_of(merged["tools"])
        return prepare((Message.user(prompt),), merged, stream=stream)

    def send(self, prepared: Prepared) -> Reply:
        """Send a request and read the whole answer; once more when it is empty, or not what was demanded.

        See ``on_empty`` and ``answer_retries`` of ``ModelSettings``. When the second try fails, ``partial`` of its
        error holds what the first one cost.
        """
        if not _demands(prepared):
            return self._send_until_said(prepared)
        from deepseek_v4.answer_watch import AnswerWatch

        answers = AnswerWatch(prepared)
        try:
            reply = self._send_until_said(answers.request)
            while answers.wants_another(reply):
                reply = self._send_until_said(answers.request)
        except DeepSeekError as error:
            answers.add_up(error)
            raise
        return answers.added_up(reply)

    async def asend(self, prepared: Prepared) -> Reply:
        """Like ``send``, asynchronously."""
        if not _demands(prepared):
            return await self._asend_until_said(prepared)
        from deepseek_v4.answer_watch import AnswerWatch

        answers = AnswerWatch(prepared)
        try:
            reply = await self._asend_until_said(answers.request)
            while answers.wants_another(reply):
                reply = await self._asend_until_said(answers.request)
        except DeepSeekError as error:
            answers.add_up(error)
            raise
        return answers.added_up(reply)

    def _send_until_said(self, prepared: Prepared) -> Reply:
        watch = EmptyWatch(prepared, streamed=False)
        try:
            reply = self._send(prepared)
            while watch.found_empty(reply):
                reply = self._send(watch.again(reply))
        except DeepSeekError as error:
            watch.add_up(error)
            raise
        return watch.added_up(reply)

    async def _asend_until_said(self, prepared: Prepared) -> Reply:
        watch = EmptyWatch(prepared, streamed=False)
        try:
            reply = await self._asend(prepared)
            while watch.found_empty(reply):
                reply = await self._asend(watch.again(reply))
        except DeepSeekError as error:
            watch.add_up(error)
            raise
        return watch.added_up(reply)

    def open(self, prepared: Prepared) -> SyncStream[Delta]:
        """Send a request and open its stream; it goes on with a second answer when the first cannot be used."""
        if _demands(prepared) and _by_words(prepared):
            from deepseek_v4.judged_stream import judged

            return judged(prepared, lambda following: retried(following, self._follow))
        return retried(prepared, self._follow)

    async def aopen(self, prepared: Prepared) -> AsyncStream[Delta]:
        """Like ``open``, asynchronously."""
        if _demands(prepared) and _by_words(prepared):
            from deepseek_v4.judged_stream import ajudged

            return await ajudged(prepared, lambda following: aretried(following, self._afollow))
        return await aretried(prepared, self._afollow)

    def _follow(self, prepared: Prepared) -> SyncStream[Delta]:
        if not prepared.options.get("resume_streams"):
            return self._open(prepared)
        from deepseek_v4.resume import follow

        return follow(prepared, self._open)

    async def _afollow(self, prepared: Prepared) -> AsyncStream[Delta]:
        if not prepared.options.get("resume_streams"):
            return await self._aopen(prepared)
        from deepseek_v4.resume import afollow

        return await afollow(prepared, self._aopen)

    def _send(self, prepared: Prepared) -> Reply:
        return self._transport().call(
            prepared.http,
            _limits(prepared.options),
            read=_answer_reader(prepared),
            read_error=_error_reader(prepared.reading.dialect, prepared.provider.name),
            provider=prepared.provider.name,
        )

    async def _asend(self, prepared: Prepared) -> Reply:
        return await self._async_transport().call(
            prepared.http,
            _limits(prepared.options),
            read=_answer_reader(prepared),
            read_error=_error_reader(prepared.reading.dialect, prepared.provider.name),
            provider=prepared.provider.name,
        )

    def _open(self, prepared: Prepared) -> SyncStream[Delta]:
        return self._transport().stream(
            prepared.http,
            _limits(prepared.options),
            decoder=lambda: prepared.protocol.stream(prepared.reading),
            read_error=_error_reader(prepared.reading.dialect, prepared.provider.name),
            provider=prepared.provider.name,
        )

    async def _aopen(self, prepared: Prepared) -> AsyncStream[Delta]:
        return await self._async_transport().stream(
            prepared.http,
            _limits(prepared.options),
            decoder=lambda: prepared.protocol.stream(prepared.reading),
            read_error=_error_reader(prepared.reading.dialect, prepared.provider.name),
            provider=prepared.provider.name,
        )

    def _ask(self, query: Query[T]) -> T:
        return self._transport().call(
            query.http,
            _limits(self.settings.options()),
            read=query.read,
            read_error=_error_reader(query.dialect, query.provider.name),
            provider=query.provider.name,
        )

    async def _aask(self, query: Query[T]) -> T:
        return await self._async_transport().call(
            query.http,
            _limits(self.settings.options()),
            read=query.read,
            read_error=_error_reader(query.dialect, query.provider.name),
            provider=query.provider.name,
        )

    # -- life ----------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Release the sockets of synchronous calls. The client can be used again afterwards."""
        if self._sync is not None:
            self._sync.close()

    async def aclose(self) -> None:
        """Release all sockets: of synchronous calls, and of asynchronous ones on this event loop."""
        self.close()
        if self._async is not None:
            await self._async.aclose()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def _transport(self) -> SyncTransport:
        if self._sync is None:
            self._sync = SyncTransport(self.settings.http_client)
        return self._sync

    def _async_transport(self) -> AsyncTransport:
        if self._async is None:
            self._async = AsyncTransport(self.settings.http_async_client)
        return self._async


def _demands(prepared: Prepared) -> bool:
    """Whether a tool call or JSON of a schema is demanded, and asked for again where the answer is none.

    At most once in a user's turn: agents send a request after each tool call.
    """
    options, last = prepared.options, prepared.request.messages[-1]
    wanted = options.get("response_format")
    by_schema = isinstance(wanted, Mapping) and wanted.get("type") == "json_schema"
    forced = options.get("tool_choice") not in (None, "auto", "none")
    demanded = (by_schema or forced) and options["answer_retries"] and not last.prefix
    return bool(demanded) and not was_retried(prepared.request.messages)


def _by_words(prepared: Prepared) -> bool:
    """Whether the model is asked in words alone to end with JSON, after the calls it makes of its own accord."""
    request = prepared.request
    return bool(request.tools) and request.tool_choice in (None, "auto") and request.response_format is None


def _limits(options: Mapping[str, Any]) -> Limits:
    return Limits(options.get("timeout"), options.get("total_timeout"), options["max_retries"])


def _answer_reader(prepared: Prepared) -> Callable[[HttpResponse], Reply]:
    decode, reading, provider = prepared.protocol.decode, prepared.reading, prepared.provider.name
    return lambda response: whole_answer(decode(response, reading), provider)


def _error_reader(dialect: Dialect, provider: str) -> Callable[[HttpResponse], DeepSeekError]:
    return lambda response: read_error(response, dialect, provider)
