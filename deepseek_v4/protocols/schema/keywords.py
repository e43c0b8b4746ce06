"""The keywords of JSON Schema: which contain schemas, which restrict the allowed values, and helpers to read them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

Schema: TypeAlias = "dict[str, Any]"

KINDS = ("object", "array", "string", "number", "integer", "boolean", "null")
DEFINITIONS = ("$defs", "definitions")
# Keywords that contain schemas.
_MAPS = ("properties", "patternProperties", "dependentSchemas", *DEFINITIONS)
_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_SINGLES = (
    "items",
    "additionalProperties",
    "additionalItems",
    "unevaluatedProperties",
    "unevaluatedItems",
    "contains",
    "propertyNames",
    "not",
    "if",
    "then",
    "else",
)

# Keywords that restrict the allowed values; all others, known or not, are annotations.
ASSERTIONS = frozenset(
    {
        "$dynamicRef",
        "$recursiveRef",
        "$ref",
        "const",
        "dependencies",
        "dependentRequired",
        "enum",
        "exclusiveMaximum",
        "exclusiveMinimum",
        "format",
        "maxItems",
        "maxLength",
        "maxProperties",
        "maximum",
        "minItems",
        "minLength",
        "minProperties",
        "minimum",
        "multipleOf",
        "nullable",
        "pattern",
        "required",
        "type",
        "uniqueItems",
        *set(_MAPS) - set(DEFINITIONS),
        *_LISTS,
        *_SINGLES,
    }
)

to_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=dict).encode


def parts_of(schema: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the schemas directly inside a schema, each with its keyword."""
    for keyword, value in schema.items():
        if keyword in _MAPS and isinstance(value, Mapping):
            for inner in value.values():
                yield keyword, inner
        elif (keyword in _LISTS or keyword == "items") and isinstance(value, (list, tuple)):
            for inner in value:
                yield keyword, inner
        elif keyword in _SINGLES:
            yield keyword, value


def rebuild(schema: Mapping[str, Any], convert: Callable[[Any, str], Any]) -> Schema:
    """Copy a schema, converting the schemas directly inside it; ``convert`` also receives their key, or ``""``."""
    built: Schema = {}
    for keyword, value in schema.items():
        if keyword in _MAPS and isinstance(value, Mapping):
            built[keyword] = {key: convert(inner, key) for key, inner in value.items()}
        elif (keyword in _LISTS or keyword == "items") and isinstance(value, (list, tuple)):
            built[keyword] = [convert(inner, "") for inner in value]
        elif keyword in _SINGLES:
            built[keyword] = convert(value, "")
        else:
            built[keyword] = copied(value)
    return built


def copied(value: Any) -> Any:
    """Return a deep copy in plain dicts and lists."""
    if isinstance(value, Mapping):
        return {key: copied(inner) for key, inner in value.items()}
    return [copied(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def choice_of(schema: Mapping[str, Any]) -> str | None:
    """Return the keyword of a schema's branches, or None; JSON that fits one branch is valid for both keywords."""
    return "anyOf" if "anyOf" in schema else "oneOf" if "oneOf" in schema else None


def allowed_values(schema: Mapping[str, Any]) -> list[Any] | None:
    """Return the values that ``enum`` and ``const`` allow; None if the schema has neither."""
    values = schema.get("enum")
    allowed = list(values) if isinstance(values, (list, tuple)) else None
    if "const" not in schema:
        return allowed
    only = schema["const"]
    return [only] if allowed is None or any(to_json(value) == to_json(only) for value in allowed) else []


def kind_of(value: Any) -> str:
    """Return the JSON Schema type of a value; ``number`` for a float."""
    if value is None:
        return "null"
    for kind, types in (("boolean", bool), ("integer", int), ("number", float), ("string", str), ("object", Mapping)):
        if isinstance(value, types):
            return kind
    return "array"


def is_kind(value: Any, kind: str) -> bool:
    """Return True if a value is of a type; 1.0 is an integer, and every integer a number."""
    found = kind_of(value)
    if kind == "integer" and found == "number":
        return bool(value.is_integer())
    return found == kind or (kind == "number" and found == "integer")


def distinct(values: Iterable[Any]) -> list[Any]:
    """Return each JSON value once, in order; 1 and true are different."""
    values = list(values)
    return values if len(values) < 2 else list({to_json(value): value for value in values}.values())
