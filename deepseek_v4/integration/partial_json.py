"""Incremental parsing of JSON: the value so far, in time linear in the length of the text. Nothing is repaired.

``PartialJson`` parses a text in fragments; ``invalidating_tail`` makes a truncated text invalid for tolerant parsers.
Complete texts are parsed with ``values.json.loads``.
"""

from __future__ import annotations

import re
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any, Final

# What is expected next.
_VALUE: Final = "a value"
_VALUE_OR_END: Final = "a value or ']'"
_KEY: Final = "a key"
_KEY_OR_END: Final = "a key or '}'"
_COLON: Final = "':'"
_COMMA_OR_END: Final = "',' or a closing bracket"
_NOTHING: Final = "the end of the text"
# What is being read.
_IN_STRING: Final = "a string"
_IN_NUMBER: Final = "a number"

_MAY_END = (_COMMA_OR_END, _KEY_OR_END, _VALUE_OR_END)

_SPACE = re.compile(r"[ \t\n\r]*")
_LITERALS = {"t": ("true", True), "f": ("false", False), "n": ("null", None)}

_LOW_BEGUN = r"(?:\\(?:u(?:[dD](?:[c-fC-F][0-9a-fA-F]?)?)?)?)?\Z"
"""The low surrogate after a high one, cut before its end; also before its beginning."""
_CHARACTERS = re.compile(
    r"""(?:[^"\\\x00-\x1f]+|\\["\\/bfnrt]|\\u(?![dD][89abAB])[0-9a-fA-F]{4}"""
    rf"""|\\u[dD][89abAB][0-9a-fA-F]{{2}}(?:\\u[dD][c-fC-F][0-9a-fA-F]{{2}}|(?!{_LOW_BEGUN})))*"""
)
"""The characters of a string, without a cut escape or half a surrogate pair at the end of the text."""
_ESCAPE_BEGUN = re.compile(rf"\\(?:u(?:[0-9a-fA-F]{{0,3}}|[dD][89abAB][0-9a-fA-F]{{2}}{_LOW_BEGUN}))?\Z")

_NUMBER_CHARACTERS = re.compile(r"[-+.0-9eE]*")
_MORE_DIGITS = re.compile(r"(\d\d)\d+")
_NUMBER_BEGUN = re.compile(r"-?(?:(?:0|[1-9]\d*)(?:\.\d*)?(?:(?<=\d)[eE](?:[+-]?\d*))?)?")
"""The beginning of a number. One that ends with a digit is a number."""

Container = list[Any] | dict[str, Any]


class PartialJson:
    """The value of a JSON text that arrives in fragments.

    The time of all ``feed`` calls together grows with the length of the text, whatever the size of the fragments,
    and reading ``value`` costs nothing. For that, the containers in ``value`` are **live**: the same objects grow with
    the next ``feed``; copy what must not change. Unfinished strings are extended in place unless there are other
    references to them; then each ``feed`` copies the last one. Not safe to feed from several threads.

    Examples:
        >>> parser = PartialJson()
        >>> parser.feed('{"city": "Par')
        >>> parser.value
        {'city': 'Par'}
        >>> parser.feed('is", "days": 3')
        >>> parser.value  # more digits may follow
        {'city': 'Paris'}
        >>> parser.feed("}")
        >>> parser.value
        {'city': 'Paris', 'days': 3}
    """

    __slots__ = ("_held", "_key", "_number", "_number_shape", "_open", "_root", "_stack", "_state")

    def __init__(self) -> None:
        self._root: list[Any] = []
        """Contains the value of the text, once it has begun."""
        self._stack: list[Container] = [self._root]
        """Open containers, outermost first."""
        self._key = [""]
        """The key that is being read, or of the next value."""
        self._open: tuple[Any, Any] = (self._root, 0)
        """Container and index of the open string; for a key, ``_key`` is the container."""
        self._state: str = _VALUE
        self._number: list[str] = []
        self._number_shape = ""
        """The number; of a long one, two digits of each run, which its syntax depends on."""
        self._held = ""
        """The beginning of a truncated escape or literal; at most eleven characters."""

    @property
    def value(self) -> Any:
        """The value so far; None before the first value.

        Contains the received part of open strings (never half an escape or half a surrogate pair), and open
        arrays and objects with the members that have begun; keys without a value and unfinished numbers and literals
        are left out. A number that is the complete text is included as soon as it could end.

        Raises:
            ValueError: if the complete text is an integer longer than Python converts (4300 digits).
        """
        if self._root:
            return self._root[0]
        if self._state is _IN_NUMBER and len(self._stack) == 1 and self._number_shape[-1].isdigit():
            return _to_number("".join(self._number))
        return None

    def feed(self, fragment: str) -> None:
        """Parse the next characters.

        Args:
            fragment: Any number of characters; it may end anywhere, inside escapes and surrogate pairs too.

        Raises:
            ValueError: if the text so far cannot be the beginning of a JSON text (RFC 8259: no ``NaN``, no raw
                control characters in strings). ``value`` remains readable; do not call ``feed`` again.
        """
        text = self._held + fragment if self._held else fragment
        self._held = ""
        position, end = 0, len(text)
        while position < end:
            if self._state is _IN_STRING:
                position = self._read_string(text, position)
            elif self._state is _IN_NUMBER:
                position = self._read_number(text, position)
            else:
                start = _SPACE.match(text, position).end()  # type: ignore[union-attr]
                position = self._read_token(text, start) if start < end else end

    def _read_token(self, text: str, position: int) -> int:
        """Read one structural character, or the beginning of a value."""
        char, state = text[position], self._state
        if state is _VALUE or (state is _VALUE_OR_END and char != "]"):
            return self._read_value(text, position)
        if char == '"' and (state is _KEY or state is _KEY_OR_END):
            self._key = [""]
            self._open, self._state = (self._key, 0), _IN_STRING
        elif char == ":" and state is _COLON:
            self._state = _VALUE
        elif char == "," and state is _COMMA_OR_END:
            self._state = _KEY if isinstance(self._stack[-1], dict) else _VALUE
        elif state in _MAY_END and char == ("}" if isinstance(self._stack[-1], dict) else "]"):
            self._stack.pop()
            self._end_value()
        else:
            raise ValueError(f"not JSON: {char!r} instead of {state}")
        return position + 1

    def _read_value(self, text: str, position: int) -> int:
        """Read the beginning of a value, or a complete literal."""
        char = text[position]
        if char == '"':
            self._open, self._state = self._put(""), _IN_STRING
        elif char == "{":
            self._put_container({}, _KEY_OR_END)
        elif char == "[":
            self._put_container([], _VALUE_OR_END)
        elif char in "-0123456789":
            self._number, self._number_shape, self._state = [], "", _IN_NUMBER
            return self._read_number(text, position)
        else:
            word, value = _LITERALS.get(char, ("", None))
            written = text[position : position + len(word)]
            if not word.startswith(written) or not word:
                raise ValueError(f"not JSON: {written or char!r} instead of {self._state}")
            if written != word:
                self._held = written
                return len(text)
            self._put(value)
            self._end_value()
            return position + len(word)
        return position + 1

    def _put(self, value: Any) -> tuple[Container, Any]:
        """Add a value to the innermost container; return that and the value's index."""
        container = self._stack[-1]
        if isinstance(container, dict):
            container[self._key[0]] = value
            return container, self._key[0]
        container.append(value)
        return container, -1

    def _put_container(self, container: Container, state: str) -> None:
        self._put(container)
        self._stack.append(container)
        self._state = state

    def _end_value(self) -> None:
        self._state = _COMMA_OR_END if len(self._stack) > 1 else _NOTHING

    def _read_number(self, text: str, position: int) -> int:
        run = _NUMBER_CHARACTERS.match(text, position).group()  # type: ignore[union-attr]
        position += len(run)
        self._number.append(run)
        shape = self._number_shape + run
        if len(shape) > 20:
            shape = _MORE_DIGITS.sub(r"\1", shape)
        self._number_shape = shape
        if not _NUMBER_BEGUN.fullmatch(shape) or (position < len(text) and not shape[-1].isdigit()):
            raise ValueError(f"not JSON: the number {shape}")
        if position < len(text):
            self._put(_to_number("".join(self._number)))
            self._end_value()
        return position

    def _read_string(self, text: str, position: int) -> int:
        """Read the characters of an open string to its closing quote or the end of the text."""
        end = _CHARACTERS.match(text, position).end()  # type: ignore[union-attr]
        if end > position:
            more = text[position:end]
            if "\\" in more:
                more, _ = scanstring(more + '"', 0)
            container, index = self._open
            # while the local variable is its only holder, CPython extends a string in place
            written = container[index]
            container[index] = None
            written += more
            container[index] = written
        if end == len(text):
            return end
        if text[end] == '"':
            if self._open[0] is self._key:
                self._state = _COLON
            else:
                self._end_value()
            return end + 1
        if not _ESCAPE_BEGUN.match(text, end):
            raise ValueError(f"not JSON: {text[end : end + 6]!r} in a string")
        self._held = text[end:]
        return len(text)


def _to_number(text: str) -> int | float:
    return float(text) if "." in text or "e" in text or "E" in text else int(text)


_STRUCTURE = re.compile(r'["{}\[\]]')
_STRING_STOP = re.compile(r'["\\]')


def invalidating_tail(text: str) -> str:
    r"""Return the shortest text that makes a truncated JSON text invalid for tolerant parsers.

    Frameworks complete truncated JSON: langchain-core's ``parse_partial_json`` parses ``{"path": "/etc`` as
    ``{"path": "/etc"}``, and so a truncated tool call looks valid. In ``text + invalidating_tail(text)`` it finds a
    closing bracket that closes nothing and fails, wherever the text was truncated.

    Args:
        text: The JSON text received so far; may be ``""``.

    Returns:
        The text to append: at most three characters, ``""`` if a bracket is already wrong.

    Examples:
        >>> invalidating_tail('{"path": "/etc')
        '"]'
        >>> invalidating_tail('["a\\')
        '""}'
    """
    closers: list[str] = []
    position = 0
    while match := _STRUCTURE.search(text, position):
        char, position = match.group(), match.end()
        if char == "{":
            closers.append("}")
        elif char == "[":
            closers.append("]")
        elif char == '"':
            while stop := _STRING_STOP.search(text, position):
                position = stop.end()
                if stop.group() == '"':
                    break
                if position == len(text):
                    return '""' + _wrong(closers)  # the backslash escapes the first quote
                position += 1
            else:
                return '"' + _wrong(closers)
        elif not closers or closers.pop() != char:
            return ""
    return _wrong(closers)


def _wrong(closers: list[str]) -> str:
    """Return a closing bracket that does not match."""
    return "}" if closers and closers[-1] == "]" else "]"
