"""The price at a time: its rates, whether it is a peak time, and until when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from deepseek_v4.catalog.cost import next_change, price_at
from deepseek_v4.catalog.lookup import ModelFacts
from deepseek_v4.values.prices import Peak, Price


@dataclass(frozen=True, slots=True)
class RatesNow:
    """The rates at a time.

    Attributes:
        price: The price of the model.
        rates: The rates that apply: of the price, or of its peak hours.
        peak: True at a peak time; None if the price has no peak hours.
        until: The time at which that changes; None if the price has no peak hours.
    """

    price: Price
    rates: Price | Peak
    peak: bool | None
    until: datetime | None


def rates_at(facts: ModelFacts, at: datetime) -> RatesNow | None:
    """Return the rates of a model at a time (UTC); None if no price is known."""
    price = price_at(facts.prices, at)
    if price is None:
        return None
    peak = price.peak
    if peak is None:
        return RatesNow(price, price, None, None)
    now = peak.covers(at)
    return RatesNow(price, peak if now else price, now, next_change(peak, at))
