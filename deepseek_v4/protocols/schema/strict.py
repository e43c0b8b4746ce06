"""The strict subset: a function's parameters as strict function calling takes them, or a refusal that names the place.

Strict function calling takes a subset of JSON Schema and refuses the rest
(https://api-docs.deepseek.com/guides/tool_calls, strict mode, beta). Copies of that page differ: in June 2026 it lists
``pattern``, ``format`` and numeric bounds as unsupported, since August five formats and the bounds as supported. What
works under either reading is sent: ``type``, ``properties``, ``required``, ``additionalProperties``, ``items``,
``enum``, ``anyOf``, ``$ref``, ``$defs``, ``description``; and the five formats on plain strings, which a client
tested against the service keeps too (https://docs.rs/crate/rig-core/0.46.0/source/src/providers/deepseek.rs).
All else is told in the description. A reference inside ``anyOf`` is refused, so choices that recur are definitions.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NoReturn, TypeAlias

from deepseek_v4.errors import UnsupportedError
from deepseek_v4.protocols.schema.keywords import (
    ASSERTIONS,
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

FORMATS = frozenset({"email", "hostname", "ipv4", "ipv6", "uuid"})
"""Formats of strings that strict mode knows."""

_TOLD = frozenset({"description", "default"})
"""Annotations the model is told."""

_INEXPRESSIBLE: Mapping[str, str] = {
    "not": "`not` cannot be said; list what is allowed",
    "if": "`if` cannot be said; use anyOf with one object for each case",
    "dependentSchemas": "`dependentSchemas` cannot be said; use anyOf with one object for each case",
    "dependencies": "`dependencies` cannot be said; use anyOf with one object for each case",
    "patternProperties": "free keys cannot be said; list the keys as properties, or take an array of key and value",
    "contains": "`contains` cannot be said; describe all items by `items`",
    "prefixItems": "a tuple cannot be said; use an object with one property for each place",
    "$dynamicRef": "`$dynamicRef` cannot be said; use $ref",
    "$recursiveRef": "`$recursiveRef` cannot be said; use $ref",
}
_FREE_KEYS = _INEXPRESSIBLE["patternProperties"]
_UNTYPED = "a value of any type cannot be said; name its type"
_KINDS = ("object", "array", "string", "number", "integer", "boolean", "null")
_Keep: TypeAlias = Literal["references", "recursion", "nothing"]

# Bounds that only the description can tell, in words.
_WORDS: Mapping[str, str] = {
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
_LOWER_BOUNDS = frozenset({"minLength", "minimum", "exclusiveMinimum", "minItems", "minProperties"})
_UPPER_BOUNDS = frozenset({"maxLength", "maximum", "exclusiveMaximum", "maxItems", "maxProperties"})
_LONGEST_WORDS = 200
"""Characters of a pattern or default that are told; longer ones are left out."""

_NULL: Schema = {"type": "null"}


def strict_subset(parameters: Mapping[str, Any], where: str) -> Schema:
    """A function's parameters in the subset that strict function calling takes, meaning the same as far as can be.

    Every property becomes required, and those that were not may be null (see ``remove_added_nulls``); unknown keys are
    excluded. What is dropped because it cannot be said (lengths, patterns, bounds, defaults) is told in the
    description. The same input always gives the same bytes; it is not changed.

    Args:
        parameters: JSON Schema of an object; ``{}`` is a function without arguments.
        where: What the errors begin with, such as ``tool get_weather``.

    Raises:
        UnsupportedError: for what cannot be said: maps with free keys, untyped values, objects without properties below
            the root, tuples, ``not``, ``if``, members of ``allOf`` that conflict, a root that is no object. Names the
            place, as in ``tool get_weather: parameters/properties/a/items: …``, and what to do.

    Example:
        >>> strict_subset({"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}}, "tool f")
        ... # doctest: +NORMALIZE_WHITESPACE
        {'type': 'object',
         'properties': {'n': {'anyOf': [{'type': 'integer'}, {'type': 'null'}], 'description': '>= 1'}},
         'required': ['n'],
         'additionalProperties': False}
    """
    try:
        said = json.dumps(parameters)
    except (TypeError, ValueError, RecursionError):
        return _converted(parameters, where)
    strict: Schema = json.loads(_converted_once(said, where))
    return strict


@functools.lru_cache(maxsize=256)
def _converted_once(said: bytes, where: str) -> bytes:
    """Tools are the same from turn to turn; as bytes, so that nobody can change what is kept."""
    return json.dumps(_converted(json.loads(said), where))


def _converted(parameters: Mapping[str, Any], where: str) -> Schema:
    try:
        strict = _Strict(parameters, where).run()
        # a choice that was one of its own branches recurs no longer, so references to it are judged again
        return _Strict(strict, where).run() if "$defs" in strict else strict
    except RecursionError:
        what = "this is nested too deeply or without end; make it flatter"
        raise UnsupportedError(f"{where}: parameters: {what}, or leave strict off for this tool.") from None


class _Strict:
    """One conversion to the strict subset. ``path`` is where in the parameters a schema stands, for errors."""

    def __init__(self, root: Mapping[str, Any], where: str) -> None:
        self.root = root
        self.where = where
        self.references = References(root)
        self.definitions: dict[str, Schema] = {}
        self.parts = 0

    def run(self) -> Schema:
        """The whole schema."""
        path = "parameters"
        if not isinstance(self.root, Mapping):
            self.refuse(path, "this is no schema; give a JSON Schema of an object")
        schema, path = self.unfold(self.root, path, "nothing", frozenset({()}))
        if choice_of(schema) is not None:
            self.refuse(path, "a choice at the root cannot be said; put it into a property")
        if schema.get("type", "object") not in ("object", ["object"]):
            self.refuse(path, f"parameters must be an object, not {to_json(schema['type'])}; put it into a property")
        self.check(schema, path)
        strict = _describe(self.object(schema, path, in_union=False, at_root=True), _told(schema))
        for name in self.definitions:
            self.check_alias(name)
        if self.definitions:
            strict = {**strict, "$defs": self.definitions}
        try:
            return name_unions(strict)
        except LookupError as error:
            self.refuse("parameters", f"the choice {error} has no branch but itself; describe what it stands for")

    def refuse(self, path: str, what: str) -> NoReturn:
        raise UnsupportedError(f"{self.where}: {path}: {what}, or leave strict off for this tool.")

    def convert(self, schema: Any, path: str, *, in_union: bool, seen: frozenset[Pointer] = frozenset()) -> Schema:
        """One schema below the root.

        Args:
            schema: What stands at ``path``.
            path: Where that is.
            in_union: Whether it stands inside an ``anyOf``, where references are written out unless they recur.
            seen: The definition this is the body of: a body is never a mere reference.
        """
        self.parts += 1
        if self.parts > LARGEST:
            self.refuse(
                path, f"the schema has more than {LARGEST} parts once its references are written out; make it smaller"
            )
        if schema is True or schema == {}:
            self.refuse(path, _UNTYPED)
        if not isinstance(schema, Mapping):
            self.refuse(path, "no value fits this; leave it out")
        if schema.get("nullable") is True:  # OpenAPI 3.0, also beside a reference
            bare = {word: value for word, value in schema.items() if word != "nullable"}
            return _nullable(self.convert(bare, path, in_union=True, seen=seen))
        keep: _Keep = "nothing" if seen else "recursion" if in_union else "references"
        schema, path = self.unfold(schema, path, keep, seen)
        if isinstance(schema.get("$ref"), str):
            return _describe({"$ref": self.define(schema["$ref"])}, _told(schema))
        self.check(schema, path)
        shape = self.shape(schema, path, in_union)
        return _describe(_nullable(shape) if schema.get("nullable") is True else shape, _told(schema))

    def unfold(
        self, schema: Mapping[str, Any], path: str, keep: _Keep, seen: frozenset[Pointer]
    ) -> tuple[Mapping[str, Any], str]:
        """A schema without ``$ref`` and ``allOf`` on top, and where it stands; a reference to be kept stays alone."""
        choice = choice_of(schema)
        if choice is not None and isinstance(schema[choice], (list, tuple)) and len(schema[choice]) == 1:
            rest = {word: value for word, value in schema.items() if word not in (choice, "allOf")}
            return self.unfold({**rest, "allOf": [*schema.get("allOf", ()), schema[choice][0]]}, path, keep, seen)
        if isinstance(schema.get("$ref"), str):
            beside = {word: value for word, value in schema.items() if word != "$ref"}
            if not ASSERTIONS.isdisjoint(beside):
                members = beside.pop("allOf", ())
                return self.unfold({"allOf": [beside, {"$ref": schema["$ref"]}, *members]}, path, keep, seen)
            try:
                pointer, target = self.references.follow(schema["$ref"])
            except LookupError:
                self.refuse(path, f"$ref {schema['$ref']!r} leads nowhere in the schema; define it under $defs")
            recurs = self.references.recurs(pointer)
            if (keep != "nothing" and recurs) or (keep == "references" and _TOLD.isdisjoint(beside)):
                return schema, path
            if pointer in seen:
                self.refuse(path, f"$ref {schema['$ref']!r} leads back to itself; describe what it stands for")
            place = _path("parameters", *pointer)
            if not isinstance(target, Mapping) or not target:
                self.refuse(place, _UNTYPED)
            return self.unfold({**target, **beside}, place, keep, seen | {pointer})
        if "allOf" in schema:
            members, place = schema["allOf"], _path(path, "allOf")
            beside = {word: value for word, value in schema.items() if word != "allOf"}
            if not isinstance(members, (list, tuple)) or not members:
                self.refuse(place, "this must be a list of schemas")
            if len(members) == 1 and isinstance(members[0], Mapping) and ASSERTIONS.isdisjoint(beside):
                return self.unfold({**members[0], **beside}, _path(place, "0"), keep, seen)
            whole: Mapping[str, Any] = beside
            for number, member in enumerate(members):
                if not isinstance(member, Mapping):
                    self.refuse(_path(place, str(number)), "this is no schema with a type; leave it out")
                flat, _ = self.unfold(member, _path(place, str(number)), "nothing", seen)
                whole = self.both(whole, flat, place)
            return whole, path
        return schema, path

    def define(self, reference: str) -> str:
        """The reference to a definition in the result; converts the definition when it is the first."""
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
        """Refuse a definition that stands for another that stands for it."""
        seen = {name}
        body = self.definitions[name]
        while body.keys() == {"$ref"} and body["$ref"] != "#":
            name = body["$ref"].removeprefix("#/$defs/")
            if name in seen:
                self.refuse(f"parameters/$defs/{name}", "this leads back to itself; describe what it stands for")
            seen.add(name)
            body = self.definitions[name]

    def check(self, schema: Mapping[str, Any], path: str) -> None:
        """Refuse keywords that cannot be said at all."""
        for keyword, what in _INEXPRESSIBLE.items():
            if schema.get(keyword, ()) not in ((), [], {}) or (keyword == "not" and keyword in schema):
                self.refuse(_path(path, keyword), what)

    def shape(self, schema: Mapping[str, Any], path: str, in_union: bool) -> Schema:
        """The allowed values, without descriptions of the whole."""
        choice = choice_of(schema)
        if choice is not None:
            return self.choice(schema, choice, path)
        allowed = allowed_values(schema)
        kinds = schema.get("type")
        if kinds is None:
            kinds = self.guess(schema, allowed, path)
        kinds = list(kinds) if isinstance(kinds, (list, tuple)) else [kinds]
        if not kinds or not all(isinstance(kind, str) and kind in _KINDS for kind in kinds):
            self.refuse(_path(path, "type"), f"{to_json(schema.get('type'))} is no type; use {', '.join(_KINDS)}")
        options: list[Schema] = []
        for kind in kinds:
            if kind in ("object", "array"):
                if allowed is not None:
                    self.refuse(path, f"an enum of {kind}s cannot be said; describe the {kind}")
                build = self.object if kind == "object" else self.array
                options.append(build(schema, path, in_union=in_union or len(kinds) > 1))
            elif allowed is not None:
                values = distinct(value for value in allowed if is_kind(value, kind))
                if values:
                    options.append(_NULL if kind == "null" else {"type": kind, "enum": values})
            elif kind == "string" and schema.get("format") in FORMATS:
                options.append({"type": kind, "format": schema["format"]})
            else:
                options.append({"type": kind})
        if not options:
            self.refuse(path, "no value fits both type and enum; mend one of them")
        return _union(options)

    def choice(self, schema: Mapping[str, Any], keyword: str, path: str) -> Schema:
        """``anyOf`` or ``oneOf``; what stands beside it holds for every branch."""
        place, branches = _path(path, keyword), schema[keyword]
        if not isinstance(branches, (list, tuple)) or not branches:
            self.refuse(place, "this must be a list of schemas")
        if keyword == "anyOf" and "oneOf" in schema:
            self.refuse(path, "anyOf beside oneOf cannot be said; write their combinations out as one anyOf")
        aside = _WORDS.keys() | {keyword, "nullable", "uniqueItems", "format", "dependentRequired"}
        rest = {word: value for word, value in schema.items() if word in ASSERTIONS and word not in aside}
        options = [
            self.convert({"allOf": [rest, branch]} if rest else branch, _path(place, str(number)), in_union=True)
            for number, branch in enumerate(branches)
        ]
        return _union(options)

    def guess(self, schema: Mapping[str, Any], allowed: list[Any] | None, path: str) -> list[str]:
        """The types of a schema that names none, where its other keywords leave no doubt."""
        if allowed is not None:
            kinds = distinct(kind_of(value) for value in allowed)
            return [kind for kind in kinds if kind != "integer" or "number" not in kinds]
        if any(word in schema for word in ("properties", "required", "additionalProperties")):
            return ["object"]
        if "items" not in schema:
            self.refuse(path, _UNTYPED)
        return ["array"]

    def object(self, schema: Mapping[str, Any], path: str, *, in_union: bool, at_root: bool = False) -> Schema:
        """An object: closed, every property required."""
        properties, required = schema.get("properties", {}), schema.get("required", ())
        if not isinstance(properties, Mapping):
            self.refuse(_path(path, "properties"), "this must be an object of schemas")
        required = required if isinstance(required, (list, tuple)) else ()
        for name in required:
            if name not in properties:
                self.refuse(
                    _path(path, "required"), f"{name!r} is required but not described; add it to the properties"
                )
        for keyword in ("additionalProperties", "unevaluatedProperties"):
            free = schema.get(keyword, False)
            if (isinstance(free, Mapping) and free) or (free is not False and not properties):
                self.refuse(_path(path, keyword), _FREE_KEYS)
        if not properties and not at_root:
            self.refuse(path, "an object without properties cannot be said; describe its properties")
        strict: Schema = {}
        for name, inner in properties.items():
            optional = name not in required
            value = self.convert(inner, _path(path, "properties", name), in_union=in_union or optional)
            strict[name] = _nullable(value) if optional else _settled(value)
        return {"type": "object", "properties": strict, "required": list(strict), "additionalProperties": False}

    def array(self, schema: Mapping[str, Any], path: str, *, in_union: bool) -> Schema:
        """An array of one kind of items."""
        if isinstance(schema.get("items"), (list, tuple)):
            self.refuse(_path(path, "items"), _INEXPRESSIBLE["prefixItems"])
        items = self.convert(schema.get("items", True), _path(path, "items"), in_union=in_union)
        return {"type": "array", "items": _settled(items)}

    def both(self, one: Mapping[str, Any], other: Mapping[str, Any], path: str) -> Schema:
        """What two schemas demand together. Annotations of the first go before those of the second."""
        for closed, open_ in ((one, other), (other, one)):
            known = closed.get("properties", {})
            if closed.get("additionalProperties") is False and any(
                key not in known for key in open_.get("properties", ())
            ):
                self.refuse(path, "one part excludes the properties of another; take additionalProperties out")
        whole = {word: value for word, value in one.items() if word != "nullable"}
        for word, value in other.items():
            mine: Any = whole.get(word)
            if word == "nullable":
                continue  # null must fit the other part too, and which do is not looked up
            if word not in whole:
                whole[word] = value
            elif mine == value and to_json(mine) == to_json(value):
                continue
            elif word == "type":
                whole[word] = self.common_types(mine, value, path)
            elif word == "properties" and isinstance(mine, Mapping) and isinstance(value, Mapping):
                whole[word] = {**mine, **{k: {"allOf": [mine[k], v]} if k in mine else v for k, v in value.items()}}
            elif word == "items":
                whole[word] = {"allOf": [mine, value]}
            elif word == "required":
                whole[word] = distinct([*mine, *value])
            elif word == "enum":
                whole[word] = [entry for entry in mine if any(to_json(entry) == to_json(v) for v in value)]
            elif word in ("additionalProperties", "unevaluatedProperties") and not (mine and value):
                whole[word] = False if False in (mine, value) else mine or value
            elif word in _LOWER_BOUNDS and is_kind(mine, "number") and is_kind(value, "number"):
                whole[word] = max(mine, value)
            elif word in _UPPER_BOUNDS and is_kind(mine, "number") and is_kind(value, "number"):
                whole[word] = min(mine, value)
            elif word in ASSERTIONS:
                self.refuse(path, f"the parts conflict in `{word}`; write them as one schema")
        return whole

    def common_types(self, one: Any, other: Any, path: str) -> list[str]:
        """The types that two ``type`` keywords share."""
        mine, theirs = ([kind] if isinstance(kind, str) else list(kind) for kind in (one, other))
        common = [kind for kind in mine if kind in theirs or (kind == "integer" and "number" in theirs)]
        if "number" in mine and "integer" in theirs and "number" not in theirs:
            common.append("integer")
        if not common:
            self.refuse(
                path, f"the parts conflict in `type` ({to_json(one)}, {to_json(other)}); write them as one schema"
            )
        return common


def _path(path: str, *parts: str) -> str:
    return "/".join((path, *(part.replace("~", "~0").replace("/", "~1") for part in parts)))


def _union(options: Sequence[Schema]) -> Schema:
    """A choice without choices directly inside it and without doubles; of one option, that option."""
    flat: list[Schema] = []
    for option in options:
        settled = _settled(option)
        flat.extend(settled["anyOf"] if settled.keys() == {"anyOf"} else [settled])
    different = distinct(flat)
    return different[0] if len(different) == 1 else {"anyOf": different}


def _nullable(schema: Schema) -> Schema:
    """A schema or null, what describes it outside."""
    bare = {word: value for word, value in schema.items() if word != "description"}
    return _describe(_union([bare, _NULL]), schema.get("description", ""))


def _settled(schema: Schema) -> Schema:
    """A schema without the description that cannot stand beside a reference."""
    return {"$ref": schema["$ref"]} if "$ref" in schema else schema


def _describe(schema: Schema, text: str) -> Schema:
    known = schema.get("description", "")
    words = known if not text or text == known else f"{text} {known}" if known else text
    return {**schema, "description": words} if words else schema


def _told(schema: Mapping[str, Any]) -> str:
    """The description, with what strict mode cannot say."""
    words: list[str] = []
    for keyword, template in _WORDS.items():
        value = schema.get(keyword)
        if value is None or isinstance(value, bool):
            continue
        if schema.get(f"exclusive{keyword.capitalize()}") is True:  # draft 4
            template = template.replace("=", "")
        words.append(template.format(value if isinstance(value, str) else to_json(value)))
    if schema.get("uniqueItems") is True:
        words.append("no duplicates")
    needs = schema.get("dependentRequired")
    if isinstance(needs, Mapping):
        words.extend(f"{key} needs {', '.join(map(str, others))}" for key, others in needs.items() if others)
    format_ = schema.get("format")
    if isinstance(format_, str) and not (format_ in FORMATS and _is_plain_string(schema)):
        words.append(f"format {format_}")
    if schema.get("default") is not None:
        words.append(f"default {to_json(schema['default'])}")
    note = "; ".join(word for word in words if len(word) <= _LONGEST_WORDS)
    description = schema.get("description")
    if not isinstance(description, str) or not description.strip():
        return note
    return f"{description} ({note})" if note else description


def _is_plain_string(schema: Mapping[str, Any]) -> bool:
    kinds = schema.get("type")
    return (kinds == "string" or (isinstance(kinds, (list, tuple)) and "string" in kinds)) and not (
        "enum" in schema or "const" in schema or choice_of(schema)
    )
