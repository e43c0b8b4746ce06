"""The keywords of JSON Schema: where schemas stand in a schema, which of them say what is allowed, and what."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

Schema: TypeAlias = "dict[str, Any]"

DEFINITIONS = ("$defs", "definitions")
# Where schemas stand in a schema, by keyword.
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

# Keywords that say which values are allowed; all others, known or not, only annotate.
ASSERTIONS = frozenset(
    {
        "$dynamicRef",
        "$recursiveRef",
        "$ref",
        "allOf",
        "anyOf",
        "const",
        "contains",
        "dependencies",
        "dependentRequired",
        "dependentSchemas",
        "else",
        "enum",
        "exclusiveMaximum",
        "exclusiveMinimum",
        "format",
        "if",
        "items",
        "maxItems",
        "maxLength",
        "maxProperties",
        "maximum",
        "minItems",
        "minLength",
        "minProperties",
        "minimum",
        "multipleOf",
        "not",
        "nullable",
        "oneOf",
        "pattern",
        "patternProperties",
        "prefixItems",
        "properties",
        "required",
        "then",
        "type",
        "uniqueItems",
        *_SINGLES,
    }
)

to_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=dict).encode


def parts_of(schema: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The schemas directly inside a schema, each with the keyword it stands under."""
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
    """A copy of a schema with each schema directly inside it converted; ``convert`` is told its key, or ``""``."""
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
    """A deep copy in plain dicts and lists."""
    if isinstance(value, Mapping):
        return {key: copied(inner) for key, inner in value.items()}
    return [copied(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def choice_of(schema: Mapping[str, Any]) -> str | None:
    """The keyword of the branches a schema offers; JSON that fits one fits any."""
    return "anyOf" if "anyOf" in schema else "oneOf" if "oneOf" in schema else None


def allowed_values(schema: Mapping[str, Any]) -> list[Any] | None:
    """The values a schema lists by ``enum`` and ``const``; None when it lists none."""
    values = schema.get("enum")
    allowed = list(values) if isinstance(values, (list, tuple)) else None
    if "const" not in schema:
        return allowed
    only = schema["const"]
    return [only] if allowed is None or any(to_json(value) == to_json(only) for value in allowed) else []


def kind_of(value: Any) -> str:
    """The type of a value, in the words of JSON Schema; ``number`` for what is no integer."""
    if value is None:
        return "null"
    for kind, types in (("boolean", bool), ("integer", int), ("number", float), ("string", str), ("object", Mapping)):
        if isinstance(value, types):
            return kind
    return "array"


def is_kind(value: Any, kind: str) -> bool:
    """Whether a value is of a type; 1.0 is an integer, and every integer a number."""
    found = kind_of(value)
    if kind == "integer" and found == "number":
        return bool(value.is_integer())
    return found == kind or (kind == "number" and found == "integer")


def distinct(values: Iterable[Any]) -> list[Any]:
    """Each JSON value once, in order; 1 and true are two."""
    values = list(values)
    return values if len(values) < 2 else list({to_json(value): value for value in values}.values())
