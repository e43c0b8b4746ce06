"""Convert a function's parameters to the subset of strict function calling, or raise an error that names the place.

Strict function calling supports a subset of JSON Schema and refuses the rest
(https://api-docs.deepseek.com/guides/tool_calls, strict mode, beta). What DeepSeek's own parser keeps is sent
(deepseek-recipe 0.2.0): ``type``, ``properties``, ``required``, ``additionalProperties``, ``items``, ``enum``,
``anyOf``, ``$ref``, ``description``; ``pattern`` and five formats of strings; bounds, ``multipleOf`` and ``const`` of
numbers. The rest goes into the description. Definitions are under ``$def``: it drops ``$defs``, and the references to
them would point to nothing. A reference inside ``anyOf`` is refused, so recursive choices are definitions.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NoReturn, TypeAlias

from deepseek_v4.errors import UnsupportedError
from deepseek_v4.protocols.schema.all_of import ConflictError, both
from deepseek_v4.protocols.schema.constraints import CONSTRAINTS, description_of, kept_constraints
from deepseek_v4.protocols.schema.keywords import (
    ASSERTIONS,
    KINDS,
    Schema,
    allowed_values,
    choice_of,
    distinct,
    is_kind,
    kind_of,
    to_json,
)
from deepseek_v4.protocols.schema.named_unions import name_unions
from deepseek_v4.protocols.schema.references import LARGEST, Pointer, References
from deepseek_v4.values import json

_ANNOTATIONS = frozenset({"description", "default"})
"""Annotations that go into the description."""

_INEXPRESSIBLE: Mapping[str, str] = {
    "not": "strict mode does not support `not`; list what is allowed",
    "if": "strict mode does not support `if`; use anyOf with one object for each case",
    "dependentSchemas": "strict mode does not support `dependentSchemas`; use anyOf with one object for each case",
    "dependencies": "strict mode does not support `dependencies`; use anyOf with one object for each case",
    "patternProperties": "strict mode does not support free keys; list them as properties, or use key-value pairs",
    "contains": "strict mode does not support `contains`; describe all items by `items`",
    "prefixItems": "strict mode does not support tuples; use an object with one property per position",
    "$dynamicRef": "strict mode does not support `$dynamicRef`; use $ref",
    "$recursiveRef": "strict mode does not support `$recursiveRef`; use $ref",
}
_UNTYPED = "strict mode does not support values of any type; specify the type"
_Keep: TypeAlias = Literal["references", "recursion", "nothing"]

_NULL: Schema = {"type": "null"}


def strict_subset(parameters: Mapping[str, Any], where: str) -> Schema:
    """Convert a function's parameters to the subset of strict function calling, keeping the meaning as far as possible.

    Every property becomes required, and optional ones become nullable (see ``remove_added_nulls``); unknown keys are
    excluded. Keywords that strict mode does not support (lengths, numbers of items, defaults) are moved to the
    description. Equal input always gives equal bytes; the input is not changed.

    Args:
        parameters: JSON Schema of an object; ``{}`` is a function without arguments.
        where: Prefix of the errors, such as ``tool get_weather``.

    Raises:
        UnsupportedError: for unsupported schemas: maps with free keys, untyped values, objects without properties below
            the root, tuples, ``not``, ``if``, members of ``allOf`` that conflict, a root that is not an object.
            Names the place, as in ``tool get_weather: parameters/properties/a/items: …``, and the remedy.

    Examples:
        >>> strict_subset({"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}}, "tool f")
        ... # doctest: +NORMALIZE_WHITESPACE
        {'type': 'object',
         'properties': {'n': {'anyOf': [{'type': 'integer', 'minimum': 1}, {'type': 'null'}]}},
         'required': ['n'],
         'additionalProperties': False}
    """
    try:
        encoded = json.dumps(parameters)
    except (TypeError, ValueError, RecursionError):
        return _converted(parameters, where)
    strict: Schema = json.loads(_converted_once(encoded, where))
    return strict


@functools.lru_cache(maxsize=256)
def _converted_once(encoded: bytes, where: str) -> bytes:
    """Convert and cache, because tools repeat from turn to turn; as bytes, so that the cache cannot be changed."""
    return json.dumps(_converted(json.loads(encoded), where))


def _converted(parameters: Mapping[str, Any], where: str) -> Schema:
    try:
        strict = _Strict(parameters, where).run()
        if "$defs" not in strict:
            return strict
        # a choice that was one of its own branches has become plain, so references are checked again
        strict = _repointed(_Strict(strict, where).run())
        definitions = strict.pop("$defs", None)
        return {**strict, "$def": definitions} if definitions else strict
    except RecursionError:
        what = "this is nested too deeply or without end; make it flatter"
        raise UnsupportedError(f"{where}: parameters: {what}, or leave strict off for this tool.") from None


class _Strict:
    """One conversion to the strict subset. ``path`` is the position of a schema in the parameters, for errors."""

    def __init__(self, root: Mapping[str, Any], where: str) -> None:
        self.root = root
        self.where = where
        self.references = References(root)
        self.definitions: dict[str, Schema] = {}
        self.parts = 0

    def run(self) -> Schema:
        path = "parameters"
        if not isinstance(self.root, Mapping):
            self.refuse(path, "this is not a schema; pass a JSON Schema of an object")
        schema, path = self.unfold(self.root, path, "nothing", frozenset({()}))
        if choice_of(schema) is not None:
            self.refuse(path, "strict mode does not support anyOf/oneOf at the root; move it into a property")
        if schema.get("type", "object") not in ("object", ["object"]):
            self.refuse(path, f"parameters must be an object, not {to_json(schema['type'])}; move it into a property")
        self.check(schema, path)
        strict = _describe(self.object(schema, path, in_union=False, at_root=True), description_of(schema))
        for name in self.definitions:
            self.check_alias(name)
        if self.definitions:
            strict = {**strict, "$defs": self.definitions}
        try:
            return name_unions(strict)
        except LookupError as error:
            self.refuse("parameters", f"{error} has only itself as a branch; define the schema it should point to")

    def refuse(self, path: str, what: str) -> NoReturn:
        raise UnsupportedError(f"{self.where}: {path}: {what}, or leave strict off for this tool.")

    def convert(self, schema: Any, path: str, *, in_union: bool, seen: frozenset[Pointer] = frozenset()) -> Schema:
        """Convert one schema below the root.

        Args:
            schema: The schema at ``path``.
            path: Its position.
            in_union: True inside an ``anyOf``, which allows only recursive references; others are inlined.
            seen: The definition whose body this is: a body must not be just a reference.
        """
        self.parts += 1
        if self.parts > LARGEST:
            self.refuse(path, f"the schema has more than {LARGEST} nodes with its references inlined; make it smaller")
        if schema is True or schema == {}:
            self.refuse(path, _UNTYPED)
        if not isinstance(schema, Mapping):
            self.refuse(path, "no value satisfies this schema; remove it")
        if schema.get("nullable") is True:  # OpenAPI 3.0, also next to a reference
            bare = {word: value for word, value in schema.items() if word != "nullable"}
            return _nullable(self.convert(bare, path, in_union=True, seen=seen))
        keep: _Keep = "nothing" if seen else "recursion" if in_union else "references"
        schema, path = self.unfold(schema, path, keep, seen)
        if isinstance(schema.get("$ref"), str):
            return _describe({"$ref": self.define(schema["$ref"])}, description_of(schema))
        self.check(schema, path)
        shape = self.shape(schema, path, in_union)
        return _describe(_nullable(shape) if schema.get("nullable") is True else shape, description_of(schema))

    def unfold(
        self, schema: Mapping[str, Any], path: str, keep: _Keep, seen: frozenset[Pointer]
    ) -> tuple[Mapping[str, Any], str]:
        """Return a schema without ``$ref`` and ``allOf`` on top, and its position; a reference to keep stays alone."""
        choice = choice_of(schema)
        if choice is not None and isinstance(schema[choice], (list, tuple)) and len(schema[choice]) == 1:
            rest = {word: value for word, value in schema.items() if word not in (choice, "allOf")}
            return self.unfold({**rest, "allOf": [*schema.get("allOf", ()), schema[choice][0]]}, path, keep, seen)
        if isinstance(schema.get("$ref"), str):
            siblings = {word: value for word, value in schema.items() if word != "$ref"}
            if not ASSERTIONS.isdisjoint(siblings):
                members = siblings.pop("allOf", ())
                return self.unfold({"allOf": [siblings, {"$ref": schema["$ref"]}, *members]}, path, keep, seen)
            try:
                pointer, target = self.references.follow(schema["$ref"])
            except LookupError:
                self.refuse(path, f"$ref {schema['$ref']!r} does not exist in the schema; define it under $defs")
            recurs = self.references.recurs(pointer)
            if (keep != "nothing" and recurs) or (keep == "references" and _ANNOTATIONS.isdisjoint(siblings)):
                return schema, path
            if pointer in seen:
                self.refuse(path, f"$ref {schema['$ref']!r} refers to itself; define the schema it should point to")
            place = _path("parameters", *pointer)
            if not isinstance(target, Mapping) or not target:
                self.refuse(place, _UNTYPED)
            return self.unfold({**target, **siblings}, place, keep, seen | {pointer})
        if "allOf" in schema:
            members, place = schema["allOf"], _path(path, "allOf")
            siblings = {word: value for word, value in schema.items() if word != "allOf"}
            if not isinstance(members, (list, tuple)) or not members:
                self.refuse(place, "this must be a list of schemas")
            if len(members) == 1 and isinstance(members[0], Mapping) and ASSERTIONS.isdisjoint(siblings):
                return self.unfold({**members[0], **siblings}, _path(place, "0"), keep, seen)
            merged: Mapping[str, Any] = siblings
            for number, member in enumerate(members):
                if not isinstance(member, Mapping):
                    self.refuse(_path(place, str(number)), "this schema has no type; remove it")
                flat, _ = self.unfold(member, _path(place, str(number)), "nothing", seen)
                try:
                    merged = both(merged, flat)
                except ConflictError as conflict:
                    self.refuse(place, str(conflict))
            return merged, path
        return schema, path

    def define(self, reference: str) -> str:
        """Return the reference to a definition in the result; convert the definition at its first use."""
        pointer, target = self.references.follow(reference)
        if not pointer:
            return "#"
        name = self.references.name(pointer)
        if name not in self.definitions:
            self.definitions[name] = {}
            place = _path("parameters", *pointer)
            self.definitions[name] = self.convert(target, place, in_union=False, seen=frozenset({pointer}))
        return f"#/$defs/{name}"

    def check_alias(self, name: str) -> None:
        """Refuse definitions that only refer to each other."""
        seen = {name}
        body = self.definitions[name]
        while body.keys() == {"$ref"} and body["$ref"] != "#":
            name = body["$ref"].removeprefix("#/$defs/")
            if name in seen:
                self.refuse(f"parameters/$defs/{name}", "this refers to itself; define the schema it should point to")
            seen.add(name)
            body = self.definitions[name]

    def check(self, schema: Mapping[str, Any], path: str) -> None:
        """Refuse keywords that the description cannot express either."""
        for keyword, what in _INEXPRESSIBLE.items():
            if schema.get(keyword, ()) not in ((), [], {}) or (keyword == "not" and keyword in schema):
                self.refuse(_path(path, keyword), what)

    def shape(self, schema: Mapping[str, Any], path: str, in_union: bool) -> Schema:
        """Convert the constraints of a schema, without its own description."""
        choice = choice_of(schema)
        if choice is not None:
            return self.choice(schema, choice, path)
        allowed = allowed_values(schema)
        kinds = schema.get("type")
        if kinds is None:
            kinds = self.guess(schema, allowed, path)
        kinds = list(kinds) if isinstance(kinds, (list, tuple)) else [kinds]
        if not kinds or not all(isinstance(kind, str) and kind in KINDS for kind in kinds):
            self.refuse(_path(path, "type"), f"{to_json(schema.get('type'))} is not a type; use {', '.join(KINDS)}")
        options: list[Schema] = []
        for kind in kinds:
            if kind in ("object", "array"):
                if allowed is not None:
                    self.refuse(path, f"strict mode does not support an enum of {kind}s; describe the {kind}")
                build = self.object if kind == "object" else self.array
                options.append(build(schema, path, in_union=in_union or len(kinds) > 1))
            elif allowed is not None:
                values = distinct(value for value in allowed if is_kind(value, kind))
                if values:
                    options.append(_NULL if kind == "null" else _one_of(values, kind, schema))
            else:
                options.append({"type": kind, **kept_constraints(schema, kind)})
        if not options:
            self.refuse(path, "no value satisfies both type and enum; fix one of them")
        return _union(options)

    def choice(self, schema: Mapping[str, Any], keyword: str, path: str) -> Schema:
        """Convert ``anyOf`` or ``oneOf``; the keywords next to it apply to every branch."""
        place, branches = _path(path, keyword), schema[keyword]
        if not isinstance(branches, (list, tuple)) or not branches:
            self.refuse(place, "this must be a list of schemas")
        if keyword == "anyOf" and "oneOf" in schema:
            self.refuse(path, "strict mode does not support anyOf together with oneOf; combine them into one anyOf")
        aside = CONSTRAINTS.keys() | {keyword, "nullable", "uniqueItems", "format", "dependentRequired"}
        rest = {word: value for word, value in schema.items() if word in ASSERTIONS and word not in aside}
        options = [
            self.convert({"allOf": [rest, branch]} if rest else branch, _path(place, str(number)), in_union=True)
            for number, branch in enumerate(branches)
        ]
        return _union(options)

    def guess(self, schema: Mapping[str, Any], allowed: list[Any] | None, path: str) -> list[str]:
        """Infer the types of a schema without a type, if its other keywords are unambiguous."""
        if allowed is not None:
            kinds = distinct(kind_of(value) for value in allowed)
            return [kind for kind in kinds if kind != "integer" or "number" not in kinds]
        if any(word in schema for word in ("properties", "required", "additionalProperties")):
            return ["object"]
        if "items" not in schema:
            self.refuse(path, _UNTYPED)
        return ["array"]

    def object(self, schema: Mapping[str, Any], path: str, *, in_union: bool, at_root: bool = False) -> Schema:
        """Convert an object: no other keys, every property required."""
        properties, required = schema.get("properties", {}), schema.get("required", ())
        if not isinstance(properties, Mapping):
            self.refuse(_path(path, "properties"), "this must be an object of schemas")
        required = required if isinstance(required, (list, tuple)) else ()
        for name in required:
            if name not in properties:
                what = f"{name!r} is required but not described; add it to the properties"
                self.refuse(_path(path, "required"), what)
        for keyword in ("additionalProperties", "unevaluatedProperties"):
            free = schema.get(keyword, False)
            if (isinstance(free, Mapping) and free) or (free is not False and not properties):
                self.refuse(_path(path, keyword), _INEXPRESSIBLE["patternProperties"])
        if not properties and not at_root:
            self.refuse(path, "strict mode does not support objects without properties; list the properties")
        strict: Schema = {}
        for name, inner in properties.items():
            optional = name not in required
            value = self.convert(inner, _path(path, "properties", name), in_union=in_union or optional)
            strict[name] = _nullable(value) if optional else _settled(value)
        return {"type": "object", "properties": strict, "required": list(strict), "additionalProperties": False}

    def array(self, schema: Mapping[str, Any], path: str, *, in_union: bool) -> Schema:
        """Convert an array with one schema for all items."""
        if isinstance(schema.get("items"), (list, tuple)):
            self.refuse(_path(path, "items"), _INEXPRESSIBLE["prefixItems"])
        items = self.convert(schema.get("items", True), _path(path, "items"), in_union=in_union)
        return {"type": "array", "items": _settled(items)}


def _repointed(schema: Any) -> Any:
    """Return a strict schema whose references point to ``$def``."""
    if isinstance(schema, list):
        return [_repointed(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    reference = schema.get("$ref")
    if isinstance(reference, str):
        return {"$ref": reference.replace("#/$defs/", "#/$def/", 1)}
    return {word: _repointed(value) for word, value in schema.items()}


def _one_of(values: list[Any], kind: str, schema: Mapping[str, Any]) -> Schema:
    """Return a type with its allowed values; strict mode keeps ``const`` of numbers only, ``enum`` of strings."""
    if kind in ("integer", "number") and "const" in schema:
        return {"type": kind, "const": values[0]}
    return {"type": kind, "enum": values}


def _path(path: str, *parts: str) -> str:
    return "/".join((path, *(part.replace("~", "~0").replace("/", "~1") for part in parts)))


def _union(options: Sequence[Schema]) -> Schema:
    """Return a union without nested unions and duplicates; of one option, that option."""
    flat: list[Schema] = []
    for option in options:
        settled = _settled(option)
        flat.extend(settled["anyOf"] if settled.keys() == {"anyOf"} else [settled])
    different = distinct(flat)
    return different[0] if len(different) == 1 else {"anyOf": different}


def _nullable(schema: Schema) -> Schema:
    """Return a schema that also allows null, with the description outside."""
    bare = {word: value for word, value in schema.items() if word != "description"}
    return _describe(_union([bare, _NULL]), schema.get("description", ""))


def _settled(schema: Schema) -> Schema:
    """Return a schema without a description if it is a reference, which cannot have one."""
    return {"$ref": schema["$ref"]} if "$ref" in schema else schema


def _describe(schema: Schema, text: str) -> Schema:
    known = schema.get("description", "")
    joined = known if not text or text == known else f"{text} {known}" if known else text
    return {**schema, "description": joined} if joined else schema
