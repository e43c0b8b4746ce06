"""Schemas for tests: strategies and pydantic models, a validator of the strict subset, and one of values."""

from __future__ import annotations

import datetime as dt
import enum
import json
from collections.abc import Callable, Iterator
from typing import Any, Literal, Optional

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from deepseek_v4.protocols.schema import strict_subset
from tests.long_form import examples

Json = Any


def obj(required: Json = None, /, **properties: Json) -> dict[str, Json]:
    """Return an object schema; by default, every property is required."""
    names = list(properties) if required is None else required
    return {"type": "object", "properties": properties, "required": names}


def strict(schema: Json) -> dict[str, Json]:
    return strict_subset(schema, "tool t")


def strict_property(schema: Json, /, **definitions: Json) -> Json:
    """Return the strict form of one required property."""
    root = strict({**obj(a=schema), **({"$defs": definitions} if definitions else {})})
    return root["properties"]["a"]


# -- a validator of the subset, and one of values --------------------------------------------------------------------

SCALARS = {"string", "number", "integer", "boolean", "null"}
BOUNDS = ("const", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
KEPT = {"string": ("pattern", "format"), "number": BOUNDS, "integer": BOUNDS}


def faults(root: Json) -> Iterator[str]:
    """Return the parts of a schema that are not of the strict subset, read conservatively."""
    definitions = root.get("$def", {})
    used: set[str] = set()

    def visit(node: Json, path: str, in_union: bool = False) -> Iterator[str]:
        if "$ref" in node:
            name = node["$ref"].removeprefix("#/$def/")
            used.add(name)
            if node.keys() != {"$ref"}:
                yield f"{path}: more than $ref"
            if node["$ref"] != "#" and name not in definitions:
                yield f"{path}: has no target"
            if in_union and not recurs(name):
                yield f"{path}: reference inside anyOf"
        elif "anyOf" in node:
            if not node.keys() <= {"anyOf", "description"} or len(node["anyOf"]) < 2:
                yield f"{path}: anyOf {node.keys()}"
            if len({json.dumps(branch) for branch in node["anyOf"]}) != len(node["anyOf"]):
                yield f"{path}: doubles"
            for branch in node["anyOf"]:
                if "type" not in branch:
                    yield f"{path}: reference or anyOf directly inside anyOf"
                yield from visit(branch, f"{path}/anyOf", True)
        elif node.get("type") == "object":
            if not node.keys() <= {"type", "properties", "required", "additionalProperties", "description"}:
                yield f"{path}: {node.keys()}"
            if node["additionalProperties"] is not False or node["required"] != list(node["properties"]):
                yield f"{path}: open, or not all required"
            if not node["properties"] and path:
                yield f"{path}: empty"
            for name, inner in node["properties"].items():
                yield from visit(inner, f"{path}/{name}", in_union)
        elif node.get("type") == "array":
            if not node.keys() <= {"type", "items", "description"}:
                yield f"{path}: {node.keys()}"
            yield from visit(node["items"], f"{path}/items", in_union)
        elif node.get("type") in SCALARS:
            if not node.keys() <= {"type", "enum", "description", *KEPT.get(node["type"], ())}:
                yield f"{path}: {node.keys()}"
            if "format" in node and (node["type"] != "string" or "enum" in node):
                yield f"{path}: format of no plain string"
            if node.get("format", "uuid") not in {"email", "hostname", "ipv4", "ipv6", "uuid"}:
                yield f"{path}: format"
            if "enum" in node and not (node["enum"] and all(is_kind(value, node["type"]) for value in node["enum"])):
                yield f"{path}: enum"
        else:
            yield f"{path}: no type"

    def recurs(name: str, seen: frozenset[str] = frozenset()) -> bool:
        body = json.dumps(root if name == "#" else definitions.get(name))
        named = {
            other for other in (*definitions, "#") if f'"$ref": "{"" if other == "#" else "#/$def/"}{other}"' in body
        }
        return name in named or any(recurs_to(other, name, seen | {other}) for other in named - seen)

    def recurs_to(start: str, goal: str, seen: frozenset[str]) -> bool:
        body = json.dumps(root if start == "#" else definitions.get(start))
        named = {
            other for other in (*definitions, "#") if f'"$ref": "{"" if other == "#" else "#/$def/"}{other}"' in body
        }
        return goal in named or any(recurs_to(other, goal, seen | {other}) for other in named - seen)

    if root.get("type") != "object":
        yield "root is not an object"
        return
    yield from visit({key: value for key, value in root.items() if key != "$def"}, "")
    for name, definition in definitions.items():
        if definition == {"$ref": f"#/$def/{name}"}:
            yield f"{name}: nothing but itself"
        yield from visit(definition, name)
    if not definitions.keys() <= used:
        yield f"unused: {definitions.keys() - used}"


def is_kind(value: Json, kind: str) -> bool:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return {
        "null": value is None,
        "boolean": isinstance(value, bool),
        "string": isinstance(value, str),
        "number": number,
        "integer": number and float(value).is_integer(),
        "array": isinstance(value, list),
        "object": isinstance(value, dict),
    }[kind]


def fits(value: Json, schema: Json, root: Json) -> bool:
    """Return True if a value is an instance; lengths and bounds are ignored, oneOf is read as anyOf."""
    if isinstance(schema, bool):
        return schema
    if value is None and schema.get("nullable"):
        return True
    if "$ref" in schema:
        target = root
        for part in schema["$ref"].split("/")[1:]:
            target = target[part]
        if not fits(value, target, root):
            return False
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    same = json.dumps
    return (
        (not kinds or any(is_kind(value, kind) for kind in kinds))
        and ("enum" not in schema or any(same(value) == same(entry) for entry in schema["enum"]))
        and ("const" not in schema or same(value) == same(schema["const"]))
        and all(fits(value, member, root) for member in schema.get("allOf", []))
        and all(
            any(fits(value, branch, root) for branch in schema[word]) for word in ("anyOf", "oneOf") if word in schema
        )
        and (
            not isinstance(value, dict)
            or (
                all(name in value for name in schema.get("required", []))
                and all(
                    fits(inner, schema.get("properties", {}).get(name, schema.get("additionalProperties", True)), root)
                    for name, inner in value.items()
                )
            )
        )
        and (not isinstance(value, list) or all(fits(inner, schema.get("items", True), root) for inner in value))
        and ("not" not in schema or not fits(value, schema["not"], root))
    )


NAMES = st.sampled_from(["a", "b", "c", "title", "$ref", "default"])
REFERENCES = st.sampled_from(["#/$defs/A", "#/$defs/B", "#/$defs/C"]).map(lambda to: {"$ref": to})
VALUES = st.sampled_from(["x", "y", 1, 2.5, True, None])
WORDS = st.fixed_dictionaries(
    {},
    optional={
        "description": st.sampled_from(["d", "e"]),
        "title": st.just("T"),
        "default": VALUES,
        "examples": st.just([{"$ref": "#/$defs/A"}]),
        "minLength": st.just(3),
        "maximum": st.just(5),
        "nullable": st.booleans(),
    },
)
LEAVES = st.one_of(
    st.sampled_from(sorted(SCALARS)).map(lambda kind: {"type": kind}),
    st.sampled_from(["email", "date-time"]).map(lambda name: {"type": "string", "format": name}),
    st.lists(st.sampled_from(sorted(SCALARS)), min_size=1, max_size=3, unique=True).map(lambda kinds: {"type": kinds}),
    st.lists(VALUES, min_size=1, max_size=3).map(lambda values: {"enum": values}),
    VALUES.map(lambda value: {"const": value}),
    REFERENCES,
    REFERENCES,
)
ODD = st.sampled_from([{}, True, {"type": "object"}, {"not": {"type": "null"}}, {"type": "array", "prefixItems": [{}]}])


def objects(inner: st.SearchStrategy[Json], least: int = 1) -> st.SearchStrategy[Json]:
    closing = st.sampled_from([{}, {}, {"additionalProperties": False}, {"additionalProperties": True}])

    def build(properties: Json, names: Json, closed: Json) -> Json:
        return {
            "type": "object",
            "properties": properties,
            "required": [name for name in properties if name in names],
            **closed,
        }

    return st.builds(build, st.dictionaries(NAMES, inner, min_size=least, max_size=3), st.sets(NAMES), closing)


def composites(inner: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    return st.one_of(
        objects(inner),
        inner.map(lambda items: {"type": "array", "items": items}),
        st.lists(inner, min_size=1, max_size=3).map(lambda branches: {"anyOf": branches}),
        st.lists(inner, min_size=1, max_size=2).map(lambda branches: {"oneOf": branches}),
        inner.map(lambda member: {"allOf": [member]}),
        st.lists(inner, min_size=2, max_size=2).map(lambda members: {"allOf": members}),
        st.tuples(inner, WORDS).map(lambda pair: {**pair[0], **pair[1]} if isinstance(pair[0], dict) else pair[0]),
    )


SOUND = st.recursive(LEAVES, composites, max_leaves=8)
ANY = st.recursive(LEAVES | ODD, composites, max_leaves=8)


def roots(inner: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    definitions = st.fixed_dictionaries(dict.fromkeys("ABC", inner))
    return st.tuples(objects(inner, 0), definitions).map(lambda pair: {**pair[0], "$defs": pair[1]})


RELAXED = settings(max_examples=examples(150), deadline=None, suppress_health_check=list(HealthCheck))


class Endless(Exception):
    """Only infinite values match the schema."""


def instance(schema: Json, root: Json, pick: Callable[[list[Json]], Json], depth: int = 6) -> Json:
    """Return a value of a schema of the subset."""
    if depth < 0:
        raise Endless
    if "$ref" in schema:
        target = root if schema["$ref"] == "#" else root["$def"][schema["$ref"].removeprefix("#/$def/")]
        return instance(target, root, pick, depth - 1)
    if "anyOf" in schema:
        try:
            return instance(pick(schema["anyOf"]), root, pick, depth - 1)
        except Endless:
            if {"type": "null"} in schema["anyOf"]:
                return None
            raise
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return pick(schema["enum"])
    if schema["type"] == "object":
        return {key: instance(inner, root, pick, depth - 1) for key, inner in schema["properties"].items()}
    if schema["type"] == "array":
        try:
            return [instance(schema["items"], root, pick, depth - 1) for _ in pick([(), (1,), (1, 2)])]
        except Endless:
            return []
    return {"string": "s", "integer": 7, "number": 0.5, "boolean": False, "null": None}[schema["type"]]


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Node(BaseModel):
    name: str
    parent: Optional[Node] = Field(None, description="above")  # noqa: UP045 - a forward reference, on Python 3.10
    children: list[Node] = []


class Trip(BaseModel):
    """A trip."""

    city: str = Field(min_length=2)
    colour: Colour = Colour.RED
    kind: Literal["short", "long"]
    start: dt.datetime
    tree: Node
    extra: Node | str | None = None
