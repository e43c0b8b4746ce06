"""The JSON Schema subset of strict function calling, as the guide lists it; anything else is refused.

https://api-docs.deepseek.com/guides/function_calling (strict mode, beta). The guide names no annotations but
`description`, so `title` and `default` on other types than numbers are refused as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from deepseek_v4.testing.reading.chat import target_of

ANYWHERE = frozenset({"description", "enum", "type"})
NUMERIC = frozenset({"const", "default", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"})
BY_TYPE: Mapping[str, frozenset[str]] = {
    "object": frozenset({"properties", "required", "additionalProperties"}),
    "string": frozenset({"pattern", "format"}),
    "number": NUMERIC,
    "integer": NUMERIC,
    "boolean": frozenset(),
    "array": frozenset({"items"}),
    "null": frozenset(),
}
DEFINITIONS = ("$defs", "$def", "definitions")
FORMATS = frozenset({"email", "hostname", "ipv4", "ipv6", "uuid"})


def check_strict_schema(schema: Any) -> str | None:
    """Return the reason why strict mode refuses the parameters of a function; `None` if it accepts them."""
    if schema is None:
        return None
    return next(_faults_of_root(schema), None)


def _faults_of_root(schema: Any) -> Iterator[str]:
    if not isinstance(schema, dict) or schema.get("type") != "object" or "anyOf" in schema:
        yield "strict mode: the root must be of type 'object', without 'anyOf'"
        return
    for key in DEFINITIONS:
        definitions = schema.get(key, {})
        if not isinstance(definitions, dict):
            yield f"strict mode: '{key}' must be an object"
            return
        for name, definition in definitions.items():
            yield from _faults(definition, f"#/{key}/{name}", schema)
    yield from _faults({k: v for k, v in schema.items() if k not in DEFINITIONS}, "#", schema)


def _faults(schema: Any, path: str, root: Mapping[str, Any]) -> Iterator[str]:
    if not isinstance(schema, dict):
        yield f"strict mode: {path}: a schema must be an object"
    elif "$ref" in schema:
        yield from _reference_faults(schema, path, root)
    elif "anyOf" in schema:
        yield from _unlisted(schema, frozenset({"anyOf", "description"}), path)
        branches = schema["anyOf"]
        if not isinstance(branches, list) or not branches:
            yield f"strict mode: {path}: 'anyOf' must be a non-empty array"
            return
        for position, branch in enumerate(branches):
            # a reference or a choice is refused, as in deepseek-recipe 0.2.0
            if isinstance(branch, dict) and "type" not in branch:
                yield f"strict mode: {path}/anyOf/{position}: 'type' is needed"
            yield from _faults(branch, f"{path}/anyOf/{position}", root)
    elif "type" not in schema:
        yield f"strict mode: {path}: 'type', 'anyOf' or '$ref' is needed"
    else:
        yield from _typed_faults(schema, path, root)


def _typed_faults(schema: Mapping[str, Any], path: str, root: Mapping[str, Any]) -> Iterator[str]:
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    unknown = [kind for kind in kinds if not isinstance(kind, str) or kind not in BY_TYPE]
    if unknown or not kinds:
        yield f"strict mode: {path}: unknown type {schema['type']!r}"
        return
    if len(kinds) > 1 and {"object", "array"} & set(kinds):
        yield f"strict mode: {path}: a list of types cannot hold 'object' or 'array'; use 'anyOf'"
        return
    allowed = ANYWHERE.union(*(BY_TYPE[kind] for kind in kinds))
    yield from _unlisted(schema, allowed, path)
    if "enum" in schema and not (isinstance(schema["enum"], list) and schema["enum"]):
        yield f"strict mode: {path}: 'enum' must be a non-empty array"
    if schema.get("format") is not None and schema["format"] not in FORMATS:
        yield f"strict mode: {path}: format '{schema['format']}' is not supported"
    if "object" in kinds:
        yield from _object_faults(schema, path, root)
    if "array" in kinds:
        if "items" not in schema:
            yield f"strict mode: {path}: 'items' is needed"
        else:
            yield from _faults(schema["items"], f"{path}/items", root)


def _object_faults(schema: Mapping[str, Any], path: str, root: Mapping[str, Any]) -> Iterator[str]:
    properties = schema.get("properties")
    if not isinstance(properties, dict) or (not properties and path != "#"):
        yield f"strict mode: {path}: an object needs 'properties'"
        return
    if schema.get("additionalProperties") is not False:
        yield f"strict mode: {path}: 'additionalProperties' must be false"
    needed = schema.get("required", [])
    if not isinstance(needed, list) or set(needed) != set(properties):
        yield f"strict mode: {path}: 'required' must list every property"
    for name, inner in properties.items():
        yield from _faults(inner, f"{path}/properties/{name}", root)


def _reference_faults(schema: Mapping[str, Any], path: str, root: Mapping[str, Any]) -> Iterator[str]:
    yield from _unlisted(schema, frozenset({"$ref", "description"}), path)
    reference = schema["$ref"]
    if not isinstance(reference, str) or target_of(reference, root) is None:
        yield f"strict mode: {path}: '$ref' {reference!r} leads nowhere"


def _unlisted(schema: Mapping[str, Any], allowed: frozenset[str], path: str) -> Iterator[str]:
    for key in schema:
        if key not in allowed:
            yield f"strict mode: {path}: keyword '{key}' is not supported"
