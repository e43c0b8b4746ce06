"""The position of the next character of a Markdown text: in code, quoted, at the start of a line."""

from __future__ import annotations

import pytest

from deepseek_v4.protocols.leaked_calls.markdown import MarkdownState

CODE, QUOTED, START = "code", "quoted", "start"

TEXTS: list[tuple[str, set[str]]] = [
    ("", {START}),
    ("a", set()),
    ("a\n", {START}),
    ("  ", {START}),
    ("    ", {START, CODE}),
    ("  \t", {START, CODE}),
    ("     \nb", set()),
    ("a    ", set()),
    ("- ", set()),
    ("1. ", set()),
    ("> ", {QUOTED}),
    ("> a\n", {START}),
    ("> a", set()),
    ('a "', {QUOTED}),
    ('a "b', set()),
    ("(", {QUOTED}),
    ("`", {CODE}),
    ("`a", {CODE}),
    ("`a`", set()),
    ("`a``", {CODE}),
    ("``a`", {CODE}),
    ("``a``", set()),
    ("`a\nb", {CODE}),
    ("`a\n\nb", set()),
    ("`a\n  \nb", set()),
    ("`a~`", set()),
    ("`a\n~~~\n`", set()),
    ("~a", set()),
    ("~~~", {CODE}),
    ("a ~~~", set()),
    ("a ```", {CODE}),
    ("a ```\n\nb", set()),
    ("```", {CODE}),
    ("```py\n", {CODE, START}),
    ("```py\nx\n```", {CODE}),
    ("```py\nx\n```\n", {START}),
    ("```py\nx\n```  \n", {START}),
    ("```py\nx\n``` y\n", {CODE, START}),
    ("```py\nx\n  ```\n", {START}),
    ("```py\nx\ny ```\n", {CODE, START}),
    ("```py\nx\n``\n", {CODE, START}),
    ("```py\nx\n````\n", {START}),
    ("````\nx\n```\n", {CODE, START}),
    ("```py\nx\n~~~\n", {CODE, START}),
    ("~~~py\nx\n```\n", {CODE, START}),
    ("~~~py\nx\n~~~\n", {START}),
    ("~~~a`b\n", {CODE, START}),
    ("```a```", set()),
    ("```a``", {CODE}),
    ("```a`\n\nb", set()),
    ("- ```\nx\n", {CODE, START}),
    ("> ```\nx\n", {CODE, START}),
    ("1. ```\nx\n", {CODE, START}),
    ("a\n```\n\nb", {CODE}),
    ("```\n```\n", {START}),
    ("```\n`\n```\n", {START}),
    (" " * 79, {START, CODE}),
    (" " * 80, set()),
]


@pytest.mark.parametrize(("text", "expected"), TEXTS)
def test_the_position_is_the_same_for_every_cut(text: str, expected: set[str]) -> None:
    for chunks in ([text], list(text)):
        state = MarkdownState()
        for chunk in chunks:
            state.read(chunk)
        found = {CODE: state.in_code(), QUOTED: state.quotes(), START: state.at_line_start()}
        assert {name for name, holds in found.items() if holds} == expected
        assert all(holds in (True, False) for holds in found.values())
