"""Markdown that is rendered while it arrives: complete blocks once, the last block again with each part."""

from __future__ import annotations

from rich.console import Console
from rich.live import Live
from rich.markdown import Markdown


class LiveMarkdown:
    """Renders the parts of a text on a terminal.

    Only the last block is drawn again, so that an answer longer than the screen stays readable.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._rest = ""
        self._live: Live | None = None

    def add(self, text: str) -> None:
        """Render another part."""
        complete, self._rest = split_blocks(self._rest + text)
        if self._live is None:
            self._live = Live(console=self._console, transient=True, refresh_per_second=8)
            self._live.start()
        if complete:
            self._live.update("")
            self._console.print(Markdown(complete), "")
        self._live.update(Markdown(self._rest))

    def end(self) -> None:
        """Render the last block for good."""
        live, self._live = self._live, None
        if live is not None:
            live.stop()
            self._console.print(Markdown(self._rest))
        self._rest = ""


def split_blocks(text: str) -> tuple[str, str]:
    """Split Markdown before its last block: a paragraph, a list or a code block, which may be incomplete."""
    position = end = 0
    fence, blank = "", False
    for line in text.splitlines(keepends=True):
        words = line.lstrip()
        if not fence and blank and words and not line[0].isspace():
            end = position
        if fence and words.startswith(fence):
            fence = ""
        elif not fence and words.startswith(("```", "~~~")):
            fence = words[:3]
        blank = not words
        position += len(line)
    return text[:end], text[end:]
