"""The problem that each keyword of a schema reports, with its path."""

from __future__ import annotations

from typing import Any

import pytest

from deepseek_v4.recovery.json_validation import find_problem

STRING, INTEGER = {"type": "string"}, {"type": "integer"}
DEEP = {"properties": {"b": {"properties": {"c": INTEGER}}}}
A = "the answer: "

CASES: list[tuple[Any, dict[str, Any], str | None]] = [
    ("x", STRING, None),
    (1, STRING, f"{A}1 is not of type string"),
    (1, {"type": ["string", "null"]}, f"{A}1 is not of type string or null"),
    (True, INTEGER, f"{A}True is not of type integer"),
    (1.0, INTEGER, None),
    (1.5, INTEGER, f"{A}1.5 is not of type integer"),
    (True, {"type": "number"}, f"{A}True is not of type number"),
    (None, {"type": "string", "nullable": True}, None),
    (None, {"type": "string", "nullable": False}, f"{A}None is not of type string"),
    (1, {"type": "string", "nullable": True}, f"{A}1 is not of type string"),
    ("x" * 90, INTEGER, f"{A}'{'x' * 79}… is not of type integer"),
    ("x" * 78, INTEGER, f"{A}'{'x' * 78}' is not of type integer"),
    (1, {"enum": ["a", 2]}, f"{A}1 is not one of 'a', 2"),
    (True, {"enum": [1]}, f"{A}True is not one of 1"),
    (1.0, {"enum": [1]}, None),
    (1, {"const": 2}, f"{A}1 is not 2"),
    (1, {"const": True}, f"{A}1 is not True"),
    (None, {"const": None}, None),
    (1, {"allOf": [INTEGER, {"minimum": 2}]}, f"{A}1 is less than 2"),
    (1, {"not": INTEGER}, f"{A}1 matches the schema under `not`: {INTEGER}"),
    ("x", {"not": INTEGER}, None),
    (1, {"anyOf": [STRING, {"type": "null"}]}, f"{A}1 is not of type string; or {A}1 is not of type null"),
    (1, {"anyOf": [STRING, STRING]}, f"{A}1 is not of type string"),
    (1, {"anyOf": [STRING, INTEGER]}, None),
    (1, {"anyOf": []}, None),
    (
        {"a": {"b": 1}},
        {"anyOf": [STRING, {"properties": {"a": {"properties": {"b": STRING}}}}]},
        "a.b: 1 is not of type string",
    ),
    (
        {"a": {"b": 1}},
        {"anyOf": [{"properties": {"a": {"properties": {"b": STRING}}}}, STRING]},
        "a.b: 1 is not of type string",
    ),
    (
        {"a": 1, "bb": 1},
        {"anyOf": [{"properties": {"a": STRING}}, {"properties": {"bb": STRING}}]},
        "a: 1 is not of type string",
    ),
    (
        {"a": {"b": 1}, "longer": 1},
        {"anyOf": [{"properties": {"longer": STRING}}, {"properties": {"a": {"properties": {"b": STRING}}}}]},
        "a.b: 1 is not of type string",
    ),
    (1, {"oneOf": [INTEGER, {"minimum": 0}]}, f"{A}1 fits 2 branches of `oneOf`; it must fit exactly one"),
    (1, {"oneOf": [INTEGER, STRING]}, None),
    (1, {"oneOf": [STRING, {"type": "null"}]}, f"{A}1 is not of type string; or {A}1 is not of type null"),
    (None, {"oneOf": [{"type": "null"}, {"type": "object"}]}, None),
    ("ab", {"minLength": 3}, f"{A}its length is less than 3"),
    ("ab", {"minLength": 2, "maxLength": 2}, None),
    ("ab", {"maxLength": 1}, f"{A}its length is more than 1"),
    ("ab", {"exclusiveMinimum": 5}, None),
    ("x", {"format": "date"}, f"{A}'x' is not a valid date"),
    ("2026-11-30", {"format": "date"}, None),
    ("x", {"format": "other"}, None),
    ("x", {"format": 1}, None),
    ("x", {"pattern": "^y"}, f"{A}'x' does not match the pattern ^y"),
    ("xy", {"pattern": "y"}, None),
    ("x", {"pattern": "("}, None),
    ("x", {"pattern": 1}, None),
    (1, {"minimum": 1, "maximum": 1}, None),
    (1, {"minimum": 2}, f"{A}1 is less than 2"),
    (1, {"maximum": 0}, f"{A}1 is more than 0"),
    (1, {"exclusiveMinimum": 1}, f"{A}1 is not more than 1"),
    (1, {"exclusiveMinimum": 0, "exclusiveMaximum": 2}, None),
    (1, {"exclusiveMaximum": 1}, f"{A}1 is not less than 1"),
    (1, {"minimum": True}, None),
    (0.3, {"multipleOf": 0.1}, None),
    (0.35, {"multipleOf": 0.1}, f"{A}0.35 is not a multiple of 0.1"),
    (3, {"multipleOf": 2}, f"{A}3 is not a multiple of 2"),
    (3, {"multipleOf": 0}, None),
    (3, {"multipleOf": "2"}, None),
    (float("inf"), {"multipleOf": 2}, f"{A}inf is not a multiple of 2"),
    ({"a": 1}, {"properties": {"a": STRING}}, "a: 1 is not of type string"),
    ({"a": None}, {"properties": {"a": STRING}}, None),
    ({"a": None}, {"properties": {"a": STRING}, "required": ["a"]}, "a: None is not of type string"),
    ({}, {"required": ["a"]}, "a: required property is missing"),
    ({"a": {"b": {"c": "x"}}}, {"properties": {"a": DEEP}}, "a.b.c: 'x' is not of type integer"),
    ({"a": {}}, {"properties": {"a": {"required": ["b"]}}}, "a.b: required property is missing"),
    ({"a": 1}, {"additionalProperties": False}, "a: unknown property"),
    ({"a": 1}, {"additionalProperties": STRING}, "a: 1 is not of type string"),
    ({"a": 1}, {"additionalProperties": True}, None),
    ({"a": 1}, {"properties": {"a": {}}, "additionalProperties": False}, None),
    ({"a": 1}, {"patternProperties": {"^a": STRING}}, "a: 1 is not of type string"),
    ({"a": "x"}, {"patternProperties": {"^a": STRING}, "additionalProperties": False}, None),
    ({"b": 1}, {"patternProperties": {"^a": STRING}, "additionalProperties": False}, "b: unknown property"),
    ({"a": 1}, {"properties": [], "required": "a", "patternProperties": []}, None),
    ({"a": 1}, {"minProperties": 2}, f"{A}its size is less than 2"),
    ({"x": {"a": 1}}, {"properties": {"x": {"maxProperties": 0}}}, "x: its size is more than 0"),
    ([1, "x"], {"items": INTEGER}, "1: 'x' is not of type integer"),
    ([1], {"items": False}, "0: is not allowed"),
    (
        {"a": [{"b": 1}]},
        {"properties": {"a": {"items": {"properties": {"b": STRING}}}}},
        "a.0.b: 1 is not of type string",
    ),
    (["x", "y"], {"prefixItems": [STRING, INTEGER]}, "1: 'y' is not of type integer"),
    (["x", "y"], {"prefixItems": [STRING], "items": INTEGER}, "1: 'y' is not of type integer"),
    (["x", "y"], {"prefixItems": {}, "items": STRING}, None),
    ([], {"minItems": 1}, f"{A}its number of items is less than 1"),
    ({"a": [1, 2]}, {"properties": {"a": {"maxItems": 1}}}, "a: its number of items is more than 1"),
    (["x"], {"contains": INTEGER}, f"{A}its number of items of `contains` is less than 1"),
    (["x", 1], {"contains": INTEGER}, None),
    (["x"], {"contains": INTEGER, "minContains": 0}, None),
    ([1, 2], {"contains": INTEGER, "maxContains": 1}, f"{A}its number of items of `contains` is more than 1"),
    ([1, 1], {"uniqueItems": True}, f"{A}its items are not all different"),
    ([{"a": 1, "b": 2}, {"b": 2, "a": 1}], {"uniqueItems": True}, f"{A}its items are not all different"),
    ([1, 2, True], {"uniqueItems": True}, None),
    ([1, 1], {"uniqueItems": False}, None),
    ({"a": 1}, {"properties": {"a": {"$ref": "#/$defs/S"}}, "$defs": {"S": STRING}}, "a: 1 is not of type string"),
    (
        {"a": 1},
        {"properties": {"a": {"$ref": "#/$defs/a~1~0b"}}, "$defs": {"a/~b": STRING}},
        "a: 1 is not of type string",
    ),
    ({"a": 1}, {"properties": {"a": {"$ref": "#/$defs/none"}}}, None),
    ({"a": 1}, {"properties": {"a": {"$ref": "#/title/0"}}, "title": "x"}, None),
    ({"a": 1}, {"properties": {"a": {"$ref": "other"}}}, None),
    ({"a": {"a": 1}}, {"properties": {"a": {"$ref": "#"}}, "type": "object"}, "a.a: 1 is not of type object"),
    (1, False, f"{A}is not allowed"),  # type: ignore[list-item]
    (1, True, None),  # type: ignore[list-item]
    (1, {"$ref": "#"}, None),
    (1, {"allOf": [{"$ref": "#"}]}, None),
    (1, {"anyOf": [{"$ref": "#"}]}, None),
    (1, {"not": {"not": INTEGER}}, None),
]


@pytest.mark.parametrize(("value", "schema", "problem"), CASES)
def test_the_first_problem_is_reported(value: Any, schema: dict[str, Any], problem: str | None) -> None:
    assert find_problem(value, schema) == problem


def test_null_for_an_optional_property_is_a_problem_without_tolerance() -> None:
    schema = {"properties": {"a": STRING}}
    assert find_problem({"a": None}, schema, nulls=False) == "a: None is not of type string"
    exclusive = {"oneOf": [schema, {"properties": {"a": {"type": "null"}}}]}
    assert find_problem({"a": None}, exclusive) is None  # only what is valid counts


def nested(depth: int, value: Any) -> Any:
    for _ in range(depth):
        value = [value]
    return value


AROUND: list[Any] = []
AROUND.append(AROUND)
ITSELF: dict[str, Any] = {}
ITSELF["a"] = ITSELF
WRAPPED: dict[str, Any] = {
    "items": {"items": {"$ref": "#"}},
    "properties": {"properties": {"a": {"$ref": "#"}}},
    "additionalProperties": {"additionalProperties": {"$ref": "#"}},
    "patternProperties": {"patternProperties": {"a": {"$ref": "#"}}},
    "allOf": {"allOf": [{"$ref": "#"}]},
    "anyOf": {"anyOf": [{"$ref": "#"}]},
    "contains": {"contains": {"$ref": "#"}},
}


@pytest.mark.parametrize("value", [AROUND, ITSELF, 1], ids=["list", "object", "number"])
@pytest.mark.parametrize("schema", WRAPPED.values(), ids=WRAPPED)
def test_a_recursive_value_is_checked_to_a_depth(schema: dict[str, Any], value: Any) -> None:
    """A list or object that contains itself, and a schema that contains itself, have no problem."""
    assert find_problem(value, schema) is None


@pytest.mark.parametrize("value", [AROUND, ITSELF, 1], ids=["list", "object", "number"])
def test_a_schema_that_excludes_itself_matches_nothing(value: Any) -> None:
    problem = find_problem(value, {"not": {"$ref": "#"}})
    assert problem == f"{A}{value} matches the schema under `not`: {{'$ref': '#'}}"
