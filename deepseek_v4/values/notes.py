"""``Note``: a change between the requested options and the request that is sent."""

from __future__ import annotations

from typing import Literal

from deepseek_v4.values.value import dataclass


@dataclass(frozen=True, slots=True)
class Note:
    """One change between the requested options and the request that is sent, with its reason."""

    kind: Literal["translated", "dropped", "clamped", "repaired"]
    option: str
    text: str

    def __str__(self) -> str:
        return f"{self.option} {self.kind}: {self.text}"
