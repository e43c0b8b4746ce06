"""Reasoning that came inside the visible text, between ``<think>`` and ``</think>`` at its start. Pure.

Hosts without a reasoning parser send it so. Only a tag at the very start opens; what follows ``</think>`` is text, its
leading blank lines dropped. In pieces of any size or whole, the outcome is the same.
"""

from __future__ import annotations

OPENS = "<think>"
CLOSES = "</think>"


class ThinkSplitter:
    """Cuts one answer's text into reasoning and text, as it comes."""

    __slots__ = ("_held", "_place", "opened")

    def __init__(self) -> None:
        self.opened = False
        """Whether there was a tag, so that there is reasoning, if only an empty one."""
        self._held = ""
        self._place = "start"

    def feed(self, piece: str) -> tuple[str, str]:
        """Take the next piece of the text; return what of it is reasoning, and what is text after that."""
        if self._place == "text":
            return "", piece
        held = self._held + piece
        self._held = ""
        thought = ""
        if self._place == "start":
            begun = held.lstrip()
            if begun.startswith(OPENS):
                self.opened = True
                self._place = "thought"
                held = begun[len(OPENS) :]
            elif OPENS.startswith(begun):
                self._held = held
                return "", ""
            else:
                self._place = "text"
                return "", held
        if self._place == "thought":
            end = held.find(CLOSES)
            if end < 0:
                keep = _overlap(held)
                self._held = held[len(held) - keep :]
                return held[: len(held) - keep], ""
            thought = held[:end]
            held = held[end + len(CLOSES) :]
            self._place = "gap"
        held = held.lstrip()
        if held:
            self._place = "text"
        return thought, held

    def close(self) -> tuple[str, str]:
        """The text has ended; return what was held back."""
        held, self._held = self._held, ""
        return (held, "") if self._place == "thought" else ("", held)


def _overlap(text: str) -> int:
    """How many characters at the end of ``text`` may be the beginning of the closing tag."""
    for size in range(min(len(CLOSES) - 1, len(text)), 0, -1):
        if CLOSES.startswith(text[-size:]):
            return size
    return 0
