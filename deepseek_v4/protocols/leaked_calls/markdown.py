"""Where one stands in a text: in code, quoted, at the start of a line. As Markdown tells it, while it streams. Pure.

Only what stands before is known, so what may be code counts as code: a run of backticks that has not closed yet does,
to the end of its paragraph.
"""

from __future__ import annotations

import re

_TOKENS = re.compile(r"`+|~+|\n|[^`~\n]+")
_HEAD = re.compile(r"(?:[ \t\r>*+-]|\d{1,9}[.)]?)*")
"""What may stand before a fence on its line: indentation, marks of quotation and of lists."""
_LONGEST_HEAD = 80
_INDENTED = re.compile(r" {0,3}\t| {4}")
_QUOTES = frozenset("\"'“‘‚„«‹「『《〈（([{\\")
"""A tag directly behind one of these is spoken of, not used."""


class MarkdownState:
    """A text as it comes, and the place that has been reached in it."""

    __slots__ = ("_closing", "_fence", "_head", "_inline", "_last", "_marks", "_opening")

    def __init__(self) -> None:
        self._fence = ""
        """The marks that opened the fenced block we are in; ``""`` outside."""
        self._opening = False
        """Whether we are still on the line that opened it."""
        self._closing = False
        """Whether this line closes it, unless more follows on it."""
        self._inline = 0
        """How many backticks opened the inline code we are in; 0 outside."""
        self._head: str | None = ""
        """The line so far, while there is nothing on it but indentation and marks; else None."""
        self._marks = ""
        """A run of backticks or tildes that may go on."""
        self._last = ""

    def read(self, text: str) -> None:
        """Take the next piece."""
        for token in _TOKENS.findall(text):
            first = token[0]
            if self._marks and first != self._marks[0]:
                self._end_marks()
            if first in "`~":
                self._marks += token
            elif first == "\n":
                self._end_line()
            else:
                self._read_words(token)
        self._last = text[-1:] or self._last

    def in_code(self) -> bool:
        """Whether what follows is code: fenced, between backticks, or indented."""
        self._end_marks()
        return bool(self._fence or self._inline) or bool(self._head and _INDENTED.match(self._head))

    def quotes(self) -> bool:
        """Whether what follows is quoted: behind a quotation mark or a bracket, or on a quoted line."""
        return self._last in _QUOTES or bool(self._head and ">" in self._head)

    def at_line_start(self) -> bool:
        """Whether there is nothing on this line yet but indentation."""
        self._end_marks()
        return self._head is not None and not self._head.strip()

    def _end_marks(self) -> None:
        marks, self._marks = self._marks, ""
        if not marks:
            return
        head, self._head = self._head, None
        if self._opening and marks[0] == self._fence[0] == "`":
            # no backtick can stand on the line of a fence: what opened was inline code
            self._inline = len(self._fence)
            self._fence = ""
            self._opening = False
        if self._fence:
            self._closing = head is not None and marks[0] == self._fence[0] and len(marks) >= len(self._fence)
        elif self._inline:
            if marks[0] == "`" and len(marks) == self._inline:
                self._inline = 0
        elif len(marks) >= 3 and head is not None:
            self._fence = marks
            self._opening = True
        elif marks[0] == "`":
            self._inline = len(marks)

    def _read_words(self, words: str) -> None:
        if self._closing and not words.isspace():
            self._closing = False
        if self._head is not None:
            head = self._head + words[:_LONGEST_HEAD]
            self._head = head if len(head) < _LONGEST_HEAD and _HEAD.fullmatch(head) else None

    def _end_line(self) -> None:
        if self._closing:
            self._fence = ""
        if self._head is not None and not self._head.strip():
            self._inline = 0  # a blank line ends the paragraph
        self._opening = self._closing = False
        self._head = ""
