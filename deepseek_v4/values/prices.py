"""Prices per million tokens, with peak hours, and the cost of an answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timezone
from decimal import Decimal
from typing import TypeAlias

__all__ = ["Cost", "Peak", "Price"]


Amount: TypeAlias = "Decimal | float | str"
"""A price as people write it; ``Price`` and ``Peak`` keep it as the ``Decimal`` of the same digits."""
_EVERY_DAY = (0, 1, 2, 3, 4, 5, 6)


@dataclass(frozen=True, slots=True)
class Peak:
    """Other prices at certain hours.

    DeepSeek takes the off-peak price on Chinese public holidays, which are not known here: on
    a holiday that falls on a weekday the cost of peak hours is computed too high, by a factor of two.

    Attributes:
        input: US dollars per million input tokens.
        output: US dollars per million output tokens.
        cached: US dollars per million input tokens read from the cache; None takes ``input``.
        hours: Pairs of hours of the day, UTC, the first included, the second not: ``((1, 4), (6, 10))``.
        weekdays: Days of the week in UTC, Monday is 0.
    """

    input: Amount
    output: Amount
    cached: Amount | None = None
    hours: tuple[tuple[int, int], ...] = ((0, 24),)
    weekdays: tuple[int, ...] = _EVERY_DAY

    def __post_init__(self) -> None:
        _normalise(self)
        object.__setattr__(self, "hours", tuple((int(start), int(end)) for start, end in self.hours))
        object.__setattr__(self, "weekdays", tuple(self.weekdays))

    def covers(self, at: datetime) -> bool:
        """Whether a time (UTC) is a peak time."""
        if at.weekday() in self.weekdays:
            for start, end in self.hours:
                if start <= at.hour < end:
                    return True
        return False


@dataclass(frozen=True, slots=True)
class Price:
    """What a million tokens cost in a span of time.

    Attributes:
        input: US dollars per million input tokens.
        output: US dollars per million output tokens, reasoning included.
        cached: US dollars per million input tokens read from the cache; None where no such price is known, and
            then cached tokens count like others.
        currency: ``USD``; no other, because exchange rates are not known here.
        since: From when it holds; None: always did. A date means midnight UTC.
        until: Until when it held; None: still does.
        source: Where it stands.
        peak: Other prices at certain hours.

    Raises:
        ValueError: for an amount that is no number or negative, a time that is none, or another currency.

    Example:
        >>> from deepseek_v4.reply import Usage
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
            raise ValueError(f"currency={self.currency!r}: costs are told in US dollars, so give prices in USD.")
        if isinstance(self.peak, Mapping):
            object.__setattr__(self, "peak", Peak(**self.peak))

    def covers(self, at: datetime) -> bool:
        """Whether the price holds at a time (UTC)."""
        since, until = self.since, self.until
        return not (isinstance(since, datetime) and at < since) and not (isinstance(until, datetime) and at >= until)


@dataclass(frozen=True, slots=True)
class Cost:
    """What an answer cost.

    Attributes:
        usd: US dollars, for tokens alone when computed: fees per request (web search) are not in it.
        computed: Whether it was computed here from a price; False: the provider reported it.
        price_since: The day from which the price holds (``YYYY-MM-DD``), None when it is not known or not computed.
        source: Where the price stands.
    """

    usd: float
    computed: bool
    price_since: str | None = None
    source: str | None = None


def _normalise(rates: Price | Peak) -> None:
    for name in ("input", "output", "cached"):
        value = getattr(rates, name)
        if value is not None:
            object.__setattr__(rates, name, _exact(value, name))


def _exact(value: Amount, name: str = "price") -> Decimal:
    """The decimal number with the digits that were written: 0.1 is a tenth.

    Raises:
        ValueError: when it is no number, negative or infinite.
    """
    if isinstance(value, Decimal):
        amount = value
    else:
        try:
            amount = Decimal(str(value))
        except ArithmeticError:
            raise ValueError(f"{name}={value!r} is no amount of US dollars.") from None
    if not amount.is_finite() or amount < 0:
        raise ValueError(f"{name}={value!r} is no amount of US dollars.")
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
    return value.replace(tzinfo=timezone.utc) if value.tzinfo is None else value.astimezone(timezone.utc)
