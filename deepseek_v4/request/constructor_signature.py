"""The signature of a class that takes options by name: for ``help()``, ``inspect.signature`` and completion."""

from __future__ import annotations

from inspect import Parameter, Signature, signature
from typing import Any

from pydantic import BaseModel


class OptionSignature:
    """A class attribute ``__signature__`` with every option, also before the first construction, unlike pydantic's.

    Args:
        options: The class whose fields are the options; None for the class that has the attribute.
    """

    def __init__(self, options: type[BaseModel] | None = None) -> None:
        self._options = options

    def __get__(self, instance: object, owner: type[Any]) -> Signature:
        if instance is not None:
            raise AttributeError("__signature__ is an attribute of the class")
        positional = {
            name: parameter
            for name, parameter in signature(owner.__init__).parameters.items()
            if name != "self" and parameter.kind is Parameter.POSITIONAL_OR_KEYWORD
        }
        named = [
            Parameter(
                name,
                Parameter.KEYWORD_ONLY,
                default=... if field.default_factory is not None else field.get_default(),
                annotation=field.annotation,
            )
            for name, field in (self._options or owner).model_fields.items()
            if name not in positional
        ]
        return Signature([*positional.values(), *named])
