"""Base class of both LangChain models: client, token counts, tracing parameters, serialization."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from langchain_core.language_models import LangSmithParams
from langchain_core.runnables import Runnable
from langchain_core.runnables.utils import Input, Output
from pydantic import model_validator
from typing_extensions import Self

from deepseek_v4 import __version__, tokens
from deepseek_v4.client import Client
from deepseek_v4.integration.model_methods import ModelMethods
from deepseek_v4.limits.paced_send import RetryGate
from deepseek_v4.request.option_names import ALIASES, CONSTRUCTOR_ONLY
from deepseek_v4.request.prepared_request import PreparedRequest
from deepseek_v4.request.settings import ModelSettings
from langchain_deepseek_v4.errors import model_errors

_NOT_TRACED = CONSTRUCTOR_ONLY | {"default_headers", "timeout"}
"""Options that are left out of traces."""

_SHARED = ("rate_limiter", "cache", "callbacks")
"""LangChain's objects that a copy shares with its original."""


class LangChainModelBase(ModelMethods, ModelSettings):
    """The options, and the methods that need nothing else. In a list of bases it precedes LangChain's class."""

    _errors: ClassVar[AbstractContextManager[None]] = model_errors
    _kind: ClassVar[Literal["chat", "llm"]]

    if TYPE_CHECKING:
        # declared by each model as a PrivateAttr: declared here, pydantic would set it up before LangChain's own
        _client: Client | None
        custom_get_token_ids: Callable[[str], list[int]] | None = None

        def _add_version(self, pkg: str, version: str) -> None: ...

    def _core(self) -> Client:
        """Return the model's client; a copy of the model gets its own."""
        private = self.__pydantic_private__  # pydantic's own attribute access takes some microseconds
        client: Client | None = private["_client"] if private else None
        if client is None or client.settings is not self:
            client = self._client = Client(self)
        return client

    def retry_gate(self) -> RetryGate | None:
        """Return LangChain's rate limiter: LangChain itself calls it before the first request of a call only."""
        limiter = getattr(self, "rate_limiter", None)
        return None if limiter is None else RetryGate(limiter.acquire, limiter.aacquire)

    def _prepare(self, given: Any, stop: Any, options: Mapping[str, Any], *, stream: bool) -> PreparedRequest:
        """Build the request for a prompt or a list of messages."""
        raise NotImplementedError

    def _stop_words(self, more: str | Sequence[str] | None) -> list[str]:
        """Return the stop words of the model, and those of a call."""
        return list(dict.fromkeys([*(self.stop or ()), *([more] if isinstance(more, str) else more or ())]))

    # -- streams -------------------------------------------------------------------------------------------------

    def _converter(self, prepared: PreparedRequest) -> Callable[[Any], Iterable[Any]]:
        """Return the function from a delta to its chunks of LangChain's class."""
        raise NotImplementedError

    def _stream(self, given: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Iterator[Any]:
        with model_errors:
            prepared = self._prepare(given, stop, kwargs, stream=True)
            chunks = self._converter(prepared)
            with self._core().open(prepared) as deltas:
                for delta in deltas:
                    for chunk in chunks(delta):
                        if run_manager is not None:
                            run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                        yield chunk

    async def _astream(
        self, given: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> AsyncIterator[Any]:
        with model_errors:
            prepared = self._prepare(given, stop, kwargs, stream=True)
            chunks = self._converter(prepared)
            async with await self._core().aopen(prepared) as deltas:
                async for delta in deltas:
                    for chunk in chunks(delta):
                        if run_manager is not None:
                            await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                        yield chunk

    # -- counting ------------------------------------------------------------------------------------------------

    def get_num_tokens(self, text: str) -> int:
        """Return the tokens of a text: exact with the extra ``tokens``, else an estimate."""
        encode = self.custom_get_token_ids
        return tokens.count_text(text) if encode is None else len(encode(text))

    def get_token_ids(self, text: str) -> list[int]:
        """Return the token ids of a text.

        Without the extra ``tokens``, the numbers from 0 to the estimated count, because LangChain uses only the length.
        """
        return (self.custom_get_token_ids or tokens.token_ids)(text)

    # -- what LangChain reads ------------------------------------------------------------------------------------

    @property
    def _identifying_params(self) -> dict[str, Any]:
        """The options that were set, without secrets, and the base URL: for traces and cache keys."""
        options = {name: value for name, value in self.set_fields().items() if name not in _NOT_TRACED}
        return {**options, "provider": self.provider_name, "base_url": self.root_url}

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        given = {ALIASES.get(name, name): value for name, value in kwargs.items()}
        temperature = given.get("temperature", self.temperature)
        max_tokens = given.get("max_tokens", self.max_tokens)
        provider = given.get("provider") or self.provider
        model = given.get("model", self.model)
        if provider != self.provider and "model" not in given:  # the default model is the other provider's
            model = self.model_copy(update={"provider": provider}).model
        params = LangSmithParams(
            # as in the answers' ``model_provider``: a regional variant is not a separate provider
            ls_provider=provider.partition(":")[0] if isinstance(provider, str) else provider.name,
            ls_model_name=model,
            ls_model_type=self._kind,
        )
        if self._kind == "llm":
            params["ls_integration"] = "langchain_llm"  # LangChain itself adds "langchain_chat_model"
        if temperature is not None:
            params["ls_temperature"] = temperature
        if max_tokens is not None:
            params["ls_max_tokens"] = max_tokens
        if stop or self.stop:
            params["ls_stop"] = self._stop_words(stop)
        return params

    @model_validator(mode="after")
    def _set_deepseek_v4_version(self) -> Self:
        self._add_version("deepseek-v4", __version__)
        return self

    # -- other runnables made from this one ------------------------------------------------------------------------

    def with_retry(  # type: ignore[misc]  # each model is a Runnable
        self: Runnable[Input, Output],
        *,
        retry_if_exception_type: tuple[type[BaseException], ...] | Callable[[BaseException], bool] | None = None,
        wait_exponential_jitter: bool = True,
        exponential_jitter_params: Mapping[str, object] | None = None,
        stop_after_attempt: int = 3,
    ) -> Runnable[Input, Output]:
        """Return a runnable that invokes the model again if the call fails.

        The requests of all its attempts count together with the model's own retries, up to ``max_attempts`` (by default
        at least ``stop_after_attempt``).

        Args:
            retry_if_exception_type: Errors to retry: types, or a function of the error. By default those that may
                succeed later (``is_retryable``), and those of other packages.
            wait_exponential_jitter: True to wait between the attempts.
            exponential_jitter_params: ``initial``, ``max``, ``exp_base`` and ``jitter`` of these waits, in seconds.
            stop_after_attempt: Most attempts.
        """
        from langchain_deepseek_v4.bounded_retry import bounded_retry

        return bounded_retry(
            self,
            retry_if_exception_type,
            wait_exponential_jitter,
            exponential_jitter_params,
            stop_after_attempt,
        )

    # -- saving and copying --------------------------------------------------------------------------------------

    @classmethod
    def is_lc_serializable(cls) -> bool:
        """Return True: ``dumps`` writes the options, and the key's environment variable instead of the key."""
        return True

    @property
    def lc_secrets(self) -> dict[str, str]:
        """The environment variable that the key is read from."""
        return {"api_key": self.key_variable} if self.key_variable else {}

    @property
    def lc_attributes(self) -> dict[str, Any]:
        """A custom provider as name and base URL, a ``httpx.Timeout`` by phases, headers without keys."""
        written = {} if isinstance(self.provider, str) else {"provider": self.provider_name, "base_url": self.root_url}
        return {**written, **self.model_dump(include={"timeout", "default_headers"}, exclude_none=True)}

    def __getstate__(self) -> dict[Any, Any]:
        """Return what is pickled: everything except secrets and connections; see ``ModelSettings.api_key``."""
        state = super().__getstate__()
        return {**state, "__pydantic_private__": {**(state["__pydantic_private__"] or {}), "_client": None}}

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        """Return a copy with the same key; connections, rate limiter, cache and callbacks are shared."""
        memo = {} if memo is None else memo
        memo.update({id(value): value for value in (self._client, *(getattr(self, name, None) for name in _SHARED))})
        return super().__deepcopy__(memo)
