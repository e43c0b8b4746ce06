"""The progress of a batch on standard error: a bar on a terminal, else a line every ten seconds; and the summary."""

from __future__ import annotations

import asyncio

from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bar
from rich.table import Column, Table

from deepseek_v4.batch.summary import Summary

LINE_SECONDS = 10.0
BAR_SECONDS = 0.5


async def show(summary: Summary) -> None:
    """Show a summary while it changes, until the task is cancelled."""
    console = Console(stderr=True, highlight=False)
    columns = (BarColumn(), TextColumn("{task.description}"))
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None)
        while True:
            await asyncio.sleep(BAR_SECONDS if console.is_terminal else LINE_SECONDS)
            bar.update(task, description=text_of(summary), total=summary.rows, completed=summary.done + summary.skipped)
            if not console.is_terminal:
                console.print(text_of(summary), soft_wrap=True)


def text_of(summary: Summary) -> str:
    """Return the numbers of this moment in one line."""
    rate, left = 60 * summary.done / max(summary.seconds, 0.001), summary.left
    parts = [
        f"{summary.answered} done",
        f"{summary.failed.total()} failed",
        "" if left is None else f"{left} left",
        f"{rate:.0f} rows/min",
        f"{summary.slots_now} at a time",
        f"{100 * summary.refused / max(summary.requests, 1):.1f} % refused",
        f"{summary.cost:.4f} USD",
        "" if not left or not rate else f"{left / rate:.1f} min left",
        summary.waits or "",
    ]
    return ", ".join(part for part in parts if part)


def summary_table(summary: Summary) -> None:
    """Print the numbers of a run to standard error."""
    table = Table(Column(), Column(overflow="fold"), show_header=False, box=None)
    cached = 100 * summary.usage["cached_tokens"] / max(summary.usage["input_tokens"], 1)
    seconds = ("-" if one is None else f"{one:.2f}" for one in (summary.p50_seconds, summary.p95_seconds))
    doubt = f"{summary.in_doubt} (about {summary.cost_in_doubt:.6f} USD)" if summary.cost_in_doubt else summary.in_doubt
    for name, value in (
        ("answered", summary.answered),
        ("failed", ", ".join(f"{name} {count}" for name, count in summary.failed.most_common()) or "0"),
        ("skipped, already done", summary.skipped),
        ("changed, answered again", summary.changed),
        ("tokens in", f"{summary.usage['input_tokens']:,} ({cached:.0f} % cached)"),
        ("tokens out", f"{summary.usage['output_tokens']:,} (reasoning {summary.usage['reasoning_tokens']:,})"),
        ("cost", f"{summary.cost:.6f} USD ({summary.base_cost:.6f} off-peak)"),
        ("seconds per row", f"{' / '.join(seconds)} (p50 / p95)"),
        ("requests", f"{summary.requests} ({summary.refused} refused), up to {summary.slots} at a time"),
        ("paid twice at most", doubt),
    ):
        table.add_row(name, str(value))
    Console(stderr=True).print(table)
