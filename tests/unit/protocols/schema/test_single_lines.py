"""Schemas in their strict and short forms: behaviour that depends on one line each, found by ``make mutants``."""

from __future__ import annotations

from typing import Any

import pytest

from deepseek_v4 import (
    Client,
    ToolSpec,
    errors,
)
from deepseek_v4.protocols import schema


def test_the_short_form_drops_a_comment_and_keeps_a_property_of_its_name() -> None:
    node = {"type": "string"}
    root = {"type": "object", "$comment": "why", "properties": {"$comment": node, "example": {**node, "$id": "u"}}}
    assert schema.compact(root) == {"type": "object", "properties": {"$comment": node, "example": node}}


def test_a_strict_schema_that_is_not_an_object_is_refused_by_its_path() -> None:
    with pytest.raises(errors.UnsupportedError, match="tool f: parameters: this is not a schema"):
        schema.strict_subset([1], "tool f")  # type: ignore[arg-type]


def _strict(inner: dict[str, Any], **definitions: Any) -> Any:
    root = {"type": "object", "properties": {"a": inner}, "required": ["a"], "$defs": definitions}
    return schema.strict_subset(root, "tool f")


def test_keywords_after_nullable_apply() -> None:
    strict = _strict({"allOf": [{"type": "string"}, {"nullable": True, "pattern": "^x$"}]})
    assert strict["properties"]["a"] == {"type": "string", "pattern": "^x$"}


def test_a_choice_in_a_choice_passes_its_description_on() -> None:
    node = {"type": "object", "properties": {"n": {"$ref": "#/$defs/N"}}, "required": ["n"]}
    inner = {"anyOf": [node, {"type": "integer"}], "description": "inner"}
    strict = _strict({"$ref": "#/$defs/N"}, N={"anyOf": [{"type": "string"}, inner]})
    assert [branch.get("description") for branch in strict["$def"]["N"]["anyOf"]] == [None, "inner", "inner"]


@pytest.mark.parametrize(("length", "kept"), [(193, True), (194, False)])
def test_a_constraint_of_up_to_200_characters_is_in_the_description(length: int, kept: bool) -> None:
    strict = ToolSpec("f", "", {"type": "object", "properties": {"q": {"type": "string", "format": "x" * length}}})
    body = Client(api_key="k", strict_tools=True).preview("Hi", tools=[strict]).body
    assert (f"format {'x' * length}" in str(body["tools"])) == kept


def test_the_stricter_of_two_rules_for_additional_properties_applies() -> None:
    one = {"type": "object", "properties": {"q": {"type": "string"}}, "additionalProperties": False}
    both = ToolSpec("f", "", {"allOf": [one, {**one, "additionalProperties": {"type": "string"}}]})
    body = Client(api_key="k", strict_tools=True).preview("Hi", tools=[both]).body
    assert body["tools"][0]["function"]["parameters"]["additionalProperties"] is False


def strict(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the strict form of the parameters of a tool."""
    body = Client(api_key="k", strict_tools=True).preview("Hi", tools=[ToolSpec("f", "", schema)]).body
    parameters: dict[str, Any] = body["tools"][0]["function"]["parameters"]
    return parameters


def test_strict_tools_refuse_two_lists_of_choices() -> None:
    choices = {"anyOf": [{"type": "string"}, {"type": "integer"}], "oneOf": [{"type": "string"}, {"type": "null"}]}
    with pytest.raises(errors.UnsupportedError, match="does not support anyOf together with oneOf"):
        strict({"type": "object", "properties": {"q": choices}})


def test_strict_tools_refuse_properties_that_are_a_list() -> None:
    with pytest.raises(errors.UnsupportedError, match="parameters/properties: this must be an object of schemas"):
        strict({"type": "object", "properties": ["q"]})


@pytest.mark.parametrize(("low", "high"), [(0, 3), (3, 0)])
def test_the_higher_of_two_lower_bounds_applies(low: int, high: int) -> None:
    parts = [{"type": "integer", "minimum": low}, {"type": "integer", "minimum": high}]
    assert strict({"type": "object", "properties": {"q": {"allOf": parts}}, "required": ["q"]})["properties"] == {
        "q": {"type": "integer", "minimum": 3}
    }


def test_a_schema_that_is_used_twice_by_another_one_is_shortened_to_a_definition() -> None:
    inner = {"type": "object", "properties": {"z": {"type": "string", "description": "A long description."}}}
    twice = {"type": "object", "properties": {"x": {"$ref": "#/$defs/C"}, "y": {"$ref": "#/$defs/C"}}}
    root = {"type": "object", "properties": {"b": {"$ref": "#/$defs/B"}}, "$defs": {"B": twice, "C": inner}}
    assert schema.compact(root) == {
        "type": "object",
        "properties": {"b": twice},
        "$defs": {"C": inner},
    }


def test_a_reference_that_does_not_exist_allows_every_value() -> None:
    broken = {"type": "object", "properties": {"a": {"$ref": "#/$defs/none"}}, "required": ["a"]}
    assert schema.remove_added_nulls({"a": None, "b": 1}, broken) == {"a": None, "b": 1}
