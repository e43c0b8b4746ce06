"""The cost of an answer: the source of the figure, the price at a given time, and exact arithmetic."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepseek_v4 import catalog
from deepseek_v4.catalog import cost
from deepseek_v4.values.prices import Peak, Price
from deepseek_v4.values.reply import Usage

MILLION = 1_000_000
SUNDAY = datetime(2026, 11, 22, 2, tzinfo=timezone.utc)
MONDAY = SUNDAY + timedelta(days=1)


def usd(found: cost.Cost | None) -> float:
    assert found is not None
    return found.usd


def test_the_providers_own_figure_wins() -> None:
    found = cost.of(Usage(MILLION, MILLION, cost=0.0123), Price(1, 2))
    assert found == cost.Cost(0.0123, computed=False, source="reported by the provider")


def test_a_reported_cost_of_zero_is_a_cost() -> None:
    assert usd(cost.of(Usage(MILLION, MILLION, cost=0.0), Price(1, 2))) == 0


def test_integers_sent_as_floats_are_counted() -> None:
    counted: Any = Usage(10.0, 2.0, cached_tokens=4.0)  # type: ignore[arg-type]
    assert cost.of(counted, Price(1, 2, "0.1")) == cost.of(Usage(10, 2, cached_tokens=4), Price(1, 2, "0.1"))


def test_input_output_and_cached_tokens_have_their_prices() -> None:
    price = Price(0.14, 0.28, 0.028, since="2026-11-01", source="page")
    found = cost.of(Usage(10 * MILLION, 2 * MILLION, cached_tokens=4 * MILLION), price)
    assert found == cost.Cost(0.14 * 6 + 0.028 * 4 + 0.28 * 2, computed=True, price_since="2026-11-01", source="page")


def test_cached_tokens_without_a_price_cost_as_much_as_input() -> None:
    assert usd(cost.of(Usage(MILLION, 0, cached_tokens=MILLION), Price(0.5, 1))) == 0.5


def test_cached_tokens_above_the_input_tokens_are_ignored() -> None:
    assert usd(cost.of(Usage(MILLION, 0, cached_tokens=9 * MILLION), Price(0.5, 1, 0.1))) == 0.1


def test_an_unknown_price_is_none() -> None:
    usage = Usage(1, 1)
    assert cost.of(usage) is None
    assert cost.of(usage, catalog.find("vllm", "mine")) is None
    assert cost.of(None, Price(1, 1)) is None


def test_peak_hours_can_be_a_mapping() -> None:
    mapping = {"input": "0.14", "output": 0.28, "peak": {"input": 1, "output": 2, "hours": [[2, 3]]}}
    price = Price(**mapping)  # type: ignore[arg-type]
    assert usd(cost.of(Usage(MILLION, 0), price, at=MONDAY)) == 1
    assert usd(cost.of(Usage(MILLION, 0), price, at=MONDAY + timedelta(hours=1))) == 0.14


@pytest.mark.parametrize(
    "wrong",
    [
        {"input": -1, "output": 1},
        {"input": "free", "output": 1},
        {"input": float("nan"), "output": 1},
        {"input": float("inf"), "output": 1},
        {"input": 1, "output": 1, "currency": "CNY"},
        {"input": 1, "output": 1, "since": "yesterday"},
    ],
)
def test_an_invalid_price_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        Price(**wrong)


def test_the_price_depends_on_the_time() -> None:
    history = (
        Price(1, 0, since=date(2026, 1, 1), until=datetime(2026, 2, 1)),
        Price(2, 0, since=datetime(2026, 3, 1)),
        Price(3, 0, since="2026-08-16T16:00:00Z"),
    )
    facts = replace(catalog.find("vllm", "mine"), prices=history)

    def at(*moment: int, zone: timezone | None = timezone.utc) -> float | None:
        found = cost.of(Usage(MILLION, 0), facts, at=datetime(*moment, tzinfo=zone))  # type: ignore[arg-type, misc]
        return None if found is None else found.usd

    assert at(2025, 12, 31, 23, 59) is None
    assert at(2026, 1, 1) == 1
    assert at(2026, 2, 1) is None
    assert at(2026, 3, 1) == 2
    assert at(2026, 8, 16, 15, 59) == 2
    assert at(2026, 8, 16, 16, 0) == 3
    assert at(2026, 8, 16, 16, 0, zone=None) == 3
    assert at(2026, 8, 17, 0, 0, zone=timezone(timedelta(hours=8))) == 3
    assert at(2026, 8, 16, 23, 59, zone=timezone(timedelta(hours=8))) == 2


@pytest.mark.parametrize(
    ("at", "peak"),
    [
        (datetime(2026, 11, 23, 0, 59, 59), False),  # Monday
        (datetime(2026, 11, 23, 1, 0), True),
        (datetime(2026, 11, 23, 3, 59, 59), True),
        (datetime(2026, 11, 23, 4, 0), False),
        (datetime(2026, 11, 23, 6, 0), True),
        (datetime(2026, 11, 23, 10, 0), False),
        (datetime(2026, 11, 27, 9, 0), True),  # Friday
        (datetime(2026, 11, 28, 9, 0), False),  # Saturday
        (datetime(2026, 11, 22, 2, 0), False),  # Sunday
        (datetime(2026, 9, 24, 9, 0), True),  # Thursday
        (datetime(2026, 9, 25, 9, 0), False),  # Friday, Mid-Autumn
        (datetime(2026, 10, 1, 2, 0), False),  # Thursday, National Day
        (datetime(2026, 10, 7, 2, 0), False),
        (datetime(2026, 10, 8, 2, 0), True),
        (datetime(2026, 10, 10, 2, 0), False),  # a Saturday that was a working day
    ],
)
def test_deepseek_costs_twice_as_much_at_peak_hours(at: datetime, peak: bool) -> None:
    usage = Usage(MILLION, MILLION, cached_tokens=MILLION // 2)
    for model, off_peak in (("deepseek-flash", 0.0015 + 0.075 + 0.6), ("deepseek-v4-pro", 0.011 + 0.33 + 1.98)):
        found = cost.of(usage, catalog.find("deepseek", model), at=at)
        assert usd(found) == pytest.approx(off_peak * (2 if peak else 1), rel=1e-15)


@pytest.mark.parametrize(
    ("model", "at", "expected"),
    [
        ("deepseek-v4-flash", datetime(2026, 4, 23), None),
        ("deepseek-v4-flash", datetime(2026, 4, 25), 0.028 + 0.28),
        ("deepseek-v4-flash", datetime(2026, 6, 1), 0.0028 + 0.28),
        ("deepseek-v4-flash", datetime(2026, 8, 17, 2), 0.014 + 1.32),
        ("deepseek-v4-flash", datetime(2026, 9, 11, 12), 0.003 + 0.6),
        ("deepseek-flash", datetime(2026, 9, 1), None),
        ("deepseek-v4-pro", datetime(2026, 4, 24), 0.145 + 3.48),
        ("deepseek-v4-pro", datetime(2026, 4, 25), None),
        ("deepseek-v4-pro", datetime(2026, 4, 26), 0.03625 + 0.87),
        ("deepseek-v4-pro", datetime(2026, 8, 16), 0.003625 + 0.87),
        ("deepseek-v4-pro", datetime(2026, 10, 1, 12), 0.022 + 1.98),
    ],
)
def test_a_past_date_has_the_price_of_that_date(model: str, at: datetime, expected: float | None) -> None:
    found = cost.of(Usage(MILLION, MILLION, cached_tokens=MILLION), catalog.find("deepseek", model), at=at)
    if expected is None:
        assert found is None
    else:
        assert usd(found) == pytest.approx(expected, rel=1e-15)


def test_the_default_time_is_now() -> None:
    now = datetime.now(timezone.utc)
    assert cost.of(Usage(1, 1), Price(1, 1, since=now - timedelta(days=1), until=now + timedelta(days=1))) is not None
    assert cost.of(Usage(1, 1), Price(1, 1, until=now - timedelta(days=1))) is None


@given(
    st.integers(0, 10**12),
    st.integers(0, 10**12),
    st.integers(0, 10**12),
    *[st.decimals(0, 10_000, places=8) for _ in range(3)],
)
def test_costs_are_exact(
    fresh: int, cached: int, output: int, input_price: Decimal, output_price: Decimal, cached_price: Decimal
) -> None:
    usage = Usage(fresh + cached, output, cached_tokens=cached)
    exact = (
        Fraction(input_price) * fresh + Fraction(cached_price) * cached + Fraction(output_price) * output
    ) / MILLION
    assert usd(cost.of(usage, Price(input_price, output_price, cached_price))) == float(exact)


def test_a_float_price_is_read_as_its_decimal_digits() -> None:
    assert Price(0.1, 0.2) == Price("0.1", Decimal("0.2"))
    assert usd(cost.of(Usage(3 * MILLION, 0), Price(0.1, 0))) == 0.3


def test_prices_can_be_hashed_and_peaks_are_normalised() -> None:
    price = Price(1, 2, peak=Peak(2, 4, hours=[[1, 4]], weekdays=[0]))  # type: ignore[arg-type]
    assert hash(price) == hash(Price(1, 2, peak=Peak(2, 4, hours=((1, 4),), weekdays=(0,))))


@pytest.mark.parametrize("created", [None, 0, 1_790_000_000_000_000, -(10**18), "2026-11-01T00:00:00Z", 10**400])
def test_an_unreadable_time_has_the_current_price(created: Any) -> None:
    found = catalog.cost_of(Usage(MILLION, 0), "deepseek", "deepseek-v4-flash", created)
    assert found is not None
    assert found.usd > 0


def test_an_answer_has_the_price_of_its_creation_time() -> None:
    at, usage = datetime(2026, 9, 5, tzinfo=timezone.utc), Usage(MILLION, 0)
    found = catalog.cost_of(usage, "deepseek", "deepseek-v4-flash", int(at.timestamp()))
    assert found == cost.of(usage, catalog.find("deepseek", "deepseek-v4-flash"), at=at)
    assert catalog.cost_of(None, "deepseek", "deepseek-v4-flash", None) is None


def test_costs_are_added_and_the_later_details_are_kept() -> None:
    first, later = cost.Cost(0.25, computed=True, price_since="2026-05-01"), cost.Cost(0.5, computed=False, source="b")
    assert first + later == cost.Cost(0.75, computed=True, source="b")
    assert first + None is None
