"""The strict subset: the strict form of each schema, and the refused ones."""

from __future__ import annotations

import copy
import json
import time
from types import MappingProxyType

import pytest
from hypothesis import given

from deepseek_v4.errors import UnsupportedError
from deepseek_v4.protocols.schema import compact
from deepseek_v4.testing.checks.strict_schema import check_strict_schema
from tests.unit.protocols.schema.schemas import (
    ANY,
    RELAXED,
    Json,
    Node,
    Trip,
    faults,
    obj,
    roots,
    strict,
    strict_property,
)


@RELAXED
@given(roots(ANY))
def test_a_schema_is_refused_with_its_path_or_becomes_one_of_the_subset(schema: Json) -> None:
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


CLOSED = {"additionalProperties": False}


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
        ({"type": "integer", "enum": [1, 2], "const": 2}, {"type": "integer", "const": 2}),
        ({"type": "string", "format": "email"}, {"type": "string", "format": "email"}),
        ({"type": "string", "pattern": "^a+$"}, {"type": "string", "pattern": "^a+$"}),
        ({"const": 4}, {"type": "integer", "const": 4}),
        (
            {"type": ["number", "null"], "minimum": 1, "exclusiveMaximum": 9, "multipleOf": 0.5},
            {"anyOf": [{"type": "number", "minimum": 1, "exclusiveMaximum": 9, "multipleOf": 0.5}, {"type": "null"}]},
        ),
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
        ({"properties": {"x": {"type": "null"}}, "required": ["x"]}, {**obj(x={"type": "null"}), **CLOSED}),
        ({**obj(x={"type": "null"}), "additionalProperties": True}, {**obj(x={"type": "null"}), **CLOSED}),
        ({**obj(x={"type": "null"}), "additionalProperties": {}}, {**obj(x={"type": "null"}), **CLOSED}),
        ({**obj(x={"type": "null"}), "required": None}, {**obj(x={"type": "null"}), **CLOSED}),
        ({"type": ["string", "integer"], "enum": ["x"]}, {"type": "string", "enum": ["x"]}),
        ({"enum": ["x", "y"], "const": "y"}, {"type": "string", "enum": ["y"]}),
        ({"const": 1.5}, {"type": "number", "const": 1.5}),
        ({"const": True}, {"type": "boolean", "enum": [True]}),
        ({"type": "integer", "enum": [1, 2.0, 2.5, True]}, {"type": "integer", "enum": [1, 2.0]}),
        ({"type": "number", "enum": [1, 2.5, True]}, {"type": "number", "enum": [1, 2.5]}),
        (
            {"oneOf": [{"maximum": 1}, {"type": "null"}], "type": ["integer", "null"]},
            {"anyOf": [{"type": "integer", "maximum": 1}, {"type": "null"}]},
        ),
        (
            {"anyOf": [{"type": "string"}, {"type": "integer"}], "nullable": True, "description": "d"},
            {"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}], "description": "d"},
        ),
        (
            {"type": "string", "nullable": True, "description": "d", "minLength": 1},
            {"anyOf": [{"type": "string"}, {"type": "null"}], "description": "d (at least 1 characters)"},
        ),
        ({"type": "string", "nullable": False}, {"type": "string"}),
        ({"allOf": [{"type": "string", "nullable": True}]}, {"anyOf": [{"type": "string"}, {"type": "null"}]}),
        ({"anyOf": [{"type": "string", "description": "d"}] * 2}, {"type": "string", "description": "d"}),
        (
            {"anyOf": [{"type": "string", "description": "d"}] * 2, "description": "d"},
            {"type": "string", "description": "d"},
        ),
        (
            {"anyOf": [{"type": "string", "description": "in"}] * 2, "description": "out"},
            {"type": "string", "description": "out in"},
        ),
        (
            {"anyOf": [{"type": "string"}, {"type": "null"}], "format": "email", "uniqueItems": True},
            {"anyOf": [{"type": "string"}, {"type": "null"}], "description": "no duplicates; format email"},
        ),
        (
            {"allOf": [{"type": "string"}, {"minLength": 1}], "nullable": True},
            {"anyOf": [{"type": "string"}, {"type": "null"}], "description": "at least 1 characters"},
        ),
        (
            {"allOf": [{"type": "string"}], "anyOf": [{"minLength": 2}]},
            {"type": "string", "description": "at least 2 characters"},
        ),
        ({"type": "string", "description": " "}, {"type": "string"}),
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
def test_keywords_become_those_of_the_subset(schema: Json, expected: Json) -> None:
    assert strict_property(schema) == expected


@pytest.mark.parametrize(
    ("schema", "description"),
    [
        ({"type": "string", "minLength": 3, "maxLength": 9}, "at least 3 characters; at most 9 characters"),
        ({"enum": ["a", "aa"], "pattern": "^a+$", "description": "An a."}, "An a. (matches ^a+$)"),
        ({"type": "integer", "minimum": 1, "exclusiveMinimum": True}, "> 1"),
        ({"type": "number", "multipleOf": 0.5, "default": 1.5}, "default 1.5"),
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
def test_unsupported_constraints_are_in_the_description(schema: Json, description: str | None) -> None:
    assert strict_property(schema).get("description") == description


def test_references_are_kept_if_allowed_and_inlined_inside_any_of() -> None:
    definitions = {"City": obj(name={"type": "string"}), "Unused": {"type": "null"}}
    result = strict(
        {**obj(["home"], home={"$ref": "#/$defs/City"}, work={"$ref": "#/$defs/City"}), "$defs": definitions}
    )
    city = {**obj(name={"type": "string"}), "additionalProperties": False}
    assert result["properties"]["home"] == {"$ref": "#/$def/City"}
    assert result["properties"]["work"] == {"anyOf": [city, {"type": "null"}]}
    assert result["$def"] == {"City": city}


def test_a_reference_with_a_description_is_inlined() -> None:
    found = strict_property({"$ref": "#/$defs/C", "description": "mine"}, C={"type": "string", "description": "theirs"})
    assert found == {"type": "string", "description": "mine"}


@pytest.mark.parametrize(
    ("siblings", "text"),
    [
        ({"minLength": 3}, "at least 3 characters"),
        ({"minLength": 3, "allOf": [{"maxLength": 5}]}, "at least 3 characters; at most 5 characters"),
        ({"allOf": [{"maxLength": 5}]}, "at most 5 characters"),
        ({"default": "x"}, 'default "x"'),
    ],
)
def test_a_definition_and_the_siblings_of_its_reference_apply(siblings: Json, text: str) -> None:
    found = strict_property({"$ref": "#/$defs/C", **siblings}, C={"type": "string"})
    assert found == {"type": "string", "description": text}


def test_old_definitions_and_local_ones_move_to_the_root() -> None:
    schema = {
        **obj(
            a={"$ref": "#/definitions/X"},
            b={**obj(c={"$ref": "#/properties/b/$defs/X"}), "$defs": {"X": {"type": "null"}}},
        ),
        "definitions": {"X": {"type": "string"}},
    }
    result = strict(schema)
    assert result["properties"]["a"] == {"$ref": "#/$def/X"}
    assert result["properties"]["b"]["properties"]["c"] == {"$ref": "#/$def/X_2"}
    assert result["$def"] == {"X": {"type": "string"}, "X_2": {"type": "null"}}


def test_recursion_stays_a_reference() -> None:
    result = strict(Node.model_json_schema())
    node = {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "parent": {"$ref": "#/$def/Node_or_null"},
            "children": {
                "anyOf": [{"type": "array", "items": {"$ref": "#/$def/Node"}}, {"type": "null"}],
                "description": "default []",
            },
        },
        "required": ["name", "parent", "children"],
        "additionalProperties": False,
    }
    union = {"anyOf": [node, {"type": "null"}], "description": "above"}
    assert result == {**node, "$def": {"Node_or_null": union, "Node": node}}


@pytest.mark.parametrize("siblings", [{}, {"x-order": 1}, {"nullable": True}, {"title": "T", "default": None}])
def test_recursion_stays_a_reference_with_any_siblings(siblings: Json) -> None:
    schema = {**obj([], n={"$ref": "#/$defs/N"}), "$defs": {"N": obj([], next={"$ref": "#/$defs/N", **siblings})}}
    reference = {"$ref": "#/$def/N_or_null"}
    result = strict(schema)
    assert result["properties"] == {"n": reference}
    assert result["$def"]["N_or_null"]["anyOf"] == [
        {"type": "object", "properties": {"next": reference}, "required": ["next"], "additionalProperties": False},
        {"type": "null"},
    ]


def test_recursion_to_the_root_stays_a_reference() -> None:
    result = strict(obj([], next={"$ref": "#"}))
    assert result["properties"] == {"next": {"$ref": "#/$def/root_or_null"}}
    root = {word: value for word, value in result.items() if word != "$def"}
    assert result["$def"] == {"root_or_null": {"anyOf": [root, {"type": "null"}]}}


def test_unions_that_refer_to_each_other_are_joined() -> None:
    either = {
        "A": {"anyOf": [{"$ref": "#/$defs/B"}, {"type": "string"}]},
        "B": {"anyOf": [{"$ref": "#/$defs/A"}, {"type": "null"}]},
    }
    result = strict({**obj(["a"], a={"$ref": "#/$defs/A"}), "$defs": either})
    assert result["properties"] == {"a": {"$ref": "#/$def/A"}}
    assert {"anyOf": [{"type": "string"}, {"type": "null"}]} in result["$def"].values()


def test_a_union_that_is_its_own_branch_is_inlined() -> None:
    itself = {"anyOf": [{"type": "boolean"}, {"$ref": "#/$defs/A"}]}
    result = strict({**obj([], a={"type": "array", "items": {"$ref": "#/$defs/A"}}), "$defs": {"A": itself}})
    assert result["properties"] == {
        "a": {"anyOf": [{"type": "array", "items": {"type": "boolean"}}, {"type": "null"}]},
    }
    assert "$defs" not in result


def test_schemas_of_pydantic_are_accepted() -> None:
    result = strict(Trip.model_json_schema())
    assert list(faults(result)) == []
    assert result["properties"]["extra"] == {"$ref": "#/$def/Node_or_other"}
    kinds = [branch["type"] for branch in result["$def"]["Node_or_other"]["anyOf"]]
    assert kinds == ["object", "string", "null"]
    assert result["description"] == "A trip."


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
    with pytest.raises(UnsupportedError, match="10000 nodes"):
        strict({**obj([], a={"$ref": "#/$defs/D0"}), "$defs": {**definitions, "D40": {"type": "null"}}})
    deep: Json = {"type": "null"}
    for _ in range(2000):
        deep = obj(a=deep)
    with pytest.raises(UnsupportedError, match="nested too deeply"):
        strict(deep)
    assert time.process_time() - began < 5


def test_any_mapping_is_accepted() -> None:
    schema = MappingProxyType({"properties": MappingProxyType({"a": MappingProxyType({"type": ("string", "null")})})})
    assert json.dumps(strict(schema)["properties"]) == '{"a": {"anyOf": [{"type": "string"}, {"type": "null"}]}}'
    assert json.dumps(compact(schema)) == '{"properties": {"a": {"type": ["string", "null"]}}}'
