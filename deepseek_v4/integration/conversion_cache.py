"""A cache of converted messages, for the next turn, whose history contains the same objects again.

A framework's messages are mutable, so an entry is valid only while the object exists and all values that the conversion
has read are unchanged. The cache keeps no object alive: an entry is deleted with its object. The objects of a history
are copied when its first new one arrives for the second time: a copy costs half as much as a conversion, and many
histories are sent only once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from weakref import ref

from deepseek_v4.values.messages import Message

Fingerprints = Callable[[Sequence[Any]], Sequence[Any]]
"""Returns for each object all values that its conversion reads, uncopied."""


class _Reference(ref[Any]):
    """A weak reference with the key of its entry; ``weakref.KeyedRef`` takes three times as long to create."""

    __slots__ = ("key",)

    key: int


class ConversionCache:
    """Objects, copies of the values that were read from them, and the messages that they were converted to.

    A fingerprint costs almost nothing, because its values are not copied. Comparing it with the copy detects any
    change.

    Args:
        fingerprints: Returns the fingerprints of objects.
    """

    __slots__ = ("_entries", "_fingerprints", "_forget", "_seen")

    def __init__(self, fingerprints: Fingerprints) -> None:
        entries: dict[int, tuple[_Reference, Any, Message]] = {}
        seen: dict[int, _Reference] = {}

        def forget(dead: _Reference) -> None:
            if seen.get(dead.key) is dead:
                del seen[dead.key]
            entry = entries.get(dead.key)
            if entry is not None and entry[0] is dead:
                del entries[dead.key]

        self._entries = entries
        self._seen = seen
        self._forget = forget
        self._fingerprints = fingerprints

    def __len__(self) -> int:
        return len(self._entries)

    def lookup(self, sources: Sequence[Any]) -> list[Message | None]:
        """Return the stored message of each object; None for an object that has changed or is not stored."""
        entries = self._entries
        if entries.keys().isdisjoint(map(id, sources)):
            return [None] * len(sources)
        try:
            return [
                entry[2] if (entry := entries.get(id(source))) is not None and entry[1] == fingerprint else None
                for source, fingerprint in zip(sources, self._fingerprints(sources), strict=True)
            ]
        except Exception:  # a value that was added later cannot be compared
            return [None] * len(sources)

    def arrives_again(self, source: Any) -> bool:
        """Return True if an object was passed to this method before."""
        if id(source) in self._seen:
            return True
        self._seen[id(source)] = self._reference(source)
        return False

    def store(self, source: Any, message: Message) -> None:
        """Store the message of an object.

        An object whose fingerprint has a value that cannot be copied and compared is not stored.
        """
        [fingerprint] = self._fingerprints([source])
        try:
            copy = _copy(fingerprint)
        except (TypeError, RecursionError):
            return
        self._entries[id(source)] = (self._reference(source), copy, message)

    def _reference(self, source: Any) -> _Reference:
        reference = _Reference(source, self._forget)
        reference.key = id(source)
        return reference


class _Number:
    """A number that equals only numbers of its own type: in Python ``1 == 1.0 == True``, but not in JSON."""

    __slots__ = ("_value",)

    def __init__(self, value: float) -> None:
        self._value = value

    def __eq__(self, other: object) -> bool:
        return other.__class__ is self._value.__class__ and repr(other) == repr(self._value)

    __hash__ = None  # type: ignore[assignment]


_IMMUTABLE = frozenset({str, type(None)})


def _copy(value: Any) -> Any:
    """Return a copy that equals the original until something in it is changed."""
    kind = value.__class__
    if kind is dict:
        copy = value.copy()
        for key, one in value.items():
            if one.__class__ not in _IMMUTABLE:
                copy[key] = _copy(one)
        return copy
    if kind is list:
        return [one if one.__class__ in _IMMUTABLE else _copy(one) for one in value] if value else []
    if kind is tuple:
        return value if _IMMUTABLE.issuperset(map(type, value)) else tuple(_copy([*value]))
    if value is None or issubclass(kind, str):
        return value
    if kind in (int, float, bool):
        return _Number(value)
    raise TypeError(kind)
