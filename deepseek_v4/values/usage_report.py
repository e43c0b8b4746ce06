"""Tokens and cost of a run: the sum over its answers, by model. Pure; adapters and the client add to it."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Mapping
from operator import add
from typing import Any, NamedTuple

from deepseek_v4.values.display import Displayed, Rows
from deepseek_v4.values.reply import Reply, Usage


class ModelUsage(NamedTuple):
    """The sum over the answers of one model, or of all.

    Attributes:
        answers: Number of answers.
        input_tokens: Prompt tokens, cached ones included.
        cached_tokens: Prompt tokens read from the provider's cache.
        output_tokens: Completion tokens, reasoning included.
        reasoning_tokens: Completion tokens spent on reasoning.
        cost: US dollars, of the answers whose price is known.
        unpriced: Number of answers whose price is not known.
    """

    answers: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    cost: float = 0.0
    unpriced: int = 0

    def plus(self, usage: Usage, cost: float | None) -> ModelUsage:
        """Return the sum with the usage of one more answer; None for a cost that is not known."""
        return ModelUsage(
            self.answers + 1,
            self.input_tokens + int(usage.input_tokens),
            self.cached_tokens + int(usage.cached_tokens or 0),
            self.output_tokens + int(usage.output_tokens),
            self.reasoning_tokens + int(usage.reasoning_tokens or 0),
            self.cost + (cost or 0.0),
            self.unpriced + (cost is None),
        )

    def __add__(self, other: ModelUsage) -> ModelUsage:  # type: ignore[override]
        return ModelUsage._make(map(add, self, other))

    def __str__(self) -> str:
        answers = f"{self.answers:,} answer{'' if self.answers == 1 else 's'}"
        read = f"{self.input_tokens:,} tokens in ({self.cached_tokens:,} cached)"
        written = f"{self.output_tokens:,} out ({self.reasoning_tokens:,} reasoning)"
        return f"{answers}: {read}, {written}, {self._price()}"

    def _price(self) -> str:
        if not self.unpriced:
            return f"${self.cost:.6f}"
        if self.unpriced == self.answers:
            return "price not known"
        return f"${self.cost:.6f} without {self.unpriced} of unknown price"


class UsageReport(Displayed):
    """Tokens and cost of all answers that were added, by model. It can be used from several threads.

    Examples:
        >>> report = UsageReport()
        >>> report.add("deepseek-flash", Usage(1200, 300, cached_tokens=1000, reasoning_tokens=250), 0.000213)
        >>> print(report)
        1 answer: 1,200 tokens in (1,000 cached), 300 out (250 reasoning), $0.000213
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._models: dict[str, ModelUsage] = defaultdict(ModelUsage)

    @property
    def by_model(self) -> Mapping[str, ModelUsage]:
        """The sum for each model, by the id of the model that answered."""
        return dict(self._models)

    @property
    def total(self) -> ModelUsage:
        """The sum over all models."""
        return sum(self.by_model.values(), ModelUsage())

    def add(self, model: str, usage: Usage | None, cost: float | None) -> None:
        """Add an answer.

        Args:
            model: The id of the model.
            usage: Its tokens. None: the provider reported none, and nothing is added.
            cost: US dollars; None if no price is known.
        """
        if usage is None:
            return
        with self._lock:
            self._models[model] = self._models[model].plus(usage, cost)

    def add_reply(self, reply: Reply | None, model: str) -> None:
        """Add a reply of the core, by the model that it names or else the given one; None adds nothing."""
        if reply is not None:
            self.add(reply.model or model, reply.usage, None if reply.cost is None else reply.cost.usd)

    def __str__(self) -> str:
        models = self.by_model
        lines = [str(self.total), *(f"  {name}: {used}" for name, used in models.items() if len(models) > 1)]
        return "\n".join(lines)

    def _rows(self) -> Rows:
        models = {**self.by_model, "total": self.total}
        counts = [
            (name, *(f"{getattr(used, column):,}" for column in ModelUsage._fields[:5]), used._price())
            for name, used in models.items()
        ]
        return [("model", "answers", "tokens in", "cached", "tokens out", "reasoning", "cost"), *counts]

    def __getstate__(self) -> dict[str, Any]:
        """Return the state to pickle: everything but the lock."""
        return {name: value for name, value in vars(self).items() if name != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _lock=threading.Lock())

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.total}>"
