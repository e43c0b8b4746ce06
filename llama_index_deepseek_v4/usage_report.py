"""``UsageReport`` for LlamaIndex: an event handler that adds up the tokens and the cost of a run."""

from __future__ import annotations

from typing import Any

from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.instrumentation.events.exception import ExceptionEvent
from llama_index.core.instrumentation.events.llm import LLMChatEndEvent, LLMCompletionEndEvent
from llama_index.core.instrumentation.span import BaseSpan
from llama_index.core.instrumentation.span_handlers import BaseSpanHandler
from llama_index.core.llms.function_calling import FunctionCallingLLM
from llama_index_instrumentation import get_dispatcher
from pydantic import BaseModel, PrivateAttr
from typing_extensions import Self

from deepseek_v4.errors import DeepSeekError
from deepseek_v4.values import usage_report
from deepseek_v4.values.reply import Reply
from llama_index_deepseek_v4.typed.request import usage_of

_WHOLE = frozenset({"chat", "achat", "complete", "acomplete"})


class _Handler(BaseEventHandler):
    """Passes the answers in LlamaIndex's events to a report, and what failed streams have received."""

    _report: UsageReport = PrivateAttr()

    @classmethod
    def class_name(cls) -> str:
        """Return the name in LlamaIndex."""
        return "DeepSeekV4UsageReport"

    def handle(self, event: Any, **kwargs: Any) -> None:
        """Add the answer of an event that ends a call."""
        if isinstance(event, (LLMChatEndEvent, LLMCompletionEndEvent)) and event.response is not None:
            self._report.add_response(event.response)
        elif isinstance(event, ExceptionEvent) and "StructuredLLM." not in (event.span_id or ""):
            _add_failure(self._report, event.exception)


class _Spans(BaseSpanHandler[BaseSpan]):
    """Passes the errors of whole calls to a report: LlamaIndex has no event for them.

    Typed answers fail after the calls that they consist of, which have been added.
    """

    _report: UsageReport = PrivateAttr()

    def new_span(self, *args: Any, **kwargs: Any) -> None:
        """Open no span."""

    def prepare_to_exit_span(self, *args: Any, **kwargs: Any) -> None:
        """Close no span."""

    def prepare_to_drop_span(self, id_: str, *args: Any, instance: Any = None, err: Any = None, **kwargs: Any) -> None:
        """Add what a failed call has received."""
        method = id_.partition("-")[0].rpartition(".")[2]
        if method in _WHOLE and isinstance(instance, FunctionCallingLLM):
            _add_failure(self._report, err)


def _add_failure(report: UsageReport, error: BaseException | None) -> None:
    if isinstance(error, DeepSeekError) and error.partial is not report._failed:
        report._failed = error.partial  # a method that calls the one it overrides has two spans
        report.add_reply(error.partial, "unknown")


class UsageReport(usage_report.UsageReport):
    """Tokens and cost of all model calls of a run, by model: a context manager.

    Examples:
        >>> with UsageReport() as report:
        ...     index.as_query_engine().query("Hello")  # doctest: +SKIP
        >>> print(report)  # doctest: +SKIP
        1 answer: 1,204 tokens in (896 cached), 310 out (220 reasoning), $0.000213

    It counts the calls of the whole process while it is open, because LlamaIndex's events are not bound to a thread.
    """

    def __init__(self) -> None:
        super().__init__()
        self._failed: Reply | None = None
        self._handler, self._spans = _Handler(), _Spans()
        self._handler._report = self._spans._report = self

    def add_response(self, response: Any) -> None:
        """Add a ``ChatResponse`` or a ``CompletionResponse``; one without token counts is ignored."""
        facts = response.additional_kwargs
        if "cost" in facts and isinstance(response.raw, BaseModel):  # as_structured_llm: the call inside was counted
            return
        usage = usage_of(facts)
        if usage is not None:
            self.add(str(facts.get("model") or "unknown"), usage, facts.get("cost"))

    def __enter__(self) -> Self:
        get_dispatcher().add_event_handler(self._handler)
        get_dispatcher().add_span_handler(self._spans)
        return self

    def __exit__(self, *_: object) -> None:
        get_dispatcher().event_handlers.remove(self._handler)
        get_dispatcher().span_handlers.remove(self._spans)
