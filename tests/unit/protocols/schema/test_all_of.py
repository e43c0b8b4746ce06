"""Schemas that must both fit, merged into one."""

from __future__ import annotations

import pytest

from deepseek_v4.protocols.schema.all_of import ConflictError, both
from tests.unit.protocols.schema.schemas import Json, obj

STRING, NULL = {"type": "string"}, {"type": "null"}


@pytest.mark.parametrize(
    ("one", "other", "merged"),
    [
        ({"nullable": True, **STRING}, {"nullable": True}, STRING),
        (STRING, {"nullable": True, "minLength": 1}, {**STRING, "minLength": 1}),
        ({"minimum": 1}, {"minimum": 1}, {"minimum": 1}),
        ({"minimum": 1}, {"minimum": 2}, {"minimum": 2}),
        ({"maximum": 1}, {"maximum": 2}, {"maximum": 1}),
        ({"description": "first"}, {"description": "second"}, {"description": "first"}),
        ({"type": ["string", "null"]}, {"type": ["null", "integer"]}, {"type": ["null"]}),
        ({"type": "number"}, {"type": ["integer", "string"]}, {"type": ["integer"]}),
        ({"type": ["integer", "string"]}, {"type": "number"}, {"type": ["integer"]}),
        ({"type": ["number", "string"]}, {"type": ["number", "integer"]}, {"type": ["number"]}),
        ({"type": ["number", "string"]}, {"type": ["integer", "string"]}, {"type": ["string", "integer"]}),
        ({"items": STRING}, {"items": {"minLength": 1}}, {"items": {"allOf": [STRING, {"minLength": 1}]}}),
        ({"required": ["a", "b"]}, {"required": ["b", "c"]}, {"required": ["a", "b", "c"]}),
        ({"enum": [1, True, "x"]}, {"enum": ["x", 1]}, {"enum": [1, "x"]}),
        ({"enum": [1]}, {"enum": [True]}, {"enum": []}),
        (
            {"properties": {"a": STRING, "b": NULL}},
            {"properties": {"b": {"enum": [None]}, "c": STRING}},
            {"properties": {"a": STRING, "b": {"allOf": [NULL, {"enum": [None]}]}, "c": STRING}},
        ),
        ({"additionalProperties": False}, {"additionalProperties": True}, {"additionalProperties": False}),
        ({"additionalProperties": STRING}, {"additionalProperties": {}}, {"additionalProperties": STRING}),
        ({"additionalProperties": {}}, {"additionalProperties": STRING}, {"additionalProperties": STRING}),
        ({"unevaluatedProperties": {}}, {"unevaluatedProperties": False}, {"unevaluatedProperties": False}),
        (
            {"properties": {"a": STRING}},
            {"properties": {"a": STRING}, "additionalProperties": False},
            {"properties": {"a": STRING}, "additionalProperties": False},
        ),
    ],
)
def test_what_both_require_is_merged(one: Json, other: Json, merged: Json) -> None:
    assert both(one, other) == merged


CLOSED = {"additionalProperties": False}


@pytest.mark.parametrize(
    ("one", "other", "reason"),
    [
        (STRING, {"type": "integer"}, "conflict in `type`"),
        ({"type": "integer"}, {"type": ["string", "null"]}, "conflict in `type`"),
        ({"minimum": True}, {"minimum": 1}, "conflict in `minimum`"),
        ({"minimum": 1}, {"minimum": "2"}, "conflict in `minimum`"),
        ({"const": 1}, {"const": True}, "conflict in `const`"),
        ({"pattern": "a"}, {"pattern": "b"}, "conflict in `pattern`"),
        ({"additionalProperties": STRING}, {"additionalProperties": NULL}, "conflict in `additionalProperties`"),
        ({"properties": []}, {"properties": {}}, "conflict in `properties`"),
        ({"properties": {}}, {"properties": []}, "conflict in `properties`"),
        ({**obj(a=STRING), **CLOSED}, obj(b=STRING), "excludes the properties of another"),
        (obj(b=STRING), {**obj(a=STRING), **CLOSED}, "excludes the properties of another"),
        (CLOSED, obj(b=STRING), "excludes the properties of another"),
    ],
)
def test_what_conflicts_is_refused(one: Json, other: Json, reason: str) -> None:
    with pytest.raises(ConflictError, match=reason):
        both(one, other)
