"""The queued turns and faults of a local server."""

from __future__ import annotations

import threading
from collections import deque

from deepseek_v4.testing.faults import Fault
from deepseek_v4.testing.script import Turn


class Script:
    """The queued turns and faults."""

    def __init__(self) -> None:
        self._turns: deque[Turn] = deque()
        self._faults: deque[Fault] = deque()
        self._lock = threading.Lock()

    def add_turns(self, turns: tuple[Turn, ...]) -> None:
        """Queue answers."""
        with self._lock:
            self._turns.extend(turns)

    def add_fault(self, fault: Fault, times: int) -> None:
        """Queue a fault for a number of requests."""
        with self._lock:
            self._faults.extend([fault] * times)

    def next_turn(self, keep: bool = False) -> Turn | None:
        """Return the next answer; it stays in the queue if `keep` is True."""
        with self._lock:
            if not self._turns:
                return None
            return self._turns[0] if keep else self._turns.popleft()

    def next_fault(self) -> Fault | None:
        """Return the next fault."""
        with self._lock:
            return self._faults.popleft() if self._faults else None

    def clear(self) -> None:
        """Clear everything."""
        with self._lock:
            self._turns.clear()
            self._faults.clear()
