"""JSON Schemas as requests need them: references, the strict subset, the short form. Values are not validated here.

Strict function calling takes a subset of JSON Schema and refuses the rest
(https://api-docs.deepseek.com/guides/tool_calls, strict mode, beta). Copies of that page differ: in June 2026 it lists
``pattern``, ``format`` and numeric bounds as unsupported, since August five formats and the bounds as supported. What
works under either reading is sent: ``type``, ``properties``, ``required``, ``additionalProperties``, ``items``,
``enum``, ``anyOf``, ``$ref``, ``$defs``, ``description``; and the five formats on plain strings, which a client
tested against the service keeps too (https://docs.rs/crate/rig-core/0.46.0/source/src/providers/deepseek.rs).
All else is told in the description.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, NoReturn, TypeAlias
from urllib.parse import unquote

from deepseek_v4.errors import UnsupportedError

__all__ = ["compact", "inline_references", "strict_subset", "undo_nulls"]

Schema: TypeAlias = "dict[str, Any]"
Pointer: TypeAlias = "tuple[str, ...]"

FORMATS = frozenset({"email", "hostname", "ipv4", "ipv6", "uuid"})
"""Formats of strings that strict mode knows."""

LARGEST = 10_000
"""Parts a schema may have once its references are written out."""

_DEFINITIONS = ("$defs", "definitions")
# Where schemas stand in a schema, by keyword.
_MAPS = ("properties", "patternProperties", "dependentSchemas", *_DEFINITIONS)
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


# -- references --------------------------------------------------------------------------------------------------------


class _References:
    """Where the local references of a schema lead, and which of them come back to themselves."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self.root = root
        self._leads_to: dict[Pointer, list[Pointer]] = {}
        self._recurs: dict[Pointer, bool] = {}
        self._names: dict[Pointer, str] = {}

    def follow(self, reference: str) -> tuple[Pointer, Any]:
        """The place a ``$ref`` names and the schema that stands there.

        Raises:
            LookupError: when there is none in this schema.
        """
        if reference != "#" and not reference.startswith("#/"):
            raise LookupError(reference)
        parts = unquote(reference).split("/")[1:]
        pointer = tuple(part.replace("~1", "/").replace("~0", "~") for part in parts)
        return pointer, self.at(pointer)

    def at(self, pointer: Pointer) -> Any:
        """What stands at a place."""
        place: Any = self.root
        for part in pointer:
            if isinstance(place, Mapping):
                place = place[part]
            elif isinstance(place, Sequence) and not isinstance(place, str):
                place = place[int(part)] if part.isdecimal() else None
            else:
                raise LookupError(part)
        return place

    def named_in(self, schema: Any) -> Iterator[Pointer]:
        """The places that the references inside a schema name, one for each reference, definitions left out."""
        if not isinstance(schema, Mapping):
            return
        reference = schema.get("$ref")
        if isinstance(reference, str):
            with contextlib.suppress(LookupError):  # told where it is resolved, with its path
                yield self.follow(reference)[0]
        for keyword, inner in _parts(schema):
            if keyword not in _DEFINITIONS:
                yield from self.named_in(inner)

    def leads_to(self, pointer: Pointer) -> list[Pointer]:
        """The places that the references at a place name."""
        if pointer not in self._leads_to:
            self._leads_to[pointer] = list(self.named_in(self.at(pointer)))
        return self._leads_to[pointer]

    def recurs(self, pointer: Pointer) -> bool:
        """Whether references lead from a place back to it."""
        if pointer not in self._recurs:
            seen: set[Pointer] = set()
            ahead = [pointer]
            while ahead and pointer not in seen:
                new = [place for place in self.leads_to(ahead.pop()) if place not in seen]
                seen.update(new)
                ahead.extend(new)
            self._recurs[pointer] = pointer in seen
        return self._recurs[pointer]

    def uses(self) -> Counter[Pointer]:
        """How often each place is named by what can be reached from the root."""
        count: Counter[Pointer] = Counter()
        ahead: list[Pointer] = [()]
        while ahead:
            for place in self.leads_to(ahead.pop()):
                if place not in count and place:
                    ahead.append(place)
                count[place] += 1
        return count

    def name(self, pointer: Pointer) -> str:
        """The name of a definition for a place: its last word, made unique."""
        if pointer not in self._names:
            word = re.sub(r"[^A-Za-z0-9_.-]", "_", pointer[-1]) or "schema"
            name, number = word, 1
            while name in self._names.values():
                number += 1
                name = f"{word}_{number}"
            self._names[pointer] = name
        return self._names[pointer]


def _parts(schema: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
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


def _rebuild(schema: Mapping[str, Any], convert: Callable[[Any, str], Any]) -> Schema:
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
            built[keyword] = _copy(value)
    return built


def _copy(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _copy(inner) for key, inner in value.items()}
    return [_copy(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def _write_out(schema: Mapping[str, Any], references: _References, keep: Callable[[Pointer], bool]) -> Schema:
    """A schema with its references written out but for those to be kept, which lead to ``$defs`` at the root."""
    definitions: dict[str, Any] = {}
    ahead: list[Pointer] = []
    parts = 0

    def written(node: Any, key: str = "") -> Any:
        nonlocal parts
        parts += 1
        if parts > LARGEST:
            raise UnsupportedError(f"The schema has more than {LARGEST} parts once its references are written out.")
        if not isinstance(node, Mapping):
            return _copy(node)
        bare = {keyword: value for keyword, value in node.items() if keyword not in _DEFINITIONS}
        reference = bare.get("$ref")
        if not isinstance(reference, str):
            return _rebuild(bare, written)
        try:
            pointer, target = references.follow(reference)
        except LookupError:
            raise UnsupportedError(f"$ref {reference!r} leads nowhere in the schema.") from None
        del bare["$ref"]
        beside = _rebuild(bare, written)
        if not pointer:
            return {"$ref": "#", **beside}
        if keep(pointer):
            name = references.name(pointer)
            if name not in definitions:
                definitions[name] = None
                ahead.append(pointer)
            return {"$ref": f"#/$defs/{name}", **beside}
        inner = written(target)
        if not beside:
            return inner
        if not isinstance(inner, dict) or any(word in inner and word in _ASSERTIONS for word in beside):
            return {"allOf": [inner], **beside}
        return {**inner, **beside}

    whole: Schema = written(schema)
    while ahead:
        pointer = ahead.pop(0)
        definitions[references.name(pointer)] = written(references.at(pointer))
    return {**whole, "$defs": definitions} if definitions else whole


def inline_references(schema: Mapping[str, Any]) -> Schema:
    """A schema with its local references written out; only true recursion stays, as ``$ref`` to ``$defs`` at the root.

    What stands beside a ``$ref`` (a description, a default) goes over what it leads to. The input is not changed.

    Raises:
        UnsupportedError: for a reference that leads nowhere or to another document, and for a schema
            that grows beyond ``LARGEST`` parts.

    Example:
        >>> inline_references({"$ref": "#/$defs/N", "$defs": {"N": {"type": "null"}}})
        {'type': 'null'}
    """
    references = _References(schema)
    return _write_out(schema, references, references.recurs)


def compact(schema: Mapping[str, Any]) -> Schema:
    """A schema as a prompt needs it: the same meaning in fewer words, the same words for the same schema.

    Titles that only repeat the key go, of the examples one short one stays, and ``$defs`` stand only for what is used
    more than once or recurs. The input is not changed.

    Raises:
        UnsupportedError: as ``inline_references``.

    Example:
        >>> compact({"type": "object", "properties": {"first_name": {"title": "First Name", "type": "string"}}})
        {'type': 'object', 'properties': {'first_name': {'type': 'string'}}}
    """
    references = _References(schema)
    uses = references.uses()
    short: Schema = _shorten(
        _write_out(schema, references, lambda pointer: uses[pointer] > 1 or references.recurs(pointer)), ""
    )
    return short


def _shorten(node: Any, key: str) -> Any:
    if not isinstance(node, Mapping):
        return node
    short = _rebuild(node, _shorten)
    title = short.get("title")
    if isinstance(title, str) and _letters(title) == _letters(key):
        del short["title"]
    for keyword in ("$schema", "$id", "$comment", "example"):
        if not isinstance(short.get(keyword), Mapping):
            short.pop(keyword, None)
    examples = short.pop("examples", None)
    if isinstance(examples, list) and examples and len(_json(examples[0])) <= 80:
        short["examples"] = examples[:1]
    return short


def _letters(words: str) -> str:
    return re.sub(r"[\W_]+", "", words).lower()


_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=dict).encode


# -- the strict subset -------------------------------------------------------------------------------------------------

# Keywords that say which values are allowed; all others, known or not, only annotate.
_ASSERTIONS = frozenset(
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

    Every property becomes required, and those that were not may be null (see ``undo_nulls``); unknown keys are
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
        return _Strict(parameters, where).run()
    except RecursionError:
        what = "this is nested too deeply or without end; make it flatter"
        raise UnsupportedError(f"{where}: parameters: {what}, or leave strict off for this tool.") from None


class _Strict:
    """One conversion to the strict subset. ``path`` is where in the parameters a schema stands, for errors."""

    def __init__(self, root: Mapping[str, Any], where: str) -> None:
        self.root = root
        self.where = where
        self.references = _References(root)
        self.definitions: dict[str, Schema] = {}
        self.parts = 0

    def run(self) -> Schema:
        """The whole schema."""
        path = "parameters"
        if not isinstance(self.root, Mapping):
            self.refuse(path, "this is no schema; give a JSON Schema of an object")
        schema, path = self.unfold(self.root, path, "nothing", frozenset({()}))
        if _choice(schema) is not None:
            self.refuse(path, "a choice at the root cannot be said; put it into a property")
        if schema.get("type", "object") not in ("object", ["object"]):
            self.refuse(path, f"parameters must be an object, not {_json(schema['type'])}; put it into a property")
        self.check(schema, path)
        strict = _describe(self.object(schema, path, in_union=False, at_root=True), _told(schema))
        for name in self.definitions:
            self.check_alias(name)
        return {**strict, "$defs": self.definitions} if self.definitions else strict

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
        choice = _choice(schema)
        if choice is not None and isinstance(schema[choice], (list, tuple)) and len(schema[choice]) == 1:
            rest = {word: value for word, value in schema.items() if word not in (choice, "allOf")}
            return self.unfold({**rest, "allOf": [*schema.get("allOf", ()), schema[choice][0]]}, path, keep, seen)
        if isinstance(schema.get("$ref"), str):
            beside = {word: value for word, value in schema.items() if word != "$ref"}
            if not _ASSERTIONS.isdisjoint(beside):
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
            if len(members) == 1 and isinstance(members[0], Mapping) and _ASSERTIONS.isdisjoint(beside):
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
        choice = _choice(schema)
        if choice is not None:
            return self.choice(schema, choice, path)
        allowed = _allowed(schema)
        kinds = schema.get("type")
        if kinds is None:
            kinds = self.guess(schema, allowed, path)
        kinds = list(kinds) if isinstance(kinds, (list, tuple)) else [kinds]
        if not kinds or not all(isinstance(kind, str) and kind in _KINDS for kind in kinds):
            self.refuse(_path(path, "type"), f"{_json(schema.get('type'))} is no type; use {', '.join(_KINDS)}")
        options: list[Schema] = []
        for kind in kinds:
            if kind in ("object", "array"):
                if allowed is not None:
                    self.refuse(path, f"an enum of {kind}s cannot be said; describe the {kind}")
                build = self.object if kind == "object" else self.array
                options.append(build(schema, path, in_union=in_union or len(kinds) > 1))
            elif allowed is not None:
                values = _distinct(value for value in allowed if _is(value, kind))
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
        rest = {word: value for word, value in schema.items() if word in _ASSERTIONS and word not in aside}
        options = [
            self.convert({"allOf": [rest, branch]} if rest else branch, _path(place, str(number)), in_union=True)
            for number, branch in enumerate(branches)
        ]
        return _union(options)

    def guess(self, schema: Mapping[str, Any], allowed: list[Any] | None, path: str) -> list[str]:
        """The types of a schema that names none, where its other keywords leave no doubt."""
        if allowed is not None:
            kinds = _distinct(_kind(value) for value in allowed)
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
            elif mine == value and _json(mine) == _json(value):
                continue
            elif word == "type":
                whole[word] = self.common_types(mine, value, path)
            elif word == "properties" and isinstance(mine, Mapping) and isinstance(value, Mapping):
                whole[word] = {**mine, **{k: {"allOf": [mine[k], v]} if k in mine else v for k, v in value.items()}}
            elif word == "items":
                whole[word] = {"allOf": [mine, value]}
            elif word == "required":
                whole[word] = _distinct([*mine, *value])
            elif word == "enum":
                whole[word] = [entry for entry in mine if any(_json(entry) == _json(v) for v in value)]
            elif word in ("additionalProperties", "unevaluatedProperties") and not (mine and value):
                whole[word] = False if False in (mine, value) else mine or value
            elif word in _LOWER_BOUNDS and _is(mine, "number") and _is(value, "number"):
                whole[word] = max(mine, value)
            elif word in _UPPER_BOUNDS and _is(mine, "number") and _is(value, "number"):
                whole[word] = min(mine, value)
            elif word in _ASSERTIONS:
                self.refuse(path, f"the parts conflict in `{word}`; write them as one schema")
        return whole

    def common_types(self, one: Any, other: Any, path: str) -> list[str]:
        """The types that two ``type`` keywords share."""
        mine, theirs = ([kind] if isinstance(kind, str) else list(kind) for kind in (one, other))
        common = [kind for kind in mine if kind in theirs or (kind == "integer" and "number" in theirs)]
        if "number" in mine and "integer" in theirs and "number" not in theirs:
            common.append("integer")
        if not common:
            self.refuse(path, f"the parts conflict in `type` ({_json(one)}, {_json(other)}); write them as one schema")
        return common


def _path(path: str, *parts: str) -> str:
    return "/".join((path, *(part.replace("~", "~0").replace("/", "~1") for part in parts)))


def _choice(schema: Mapping[str, Any]) -> str | None:
    """The keyword of the branches a schema offers; JSON that fits one fits any."""
    return "anyOf" if "anyOf" in schema else "oneOf" if "oneOf" in schema else None


def _allowed(schema: Mapping[str, Any]) -> list[Any] | None:
    """The values a schema lists by ``enum`` and ``const``; None when it lists none."""
    values = schema.get("enum")
    allowed = list(values) if isinstance(values, (list, tuple)) else None
    if "const" not in schema:
        return allowed
    only = schema["const"]
    return [only] if allowed is None or any(_json(value) == _json(only) for value in allowed) else []


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    for kind, types in (("boolean", bool), ("integer", int), ("number", float), ("string", str), ("object", Mapping)):
        if isinstance(value, types):
            return kind
    return "array"


def _is(value: Any, kind: str) -> bool:
    found = _kind(value)
    if kind == "integer" and found == "number":
        return bool(value.is_integer())
    return found == kind or (kind == "number" and found == "integer")


def _distinct(values: Iterable[Any]) -> list[Any]:
    """Each JSON value once, in order; 1 and true are two."""
    values = list(values)
    return values if len(values) < 2 else list({_json(value): value for value in values}.values())


def _union(options: Sequence[Schema]) -> Schema:
    """A choice without choices directly inside it and without doubles; of one option, that option."""
    flat: list[Schema] = []
    for option in options:
        settled = _settled(option)
        flat.extend(settled["anyOf"] if settled.keys() == {"anyOf"} else [settled])
    distinct = _distinct(flat)
    return distinct[0] if len(distinct) == 1 else {"anyOf": distinct}


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
        words.append(template.format(value if isinstance(value, str) else _json(value)))
    if schema.get("uniqueItems") is True:
        words.append("no duplicates")
    needs = schema.get("dependentRequired")
    if isinstance(needs, Mapping):
        words.extend(f"{key} needs {', '.join(map(str, others))}" for key, others in needs.items() if others)
    format_ = schema.get("format")
    if isinstance(format_, str) and not (format_ in FORMATS and _is_plain_string(schema)):
        words.append(f"format {format_}")
    if schema.get("default") is not None:
        words.append(f"default {_json(schema['default'])}")
    note = "; ".join(word for word in words if len(word) <= _LONGEST_WORDS)
    description = schema.get("description")
    if not isinstance(description, str) or not description.strip():
        return note
    return f"{description} ({note})" if note else description


def _is_plain_string(schema: Mapping[str, Any]) -> bool:
    kinds = schema.get("type")
    return (kinds == "string" or (isinstance(kinds, (list, tuple)) and "string" in kinds)) and not (
        "enum" in schema or "const" in schema or _choice(schema)
    )


# -- the way back ------------------------------------------------------------------------------------------------------


def undo_nulls(arguments: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments without the nulls that only ``strict_subset`` allowed, so that a function gets its own defaults.

    A null goes where the property is optional in the original schema and not nullable there; every other value stays,
    also one that breaks the schema. Where the schema offers a choice, the branch counts that fits best. Nothing is
    changed in place; parts without such nulls are shared with the result.

    Args:
        arguments: What the model wrote for the strict schema.
        schema: The original schema, before ``strict_subset``.

    Example:
        >>> schema = {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}}
        >>> undo_nulls({"city": "Paris", "days": None}, {**schema, "required": ["city"]})
        {'city': 'Paris'}
    """
    return dict(_Undoing(schema).fit(arguments, schema)[0])


class _Undoing:
    """Fits values to the schema they were written for. Each pair of value and schema is looked at once."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self.references = _References(root)
        self.known: dict[tuple[int, int], tuple[Any, int]] = {}
        self.alive: list[Any] = []

    def fit(self, value: Any, schema: Any) -> tuple[Any, int]:
        """The value without the nulls of optional properties, and in how many places it disagrees with the schema."""
        if not isinstance(schema, Mapping):
            return value, int(schema is False)
        pair = (id(value), id(schema))
        if pair not in self.known:
            self.alive.append((value, schema))  # so that no other object gets its id
            self.known[pair] = (value, 1)  # a schema that comes back to itself fits nothing
            self.known[pair] = self._fit(value, schema)
        return self.known[pair]

    def _fit(self, value: Any, schema: Mapping[str, Any]) -> tuple[Any, int]:
        if value is None and schema.get("nullable") is True:
            return None, 0
        keys = set(value) if isinstance(value, Mapping) else set()
        value, wrong = self._fit_parts(value, schema)
        for part in (*self._targets(schema), *schema.get("allOf", ())):
            value, more = self.fit(value, part)
            wrong += more
        for branches in (schema.get("anyOf"), schema.get("oneOf")):
            if branches:
                options = [(*self.fit(value, branch), self._names(branch)) for branch in branches]
                value, more, _ = min(options, key=lambda o: (o[1], len(keys - o[2]), len(o[2] - keys)))
                wrong += more
        return value, wrong

    def _fit_parts(self, value: Any, schema: Mapping[str, Any]) -> tuple[Any, int]:
        """What ``type``, ``enum``, ``const``, ``properties`` and ``items`` say."""
        allowed, kinds, properties = _allowed(schema), schema.get("type"), schema.get("properties", {})
        if kinds is None and value is None and ("properties" in schema or "items" in schema):
            kinds = ()
        kinds = (kinds,) if isinstance(kinds, str) else kinds
        wrong = int(kinds is not None and not any(_is(value, kind) for kind in kinds))
        wrong += allowed is not None and _json(value) not in map(_json, allowed)
        if isinstance(value, Mapping):
            kept: dict[str, Any] = {}
            for key, inner in value.items():
                fitting, more = self.fit(inner, properties.get(key, True))
                if inner is None and more and key not in schema.get("required", ()):
                    continue
                kept[key] = fitting
                wrong += more
            wrong += sum(name not in kept for name in schema.get("required", ()))
            same = len(kept) == len(value) and all(kept[key] is inner for key, inner in value.items())
            return value if same else kept, wrong
        if isinstance(value, list):
            fitted = [self.fit(inner, schema.get("items", True)) for inner in value]
            same = all(inner is before for (inner, _), before in zip(fitted, value, strict=True))
            return value if same else [inner for inner, _ in fitted], wrong + sum(more for _, more in fitted)
        return value, wrong

    def _targets(self, schema: Mapping[str, Any]) -> list[Any]:
        reference = schema.get("$ref")
        with contextlib.suppress(LookupError):
            return [self.references.follow(reference)[1]] if isinstance(reference, str) else []
        return []

    def _names(self, schema: Any, depth: int = 8) -> set[str]:
        """The properties a schema names, on top and in its parts."""
        if not isinstance(schema, Mapping) or not depth:
            return set()
        parts = (
            *self._targets(schema),
            *(part for word in ("allOf", "anyOf", "oneOf") for part in schema.get(word, ())),
        )
        return set(schema.get("properties", ())).union(*(self._names(part, depth - 1) for part in parts))
