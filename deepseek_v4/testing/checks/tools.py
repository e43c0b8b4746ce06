"""The tools of a request: names, schemas, choice."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from deepseek_v4.testing.checks.strict_schema import check_strict_schema
from deepseek_v4.testing.outcome import Rejection, dumps
from deepseek_v4.testing.reading.chat import functions_in, target_of

NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
# The metaschema as far as clients break it: the type of each keyword's value, and where schemas are inside.
BRANCHES = ("anyOf", "allOf", "oneOf", "prefixItems")
MAPS = ("properties", "patternProperties", "$defs", "$def", "definitions")
SCHEMAS = ("items", "additionalProperties", "not", "contains", "propertyNames", "if", "then", "else")
NUMBERS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
LENGTHS = tuple(f"{end}{what}" for end in ("min", "max") for what in ("Length", "Items", "Properties", "Contains"))
KEYWORDS: Mapping[str, str] = {
    **dict.fromkeys(("title", "description", "format", "pattern", "$ref", "$id", "$schema", "$comment"), "string"),
    **dict.fromkeys(("uniqueItems", "readOnly", "writeOnly", "deprecated"), "boolean"),
    **dict.fromkeys(NUMBERS, "number"),
    **dict.fromkeys(LENGTHS, "integer"),
    **dict.fromkeys(("required", "enum", *BRANCHES), "array"),
    **dict.fromkeys(MAPS, "object"),
}
TYPES: Mapping[str, Any] = {"string": str, "boolean": bool, "array": list, "object": dict, "null": type(None)}
TYPES = {**TYPES, "number": (int, float), "integer": (int, float)}


def check_tools(body: Mapping[str, Any], *, beta: bool) -> None:
    """Check names, schemas and, on the beta host, strict mode."""
    functions = functions_in(body.get("tools") or ())
    names = [function["name"] for function in functions]
    for position, name in enumerate(names):
        if not NAME.fullmatch(name):
            raise Rejection(
                f"Invalid 'tools[{position}].function.name': string does not match pattern. "
                "Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'."
            )
    if body.get("tool_choice") == "none":  # the functions are not used
        return
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
        if tool.get("type") is None and tool.get("input_schema") is None:
            raise _invalid(tool["name"], 'null is not of types "boolean", "object"')


def check_parameters(name: str, schema: Any) -> None:
    """Check that a function's parameters are an object schema; a missing one means no parameters."""
    if schema is None:
        return
    kind = schema.get("type") if isinstance(schema, dict) else None
    if kind != "object":
        raise _invalid(name, f"schema must be a JSON Schema of 'type: \"object\"', got 'type: {json.dumps(kind)}'.")
    for fault in _faults(schema, schema):
        raise _invalid(name, fault)


def _faults(schema: Any, root: Mapping[str, Any]) -> Iterator[str]:
    """Yield what the metaschema refuses in a schema, and references that lead nowhere."""
    if not isinstance(schema, dict):
        if not isinstance(schema, bool):
            yield f'{_shown(schema)} is not of types "boolean", "object"'
        return
    tuples = "draft-0" in str(root.get("$schema"))  # before 2020-12, `items` may be a list
    for key, value in schema.items():
        yield from _faults_of_keyword(key, value, root)
        inner: Iterable[Any] = value if key in BRANCHES else value.values() if key in MAPS else ()
        if key in SCHEMAS:
            inner = value if tuples and isinstance(value, list) else (value,)
        for one in inner:
            yield from _faults(one, root)


def _faults_of_keyword(key: str, value: Any, root: Mapping[str, Any]) -> Iterator[str]:
    shown, kind = _shown(value), KEYWORDS.get(key)
    if kind is not None and not _is(kind, value):
        yield f'{shown} is not of type "{kind}"'
    elif kind == "integer" and value < 0:
        yield f"{shown} is less than the minimum of 0"
    elif key == "multipleOf" and value <= 0:
        yield f"{shown} is less than or equal to the minimum of 0"
    elif key in BRANCHES and not value:
        yield "[] has less than 1 item"
    elif key == "required":
        yield from (f'{_shown(one)} is not of type "string"' for one in value if not isinstance(one, str))
        if len(set(value)) < len(value):
            yield f"{shown} has non-unique elements"
    elif key == "type":
        kinds = value if isinstance(value, list) else [value]
        if not kinds or any(kinds.count(one) > 1 or not isinstance(one, str) or one not in TYPES for one in kinds):
            yield f"{shown} is not valid under any of the schemas listed in the 'anyOf' keyword"
    elif key == "$ref" and not value.startswith("#"):
        yield f"Resource '{value}' is not present in a registry and retrieving it failed"
    elif key == "$ref" and value.startswith("#/") and target_of(value, root) is None:
        yield f"Pointer '{value[1:]}' does not exist"


def _is(kind: str, value: Any) -> bool:
    if isinstance(value, bool) and kind != "boolean":
        return False
    return isinstance(value, TYPES[kind]) and (kind != "integer" or value % 1 == 0)


def _shown(value: Any) -> str:
    return dumps(value).decode()


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
