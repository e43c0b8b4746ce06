"""The methods of both frameworks' models that only call the client: account, files, ``close()`` and with-blocks."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from typing_extensions import Self

from deepseek_v4.account_methods import AccountMethods
from deepseek_v4.client import Client
from deepseek_v4.request.account import AccountRequest

if TYPE_CHECKING:
    from deepseek_v4.limits.limiter import Limiter
    from deepseek_v4.observe.cache_report import CacheReport

T = TypeVar("T")


class ModelMethods(AccountMethods):
    """A base class of models; in a list of bases it comes first."""

    _errors: ClassVar[AbstractContextManager[None]] = nullcontext()
    """A context that raises the core's errors as the framework's."""

    def _core(self) -> Client:
        """Return the model's client."""
        raise NotImplementedError

    def _ask(self, build: Callable[..., AccountRequest[T]], *args: Any, limiter: Limiter | None = None) -> T:
        with self._errors:
            return self._core()._ask(build, *args, limiter=limiter)

    async def _aask(self, build: Callable[..., AccountRequest[T]], *args: Any, limiter: Limiter | None = None) -> T:
        with self._errors:
            return await self._core()._aask(build, *args, limiter=limiter)

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
