"""Parameters of tools that strict function calling cannot express: each is refused with its place."""

from __future__ import annotations

import pytest

from deepseek_v4.errors import UnsupportedError
from tests.unit.protocols.schema.schemas import Json, obj, strict


def circle(names: str) -> dict[str, Json]:
    """Return definitions of which each only refers to the next one, and the last one to the first."""
    return {
        name: {"anyOf": [{"$ref": f"#/$defs/{following}"}] * 2}
        for name, following in zip(names, names[1:] + names[0], strict=True)
    }


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
    ([], "parameters"),
    ({**obj([], a={"$ref": "#/$defs/A"}), "$defs": {"A": {}}}, "parameters/$defs/A"),
    ({**obj([], a={"$ref": "#/$defs/A"}), "$defs": {"A": ["x"]}}, "parameters/$defs/A"),
    ({"$ref": "#/$defs/A", "$defs": {"A": {"type": "string"}}}, "parameters/$defs/A"),
    ({"$ref": "#/$defs/A", "$defs": {"A": obj(a={})}}, "parameters/$defs/A/properties/a"),
    ({"allOf": [obj(a={"type": "null"})], "not": {}}, "parameters/not"),
    (obj(a={"type": "string", "not": {}}), "parameters/properties/a/not"),
    (obj(a={"allOf": [{"type": "string"}, True]}), "parameters/properties/a/allOf/1"),
    (obj(a={"allOf": [{"type": "string"}, {"$ref": "#/$defs/Missing"}]}), "parameters/properties/a/allOf/1"),
    (obj(a={"allOf": [obj(x={})]}), "parameters/properties/a/allOf/0/properties/x"),
    (obj(a={"allOf": {}}), "parameters/properties/a/allOf"),
    (obj(a={"anyOf": {}}), "parameters/properties/a/anyOf"),
    (obj(a={"oneOf": [{"type": "null"}, {}]}), "parameters/properties/a/oneOf/1"),
    (obj(a={"type": []}), "parameters/properties/a/type"),
    (obj(a={"type": ["string", 1]}), "parameters/properties/a/type"),
    (obj(a={"type": ["null", "array"], "items": {}}), "parameters/properties/a/items"),
    (obj(a={"type": "array", "items": {"type": "string"}, "enum": [["x"]]}), "parameters/properties/a"),
    (obj(a={"required": ["x"]}), "parameters/properties/a/required"),
    (obj(a={"additionalProperties": False}), "parameters/properties/a"),
    (obj(a={"additionalProperties": {"type": "null"}}), "parameters/properties/a/additionalProperties"),
    (
        obj(a={**obj(x={"type": "null"}), "unevaluatedProperties": {"type": "null"}}),
        "parameters/properties/a/unevaluatedProperties",
    ),
    (obj(a={"anyOf": [{}, {"type": "null"}], "type": "string"}), "parameters/properties/a/anyOf/1/allOf"),
    ({**obj(a={"$ref": "#/$defs/A"}), "$defs": circle("AB")}, "parameters/$defs/A"),
    ({**obj(a={"$ref": "#/$defs/A"}), "$defs": {**circle("BC"), "A": circle("AB")["A"]}}, "parameters/$defs/B"),
    (
        {
            **obj(a={"$ref": "#/$defs/A"}),
            "$defs": {
                one: {"anyOf": [{"$ref": f"#/$defs/{other}"} for other in "ABC" if other != one]} for one in "ABC"
            },
        },
        "parameters",
    ),
]


@pytest.mark.parametrize(("schema", "place"), PLACES, ids=lambda value: value if isinstance(value, str) else "")
def test_inexpressible_schemas_are_refused_with_path_and_advice(schema: Json, place: str) -> None:
    with pytest.raises(UnsupportedError) as caught:
        strict(schema)
    assert str(caught.value).startswith(f"tool t: {place}: ")
    assert str(caught.value).endswith(", or leave strict off for this tool.")


@pytest.mark.parametrize("schema", [True, {}, {"description": "x"}])
def test_a_value_of_any_type_is_refused_as_such(schema: Json) -> None:
    with pytest.raises(UnsupportedError, match="does not support values of any type; specify the type"):
        strict(obj(a=schema))


def test_a_schema_of_more_than_10000_nodes_is_refused() -> None:
    def wide(count: int) -> Json:
        return obj(**{f"p{number}": {"type": "null"} for number in range(count)})

    assert len(strict(wide(10_000))["properties"]) == 10_000
    with pytest.raises(UnsupportedError, match="more than 10000 nodes"):
        strict(wide(10_001))
