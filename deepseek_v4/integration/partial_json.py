"""Incremental parsing of JSON: the value so far, in time linear in the length of the text. Nothing is repaired.

``PartialJson`` parses a text in fragments; ``invalidating_tail`` makes a truncated text invalid for tolerant parsers.
Complete texts are parsed with ``values.json.loads``.
"""

from __future__ import annotations

import re
from typing import Any, Final

__all__ = ["PartialJson", "invalidating_tail"]

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
_IN_KEY: Final = "a key in quotes"
_IN_NUMBER: Final = "a number"

_MAY_END = (_COMMA_OR_END, _KEY_OR_END, _VALUE_OR_END)

_SPACE = re.compile(r"[ \t\n\r]*")
_PLAIN = re.compile(r'[^"\\\x00-\x1f]*')
_NUMBER = re.compile(r"[-+.0-9eE]*")
_HEX = re.compile(r"[0-9a-fA-F]*")
_LOW_SURROGATE = re.compile(r"\\u[dD][c-fC-F][0-9a-fA-F]{2}")
_LOW_SURROGATE_BEGUN = re.compile(r"(?:\\(?:u(?:[dD](?:[c-fC-F][0-9a-fA-F]?)?)?)?)?\Z")

_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_LITERALS = {"t": ("true", True), "f": ("false", False), "n": ("null", None)}

_DIGITS = {**dict.fromkeys("0123456789", "9"), **dict.fromkeys("eE", "e"), **dict.fromkeys("+-", "+"), ".": "."}
_NUMBER_STEPS: dict[tuple[str, str], str] = {
    ("int", "9"): "int",
    ("int", "."): "point",
    ("int", "e"): "exponent",
    ("zero", "."): "point",
    ("zero", "e"): "exponent",
    ("point", "9"): "fraction",
    ("fraction", "9"): "fraction",
    ("fraction", "e"): "exponent",
    ("exponent", "+"): "exponent sign",
    ("exponent", "9"): "exponent digits",
    ("exponent sign", "9"): "exponent digits",
    ("exponent digits", "9"): "exponent digits",
}
_NUMBER_ENDS = frozenset({"int", "zero", "fraction", "exponent digits"})

Container = list[Any] | dict[str, Any]


class PartialJson:
    """The value of a JSON text that arrives in fragments.

    The time of all ``feed`` calls together grows with the length of the text, whatever the size of the fragments,
    and reading ``value`` costs nothing. For that, the containers in ``value`` are **live**: the same objects grow with
    the next ``feed``; copy what must not change. Unfinished strings are extended in place unless there are other
    references to them; then each ``feed`` copies the last one. Not safe to feed from several threads.

    Example:
        >>> parser = PartialJson()
        >>> parser.feed('{"city": "Par')
        >>> parser.value, parser.complete
        ({'city': 'Par'}, False)
        >>> parser.feed('is", "days": 3')
        >>> parser.value  # more digits may follow
        {'city': 'Paris'}
        >>> parser.feed("}")
        >>> parser.value, parser.complete
        ({'city': 'Paris', 'days': 3}, True)
    """

    __slots__ = (
        "_consumed",
        "_failed",
        "_held",
        "_key",
        "_key_fragments",
        "_number",
        "_number_state",
        "_root",
        "_stack",
        "_state",
    )

    def __init__(self) -> None:
        self._root: list[Any] = []
        """Contains the value of the text, once it has begun."""
        self._stack: list[Container] = [self._root]
        """Open containers, outermost first."""
        self._key: str | None = None
        """The key of the next value, if the innermost container is an object."""
        self._state: str = _VALUE
        self._key_fragments: list[str] = []
        """Fragments of the open key."""
        self._number: list[str] = []
        self._number_state = ""
        self._held = ""
        """The beginning of a truncated escape or literal; at most eleven characters."""
        self._consumed = 0
        self._failed: str | None = None

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
        if self._state is _IN_NUMBER and len(self._stack) == 1 and self._number_state in _NUMBER_ENDS:
            return _to_number("".join(self._number))
        return None

    @property
    def complete(self) -> bool:
        """True if the text so far is a complete JSON text: only white space may follow (or digits, after a number)."""
        if self._failed is not None or self._held or len(self._stack) > 1:
            return False
        return self._state is _NOTHING or (self._state is _IN_NUMBER and self._number_state in _NUMBER_ENDS)

    def feed(self, fragment: str) -> None:
        """Parse the next characters.

        Args:
            fragment: Any number of characters; it may end anywhere, inside escapes and surrogate pairs too.

        Raises:
            ValueError: if the text so far cannot be the beginning of a JSON text (RFC 8259: no ``NaN``, no raw
                control characters in strings); contains the position. Later calls raise it again, and ``value`` does
                not change.
        """
        if self._failed is not None:
            raise ValueError(self._failed)
        text = self._held + fragment if self._held else fragment
        self._held = ""
        position, end = 0, len(text)
        while position < end:
            state = self._state
            if state is _IN_STRING:
                position = self._read_string(text, position)
            elif state is _IN_KEY:
                position = self._read_key(text, position)
            elif state is _IN_NUMBER:
                position = self._read_number(text, position)
            else:
                start = _SPACE.match(text, position).end()  # type: ignore[union-attr]
                position = self._read_token(text, start) if start < end else end
        self._consumed += end - len(self._held)

    def _fail(self, position: int, found: str) -> ValueError:
        self._failed = f"not JSON at character {self._consumed + position}: {found}"
        return ValueError(self._failed)

    def _read_token(self, text: str, position: int) -> int:
        """Read one structural character, or the beginning of a value."""
        char, state = text[position], self._state
        if state is _VALUE or (state is _VALUE_OR_END and char != "]"):
            return self._read_value(text, position)
        if char == '"' and (state is _KEY or state is _KEY_OR_END):
            self._state = _IN_KEY
        elif char == ":" and state is _COLON:
            self._state = _VALUE
        elif char == "," and state is _COMMA_OR_END:
            self._state = _KEY if isinstance(self._stack[-1], dict) else _VALUE
        elif state in _MAY_END and char == ("}" if isinstance(self._stack[-1], dict) else "]"):
            self._stack.pop()
            self._end_value()
        else:
            raise self._fail(position, f"{char!r} instead of {state}")
        return position + 1

    def _read_value(self, text: str, position: int) -> int:
        """Read the beginning of a value, or a complete literal."""
        char = text[position]
        if char == '"':
            self._put("")
            self._state = _IN_STRING
        elif char == "{":
            self._open({}, _KEY_OR_END)
        elif char == "[":
            self._open([], _VALUE_OR_END)
        elif char in "-0123456789":
            self._number = [char]
            self._number_state = {"-": "minus", "0": "zero"}.get(char, "int")
            self._state = _IN_NUMBER
        elif char in _LITERALS:
            word, value = _LITERALS[char]
            written = text[position : position + len(word)]
            if not word.startswith(written):
                raise self._fail(position, f"{written!r} instead of {self._state}")
            if written != word:
                self._held = written
                return len(text)
            self._put(value)
            self._end_value()
            return position + len(word)
        else:
            raise self._fail(position, f"{char!r} instead of {self._state}")
        return position + 1

    def _put(self, value: Any) -> None:
        """Add a value to the innermost container."""
        container = self._stack[-1]
        if isinstance(container, dict):
            container[self._key or ""] = value
        else:
            container.append(value)

    def _open(self, container: Container, state: str) -> None:
        self._put(container)
        self._stack.append(container)
        self._state = state

    def _end_value(self) -> None:
        self._state = _COMMA_OR_END if len(self._stack) > 1 else _NOTHING

    def _read_number(self, text: str, position: int) -> int:
        match = _NUMBER.match(text, position)
        run = match.group() if match else ""
        state = self._number_state
        for offset, char in enumerate(run):
            kind = _DIGITS[char]
            if state == "minus" and kind == "9":
                state = "zero" if char == "0" else "int"
                continue
            step = _NUMBER_STEPS.get((state, kind))
            if step is None:
                raise self._fail(position + offset, f"{char!r} in a number")
            state = step
        self._number_state = state
        self._number.append(run)
        position += len(run)
        if position < len(text):
            if state not in _NUMBER_ENDS:
                raise self._fail(position, f"{text[position]!r} in a number")
            try:
                number = _to_number("".join(self._number))
            except ValueError:
                raise self._fail(position, "an integer with more digits than Python converts") from None
            self._number, self._number_state = [], ""
            self._put(number)
            self._end_value()
        return position

    def _read_string(self, text: str, position: int) -> int:
        """Read the characters of an open value in quotes."""
        fragments: list[str] = []
        position, closed = self._read_characters(text, position, fragments)
        if fragments:
            container, key = self._stack[-1], self._key
            more = "".join(fragments)
            # While the local variable is its only holder, CPython extends a string in place.
            if isinstance(container, dict):
                written = container[key or ""]
                container[key or ""] = None
                written += more
                container[key or ""] = written
            else:
                written = container[-1]
                container[-1] = None
                written += more
                container[-1] = written
        if closed:
            self._end_value()
        return position

    def _read_key(self, text: str, position: int) -> int:
        """Read the characters of an open key."""
        position, closed = self._read_characters(text, position, self._key_fragments)
        if closed:
            self._key = "".join(self._key_fragments)
            self._key_fragments = []
            self._state = _COLON
        return position

    def _read_characters(self, text: str, position: int, fragments: list[str]) -> tuple[int, bool]:
        """Read string characters to the closing quote or the end of the text.

        Returns:
            The next position, and True if the closing quote was read. A truncated escape is held back.
        """
        end = len(text)
        while True:
            start = position
            position = _PLAIN.match(text, position).end()  # type: ignore[union-attr]
            if position > start:
                fragments.append(text[start:position])
            if position == end:
                return end, False
            char = text[position]
            if char == '"':
                return position + 1, True
            if char != "\\":
                raise self._fail(position, f"a raw {char!r} in a string")
            length, plain = self._read_escape(text, position)
            if not length:
                self._held = text[position:]
                return end, False
            fragments.append(plain)
            position += length

    def _read_escape(self, text: str, position: int) -> tuple[int, str]:
        r"""Read an escape, or the two escapes of a surrogate pair.

        Returns:
            Its length and its character; length 0 if more characters are needed.
        """
        if position + 1 == len(text):
            return 0, ""
        letter = text[position + 1]
        if letter != "u":
            try:
                return 2, _ESCAPES[letter]
            except KeyError:
                raise self._fail(position, f"the escape '\\{letter}'") from None
        code = text[position + 2 : position + 6]
        if not _HEX.fullmatch(code):
            raise self._fail(position, f"the escape '\\u{code}'")
        if len(code) < 4:
            return 0, ""
        unit = int(code, 16)
        if not 0xD800 <= unit <= 0xDBFF:
            return 6, chr(unit)
        following = position + 6
        if _LOW_SURROGATE_BEGUN.match(text, following):
            return 0, ""
        if not _LOW_SURROGATE.match(text, following):
            return 6, chr(unit)
        low = int(text[following + 2 : following + 6], 16)
        return 12, chr(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00))


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

    Example:
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
