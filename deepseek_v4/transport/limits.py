"""How long a call may take and how often it is tried. Numbers only: nothing here waits."""

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
        total_timeout: Seconds for everything together: all tries, the waits between them and the whole answer,
            with the time the caller takes between two pieces of a stream. None: no such limit.
        max_retries: How many times a failed request is sent again; 0 sends it exactly once.

    Raises:
        InvalidRequestError: when a number of seconds is not above zero, or ``max_retries`` below it.
    """

    timeout: Any = None
    total_timeout: float | None = None
    max_retries: int = 2

    def __post_init__(self) -> None:
        for name in ("timeout", "total_timeout"):
            value = getattr(self, name)
            if isinstance(value, (int, float)) and not value > 0:
                raise errors.InvalidRequestError(f"{name}={value} must be above 0 seconds, or None.")
        if self.max_retries < 0:
            raise errors.InvalidRequestError(f"max_retries={self.max_retries} must be 0 or more.")

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
