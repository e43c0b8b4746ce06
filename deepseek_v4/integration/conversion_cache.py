"""What the messages of a history were converted to, for the next turn, which brings the same objects again.

Frameworks' messages can be changed by whoever holds them, so an entry counts only while the object lives and while
everything the conversion read of it is as it was. Nothing is kept alive here: an entry goes with its object.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Sequence
from typing import Any

from deepseek_v4.values.messages import Message

__all__ = ["ConversionCache"]


class _Reference(weakref.ref[Any]):
    """A reference that knows under which key it is kept."""

    __slots__ = ("key",)

    key: int


class ConversionCache:
    """Objects, how they looked, and the message each of them said.

    A look is what the conversion reads of an object: values as they stand in it, so that taking one costs next to
    nothing. What is kept is a copy, and comparing the two shows any change.
    """

    __slots__ = ("_entries", "_forget")

    def __init__(self) -> None:
        entries: dict[int, tuple[_Reference, Any, Message]] = {}

        def forget(dead: _Reference) -> None:
            entry = entries.get(dead.key)
            if entry is not None and entry[0] is dead:
                del entries[dead.key]

        self._entries = entries
        self._forget = forget

    def __len__(self) -> int:
        return len(self._entries)

    def recall(self, sources: Sequence[Any], looks: Iterable[Any]) -> list[Message | None]:
        """What each object said when it looked as it does now; None for one that looks otherwise or is not known."""
        entries = self._entries
        try:
            return [
                entry[2] if (entry := entries.get(id(source))) is not None and entry[1] == look else None
                for source, look in zip(sources, looks, strict=True)
            ]
        except Exception:  # a value put in since then cannot be compared
            return [None] * len(sources)

    def keep(self, source: Any, look: Sequence[Any], message: Message) -> None:
        """Remember what an object said; not when its look holds something of which no copy can be held against it.

        Args:
            source: The framework's message.
            look: Everything the conversion has read of it, and what kind of message it is.
            message: What it said.
        """
        try:
            kept = _copy(look)
        except (TypeError, RecursionError):
            return
        reference = _Reference(source, self._forget)
        reference.key = id(source)
        self._entries[reference.key] = (reference, kept, message)


class _Number:
    """Equals a number of its own kind alone: Python calls ``1``, ``1.0`` and ``True`` equal, and JSON does not."""

    __slots__ = ("_value",)

    def __init__(self, value: float) -> None:
        self._value = value

    def __eq__(self, other: object) -> bool:
        return other.__class__ is self._value.__class__ and repr(other) == repr(self._value)

    __hash__ = None  # type: ignore[assignment]


def _copy(value: Any) -> Any:
    """A copy that equals the original until something in it is changed."""
    kind = value.__class__
    if kind is dict:
        copy = value.copy()
        for key, one in value.items():
            if one.__class__ is not str and one is not None:
                copy[key] = _copy(one)
        return copy
    if kind is list or kind is tuple:
        return kind([one if one.__class__ is str else _copy(one) for one in value]) if value else kind()
    if value is None or issubclass(kind, str):
        return value
    if kind in (int, float, bool):
        return _Number(value)
    raise TypeError(kind)
