from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from deepseek_v4.integration.partial_answer import PartialAnswer

VALUE = {"city": "Paris", "days": 12, "wet": True, "note": "``` {", "hours": [1, {"to": 20.5}]}
TEXT = '{"city": "Paris", "days": 12, "wet": true, "note": "``` {", "hours": [1, {"to": 20.5}]}'
FORMS = ["{}", "\n  {}\n", "```json\n{}\n```", "```\n{}\n```", " ```JSON\n{}```\nThere."]


def fed(text: str, size: int) -> list[Any]:
    answer = PartialAnswer()
    return [answer.feed(text[at : at + size]) for at in range(0, len(text), size)]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_the_partial_answer_grows_to_the_complete_one(form: str, size: int) -> None:
    seen = [value for value in fed(form.replace("{}", TEXT), size) if value is not None]
    assert seen[-1] == VALUE
    for earlier, later in pairwise(seen):
        assert _grew(earlier, later)


def _grew(earlier: Any, later: Any) -> bool:
    if isinstance(earlier, dict):
        return all(key in later and _grew(value, later[key]) for key, value in earlier.items())
    if isinstance(earlier, list):
        return all(_grew(one, other) for one, other in zip(earlier, later, strict=False))
    return later.startswith(earlier) if isinstance(earlier, str) else earlier == later


@pytest.mark.parametrize("text", ["Here you are: {}", "", "``", "null", "```json"])
def test_invalid_json_has_no_partial_answer(text: str) -> None:
    assert fed(text, 2) == [None] * len(fed(text, 2))


def test_a_returned_value_does_not_change() -> None:
    answer = PartialAnswer()
    first = answer.feed('{"xs": [1, ')
    answer.feed("2, 3]}")
    assert first == {"xs": [1]}
