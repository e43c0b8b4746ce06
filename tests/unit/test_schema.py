"""Schemas: the strict subset and its refusals, the way back from it, references written out, the short form."""

from __future__ import annotations

import copy
import datetime as dt
import enum
import json
import time
from collections.abc import Callable, Iterator
from random import Random
from types import MappingProxyType
from typing import Any, Literal, Optional

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from deepseek_v4.errors import UnsupportedError
from deepseek_v4.schema import compact, inline_references, strict_subset, undo_nulls
from deepseek_v4.testing.checks.strict_schema import check_strict_schema

Json = Any


def obj(required: Json = None, /, **properties: Json) -> dict[str, Json]:
    """An object schema; every property required unless told otherwise."""
    names = list(properties) if required is None else required
    return {"type": "object", "properties": properties, "required": names}


def strict(schema: Json) -> dict[str, Json]:
    return strict_subset(schema, "tool t")


def strict_property(schema: Json, /, **definitions: Json) -> Json:
    """What becomes of one required property."""
    whole = strict({**obj(a=schema), **({"$defs": definitions} if definitions else {})})
    return whole["properties"]["a"]


# -- a validator of the subset, and one of values ----------------------------------------------------------------------

SCALARS = {"string", "number", "integer", "boolean", "null"}


def faults(root: Json) -> Iterator[str]:
    """What is not of the subset that strict function calling takes, read conservatively."""
    definitions = root.get("$defs", {})
    used: set[str] = set()

    def visit(node: Json, path: str, in_union: bool = False) -> Iterator[str]:
        if "$ref" in node:
            name = node["$ref"].removeprefix("#/$defs/")
            used.add(name)
            if node.keys() != {"$ref"}:
                yield f"{path}: more than $ref"
            if node["$ref"] != "#" and name not in definitions:
                yield f"{path}: leads nowhere"
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
            if not node.keys() <= {"type", "enum", "format", "description"}:
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
            other for other in (*definitions, "#") if f'"$ref": "{"" if other == "#" else "#/$defs/"}{other}"' in body
        }
        return name in named or any(recurs_to(other, name, seen | {other}) for other in named - seen)

    def recurs_to(start: str, goal: str, seen: frozenset[str]) -> bool:
        body = json.dumps(root if start == "#" else definitions.get(start))
        named = {
            other for other in (*definitions, "#") if f'"$ref": "{"" if other == "#" else "#/$defs/"}{other}"' in body
        }
        return goal in named or any(recurs_to(other, goal, seen | {other}) for other in named - seen)

    if root.get("type") != "object":
        yield "root is no object"
        return
    yield from visit({key: value for key, value in root.items() if key != "$defs"}, "")
    for name, definition in definitions.items():
        if definition == {"$ref": f"#/$defs/{name}"}:
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
    """Whether a value is an instance; lengths and bounds left out, oneOf read as anyOf."""
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


RELAXED = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


@RELAXED
@given(roots(ANY))
def test_a_schema_is_refused_with_its_place_or_ends_up_in_the_subset(schema: Json) -> None:
    before = json.dumps(schema)
    try:
        result = strict(schema)
    except UnsupportedError as error:
        refusal = str(error)
        assert refusal.startswith("tool t: parameters")
        assert refusal.endswith("or leave strict off for this tool.")
    else:
        assert list(faults(result)) == []
        assert check_strict_schema(result) is None
        assert json.dumps(strict(copy.deepcopy(schema))) == json.dumps(result)
    assert json.dumps(schema) == before


class Endless(Exception):
    """Only values without an end fit."""


def instance(schema: Json, root: Json, pick: Callable[[list[Json]], Json], depth: int = 6) -> Json:
    """Some value of a schema in the subset."""
    if depth < 0:
        raise Endless
    if "$ref" in schema:
        target = root if schema["$ref"] == "#" else root["$defs"][schema["$ref"].removeprefix("#/$defs/")]
        return instance(target, root, pick, depth - 1)
    if "anyOf" in schema:
        try:
            return instance(pick(schema["anyOf"]), root, pick, depth - 1)
        except Endless:
            if {"type": "null"} in schema["anyOf"]:
                return None
            raise
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


@RELAXED
@given(roots(SOUND), st.randoms(use_true_random=False))
def test_what_the_strict_schema_allows_the_original_allows_once_nulls_are_undone(schema: Json, random: Random) -> None:
    try:
        result = strict(schema)
        values = [instance(result, result, random.choice) for _ in range(10)]
    except (UnsupportedError, Endless):
        return
    undone = [undo_nulls(value, schema) for value in values]
    try:
        fitting = [fits(value, schema, schema) for value in undone]
    except RecursionError:
        return  # a reference that leads to itself and nothing else
    assert all(fitting), values


# -- the strict subset -------------------------------------------------------------------------------------------------


def test_every_property_is_required_and_optional_ones_may_be_null() -> None:
    result = strict(obj(["a"], a={"type": "string"}, b={"type": "integer", "description": "how many"}))
    assert result == {
        "type": "object",
        "properties": {
            "a": {"type": "string"},
            "b": {"anyOf": [{"type": "integer"}, {"type": "null"}], "description": "how many"},
        },
        "required": ["a", "b"],
        "additionalProperties": False,
    }


@pytest.mark.parametrize("schema", [{}, {"type": "object"}, {"type": "object", "properties": {}}, {"properties": {}}])
def test_a_function_without_arguments_is_an_empty_object(schema: Json) -> None:
    assert strict(schema) == {"type": "object", "properties": {}, "required": [], "additionalProperties": False}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": ["string", "null"]}, {"anyOf": [{"type": "string"}, {"type": "null"}]}),
        ({"type": ["string"]}, {"type": "string"}),
        ({"const": "x"}, {"type": "string", "enum": ["x"]}),
        ({"const": None}, {"type": "null"}),
        ({"enum": ["x", "y", "x"]}, {"type": "string", "enum": ["x", "y"]}),
        ({"enum": [1, 2.5]}, {"type": "number", "enum": [1, 2.5]}),
        ({"enum": [1, True]}, {"anyOf": [{"type": "integer", "enum": [1]}, {"type": "boolean", "enum": [True]}]}),
        ({"enum": ["x", None]}, {"anyOf": [{"type": "string", "enum": ["x"]}, {"type": "null"}]}),
        ({"type": "string", "enum": ["x", 1]}, {"type": "string", "enum": ["x"]}),
        ({"type": "integer", "enum": [1, 2], "const": 2}, {"type": "integer", "enum": [2]}),
        ({"type": "string", "format": "email"}, {"type": "string", "format": "email"}),
        ({"type": "string", "format": "date"}, {"type": "string", "description": "format date"}),
        ({"oneOf": [{"type": "string"}, {"type": "null"}]}, {"anyOf": [{"type": "string"}, {"type": "null"}]}),
        ({"anyOf": [{"type": "string"}]}, {"type": "string"}),
        (
            {"anyOf": [{"type": "string"}, {"anyOf": [{"type": "null"}, {"type": "string"}]}]},
            {"anyOf": [{"type": "string"}, {"type": "null"}]},
        ),
        (
            {"type": "string", "anyOf": [{"enum": ["x"]}, {"enum": ["y", 1]}]},
            {"anyOf": [{"type": "string", "enum": ["x"]}, {"type": "string", "enum": ["y"]}]},
        ),
        ({"type": "string", "nullable": True}, {"anyOf": [{"type": "string"}, {"type": "null"}]}),
        ({"items": {"type": "string"}}, {"type": "array", "items": {"type": "string"}}),
        ({"type": "string", "title": "A", "examples": ["x"], "x-order": 1, "deprecated": True}, {"type": "string"}),
        ({"allOf": [{"type": "string"}], "description": "d"}, {"type": "string", "description": "d"}),
        (
            {"allOf": [{"type": "string", "description": "in"}], "description": "out"},
            {"type": "string", "description": "out"},
        ),
        ({"allOf": [{"type": ["string", "null"]}, {"type": "string"}]}, {"type": "string"}),
        ({"allOf": [{"enum": ["x", "y"]}, {"enum": ["y", "z"]}]}, {"type": "string", "enum": ["y"]}),
        ({"allOf": [{"type": "number"}, {"type": "integer"}]}, {"type": "integer"}),
        ({"allOf": [{"type": "string"}, {"type": "string", "nullable": True}]}, {"type": "string"}),
        (
            {"allOf": [{"type": "string", "nullable": True}, {"minLength": 1}]},
            {"type": "string", "description": "at least 1 characters"},
        ),
    ],
)
def test_keywords_are_said_in_the_words_of_the_subset(schema: Json, expected: Json) -> None:
    assert strict_property(schema) == expected


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ({"type": "string", "minLength": 3, "maxLength": 9}, "at least 3 characters; at most 9 characters"),
        ({"type": "string", "pattern": "^a+$", "description": "An a."}, "An a. (matches ^a+$)"),
        ({"type": "integer", "minimum": 1, "exclusiveMaximum": 5}, ">= 1; < 5"),
        ({"type": "integer", "minimum": 1, "exclusiveMinimum": True}, "> 1"),
        ({"type": "number", "multipleOf": 0.5, "default": 1.5}, "a multiple of 0.5; default 1.5"),
        (
            {"type": "array", "items": {"type": "string"}, "minItems": 1, "uniqueItems": True},
            "at least 1 items; no duplicates",
        ),
        ({"type": "string", "default": "x"}, 'default "x"'),
        ({"allOf": [{"minLength": 2}, {"type": "string", "minLength": 3}]}, "at least 3 characters"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}], "minLength": 2}, "at least 2 characters"),
        ({"enum": ["a@b.c"], "format": "email"}, "format email"),
        ({"type": "string", "pattern": "x" * 300, "default": None}, None),
    ],
)
def test_what_cannot_be_said_is_told_in_the_description(schema: Json, told: str | None) -> None:
    assert strict_property(schema).get("description") == told


def test_references_stay_where_they_are_legal_and_are_written_out_inside_any_of() -> None:
    definitions = {"City": obj(name={"type": "string"}), "Unused": {"type": "null"}}
    result = strict(
        {**obj(["home"], home={"$ref": "#/$defs/City"}, work={"$ref": "#/$defs/City"}), "$defs": definitions}
    )
    city = {**obj(name={"type": "string"}), "additionalProperties": False}
    assert result["properties"]["home"] == {"$ref": "#/$defs/City"}
    assert result["properties"]["work"] == {"anyOf": [city, {"type": "null"}]}
    assert result["$defs"] == {"City": city}


def test_a_reference_with_a_description_is_written_out() -> None:
    found = strict_property({"$ref": "#/$defs/C", "description": "mine"}, C={"type": "string", "description": "theirs"})
    assert found == {"type": "string", "description": "mine"}


def test_old_definitions_and_local_ones_move_to_the_root() -> None:
    schema = {
        **obj(
            a={"$ref": "#/definitions/X"},
            b={**obj(c={"$ref": "#/properties/b/$defs/X"}), "$defs": {"X": {"type": "null"}}},
        ),
        "definitions": {"X": {"type": "string"}},
    }
    result = strict(schema)
    assert result["properties"]["a"] == {"$ref": "#/$defs/X"}
    assert result["properties"]["b"]["properties"]["c"] == {"$ref": "#/$defs/X_2"}
    assert result["$defs"] == {"X": {"type": "string"}, "X_2": {"type": "null"}}


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


def test_recursion_stays_a_reference() -> None:
    result = strict(Node.model_json_schema())
    node = {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "parent": {"$ref": "#/$defs/Node_or_null"},
            "children": {
                "anyOf": [{"type": "array", "items": {"$ref": "#/$defs/Node"}}, {"type": "null"}],
                "description": "default []",
            },
        },
        "required": ["name", "parent", "children"],
        "additionalProperties": False,
    }
    union = {"anyOf": [node, {"type": "null"}], "description": "above"}
    assert result == {**node, "$defs": {"Node_or_null": union, "Node": node}}


@pytest.mark.parametrize("beside", [{}, {"x-order": 1}, {"nullable": True}, {"title": "T", "default": None}])
def test_recursion_stays_a_reference_whatever_stands_beside_it(beside: Json) -> None:
    schema = {**obj([], n={"$ref": "#/$defs/N"}), "$defs": {"N": obj([], next={"$ref": "#/$defs/N", **beside})}}
    reference = {"$ref": "#/$defs/N_or_null"}
    result = strict(schema)
    assert result["properties"] == {"n": reference}
    assert result["$defs"]["N_or_null"]["anyOf"] == [
        {"type": "object", "properties": {"next": reference}, "required": ["next"], "additionalProperties": False},
        {"type": "null"},
    ]


def test_recursion_to_the_root_stays_a_reference() -> None:
    result = strict(obj([], next={"$ref": "#"}))
    assert result["properties"] == {"next": {"$ref": "#/$defs/root_or_null"}}
    root = {word: value for word, value in result.items() if word != "$defs"}
    assert result["$defs"] == {"root_or_null": {"anyOf": [root, {"type": "null"}]}}


def test_choices_that_name_each_other_are_joined() -> None:
    either = {
        "A": {"anyOf": [{"$ref": "#/$defs/B"}, {"type": "string"}]},
        "B": {"anyOf": [{"$ref": "#/$defs/A"}, {"type": "null"}]},
    }
    result = strict({**obj(["a"], a={"$ref": "#/$defs/A"}), "$defs": either})
    assert result["properties"] == {"a": {"$ref": "#/$defs/A"}}
    assert {"anyOf": [{"type": "string"}, {"type": "null"}]} in result["$defs"].values()


def test_schemas_of_pydantic_pass() -> None:
    result = strict(Trip.model_json_schema())
    assert list(faults(result)) == []
    assert result["properties"]["extra"] == {"$ref": "#/$defs/Node_or_other"}
    kinds = [branch["type"] for branch in result["$defs"]["Node_or_other"]["anyOf"]]
    assert kinds == ["object", "string", "null"]
    assert result["description"] == "A trip."


PLACES: list[tuple[Json, str]] = [
    ({"type": "object", "additionalProperties": {"type": "string"}}, "parameters/additionalProperties"),
    ({"type": "object", "additionalProperties": True}, "parameters/additionalProperties"),
    (obj(a={"type": "object", "additionalProperties": {}}), "parameters/properties/a/additionalProperties"),
    (
        obj(a={**obj(x={"type": "null"}), "additionalProperties": {"type": "null"}}),
        "parameters/properties/a/additionalProperties",
    ),
    (obj(a={"type": "object", "patternProperties": {"^x": {}}}), "parameters/properties/a/patternProperties"),
    (obj(a={}), "parameters/properties/a"),
    (obj(a=True), "parameters/properties/a"),
    (obj(a=False), "parameters/properties/a"),
    (obj(a={"description": "anything"}), "parameters/properties/a"),
    (obj(a={"type": "array"}), "parameters/properties/a/items"),
    (obj(a={"type": "array", "items": {"type": "array", "items": {}}}), "parameters/properties/a/items/items"),
    (obj(a={"type": "array", "items": [{"type": "null"}]}), "parameters/properties/a/items"),
    (obj(a={"type": "array", "prefixItems": [{"type": "null"}]}), "parameters/properties/a/prefixItems"),
    (obj(a={"type": "object"}), "parameters/properties/a"),
    (obj(a=obj()), "parameters/properties/a"),
    (obj(**{"a/b~": {"anyOf": [{"type": "null"}, {}]}}), "parameters/properties/a~1b~0/anyOf/1"),
    (obj(a={"type": "string", "not": {"const": "x"}}), "parameters/properties/a/not"),
    (obj(a={"type": "string", "if": {"const": "x"}, "then": {}}), "parameters/properties/a/if"),
    ({**obj(a={"$ref": "#/$defs/A"}), "$defs": {"A": obj(x={})}}, "parameters/$defs/A/properties/x"),
    (obj(a={"$ref": "#/$defs/Missing"}), "parameters/properties/a"),
    (obj(a={"$ref": "https://example.org/a.json"}), "parameters/properties/a"),
    ({**obj(a={"$ref": "#/$defs/A"}), "$defs": {"A": {"$ref": "#/$defs/A"}}}, "parameters/$defs/A"),
    (
        {**obj(a={"$ref": "#/$defs/A"}), "$defs": {"A": {"allOf": [{"$ref": "#/$defs/A"}]}}},
        "parameters/$defs/A/allOf/0",
    ),
    (obj(a={"allOf": [{"type": "string"}, {"type": "integer"}]}), "parameters/properties/a/allOf"),
    (obj(a={"allOf": [{"type": "string"}, {"const": "x"}, {"const": "y"}]}), "parameters/properties/a/allOf"),
    (
        obj(a={"allOf": [{**obj(x={"type": "null"}), "additionalProperties": False}, obj(y={"type": "null"})]}),
        "parameters/properties/a/allOf",
    ),
    (
        {**obj(a={"$ref": "#/$defs/A"}), "$defs": {"A": {"anyOf": [{"$ref": "#/$defs/A"}, {"$ref": "#/$defs/A"}]}}},
        "parameters/$defs/A",
    ),
    (obj(a={"allOf": []}), "parameters/properties/a/allOf"),
    (obj(a={"anyOf": []}), "parameters/properties/a/anyOf"),
    (obj(a={"enum": [{"x": 1}]}), "parameters/properties/a"),
    (obj(a={"type": "string", "enum": [1]}), "parameters/properties/a"),
    (obj(a={"type": "text"}), "parameters/properties/a/type"),
    (obj(["b"], a={"type": "null"}), "parameters/required"),
    ({"anyOf": [obj(a={"type": "null"}), obj(b={"type": "null"})]}, "parameters"),
    ({"type": "array", "items": {"type": "string"}}, "parameters"),
    ({"type": ["object", "null"]}, "parameters"),
    ({"$ref": "#"}, "parameters"),
]


@pytest.mark.parametrize(("schema", "place"), PLACES, ids=lambda value: value if isinstance(value, str) else "")
def test_what_cannot_be_said_is_refused_with_its_place_and_what_to_do(schema: Json, place: str) -> None:
    with pytest.raises(UnsupportedError) as caught:
        strict(schema)
    assert str(caught.value).startswith(f"tool t: {place}: ")
    assert str(caught.value).endswith(", or leave strict off for this tool.")


def test_parts_of_all_of_are_merged() -> None:
    one, two = obj(x={"type": "string"}), obj([], y={"type": "integer"}, x={"maxLength": 5})
    assert strict_property({"allOf": [one, {"$ref": "#/$defs/Two"}]}, Two=two) == {
        "type": "object",
        "properties": {
            "x": {"type": "string", "description": "at most 5 characters"},
            "y": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        },
        "required": ["x", "y"],
        "additionalProperties": False,
    }


def test_a_schema_that_grows_without_bound_is_refused_in_time() -> None:
    definitions = {
        f"D{i}": obj([], a={"$ref": f"#/$defs/D{i + 1}"}, b={"$ref": f"#/$defs/D{i + 1}"}) for i in range(40)
    }
    began = time.process_time()
    for convert in (strict, inline_references):
        with pytest.raises(UnsupportedError, match="10000 parts"):
            convert({**obj([], a={"$ref": "#/$defs/D0"}), "$defs": {**definitions, "D40": {"type": "null"}}})
    deep: Json = {"type": "null"}
    for _ in range(2000):
        deep = obj(a=deep)
    with pytest.raises(UnsupportedError, match="nested too deeply"):
        strict(deep)
    assert time.process_time() - began < 5


def test_any_mapping_will_do() -> None:
    schema = MappingProxyType({"properties": MappingProxyType({"a": MappingProxyType({"type": ("string", "null")})})})
    assert json.dumps(strict(schema)["properties"]) == '{"a": {"anyOf": [{"type": "string"}, {"type": "null"}]}}'
    assert json.dumps(compact(schema)) == '{"properties": {"a": {"type": ["string", "null"]}}}'


# -- the way back ------------------------------------------------------------------------------------------------------


def test_nulls_of_optional_properties_are_dropped_everywhere() -> None:
    inner = obj(["x"], x={"type": "string"}, y={"type": "integer"})
    schema = {
        **obj(["list"], list={"type": "array", "items": {"$ref": "#/$defs/I"}}, one={"$ref": "#/$defs/I"}),
        "$defs": {"I": inner},
    }
    arguments = {"list": [{"x": "a", "y": None}, {"x": "b", "y": 1}], "one": None}
    before = copy.deepcopy(arguments)
    assert undo_nulls(arguments, schema) == {"list": [{"x": "a"}, {"x": "b", "y": 1}]}
    assert arguments == before


def test_nulls_the_original_allows_stay() -> None:
    schema = obj(
        [],
        a={"type": ["string", "null"]},
        b={"anyOf": [{"type": "string"}, {"type": "null"}]},
        c={"enum": ["x", None]},
        d={"$ref": "#/$defs/N"},
        e={"type": "string", "nullable": True},
        f={},
    )
    arguments = dict.fromkeys("abcdef")
    assert undo_nulls(arguments, {**schema, "$defs": {"N": {"type": "null"}}}) == arguments


def test_a_null_for_a_required_or_unknown_property_stays_for_the_validator_to_see() -> None:
    assert undo_nulls({"a": None, "z": None}, obj(a={"type": "string"})) == {"a": None, "z": None}


def test_the_branch_an_object_was_written_for_decides() -> None:
    cat = obj(["kind"], kind={"const": "cat"}, name={"type": "string"})
    dog = obj(["kind"], kind={"const": "dog"}, name={"type": ["string", "null"]})
    schema = obj(pet={"oneOf": [cat, dog]})
    assert undo_nulls({"pet": {"kind": "cat", "name": None}}, schema) == {"pet": {"kind": "cat"}}
    assert undo_nulls({"pet": {"kind": "dog", "name": None}}, schema) == {"pet": {"kind": "dog", "name": None}}


def test_the_branch_that_names_the_keys_decides() -> None:
    small, large = obj([], x={"type": "integer"}), obj(x={"type": ["integer", "null"]}, y={"type": "string"})
    for branches in ([small, large], [large, small]):
        assert undo_nulls({"a": {"x": None, "y": "s"}}, obj(a={"anyOf": branches})) == {"a": {"x": None, "y": "s"}}
        assert undo_nulls({"a": {"x": None}}, obj(a={"anyOf": branches})) == {"a": {}}


def test_lists_of_different_things_are_told_apart() -> None:
    schema = obj(
        a={
            "anyOf": [
                {"type": "array", "items": {"type": "boolean"}},
                {"type": "array", "items": obj([], b={"type": "null"}, c={"type": "string"})},
            ]
        }
    )
    assert undo_nulls({"a": [{"b": None, "c": None}]}, schema) == {"a": [{"b": None}]}


def test_undoing_ends_on_a_schema_that_does_not() -> None:
    schema = {
        **obj([], a={"$ref": "#/$defs/A"}),
        "$defs": {"A": {"anyOf": [{"$ref": "#/$defs/A"}, obj([], b={"type": "string"})]}},
    }
    assert undo_nulls({"a": {"b": None}}, schema) == {"a": {}}


def test_undoing_takes_no_exponential_time() -> None:
    def sides(kind: str) -> Json:
        return obj([], left={"$ref": "#/$defs/E"}, right={"$ref": "#/$defs/E"}, **{kind: {"type": "string"}})

    schema = {**obj(e={"$ref": "#/$defs/E"}), "$defs": {"E": {"anyOf": [sides("plus"), sides("minus")]}}}
    value: Json = {"left": None, "right": None, "plus": "x"}
    for _ in range(100):
        value = {"left": value, "right": None, "minus": "y"}
    began = time.process_time()
    undone = undo_nulls({"e": value}, schema)
    assert time.process_time() - began < 1
    assert undone["e"]["left"]["left"].keys() == {"left", "minus"}


def test_nulls_are_undone_below_recursion() -> None:
    arguments = {
        "name": "a",
        "parent": None,
        "children": [{"name": "b", "parent": {"name": "c", "parent": None, "children": None}, "children": None}],
    }
    assert undo_nulls(arguments, Node.model_json_schema()) == {
        "name": "a",
        "parent": None,  # pydantic's Optional allows it
        "children": [{"name": "b", "parent": {"name": "c", "parent": None}}],
    }
    assert Node.model_validate(undo_nulls(arguments, Node.model_json_schema())).children[0].children == []


# -- references and the short form -------------------------------------------------------------------------------------

INSTANCES = st.recursive(
    VALUES | st.sampled_from(["x", 7]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=5,
)


@RELAXED
@given(roots(ANY), st.lists(INSTANCES, max_size=20))
def test_writing_references_out_and_shortening_do_not_change_the_meaning(schema: Json, values: list[Json]) -> None:
    before = json.dumps(schema)
    written, short = inline_references(schema), compact(schema)
    assert json.dumps(schema) == before
    assert json.dumps(compact(copy.deepcopy(schema))) == json.dumps(short)
    values = [*values, {"a": "x"}, {"a": "x", "b": 7}, {"a": {"a": "x"}, "b": [7]}]
    try:
        expected = [fits(value, schema, schema) for value in values]
    except RecursionError:
        return  # a reference that leads to itself and nothing else
    assert [fits(value, written, written) for value in values] == expected
    assert [fits(value, short, short) for value in values] == expected


def test_references_are_written_out_with_what_stands_beside_them() -> None:
    schema = {
        **obj(a={"$ref": "#/$defs/A", "description": "mine"}, b={"$ref": "#/$defs/B"}),
        "$defs": {"A": {"type": "string"}, "B": {"$ref": "#/$defs/A"}},
    }
    assert inline_references(schema) == obj(a={"type": "string", "description": "mine"}, b={"type": "string"})


def test_only_recursion_keeps_its_reference() -> None:
    written = inline_references(
        {
            "properties": {"t": {"$ref": "#/$defs/Trip"}},
            "$defs": {"Trip": Trip.model_json_schema() | {"$defs": None}, **Trip.model_json_schema()["$defs"]},
        }
    )
    assert set(written["$defs"]) == {"Node"}
    assert "Colour" not in json.dumps(written["properties"]["t"]["properties"]["colour"].get("$ref", ""))


def test_a_property_called_ref_and_data_that_look_like_references_stay() -> None:
    schema = obj(**{"$ref": {"type": "string"}, "title": {"type": "string", "default": {"$ref": "#/nowhere"}}})
    assert inline_references(schema) == compact(schema) == schema


def test_a_reference_to_nowhere_is_told() -> None:
    with pytest.raises(UnsupportedError, match="leads nowhere"):
        inline_references({"$ref": "#/$defs/A"})


def test_pointers_are_unescaped() -> None:
    schema = {**obj(a={"$ref": "#/$defs/a~1b%20c"}), "$defs": {"a/b c": {"type": "null"}}}
    assert inline_references(schema) == obj(a={"type": "null"})
    assert strict(schema)["properties"] == {"a": {"$ref": "#/$defs/a_b_c"}}


def test_the_short_form_drops_titles_that_repeat_the_key_and_most_examples() -> None:
    schema = {
        "title": "Trip",
        **obj(
            first_name={"title": "First Name", "type": "string", "examples": ["Ada", "Alan"]},
            size={"title": "Size in cm", "type": "integer", "examples": ["x" * 100]},
            title={"title": "Title", "type": "string"},
        ),
    }
    assert compact(schema) == {
        "title": "Trip",
        **obj(
            first_name={"type": "string", "examples": ["Ada"]},
            size={"title": "Size in cm", "type": "integer"},
            title={"type": "string"},
        ),
    }


def test_the_short_form_keeps_definitions_that_are_used_twice_or_recur() -> None:
    once, twice = obj(x={"type": "string"}), obj(once={"$ref": "#/$defs/Once"})
    definitions = {
        "Once": once,
        "Twice": twice,
        "Loop": obj([], again={"$ref": "#/$defs/Loop"}),
        "Never": {"type": "null"},
    }
    schema = {
        **obj(a={"$ref": "#/$defs/Twice"}, b={"$ref": "#/$defs/Twice"}, c={"$ref": "#/$defs/Loop"}),
        "$defs": definitions,
    }
    short = compact(schema)
    assert short["$defs"] == {"Twice": obj(once=once), "Loop": definitions["Loop"]}
    assert short["properties"]["a"] == {"$ref": "#/$defs/Twice"}
