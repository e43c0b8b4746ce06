"""What our LangChain models have in common beside their calls: client, account, traces, saving and copying, sockets."""

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

_UNTOLD = CONSTRUCTOR_ONLY | {"default_headers", "timeout"}
"""Options that do not belong into a trace."""

_SHARED = ("rate_limiter", "cache", "callbacks")
"""Objects of LangChain's that a copy has in common with its original."""


class LangChainModelBase(ModelSettings):
    """The options, and all that follows from them alone; comes before a LangChain base class."""

    _kind: ClassVar[Literal["chat", "llm"]]

    if TYPE_CHECKING:
        # each model has it as a PrivateAttr: here, it would put pydantic's setup of it before LangChain's own
        _client: Client | None

    def _core(self) -> Client:
        """The client under this model; a copy of the model gets one of its own."""
        private = self.__pydantic_private__  # pydantic's own way to a private attribute takes some microseconds
        client: Client | None = private["_client"] if private else None
        if client is None or client.settings is not self:
            client = self._client = Client(self)
        return client

    # -- the account ---------------------------------------------------------------------------------------------

    def list_models(self) -> tuple[ModelInfo, ...]:
        """The models the provider lists."""
        with model_errors:
            return self._core().list_models()

    async def alist_models(self) -> tuple[ModelInfo, ...]:
        """Like ``list_models``, asynchronously."""
        with model_errors:
            return await self._core().alist_models()

    def balance(self) -> Balance:
        """What is left on the account; an ``UnsupportedError`` where the provider does not tell."""
        with model_errors:
            return self._core().balance()

    async def abalance(self) -> Balance:
        """Like ``balance``, asynchronously."""
        with model_errors:
            return await self._core().abalance()

    # -- what LangChain asks -------------------------------------------------------------------------------------

    @property
    def _identifying_params(self) -> dict[str, Any]:
        """What was set, without secrets and with the address, for traces and cache keys."""
        told = {name: value for name, value in self.set_fields().items() if name not in _UNTOLD}
        return {**told, "provider": self.provider_name, "base_url": self._root()}

    def _root(self) -> str:
        return self.base_url or self.resolved_provider().base_url

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        given = {ALIASES.get(name, name): value for name, value in kwargs.items()}
        said = {name: given.get(name, getattr(self, name)) for name in ("model", "temperature", "max_tokens")}
        provider = given.get("provider") or self.provider
        stops = [stop] if isinstance(stop, str) else stop
        params = LangSmithParams(
            # as the answers' ``model_provider`` says it: a regional variant is no provider of its own
            ls_provider=provider.partition(":")[0] if isinstance(provider, str) else provider.name,
            ls_model_name=said["model"],
            ls_model_type=self._kind,
        )
        if said["temperature"] is not None:
            params["ls_temperature"] = said["temperature"]
        if said["max_tokens"] is not None:
            params["ls_max_tokens"] = said["max_tokens"]
        if stops or self.stop:
            params["ls_stop"] = list(dict.fromkeys([*(self.stop or ()), *(stops or ())]))
        return params

    # -- saving and copying --------------------------------------------------------------------------------------

    @classmethod
    def is_lc_serializable(cls) -> bool:
        """True: ``dumps`` writes the options, and the key's variable instead of the key."""
        return True

    @property
    def lc_secrets(self) -> dict[str, str]:
        """The key, by the environment variable it is read from."""
        return {"api_key": self.key_variable} if self.key_variable else {}

    @property
    def lc_attributes(self) -> dict[str, Any]:
        """A host of one's own is written as name and address, a ``httpx.Timeout`` by phases, headers without keys."""
        written = {} if isinstance(self.provider, str) else {"provider": self.provider_name, "base_url": self._root()}
        return {**written, **self.model_dump(include={"timeout", "default_headers"}, exclude_none=True)}

    def __getstate__(self) -> dict[Any, Any]:
        """What is pickled: everything but secrets and sockets; see ``ModelSettings.api_key``."""
        state = super().__getstate__()
        return {**state, "__pydantic_private__": {**(state["__pydantic_private__"] or {}), "_client": None}}

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        """A copy with the same key; sockets, rate limiter, cache and callbacks are shared."""
        memo = {} if memo is None else memo
        memo.update({id(value): value for value in (self._client, *(getattr(self, name, None) for name in _SHARED))})
        return super().__deepcopy__(memo)

    # -- life ----------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Release the sockets of synchronous calls. The model can be used again afterwards."""
        self._core().close()

    async def aclose(self) -> None:
        """Release all sockets: of synchronous calls, and of asynchronous ones on this event loop."""
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
