"""Split off reasoning inside the visible text, between ``<think>`` and ``</think>`` at its start. Pure.

Hosts without a reasoning parser send it so. Only a tag at the very start counts; what follows ``</think>`` is text, its
leading blank lines dropped. The result is the same for chunks of any size and for the complete text.
"""

from __future__ import annotations

OPENS = "<think>"
CLOSES = "</think>"


class ThinkSplitter:
    """Splits the text of one answer into reasoning and text, chunk by chunk."""

    def __init__(self) -> None:
        self.opened: bool = False
        """True if there was a tag, so that there is reasoning, even if it is empty."""
        self._held = ""
        self._place = "start"

    def feed(self, chunk: str) -> tuple[str, str]:
        """Add a chunk of the text; return its reasoning, and the text after that."""
        if self._place == "text":
            return "", chunk
        held = self._held + chunk
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
        """End the text; return what was held back."""
        held, self._held = self._held, ""
        return (held, "") if self._place == "thought" else ("", held)


def _overlap(text: str) -> int:
    """Return how many characters at the end of ``text`` may be the beginning of the closing tag."""
    for size in range(min(len(CLOSES) - 1, len(text)), 0, -1):
        if CLOSES.startswith(text[-size:]):
            return size
    return 0
