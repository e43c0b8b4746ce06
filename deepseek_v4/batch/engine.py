"""The engine of a batch: rows in, results out. No command line, no cluster."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from pydantic import ValidationError

from deepseek_v4 import catalog, errors
from deepseek_v4.batch.journal import Journal
from deepseek_v4.batch.money import Spending, costs_at, deadline_after, most_output
from deepseek_v4.batch.plan import BatchRefused, Plan
from deepseek_v4.batch.results import FORMATS, Outcome, outcome_of
from deepseek_v4.batch.rows import Row, Rows, digest
from deepseek_v4.batch.summary import Summary
from deepseek_v4.catalog.cost import cheaper_from
from deepseek_v4.client import Client
from deepseek_v4.integration.answer_schema import AnswerSchema
from deepseek_v4.limits.limiter import Limiter
from deepseek_v4.providers.base import explain
from deepseek_v4.request.prepared_request import PreparedRequest
from deepseek_v4.request.preview import preview
from deepseek_v4.request.settings import ModelSettings
from deepseek_v4.values import json
from deepseek_v4.values.reply import Reply, Usage

EQUAL_ERRORS = 20
"""Equal errors in a row, none of which a retry can end, after which the run stops."""
FINISH_SECONDS = 10.0
"""How long rows that are under way may take when the run stops."""
_UNWRITABLE = "The output cannot be written: {}."
TICK_SECONDS = 0.5
"""How often the output is flushed to the disk, and the numbers are updated."""
CACHED_PREFIX = 1024
"""Characters of a common system message from which on its first row is sent alone, so that the others use the cache."""
_TIMES = {"timeout", "total_timeout", "max_retries", "max_attempts", "retry_on_timeout"}
NOT_RECORDED = {"base_url", "default_headers", "stream_usage", *_TIMES}
"""Options that do not change answers: a later run on the same output may have others."""
STOPS = (
    errors.AuthenticationError,
    errors.BudgetExceededError,
    errors.InsufficientBalanceError,
    errors.PermissionDeniedError,
)
"""Errors of the account: no other row can succeed."""
PLANNED = frozenset(field.name for field in dataclasses.fields(Plan))


class Batch:
    """One run over the rows of an input.

    Args:
        rows: A path, or an iterable of texts or mappings with ``id`` and ``prompt`` or ``messages``; see
            ``deepseek_v4.batch.rows.Rows``.
        output: Path of the output, which is continued; None: results are only returned.
        **options: Every field of ``Plan``, and every option of the model.

    Raises:
        BatchRefused: If input, output or options are not valid. Nothing was sent.
    """

    def __init__(self, rows: Any, output: str | Path | None = None, **options: Any) -> None:
        self.plan = plan = Plan(**{name: value for name, value in options.items() if name in PLANNED})
        if plan.max_concurrency < 1 or plan.tries < 1:
            raise BatchRefused("max_concurrency and tries must be at least 1.")
        self.rows = Rows(rows, id_column=plan.id_column, prompt_column=plan.prompt_column)
        try:
            self.schema = None if plan.schema is None else AnswerSchema(plan.schema)
            self.spending = Spending(plan.max_cost)
            limits = (plan.max_concurrency, plan.requests_per_minute, plan.tokens_per_minute)
            self.limiter = plan.limiter or Limiter(*limits)
            model = {name: value for name, value in options.items() if name not in PLANNED}
            self.client = Client(ModelSettings(**{"max_retries": plan.tries - 1, **model, "limiter": self.limiter}))
        except ValidationError as error:
            raise BatchRefused(explain(error, ModelSettings)) from None
        except (ValueError, errors.InvalidRequestError) as error:
            raise BatchRefused(str(error)) from None
        self.settings = self.client.settings
        self.summary = Summary(rows=sum(1 for _ in self.rows.unique()) if self.rows.repeatable else None)
        self._deadline = deadline_after(plan.deadline or "9999-12-31T00:00Z", plan.now())
        name = plan.output_format or ("openai" if self.rows.is_openai else "flat")
        if name not in FORMATS:
            raise BatchRefused(f"output_format={name!r} is not supported. Use flat or openai.")
        self.line = FORMATS[name]
        self._journal = None
        copy = None if plan.ordered is None else Path(plan.ordered).resolve()
        if copy and (copy in map(Path.resolve, map(Path, (self.rows.name, output or ""))) or not copy.parent.is_dir()):
            raise BatchRefused(f"ordered={plan.ordered} is the input or output, or has no folder. Use another path.")
        if output is not None:
            recorded = self.settings.model_dump(mode="json", exclude_none=True, exclude=NOT_RECORDED)
            recorded.update(schema=self.schema and dict(self.schema.json), output_format=name)
            try:
                self._journal = Journal(output, json.loads(json.dumps(recorded)), self.rows, strict=plan.strict)
            except OSError as error:
                raise BatchRefused(_UNWRITABLE.format(error)) from None
            self.summary.in_doubt = self._journal.in_doubt
        self._stopping = asyncio.Event()
        self._workers: list[asyncio.Task[None]] = []
        self._last_error: tuple[Any, int] = (None, 0)
        self._warm: set[int] = set()
        self._warming: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
        """Common system messages whose first row is under way: a lock is freed when no row holds it or waits for it."""
        self._released = asyncio.Event()
        self._unread = asyncio.Semaphore(plan.max_concurrency)
        """Results that may wait for the caller before workers wait, too: a slow caller slows the batch down."""

    def stop(self, reason: str, *, interrupted: bool = False) -> None:
        """Start no more rows; those in flight have ten seconds to finish."""
        if self.summary.stopped is None:
            self.summary.stopped, self.summary.interrupted = reason, interrupted
            asyncio.get_running_loop().call_later(FINISH_SECONDS, self._cancel)
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
                self.stop("The reader stopped the iteration.")
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
        self._workers = [asyncio.create_task(self._work(rows, queue)) for _ in range(self.plan.max_concurrency)]
        try:
            done, _ = await asyncio.wait(self._workers, return_when=asyncio.FIRST_EXCEPTION)
            if any(not task.cancelled() and task.exception() for task in done):
                self.stop("An error ended the run.")
            await asyncio.wait(self._workers)
        finally:
            self._cancel()
            failures = [one for one in await asyncio.gather(*self._workers, return_exceptions=True) if one is not None]
            ticker.cancel()
            self._measure(began)
            self.summary.end()
            if self._journal is not None:
                self._journal.close(under_way=bool(failures))
                if self.plan.ordered is not None and self.summary.stopped is None:
                    self._journal.write_ordered(self.rows, Path(self.plan.ordered))
            await self.client.aclose()
        for failure in failures:
            if not isinstance(failure, asyncio.CancelledError):
                raise failure

    def _cancel(self) -> None:
        for task in self._workers:
            task.cancel()

    async def _tick(self, began: float) -> None:
        try:
            while True:
                await asyncio.sleep(TICK_SECONDS)
                self._measure(began)
                if self._journal is not None:
                    await asyncio.to_thread(self._journal.sync)
        except OSError as error:
            self.stop(_UNWRITABLE.format(error))

    def _measure(self, began: float) -> None:
        summary, state = self.summary, self.limiter.state()
        summary.slots_now = min(state.slots, self.plan.max_concurrency)
        summary.slots = max(summary.slots, summary.slots_now)
        summary.requests, summary.refused, summary.seconds = state.sent, state.refused, time.monotonic() - began

    def missing(self) -> Iterator[Row]:
        """Yield the rows without an answer."""
        again = {True: (True,), "all": (True, False)}.get(self.plan.retry_errors, ())
        number = 0
        for number, row in enumerate(self.rows if self.rows.repeatable else self.rows.unique(), 1):  # noqa: B007
            written = None if self._journal is None else self._journal.find(row)
            changed = written is not None and written.hash != row.hash
            self.summary.changed += changed
            if written is None or changed or written.retryable in again:
                yield row
            else:
                self.summary.skipped += 1
        self.summary.rows = number

    async def _work(self, rows: Iterator[Row], queue: asyncio.Queue[dict[str, Any] | None] | None) -> None:
        try:
            for row in rows:
                if self._stopping.is_set() or (outcome := await self.outcome(row)) is None:
                    return
                if isinstance(outcome.error, STOPS):
                    self.stop(f"{type(outcome.error).__name__}: {outcome.error}")
                    return
                line = self.line(outcome)
                if self._journal is not None:
                    self._journal.write(line)
                self.summary.count(outcome)
                self._watch(outcome.error)
                if queue is not None:
                    queue.put_nowait(line)  # first: a stopped run cancels who waits
                    await self._unread.acquire()
        except OSError as error:
            self.stop(_UNWRITABLE.format(error))

    def _watch(self, error: Exception | None) -> None:
        """Stop after many equal errors that no retry can end: they are errors of the batch, not of a row."""
        kind = None if getattr(error, "retryable", error is None) else (type(error), getattr(error, "message", None))
        count = self._last_error[1] + 1 if kind == self._last_error[0] else 1
        self._last_error = kind, count
        if kind is not None and count >= EQUAL_ERRORS:
            self.stop(f"{EQUAL_ERRORS} consecutive rows failed with the same error: {error}")

    def dry_run(self) -> dict[str, Any]:
        """Return the rows, the estimated tokens and cost, and the first requests; send nothing.

        The cost is that of the prompts, and of answers as long as ``max_tokens``, if it is set. ``least_hours`` is the
        least duration that the limits per minute allow; None without them.
        """
        rows = prompt = answer = 0
        costs: list[float | None] = [0.0, 0.0]
        samples: list[Any] = []
        for row in self.missing():
            request = self.prepare(row)
            seen, most = preview(request), most_output(request) or 0
            rows, prompt, answer = rows + 1, prompt + seen.input_tokens, answer + most
            usage, model = Usage(seen.input_tokens, most), request.request.model
            more = costs_at(usage, request.provider.name, model, self.plan.now())
            costs = [None if a is None or b is None else a + b for a, b in zip(costs, more, strict=True)]
            if rows <= 3:
                samples.append({"id": row.id, "url": seen.url, "body": seen.body})
        limits = (rows, self.plan.requests_per_minute), (prompt + answer, self.plan.tokens_per_minute)
        hours = max((count / limit / 60 for count, limit in limits if limit), default=None)
        numbers = {"rows": rows, "input_tokens": prompt, "most_output_tokens": answer or None, "least_hours": hours}
        return {**numbers, "cost_now": costs[0], "cost_off_peak": costs[1], "samples": samples}

    # -- one row -------------------------------------------------------------------------------------------------

    def prepare(self, row: Row) -> PreparedRequest:
        """Return the request of a row; raise ``InvalidRequestError`` if its options are not valid."""
        common = {} if self.schema is None else {"response_format": self.schema.response_format()}
        return self.client.prepare(row.messages, {**common, **row.options}, stream=False)

    async def outcome(self, row: Row) -> Outcome | None:
        """Answer one row when hours, cache and cost allow it; return None if the run stops before."""
        try:
            request = self.prepare(row)
        except errors.DeepSeekError as error:
            return outcome_of(row, None, error, self.schema, self.plan.now())
        if self.plan.off_peak:
            await self._off_peak(request)
        first = request.request.messages[0]
        if not self.plan.warm_cache or first.role != "system" or len(first.text) < CACHED_PREFIX:
            return await self._paid(row, request)
        prefix = digest(first.text)
        async with self._warming.setdefault(prefix, asyncio.Lock()):  # the other rows wait for the first one
            if prefix not in self._warm:
                outcome = await self._paid(row, request)
                if outcome is not None and outcome.reply is not None:
                    self._warm.add(prefix)
                return outcome
        return await self._paid(row, request)

    async def _off_peak(self, request: PreparedRequest) -> None:
        while not self._stopping.is_set():
            now = self.plan.now()
            cheaper = cheaper_from(catalog.find(request.provider.name, request.request.model), now)
            until = min(cheaper or now, self._deadline)
            if until <= now:
                break
            self.summary.waits = f"Peak hours: the next row starts at {until:%Y-%m-%d %H:%M} UTC."
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), min((until - now).total_seconds(), 60.0))
        self.summary.waits = None

    async def _paid(self, row: Row, request: PreparedRequest) -> Outcome | None:
        """Reserve the cost of a row and send it; wait for rows under way if it does not fit."""
        reserved = None
        while reserved is None:
            if self._stopping.is_set():
                return None
            at = self.plan.now()
            reserved = self.spending.reserve(request, self.summary.cost, at)
            if reserved is None and not self.spending.under_way:
                self.stop(f"max_cost: the next row could exceed {self.spending.max_cost} USD.")
            elif reserved is None:
                self._released.clear()
                await self._released.wait()
        if self._journal is not None:
            self._journal.mark_sent(row.id)
        try:
            answer: Reply | errors.DeepSeekError = await self.client.asend(request)
        except errors.DeepSeekError as error:
            answer = error
        outcome = outcome_of(row, request, answer, self.schema, at)
        self.spending.settle(reserved, outcome.usage)
        self.summary.pay(outcome)
        self._released.set()
        return outcome
