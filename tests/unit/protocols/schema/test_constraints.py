"""The constraints that a description expresses, and those that strict mode keeps."""

from __future__ import annotations

import pytest

from deepseek_v4.protocols.schema.constraints import description_of, kept_constraints
from tests.unit.protocols.schema.schemas import Json


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({}, ""),
        ({"description": "d"}, "d"),
        ({"description": " ", "minLength": 1}, "at least 1 characters"),
        ({"description": 1, "minLength": 1}, "at least 1 characters"),
        ({"description": "d", "minLength": 1, "maxItems": 2}, "d (at least 1 characters; at most 2 items)"),
        ({"minLength": None, "maxLength": True}, ""),
        ({"minimum": 0}, ">= 0"),
        ({"type": "integer", "minimum": 0}, ""),
        ({"type": ["string", "integer"], "minimum": 0, "pattern": "a"}, ""),
        ({"type": "string", "minimum": 0}, ">= 0"),
        ({"type": ["integer", 1], "minimum": 0}, ""),
        ({"type": "integer", "minimum": "0"}, ">= 0"),
        ({"minimum": 0, "exclusiveMinimum": True}, "> 0"),
        ({"type": "integer", "minimum": 0, "exclusiveMinimum": True}, "> 0"),
        ({"maximum": 9, "exclusiveMaximum": False}, "<= 9"),
        ({"exclusiveMaximum": 9}, "< 9"),
        ({"pattern": 1}, "matches 1"),
        ({"uniqueItems": True}, "no duplicates"),
        ({"uniqueItems": False}, ""),
        ({"dependentRequired": {"a": ["b", "c"], "d": []}}, "a needs b, c"),
        ({"dependentRequired": ["a"]}, ""),
        ({"format": "email"}, "format email"),
        ({"type": "string", "format": "email"}, ""),
        ({"type": "string", "format": "date"}, "format date"),
        ({"format": 1}, ""),
        ({"default": None}, ""),
        ({"default": False}, "default false"),
        ({"default": {"é": [1]}}, 'default {"é":[1]}'),
        ({"default": "x" * 190}, f'default "{"x" * 190}"'),
        ({"default": "x" * 191, "minLength": 1}, "at least 1 characters"),
    ],
)
def test_a_description_expresses_what_is_not_kept(schema: Json, text: str) -> None:
    assert description_of(schema) == text


@pytest.mark.parametrize(
    ("schema", "kind", "kept"),
    [
        ({"pattern": "a", "format": "uuid", "minimum": 1}, "string", {"pattern": "a", "format": "uuid"}),
        ({"pattern": 1, "format": "date"}, "string", {}),
        ({"pattern": "a", "minimum": 1, "maximum": True}, "integer", {"minimum": 1}),
        ({"multipleOf": 0.5}, "number", {"multipleOf": 0.5}),
        ({"multipleOf": 0}, "number", {}),
        ({"pattern": "a", "minimum": 1}, "boolean", {}),
        ({"pattern": "a", "enum": ["a"]}, "string", {}),
        ({"pattern": "a", "oneOf": [{}]}, "string", {}),
    ],
)
def test_strict_mode_keeps_the_constraints_of_a_type(schema: Json, kind: str, kept: Json) -> None:
    assert kept_constraints(schema, kind) == kept
