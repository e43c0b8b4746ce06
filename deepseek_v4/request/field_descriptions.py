"""Descriptions of the fields of a pydantic class, from the docstrings below them."""

from __future__ import annotations

import inspect
import linecache
import re
import sys

from pydantic import BaseModel

_CLASS = r"^class {name}\b.*?:\n(.*?)(?=^\S|\Z)"
_FIELD = re.compile(r'^    (\w+): .*\n(?:(?: {8}| {4}[)\]]).*\n)*    """([^"]*(?:"(?!"")[^"]*)*)"""', re.M)
"""A field, which may take several lines, and the docstring below it."""


def describe_fields(cls: type[BaseModel]) -> None:
    """Set the description of each field that a class itself defines to the docstring below the field.

    pydantic's ``use_attribute_docstrings`` does the same, but searches for the source among all loaded modules, which
    is half of the time to import this package. Without a source the fields have no description.

    Args:
        cls: A class at the top of its module, whose schema is not built yet (``defer_build``).
    """
    module = sys.modules.get(cls.__module__)
    path = getattr(module, "__file__", None)
    if path is None:
        return
    source = "".join(linecache.getlines(path, vars(module)))
    own = re.search(_CLASS.format(name=re.escape(cls.__name__)), source, re.M | re.S)
    for name, text in _FIELD.findall(own[1]) if own is not None else ():
        field = cls.model_fields.get(name)
        if field is not None and field.description is None:
            field.description = inspect.cleandoc(text)
