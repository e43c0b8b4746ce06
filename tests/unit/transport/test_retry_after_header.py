from __future__ import annotations

import math
import time
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import pytest

from deepseek_v4.transport.retry_after_header import retry_after


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
def test_an_impossible_date_is_not_an_error(date):
    assert retry_after({"retry-after": date}) in (None, 0)


@pytest.mark.parametrize("header", ["0", "-3", "Fri, 01 Jan 2021 00:00:00 GMT"])
def test_a_date_in_the_past_means_no_wait(header):
    assert retry_after({"retry-after": header}) == 0


def test_retry_after_may_be_a_date():
    date = format_datetime(datetime.now(timezone.utc) + timedelta(seconds=30), usegmt=True)
    assert 28 <= retry_after({"retry-after": date}) <= 30


def test_a_date_without_a_zone_is_in_utc(monkeypatch):
    date = time.asctime(time.gmtime(time.time() + 30))
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    try:
        assert 28 <= retry_after({"retry-after": date}) <= 30
    finally:
        monkeypatch.undo()
        time.tzset()
