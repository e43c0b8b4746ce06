"""Random values and schemas: the result equals that of the package ``jsonschema``."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from deepseek_v4.recovery.json_validation import find_problem

KINDS = ("object", "array", "string", "integer", "number", "boolean", "null")
KEYS = ("a", "b", "x-c")
TEXTS = ("", "a", "ab", "abc", "7")


def value(rng: random.Random, depth: int = 2) -> Any:
    kind = rng.choice(KINDS if depth else KINDS[2:])
    if kind == "object":
        return {key: value(rng, depth - 1) for key in KEYS if rng.random() < 0.5}
    if kind == "array":
        return [value(rng, depth - 1) for _ in range(rng.randrange(4))]
    plain = {"string": rng.choice(TEXTS), "integer": rng.randrange(-3, 9), "number": rng.randrange(-6, 12) / 2}
    return {**plain, "boolean": rng.random() < 0.5, "null": None}[kind]


def schema(rng: random.Random, depth: int = 2) -> Any:
    """Return a schema of the keywords that are checked."""
    if rng.random() < 0.05:
        return rng.random() < 0.8
    made: dict[str, Any] = {}
    if rng.random() < 0.5:
        made["type"] = rng.choice((rng.choice(KINDS), rng.sample(KINDS, 2)))
    keywords = {
        "enum": lambda: [value(rng, 1) for _ in range(4)],
        "const": lambda: value(rng, 1),
        "minLength": lambda: rng.randrange(3),
        "maxLength": lambda: rng.randrange(3),
        "pattern": lambda: rng.choice(("^a", "b$", "[0-9]")),
        "minimum": lambda: rng.randrange(-2, 5),
        "exclusiveMaximum": lambda: rng.randrange(0, 7),
        "multipleOf": lambda: rng.choice((2, 3, 0.5)),
        "minItems": lambda: rng.randrange(3),
        "maxItems": lambda: rng.randrange(3),
        "minProperties": lambda: rng.randrange(3),
        "required": lambda: rng.sample(KEYS, 1),
        "dependentRequired": lambda: {rng.choice(KEYS): rng.sample(KEYS, 1)},
        "uniqueItems": lambda: True,
    }
    if depth:
        inner = lambda: schema(rng, depth - 1)  # noqa: E731
        keywords |= {
            "not": inner,
            "contains": inner,
            "items": inner,
            "additionalProperties": inner,
            "prefixItems": lambda: [inner()],
            "properties": lambda: {key: inner() for key in rng.sample(KEYS, 2)},
            "propertyNames": inner,
            "if": inner,
            "then": inner,
            "else": inner,
            "dependentSchemas": lambda: {rng.choice(KEYS): inner()},
            "patternProperties": lambda: {"^x-": inner()},
            "anyOf": lambda: [inner(), inner()],
            "oneOf": lambda: [inner(), inner()],
            "allOf": lambda: [inner(), inner()],
        }
    return made | {keyword: keywords[keyword]() for keyword in rng.sample(sorted(keywords), rng.randrange(1, 5))}


@pytest.mark.parametrize("seed", range(4))
def test_the_result_is_that_of_jsonschema(seed: int) -> None:
    rng = random.Random(seed)
    seen: Counter[bool] = Counter()
    for _ in range(3000):
        judged, against = value(rng), {"allOf": [schema(rng)]}
        valid = Draft202012Validator(against).is_valid(judged)
        found = find_problem(judged, against, nulls=False)
        assert (found is None) is valid, (judged, against, found)
        seen[valid] += 1
    assert min(seen.values()) > 100
