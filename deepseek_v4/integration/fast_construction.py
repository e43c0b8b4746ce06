"""Framework objects without validation, for what our own decoder made: thousands to an answer.

Both frameworks' messages are pydantic models, and validating one costs several times what it takes to make it. Here one
is put together field by field after a validated pattern of the same class. The adapters' tests hold what comes out
against what the constructors make, part by part.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import BaseModel

Model = TypeVar("Model", bound=BaseModel)

_new = object.__new__
_set = object.__setattr__


def unvalidated_factory(pattern: Model, *given: str) -> Callable[[dict[str, Any]], Model]:
    """A function that makes objects like ``pattern``.

    Args:
        pattern: A validated object. Its values are shared by all that are made, so every field that can change, such as
            a list, must be among those handed over.
        given: The fields that count as set.

    Returns:
        A function of the fields that differ from the pattern's; they are taken as they are.
    """
    cls = type(pattern)
    common = dict(pattern.__dict__)
    counted = frozenset(given)
    extra = pattern.__pydantic_extra__

    def make(fields: dict[str, Any]) -> Model:
        made = _new(cls)
        _set(made, "__dict__", {**common, **fields})
        _set(made, "__pydantic_fields_set__", set(counted))
        _set(made, "__pydantic_extra__", None if extra is None else {})
        _set(made, "__pydantic_private__", None)
        return made

    return make
