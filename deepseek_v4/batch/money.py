"""The cost of a batch: the exact total, the reservations that keep it below a maximum, and the hours that cost less."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from deepseek_v4 import catalog
from deepseek_v4.batch.refused import BatchRefused
from deepseek_v4.catalog.cost import next_change, price_at

__all__ = ["Spending", "cheaper_from", "deadline_after"]

MILLION = Decimal(1_000_000)
FIRST_OUTPUT = 4096
"""Tokens reserved for an answer without ``max_tokens`` before any answer is known."""
PROMPT_OVERHEAD = 1024
"""Tokens that a request has in addition to its bytes: markup, the instruction of a schema, a retry's error."""


class Spending:
    """What a batch has cost, and what the rows under way can still cost.

    Args:
        max_cost: US dollars that it may cost; None: unlimited.
        provider: Name of the provider.
        requests_per_row: Paid requests that a row may take.
    """

    def __init__(self, max_cost: Decimal | float | str | None, provider: str, requests_per_row: int) -> None:
        self.max_cost = None if max_cost is None else Decimal(str(max_cost))
        self.total = self.base_total = Decimal(0)
        self._reserved = Decimal(0)
        self._under_way = 0
        self._provider = provider
        self._requests = requests_per_row
        self._outputs: deque[int] = deque(maxlen=500)

    def reserve(self, size: int, model: str, max_tokens: int | None, now: datetime) -> Decimal | None:
        """Reserve the cost of a row.

        With ``max_tokens`` it is an upper bound: a token has at least one byte. Without, the answer counts as long as
        19 of 20 answers so far.

        Args:
            size: Bytes of the row.
            model: Its model.
            max_tokens: The most tokens of its answer.
            now: The time (UTC).

        Returns:
            US dollars, which ``settle`` releases; None if the total could pass ``max_cost``.

        Raises:
            BatchRefused: If the model has no known price.
        """
        price = price_at(catalog.find(self._provider, model).prices, now)
        if price is None:
            raise BatchRefused(f"The price of {model} at {self._provider} is not known. Remove max_cost.")
        rates: list[Any] = [price] if price.peak is None else [price, price.peak]
        prompt, output = size + PROMPT_OVERHEAD, max_tokens or self._usual_output()
        amount = Decimal(0)
        for _ in range(self._requests):
            amount += max(prompt * Decimal(rate.input) + output * Decimal(rate.output) for rate in rates) / MILLION
            prompt += output + PROMPT_OVERHEAD  # a retry contains the answer before it
        if self.max_cost is not None and self.total + self._reserved + amount > self.max_cost:
            return None
        self._reserved += amount
        self._under_way += 1
        return amount

    @property
    def idle(self) -> bool:
        """True if no row is under way."""
        return not self._under_way

    def settle(self, reserved: Decimal, cost: float | None, base: float | None, output_tokens: int | None) -> None:
        """Replace a reservation by the cost of the row."""
        self._reserved -= reserved
        self._under_way -= bool(reserved)
        self.total += Decimal(str(cost or 0))
        self.base_total += Decimal(str(base or 0))
        if output_tokens is not None:
            self._outputs.append(output_tokens)

    def _usual_output(self) -> int:
        if not self._outputs:
            return FIRST_OUTPUT
        return sorted(self._outputs)[len(self._outputs) * 95 // 100]


def cheaper_from(provider: str, model: str, now: datetime) -> datetime | None:
    """Return the time at which the peak hours end; None if it is not a peak hour."""
    price = price_at(catalog.find(provider, model).prices, now)
    if price is None or price.peak is None or not price.peak.covers(now):
        return None
    return next_change(price.peak, now)


def deadline_after(text: str, now: datetime, local: Callable[[datetime], datetime] = datetime.astimezone) -> datetime:
    """Return the next moment of a time of day (``08:00``, local time), or a date and time in ISO format.

    Raises:
        BatchRefused: If it is neither.
    """
    try:
        if "T" in text or " " in text.strip():
            moment = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
            return moment.astimezone(now.tzinfo)
        hour, minute = map(int, text.split(":"))
        moment = local(now).replace(hour=hour, minute=minute, second=0, microsecond=0)
    except ValueError:
        raise BatchRefused(f"deadline {text!r} is not a time. Use 08:00 or 2026-12-01T08:00.") from None
    return (moment if moment > now else moment + timedelta(days=1)).astimezone(now.tzinfo)
