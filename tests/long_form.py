"""The long form of a test, which ``make slow`` runs: more examples of the same claim."""

from __future__ import annotations

import os

SLOW = bool(os.environ.get("DEEPSEEK_V4_SLOW"))

FACTOR = 5


def examples(count: int = 100) -> int:
    """Return the number of examples of a property test."""
    return count * FACTOR if SLOW else count
