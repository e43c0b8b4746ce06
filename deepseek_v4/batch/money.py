"""The cost of a batch: of each row, the reservations that keep it below a maximum, and the hours that cost less."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import datetime, time, timedelta
from decimal import Decimal, DecimalException
from typing import Any, TypeAlias

from deepseek_v4 import catalog
from deepseek_v4.batch.plan import BatchRefused
from deepseek_v4.catalog.cost import cheaper_from, cost_of, price_at
from deepseek_v4.request.prepared_request import PreparedRequest
from deepseek_v4.values.prices import Cost
from deepseek_v4.values.reply import Usage

FIRST_OUTPUT = 4096
"""Tokens reserved for an answer without ``max_tokens`` before any answer is known."""
Costs: TypeAlias = "tuple[float | None, float | None]"
PROMPT_OVERHEAD = 1024
"""Tokens that a request has in addition to its bytes: markup, a retry's error."""


class Spending:
    """The cost that the rows in flight can still cause; ``max_cost`` is in US dollars, None for an unlimited batch."""

    def __init__(self, max_cost: Decimal | float | str | None) -> None:
        try:
            self.max_cost = None if max_cost is None else max(Decimal(str(max_cost)), Decimal(0))  # refuses NaN, too
        except DecimalException:
            raise BatchRefused(f"max_cost={max_cost!r} is not a number of US dollars. Use 5, or 0.50.") from None
        self.under_way = 0
        self._reserved = Decimal(0)
        self._outputs: deque[int] = deque(maxlen=500)

    def reserve(self, request: PreparedRequest, spent: Decimal, now: datetime) -> Decimal | None:
        """Reserve the cost of a row, which ``settle`` releases; return None if the total could pass ``max_cost``.

        With ``max_tokens`` it is an upper bound: a token has at least one byte. Without, the answer counts as long as
        19 of 20 answers so far.

        Raises:
            BatchRefused: If the model has no known price.
        """
        if self.max_cost is None:
            return Decimal(0)
        provider, model, options = request.provider.name, request.request.model, request.options
        price = price_at(catalog.find(provider, model).prices, now)
        if price is None:
            raise BatchRefused(f"The price of {model} at {provider} is not known. Remove max_cost.")
        rates: list[Any] = [price] if price.peak is None else [price, price.peak]
        prompt, output = len(request.http.body) + PROMPT_OVERHEAD, most_output(request) or self._usual_output()
        retries = options.answer_retries if request.request.response_format is not None else 0
        amount = Decimal(0)
        for _ in range(1 + retries + (options.on_empty == "retry")):
            amount += max(prompt * rate.input + output * rate.output for rate in rates) / 1_000_000
            prompt += output + PROMPT_OVERHEAD  # a retry contains the answer before it
        if spent + self._reserved + amount > self.max_cost:
            return None
        self._reserved += amount
        self.under_way += 1
        return amount

    def settle(self, reserved: Decimal, usage: Usage | None) -> None:
        """Release the reservation of a row that has an outcome."""
        self._reserved -= reserved
        self.under_way -= self.max_cost is not None  # also a free row
        if usage is not None:
            self._outputs.append(usage.output_tokens)

    def _usual_output(self) -> int:
        return sorted(self._outputs)[len(self._outputs) * 95 // 100] if self._outputs else FIRST_OUTPUT


def most_output(request: PreparedRequest) -> int | None:
    """Return the most tokens of an answer, as the request limits them."""
    limit = request.dialect.option_specs.get("max_tokens")
    return None if limit is None else request.body.get(limit.wire_name)


def costs_at(usage: Usage | None, provider: str, model: str, at: datetime, known: Cost | None = None) -> Costs:
    """Return the US dollars of a request that is sent at a time (UTC), unless known, and those outside peak hours."""
    cost = base = known or cost_of(usage, provider, model, at.timestamp())
    cheaper = cheaper_from(catalog.find(provider, model), at)
    if cheaper is not None:
        base = cost_of(usage, provider, model, cheaper.timestamp())
    return None if cost is None else cost.usd, None if base is None else base.usd


def deadline_after(text: str, now: datetime, local: Callable[[datetime], datetime] = datetime.astimezone) -> datetime:
    """Return the next moment of a time of day (``08:00``, local time), or a date and time in ISO format.

    Raises:
        BatchRefused: If it is neither.
    """
    try:
        if len(text) > 5:
            return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(now.tzinfo)
        moment = datetime.combine(local(now), time.fromisoformat(text.zfill(5)), local(now).tzinfo)
    except ValueError:
        raise BatchRefused(f"deadline {text!r} is not a time. Use 08:00 or 2026-12-01T08:00.") from None
    return (moment if moment > now else moment + timedelta(days=1)).astimezone(now.tzinfo)
