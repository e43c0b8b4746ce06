"""Slots of one limit that several processes share: each leases some for a few seconds and renews them.

A process that was killed or stopped does not renew, so its slots are free again when its lease has run out. A
``LeaseStore`` stores the slots: ``LeaseTable`` in one process (a Ray actor, for example), ``FolderLeases`` in
a folder.
"""

from __future__ import annotations

import dataclasses
import math
import threading
import time
import uuid
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Protocol
from weakref import ref

from deepseek_v4.limits.window import Window

LEASE_SECONDS = 10.0
"""How long a lease holds without being renewed."""
RENEW_SECONDS = 1.0
"""How often a process renews its lease while calls are under way or waiting."""
IDLE_SECONDS = 5.0
"""How often a process without calls checks if its limiter still exists."""


@dataclass(frozen=True, slots=True)
class Lease:
    """Slots for one process.

    Attributes:
        slots: Requests that the process may have under way.
        share: Its share of the numbers per minute, above 0 and at most 1.
        round: The round of the window, which a request keeps for ``slow_down``.
        pause: Seconds to wait before the next request, after a ``Retry-After``.
    """

    slots: int
    share: float
    round: int
    pause: float = 0.0


NO_LEASE = Lease(0, 1.0, 0)


class LeaseStore(Protocol):
    """The store of the slots that several processes share. It can be pickled."""

    def renew(self, lease: str, n: int, seconds: float, answered: int = 0) -> Lease:
        """Renew a lease, with another number of slots; one that is new or has run out begins.

        Args:
            lease: Its id, which the process chooses.
            n: The slots that the process can use.
            seconds: How long the lease holds.
            answered: Answers since the last call that came while all slots of the process were taken.
        """

    def give_back(self, lease: str) -> None:
        """End a lease."""

    def slow_down(self, sent_in: int, seconds: float) -> None:
        """Halve the slots, at most once in a round trip, and stop all processes for some seconds.

        Args:
            sent_in: The round in which the refused request was sent.
            seconds: Seconds without a request; 0 for none.
        """


class RemoteTable(ABC):
    """A ``LeaseStore`` whose ``LeaseTable`` is in another process, in which a subclass calls its methods."""

    @abstractmethod
    def call(self, method: str, *arguments: Any) -> Any:
        """Call a method of the table."""

    def renew(self, lease: str, n: int, seconds: float, answered: int = 0) -> Lease:
        """Renew a lease; one that is new or has run out begins."""
        return self.call("renew", lease, n, seconds, answered)  # type: ignore[no-any-return]

    def give_back(self, lease: str) -> None:
        """End a lease."""
        self.call("give_back", lease)

    def slow_down(self, sent_in: int, seconds: float) -> None:
        """Halve the slots, at most once in a round trip, and stop all processes for some seconds."""
        self.call("slow_down", sent_in, seconds)


@dataclass(slots=True)
class _Holder:
    requested: int
    slots: int
    until: float


class LeaseTable:
    """The slots of a limit and who leases them. Its times are those of ``time.time``.

    Args:
        concurrency: Requests at a time of all processes, at most; None: as many as the service accepts.
    """

    def __init__(self, concurrency: int | None = None) -> None:
        self.window = Window(concurrency)
        self._holders: dict[str, _Holder] = {}
        self._paused_until = 0.0

    def renew(self, lease: str, n: int, seconds: float, answered: int = 0) -> Lease:
        """Renew a lease; a process that uses less than its part leaves it to the others."""
        now = time.time()
        if answered:
            self.window.answered(answered)
        self._holders = {name: holder for name, holder in self._holders.items() if holder.until > now}
        others = [holder for name, holder in self._holders.items() if name != lease]
        total = int(self.window.slots)
        part = max(total // (len(others) + 1), 1)
        left = total - sum(min(holder.requested, part) for holder in others)
        free = total - sum(holder.slots for holder in others)
        slots = max(min(n, max(part, left), free), 0)
        self._holders[lease] = _Holder(n, slots, now + seconds)
        share = max(slots, 1) / max(sum(holder.slots for holder in self._holders.values()), 1)
        return Lease(slots, min(share, 1.0), self.window.round, max(self._paused_until - now, 0.0))

    def give_back(self, lease: str) -> None:
        """End a lease."""
        self._holders.pop(lease, None)

    def slow_down(self, sent_in: int, seconds: float) -> None:
        """Halve the slots, at most once in a round trip, and stop all processes for some seconds."""
        self.window.refused(sent_in)
        self._paused_until = max(self._paused_until, time.time() + seconds)

    def state(self) -> dict[str, Any]:
        """Return the state as JSON values."""
        holders = {name: dataclasses.astuple(holder) for name, holder in self._holders.items()}
        return {"window": self.window.state(), "holders": holders, "paused_until": self._paused_until}

    def restore(self, state: dict[str, Any]) -> None:
        """Set the state that ``state`` returned."""
        self.window.restore(state["window"])
        self._holders = {name: _Holder(*values) for name, values in state["holders"].items()}
        self._paused_until = state["paused_until"]


class LeaseKeeper:
    """Keeps the lease of one limiter: a thread renews it while calls are under way or waiting.

    Args:
        store: The store of the slots.
        limiter: The limiter that uses them.

    Attributes:
        lease: The last one; ``NO_LEASE`` before the first, and while no call is under way or waiting.
    """

    def __init__(self, store: LeaseStore, limiter: Any) -> None:
        self._store = store
        self._limiter = ref(limiter)
        self._id = uuid.uuid4().hex
        self.lease = NO_LEASE
        self._until = -math.inf
        self._requested = 0
        self._answered = 0
        self._refusal: tuple[int, float] | None = None
        self._due = threading.Event()
        self._thread: threading.Thread | None = None

    def slots(self) -> int:
        """Return the leased slots; 0 if the lease has run out."""
        return 0 if time.monotonic() >= self._until else self.lease.slots

    def answered(self) -> None:
        """Count an answer that came while all slots were taken."""
        self._answered += 1

    def slow_down(self, sent_in: int, seconds: float) -> None:
        """Pass a refusal on to the other processes."""
        self._refusal = (sent_in, seconds)
        self._due.set()

    def wake(self) -> None:
        """Begin to renew, or lease more slots at once if all that were requested were granted."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="deepseek-v4-leases", daemon=True)
            self._thread.start()
        elif self.slots() in (0, self._requested):
            self._due.set()

    def _run(self) -> None:
        seconds = 0.0
        while True:
            self._due.wait(seconds)
            self._due.clear()
            limiter = self._limiter()
            if limiter is None:
                if self.lease is not NO_LEASE:
                    self._store.give_back(self._id)
                return
            state = limiter.state()
            used = state.active + state.waiting
            if used:
                self._renew(used)
            elif self.lease is not NO_LEASE:
                self._store.give_back(self._id)
                self.lease = NO_LEASE
            limiter._leased(self.lease.pause)
            seconds = IDLE_SECONDS if not used else RENEW_SECONDS if self.slots() else RENEW_SECONDS / 10
            del limiter

    def _renew(self, used: int) -> None:
        refusal, self._refusal = self._refusal, None
        answered, self._answered = self._answered, 0
        if refusal is not None:
            self._store.slow_down(*refusal)
        self._requested = used
        began = time.monotonic()
        self.lease = self._store.renew(self._id, used, LEASE_SECONDS, answered)
        self._until = began + LEASE_SECONDS
