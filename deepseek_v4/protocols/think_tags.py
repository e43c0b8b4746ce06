"""Split off reasoning inside the visible text, between ``<think>`` and ``</think>`` at its start. Pure.

Servers without a reasoning parser send it so. Only a tag at the very start counts; what follows ``</think>`` is text,
its leading blank lines dropped. V4's prompt ends with ``<think>``, so its answers have only the closing tag: then the
text is held back until it arrives. The result is the same for chunks of any size and for the complete text.
"""

from __future__ import annotations

OPENS = "<think>"
CLOSES = "</think>"


class ThinkSplitter:
    """Splits the text of one answer into reasoning and text, chunk by chunk.

    Args:
        begun: True if the prompt may have opened the tag, so that the text begins with reasoning.
    """

    def __init__(self, *, begun: bool = False) -> None:
        self.opened: bool = False
        """True if there was an opening tag, so that there is reasoning, even if it is empty."""
        self._begun = begun
        self._held = ""
        self._chunks: list[str] = []
        """The text after the opening of the prompt, until the closing tag arrives."""
        self._place = "start"

    def end_reasoning(self) -> None:
        """Treat the text as an answer from here on, because its reasoning was received apart from it."""
        self._begun = False

    def feed(self, chunk: str) -> tuple[str, str]:
        """Add a chunk of the text; return its reasoning, and the text after that."""
        if self._place == "text":
            return "", chunk
        if self._place == "unclosed":
            return self._feed_unclosed(chunk)
        held = self._held + chunk
        self._held = ""
        thought = ""
        if self._place == "start":
            begun = held.lstrip()
            if begun.startswith(OPENS):
                self.opened = True
                self._place = "thought"
                held = begun[len(OPENS) :]
            elif begun.startswith(CLOSES):
                self._place = "gap"
                held = begun[len(CLOSES) :]
            elif OPENS.startswith(begun) or CLOSES.startswith(begun):
                self._held = held
                return "", ""
            elif self._begun:
                self._place = "unclosed"
                return self._feed_unclosed(held)
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

    def _feed_unclosed(self, chunk: str) -> tuple[str, str]:
        """Hold the text back until the closing tag; only the end of it is searched again."""
        self._chunks.append(chunk)
        recent = self._held + chunk
        self._held = recent[1 - len(CLOSES) :]
        if self._begun and CLOSES not in recent:
            return "", ""
        text = "".join(self._chunks)
        self._chunks, self._held = [], ""
        before, tag, after = text.partition(CLOSES) if self._begun else ("", "", text)
        after = after.lstrip() if tag else after
        self._place = "text" if after else "gap"
        return before, after

    def close(self) -> tuple[str, str]:
        """End the text; return what was held back."""
        held = "".join(self._chunks) if self._chunks else self._held
        self._chunks, self._held = [], ""
        if self._place == "thought":
            return held, ""
        self._place = "text"
        return "", held


def _overlap(text: str) -> int:
    """Return how many characters at the end of ``text`` may be the beginning of the closing tag."""
    for size in range(min(len(CLOSES) - 1, len(text)), 0, -1):
        if CLOSES.startswith(text[-size:]):
            return size
    return 0
