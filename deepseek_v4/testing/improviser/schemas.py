"""A JSON Schema without its malformed parts, so that its reader need not check every keyword."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

DEEPEST = 60
TYPES = frozenset(("object", "array", "string", "number", "integer", "boolean", "null"))


def readable(schema: Any, depth: int = 0) -> dict[str, Any]:
    """Return the schema with valid keywords only; empty if it is not a schema."""
    if not isinstance(schema, Mapping) or depth > DEEPEST:
        return {}
    kept: dict[str, Any] = {}
    for key, value in schema.items():
        if key in _SCHEMA_MAPS:
            if isinstance(value, Mapping):
                kept[key] = {name: readable(inner, depth + 1) for name, inner in value.items()}
        elif key in _SCHEMA_LISTS:
            branches = [readable(b, depth + 1) for b in value if isinstance(b, Mapping)] if _is_list(value) else []
            if branches:
                kept[key] = branches
        elif key in _SCHEMAS:
            if isinstance(value, Mapping):
                kept[key] = readable(value, depth + 1)
        elif key == "type":
            named = [one for one in (value if _is_list(value) else [value]) if isinstance(one, str) and one in TYPES]
            if named:
                kept[key] = next((one for one in named if one != "null"), "null")
        elif key == "required":
            kept[key] = [name for name in value if isinstance(name, str)] if _is_list(value) else []
        elif key not in _CHECKS or _CHECKS[key](value):
            kept[key] = value
    return kept


def is_number(value: Any) -> bool:
    """Return True if a JSON value is a finite number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _is_count(value: Any) -> bool:
    return is_number(value) and value >= 0 and value == int(value)


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


_SCHEMA_MAPS = frozenset(("properties", "$defs", "$def", "definitions"))
_SCHEMA_LISTS = frozenset(("anyOf", "oneOf", "allOf", "prefixItems"))
_SCHEMAS = frozenset(("items", "additionalProperties"))
_CHECKS: Mapping[str, Callable[[Any], bool]] = {
    "enum": lambda value: _is_list(value) and bool(value),
    "minimum": is_number,
    "maximum": is_number,
    "exclusiveMinimum": is_number,
    "exclusiveMaximum": is_number,
    "multipleOf": lambda value: is_number(value) and value > 0,
    "minItems": _is_count,
    "maxItems": _is_count,
    "minLength": _is_count,
    "maxLength": _is_count,
    "minProperties": _is_count,
    "format": _is_text,
    "pattern": _is_text,
    "$ref": _is_text,
}
