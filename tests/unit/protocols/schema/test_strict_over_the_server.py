"""Generated JSON Schemas as strict tools: accepted by the server's validator, or refused by us with a path."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from deepseek_v4 import Client, errors
from deepseek_v4.testing import LocalServer
from deepseek_v4.values.messages import Message, ToolSpec
from tests.long_form import examples

EXAMPLES = examples(150)

NAMES = st.sampled_from(["a", "b", "c", "first name", "naïve/key", "~tilde", "$ref", "type", "properties", "名前", ""])
DEFINITIONS = ("node", "leaf", "odd name/with~signs")
REFERENCES = st.sampled_from(
    ["#/$defs/node", "#/$defs/leaf", "#/$defs/odd%20name~1with~0signs", "#", "#/$defs/missing", "https://example.com/s"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(-2, 2) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=3,
)
NOTES: dict[str, st.SearchStrategy[Any]] = {
    "title": st.text(max_size=5),
    "description": st.text(max_size=20) | st.none(),
    "default": VALUES,
    "examples": st.lists(VALUES, max_size=2),
    "deprecated": st.booleans(),
    "x-own": VALUES,
}


def keywords(needed: dict[str, Any], optional: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(needed, optional={**optional, **NOTES})


FORMATS = st.sampled_from(["email", "date", "date-time", "uuid", "uri", "ipv4", "hostname", "made-up"])
BOUNDS = {
    word: st.integers(-5, 5) for word in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
}
TYPES = st.sampled_from(["string", "integer", "number", "boolean", "null", "object", "array"])
LEAVES = st.one_of(
    keywords(
        {"type": st.just("string")},
        {
            "minLength": st.integers(0, 3),
            "maxLength": st.integers(0, 9),
            "pattern": st.sampled_from(["^a+$", "[0-9]"]),
            "format": FORMATS,
            "enum": st.lists(st.text(max_size=3), max_size=3),
            "nullable": st.booleans(),
        },
    ),
    keywords({"type": st.sampled_from(["integer", "number"])}, BOUNDS),
    keywords({"type": st.sampled_from(["boolean", "null"])}, {"nullable": st.booleans()}),
    keywords({"type": st.lists(TYPES, max_size=3, unique=True)}, {"enum": st.lists(VALUES, max_size=3)}),
    keywords({"const": VALUES}, {}),
    keywords({"enum": st.lists(VALUES, max_size=4)}, {}),
    keywords({"$ref": REFERENCES}, {}),
    keywords({}, {}),
    st.booleans(),
)


def compounds(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    some = st.lists(inner, min_size=1, max_size=3)
    return st.one_of(
        objects(inner),
        keywords(
            {"type": st.just("array")},
            {
                "items": inner,
                "minItems": st.integers(0, 2),
                "maxItems": st.integers(0, 4),
                "uniqueItems": st.booleans(),
                "contains": inner,
            },
        ),
        keywords({"type": st.just("array"), "items": inner}, {}),
        keywords({"type": st.just("array"), "prefixItems": some}, {"items": st.booleans()}),
        keywords({"anyOf": some}, {"type": TYPES}),
        keywords({"oneOf": some}, {"discriminator": st.just({"propertyName": "a"})}),
        keywords({"allOf": some}, {}),
        keywords({"not": inner}, {}),
        keywords({"if": inner, "then": inner}, {"else": inner}),
    )


def objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return keywords(
        {"type": st.just("object"), "properties": st.dictionaries(NAMES, inner, max_size=4)},
        {
            "required": st.lists(NAMES, max_size=3, unique=True),
            "additionalProperties": st.booleans() | inner,
            "patternProperties": st.dictionaries(st.just("^x-"), inner, max_size=1),
            "minProperties": st.integers(0, 2),
            "dependentRequired": st.just({"a": ["b"]}),
        },
    )


SCHEMAS = st.recursive(LEAVES, compounds, max_leaves=8)
# Half of them have only parts that strict mode can express, so that not all are refused.
EXPRESSIBLE_LEAVES = st.one_of(
    keywords({"type": st.sampled_from(["string", "integer", "number", "boolean"])}, {"format": FORMATS, **BOUNDS}),
    keywords({"enum": st.lists(st.text(max_size=3), min_size=1, max_size=3, unique=True)}, {}),
    keywords({"$ref": st.sampled_from(["#/$defs/node", "#/$defs/leaf"])}, {}),
)


def expressible(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    properties = st.dictionaries(NAMES, inner, min_size=1, max_size=4)
    return st.one_of(
        properties.flatmap(
            lambda known: keywords(
                {"type": st.just("object"), "properties": st.just(known)},
                {"required": st.lists(st.sampled_from(sorted(known)), unique=True)},
            )
        ),
        keywords({"type": st.just("array"), "items": inner}, {"minItems": st.integers(0, 2)}),
        keywords({"anyOf": st.lists(inner, min_size=1, max_size=3)}, {}),
        keywords({"oneOf": st.lists(inner, min_size=1, max_size=2)}, {}),
        keywords({"allOf": st.lists(inner, min_size=1, max_size=1)}, {}),
    )


EXPRESSIBLE = st.recursive(EXPRESSIBLE_LEAVES, expressible, max_leaves=8)


def roots(parts: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "type": st.just("object"),
            "properties": st.dictionaries(NAMES, parts, min_size=1, max_size=4),
            "$defs": st.fixed_dictionaries(dict.fromkeys(DEFINITIONS, parts)),
        }
    )


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with LocalServer() as running:
        yield running


@pytest.fixture(scope="module")
def client(server: LocalServer) -> Iterator[Client]:
    with Client(base_url=server.base_url, api_key=server.api_key, max_retries=0) as client:
        yield client


@pytest.fixture(scope="module")
def count() -> Counter[str]:
    return Counter()


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(schema=roots(EXPRESSIBLE) | roots(SCHEMAS))
def test_accepted_by_the_server_or_refused_by_us_with_a_path(
    server: LocalServer, client: Client, count: Counter[str], schema: dict[str, Any]
) -> None:
    server.reset()
    tool = ToolSpec("look_up", "Look it up.", schema, strict=True)
    try:
        client.chat([Message.user("Hello")], tools=[tool])
        refusal = None
    except errors.UnsupportedError as error:
        refusal = error.message
    if refusal is None:
        (request,) = server.requests
        assert request.path.startswith("/beta")
        assert request.body["tools"][0]["function"]["strict"] is True
        count["accepted"] += 1
    else:
        assert not server.requests, f"the server refused it: {refusal}"
        _, named, where = refusal.partition("look_up: ")
        assert named
        assert where.startswith("parameters") or "$ref" in where, refusal
        count["refused"] += 1


def test_both_outcomes_are_frequent(count: Counter[str]) -> None:
    assert sum(count.values()) >= EXAMPLES
    assert min(count["accepted"], count["refused"]) > EXAMPLES / 10, count
