"""How long a call may take. Numbers only: nothing here waits."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

from deepseek_v4 import errors

CONNECT_SECONDS = 10.0
WRITE_SECONDS = 60.0
IDLE_SECONDS = 600.0
"""DeepSeek closes a request that is still queued after ten minutes; its keep-alives reset this limit
(https://api-docs.deepseek.com/quick_start/rate_limit)."""

PHASES = ("connect", "read", "write", "pool")


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one call.

    Attributes:
        timeout: Seconds without a byte: connecting, writing, waiting for the next piece, and waiting for a free
            connection of a given client. A ``httpx.Timeout`` (or ``httpx2.Timeout``) is taken as it is. None: 10 s to
            connect, 60 s to write, 600 s between pieces and for a free connection.
        total_timeout: Seconds for everything together: all requests, the waits between them and the whole answer,
            with the time the caller takes between two pieces of a stream. None: no such limit.
        deadline: When the call must be done, by ``time.monotonic``, for a request that follows another one of the call.

    Raises:
        InvalidRequestError: when a number of seconds is not above zero.
    """

    timeout: Any = None
    total_timeout: float | None = None
    deadline: float | None = None

    def __post_init__(self) -> None:
        for name in ("timeout", "total_timeout"):
            value = getattr(self, name)
            if isinstance(value, (int, float)) and not value > 0:
                raise errors.InvalidRequestError(f"{name}={value} must be above 0 seconds, or None.")

    def ends_at(self) -> float | None:
        """When the call must be done, by ``time.monotonic``, if it begins now; None without a limit."""
        if self.deadline is not None or self.total_timeout is None:
            return self.deadline
        return time.monotonic() + self.total_timeout

    def timeouts(self) -> dict[str, float | None]:
        """Seconds by phase, under the names httpx gives them; None is no limit."""
        given = self.timeout
        if given is None:
            return {"connect": CONNECT_SECONDS, "read": IDLE_SECONDS, "write": WRITE_SECONDS, "pool": IDLE_SECONDS}
        if isinstance(given, (int, float)):
            seconds = None if given == math.inf else float(given)
            return {"connect": seconds, "read": seconds, "write": seconds, "pool": seconds}
        return {phase: getattr(given, phase) for phase in PHASES}


class Remaining(dict[str, Any]):
    """Timeouts by phase, each cut to what is left until a deadline at the moment the HTTP library asks."""

    __slots__ = ("deadline",)

    def __init__(self, timeouts: dict[str, float | None], deadline: float) -> None:
        super().__init__(timeouts)
        self.deadline = deadline

    def get(self, phase: str, default: Any = None) -> Any:
        """Seconds for the phase that begins now."""
        left = max(self.deadline - time.monotonic(), 0.001)
        limit = super().get(phase, default)
        return left if limit is None else min(limit, left)
