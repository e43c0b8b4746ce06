"""What a strict schema cannot express and its description can: lengths, patterns, bounds, formats, defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deepseek_v4.protocols.schema.keywords import choice_of, to_json

FORMATS = frozenset({"email", "hostname", "ipv4", "ipv6", "uuid"})
"""String formats that strict mode supports."""

# Constraints that only the description can express.
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


def description_of(schema: Mapping[str, Any]) -> str:
    """Return the description, with the constraints that strict mode does not support."""
    notes: list[str] = []
    for keyword, template in CONSTRAINTS.items():
        value = schema.get(keyword)
        if value is None or isinstance(value, bool):
            continue
        if schema.get(f"exclusive{keyword.capitalize()}") is True:  # draft 4
            template = template.replace("=", "")
        notes.append(template.format(value if isinstance(value, str) else to_json(value)))
    if schema.get("uniqueItems") is True:
        notes.append("no duplicates")
    needs = schema.get("dependentRequired")
    if isinstance(needs, Mapping):
        notes.extend(f"{key} needs {', '.join(map(str, others))}" for key, others in needs.items() if others)
    format_ = schema.get("format")
    if isinstance(format_, str) and not (format_ in FORMATS and _is_plain_string(schema)):
        notes.append(f"format {format_}")
    if schema.get("default") is not None:
        notes.append(f"default {to_json(schema['default'])}")
    note = "; ".join(word for word in notes if len(word) <= _MAX_TEXT)
    description = schema.get("description")
    if not isinstance(description, str) or not description.strip():
        return note
    return f"{description} ({note})" if note else description


def _is_plain_string(schema: Mapping[str, Any]) -> bool:
    kinds = schema.get("type")
    return (kinds == "string" or (isinstance(kinds, (list, tuple)) and "string" in kinds)) and not (
        "enum" in schema or "const" in schema or choice_of(schema)
    )
