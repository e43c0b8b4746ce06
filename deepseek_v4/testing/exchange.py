"""One request on its way through the server: what endpoints and dialects get to see."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from deepseek_v4.testing.faults import Fault
from deepseek_v4.testing.options import ServerOptions
from deepseek_v4.testing.reasoning_records import ReasoningRecords
from deepseek_v4.testing.received import ReceivedRequest
from deepseek_v4.testing.script import Turn
from deepseek_v4.testing.stamp import Stamp
from deepseek_v4.testing.tokens import PrefixCache

if TYPE_CHECKING:
    from deepseek_v4.testing.dialects.dialect import Dialect


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


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request with all that is needed to answer it."""

    received: ReceivedRequest
    dialect: Dialect
    options: ServerOptions
    script: Script
    cache: PrefixCache
    records: ReasoningRecords
    stamp: Stamp
    key: str = ""
    fault: Fault | None = None
    beta: bool = False
    protocol: str = "chat"
    path_parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def body(self) -> Any:
        """The parsed body."""
        return self.received.body

    def next_turn(self) -> Turn | None:
        """The queued answer, if there is one."""
        return self.script.next_turn(keep=self.fault is not None and self.fault.keeps_turn)
