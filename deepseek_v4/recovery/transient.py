"""Requests that fail and may succeed later: connection errors, 408, 409, 429, 5xx, blank bodies.

Which errors those are is the errors' own fact (``DeepSeekError.retryable``); here is how often and after how long.
"""

from __future__ import annotations

import random
from typing import Any

from deepseek_v4.errors import DeepSeekError, TimeoutError
from deepseek_v4.recovery.attempts import Attempts, Retry, RetryPolicy

__all__ = ["TransientErrorPolicy", "wait_before_retry"]

BASE_SECONDS = 0.5
CAP_SECONDS = 8.0
LONGEST_RETRY_AFTER = 60.0
"""A provider that asks for a longer wait than this gets none: the error is raised at once."""
SPREAD = 0.1
"""Calls that were refused together come back spread over this share of what the provider asked for."""
SLACK_SECONDS = 0.01
"""What counts as no time left: clocks and timers do not agree to the microsecond."""


class TransientErrorPolicy(RetryPolicy[Any, Any, Any]):
    """Sends a failed request again, up to ``max_retries`` times, unless an item of its answer was shown."""

    def judge(self, attempts: Attempts[Any, Any, Any], outcome: Any) -> Retry[Any, Any, Any] | None:
        """A retry after the back-off, or after what the provider asked for."""
        if not isinstance(outcome, DeepSeekError) or attempts.opened:
            return None
        options = attempts.request.options
        wait = wait_before_retry(self._tries(attempts), outcome, options.max_retries)
        left = attempts.seconds_left()
        if wait is None or left < SLACK_SECONDS:
            return None
        if wait >= left:
            raise TimeoutError(
                f"The call was not done within total_timeout={options.total_timeout:g} s. Raise it, or ask for less.",
                provider=outcome.provider,
            ) from outcome
        return Retry(attempts.request, "transient", str(outcome), wait=wait)

    def _tries(self, attempts: Attempts[Any, Any, Any]) -> int:
        """How many times the current request has been sent; other policies make other requests."""
        tries = 1
        for failed in reversed(attempts.failed):
            if failed.reason != "transient":
                break
            tries += 1
        return tries


def wait_before_retry(tries: int, error: DeepSeekError, max_retries: int) -> float | None:
    """Seconds to wait before the request is sent again, or None if the error is final.

    Args:
        tries: How many times the request has been sent.
        error: What the last one ended with.
        max_retries: How many may follow the first.
    """
    if not error.retryable or tries > max_retries:
        return None
    # full jitter: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    backoff = random.uniform(0, min(CAP_SECONDS, BASE_SECONDS * 2 ** (tries - 1)))  # noqa: S311 - no secret
    requested = error.retry_after
    if not requested or requested < 0:
        return backoff
    if requested > LONGEST_RETRY_AFTER:
        return None
    return requested + random.uniform(0, requested * SPREAD)  # noqa: S311
