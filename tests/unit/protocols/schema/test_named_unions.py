"""Unions with a recursive branch: each gets a name."""

from __future__ import annotations

from tests.unit.protocols.schema.schemas import Json, obj, strict

STRING, NULL = {"type": "string"}, {"type": "null"}


def reference(name: str) -> Json:
    return {"$ref": f"#/$defs/{name}"}


def test_each_choice_has_a_name_that_is_not_in_use() -> None:
    result = strict(
        {
            **obj(
                [],
                a=reference("N"),
                again={"anyOf": [reference("N"), NULL]},
                b=reference("N_or_null"),
                c={"anyOf": [reference("N"), STRING]},
                d={"anyOf": [{"type": "integer"}, reference("N")]},
            ),
            "$defs": {"N": obj([], next=reference("N")), "N_or_null": obj([], x=reference("N_or_null"))},
        }
    )
    assert {name: inner["$ref"].removeprefix("#/$def/") for name, inner in result["properties"].items()} == {
        "a": "N_or_null_2",
        "again": "N_or_null_2",
        "b": "N_or_null_or_null",
        "c": "N_or_other",
        "d": "N_or_other_2",
    }
    closed = {"additionalProperties": False}
    one = {**obj(next={"$ref": "#/$def/N_or_null_2"}), **closed}
    other = {**obj(x={"$ref": "#/$def/N_or_null_or_null"}), **closed}
    assert result["$def"] == {
        "N_or_null_2": {"anyOf": [one, NULL]},
        "N_or_null_or_null": {"anyOf": [other, NULL]},
        "N_or_other": {"anyOf": [one, STRING, NULL]},
        "N_or_other_2": {"anyOf": [{"type": "integer"}, one, NULL]},
    }


def test_the_description_of_an_inner_choice_is_that_of_its_branches() -> None:
    inner = {"anyOf": [STRING, {**NULL, "description": "own"}], "description": "d"}
    assert strict(obj(a={"anyOf": [inner, {"type": "integer"}]}))["properties"]["a"] == {
        "anyOf": [{**STRING, "description": "d"}, {**NULL, "description": "own"}, {"type": "integer"}]
    }


def test_a_recursive_choice_inside_a_list_or_an_object_is_named_and_its_definition_kept_once() -> None:
    both = {"anyOf": [reference("T"), STRING]}
    tree = obj(items={"type": "array", "items": both}, one=obj(inner=both))
    result = strict({**obj(a=reference("T")), "$defs": {"T": tree}})
    named = {"$ref": "#/$def/T_or_other"}
    assert result["properties"] == {"a": {"$ref": "#/$def/T"}}
    body = result["$def"]["T"]
    assert body["properties"]["items"] == {"type": "array", "items": named}
    assert body["properties"]["one"]["properties"] == {"inner": named}
    assert result["$def"] == {"T": body, "T_or_other": {"anyOf": [body, STRING]}}


def test_a_choice_inside_the_definition_of_another_has_its_own_name() -> None:
    inner = {"anyOf": [reference("N"), {"type": "integer"}]}
    node = obj(next=inner, other={"anyOf": [reference("N"), {"type": "boolean"}]})
    result = strict({**obj(a={"anyOf": [reference("N"), STRING]}), "$defs": {"N": node}})
    assert set(result["$def"]) == {"N_or_other", "N_or_other_2", "N_or_other_3"}
    kinds = {name: body["anyOf"][1]["type"] for name, body in result["$def"].items()}
    assert kinds == {"N_or_other": "string", "N_or_other_2": "integer", "N_or_other_3": "boolean"}
