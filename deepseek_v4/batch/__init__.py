"""Many prompts in one run: rows in, results in a file, continued after any interruption.

>>> from deepseek_v4 import batch
>>> summary = batch.run("prompts.jsonl", output="answers.jsonl", max_concurrency=64)  # doctest: +SKIP
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from deepseek_v4.batch.engine import Batch
from deepseek_v4.batch.plan import Plan
from deepseek_v4.batch.refused import BatchRefused
from deepseek_v4.batch.summary import Summary

__all__ = ["Batch", "BatchRefused", "Plan", "Summary", "arun", "results", "run"]

_PLAN = frozenset(field.name for field in dataclasses.fields(Plan))


def batch_of(rows: Any, output: str | Path | None, options: dict[str, Any]) -> Batch:
    """Return the batch of mixed options: those of a ``Plan``, and those of the model."""
    plan = {name: value for name, value in options.items() if name in _PLAN}
    model = {name: value for name, value in options.items() if name not in _PLAN}
    return Batch(rows, output, Plan(**plan), **model)


def results(rows: Any, output: str | Path | None = None, **options: Any) -> AsyncIterator[dict[str, Any]]:
    """Run a batch and yield its results in order of completion.

    Args:
        rows: A path, or an iterable of texts or mappings with ``id`` and ``prompt`` or ``messages``; see
            ``deepseek_v4.batch.rows.Rows``.
        output: File that the results are written to. If it exists, the batch is continued.
        **options: Every field of ``Plan``, and every option of the model.

    Raises:
        BatchRefused: If input, output or options are not valid.

    Examples:
        >>> async for result in results(["Why is the sky blue?"]):  # doctest: +SKIP
        ...     print(result["id"], result["text"], result["cost"])
    """
    return batch_of(rows, output, options).results()


async def arun(rows: Any, output: str | Path | None = None, **options: Any) -> Summary:
    """Like ``run``, asynchronously."""
    return await batch_of(rows, output, options).run()


def run(rows: Any, output: str | Path | None = None, **options: Any) -> Summary:
    """Run a batch to its end.

    Arguments and errors as for ``results``.

    Returns:
        The numbers of the run; ``stopped`` is the reason if it ended early.
    """
    return asyncio.run(arun(rows, output, **options))
