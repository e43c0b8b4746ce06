"""Plain values checked against their schemas: the path and the fault, and no false errors."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from deepseek_v4.recovery.attempt_totals import add_values
from deepseek_v4.recovery.json_validation import find_problem
from deepseek_v4.recovery.retry_prompt import format_validation_error, is_retryable_answer, retry_messages
from langchain_deepseek_v4.convert.schemas import json_schema_of
from tests.end_to_end.typed.answer_types import KINDS, Kind

NODE: dict[str, Any] = {
    "type": "object",
    "properties": {"label": {"type": "string"}, "next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}},
    "required": ["label"],
    "additionalProperties": False,
}
WRONG: list[tuple[Any, dict[str, Any], str]] = [
    ([], NODE, "the answer: [] is not of type object"),
    ({}, NODE, "label: required property is missing"),
    ({"label": 1}, NODE, "label: 1 is not of type string"),
    ({"label": "a", "more": 1}, NODE, "more: unknown property"),
    ({"label": "a", "next": {"label": "b", "next": {"label": 3}}}, NODE, "next.next.label: 3 is not of type string"),
    ({"xs": [1, "2"]}, {"properties": {"xs": {"items": {"type": "integer"}}}}, "xs.1: '2' is not of type integer"),
    (True, {"type": "integer"}, "True is not of type integer"),
    (1, {"const": True}, "1 is not True"),
    (1.5, {"type": "integer"}, "1.5 is not of type integer"),
    ("c", {"enum": ["a", "b"]}, "'c' is not one of 'a', 'b'"),
    (-1, {"type": "integer", "minimum": 0}, "-1 is less than 0"),
    (0, {"type": "number", "exclusiveMinimum": 0}, "0 is not more than 0"),
    ("abcd", {"type": "string", "maxLength": 3}, "its length is more than 3"),
    ("ab", {"type": "string", "pattern": "^[A-Z]+$"}, "does not match"),
    ([1], {"type": "array", "minItems": 2}, "its number of items is less than 2"),
    ({"a": "x"}, {"additionalProperties": {"type": "integer"}}, "a: 'x' is not of type integer"),
    ("x", {"oneOf": [{"type": "integer"}, {"type": "null"}]}, "is not of type integer; or"),
    ({"a": 1}, {"properties": {"a": False}}, "a: is not allowed"),
    ({"x-1": "s"}, {"patternProperties": {"^x-": {"type": "integer"}}}, "x-1: 's' is not of type integer"),
    ({"y": 1}, {"patternProperties": {"^x-": {}}, "additionalProperties": False}, "y: unknown property"),
    (
        {"y": 1},
        {"patternProperties": {"^x-": {}}, "additionalProperties": {"type": "string"}},
        "y: 1 is not of type string",
    ),
    ("tomorrow", {"type": "string", "format": "date"}, "'tomorrow' is not a valid date"),
    ("noon", {"type": "string", "format": "date-time"}, "'noon' is not a valid date-time"),
    ("1", {"type": "string", "format": "uuid"}, "'1' is not a valid uuid"),
    ({}, {"type": "object", "minProperties": 1}, "its size is less than 1"),
    ("x", {"not": {"type": "string"}}, "'x' matches the schema under `not`: {'type': 'string'}"),
    (7, {"multipleOf": 2}, "7 is not a multiple of 2"),
    (0.25, {"multipleOf": 0.1}, "0.25 is not a multiple of 0.1"),
    (3, {"oneOf": [{"type": "integer"}, {"minimum": 2}]}, "3 fits 2 branches of `oneOf`; it must fit exactly one"),
    ([1, 2], {"contains": {"type": "string"}}, "its number of items of `contains` is less than 1"),
    (["a", "b"], {"contains": {"type": "string"}, "maxContains": 1}, "items of `contains` is more than 1"),
    ([{"a": 1}, {"a": 1}], {"type": "array", "uniqueItems": True}, "its items are not all different"),
    ([1, 1.0], {"uniqueItems": True}, "its items are not all different"),
    ([1], {"const": [True]}, "[1] is not [True]"),
    ({"a": 1}, {"if": {"required": ["a"]}, "then": {"required": ["b"]}}, "b: required property is missing"),
    (1, {"if": {"type": "string"}, "else": {"minimum": 2}}, "1 is less than 2"),
    ({"ab": 1}, {"propertyNames": {"maxLength": 1}}, "ab: the name of the property is not allowed"),
    ({"a": 1}, {"dependentRequired": {"a": ["b"]}}, "b: the property is missing, which a requires"),
    ({"a": 1}, {"dependentSchemas": {"a": {"maxProperties": 0}}}, "its size is more than 0"),
]
RIGHT: list[tuple[Any, dict[str, Any]]] = [
    (5, {"not": {"if": True, "then": {"type": "string"}}}),
    ({"a": None}, {"dependentRequired": {"a": ["b"]}}),
    ({"label": "a", "next": None}, NODE),
    ({"label": "a"}, NODE),
    ({"a": None}, {"properties": {"a": {"type": "string"}}}),
    (2.0, {"type": "integer"}),
    (0.3, {"multipleOf": 0.1}),
    (10**400, {"multipleOf": 2}),
    ([], {"contains": {"type": "string"}, "minContains": 0}),
    ({"a": None}, {"oneOf": [{"properties": {"a": {"type": "string"}}}, {"properties": {"a": {"type": "integer"}}}]}),
    (None, {"type": "string", "nullable": True}),
    ("x", {"type": "string", "pattern": "(?<bad"}),
    ("x", {"$ref": "#/$defs/missing"}),
    ({"x-1": 1}, {"additionalProperties": False, "patternProperties": {"^x-": {}}}),
    (["a", 1], {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}]}),
    ("x", {"type": "string", "format": "email"}),
    ("2026-11-22", {"type": "string", "format": "date"}),
    ("2026-11-22T10:00:00", {"type": "string", "format": "date-time"}),
    ({"y": 1}, {"patternProperties": {"(?<bad": {}}, "additionalProperties": False}),
    ([1, True, "1"], {"type": "array", "uniqueItems": True}),
]


@pytest.mark.parametrize(("value", "schema", "error"), WRONG)
def test_a_value_that_does_not_match(value: Any, schema: dict[str, Any], error: str) -> None:
    assert error in str(find_problem(value, schema))


@pytest.mark.parametrize(("value", "schema"), RIGHT)
def test_a_value_that_matches_or_cannot_be_checked(value: Any, schema: dict[str, Any]) -> None:
    assert find_problem(value, schema) is None


def test_nulls_for_optional_properties_are_accepted_by_default() -> None:
    schema = {"properties": {"a": {"type": "string"}}}
    assert find_problem({"a": None}, schema) is None
    assert find_problem({"a": None}, schema, nulls=False) == "a: None is not of type string"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_kind_of_answer_matches_its_schema(kind: Kind) -> None:
    assert find_problem(kind.answer, json_schema_of(kind.schema)) is None


def test_the_text_of_a_retry_message_is_short() -> None:
    messages = retry_messages(["a"], "b", "x" * 9000, is_empty=False, from_user=lambda text: text)
    assert messages[:2] == ["a", "b"]
    assert len(messages[2]) < 2200


def test_the_answer_in_a_retry_message() -> None:
    assert is_retryable_answer("stop", called_tools=False)
    assert not is_retryable_answer("length", called_tools=False)
    assert not is_retryable_answer("content_filter", called_tools=False)
    assert not is_retryable_answer("tool_calls", called_tools=True)


def test_usage_is_added_by_key() -> None:
    one = {"total": 3, "details": {"cached": 1}, "tier": "x"}
    assert add_values(one, {"total": 4, "details": {"cached": 2, "more": 5}}) == {
        "total": 7,
        "details": {"cached": 3, "more": 5},
        "tier": "x",
    }


def test_a_list_of_many_faults_is_shortened() -> None:
    class Many(BaseModel):
        xs: list[int]

    with pytest.raises(ValidationError) as caught:
        Many(xs=["a"] * 30)
    error = format_validation_error(caught.value)
    assert error.count(";") == 9
    assert error.endswith("(and 20 more)")
