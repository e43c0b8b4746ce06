"""Beginnings of random JSON texts: read as ``pydantic_core`` reads them from the start each time."""

from __future__ import annotations

import json
import random
import re
from typing import Any

import pytest
from pydantic_core import from_json

from deepseek_v4.integration.partial_json import PartialJson

TEXTS = ("", "a", "x y", 'q"q', "back\\slash", "line\nend", "12e5", "été", "日本", "true")
_QUOTE = re.compile(r'(?:[^"\\]|\\.)*"', re.S)
_NUMBER = re.compile(r"[-0-9][-+.0-9eE]*\Z")


def value(rng: random.Random, depth: int = 3) -> Any:
    kind = rng.randrange(8 if depth else 5)
    if kind == 6:
        return [value(rng, depth - 1) for _ in range(rng.randrange(4))]
    if kind >= 5:
        return {rng.choice(TEXTS): value(rng, depth - 1) for _ in range(rng.randrange(4))}
    return (rng.choice(TEXTS), rng.randrange(-50, 5000), rng.random() * 1e9, rng.random() < 0.5, None)[kind]


def settled(text: str) -> str:
    """Return the text without a number at its end: more digits may follow, but ``pydantic_core`` returns it at once."""
    quotes = len(_QUOTE.findall(text))
    return text if quotes % 2 else _NUMBER.sub("", text)


@pytest.mark.parametrize("seed", range(3))
def test_each_beginning_has_the_value_that_pydantic_reads(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(40):
        text = json.dumps([value(rng)], ensure_ascii=rng.random() < 0.5, indent=rng.choice((None, 1)))
        parser = PartialJson()
        for end in range(1, len(text) + 1):
            parser.feed(text[end - 1])
            begun = text[:end] if end == len(text) else settled(text[:end])
            assert parser.value == from_json(begun, allow_partial="trailing-strings"), text[:end]
