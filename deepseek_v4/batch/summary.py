"""The numbers of a batch: while it runs, and at its end."""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from typing_extensions import TypedDict

from deepseek_v4.batch.results import Outcome
from deepseek_v4.limits.limiter import LimiterState

__all__ = ["Numbers", "Summary"]


class Numbers(TypedDict):
    """The numbers of a batch as JSON values, named as in ``Summary``."""

    rows: int | None
    answered: int
    failed: dict[str, int]
    skipped: int
    changed: int
    in_doubt: int
    left: int | None
    usage: dict[str, int]
    cost: float
    base_cost: float
    seconds: float
    p50_seconds: float | None
    p95_seconds: float | None
    requests: int
    refused: int
    slots: int
    stopped: str | None


@dataclass
class Summary:
    """The numbers of a batch.

    Attributes:
        rows: Rows of the input; None while an iterable is read.
        answered: Rows with an answer, in this run.
        failed: Rows with an error in this run, by class.
        skipped: Rows that the output had already.
        changed: Rows that were done again, because their content has changed.
        in_doubt: Rows that were under way when an earlier run was killed; each may have been paid twice.
        usage: Tokens by kind: ``input``, ``cached``, ``output``, ``reasoning``.
        cost: US dollars of this run; ``base_cost``: the same outside peak hours.
        seconds: Duration of the run.
        limiter: The limiter's numbers.
        slots: The most requests at a time that the limiter allowed.
        stopped: Why the run ended early; None if it did not.
        interrupted: True if a signal ended it.
        waits: What the run waits for at the moment; None if it does not.
    """

    rows: int | None = None
    answered: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    skipped: int = 0
    changed: int = 0
    in_doubt: int = 0
    usage: Counter[str] = field(default_factory=Counter)
    cost: Decimal = Decimal(0)
    base_cost: Decimal = Decimal(0)
    seconds: float = 0.0
    limiter: LimiterState = field(default_factory=lambda: LimiterState(0, 0, 0, 0, 0))
    slots: int = 0
    stopped: str | None = None
    interrupted: bool = False
    waits: str | None = None
    _durations: Any = field(default_factory=lambda: array("f"), repr=False)

    @property
    def done(self) -> int:
        """Rows done in this run."""
        return self.answered + self.failed.total()

    @property
    def left(self) -> int | None:
        """Rows that are not done; None if their number is not known."""
        return None if self.rows is None else self.rows - self.skipped - self.done

    @property
    def exit_code(self) -> int:
        """0: all rows have an answer; 1: some failed; 3: stopped; 130: interrupted."""
        if self.interrupted:
            return 130
        return 3 if self.stopped is not None else 1 if self.failed else 0

    def count(self, outcome: Outcome) -> None:
        """Count a row that is done."""
        if outcome.error is None:
            self.answered += 1
        else:
            self.failed[type(outcome.error).__name__] += 1
        self._durations.append(outcome.seconds)
        usage = outcome.usage
        if usage is not None:
            self.usage["input"] += usage.input_tokens
            self.usage["cached"] += usage.cached_tokens or 0
            self.usage["output"] += usage.output_tokens
            self.usage["reasoning"] += usage.reasoning_tokens or 0

    def percentile(self, share: float) -> float | None:
        """Return the duration of a row below which a share of them is; None without rows."""
        return sorted(self._durations)[int(share * (len(self._durations) - 1))] if self._durations else None

    def to_dict(self) -> Numbers:
        """Return the numbers as JSON values."""
        return {
            "rows": self.rows,
            "answered": self.answered,
            "failed": dict(self.failed),
            "skipped": self.skipped,
            "changed": self.changed,
            "in_doubt": self.in_doubt,
            "left": self.left,
            "usage": dict(self.usage),
            "cost": float(self.cost),
            "base_cost": float(self.base_cost),
            "seconds": round(self.seconds, 3),
            "p50_seconds": self.percentile(0.5),
            "p95_seconds": self.percentile(0.95),
            "requests": self.limiter.sent,
            "refused": self.limiter.refused,
            "slots": self.slots,
            "stopped": self.stopped,
        }
