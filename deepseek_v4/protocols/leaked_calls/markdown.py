"""Track the position in a Markdown text while it streams: in code, quoted, at the start of a line. Pure.

Only the preceding text is known, so what may be code counts as code: an unclosed run of backticks counts as code
up to the end of its paragraph.
"""

from __future__ import annotations

import re

_TOKENS = re.compile(r"`+|~+|\n|[^`~\n]+")
_HEAD = re.compile(r"(?:[ \t\r>*+-]|\d{1,9}[.)]?)*")
"""Characters that may precede a fence on its line: indentation, marks of quotation and of lists."""
_LONGEST_HEAD = 80
_INDENTED = re.compile(r" {0,3}\t| {4}")
_QUOTES = frozenset("\"'“‘‚„«‹「『《〈（([{\\")
"""A tag directly after one of these is quoted, not used."""


class MarkdownState:
    """The position in a Markdown text that is read chunk by chunk."""

    def __init__(self) -> None:
        self._fence = ""
        """The marks that opened the current fenced block; ``""`` outside."""
        self._opening = False
        """True on the line that opened it."""
        self._closing = False
        """True if this line closes it, unless more follows on it."""
        self._inline = 0
        """How many backticks opened the current inline code; 0 outside."""
        self._head: str | None = ""
        """The line so far, while it contains only indentation and marks; else None."""
        self._marks = ""
        """A run of backticks or tildes that may continue."""
        self._last = ""

    def read(self, text: str) -> None:
        """Read the next chunk."""
        for token in _TOKENS.findall(text):
            first = token[0]
            if self._marks and first != self._marks[0]:
                self._end_marks()
            if first in "`~":
                self._marks += token
            elif first == "\n":
                self._end_line()
            else:
                self._read_text(token)
        self._last = text[-1:] or self._last

    def in_code(self) -> bool:
        """Return True if the next character is code: fenced, between backticks, or indented."""
        self._end_marks()
        return bool(self._fence or self._inline) or bool(self._head and _INDENTED.match(self._head))

    def quotes(self) -> bool:
        """Return True if the next character is quoted: after a quotation mark or a bracket, or on a quoted line."""
        return self._last in _QUOTES or bool(self._head and ">" in self._head)

    def at_line_start(self) -> bool:
        """Return True if this line contains only indentation so far."""
        self._end_marks()
        return self._head is not None and not self._head.strip()

    def _end_marks(self) -> None:
        marks, self._marks = self._marks, ""
        if not marks:
            return
        head, self._head = self._head, None
        if self._opening and marks[0] == "`" and self._fence.startswith("`"):
            # the line of a fence cannot contain backticks: this is inline code
            self._inline = len(self._fence)
            self._fence = ""
        if self._fence:
            self._closing = head is not None and marks.startswith(self._fence)
        elif self._inline:
            if marks[0] == "`" and len(marks) == self._inline:
                self._inline = 0
        elif len(marks) >= 3 and head is not None:
            self._fence = marks
            self._opening = True
        elif marks[0] == "`":
            self._inline = len(marks)

    def _read_text(self, text: str) -> None:
        if self._closing and not text.isspace():
            self._closing = False
        if self._head is not None:
            head = self._head + text[:_LONGEST_HEAD]
            self._head = head if len(head) < _LONGEST_HEAD and _HEAD.fullmatch(head) else None

    def _end_line(self) -> None:
        if self._closing:
            self._fence = ""
        if self._head is not None and not self._head.strip():
            self._inline = 0  # a blank line ends the paragraph
        self._opening = self._closing = False
        self._head = ""
