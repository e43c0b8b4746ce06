"""The numbers of a batch: while it runs, and at its end."""

from __future__ import annotations

from array import array
from collections import Counter
from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field, PlainSerializer, TypeAdapter, computed_field
from pydantic.dataclasses import dataclass

from deepseek_v4.batch.results import Outcome

Dollars = Annotated[Decimal, PlainSerializer(float, float)]
Counts = Annotated[Counter[str], PlainSerializer(dict, dict[str, int])]


@dataclass
class Summary:
    """The numbers of a batch.

    Attributes:
        rows: Rows of the input; None while an iterable is read.
        answered: Rows with an answer, in this run.
        failed: Rows with an error in this run, by class.
        skipped: Rows that the output had already.
        changed: Rows that were answered again, because their content has changed.
        in_doubt: Rows that were under way when an earlier run was killed; each may have been paid twice.
        usage: Tokens by kind: ``input_tokens``, ``cached_tokens``, ``output_tokens``, ``reasoning_tokens``.
        cost: US dollars of this run.
        base_cost: The same outside peak hours.
        seconds: Duration of the run.
        requests: HTTP requests that the limiter has let pass.
        refused: Those of them that the service refused with 429, 503 or 529.
        slots: The most requests at a time that the limiter allowed.
        slots_now: The number that it allows now.
        p50_seconds: Seconds in which half of the rows were done; None while it runs, and without rows.
        p95_seconds: Seconds in which 95 % of the rows were done.
        stopped: Why the run ended early; None if it did not.
        interrupted: True if a signal ended it.
        waits: The reason for which the run is waiting now; None if it is not.
    """

    rows: int | None = None
    answered: int = 0
    failed: Counts = Field(default_factory=Counter)
    skipped: int = 0
    changed: int = 0
    in_doubt: int = 0
    usage: Counts = Field(default_factory=Counter)
    cost: Dollars = Decimal(0)
    base_cost: Dollars = Decimal(0)
    seconds: float = 0.0
    requests: int = 0
    refused: int = 0
    slots: int = 0
    slots_now: int = Field(default=0, exclude=True)
    p50_seconds: float | None = None
    p95_seconds: float | None = None
    stopped: str | None = None
    interrupted: bool = Field(default=False, exclude=True)
    waits: str | None = Field(default=None, exclude=True)
    _durations: Any = Field(default_factory=lambda: array("f"), exclude=True, repr=False)

    @property
    def done(self) -> int:
        """Rows done in this run."""
        return self.answered + self.failed.total()

    @computed_field  # type: ignore[prop-decorator]
    @property
    def left(self) -> int | None:
        """Rows that are not done; None if their number is not known."""
        return None if self.rows is None else self.rows - self.skipped - self.done

    @computed_field  # type: ignore[prop-decorator]
    @property
    def cost_in_doubt(self) -> float | None:
        """US dollars that rows in doubt may have cost already, at the mean cost of this run; None: not known."""
        return 0.0 if not self.in_doubt else float(self.cost) / self.done * self.in_doubt if self.done else None

    @property
    def exit_code(self) -> int:
        """0: all rows have an answer; 1: some failed; 3: stopped; 130: interrupted."""
        return 130 if self.interrupted else 3 if self.stopped is not None else 1 if self.failed else 0

    def pay(self, outcome: Outcome) -> None:
        """Add tokens and cost of a row."""
        cost, usage = Decimal(str(outcome.cost or 0)), outcome.usage
        self.cost += cost
        self.base_cost += cost if outcome.base_cost == outcome.cost else Decimal(str(outcome.base_cost or 0))
        for name, count in ({} if usage is None else usage.counts()).items():
            self.usage[name] += count or 0

    def count(self, outcome: Outcome) -> None:
        """Count a row that is done."""
        if outcome.error is None:
            self.answered += 1
        else:
            self.failed[type(outcome.error).__name__] += 1
        self._durations.append(outcome.seconds)

    def end(self) -> None:
        """Set the numbers that take time."""
        durations = sorted(self._durations)
        if durations:
            self.p50_seconds, self.p95_seconds = (durations[int(share * (len(durations) - 1))] for share in (0.5, 0.95))

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers as JSON values."""
        return TypeAdapter(Summary).dump_python(self, mode="json")  # type: ignore[no-any-return]
