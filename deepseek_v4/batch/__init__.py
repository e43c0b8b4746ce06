"""Many prompts in one run: rows in, results in a file, continued after any interruption."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from deepseek_v4.batch.engine import Batch
from deepseek_v4.batch.plan import BatchRefused, Plan
from deepseek_v4.batch.summary import Summary

__all__ = ["Batch", "BatchRefused", "Plan", "Summary", "arun", "results", "run"]


def results(rows: Any, output: str | Path | None = None, **options: Any) -> AsyncIterator[dict[str, Any]]:
    """Run a batch and yield its results in order of completion.

    Arguments and errors as for ``Batch``.

    Examples:
        >>> async for result in results(["Why is the sky blue?"]):  # doctest: +SKIP
        ...     print(result["id"], result["text"], result["cost"])
    """
    return Batch(rows, output, **options).results()


async def arun(rows: Any, output: str | Path | None = None, **options: Any) -> Summary:
    """Like ``run``, asynchronously."""
    return await Batch(rows, output, **options).run()


def run(rows: Any, output: str | Path | None = None, **options: Any) -> Summary:
    """Run a batch to its end; return its numbers. Arguments and errors as for ``Batch``."""
    return asyncio.run(arun(rows, output, **options))
