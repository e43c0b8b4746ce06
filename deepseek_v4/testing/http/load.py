"""The load of the server: its limits of answers at a time and per minute."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from deepseek_v4.testing.options import ServerOptions

MINUTE = 60.0
BUSY_SECONDS = 1


class Load:
    """The number of answers under way."""

    def __init__(self) -> None:
        self._under_way = 0

    @contextmanager
    def answer(self, options: ServerOptions, begun: deque[float]) -> Iterator[int | None]:
        """Count an answer while it is under way.

        Yields None, or the seconds after which to repeat a request that is above a limit and not counted. `begun` has
        the times of the answers begun within the last minute.
        """
        retry_after = self._retry_after(options, begun, time.monotonic())
        if retry_after is not None:
            yield retry_after
            return
        begun.append(time.monotonic())
        self._under_way += 1
        try:
            yield None
        finally:
            self._under_way -= 1

    def _retry_after(self, options: ServerOptions, begun: deque[float], now: float) -> int | None:
        while begun and begun[0] <= now - MINUTE:
            begun.popleft()
        if options.rpm is not None and len(begun) >= options.rpm:
            return math.ceil(begun[-options.rpm] + MINUTE - now)
        full = options.max_concurrency is not None and self._under_way >= options.max_concurrency
        return BUSY_SECONDS if full else None
