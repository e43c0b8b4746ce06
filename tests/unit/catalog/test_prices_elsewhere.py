"""Our prices and those of the catalogs ``genai-prices`` and ``model-prices``: every difference, and which is right."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import NamedTuple

import pytest

from deepseek_v4 import catalog
from deepseek_v4.catalog import cost
from deepseek_v4.values.reply import Usage

pytest.importorskip("genai_prices")  # from Python 3.11 on
pytest.importorskip("model_prices")

MILLION = 1_000_000
TIMES = {
    "spring": datetime(2026, 5, 4, 12),
    "August": datetime(2026, 8, 18, 12),
    "August, peak": datetime(2026, 8, 18, 2),
    "before V4.1": datetime(2026, 9, 10, 3, 59),
    "V4.1": datetime(2026, 9, 10, 12),
    "holiday": datetime(2026, 10, 1, 2),
    "Saturday": datetime(2026, 11, 28, 2),
    "Monday, peak": datetime(2026, 11, 30, 2),
    "Monday": datetime(2026, 11, 30, 12),
}


class Difference(NamedTuple):
    """A difference between a catalog's prices and ours.

    Attributes:
        source: The other catalog.
        models: The ids.
        times: Names of ``TIMES``.
        right: Whose prices are right, and why.
    """

    source: str
    models: tuple[str, ...]
    times: tuple[str, ...]
    right: str


RETIRED = ("deepseek-v4-flash", "deepseek-v4-flash-vision-exp")
DIFFERENCES = (
    Difference(
        "genai-prices",
        ("deepseek-flash", "deepseek-v4-pro", *RETIRED),
        ("holiday", "Saturday"),
        "ours: the pricing page has peak hours from Monday to Friday without public holidays; it has them every day",
    ),
    Difference(
        "genai-prices",
        RETIRED,
        ("August, peak", "before V4.1"),
        "ours: it has no peak prices before V4.1, and begins V4.1 at midnight instead of 04:00 UTC",
    ),
    Difference(
        "genai-prices",
        ("deepseek/deepseek-v4-flash",),
        ("Saturday", "Monday, peak", "Monday"),
        "neither for long: ours is the model page of November, its price that of one endpoint on 2026-11-09",
    ),
    Difference(
        "model-prices",
        ("deepseek-v4-flash", "deepseek-v4-pro"),
        ("spring",),
        "ours: copies of the pricing page have the lower prices from 2026-04-26 on; its source followed on 2026-05-25",
    ),
)


def ours(provider: str, model: str, at: datetime) -> float | None:
    found = cost.of(Usage(2 * MILLION, MILLION, cached_tokens=MILLION), catalog.find(provider, model), at=at)
    return None if found is None else round(found.usd, 9)


def theirs(source: str, provider: str, model: str, at: datetime) -> float | None:
    if source == "genai-prices":
        import genai_prices

        usage = genai_prices.Usage(input_tokens=2 * MILLION, cache_read_tokens=MILLION, output_tokens=MILLION)
        try:
            price = genai_prices.calc_price(usage, model, provider_id=provider, genai_request_timestamp=at)
        except LookupError:
            return None
        return round(float(price.total_price), 9)
    import model_prices

    tokens = {"input_tokens": MILLION, "cache_read_tokens": MILLION, "output_tokens": MILLION}
    usd = model_prices.cost(model, provider=provider, at=at, **tokens)
    return None if usd is None else round(usd, 9)


def compared() -> Iterator[tuple[tuple[str, str, str], float, float]]:
    for source, provider in (
        ("genai-prices", "deepseek"),
        ("genai-prices", "openrouter"),
        ("model-prices", "deepseek"),
    ):
        for facts in catalog.models(provider):
            for name, moment in TIMES.items():
                at = moment.replace(tzinfo=timezone.utc)
                own, other = ours(provider, facts.id, at), theirs(source, provider, facts.id, at)
                if own is not None and other is not None:
                    yield (source, facts.id, name), own, other


def test_every_difference_is_listed_with_the_correct_catalog() -> None:
    pairs = list(compared())
    assert len(pairs) > 50
    found = {place: (own, other) for place, own, other in pairs if own != other}
    known = {(row.source, model, time) for row in DIFFERENCES for model in row.models for time in row.times}
    assert found.keys() <= known, {place: amounts for place, amounts in found.items() if place not in known}
    gone = [row for row in DIFFERENCES if not any(place[0] == row.source and place[2] in row.times for place in found)]
    assert not gone


def test_the_documentation_lists_the_differences() -> None:
    text = (Path(__file__).parents[3] / "docs" / "doubts.md").read_text(encoding="utf-8")
    for row in DIFFERENCES:
        models, times = ", ".join(f"`{model}`" for model in row.models), ", ".join(row.times)
        assert f"| {row.source} | {models} | {times} | {row.right} |" in text
    pairs = list(compared())
    assert f"{sum(own == other for _, own, other in pairs)} of {len(pairs)} prices are equal" in text


def test_the_public_holidays_are_those_of_the_other_catalog() -> None:
    import model_prices

    calendar = model_prices._data()["schedules"]["holidays"]["cn"]
    (price,) = catalog.find("deepseek", "deepseek-flash").prices
    assert price.peak is not None
    year = [day for day in calendar["dates"] if day.startswith("2026-")]
    assert sorted(day.isoformat() for day in price.peak.holidays) == year
    assert len(year) == 33
