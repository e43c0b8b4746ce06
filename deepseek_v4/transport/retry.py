"""When to try again and after how long: arithmetic for both twins. Nothing here waits or sends."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from deepseek_v4 import errors

BASE_SECONDS = 0.5
CAP_SECONDS = 8.0
LONGEST_RETRY_AFTER = 60.0
"""A provider that asks for a longer wait than this gets none: the error goes to the caller at once."""
SPREAD = 0.1
"""Calls that were refused together come back spread over this share of what the provider asked for."""


def wait_before_retry(tries: int, error: errors.DeepSeekError, max_retries: int) -> float | None:
    """Seconds to wait before the next try, or None when the error is final.

    Args:
        tries: How many times the request has been sent.
        error: What the last try ended with.
        max_retries: How many tries may follow the first.
    """
    if not error.retryable or tries > max_retries:
        return None
    asked = error.retry_after
    if not asked:  # 0 and past dates, too: at once and together is how a busy service is kept busy
        # full jitter: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
        return random.uniform(0, min(CAP_SECONDS, BASE_SECONDS * 2 ** (tries - 1)))  # noqa: S311 - no secret
    if asked > LONGEST_RETRY_AFTER:
        return None
    return asked + random.uniform(0, asked * SPREAD)  # noqa: S311


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds the provider asks to wait, from ``retry-after-ms`` or ``retry-after`` (seconds or HTTP date)."""
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    said = headers.get("retry-after")
    seconds = _number(said)
    if seconds is not None or said is None:
        return seconds
    try:
        return max(parsedate_to_datetime(said).timestamp() - time.time(), 0.0)
    except (ValueError, OverflowError, OSError):  # dates and zones that no clock has
        return None


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return None if math.isnan(number) else max(number, 0.0)
