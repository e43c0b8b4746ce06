"""Map tool names to names that the wire allows: ``[a-zA-Z0-9_-]``, at most 64 characters."""

from __future__ import annotations

import re
from collections.abc import Iterable

LONGEST = 64
"""DeepSeek's reference has 128, those of OpenAI and the hosts 64; the smaller works everywhere."""

_ALLOWED = re.compile(r"[a-zA-Z0-9_-]{1,64}")


class ToolNames:
    """A reversible mapping of names; names that are already allowed do not change."""

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
                wire_name = self._unused_name(re.sub(r"[^a-zA-Z0-9_-]", "_", name)[:LONGEST] or "tool")
                self._to_wire[name] = wire_name
                self._from_wire[wire_name] = name

    @property
    def changes_none(self) -> bool:
        """True if every tool is sent under the name that the user gave it."""
        return not self._to_wire

    def to_wire(self, name: str) -> str:
        """Return the name to send; also for tools of past turns that the request does not contain."""
        wire_name = self._to_wire.get(name)
        if wire_name is not None or name in self._from_wire:
            return wire_name or name
        return name if _ALLOWED.fullmatch(name) else re.sub(r"[^a-zA-Z0-9_-]", "_", name)[:LONGEST] or "tool"

    def from_wire(self, name: str) -> str:
        """Return the user's name of a tool; a name that the model invented does not change."""
        return self._from_wire.get(name, name)

    def _unused_name(self, name: str) -> str:
        number = 2
        candidate = name
        while candidate in self._from_wire:
            suffix = f"_{number}"
            candidate = name[: LONGEST - len(suffix)] + suffix
            number += 1
        return candidate


NO_TOOL_NAMES = ToolNames(())
"""The mapping of a request without tools."""
