"""The queued turns and faults of a local server."""

from __future__ import annotations

from collections import deque
from typing import TypeVar

from deepseek_v4.testing.faults import Fault
from deepseek_v4.testing.script import Turn

T = TypeVar("T")


class Script:
    """The queued turns and faults: added by any thread, taken by the thread of the server; deques need no lock."""

    def __init__(self) -> None:
        self._turns: deque[Turn] = deque()
        self._faults: deque[Fault] = deque()

    def add_turns(self, turns: tuple[Turn, ...]) -> None:
        """Queue answers."""
        self._turns.extend(turns)

    def add_fault(self, fault: Fault, times: int) -> None:
        """Queue a fault for a number of requests."""
        self._faults.extend([fault] * times)

    def next_turn(self, keep: bool = False) -> Turn | None:
        """Return the next answer; it stays in the queue if `keep` is True."""
        return _next(self._turns, keep)

    def next_fault(self) -> Fault | None:
        """Return the next fault."""
        return _next(self._faults)

    def clear(self) -> None:
        """Clear everything."""
        self._turns.clear()
        self._faults.clear()


def _next(queue: deque[T], keep: bool = False) -> T | None:
    try:
        return queue[0] if keep else queue.popleft()
    except IndexError:
        return None
