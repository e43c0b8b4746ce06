"""The limits of a call, as numbers: this module does not wait."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

from deepseek_v4 import errors
from deepseek_v4.values.http import TIMEOUT_PHASES
from deepseek_v4.values.response_limits import DEFAULT

CONNECT_SECONDS = 10.0
WRITE_SECONDS = 60.0
IDLE_SECONDS = 600.0
"""DeepSeek closes a request that is still queued after ten minutes; its keep-alives reset this limit
(https://api-docs.deepseek.com/quick_start/rate_limit)."""


@dataclass(slots=True, eq=False, repr=False)
class Limits:
    """The limits of one call.

    Attributes:
        timeout: Seconds without a byte: while connecting, while writing, until the next chunk, and until a given client
            has a free connection. An ``httpx.Timeout`` (or ``httpx2.Timeout``) is used unchanged. None: 10 s to
            connect, 60 s to write, 600 s between chunks and for a free connection.
        total_timeout: Seconds for the complete call: all requests, the waits between them and the complete answer,
            including the time the caller takes between two chunks of a stream. None: unlimited.
        deadline: The time by which the call must end (``time.monotonic``), for a later request of the same call.
        body_bytes: Bytes of a complete response, decompressed.

    Raises:
        InvalidRequestError: If a number of seconds is not above zero.
    """

    timeout: Any = None
    total_timeout: float | None = None
    deadline: float | None = None
    body_bytes: int = DEFAULT.body_bytes

    def __post_init__(self) -> None:
        if self.timeout is None and self.total_timeout is None:
            return
        for name in ("timeout", "total_timeout"):
            value = getattr(self, name)
            if isinstance(value, (int, float)) and not value > 0:
                raise errors.InvalidRequestError(f"Invalid {name}={value}. Use a number of seconds above 0, or None.")

    def ends_at(self) -> float | None:
        """Return the time by which the call must end (``time.monotonic``) if it begins now; None without a limit."""
        if self.deadline is not None or self.total_timeout is None:
            return self.deadline
        return time.monotonic() + self.total_timeout

    def timeouts(self) -> dict[str, float | None]:
        """Return the seconds by phase, with httpx's phase names; None means unlimited."""
        given = self.timeout
        if given is None:
            return {"connect": CONNECT_SECONDS, "read": IDLE_SECONDS, "write": WRITE_SECONDS, "pool": IDLE_SECONDS}
        if isinstance(given, (int, float)):
            seconds = None if given == math.inf else float(given)
            return {"connect": seconds, "read": seconds, "write": seconds, "pool": seconds}
        return {phase: getattr(given, phase) for phase in TIMEOUT_PHASES}


class Remaining(dict[str, Any]):
    """Timeouts by phase, each limited to the time left until a deadline when the HTTP library reads it."""

    __slots__ = ("deadline",)

    def __init__(self, timeouts: dict[str, float | None], deadline: float) -> None:
        super().__init__(timeouts)
        self.deadline: float = deadline

    def get(self, phase: str, default: Any = None) -> Any:
        """Return the seconds for the phase that begins now."""
        left = max(self.deadline - time.monotonic(), 0.001)
        limit = super().get(phase, default)
        return left if limit is None else min(limit, left)
