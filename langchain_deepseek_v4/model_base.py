"""Base class of both LangChain models: client, account methods, tracing parameters, serialization, ``close()``."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from langchain_core.language_models import LangSmithParams
from typing_extensions import Self

from deepseek_v4.client import Client
from deepseek_v4.request.settings import ALIASES, CONSTRUCTOR_ONLY, ModelSettings
from deepseek_v4.values.account import Balance, ModelInfo
from langchain_deepseek_v4.errors import model_errors

__all__ = ["LangChainModelBase"]

_NOT_TRACED = CONSTRUCTOR_ONLY | {"default_headers", "timeout"}
"""Options that are left out of traces."""

_SHARED = ("rate_limiter", "cache", "callbacks")
"""LangChain's objects that a copy shares with its original."""


class LangChainModelBase(ModelSettings):
    """The options, and the methods that need nothing else. In a list of bases it precedes LangChain's class."""

    _kind: ClassVar[Literal["chat", "llm"]]

    if TYPE_CHECKING:
        # declared by each model as a PrivateAttr: declared here, pydantic would set it up before LangChain's own
        _client: Client | None

    def _core(self) -> Client:
        """Return the model's client; a copy of the model gets its own."""
        private = self.__pydantic_private__  # pydantic's own attribute access takes some microseconds
        client: Client | None = private["_client"] if private else None
        if client is None or client.settings is not self:
            client = self._client = Client(self)
        return client

    # -- the account ---------------------------------------------------------------------------------------------

    def list_models(self) -> tuple[ModelInfo, ...]:
        """Return the models that the provider lists."""
        with model_errors:
            return self._core().list_models()

    async def alist_models(self) -> tuple[ModelInfo, ...]:
        """Like ``list_models``, asynchronously."""
        with model_errors:
            return await self._core().alist_models()

    def balance(self) -> Balance:
        """Return the account balance.

        Raises:
            UnsupportedError: if the provider does not report it.
        """
        with model_errors:
            return self._core().balance()

    async def abalance(self) -> Balance:
        """Like ``balance``, asynchronously."""
        with model_errors:
            return await self._core().abalance()

    # -- what LangChain reads ------------------------------------------------------------------------------------

    @property
    def _identifying_params(self) -> dict[str, Any]:
        """The options that were set, without secrets, and the base URL: for traces and cache keys."""
        options = {name: value for name, value in self.set_fields().items() if name not in _NOT_TRACED}
        return {**options, "provider": self.provider_name, "base_url": self.root_url}

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        given = {ALIASES.get(name, name): value for name, value in kwargs.items()}
        described = {name: given.get(name, getattr(self, name)) for name in ("model", "temperature", "max_tokens")}
        provider = given.get("provider") or self.provider
        if provider != self.provider and "model" not in given:  # the default model is the other provider's
            described["model"] = self.model_copy(update={"provider": provider}).model
        stops = [stop] if isinstance(stop, str) else stop
        params = LangSmithParams(
            # as in the answers' ``model_provider``: a regional variant is not a separate provider
            ls_provider=provider.partition(":")[0] if isinstance(provider, str) else provider.name,
            ls_model_name=described["model"],
            ls_model_type=self._kind,
        )
        if described["temperature"] is not None:
            params["ls_temperature"] = described["temperature"]
        if described["max_tokens"] is not None:
            params["ls_max_tokens"] = described["max_tokens"]
        if stops or self.stop:
            params["ls_stop"] = list(dict.fromkeys([*(self.stop or ()), *(stops or ())]))
        return params

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

    # -- connections ---------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Close the connections of synchronous calls. The model can be used again."""
        self._core().close()

    async def aclose(self) -> None:
        """Close all connections: of synchronous calls, and of asynchronous calls on this event loop."""
        await self._core().aclose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()
