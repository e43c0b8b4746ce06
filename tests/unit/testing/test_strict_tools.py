"""Strict function calling on the beta host: the accepted schemas, and the errors of the others."""

from __future__ import annotations

from typing import Any

import pytest

from deepseek_v4.testing.checks.strict_schema import check_strict_schema
from tests.unit.testing.calls import Caller

S = {"type": "string"}


def closed(properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return an object schema as strict mode requires it."""
    required = list(properties)
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False, **more}


@pytest.mark.parametrize(
    "schema",
    [
        None,
        closed({}),
        closed({"a": S, "b": {"type": "string", "format": "email", "pattern": "x", "description": "d"}}),
        closed({"n": {"type": "integer", "minimum": 1, "exclusiveMaximum": 9, "multipleOf": 2, "default": 2}}),
        closed({"n": {"type": "number", "const": 1.5}}),
        closed({"e": {"type": "integer", "enum": [1, 2]}, "f": {"type": "string", "enum": ["x"]}}),
        closed({"l": {"type": "array", "items": closed({"x": {"type": "boolean"}})}}),
        closed({"o": {"anyOf": [S, {"type": "null"}], "description": "maybe"}}),
        closed({"o": {"type": ["string", "null"]}}),
        closed({"r": {"$ref": "#/$defs/R"}}, **{"$defs": {"R": closed({"next": {"$ref": "#/$defs/R"}})}}),
        closed({"r": {"$ref": "#/$def/R"}}, **{"$def": {"R": closed({"x": S})}}),
    ],
)
def test_schemas_of_the_subset_are_accepted(schema: Any) -> None:
    assert check_strict_schema(schema) is None


@pytest.mark.parametrize(
    ("schema", "fault"),
    [
        ({"anyOf": [closed({"a": S})]}, "the root must be of type 'object'"),
        ({**closed({"a": S}), "anyOf": []}, "the root must be of type 'object'"),
        ({**closed({"a": S}), "required": []}, "#: 'required' must list every property"),
        ({**closed({"a": S}), "additionalProperties": True}, "#: 'additionalProperties' must be false"),
        ({"type": "object", "properties": {}, "required": []}, "#: 'additionalProperties' must be false"),
        (closed({"a": {"type": "string", "minLength": 1}}), "#/properties/a: keyword 'minLength'"),
        (closed({"a": {"type": "string", "maxLength": 1}}), "keyword 'maxLength'"),
        (closed({"a": {"type": "string", "default": "x"}}), "keyword 'default'"),
        (closed({"a": {"type": "string", "title": "A"}}), "keyword 'title'"),
        (closed({"a": {"type": "string", "format": "date"}}), "format 'date' is not supported"),
        (closed({"a": {"type": "array", "items": S, "minItems": 1}}), "keyword 'minItems'"),
        (closed({"a": {"type": "array"}}), "'items' is needed"),
        (closed({"a": {"type": "object"}}), "#/properties/a: an object needs 'properties'"),
        (closed({"a": closed({})}), "#/properties/a: an object needs 'properties'"),
        (closed({"a": {}}), "'type', 'anyOf' or '$ref' is needed"),
        (closed({"a": {"allOf": [S]}}), "'type', 'anyOf' or '$ref' is needed"),
        (closed({"a": {"oneOf": [S]}}), "'type', 'anyOf' or '$ref' is needed"),
        (closed({"a": {"enum": ["x"]}}), "'type', 'anyOf' or '$ref' is needed"),
        (closed({"a": {"anyOf": [{"$ref": "#"}, S]}}), "#/properties/a/anyOf/0: 'type' is needed"),
        (closed({"a": {"anyOf": [S, {"anyOf": [S, S]}]}}), "#/properties/a/anyOf/1: 'type' is needed"),
        (closed({"a": {"type": ["array", "null"]}}), "a list of types cannot hold"),
        (closed({"a": {"type": "date"}}), "unknown type 'date'"),
        (closed({"a": {"anyOf": [S, {"type": "string", "minLength": 1}]}}), "#/properties/a/anyOf/1: keyword"),
        (closed({"a": {"$ref": "#/$defs/Nope"}}), "leads nowhere"),
        (closed({"a": {"$ref": "#/$defs/R", "default": 1}}, **{"$defs": {"R": S}}), "keyword 'default'"),
        (closed({"a": S}, **{"$defs": {"R": {"type": "string", "maxLength": 2}}}), "#/$defs/R: keyword"),
        (closed({"a": S}, patternProperties={}), "keyword 'patternProperties'"),
        (closed({"a": S}, title="T"), "#: keyword 'title'"),
    ],
)
def test_schemas_that_the_guide_does_not_list_are_refused(schema: Any, fault: str) -> None:
    assert fault in str(check_strict_schema(schema))


def strict_tool(name: str, schema: dict[str, Any], strict: bool | None = True) -> dict[str, Any]:
    function = {"name": name, "parameters": schema} | ({} if strict is None else {"strict": strict})
    return {"type": "function", "function": function}


def test_the_beta_host_names_the_function(caller: Caller) -> None:
    tools = [strict_tool("w", {**closed({"a": S}), "required": []})]
    response = caller.chat(tools=tools, path="/beta/chat/completions")
    assert response.status_code == 400
    assert response.json()["error"]["message"] == (
        "Invalid schema for function 'w': strict mode: #: 'required' must list every property"
    )


def test_every_function_must_be_strict_if_one_is(caller: Caller) -> None:
    tools = [strict_tool("a", closed({"x": S})), strict_tool("b", closed({"x": S}), strict=None)]
    response = caller.chat(tools=tools, path="/beta/chat/completions")
    assert response.status_code == 400
    assert response.json()["error"]["message"] == "Cannot use strict tool with non-strict tool in the same request"


def test_strict_is_ignored_off_the_beta_host(caller: Caller) -> None:
    tools = [strict_tool("a", {"type": "object"}), strict_tool("b", {"type": "object"}, strict=None)]
    assert caller.chat(tools=tools).status_code == 200


def test_functions_without_strict_are_accepted_on_the_beta_host(caller: Caller) -> None:
    tools = [strict_tool("a", {"type": "object"}, strict=False)]
    assert caller.chat(tools=tools, path="/beta/chat/completions").status_code == 200
