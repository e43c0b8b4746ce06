"""The cost of an answer in US dollars: usage times price. The prices are in ``catalog/models.toml``.

Computed with exact arithmetic, returned as a float. Without a known price the cost is None, never a guess.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Context, Decimal
from typing import TYPE_CHECKING, Any

from deepseek_v4.catalog.lookup import ModelFacts, find
from deepseek_v4.values.prices import Cost, Peak, Price, in_utc, price_at

if TYPE_CHECKING:
    from deepseek_v4.values.reply import Usage

__all__ = ["cheaper_from", "next_change", "of", "price_at"]

_EXACT = Context(prec=60)
_PER = Decimal(1_000_000)
_HOURS_OF_A_WEEK = 7 * 24
_ALWAYS = datetime.min.replace(tzinfo=timezone.utc)


def of(
    usage: Usage | None,
    facts_or_price: ModelFacts | Price | None = None,
    *,
    at: datetime | None = None,
) -> Cost | None:
    """Compute the cost of an answer.

    Args:
        usage: Tokens as counted by the provider. Its ``cost`` takes precedence over any price.
        facts_or_price: Facts of a model, with its history of prices, or one price.
        at: Time of the request, now by default; without a time zone it is UTC.

    Returns:
        The cost, or None if no price is known for that time.
    """
    if usage is None:
        return None
    known = (facts_or_price,) if isinstance(facts_or_price, Price) else facts_or_price.prices if facts_or_price else ()
    return _cost_at(usage, known, _now() if at is None else in_utc(at))


def _cost_at(usage: Usage, prices: Sequence[Price], moment: datetime) -> Cost | None:
    if usage.cost is not None:
        return Cost(float(usage.cost), computed=False, source="reported by the provider")
    price = price_at(prices, moment)
    if price is None:
        return None
    rates: Price | Peak = price.peak if price.peak is not None and price.peak.covers(moment) else price
    input_tokens = int(usage.input_tokens)  # some hosts send whole numbers as floats
    cached_tokens = int(min(max(usage.cached_tokens or 0, 0), input_tokens))
    # a Price contains Decimals, whatever was passed
    cached_price: Any = rates.input if rates.cached is None else rates.cached
    total = _EXACT.multiply(input_tokens - cached_tokens, rates.input)  # type: ignore[arg-type]
    total = _EXACT.fma(cached_tokens, cached_price, total)
    total = _EXACT.fma(int(usage.output_tokens), rates.output, total)  # type: ignore[arg-type]
    since = price.since.date().isoformat() if isinstance(price.since, datetime) else None
    return Cost(float(_EXACT.divide(total, _PER)), computed=True, price_since=since, source=price.source)


def next_change(peak: Peak, at: datetime) -> datetime | None:
    """Return the full hour after a time (UTC) at which peak hours begin or end; None if they never do in a week."""
    now, hour = peak.covers(at), at.replace(minute=0, second=0, microsecond=0)
    coming = (hour + timedelta(hours=hours) for hours in range(1, _HOURS_OF_A_WEEK + 1))
    return next((time for time in coming if peak.covers(time) != now), None)


def cheaper_from(facts: ModelFacts, at: datetime) -> datetime | None:
    """Return the time (UTC) at which the peak hours end; None outside them."""
    price = price_at(facts.prices, at)
    if price is None or price.peak is None or not price.peak.covers(at):
        return None
    return next_change(price.peak, at)


def cost_of(usage: Usage | None, provider: str, model: str, created: float | None) -> Cost | None:
    """Compute the cost of an answer by the prices at the time of its creation; ``Reply.cost`` holds it.

    The cost is that of the tokens, and of the calls of server tools.

    Args:
        usage: Its tokens as counted by the provider.
        provider: The provider's name.
        model: The id of the model that answered.
        created: Unix time in seconds; None, and a value that is not a time: now.

    Returns:
        The cost, or None if the tokens or the price are not known.
    """
    if usage is None:
        return None
    try:
        made = datetime.fromtimestamp(created, timezone.utc) if created else _now()
    except (TypeError, ValueError, OverflowError, OSError):  # a host that sends other units, or a date
        made = _now()
    facts = find(provider, model)
    tokens = _cost_at(usage, facts.prices, made)
    calls, price = usage.server_tool_calls, facts.server_tool_price
    if not calls or price is None or tokens is None or not tokens.computed:
        return tokens
    if made < (facts.server_tool_price_since or _ALWAYS):
        return tokens
    return replace(tokens, usd=float(Decimal(str(tokens.usd)) + calls * price))


def _now() -> datetime:
    return datetime.now(timezone.utc)
