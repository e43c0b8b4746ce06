"""Partial JSON: the value of a text at every cut, the cost of parsing it, and tails that keep it incomplete."""

from __future__ import annotations

import json
import re
import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepseek_v4.integration.partial_json import PartialJson, invalidating_tail

TEXTS = [
    '{"city": "Paris", "days": 3}',
    '{"a": {"b": [1, -2.5e-3, {"c": null}, [], {}]}, "d": [true, false, null]}',
    '{"quote": "\\"", "slash": "\\\\", "both": "\\\\\\"", "tab": "\\t\\/\\b\\f\\n\\r"}',
    '{"emoji": "\\ud83d\\ude00!", "raw": "😀中", "lone": "\\ud83d", "pair": "\\ud83d\\ud83d\\ude00", "z": "\\u0041"}',
    ' \n\t{ "spaced" : [ 1 , 2 ] , "x" : "y" } \r\n',
    '{"brackets": "}]{[", "deep": [[[["]"]]]]}',
    '{"path": "C:\\\\", "next": "\\\\"}',
    '{"": "", "\\u00e9\\"": [""]}',
    "[]",
    "{}",
    '"text"',
    "[1e5, 0, -0, 0.5, 10, 1E+2, 1e-2]",
    "true",
    '{"same": 1, "same": "two"}',
]

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


def parse(text: str, size: int) -> PartialJson:
    parser = PartialJson()
    for start in range(0, len(text), size):
        parser.feed(text[start : start + size])
    return parser


def grows(before: Any, after: Any) -> bool:
    """Return True if a later value continues an earlier one."""
    if isinstance(before, dict):
        return (
            isinstance(after, dict)
            and list(after)[: len(before)] == list(before)
            and all(grows(before[key], after[key]) for key in before)
        )
    if isinstance(before, list):
        return isinstance(after, list) and len(before) <= len(after) and all(map(grows, before, after))
    if isinstance(before, str):
        return isinstance(after, str) and after.startswith(before)
    return bool(before == after)


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 11, 1000])
def test_the_final_value_equals_json_loads_for_any_fragments(text: str, size: int) -> None:
    parser = parse(text, size)
    assert parser.value == json.loads(text)


@given(VALUES, st.booleans(), st.sampled_from([None, 2]), st.integers(1, 9))
def test_random_json_at_every_split(value: Any, ascii_only: bool, indent: int | None, size: int) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    for cut in range(len(text) + 1):
        parser = PartialJson()
        parser.feed(text[:cut])
        parser.feed(text[cut:])
        assert parser.value == value
    assert parse(text, size).value == value


@given(VALUES.filter(lambda value: isinstance(value, (dict, list))), st.booleans())
def test_values_only_grow(value: Any, ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    parser = PartialJson()
    before: Any = None
    for char in text:
        parser.feed(char)
        now = json.loads(json.dumps(parser.value))  # a copy: containers are live
        assert before is None or grows(before, now)
        before = now
    assert grows(before, value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("{", {}),
        ('{"ke', {}),
        ('{"key"', {}),
        ('{"key": ', {}),
        ('{"key": "', {"key": ""}),
        ('{"key": "va', {"key": "va"}),
        ('{"key": "va\\', {"key": "va"}),
        ('{"key": "va\\u00', {"key": "va"}),
        ('{"key": "\\ud83d', {"key": ""}),
        ('{"key": "\\ud83d\\ude0', {"key": ""}),
        ('{"key": 12', {}),
        ('{"key": 12,', {"key": 12}),
        ('{"key": tru', {}),
        ('{"key": true', {"key": True}),
        ('{"key": [1, 2', {"key": [1]}),
        ('{"key": [1, {"a": "b', {"key": [1, {"a": "b"}]}),
        ("12", 12),
        ("12.", None),
        ("-", None),
        ("nul", None),
    ],
)
def test_unfinished_values_are_left_out(text: str, value: Any) -> None:
    assert parse(text, 1).value == value
    assert parse(text, 1000).value == value


def test_containers_are_live() -> None:
    parser = PartialJson()
    parser.feed('{"a": [1,')
    inner = parser.value["a"]
    parser.feed('2], "b": 0}')
    assert inner == [1, 2]


def test_an_earlier_string_is_not_changed_by_a_later_fragment() -> None:
    parser = PartialJson()
    parser.feed('["ab')
    held = parser.value[0]
    parser.feed("cd")
    assert (held, parser.value) == ("ab", ["abcd"])


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "{a",
        "{]",
        "[}",
        "[1}",
        '{"a"]',
        '{"a" 1',
        '{"a": 1,}',
        "[1,]",
        "[,",
        "[1 2",
        "{} {}",
        '"a"b',
        "]",
        "[01",
        "[-a",
        "[1.e",
        "[1-2",
        "[1e+,",
        "[+1",
        "[.5",
        "NaN",
        "[Infinity",
        "[trux",
        "[nulL",
        '"\\x',
        '"\\u12g',
        '"a\nb"',
        "'a'",
        '{"a": 1} // no',
    ],
)
@pytest.mark.parametrize("size", [1, 1000])
def test_invalid_json_is_refused_at_once(text: str, size: int) -> None:
    with pytest.raises(ValueError, match="not JSON"):
        parse(text, size)


@given(st.text(alphabet='{}[]",:\\utrue01.e-+ a\n', max_size=12))
def test_only_beginnings_of_json_are_accepted(text: str) -> None:
    try:
        expected, valid = json.loads(text), True
    except ValueError:
        expected, valid = None, False
    parser = PartialJson()
    try:
        parser.feed(text)
    except ValueError:
        assert not valid
    else:
        assert not valid or parser.value == expected
        assert continues(text)


ENDS = ["", "0", "rue", "ue", "e", '"":0', ":0"]
ENDS += [f'{cut}"{rest}' for cut in ("", '"', "u0000", "0000", "000", "00", "0") for rest in ("", ":0")]


def continues(text: str) -> bool:
    """Return True if some continuation makes the text valid JSON."""
    for complete in (text + end for end in ENDS):
        closers = ""
        for bracket in re.findall(r"[][{}]", re.sub(r'"(?:[^"\\]|\\.)*"', "", complete)):
            closers = closers[1:] if bracket in "]}" else {"[": "]", "{": "}"}[bracket] + closers
        with suppress(ValueError):
            json.loads(complete + closers)
            return True
    return False


def test_an_integer_beyond_pythons_limit_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="digits"):
        parse("[" + "1" * 5000 + "]", 7)


def test_nesting_is_not_limited_by_the_stack() -> None:
    value = parse("[" * 50_000 + "]" * 50_000, 1000).value
    for _ in range(49_999):
        (value,) = value
    assert value == []


def seconds(text: str, size: int) -> float:
    """Return the time to parse a text in fragments, reading the value after each."""
    best = 60.0
    for _ in range(3):
        parser = PartialJson()
        began = time.process_time()
        for start in range(0, len(text), size):
            parser.feed(text[start : start + size])
            _value = parser.value
        best = min(best, time.process_time() - began)
        assert parser.value == json.loads(text)
    return best


SHAPES = {
    "one long string": lambda k: json.dumps({"content": "x" * k}),
    "code, full of escapes": lambda k: json.dumps({"content": 'print("hello")\n' * (k // 15)}),
    "escaped emoji": lambda k: json.dumps({"content": "\U0001f600" * (k // 12)}),
    "wide characters": lambda k: json.dumps({"content": "中" * k}, ensure_ascii=False),
    "many members": lambda k: json.dumps([{"number": i, "text": "ab"} for i in range(k // 30)]),
    "one long key": lambda k: json.dumps({"k" * k: 1}),
    "one long number": lambda k: f"[1.{'0' * k}]",
    "white space": lambda k: f"[{' ' * k}]",
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("size", [4, 100_000])
def test_eight_times_the_text_takes_about_eight_times_as_long(shape: str, size: int) -> None:
    small, large = (seconds(SHAPES[shape](k), size) for k in (25_000, 200_000))
    assert large < 8 * 3 * small + 0.02  # quadratic time would be 64 times
    assert large < 1


@pytest.mark.parametrize("text", TEXTS)
def test_langchain_completes_nothing_after_the_tail(text: str) -> None:
    langchain = pytest.importorskip("langchain_core.utils.json")
    for cut in range(len(text) + 1):
        tail = invalidating_tail(text[:cut])
        assert completed(langchain, text[:cut] + tail) is None, text[:cut]
        assert len(tail) <= 3


@given(VALUES, st.booleans(), st.data())
def test_langchain_completes_no_random_json_after_the_tail(value: Any, ascii_only: bool, data: Any) -> None:
    langchain = pytest.importorskip("langchain_core.utils.json")
    text = json.dumps(value, ensure_ascii=ascii_only)
    cut = data.draw(st.integers(0, len(text)))
    assert completed(langchain, text[:cut] + invalidating_tail(text[:cut])) is None


@given(st.text(alphabet='{}[]",:\\u1a\n', max_size=12))
def test_langchain_completes_no_text_after_the_tail(text: str) -> None:
    langchain = pytest.importorskip("langchain_core.utils.json")
    assert completed(langchain, text + invalidating_tail(text)) is None


def completed(langchain: Any, text: str) -> Any:
    try:
        return langchain.parse_partial_json(text)
    except ValueError:
        return None


@pytest.mark.parametrize(
    ("text", "tail"),
    [
        ("", "]"),
        ('{"a": ', "]"),
        ('{"a": [', "}"),
        ('{"a": []}', "]"),
        ('{"a": "b', '"]'),
        ('["b', '"}'),
        ('{"a": "b\\', '""]'),
        ('{"a": "b\\\\', '"]'),
        ('{"a": "b\\u00', '"]'),
        ('{"a": "}', '"]'),
        ("{]", ""),
    ],
)
def test_the_tail_is_as_short_as_possible(text: str, tail: str) -> None:
    assert invalidating_tail(text) == tail


def test_the_tail_of_a_long_text_is_found_in_linear_time() -> None:
    began = time.process_time()
    invalidating_tail('{"content": "' + '\\"{' * 300_000)
    assert time.process_time() - began < 2
