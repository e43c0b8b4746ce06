"""Retries of requests that may succeed later: connection errors, 408, 409, 429, 5xx, empty bodies.

``DeepSeekError.retryable`` defines which errors are retried; this module defines how often and after which wait.
"""

from __future__ import annotations

import random
from typing import Any

from deepseek_v4.errors import DeepSeekError, TimeoutError
from deepseek_v4.recovery.attempts import Attempts, Retry, RetryPolicy

BASE_SECONDS = 0.5
CAP_SECONDS = 8.0
LONGEST_RETRY_AFTER = 60.0
"""Maximum wait that a provider may request; if it requests more, the error is raised at once."""
SPREAD = 0.1
"""Share of the requested wait over which calls that were rejected together are spread."""
SLACK_SECONDS = 0.01
"""Less than this counts as no time left, because clocks and timers differ slightly."""
_BILLED_TWICE = "The provider may bill this request as well."


class TransientErrorPolicy(RetryPolicy[Any, Any, Any]):
    """Policy that sends a failed request again, up to ``max_retries`` times, unless its response has begun."""

    def judge(self, attempts: Attempts[Any, Any, Any], outcome: Any) -> Retry[Any, Any, Any] | None:
        """Retry after the back-off, or after the wait that the provider requested."""
        if not isinstance(outcome, DeepSeekError) or attempts.opened:
            return None
        options = attempts.request.options
        wait = wait_before_retry(self._sent_count(attempts), outcome, options.max_retries)
        left = attempts.seconds_left()
        if wait is None or left < SLACK_SECONDS:
            return None
        if isinstance(outcome, TimeoutError) and outcome.may_be_billed and not options.retry_on_timeout:
            attempts.exhausted = True
            return None
        if not attempts.may_retry():
            return None
        if wait >= left:
            raise TimeoutError(
                f"The call exceeded total_timeout={options.total_timeout:g} s. "
                "Increase it or request a shorter answer.",
                provider=outcome.provider,
            ) from outcome
        detail = f"{outcome} {_BILLED_TWICE}" if outcome.may_be_billed else str(outcome)
        return Retry(attempts.request, "transient", detail, wait=wait)

    def _sent_count(self, attempts: Attempts[Any, Any, Any]) -> int:
        """Return how many times the current request was sent; other policies create other requests."""
        count = 1
        for failed in reversed(attempts.failed):
            if failed.reason != "transient":
                break
            count += 1
        return count


def wait_before_retry(attempts: int, error: DeepSeekError, max_retries: int) -> float | None:
    """Return the seconds to wait before a retry, or None if the error is final.

    Args:
        attempts: How many times the request has been sent.
        error: The error of the last attempt.
        max_retries: Maximum number of retries.
    """
    if not error.retryable or attempts > max_retries:
        return None
    # full jitter: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    backoff = random.uniform(0, min(CAP_SECONDS, BASE_SECONDS * 2 ** (attempts - 1)))  # noqa: S311 - not a secret
    requested = error.retry_after
    if not requested or requested < 0:
        return backoff
    if requested > LONGEST_RETRY_AFTER:
        return None
    return requested + random.uniform(0, requested * SPREAD)  # noqa: S311
