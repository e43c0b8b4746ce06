"""Usage times price: what an answer cost in US dollars. The prices themselves stand in ``catalog.toml``.

Exact arithmetic inside, a float outside. What no source tells has no cost: ``None``, never a guess.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timezone
from decimal import Context, Decimal
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from deepseek_v4.reply import Usage

__all__ = ["Cost", "Peak", "Price", "Priced", "of", "price_at"]

Amount: TypeAlias = "Decimal | float | str"
"""A price as people write it; ``Price`` and ``Peak`` keep it as the ``Decimal`` of the same digits."""

_EXACT = Context(prec=60)
_PER = Decimal(1_000_000)
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


class Priced(Protocol):
    """Anything with a history of prices, such as ``catalog.ModelFacts``."""

    @property
    def prices(self) -> tuple[Price, ...]:
        """Prices, in any order; of those that hold at a time the one with the latest ``since`` counts."""


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


def of(
    usage: Usage | None,
    facts_or_price: Priced | Price | Mapping[str, Any] | Iterable[Price] | None = None,
    *,
    at: datetime | None = None,
) -> Cost | None:
    """The cost of an answer.

    Args:
        usage: Tokens as the provider counted them. Its own ``cost`` wins over any price.
        facts_or_price: Facts of a model, one price, a history of prices, or a mapping with the fields of ``Price``
            such as ``{"input": 0.14, "output": 0.28}`` (US dollars per million tokens).
        at: When the request was made, now by default; without a time zone it is UTC.

    Returns:
        The cost, or None when no price is known for that time.

    Raises:
        ValueError: for a mapping that is no price.
    """
    if usage is None:
        return None
    if usage.cost is not None:
        return Cost(float(usage.cost), computed=False, source="reported by the provider")
    moment = datetime.now(timezone.utc) if at is None else _in_utc(at)
    price = price_at(_history(facts_or_price), moment)
    if price is None:
        return None
    rates: Price | Peak = price.peak if price.peak is not None and price.peak.covers(moment) else price
    input_tokens = int(usage.input_tokens)  # some hosts send whole numbers as floats
    cached_tokens = int(min(max(usage.cached_tokens or 0, 0), input_tokens))
    # what a Price keeps is Decimal, whatever it was written as
    cached_price: Any = rates.input if rates.cached is None else rates.cached
    total = _EXACT.multiply(input_tokens - cached_tokens, rates.input)  # type: ignore[arg-type]
    total = _EXACT.fma(cached_tokens, cached_price, total)
    total = _EXACT.fma(int(usage.output_tokens), rates.output, total)  # type: ignore[arg-type]
    since = price.since.date().isoformat() if isinstance(price.since, datetime) else None
    return Cost(float(_EXACT.divide(total, _PER)), computed=True, price_since=since, source=price.source)


def _history(known: Priced | Price | Mapping[str, Any] | Iterable[Price] | None) -> Iterable[Price]:
    if known is None:
        return ()
    if isinstance(known, Price):
        return (known,)
    if isinstance(known, Mapping):
        try:
            return (Price(**known),)
        except TypeError as error:
            fields = "input, output, cached, since, until, source, peak"
            raise ValueError(f"{dict(known)!r} is no price ({error}); its fields are: {fields}.") from None
    return known if isinstance(known, Iterable) else known.prices


def price_at(prices: Iterable[Price], at: datetime) -> Price | None:
    """The price that holds at a time (UTC); None where none does."""
    held = None
    for price in prices:
        if price.covers(at) and (held is None or _is_later(price.since, held.since)):
            held = price
    return held


def _is_later(one: Any, other: Any) -> bool:
    """Whether a beginning is later than another; None is before all."""
    return one is not None and (other is None or bool(one > other))


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
    return _in_utc(value)


def _in_utc(value: datetime) -> datetime:
    return value.replace(tzinfo=timezone.utc) if value.tzinfo is None else value.astimezone(timezone.utc)
