"""Arguments of strict tools: nulls that represent optional properties are dropped, and no others."""

from __future__ import annotations

import copy
import time
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepseek_v4.errors import UnsupportedError
from deepseek_v4.protocols.schema import allows_nulls, remove_added_nulls
from tests.unit.protocols.schema.schemas import (
    RELAXED,
    SOUND,
    Endless,
    Json,
    Node,
    fits,
    instance,
    obj,
    roots,
    strict,
)


@RELAXED
@given(roots(SOUND), st.randoms(use_true_random=False))
def test_values_of_the_strict_schema_match_the_original_without_the_nulls(schema: Json, random: Random) -> None:
    try:
        result = strict(schema)
        values = [instance(result, result, random.choice) for _ in range(10)]
    except (UnsupportedError, Endless):
        return
    undone = [remove_added_nulls(value, schema) for value in values]
    try:
        fitting = [fits(value, schema, schema) for value in undone]
    except RecursionError:
        return  # a reference that leads only to itself
    assert all(fitting), values


def test_nulls_of_optional_properties_are_dropped_everywhere() -> None:
    inner = obj(["x"], x={"type": "string"}, y={"type": "integer"})
    schema = {
        **obj(["list"], list={"type": "array", "items": {"$ref": "#/$defs/I"}}, one={"$ref": "#/$defs/I"}),
        "$defs": {"I": inner},
    }
    arguments = {"list": [{"x": "a", "y": None}, {"x": "b", "y": 1}], "one": None}
    before = copy.deepcopy(arguments)
    assert remove_added_nulls(arguments, schema) == {"list": [{"x": "a"}, {"x": "b", "y": 1}]}
    assert arguments == before


def test_nulls_that_the_original_allows_are_kept() -> None:
    schema = obj(
        [],
        a={"type": ["string", "null"]},
        b={"anyOf": [{"type": "string"}, {"type": "null"}]},
        c={"enum": ["x", None]},
        d={"$ref": "#/$defs/N"},
        e={"type": "string", "nullable": True},
        f={},
    )
    arguments = dict.fromkeys("abcdef")
    assert remove_added_nulls(arguments, {**schema, "$defs": {"N": {"type": "null"}}}) == arguments


def test_a_null_for_a_required_or_unknown_property_is_kept_for_the_validator() -> None:
    assert remove_added_nulls({"a": None, "z": None}, obj(a={"type": "string"})) == {"a": None, "z": None}


def test_the_matching_branch_decides() -> None:
    cat = obj(["kind"], kind={"const": "cat"}, name={"type": "string"})
    dog = obj(["kind"], kind={"const": "dog"}, name={"type": ["string", "null"]})
    schema = obj(pet={"oneOf": [cat, dog]})
    assert remove_added_nulls({"pet": {"kind": "cat", "name": None}}, schema) == {"pet": {"kind": "cat"}}
    assert remove_added_nulls({"pet": {"kind": "dog", "name": None}}, schema) == {"pet": {"kind": "dog", "name": None}}


def test_the_branch_that_names_the_keys_decides() -> None:
    small, large = obj([], x={"type": "integer"}), obj(x={"type": ["integer", "null"]}, y={"type": "string"})
    for branches in ([small, large], [large, small]):
        assert remove_added_nulls({"a": {"x": None, "y": "s"}}, obj(a={"anyOf": branches})) == {
            "a": {"x": None, "y": "s"}
        }
        assert remove_added_nulls({"a": {"x": None}}, obj(a={"anyOf": branches})) == {"a": {}}


def test_items_of_different_branches_are_distinguished() -> None:
    schema = obj(
        a={
            "anyOf": [
                {"type": "array", "items": {"type": "boolean"}},
                {"type": "array", "items": obj([], b={"type": "null"}, c={"type": "string"})},
            ]
        }
    )
    assert remove_added_nulls({"a": [{"b": None, "c": None}]}, schema) == {"a": [{"b": None}]}


def test_removing_nulls_ends_for_a_recursive_schema() -> None:
    schema = {
        **obj([], a={"$ref": "#/$defs/A"}),
        "$defs": {"A": {"anyOf": [{"$ref": "#/$defs/A"}, obj([], b={"type": "string"})]}},
    }
    assert remove_added_nulls({"a": {"b": None}}, schema) == {"a": {}}


def test_removing_nulls_takes_no_exponential_time() -> None:
    def sides(kind: str) -> Json:
        return obj([], left={"$ref": "#/$defs/E"}, right={"$ref": "#/$defs/E"}, **{kind: {"type": "string"}})

    schema = {**obj(e={"$ref": "#/$defs/E"}), "$defs": {"E": {"anyOf": [sides("plus"), sides("minus")]}}}
    value: Json = {"left": None, "right": None, "plus": "x"}
    for _ in range(100):
        value = {"left": value, "right": None, "minus": "y"}
    began = time.process_time()
    undone = remove_added_nulls({"e": value}, schema)
    assert time.process_time() - began < 1
    assert undone["e"]["left"]["left"].keys() == {"left", "minus"}


def test_nulls_below_a_recursion_are_removed() -> None:
    arguments = {
        "name": "a",
        "parent": None,
        "children": [{"name": "b", "parent": {"name": "c", "parent": None, "children": None}, "children": None}],
    }
    assert remove_added_nulls(arguments, Node.model_json_schema()) == {
        "name": "a",
        "parent": None,  # pydantic's Optional allows it
        "children": [{"name": "b", "parent": {"name": "c", "parent": None}}],
    }
    assert Node.model_validate(remove_added_nulls(arguments, Node.model_json_schema())).children[0].children == []


STRING = {"type": "string"}
OPTIONAL = obj([], b=STRING)


@pytest.mark.parametrize(
    ("schema", "removed"),
    [
        (STRING, True),
        ({"properties": {"x": STRING}}, True),
        ({"items": STRING}, True),
        ({"allOf": [{"minLength": 1}, STRING]}, True),
        ({"enum": ["x"]}, True),
        ({"const": "x"}, True),
        (False, True),
        ({"$ref": "#/$defs/S"}, True),
        ({"type": ["string", "integer"]}, True),
        ({"type": "string", "nullable": False}, True),
        ({"nullable": True, "type": "string"}, False),
        ({}, False),
        (True, False),
        ({"allOf": [{}]}, False),
        ({"type": ["string", "null"]}, False),
        ({"enum": ["x", None]}, False),
        ({"$ref": "#/$defs/none"}, False),
        ({"$ref": 1}, False),
    ],
)
def test_a_null_is_removed_if_only_the_strict_form_allows_it(schema: Json, removed: bool) -> None:
    root = {**obj([], a=schema, kept=STRING), "$defs": {"S": STRING}}
    kept = {"kept": "x"}
    assert remove_added_nulls({"a": None, **kept}, root) == (kept if removed else {"a": None, **kept})
    assert allows_nulls(root)  # because of "kept"
    assert allows_nulls({**obj([], a=schema), "$defs": {"S": STRING}}) is removed


@pytest.mark.parametrize(
    ("schema", "allows"),
    [
        (True, False),
        ({"type": "object"}, False),
        (obj(a=True), False),
        (obj(a=STRING), False),
        ({"properties": {"a": STRING}}, True),
        (obj(a=OPTIONAL), True),
        (obj(a={"type": "array", "items": OPTIONAL}), True),
        (obj(a={"anyOf": [STRING, OPTIONAL]}), True),
        ({**obj(a={"$ref": "#/$defs/O"}), "$defs": {"O": OPTIONAL}}, True),
        (obj(["a"], a=STRING, b={"type": ["string", "null"]}), False),
    ],
)
def test_nulls_are_found_in_every_part(schema: Json, allows: bool) -> None:
    assert allows_nulls(schema) is allows


@pytest.mark.parametrize(
    ("branch", "other", "value", "restored"),
    [
        (obj(["kind"], kind={"const": 1}, n=STRING), obj(kind={"const": 2}, n={}), {"kind": 1, "n": None}, {"kind": 1}),
        (obj(["i"], i={"type": "integer"}, n=STRING), obj(i=STRING, n={}), {"i": 1, "n": None}, {"i": 1}),
        (obj(["r"], r={}, n=STRING), obj(r={}, s={}, n={}), {"r": 1, "n": None}, {"r": 1}),
        (
            obj(["a"], a=obj(x=STRING), n=STRING),
            obj(a=obj(x={"type": "null"}), n={}),
            {"a": {"x": "s"}, "n": None},
            None,
        ),
        (
            obj(["a"], a={"items": STRING}, n=STRING),
            obj(a={"items": {"type": "null"}}, n={}),
            {"a": ["s"], "n": None},
            None,
        ),
        ({"allOf": [obj(["k"], k={"const": 1}, n=STRING)]}, obj(k={"const": 2}, n={}), {"k": 1, "n": None}, {"k": 1}),
    ],
    ids=["const", "type", "required", "inner object", "items", "all of"],
)
def test_the_branch_with_the_fewest_mismatches_decides(branch: Json, other: Json, value: Json, restored: Json) -> None:
    expected = {key: inner for key, inner in value.items() if inner is not None} if restored is None else restored
    for word in ("anyOf", "oneOf"):
        for branches in ([branch, other], [other, branch]):
            assert remove_added_nulls({"a": value}, obj(a={word: branches})) == {"a": expected}


def test_the_branch_with_the_nearest_names_decides_also_if_its_names_are_in_parts() -> None:
    def parts(word: str) -> Json:
        return {word: [obj([], x=STRING, y=STRING)]}

    open_ = {"properties": {"x": {}}}
    for near in (parts("allOf"), parts("anyOf"), parts("oneOf"), {"$ref": "#/$defs/N"}):
        schema = {**obj(a={"anyOf": [open_, near]}), "$defs": {"N": obj([], x=STRING, y=STRING)}}
        assert remove_added_nulls({"a": {"x": None, "y": "s"}}, schema) == {"a": {"y": "s"}}


def test_parts_without_such_nulls_are_shared_with_the_arguments() -> None:
    schema = obj(a=obj([], x=STRING), b={"type": "array", "items": obj([], x=STRING)}, c={"type": "array"})
    arguments: Json = {"a": {"x": "s"}, "b": [{"x": None}], "c": [1]}
    restored = remove_added_nulls(arguments, schema)
    assert restored == {"a": {"x": "s"}, "b": [{}], "c": [1]}
    assert restored["a"] is arguments["a"]
    assert restored["c"] is arguments["c"]
