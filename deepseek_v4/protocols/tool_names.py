"""Tool names between what a user may write and what the wire allows: ``[a-zA-Z0-9_-]``, at most 64 characters."""

from __future__ import annotations

import re
from collections.abc import Iterable

LONGEST = 64
"""DeepSeek's reference says 128, OpenAI's and the hosts' say 64; the smaller works everywhere."""

_ALLOWED = re.compile(r"[a-zA-Z0-9_-]{1,64}")


class ToolNames:
    """A reversible mapping of names; names that are allowed already stay as they are."""

    __slots__ = ("_from_wire", "_to_wire")

    def __init__(self, names: Iterable[str]) -> None:
        self._to_wire: dict[str, str] = {}
        self._from_wire: dict[str, str] = {}
        names = list(dict.fromkeys(names))
        for name in names:
            if _ALLOWED.fullmatch(name):
                self._from_wire[name] = name
        for name in names:
            if name not in self._from_wire:
                said = self._fresh(re.sub(r"[^a-zA-Z0-9_-]", "_", name)[:LONGEST] or "tool")
                self._to_wire[name] = said
                self._from_wire[said] = name

    @property
    def changes_none(self) -> bool:
        """Whether every tool is called on the wire as the user wrote it."""
        return not self._to_wire

    def to_wire(self, name: str) -> str:
        """The name as it is sent; also for tools of past turns that are no longer offered."""
        said = self._to_wire.get(name)
        if said is not None or name in self._from_wire:
            return said or name
        return name if _ALLOWED.fullmatch(name) else re.sub(r"[^a-zA-Z0-9_-]", "_", name)[:LONGEST] or "tool"

    def from_wire(self, name: str) -> str:
        """The name as the user wrote it; a name the model made up stays as it is."""
        return self._from_wire.get(name, name)

    def _fresh(self, said: str) -> str:
        number = 2
        candidate = said
        while candidate in self._from_wire:
            suffix = f"_{number}"
            candidate = said[: LONGEST - len(suffix)] + suffix
            number += 1
        return candidate
