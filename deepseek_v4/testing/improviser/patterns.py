"""A text that matches a regular expression, for the patterns JSON Schemas commonly carry."""

from __future__ import annotations

import re

# Enough for identifiers, codes, dates and phone numbers; other patterns fall back to the given text.
_ATOM = re.compile(r"\\.|\[\^?(?:\\.|[^\]])*\]|\((?:\?:)?|\)|.", re.DOTALL)
_COUNT = re.compile(r"\{(\d+)(?:,(\d*))?\}|[*+?]")
_CLASSES = {"d": "1", "w": "a", "s": " ", "D": "a", "W": " ", "S": "a"}
_CANDIDATES = ("a", "A", "1", "abc", "ABC", "123", "0", "scripted")


def match_for(pattern: str, text: str) -> str:
    """Return the text if it matches, else a matching one, else the text."""
    try:
        compiled = re.compile(pattern)
    except re.error:
        return text
    candidates = (text, *text.split(), *_CANDIDATES)
    found = next((candidate for candidate in candidates if compiled.search(candidate)), None)
    if found is not None:
        return found
    built = _Builder(pattern.removeprefix("^").removesuffix("$")).build()
    return built if compiled.search(built) else text


class _Builder:
    """A builder of the shortest text along the first alternative."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._position = 0

    def build(self) -> str:
        text, skipping = [], False
        while self._position < len(self._pattern):
            match = _ATOM.match(self._pattern, self._position)
            if match is None:
                break
            atom = match.group()
            self._position = match.end()
            if atom == ")":
                break
            if atom == "|":
                skipping = True
                continue
            part = self.build() if atom.startswith("(") else _one(atom)
            count = self._count()
            if not skipping:
                text.append(part * count)
        return "".join(text)

    def _count(self) -> int:
        match = _COUNT.match(self._pattern, self._position)
        if match is None:
            return 1
        self._position = match.end()
        if match.group(1) is not None:
            return max(int(match.group(1)), 0)
        return 1 if match.group() == "+" else 0


def _one(atom: str) -> str:
    if atom in ("^", "$"):
        return ""
    if atom == ".":
        return "a"
    if atom.startswith("\\"):
        return _CLASSES.get(atom[1], "" if atom[1] in "bBAZ" else atom[1])
    if atom.startswith("["):
        alphabet = "aA1-_ .!bcdefghijklmnopqrstuvwxyzBCDEFGHIJKLMNOPQRSTUVWXYZ02345678 9+/@#"
        return next((letter for letter in alphabet if re.fullmatch(atom, letter)), atom[1])
    return atom
