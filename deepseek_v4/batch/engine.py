"""The engine of a batch: rows in, results out. No command line, no cluster."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from deepseek_v4 import errors
from deepseek_v4.batch.journal import Journal
from deepseek_v4.batch.money import Spending, cheaper_from, deadline_after
from deepseek_v4.batch.plan import Plan
from deepseek_v4.batch.refused import BatchRefused
from deepseek_v4.batch.results import FORMATS, Outcome, outcome_of
from deepseek_v4.batch.rows import Row, Rows, digest
from deepseek_v4.batch.summary import Summary
from deepseek_v4.client import Client
from deepseek_v4.integration.answer_schema import AnswerSchema, UnfitAnswer
from deepseek_v4.limits.limiter import Limiter
from deepseek_v4.values import json
from deepseek_v4.values.reply import Reply

__all__ = ["Batch"]

EQUAL_ERRORS = 20
"""Equal errors in a row, none of which a retry can end, after which the run stops."""
FINISH_SECONDS = 10.0
"""How long rows that are under way may take when the run stops."""
SYNC_SECONDS = 0.5
"""How often the output is flushed to the disk."""
CACHED_PREFIX = 1024
"""Characters of a common system message from which on its first row is sent alone, so that the others use the cache."""
NOT_RECORDED = frozenset(
    {
        "base_url",
        "default_headers",
        "timeout",
        "total_timeout",
        "max_retries",
        "max_attempts",
        "retry_on_timeout",
        "stream_usage",
    }
)
"""Options that do not change answers: a later run on the same output may have others."""
STOPS = (
    errors.AuthenticationError,
    errors.BudgetExceededError,
    errors.InsufficientBalanceError,
    errors.PermissionDeniedError,
)


class Batch:
    """One run over the rows of an input.

    Args:
        rows: The input; see ``Rows``.
        output: Path of the output, which is continued; None: results are only returned.
        plan: How it runs.
        **options: Options of the model: every field of ``ModelSettings``.

    Raises:
        BatchRefused: If input, output or options are not valid. Nothing was sent.
    """

    def __init__(self, rows: Any, output: str | Path | None = None, plan: Plan | None = None, **options: Any) -> None:
        self.plan = plan = plan or Plan()
        if plan.max_concurrency < 1 or plan.tries < 1:
            raise BatchRefused("max_concurrency and tries are numbers from 1.")
        self.rows = (
            rows if isinstance(rows, Rows) else Rows(rows, id_column=plan.id_column, prompt_column=plan.prompt_column)
        )
        try:
            self.schema = None if plan.schema is None else AnswerSchema(plan.schema)
            self.client = Client(plan.settings(options))
        except (ValueError, errors.InvalidRequestError) as error:
            raise BatchRefused(str(error)) from None
        self.settings = self.client.settings
        self.limiter: Limiter = self.settings.limiter
        self.summary = Summary()
        self._deadline = None if plan.deadline is None else deadline_after(plan.deadline, plan.now())
        is_openai = False
        if self.rows.repeatable:
            self.summary.rows, is_openai = self.rows.check()
        name = plan.output_format or ("openai" if is_openai else "flat")
        if name not in FORMATS:
            raise BatchRefused(f"output_format={name!r} is not supported. Use flat or openai.")
        self._line = FORMATS[name]
        paid_requests = 1 + (self.settings.answer_retries if self.schema else 0) + (self.settings.on_empty == "retry")
        self.spending = Spending(plan.max_cost, self.settings.provider_name, paid_requests)
        self._journal = None if output is None else Journal(output, self._recorded(name), {"input": self.rows.name})
        self.summary.in_doubt = self._journal.in_doubt if self._journal else 0
        self._stopping = asyncio.Event()
        self._last_error: tuple[Any, int] = (None, 0)
        self._warm: set[int] = set()
        self._warming: dict[int, asyncio.Event] = {}
        self._released = asyncio.Event()
        self._unread = asyncio.Semaphore(plan.max_concurrency)
        """Results that may wait for the caller, so that a slow caller slows the batch down."""

    def _recorded(self, output_format: str) -> dict[str, Any]:
        values = self.settings.model_dump(mode="json", exclude_none=True, exclude=set(NOT_RECORDED))
        schema = None if self.schema is None else dict(self.schema.json)
        recorded: dict[str, Any] = json.loads(json.dumps({**values, "schema": schema, "output_format": output_format}))
        return recorded

    # -- running -------------------------------------------------------------------------------------------------

    def stop(self, reason: str, *, interrupted: bool = False) -> None:
        """Begin no more rows; those under way have ten seconds to finish."""
        if self.summary.stopped is None:
            self.summary.stopped, self.summary.interrupted = reason, interrupted
        self._stopping.set()
        self._released.set()

    async def results(self) -> AsyncIterator[dict[str, Any]]:
        """Run the batch; yield the results in order of completion.

        Raises:
            BatchRefused: If a row of an iterable is not valid; results so far are kept.
        """
        queue: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        run = asyncio.create_task(self._run(queue))
        run.add_done_callback(lambda _: queue.put_nowait(None))
        try:
            while (line := await queue.get()) is not None:
                self._unread.release()
                yield line
            await run
        finally:
            if not run.done():
                self.stop("The iteration was ended.")
                run.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await run

    async def run(self) -> Summary:
        """Run the batch to its end; return its numbers. Errors as for ``results``."""
        await self._run(None)
        return self.summary

    async def _run(self, queue: asyncio.Queue[dict[str, Any] | None] | None) -> None:
        began = time.monotonic()
        rows = self.missing()
        ticker = asyncio.create_task(self._tick(began))
        workers = [asyncio.create_task(self._work(rows, queue)) for _ in range(self.plan.max_concurrency)]
        try:
            stopped = asyncio.create_task(self._stopping.wait())
            pending: set[asyncio.Task[Any]] = set(workers)
            while pending and not stopped.done():
                done, pending = await asyncio.wait({*pending, stopped}, return_when=asyncio.FIRST_COMPLETED)
                pending.discard(stopped)
                if any(task.exception() for task in done):
                    self.stop("An error ended the run.")
            if pending:
                await asyncio.wait(pending, timeout=FINISH_SECONDS)
            stopped.cancel()
        finally:
            for task in workers:
                task.cancel()
            failures = [one for one in await asyncio.gather(*workers, return_exceptions=True) if one is not None]
            ticker.cancel()
            self._measure(began)
            self._end(complete=not any(failures))
            await self.client.aclose()
        for failure in failures:
            if not isinstance(failure, asyncio.CancelledError):
                raise failure

    def _end(self, *, complete: bool) -> None:
        journal = self._journal
        if journal is None:
            return
        journal.close(under_way=not complete)
        if self.plan.ordered is not None and self.summary.stopped is None:
            journal.write_ordered(self.rows, Path(self.plan.ordered))

    async def _tick(self, began: float) -> None:
        last_sync = began
        while True:
            await asyncio.sleep(0.1)
            self._measure(began)
            if self._journal is not None and time.monotonic() - last_sync >= SYNC_SECONDS:
                last_sync = time.monotonic()
                await asyncio.to_thread(self._journal.sync)

    def _measure(self, began: float) -> None:
        self.summary.limiter = state = self.limiter.state()
        self.summary.slots = max(self.summary.slots, min(state.slots, self.plan.max_concurrency))
        self.summary.seconds = time.monotonic() - began
        self.summary.cost, self.summary.base_cost = self.spending.total, self.spending.base_total

    def missing(self) -> Iterator[Row]:
        """Yield the rows that have to be done."""
        seen: set[int] = set()
        for row in self.rows:
            if not self.rows.repeatable:
                key = digest(row.id)
                if key in seen:
                    raise BatchRefused(f"The id {row.id!r} was given twice. Give each row an id of its own.")
                seen.add(key)
            written = None if self._journal is None else self._journal.done.get(digest(row.id))
            if written is None:
                yield row
            elif not written.is_of(row.hash):
                self.summary.changed += 1
                yield row
            elif written.failed and (self.plan.retry_errors == "all" or (self.plan.retry_errors and written.retryable)):
                yield row
            else:
                self.summary.skipped += 1
        if self.summary.rows is None:
            self.summary.rows = self.summary.skipped + self.summary.done

    async def _work(self, rows: Iterator[Row], queue: asyncio.Queue[dict[str, Any] | None] | None) -> None:
        while not self._stopping.is_set():
            row = next(rows, None)
            if row is None:
                return
            if self.plan.off_peak:
                await self._off_peak(self._model_of(row))
            prefix = row.prefix if self.plan.warm_cache else ""
            if len(prefix) < CACHED_PREFIX:
                outcome = await self._paid(row)
            else:
                async with self._cached(prefix):
                    outcome = await self._paid(row)
            if outcome is None:
                return
            if self.stops(outcome.error):
                self.stop(f"{type(outcome.error).__name__}: {outcome.error}")
                return
            line = self._line(outcome)
            self._keep(line)
            self.summary.count(outcome)
            self._watch(outcome.error)
            if queue is not None:
                await self._unread.acquire()
                queue.put_nowait(line)

    async def _paid(self, row: Row) -> Outcome | None:
        """Reserve the cost of a row and ask for its answer; None if the run stops."""
        reserved = Decimal(0) if self.plan.max_cost is None else await self._reserved(row)
        if reserved is None or self._stopping.is_set():  # it may have stopped while the row waited
            return None
        outcome = await self._ask(row)
        output = None if outcome.usage is None else outcome.usage.output_tokens
        self.spending.settle(reserved, outcome.cost, outcome.base_cost, output)
        self._released.set()
        return outcome

    async def answer(self, row: Row) -> tuple[dict[str, Any], Exception | None]:
        """Answer one row; return its result, and its error."""
        outcome = await self._ask(row)
        return self._line(outcome), outcome.error

    @staticmethod
    def stops(error: Exception | None) -> bool:
        """Return True for an error of the account: no other row can succeed."""
        return isinstance(error, STOPS)

    def options_of(self, row: Row) -> dict[str, Any]:
        """Return the options of a row's call, with the schema."""
        common = {} if self.schema is None else {"response_format": self.schema.response_format()}
        return {**common, **row.options}

    def _model_of(self, row: Row) -> str:
        return str(row.options.get("model") or self.settings.model)

    async def _ask(self, row: Row) -> Outcome:
        at = self.plan.now()
        try:
            request = self.client.prepare(row.messages, self.options_of(row), stream=False)
            if self._journal is not None:
                self._journal.mark_sent(row.id)
            answer: Reply | errors.DeepSeekError = await self.client.asend(request)
        except errors.DeepSeekError as error:
            answer = error
        model = self._model_of(row)
        return outcome_of(row, answer, self.schema, self.settings.provider_name, model, at)

    def _keep(self, line: dict[str, Any]) -> None:
        if self._journal is None:
            return
        try:
            self._journal.write(line)
        except OSError as error:
            self.stop(f"The output cannot be written: {error}.")

    def _watch(self, error: Exception | None) -> None:
        """Stop after many equal errors that no retry can end: they are errors of the batch, not of a row."""
        kind: Any = None
        if isinstance(error, UnfitAnswer):
            kind = UnfitAnswer
        elif isinstance(error, errors.DeepSeekError) and not error.retryable:
            kind = (type(error), error.status_code, error.message)
        last, count = self._last_error
        self._last_error = (kind, count + 1 if kind == last else 1)
        if kind is not None and self._last_error[1] >= EQUAL_ERRORS:
            self.stop(f"{EQUAL_ERRORS} rows in a row failed with the same error: {error}")

    # -- what a row waits for ------------------------------------------------------------------------------------

    async def _off_peak(self, model: str) -> None:
        while self.plan.off_peak and not self._stopping.is_set():
            now = self.plan.now()
            until = cheaper_from(self.settings.provider_name, model, now)
            if until is None or (self._deadline is not None and now >= self._deadline):
                break
            until = until if self._deadline is None else min(until, self._deadline)
            self.summary.waits = f"Peak hours: the next row begins at {until:%Y-%m-%d %H:%M} UTC."
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), min((until - now).total_seconds(), 60.0))
        self.summary.waits = None

    async def _reserved(self, row: Row) -> Decimal | None:
        """Reserve the cost of a row; wait for rows under way if it does not fit; None: stop."""
        model = self._model_of(row)
        max_tokens = (
            row.options.get("max_tokens") or row.options.get("max_completion_tokens") or self.settings.max_tokens
        )
        while not self._stopping.is_set():
            amount = self.spending.reserve(row.size, model, max_tokens, self.plan.now())
            if amount is not None:
                return amount
            if self.spending.idle:
                self.stop(f"max_cost: the next row could pass {self.spending.max_cost} USD.")
                break
            self._released.clear()
            await self._released.wait()
        return None

    @contextlib.asynccontextmanager
    async def _cached(self, prefix: str) -> AsyncIterator[None]:
        """Let the first row of a long common prefix be done before the others begin."""
        key = digest(prefix)
        while key in self._warming:
            await self._warming[key].wait()
        if key in self._warm:
            yield
            return
        self._warming[key] = asyncio.Event()
        try:
            yield
            self._warm.add(key)
        finally:
            self._warming.pop(key).set()
