"""Instances of JSON Schemas: valid for schemas of pydantic, and no crash for malformed ones."""

from __future__ import annotations

import datetime as dt
import enum
import ipaddress
import json
import uuid
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import AnyUrl, BaseModel, Field, StringConstraints

from deepseek_v4.testing.improviser.instances import instance
from deepseek_v4.testing.improviser.typed_answers import schema_in
from tests.long_form import examples

TEXTS = ["", "John is 30 and has 'x' in red, 12,345 times", "2026-05-05 https://a.b/c foo7 17 15 0.5 -3"]


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int = Field(ge=1, le=9)


class Dog(BaseModel):
    kind: Literal["dog"]
    tricks: list[str]


class Node(BaseModel):
    value: int
    children: list[Node] = []
    parent: Node | None = None


class Everything(BaseModel):
    sized: Annotated[str, StringConstraints(min_length=5, max_length=8)]
    numbers: Annotated[list[int], Field(min_length=3, max_length=4)]
    colors: Annotated[list[Color], Field(min_length=2)]
    different: Annotated[set[int], Field(min_length=3)]
    stepped: Annotated[int, Field(gt=10, lt=20, multiple_of=5)]
    share: Annotated[float, Field(gt=0, lt=1)]
    animal: Cat | Dog = Field(discriminator="kind")
    animals: list[Cat]
    triple: tuple[int, str, float]
    counts: dict[str, int]
    nested: list[list[int]]
    node: Node
    one_of: Literal[1, 2]
    moment: dt.datetime | None
    day: dt.date
    address: ipaddress.IPv4Address
    key: uuid.UUID
    link: AnyUrl
    anything: Any
    maybe: list[Dog] | None = None


@pytest.mark.parametrize("text", TEXTS)
def test_instances_are_valid(text: str) -> None:
    schema = Everything.model_json_schema()
    made = instance(schema, text)
    assert list(made) == schema["required"]
    Everything.model_validate(made)


def test_lists_of_types_use_the_first_that_is_not_null() -> None:
    schema = {"type": "object", "properties": {"n": {"type": ["null", "integer"]}}, "required": ["n"]}
    assert instance(schema, "7") == {"n": 7}


KEYWORDS = st.sampled_from(
    """type properties required enum anyOf allOf $ref $defs items minItems minimum multipleOf format pattern minLength
    maxLength default additionalProperties city x""".split()  # noqa: SIM905
)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.sampled_from(["object", "string", "integer", "array", "null", "#/$defs/x", "#", "email", "^a{2,}$", "["]),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYWORDS, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=examples(150), deadline=None)
@given(st.dictionaries(KEYWORDS, VALUES, max_size=5), st.sampled_from(TEXTS))
def test_malformed_schemas_do_not_raise(schema: dict[str, Any], text: str) -> None:
    made = instance(schema, text)
    assert json.loads(json.dumps(made)) == made
    assert isinstance(schema_in(schema), (dict, type(None)))
