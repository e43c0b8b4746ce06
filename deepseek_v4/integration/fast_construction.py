"""Create framework objects without validation, for values from our decoder: thousands per answer.

Both frameworks' messages are pydantic models, and validation takes several times as long as construction. Here an
object is created field by field from a validated template of the same class. The adapters' tests compare the result
with what the constructors create, field by field.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import BaseModel

Model = TypeVar("Model", bound=BaseModel)

_new = object.__new__
_set = object.__setattr__


def unvalidated_factory(template: Model, *given: str) -> Callable[..., Model]:
    """Return a function that creates objects like ``template``.

    Args:
        template: A validated object. Its values are shared by all created objects, so every mutable field, such as a
            list, must be among the fields that are passed.
        given: The fields that count as set.

    Returns:
        A function of the fields that differ from the template's, by name; they are used without validation.
    """
    cls = type(template)
    common = dict(template.__dict__)
    counted = frozenset(given)
    extra = template.__pydantic_extra__

    def make(**fields: Any) -> Model:
        made = _new(cls)
        _set(made, "__dict__", {**common, **fields})
        _set(made, "__pydantic_fields_set__", set(counted))
        _set(made, "__pydantic_extra__", None if extra is None else {})
        _set(made, "__pydantic_private__", None)
        return made

    return make
