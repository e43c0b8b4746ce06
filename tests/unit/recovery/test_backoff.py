from __future__ import annotations

import pytest

from deepseek_v4 import errors
from deepseek_v4.recovery import backoff
from deepseek_v4.recovery.backoff import wait_before_retry

BUSY = errors.OverloadedError("busy")


def test_an_error_that_is_not_retryable_is_final() -> None:
    assert wait_before_retry(1, errors.InvalidRequestError("wrong"), 2) is None


@pytest.mark.parametrize(("max_retries", "attempts"), [(0, 1), (2, 3)])
def test_the_last_attempt_is_final(max_retries: int, attempts: int) -> None:
    assert wait_before_retry(attempts, BUSY, max_retries) is None
    if attempts > 1:
        assert wait_before_retry(attempts - 1, BUSY, max_retries) is not None


def test_waits_are_random_up_to_a_doubling_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    ranges = []
    monkeypatch.setattr(backoff.random, "uniform", lambda low, high: ranges.append((low, high)) or high)
    for attempts in range(1, 8):
        wait_before_retry(attempts, BUSY, 10)
    assert ranges == [(0, 0.5), (0, 1), (0, 2), (0, 4), (0, 8), (0, 8), (0, 8)]


def test_a_requested_wait_is_used_with_a_small_spread() -> None:
    error = errors.RateLimitError("slow down", retry_after=20)
    waits = [wait_before_retry(1, error, 2) for _ in range(50)]
    assert all(wait is not None and 20 <= wait <= 22 for wait in waits)


def test_a_wait_over_a_minute_is_left_to_the_caller() -> None:
    assert wait_before_retry(1, errors.RateLimitError("slow down", retry_after=61), 2) is None


@pytest.mark.parametrize("seconds", [0, -3])
def test_a_requested_wait_of_zero_uses_the_backoff(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    monkeypatch.setattr(backoff.random, "uniform", lambda low, high: high)
    error = errors.RateLimitError("slow down", retry_after=seconds)
    assert [wait_before_retry(attempts, error, 3) for attempts in (1, 2, 3)] == [0.5, 1, 2]
