"""Prices per million tokens, with peak hours, and the cost of an answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timezone
from decimal import Decimal
from typing import Any, TypeAlias

from deepseek_v4.values.value import dataclass

Amount: TypeAlias = "Decimal | float | str"
"""A price in any notation; ``Price`` and ``Peak`` convert it to a ``Decimal`` of the same digits."""
_EVERY_DAY = (0, 1, 2, 3, 4, 5, 6)


@dataclass(frozen=True, slots=True)
class Peak:
    """Other prices at certain hours.

    Attributes:
        input: US dollars per million input tokens.
        output: US dollars per million output tokens.
        cached: US dollars per million input tokens read from the cache; None: the price of ``input``.
        hours: Pairs of hours of the day, UTC, the first inclusive, the second exclusive: ``((1, 4), (6, 10))``.
        weekdays: Days of the week in UTC, Monday is 0.
        holidays: Days in UTC without peak hours.
    """

    input: Amount
    output: Amount
    cached: Amount | None = None
    hours: tuple[tuple[int, int], ...] = ((0, 24),)
    weekdays: tuple[int, ...] = _EVERY_DAY
    holidays: frozenset[date] = frozenset()

    def __post_init__(self) -> None:
        _normalise(self)
        object.__setattr__(self, "hours", tuple((int(start), int(end)) for start, end in self.hours))
        object.__setattr__(self, "weekdays", tuple(self.weekdays))
        object.__setattr__(self, "holidays", frozenset(self.holidays))

    def covers(self, at: datetime) -> bool:
        """Return True if a time (UTC) is a peak time."""
        if at.weekday() in self.weekdays:
            for start, end in self.hours:
                if start <= at.hour < end:
                    return at.date() not in self.holidays
        return False


@dataclass(frozen=True, slots=True)
class Price:
    """The price of a million tokens in a period of time.

    Attributes:
        input: US dollars per million input tokens.
        output: US dollars per million output tokens, reasoning included.
        cached: US dollars per million input tokens read from the cache; None if it is not known: cached tokens
            then count like other input tokens.
        currency: ``USD``; others are not supported, because exchange rates are not known.
        since: Start of the period; None: no start. A date means midnight UTC.
        until: End of the period; None: no end.
        source: The document that states it.
        peak: Other prices at certain hours.

    Raises:
        ValueError: for an invalid or negative amount, an invalid time, or another currency.

    Examples:
        >>> from deepseek_v4.catalog.cost import of
        >>> from deepseek_v4.values.reply import Usage
        >>> of(Usage(1_000_000, 500_000), Price(0.14, 0.28)).usd
        0.28
    """

    input: Amount
    output: Amount
    cached: Amount | None = None
    currency: str = "USD"
    since: datetime | date | str | None = None
    until: datetime | date | str | None = None
    source: str | None = None
    peak: Peak | None = None

    def __post_init__(self) -> None:
        _normalise(self)
        for name in ("since", "until"):
            object.__setattr__(self, name, _moment(getattr(self, name)))
        if self.currency != "USD":
            raise ValueError(f"currency={self.currency!r} is not supported. Give prices in USD.")
        if isinstance(self.peak, Mapping):
            object.__setattr__(self, "peak", Peak(**self.peak))

    def covers(self, at: datetime) -> bool:
        """Return True if the price applies at a time (UTC)."""
        since: Any = self.since  # datetimes, whatever was passed
        until: Any = self.until
        return (since is None or since <= at) and (until is None or at < until)


def price_at(prices: Sequence[Price], at: datetime) -> Price | None:
    """Return the price that applies at a time (UTC), the newest of several; None without one."""
    for price in reversed(prices):
        if price.covers(at):
            return price
    return None


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of an answer.

    Attributes:
        usd: US dollars: tokens, and at DeepSeek the calls of server tools; fees per request of other providers are not
            in a computed cost.
        computed: True if it was computed from a price; False if the provider reported it.
        price_since: The first day of the price (``YYYY-MM-DD``); None if it is not known or not computed.
        source: The document that states the price.
    """

    usd: float
    computed: bool
    price_since: str | None = None
    source: str | None = None

    def __add__(self, later: Cost | None) -> Cost | None:
        """Add the cost of a later answer, whose price is named; None if it is not known."""
        if later is None:
            return None
        return replace(later, usd=self.usd + later.usd, computed=self.computed or later.computed)


def _normalise(rates: Price | Peak) -> None:
    for name in ("input", "output", "cached"):
        value = getattr(rates, name)
        if value is not None:
            object.__setattr__(rates, name, _exact(value, name))


def _exact(value: Amount, name: str = "price") -> Decimal:
    """Convert a price to a decimal number with the digits as written: 0.1 is exactly a tenth.

    Raises:
        ValueError: if it is not a number, negative or infinite.
    """
    try:
        amount = Decimal(str(value))
    except ArithmeticError:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0:
        raise ValueError(f"{name}={value!r} is not a valid price in US dollars.")
    return amount


def _moment(value: datetime | date | str | None) -> datetime | None:
    if value is None:
        return None
    if isinstance(value, str):
        value = datetime.fromisoformat(value.replace("Z", "+00:00"))  # Python 3.10 reads no Z
    if not isinstance(value, datetime):
        value = datetime.combine(value, time())
    return in_utc(value)


def in_utc(value: datetime) -> datetime:
    """Return a time in UTC; one without a zone counts as UTC."""
    return value.replace(tzinfo=timezone.utc) if value.tzinfo is None else value.astimezone(timezone.utc)
