"""The constraints of a schema: those that strict mode keeps, and those that only the description can express."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deepseek_v4.protocols.schema.keywords import Schema, allowed_values, choice_of, is_kind, to_json

FORMATS = frozenset({"email", "hostname", "ipv4", "ipv6", "uuid"})
"""String formats that strict mode supports."""

_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
KEPT: Mapping[str, tuple[str, ...]] = {"string": ("pattern", "format"), "number": _BOUNDS, "integer": _BOUNDS}
"""Type -> the constraints that strict mode enforces (deepseek-recipe 0.2.0; the guide of August 2026)."""

# How the description expresses a constraint that is not kept.
CONSTRAINTS: Mapping[str, str] = {
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "pattern": "matches {}",
    "minimum": ">= {}",
    "exclusiveMinimum": "> {}",
    "maximum": "<= {}",
    "exclusiveMaximum": "< {}",
    "multipleOf": "a multiple of {}",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "minProperties": "at least {} fields",
    "maxProperties": "at most {} fields",
    "contentEncoding": "encoded as {}",
    "contentMediaType": "of media type {}",
}
_MAX_TEXT = 200
"""Maximum length of a pattern or default in the description; longer ones are left out."""


def kept_constraints(schema: Mapping[str, Any], kind: str) -> Schema:
    """Return the constraints of a schema that strict mode keeps for one of its types, if it has no list of values."""
    if allowed_values(schema) is not None or choice_of(schema) is not None:
        return {}
    return {word: schema[word] for word in KEPT.get(kind, ()) if word in schema and _is_kept(word, schema[word])}


def _is_kept(keyword: str, value: Any) -> bool:
    if keyword in _BOUNDS:
        return is_kind(value, "number") and (keyword != "multipleOf" or value > 0)  # others are refused
    return isinstance(value, str) and (keyword == "pattern" or value in FORMATS)


def description_of(schema: Mapping[str, Any]) -> str:
    """Return the description, with the constraints that strict mode does not keep."""
    notes: list[str] = []
    kinds = schema.get("type")
    kinds = kinds if isinstance(kinds, (list, tuple)) else [kinds]
    kept = {keyword for kind in kinds if isinstance(kind, str) for keyword in kept_constraints(schema, kind)}
    for keyword, template in CONSTRAINTS.items():
        value = schema.get(keyword)
        if value is None or isinstance(value, bool):
            continue
        if schema.get(f"exclusive{keyword.capitalize()}") is True:  # draft 4
            template = template.replace("=", "")
        elif keyword in kept:
            continue
        notes.append(template.format(value if isinstance(value, str) else to_json(value)))
    if schema.get("uniqueItems") is True:
        notes.append("no duplicates")
    needs = schema.get("dependentRequired")
    if isinstance(needs, Mapping):
        notes.extend(f"{key} needs {', '.join(map(str, others))}" for key, others in needs.items() if others)
    format_ = schema.get("format")
    if isinstance(format_, str) and "format" not in kept:
        notes.append(f"format {format_}")
    if schema.get("default") is not None:
        notes.append(f"default {to_json(schema['default'])}")
    note = "; ".join(word for word in notes if len(word) <= _MAX_TEXT)
    description = schema.get("description")
    if not isinstance(description, str) or not description.strip():
        return note
    return f"{description} ({note})" if note else description
