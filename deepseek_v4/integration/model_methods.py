"""The methods of both frameworks' models that only call the client: account, ``close()`` and with-blocks."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, ClassVar

from typing_extensions import Self

from deepseek_v4.client import Client
from deepseek_v4.values.account import Balance, ModelInfo

if TYPE_CHECKING:
    from deepseek_v4.observe.cache_report import CacheReport

__all__ = ["ModelMethods"]


class ModelMethods:
    """A base class of models; in a list of bases it comes first."""

    _errors: ClassVar[AbstractContextManager[None]] = nullcontext()
    """A context that raises the core's errors as the framework's."""

    def _core(self) -> Client:
        """Return the model's client."""
        raise NotImplementedError

    def list_models(self) -> tuple[ModelInfo, ...]:
        """Return the models that the provider lists."""
        with self._errors:
            return self._core().list_models()

    async def alist_models(self) -> tuple[ModelInfo, ...]:
        """Like ``list_models``, asynchronously."""
        with self._errors:
            return await self._core().alist_models()

    def balance(self) -> Balance:
        """Return the account balance.

        Raises:
            UnsupportedError: if the provider does not report it.
        """
        with self._errors:
            return self._core().balance()

    async def abalance(self) -> Balance:
        """Like ``balance``, asynchronously."""
        with self._errors:
            return await self._core().abalance()

    def cache_report(self) -> CacheReport:
        """Return how much of each conversation was read from the provider's prefix cache, and why the rest was not.

        Raises:
            ValueError: if no request was tracked: pass ``track_cache=True`` to the constructor.
        """
        return self._core().cache_report()

    def close(self) -> None:
        """Close the connections of synchronous calls. The model can be used again."""
        self._core().close()

    async def aclose(self) -> None:
        """Close all connections: of synchronous calls, and of asynchronous calls on this event loop."""
        await self._core().aclose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()
