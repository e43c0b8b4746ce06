"""``.with_retry()`` of the models: the requests of all its attempts count together, up to ``max_attempts``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.runnables.base import RunnableBindingBase
from langchain_core.runnables.retry import ExponentialJitterParams, RunnableRetry
from langchain_core.runnables.utils import Input, Output

from deepseek_v4.recovery.user_call import USER_CALL, UserCall, handled_by_caller
from langchain_deepseek_v4.errors import DeepSeekError

Condition = tuple[type[BaseException], ...] | Callable[[BaseException], bool] | None


class EachByItself(RunnableBindingBase[Input, Output]):  # type: ignore[no-redef]  # the plugin: a field "kwargs"
    """A wrapper that calls its own ``invoke`` for each input of a batch, not ``batch`` of what it wraps."""

    if not TYPE_CHECKING:  # a type checker would take them for fields
        batch = Runnable.batch
        abatch = Runnable.abatch
        batch_as_completed = Runnable.batch_as_completed
        abatch_as_completed = Runnable.abatch_as_completed


class BoundedRetry(EachByItself[Input, Output], RunnableRetry[Input, Output]):  # type: ignore[no-redef]
    """LangChain's retry of a runnable, with one count of requests over all its attempts."""

    def invoke(self, input: Input, config: RunnableConfig | None = None, **kwargs: Any) -> Output:
        """Invoke the runnable, again if it fails."""
        with handled_by_caller(call=UserCall.joined(self.max_attempt_number - 1)):
            return super().invoke(input, config, **kwargs)

    async def ainvoke(self, input: Input, config: RunnableConfig | None = None, **kwargs: Any) -> Output:
        """Like ``invoke``, asynchronously."""
        with handled_by_caller(call=UserCall.joined(self.max_attempt_number - 1)):
            return await super().ainvoke(input, config, **kwargs)


def bounded_retry(
    runnable: Runnable[Input, Output],
    retry_if_exception_type: Condition = None,
    wait_exponential_jitter: bool = True,
    exponential_jitter_params: Mapping[str, object] | None = None,
    stop_after_attempt: int = 3,
) -> BoundedRetry[Input, Output]:
    """Return a runnable that is invoked again if it fails; see ``LangChainModelBase.with_retry``."""
    return BoundedRetry(
        bound=runnable,
        kwargs={},
        config={},
        retry_exception_types=_MayRepeat(retry_if_exception_type, stop_after_attempt),
        wait_exponential_jitter=wait_exponential_jitter,
        exponential_jitter_params=cast("ExponentialJitterParams | None", exponential_jitter_params),
        max_attempt_number=stop_after_attempt,
    )


@dataclass(frozen=True)
class _MayRepeat:
    """A class, because ``dumps`` writes it as text, and the text of a function has its address in memory."""

    condition: Condition
    most_calls: int

    def __call__(self, error: BaseException) -> bool:
        condition = self.condition
        if condition is None:
            matches = isinstance(error, Exception) and getattr(error, "is_retryable", True)
        elif callable(condition) and not isinstance(condition, type):
            matches = condition(error)
        else:
            matches = isinstance(error, condition if isinstance(condition, type) else tuple(condition))  # or a list
        call = USER_CALL.get()
        if not matches or call is None or call.may_repeat(error, self.most_calls):
            return bool(matches)
        if isinstance(error, DeepSeekError):
            error.is_retryable = error.is_retryable and not error.attempts_exhausted
        return False
