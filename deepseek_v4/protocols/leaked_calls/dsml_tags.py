"""Parse the tags of DSML, the markup in which DeepSeek's models write tool calls. Pure.

    <｜DSML｜tool_calls>
    <｜DSML｜invoke name="get_weather">
    <｜DSML｜parameter name="city" string="true">Tokyo</｜DSML｜parameter>
    </｜DSML｜invoke>
    </｜DSML｜tool_calls>

These observed variants are read too: other bars (``｜｜``, ``‖``, ``|``), blanks and line ends inside a tag, V4.1's
``calls`` and V3.2's ``function_calls`` outside, closing tags without a slash, and the tags without their DSML mark,
which is one token that detokenizers drop.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

INVOKE, PARAMETER, OUTER = "invoke", "parameter", "calls"

# V4, V3.2, V4.1; then observed variants
_OUTER_WORDS = (
    *("tool_calls", "function_calls", "calls"),
    *("toolcalls", "toolcall", "tool_call", "function_call", "tool_use"),
)
_WORDS = (*_OUTER_WORDS, INVOKE, PARAMETER)
_LONGEST_ATTRIBUTES = 300

_BARS = r"(?:[|｜‖]\s{0,2}){1,4}"
_MARK = rf"{_BARS}DSML\s{{0,2}}{_BARS}\s{{0,4}}"
_ANY_WORD = "|".join(_WORDS)
_ATTRIBUTE = r"""([\w-]+)\s{0,2}=\s{0,2}(?:"([^"<>]*)"|'([^'<>]*)')"""

_TAG = re.compile(
    rf"<\s{{0,4}}(?P<slash>/?)\s{{0,4}}(?P<mark>{_MARK}(?P<late_slash>/?)\s{{0,4}})?(?P<word>{_ANY_WORD})"
    rf"(?P<attributes>(?:\s{{1,4}}{_ATTRIBUTE})*)\s{{0,4}}(?P<empty>/?)>",
    re.I,
)
_ATTRIBUTES = re.compile(_ATTRIBUTE)
_MARKED = re.compile(r"<\s{0,4}/?\s{0,4}[|｜‖]")
_LEFT = re.compile(rf"<\s{{0,4}}/?\s{{0,4}}{_MARK}/?\s{{0,4}}(?:{_ANY_WORD})|</think>", re.I)


def _beginnings(*sizes: int) -> str:
    return "|".join(sorted({word[:size] for word in _WORDS for size in sizes if size < len(word)}))


def _begun() -> re.Pattern[str]:
    """Compile the pattern of an incomplete tag at the end of a text: every prefix of what ``_TAG`` matches."""
    word = rf"(?:(?:{_beginnings(*range(1, 20))})\Z|(?:{_ANY_WORD})(?:\s[^<>]{{0,{_LONGEST_ATTRIBUTES}}})?/?\Z)"
    begun = rf"(?:\Z|{_BARS}\s{{0,4}}(?:\Z|/?\s{{0,4}}(?:\Z|{word})))"
    begun = rf"{_BARS}(?:\Z|D(?:\Z|S(?:\Z|M(?:\Z|L\s{{0,2}}{begun}))))"
    return re.compile(rf"<\s{{0,4}}/?\s{{0,4}}(?:\Z|{word}|{begun})", re.I)


_BEGUN = _begun()
_CANDIDATE = re.compile(rf"<(?=\s{{0,4}}/?\s{{0,4}}(?:\Z|[|｜‖]|{_beginnings(4)}|(?:{_beginnings(1, 2, 3)})\Z))", re.I)
"""Positions at which both patterns are tried; rare in HTML and code."""


class Tag(NamedTuple):
    """One tag."""

    text: str
    word: str
    closing: bool
    empty: bool
    marked: bool
    attributes: Mapping[str, str]

    @classmethod
    def read(cls, text: str, at: int) -> Tag | None:
        """Return the tag at a position of a text, or None."""
        match = _TAG.match(text, at)
        if match is None or match.end() - match.end("word") > _LONGEST_ATTRIBUTES:
            return None
        found = _ATTRIBUTES.findall(match["attributes"])
        attributes = {name.lower(): double or single for name, double, single in found}
        word = match["word"].lower()
        word = word if word in (INVOKE, PARAMETER) else OUTER
        empty = bool(match["empty"])
        closing = bool(match["slash"] or match["late_slash"]) or (word != OUTER and not attributes and not empty)
        return cls(match[0], word, closing, empty, match["mark"] is not None, attributes)


def holds_markup(text: str) -> bool:
    """Return True if a text contains something like the markup of DeepSeek's prompts."""
    return _LEFT.search(text) is not None


def find_candidate(text: str, start: int) -> int:
    """Return the next position from ``start`` on at which a tag may be or begin; -1 if there is none."""
    candidate = _CANDIDATE.search(text, start)
    return -1 if candidate is None else candidate.start()


def begins_tag(text: str, at: int) -> bool:
    """Return True if the text from ``at`` on is the beginning of a tag."""
    return _BEGUN.match(text, at) is not None


def is_marked(text: str) -> bool:
    """Return True if a text begins like a tag with a mark."""
    return _MARKED.match(text) is not None
