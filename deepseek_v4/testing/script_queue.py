"""The queued turns and faults of a local server."""

from __future__ import annotations

import threading
from collections import deque

from deepseek_v4.testing.faults import Fault
from deepseek_v4.testing.script import Turn


class Script:
    """The turns and the faults that are queued."""

    def __init__(self) -> None:
        self._turns: deque[Turn] = deque()
        self._faults: deque[Fault] = deque()
        self._lock = threading.Lock()

    def add_turns(self, turns: tuple[Turn, ...]) -> None:
        """Queue answers."""
        with self._lock:
            self._turns.extend(turns)

    def add_fault(self, fault: Fault, times: int) -> None:
        """Queue a fault for so many requests."""
        with self._lock:
            self._faults.extend([fault] * times)

    def next_turn(self, keep: bool = False) -> Turn | None:
        """The next answer; kept in the queue on demand."""
        with self._lock:
            if not self._turns:
                return None
            return self._turns[0] if keep else self._turns.popleft()

    def next_fault(self) -> Fault | None:
        """The next fault."""
        with self._lock:
            return self._faults.popleft() if self._faults else None

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._turns.clear()
            self._faults.clear()
