from __future__ import annotations

import math
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import pytest

from deepseek_v4 import errors
from deepseek_v4.transport import retry
from deepseek_v4.transport.retry import retry_after, wait_before_retry

BUSY = errors.OverloadedError("busy")


def test_an_error_that_will_not_pass_is_final():
    assert wait_before_retry(1, errors.InvalidRequestError("wrong"), 2) is None


@pytest.mark.parametrize(("max_retries", "tries"), [(0, 1), (2, 3)])
def test_the_last_try_is_final(max_retries, tries):
    assert wait_before_retry(tries, BUSY, max_retries) is None
    if tries > 1:
        assert wait_before_retry(tries - 1, BUSY, max_retries) is not None


def test_waits_are_anything_up_to_a_doubling_cap(monkeypatch):
    ranges = []
    monkeypatch.setattr(retry.random, "uniform", lambda low, high: ranges.append((low, high)) or high)
    for tries in range(1, 8):
        wait_before_retry(tries, BUSY, 10)
    assert ranges == [(0, 0.5), (0, 1), (0, 2), (0, 4), (0, 8), (0, 8), (0, 8)]


def test_a_wait_asked_for_is_kept_and_spread_a_little():
    error = errors.RateLimitError("slow down", retry_after=20)
    assert all(20 <= wait_before_retry(1, error, 2) <= 22 for _ in range(50))


def test_a_wait_of_over_a_minute_is_the_callers_business():
    assert wait_before_retry(1, errors.RateLimitError("slow down", retry_after=61), 2) is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "-3"}, 0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, math.inf),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "Fri, 01 Jan 2021 00:00:00 GMT"}, 0),
    ],
)
def test_retry_after_is_read(headers, seconds):
    assert retry_after(headers) == seconds


@pytest.mark.parametrize(
    "date",
    [
        "Fri, 01 Jan 99999999999 00:00:00 GMT",
        "Fri, 01 Jan 2027 00:00:00 +99999999999999",
        "Fri, 01 Jan 0001 00:00:00 -0000",
        "Fri, 99 Jan 2027 00:00:00 GMT",
    ],
)
def test_a_date_that_no_clock_has_is_not_an_error(date):
    assert retry_after({"retry-after": date}) in (None, 0)


@pytest.mark.parametrize("said", ["0", "-3", "Fri, 01 Jan 2021 00:00:00 GMT"])
def test_a_wait_of_nothing_still_backs_off(monkeypatch, said):
    monkeypatch.setattr(retry.random, "uniform", lambda low, high: high)
    error = errors.RateLimitError("slow down", retry_after=retry_after({"retry-after": said}))
    assert [wait_before_retry(tries, error, 3) for tries in (1, 2, 3)] == [0.5, 1, 2]


def test_retry_after_may_be_a_date():
    date = format_datetime(datetime.now(timezone.utc) + timedelta(seconds=30), usegmt=True)
    assert 28 <= retry_after({"retry-after": date}) <= 30
