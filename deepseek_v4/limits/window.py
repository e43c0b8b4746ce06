"""The arithmetic of a limiter: how many requests may be under way, and when the next one may be sent. No waiting."""

from __future__ import annotations

import math

FIRST_SLOTS = 16
"""Requests at a time with which a limiter begins, if it allows that many."""
RETURN_TO = 0.9
"""Share of the number that was refused to which a window returns fast; above it, it grows carefully."""
ROUNDS_THERE = 4
"""Rounds of answers without growth at that number."""
CATCH_UP_SECONDS = 0.05
"""Delay of a timer that a rate makes up for, so that late wake-ups do not lower it."""


class Window:
    """The number of requests that may be under way: it grows while answers come, and halves at a refusal.

    After a refusal it returns to nine tenths of the last number that was accepted, by one for each answer, and stays
    there for some rounds. Then it grows by 1, 2, 4, … for each round of answers. It stays near what a service accepts,
    and recovers in a few rounds after a service refused everything.

    Args:
        most: The largest number; None: unlimited.
    """

    def __init__(self, most: int | None) -> None:
        self.most = math.inf if most is None else most
        self.slots = float(min(FIRST_SLOTS, self.most))
        self.round = 0
        """Number of halvings. A request keeps the number of its time."""
        self._return_to = math.inf
        self._accepted = self.slots
        self._missing = 0.0
        self._step = 1.0

    def answered(self, count: int = 1) -> None:
        """Grow after answers that came while the window was full."""
        if self.slots < self._return_to:
            self.slots += count
        else:
            self._missing -= count
            if self._missing <= 0:
                self._accepted = self.slots
                self.slots += self._step
                self._missing = self.slots
                self._step *= 2
        self.slots = min(self.slots, self.most)

    def refused(self, sent_in: int) -> bool:
        """Halve after a refusal, once in a round trip.

        Args:
            sent_in: The round in which the refused request was sent.

        Returns:
            False if the request was sent before the last halving, which counts for it.
        """
        if sent_in != self.round:
            return False
        self.round += 1
        self._return_to = RETURN_TO * min(self.slots, self._accepted)
        self.slots = self._accepted = max(1.0, self.slots / 2)
        self._missing, self._step = ROUNDS_THERE * self._return_to, 1.0
        return True

    def state(self) -> list[float]:
        """Return the state as JSON numbers."""
        return [self.slots, self.round, min(self._return_to, 1e9), self._accepted, self._missing, self._step]

    def restore(self, state: list[float]) -> None:
        """Set the state that ``state`` returned."""
        self.slots, round_, self._return_to, self._accepted, self._missing, self._step = state
        self.round = int(round_)
        self.slots = min(self.slots, self.most)


class Rate:
    """A number of units per minute, spread evenly.

    Args:
        per_minute: The number; None: unlimited.
    """

    def __init__(self, per_minute: float | None) -> None:
        self.per_minute = math.inf if per_minute is None else per_minute
        self.ready = -math.inf
        """Time at which the next request may be sent."""

    def take(self, units: float, now: float, share: float = 1.0) -> None:
        """Count units that are sent now.

        Args:
            units: The number.
            now: The time in seconds.
            share: The share of the rate that this process may use, above 0.
        """
        if self.per_minute != math.inf:
            self.ready = max(self.ready, now - CATCH_UP_SECONDS) + 60 * units / (self.per_minute * share)
