"""Inlined references, and the short form."""

from __future__ import annotations

import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepseek_v4.errors import UnsupportedError
from deepseek_v4.protocols.schema import compact
from tests.unit.protocols.schema.schemas import (
    ANY,
    NAMES,
    RELAXED,
    VALUES,
    Json,
    Trip,
    fits,
    obj,
    roots,
    strict,
)

INSTANCES = st.recursive(
    VALUES | st.sampled_from(["x", 7]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=5,
)


@RELAXED
@given(roots(ANY), st.lists(INSTANCES, max_size=20))
def test_inlining_and_shortening_do_not_change_the_meaning(schema: Json, values: list[Json]) -> None:
    before = json.dumps(schema)
    short = compact(schema)
    assert json.dumps(schema) == before
    assert json.dumps(compact(copy.deepcopy(schema))) == json.dumps(short)
    values = [*values, {"a": "x"}, {"a": "x", "b": 7}, {"a": {"a": "x"}, "b": [7]}]
    try:
        expected = [fits(value, schema, schema) for value in values]
    except RecursionError:
        return  # a reference that leads only to itself
    assert [fits(value, short, short) for value in values] == expected


def test_references_are_inlined_with_their_siblings() -> None:
    schema = {
        **obj(a={"$ref": "#/$defs/A", "description": "mine"}, b={"$ref": "#/$defs/B"}),
        "$defs": {"A": {"type": "string"}, "B": {"$ref": "#/$defs/C"}, "C": {"type": "string"}},
    }
    assert compact(schema) == obj(a={"type": "string", "description": "mine"}, b={"type": "string"})


def test_only_recursion_keeps_its_reference() -> None:
    written = compact(
        {
            "properties": {"t": {"$ref": "#/$defs/Trip"}},
            "$defs": {"Trip": Trip.model_json_schema() | {"$defs": None}, **Trip.model_json_schema()["$defs"]},
        }
    )
    assert set(written["$defs"]) == {"Node"}
    assert "Colour" not in json.dumps(written["properties"]["t"]["properties"]["colour"].get("$ref", ""))


def test_a_property_called_ref_and_data_like_references_are_kept() -> None:
    schema = obj(**{"$ref": {"type": "string"}, "title": {"type": "string", "default": {"$ref": "#/nowhere"}}})
    assert compact(schema) == schema


@pytest.mark.parametrize(
    "reference", ["#/$defs/A", "#/prefixItems/2", "#/prefixItems/x", "#/title/0", "#x/prefixItems/0", "other#/title"]
)
def test_a_reference_without_a_target_is_an_error(reference: str) -> None:
    schema = {**obj(a={"$ref": reference}), "title": "0", "prefixItems": [{"type": "string"}, {"type": "null"}]}
    with pytest.raises(UnsupportedError, match="does not exist in the schema"):
        compact(schema)
    with pytest.raises(UnsupportedError, match="does not exist in the schema"):
        strict(obj(a={"$ref": reference}))


def test_a_reference_to_an_item_of_a_list_is_inlined() -> None:
    schema = {**obj(a={"$ref": "#/$defs/list/1"}), "$defs": {"list": [{"type": "string"}, {"type": "null"}]}}
    assert compact(schema) == obj(a={"type": "null"})


STRING = {"type": "string"}


@pytest.mark.parametrize(
    ("target", "siblings", "inlined"),
    [
        (STRING, {"minLength": 3}, {**STRING, "minLength": 3}),
        ({**STRING, "minLength": 2}, {"minLength": 3}, {"allOf": [{**STRING, "minLength": 2}], "minLength": 3}),
        ({**STRING, "description": "theirs"}, {"description": "mine"}, {**STRING, "description": "mine"}),
        (True, {"minLength": 3}, {"allOf": [True], "minLength": 3}),
        (True, {}, True),
    ],
)
def test_a_definition_and_the_siblings_of_its_reference_apply(
    target: Json, siblings: dict[str, Json], inlined: Json
) -> None:
    schema = {**obj(a={"$ref": "#/$defs/A", **siblings}), "$defs": {"A": target}}
    assert compact(schema) == obj(a=inlined)


def test_a_reference_to_the_root_stays_with_its_siblings() -> None:
    schema = obj(a={"$ref": "#", "description": "x"})
    assert compact(schema) == schema


def test_definitions_with_similar_names_get_different_names() -> None:
    pointers = ["#/$defs/*", "#/$defs/", "#/definitions/*", "#/$defs/-"]
    one, two = ({f"{key}{n}": {"$ref": pointer} for n, pointer in enumerate(pointers)} for key in "ab")
    bodies = [obj(**{word: STRING}) for word in "wxyz"]
    definitions = {"*": bodies[0], "": bodies[1], "-": bodies[3]}
    short = compact({**obj(**one, **two), "$defs": definitions, "definitions": {"*": bodies[2]}})
    assert short["$defs"] == {"_": bodies[0], "schema": bodies[1], "__2": bodies[2], "-": bodies[3]}
    assert [inner["$ref"] for inner in short["properties"].values()] == [
        f"#/$defs/{name}" for name in ("_", "schema", "__2", "-") * 2
    ]


def test_pointers_are_unescaped() -> None:
    schema = {**obj(a={"$ref": "#/$defs/a~1b%20c"}), "$defs": {"a/b c": {"type": "null"}}}
    assert compact(schema) == obj(a={"type": "null"})
    assert strict(schema)["properties"] == {"a": {"$ref": "#/$def/a_b_c"}}


def test_the_short_form_drops_titles_that_repeat_the_key_and_most_examples() -> None:
    schema = {
        "title": "Trip",
        **obj(
            first_name={"title": "First Name", "type": "string", "examples": ["Ada", "Alan"]},
            size={"title": "Size in cm", "type": "integer", "examples": ["x" * 100]},
            title={"title": "Title", "type": "string"},
        ),
    }
    assert compact(schema) == {
        "title": "Trip",
        **obj(
            first_name={"type": "string", "examples": ["Ada"]},
            size={"title": "Size in cm", "type": "integer"},
            title={"type": "string"},
        ),
    }


def test_the_short_form_has_no_keywords_for_tools_and_one_short_example() -> None:
    def shortened(**keywords: Json) -> Json:
        return compact(obj(a={"type": "string", **keywords}))["properties"]["a"]

    assert shortened(**{"$schema": "x", "$id": "y", "$comment": "z", "example": "q"}) == STRING
    assert shortened(examples=["x" * 78, "b"]) == {**STRING, "examples": ["x" * 78]}
    assert shortened(examples=["x" * 79]) == shortened(examples=[]) == shortened(examples="x") == STRING
    assert shortened(title="A!") == STRING
    assert shortened(title="A b") == {**STRING, "title": "A b"}
    fields = dict.fromkeys(("$schema", "$id", "$comment", "example"), STRING)
    assert compact({"type": "object", "properties": fields}) == {"type": "object", "properties": fields}


def test_a_schema_of_more_than_10000_nodes_is_refused() -> None:
    def wide(count: int) -> Json:
        return {"properties": {f"p{n}": STRING for n in range(count)}}

    assert compact(wide(9_999)) == wide(9_999)
    with pytest.raises(UnsupportedError, match="more than 10000 nodes"):
        compact(wide(10_000))


def test_the_short_form_keeps_definitions_that_are_used_twice_or_recur() -> None:
    once, twice = obj(x={"type": "string"}), obj(once={"$ref": "#/$defs/Once"})
    definitions = {
        "Once": once,
        "Twice": twice,
        "Loop": obj([], again={"$ref": "#/$defs/Loop"}),
        "Never": {"type": "null"},
    }
    schema = {
        **obj(a={"$ref": "#/$defs/Twice"}, b={"$ref": "#/$defs/Twice"}, c={"$ref": "#/$defs/Loop"}),
        "$defs": definitions,
    }
    short = compact(schema)
    assert short["$defs"] == {"Twice": obj(once=once), "Loop": definitions["Loop"]}
    assert short["properties"]["a"] == {"$ref": "#/$defs/Twice"}


def test_each_schema_of_a_list_of_items_is_shortened() -> None:
    items = [{"title": "A", "type": "string", "$comment": "x"}, {"type": "null", "$id": "y"}]
    assert compact({"items": items}) == {"items": [{"title": "A", "type": "string"}, {"type": "null"}]}


def test_a_definition_is_written_once_for_any_number_of_uses() -> None:
    wide = {"properties": {f"p{n}": STRING for n in range(6_000)}}
    uses = {name: {"$ref": "#/$defs/Wide"} for name in "abc"}
    assert compact({"properties": uses, "$defs": {"Wide": wide}}) == {"properties": uses, "$defs": {"Wide": wide}}


def test_two_definitions_that_refer_to_each_other_are_kept() -> None:
    one, two = obj([], b={"$ref": "#/$defs/B"}), obj([], a={"$ref": "#/$defs/A"})
    schema = {**obj(a={"$ref": "#/$defs/A"}), "$defs": {"A": one, "B": two}}
    assert compact(schema) == schema
