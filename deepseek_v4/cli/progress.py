"""The progress of a batch on standard error: a bar on a terminal, else a line every ten seconds; and the summary."""

from __future__ import annotations

import threading
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bar
from rich.table import Table

from deepseek_v4.batch.summary import Summary

__all__ = ["Progress", "summary_table"]

LINE_SECONDS = 10.0
BAR_SECONDS = 0.5


class Progress:
    """Shows a summary while it changes, from a thread of its own; a context manager."""

    def __init__(self, summary: Summary) -> None:
        self._summary = summary
        self._console = Console(stderr=True)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._bar if self._console.is_terminal else self._lines, daemon=True)

    def __enter__(self) -> Progress:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _lines(self) -> None:
        while not self._ended.wait(LINE_SECONDS):
            self._console.print(text_of(self._summary), highlight=False, soft_wrap=True)

    def _bar(self) -> None:
        with Bar(BarColumn(), TextColumn("{task.description}"), console=self._console, transient=True) as bar:
            task = bar.add_task("", total=None)
            while not self._ended.wait(BAR_SECONDS):
                summary = self._summary
                total = None if summary.rows is None else summary.rows
                bar.update(task, description=text_of(summary), total=total, completed=summary.done + summary.skipped)


def text_of(summary: Summary) -> str:
    """Return the numbers of this moment in one line."""
    minutes = max(summary.seconds, 0.001) / 60
    rate, left = summary.done / minutes, summary.left
    parts = [
        f"{summary.answered} done",
        f"{summary.failed.total()} failed",
        "" if left is None else f"{left} left",
        f"{rate:.0f} rows/min",
        f"{min(summary.limiter.slots, summary.slots)} at a time",
        f"{100 * summary.limiter.refused / max(summary.limiter.sent, 1):.1f} % refused",
        f"{summary.cost:.4f} USD",
        "" if not left or not rate else f"{left / rate:.1f} min left",
        summary.waits or "",
    ]
    return ", ".join(part for part in parts if part)


def summary_table(summary: Summary) -> None:
    """Print the numbers of a run to standard error."""
    table = Table(show_header=False, box=None)
    usage, seconds = summary.usage, [summary.percentile(share) for share in (0.5, 0.95)]
    cached = 100 * usage["cached"] / max(usage["input"], 1)
    failures = ", ".join(f"{name} {count}" for name, count in summary.failed.most_common()) or "0"
    for name, value in (
        ("answered", str(summary.answered)),
        ("failed", failures),
        ("skipped, done before", str(summary.skipped)),
        ("changed, done again", str(summary.changed)),
        ("tokens in", f"{usage['input']:,} ({cached:.0f} % cached)"),
        ("tokens out", f"{usage['output']:,} (reasoning {usage['reasoning']:,})"),
        ("cost", f"{summary.cost:.6f} USD ({summary.base_cost:.6f} off-peak)"),
        ("seconds of a row", " / ".join("-" if one is None else f"{one:.2f}" for one in seconds) + " (p50 / p95)"),
        ("requests", f"{summary.limiter.sent} ({summary.limiter.refused} refused), up to {summary.slots} at a time"),
        ("paid twice at most", str(summary.in_doubt)),
    ):
        table.add_row(name, value)
    Console(stderr=True).print(table)
