"""``deepseek-v4 prices``: the price now and off-peak, and the cost of calls of a given size."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Annotated

import typer

from deepseek_v4 import catalog
from deepseek_v4.catalog.cost import of as cost_of_usage
from deepseek_v4.catalog.lookup import ModelFacts
from deepseek_v4.cli import options as o
from deepseek_v4.cli.output import emit, note, schema_option, table
from deepseek_v4.cli.peak_hours import rates_at
from deepseek_v4.providers import find_provider
from deepseek_v4.values.prices import Peak, Price, in_utc
from deepseek_v4.values.reply import Usage


@dataclass(frozen=True, slots=True)
class Rates:
    """US dollars per million tokens; ``cached`` are input tokens read from the cache."""

    input: float
    cached: float | None
    output: float


@dataclass(frozen=True, slots=True)
class ModelPrice:
    """The price of a model, and the cost of the calls in US dollars; None if no price is known.

    ``peak``: True at a peak time, until ``until``; None if the model has no peak hours.
    """

    model: str
    now: Rates | None
    off_peak: Rates | None
    peak: bool | None
    until: datetime | None
    cost_now: float | None
    cost_off_peak: float | None
    source: str | None


@dataclass(frozen=True, slots=True)
class Calls:
    """The number of calls, and the tokens of each; ``cached`` of ``input`` are read from the cache."""

    number: int
    input: int
    cached: int
    output: int


@dataclass(frozen=True, slots=True)
class Prices:
    """The prices of a provider's models at a time."""

    provider: str
    at: datetime
    calls: Calls
    models: tuple[ModelPrice, ...]


def prices(
    model: o.Model = None,
    provider: o.Provider = None,
    input_tokens: Annotated[int, typer.Option("--input", min=0, help="Prompt tokens of a call.")] = 1000,
    cached_tokens: Annotated[int, typer.Option("--cached", min=0, help="Prompt tokens read from the cache.")] = 0,
    output_tokens: Annotated[int, typer.Option("--output", min=0, help="Output tokens, reasoning included.")] = 500,
    calls: Annotated[int, typer.Option(min=1, help="Number of calls.")] = 1000,
    at: Annotated[datetime | None, o.described("Time (UTC); now by default.")] = None,
    as_json: o.AsJson = False,
    json_schema: Annotated[bool, schema_option(Prices)] = False,
) -> None:
    """Print the prices, now and off-peak, and the cost of calls. Nothing is sent.

    \b
    Example:
      deepseek-v4 prices --input 2000 --cached 1500 --output 300
    """
    name = find_provider(provider or "deepseek").name
    moment = datetime.now(timezone.utc).replace(microsecond=0) if at is None else in_utc(at)
    shape = Calls(calls, input_tokens, min(cached_tokens, input_tokens), output_tokens)
    found = (catalog.find(name, model),) if model else catalog.models(name)
    rows = tuple(_row(facts, moment, shape) for facts in found)
    if as_json:
        emit(Prices(name, moment, shape, rows))
        return
    if not rows:
        note(f"The catalog has no prices of {name}.", style="yellow")
        return
    now, off = f"{calls:,} calls", f"{calls:,} calls off-peak"
    columns = ("model", "input", "cached", "output", "off-peak", now, off)
    table(
        columns, ((row.model, *_cells(row.now), _short(row.off_peak), row.cost_now, row.cost_off_peak) for row in rows)
    )
    note(f"US dollars per million tokens at {name}, {moment:%Y-%m-%d %H:%M} UTC.")
    note(f"A call: {shape.input:,} tokens in ({shape.cached:,} cached), {shape.output:,} out.")
    for text in dict.fromkeys(peak_text(row.peak, row.until) for row in rows if row.until is not None):
        note(text)


def _row(facts: ModelFacts, at: datetime, calls: Calls) -> ModelPrice:
    known = rates_at(facts, at)
    if known is None:
        return ModelPrice(facts.id, None, None, None, None, None, None, facts.source)
    base = replace(known.price, peak=None)
    return ModelPrice(
        model=facts.id,
        now=_rates(known.rates),
        off_peak=_rates(base),
        peak=known.peak,
        until=known.until,
        cost_now=_cost(known.price, calls, at),
        cost_off_peak=_cost(base, calls, at),
        source=known.price.source,
    )


def _rates(of: Price | Peak) -> Rates:
    return Rates(float(of.input), None if of.cached is None else float(of.cached), float(of.output))


def _cost(price: Price, calls: Calls, at: datetime) -> float | None:
    number = calls.number
    usage = Usage(number * calls.input, number * calls.output, cached_tokens=number * calls.cached)
    cost = cost_of_usage(usage, price, at=at)
    return None if cost is None else cost.usd


def _cells(rates: Rates | None) -> tuple[object, ...]:
    return ("not known", None, None) if rates is None else (rates.input, rates.cached, rates.output)


def _short(rates: Rates | None) -> str | None:
    return None if rates is None else " / ".join(str(cell) for cell in _cells(rates) if cell is not None)


def peak_text(peak: bool | None, until: datetime | None) -> str:
    """Return a sentence about the peak hours at a time."""
    if peak is None or until is None:
        return "The price has no peak hours."
    return f"{'Peak' if peak else 'Off-peak'} price until {until:%a %H:%M} UTC."
