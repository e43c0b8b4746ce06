"""The base class of frozen values: equality, hash and text by field.

``dataclass`` generates these methods as source and compiles it, for each class again, which was 9 of the 66 ms of the
import; here they are written once. Used with ``@dataclass(frozen=True, slots=True, eq=False, repr=False)``.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from operator import attrgetter
from typing import Any


class Value:
    """A frozen dataclass that inherits what ``dataclass`` would generate for it, with the same results."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return _compared(self) == _compared(other) if other.__class__ is self.__class__ else NotImplemented

    def __hash__(self) -> int:
        return hash(_compared(self))

    def __repr__(self) -> str:
        cls: Any = self.__class__
        shown = [f"{field.name}={getattr(self, field.name)!r}" for field in dataclasses.fields(cls) if field.repr]
        return f"{cls.__qualname__}({', '.join(shown)})"


def _compared(value: Any) -> Any:
    """Return the fields of a value that are compared."""
    return _getter(value.__class__)(value)


@functools.cache
def _getter(cls: type[Any]) -> Callable[[Any], Any]:
    return attrgetter(*(field.name for field in dataclasses.fields(cls) if field.compare))
