"""The tools of a request: names, schemas, choice."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from deepseek_v4.testing.checks.strict_schema import check_strict_schema
from deepseek_v4.testing.outcome import Rejection
from deepseek_v4.testing.reading.chat import functions_in

NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
# Keywords whose value has to be an array, an object, or another schema.
ARRAYS = ("required", "enum", "anyOf", "allOf", "oneOf", "prefixItems")
OBJECTS = ("properties", "$defs", "$def", "definitions", "patternProperties")
SCHEMAS = ("items", "additionalProperties", "not", "contains", "propertyNames")


def check_tools(body: Mapping[str, Any], *, beta: bool) -> None:
    """Check names, schemas and strict mode.

    Args:
        body: The request.
        beta: True for the beta host, which enforces strict functions.
    """
    functions = functions_in(body.get("tools") or ())
    names = [function["name"] for function in functions]
    for position, name in enumerate(names):
        if not NAME.fullmatch(name):
            raise Rejection(
                f"Invalid 'tools[{position}].function.name': string does not match pattern. "
                "Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'."
            )
    if len(set(names)) != len(names):
        raise Rejection("Tool names must be unique.")
    for function in functions:
        check_parameters(function["name"], function.get("parameters"))
    if beta and any(function.get("strict") for function in functions):
        _check_strict(functions)
    choice = body.get("tool_choice")
    if functions and isinstance(choice, dict) and choice["function"]["name"] not in names:
        raise Rejection(
            f"Invalid value for 'tool_call': no function named '{choice['function']['name']}' was specified "
            "in the 'tools' parameter."
        )


def check_input_schemas(tools: Sequence[Mapping[str, Any]]) -> None:
    """Check that every function in Anthropic's form has a schema."""
    for tool in tools:
        if tool.get("type") is None:
            _check_well_formed(tool["name"], tool.get("input_schema"))


def check_parameters(name: str, schema: Any) -> None:
    """Check that a function's parameters are an object schema; a missing one means no parameters."""
    if schema is None:
        return
    kind = schema.get("type") if isinstance(schema, dict) else None
    if kind != "object":
        raise _invalid(name, f"schema must be a JSON Schema of 'type: \"object\"', got 'type: {json.dumps(kind)}'.")
    _check_well_formed(name, schema)


def _check_well_formed(name: str, schema: Any) -> None:
    """Check the part of the metaschema that finds common errors of clients."""
    if isinstance(schema, bool):
        return
    if not isinstance(schema, dict):
        raise _invalid(name, f'{json.dumps(schema)} is not of types "boolean", "object"')
    for key in ARRAYS:
        value = schema.get(key, [])
        if not isinstance(value, list):
            raise _invalid(name, f'{json.dumps(value)} is not of type "array"')
        if key not in ("required", "enum"):
            for branch in value:
                _check_well_formed(name, branch)
    for key in OBJECTS:
        value = schema.get(key, {})
        if not isinstance(value, dict):
            raise _invalid(name, f'{json.dumps(value)} is not of type "object"')
        for inner in value.values():
            _check_well_formed(name, inner)
    for key in SCHEMAS:
        if key in schema:
            _check_well_formed(name, schema[key])


def _check_strict(functions: Sequence[Mapping[str, Any]]) -> None:
    if not all(function.get("strict") for function in functions):
        raise Rejection("Cannot use strict tool with non-strict tool in the same request")
    for function in functions:
        problem = check_strict_schema(function.get("parameters"))
        if problem:
            raise _invalid(function["name"], problem)


def check_choice_while_thinking(body: Mapping[str, Any], *, any_allowed: bool = False) -> None:
    """Refuse every choice that forces a call while thinking; in Anthropic's form, only that of a named function."""
    choice = body.get("tool_choice") if body.get("tools") else None
    if (choice == "required" and not any_allowed) or isinstance(choice, dict):
        raise Rejection("Thinking mode does not support this tool_choice")


def _invalid(name: str, problem: str) -> Rejection:
    return Rejection(f"Invalid schema for function '{name}': {problem}")
