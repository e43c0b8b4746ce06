"""``Note``: what of a request was translated, dropped, clamped or repaired."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Note:
    """Something a request says differently from how it was asked for, and why."""

    kind: Literal["translated", "dropped", "clamped", "repaired"]
    option: str
    text: str

    def __str__(self) -> str:
        return f"{self.option} {self.kind}: {self.text}"
