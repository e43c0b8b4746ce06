"""``UsageReport`` for LangChain: a callback handler that adds up the tokens and the cost of a run."""

from __future__ import annotations

from contextvars import ContextVar, Token
from typing import Any

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.outputs import ChatGeneration, LLMResult
from langchain_core.tracers.context import register_configure_hook
from typing_extensions import Self

from deepseek_v4.errors import DeepSeekError
from deepseek_v4.values import usage_report
from langchain_deepseek_v4.convert.replies import usage_of

_current: ContextVar[UsageReport | None] = ContextVar("deepseek_v4_usage_report", default=None)
register_configure_hook(_current, inheritable=True)


class UsageReport(usage_report.UsageReport, BaseCallbackHandler):
    """Tokens and cost of all model calls of a run, by model: a callback, or a context manager.

    Examples:
        >>> with UsageReport() as report:
        ...     agent.invoke({"messages": [("user", "Hello")]})  # doctest: +SKIP
        >>> print(report)  # doctest: +SKIP
        3 answers: 1,204 tokens in (896 cached), 310 out (220 reasoning), $0.000213

    ``config={"callbacks": [report]}`` does the same for one call. Models of other vendors are counted without cost.
    In a ``with`` block inside another one, the inner report counts.
    """

    def __init__(self) -> None:
        super().__init__()
        self._token: Token[UsageReport | None] | None = None

    def on_llm_end(self, response: LLMResult, **kwargs: Any) -> None:
        """Add the answers of a call."""
        for generation in (each for generations in response.generations for each in generations):
            if isinstance(generation, ChatGeneration):
                message, metadata = generation.message, generation.message.response_metadata
                usage = getattr(message, "usage_metadata", None)
            else:
                metadata = generation.generation_info or {}
                usage = metadata.get("usage_metadata")
            model, cost = str(metadata.get("model_name") or "unknown"), metadata.get("cost")
            if usage is not None and usage.get("total_cost") != 0:  # zero: from LangChain's cache, not requested
                self.add(model, usage_of(usage), cost)

    def on_llm_error(self, error: BaseException, **kwargs: Any) -> None:
        """Add the tokens of the answers that a failed call received."""
        if isinstance(error, DeepSeekError):
            self.add_reply(error.partial, "unknown")

    def __enter__(self) -> Self:
        self._token = _current.set(self)
        return self

    def __exit__(self, *_: object) -> None:
        if self._token is not None:
            _current.reset(self._token)
            self._token = None
