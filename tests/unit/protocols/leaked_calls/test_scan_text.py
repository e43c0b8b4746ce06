"""Tool calls in the visible text: every variant at every cut becomes calls, and ordinary text is unchanged."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepseek_v4.protocols.leaked_calls.dsml_tags import _BEGUN, _TAG, holds_markup
from deepseek_v4.protocols.leaked_calls.scan_text import MarkupScanner
from tests.long_form import examples
from tests.unit.protocols.leaked_calls.dsml_texts import (
    AFTER,
    BEFORE,
    CALLS,
    STYLES,
    TOOLS,
    Found,
    Style,
    dsml,
    ordinary_texts,
)


def read(chunks: Iterable[str], *, cut: bool = False) -> Found:
    visible: list[str] = []
    scanner = MarkupScanner(TOOLS, visible)
    shown = []
    for chunk in chunks:
        if "<" in chunk or scanner.holding:
            shown.append(scanner.feed(chunk))
        else:
            visible.append(chunk)
            shown.append(chunk)
    assert "".join(shown) == "".join(visible)
    ending = scanner.end(cut=cut)
    assert scanner.end(cut=cut) == ending
    calls = [(call.name, json.loads(call.arguments)) for call in ending.calls if call.problem is None]
    faults = [call.problem for call in ending.calls if call.problem is not None]
    return Found("".join(visible) + ending.text, calls, faults, ending.withheld)


def cuts(text: str) -> Iterator[list[str]]:
    """Yield the text in two chunks for every cut, and character by character."""
    for at in range(1, len(text)):
        yield [text[:at], text[at:]]
    yield list(text)


def at_every_cut(text: str, *, cut: bool = False) -> Found:
    result = read([text], cut=cut)
    for chunks in cuts(text):
        assert read(chunks, cut=cut) == result, chunks
    return result


# -- leaks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
@pytest.mark.parametrize("name", CALLS)
def test_calls_are_found_in_every_style_at_every_cut(style: Style, name: str) -> None:
    markup = dsml(CALLS[name], style)
    assert at_every_cut(markup) == Found("", [(call, dict(arguments)) for call, arguments in CALLS[name]])


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
@pytest.mark.parametrize("before", BEFORE)
def test_the_text_around_calls_is_kept_exactly(style: Style, before: str) -> None:
    call = CALLS["one"]
    for after in AFTER:
        found = at_every_cut(before + dsml(call, style) + after)
        assert (found.text, found.calls) == (before + after, [("get_weather", {"city": "Tokyo"})])


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
@pytest.mark.parametrize("cut", [True, False])
def test_markup_that_ends_early_is_not_shown(style: Style, cut: bool) -> None:
    before = "Let me look.\n\n"
    markup = dsml(CALLS["two"], style)
    for size in range(1, len(markup)):
        part = markup[:size]
        found = read([before, part], cut=cut)
        if part.strip(" \n") in ("<", "</"):
            assert found == Found(before + part)  # this can be anything
            continue
        assert found.text.startswith(before)
        assert not found.text.strip() or found.text.strip() == before.strip()
        assert found.calls or found.faults or found.withheld
        assert len(found.calls) <= 1 + ("days" in part)


def test_interrupted_markup_is_not_shown_in_the_middle_of_a_line() -> None:
    markup = dsml(CALLS["two"])
    for size in range(3, len(markup)):
        assert read(["Let me look. ", markup[:size]], cut=True).text.rstrip() in ("Let me look.", "Let me look. <")
    second_tag = markup.index("<", 1) + 2
    assert read(["Let me look. ", markup[:second_tag]]).text == "Let me look. "


def test_a_call_that_ends_early_has_its_received_arguments() -> None:
    text = dsml(CALLS["two"])
    visible: list[str] = []
    scanner = MarkupScanner(TOOLS, visible)
    scanner.feed(text[: text.index("東") + 1])
    (call,) = scanner.end(cut=True).calls
    assert (call.name, call.arguments) == ("get_weather", '{"city": "Zürich 東')
    assert call.problem == "the answer ended inside the markup of the call"


@pytest.mark.parametrize(
    "shell",
    [
        "</｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜tool_calls>",
        "</｜DSML｜parameter>",
        "<｜DSML｜tool_calls></｜DSML｜tool_calls>",
        "<｜DSML｜tool_calls>\n</｜DSML｜tool_calls>",
        "<｜DSML｜tool_calls>",
        "<｜DSML｜tool_calls",
        "<‖DS",
    ],
)
def test_empty_markup_at_the_end_is_withheld_and_reported(shell: str) -> None:
    assert at_every_cut(f"Let me look.\n\n{shell}") == Found("Let me look.\n\n", withheld=shell)
    if shell.endswith(">"):
        assert at_every_cut(f"{shell}\n") == Found("\n", withheld=shell)


@pytest.mark.parametrize(
    ("markup", "fault"),
    [
        (dsml((("get_weather", {"days": 3}),)).replace(">3<", ">three<"), "the value of 'days' is not valid JSON"),
        (
            dsml((("run", {"cmd": "ls"}),))
            .replace('cmd"', 'a"', 1)
            .replace(
                "\n</｜DSML｜invoke",
                "".join(['\n<｜DSML｜parameter name="a" string="true">b</｜DSML｜parameter>\n</｜DSML｜invoke']),
            ),
            "'a' is set twice",
        ),
        ('<｜DSML｜invoke name="now">{"a": }</｜DSML｜invoke>', "the arguments are not a JSON object"),
        ('<｜DSML｜invoke name="now">{"a": 1} {"b": 2}</｜DSML｜invoke>', "the arguments are not a JSON object"),
    ],
)
def test_a_complete_invalid_call_must_not_be_run(markup: str, fault: str) -> None:
    found = at_every_cut(markup)
    assert (found.text, found.calls, found.faults) == ("", [], [fault])


_TANGLED = "its markup is not closed, or contains other markup"
_LS = '<｜DSML｜invoke name="run"><｜DSML｜parameter name="cmd" string="true">ls'
_NEXT = dsml((("get_weather", {"city": "x"}),), Style(outer=None, between=""))


@pytest.mark.parametrize(
    ("markup", "calls"),
    [
        # a parameter that is not closed would swallow the next call
        (f"{_LS}</｜DSML｜invoke>{_NEXT}", []),
        (f"{_LS}{_NEXT}", []),
        (f"{_LS}</｜DSML｜parameter>{_NEXT}", [("get_weather", {"city": "x"})]),
        (f"{_LS}</｜DSML｜parameter>what?</｜DSML｜invoke>{_NEXT}", [("get_weather", {"city": "x"})]),
        (f"<｜DSML｜tool_calls>{_LS}</｜DSML｜parameter></｜DSML｜tool_calls>", []),
        (f"<｜DSML｜tool_calls>{_LS}</｜DSML｜parameter></｜DSML｜parameter></｜DSML｜tool_calls>", []),
    ],
)
def test_a_call_that_is_not_closed_is_not_run_and_not_shown(markup: str, calls: list[object]) -> None:
    found = at_every_cut(markup)
    assert (found.text, found.calls, found.faults) == ("", calls, [_TANGLED])


def test_a_value_may_contain_tags_without_the_mark_and_an_opening_tag() -> None:
    value = "grep '<｜DSML｜tool_calls>' x </parameter></invoke> <invoke name='now'>"
    assert at_every_cut(dsml((("run", {"cmd": value}),))) == Found("", [("run", {"cmd": value})])


def test_a_tool_that_was_not_offered_is_invalid() -> None:
    found = at_every_cut(dsml((("now", {}), ("fly", {}))))
    assert found == Found("", [("now", {})], ["the request has no tool with this name"])


def test_a_json_object_may_replace_the_parameters() -> None:
    markup = dsml((("get_weather", {}),)).replace("</", '{"city": "<b>"}\n</', 1)
    assert at_every_cut(markup) == Found("", [("get_weather", {"city": "<b>"})])


def test_a_call_without_parameters_may_be_self_closing() -> None:
    assert at_every_cut('<｜DSML｜invoke name="now"/>') == Found("", [("now", {})])
    assert at_every_cut('a\n<｜DSML｜tool_calls><｜DSML｜invoke name="now" /></｜DSML｜tool_calls>b').text == "a\nb"


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [("city", "02134", "02134"), ("city", "5", "5"), ("days", "5", 5), ("zip", "[1]", [1]), ("zip", "a b", "a b")],
)
def test_the_schema_decides_if_an_untyped_value_is_a_string(key: str, text: str, value: object) -> None:
    markup = dsml((("get_weather", {key: text}),), Style(typed=False))
    assert at_every_cut(markup).calls == [("get_weather", {key: value})]


def test_tags_without_the_mark_are_found_if_they_are_complete_and_typed() -> None:
    markup = dsml(CALLS["two"], Style(mark=""))
    assert at_every_cut(f"Hm.\n\n{markup}\n") == Found("Hm.\n\n\n", [(n, dict(a)) for n, a in CALLS["two"]])
    mangled = markup.replace("</parameter>", "</｜｜DSML｜｜parameter>").replace(
        "</tool_calls>", "</｜｜DSML｜｜tool_calls>"
    )
    assert len(at_every_cut(mangled).calls) == 2
    assert at_every_cut(markup[: markup.index("東")]).text == markup[: markup.index("東")]


def test_several_blocks_with_text_between() -> None:
    one, two = dsml(CALLS["one"]), dsml((("now", {}),), STYLES["double bars"])
    found = at_every_cut(f"First.\n\n{one}\n\nSecond.\n\n{two}\n\nThird.")
    assert found.text == "First.\n\n\n\nSecond.\n\n\n\nThird."
    assert [name for name, _ in found.calls] == ["get_weather", "now"]


@pytest.mark.parametrize(
    "before",
    [
        "It`s a stray backtick.\n\n",
        "```a``` is code on one line.\n\n",
        "Use ``` to open a block.\n\n",
        "```\na\n```  \n",
        "```\na\n````\n",
        "~~~\n```\n~~~\n",
        "`a` and ``b ` c``: ",
        "~~struck~~ ",
        "- a list\n",
        "> quoted\n\n",
        '"quoted" ',
        "2 * (3 + 4)\n",
    ],
)
def test_calls_after_code_and_quotes_are_found(before: str) -> None:
    assert at_every_cut(before + dsml(CALLS["one"])) == Found(before, [("get_weather", {"city": "Tokyo"})])


def test_blocks_with_only_line_ends_between() -> None:
    found = at_every_cut(f"{dsml(CALLS['one'])}\n\n{dsml(CALLS['none given'])}\n")
    assert (found.text, [name for name, _ in found.calls]) == ("\n\n\n", ["get_weather", "now"])


@pytest.mark.parametrize("before", ['He said "', "`", "(", "```\n", "> "])
def test_a_cut_tag_is_shown_if_tags_are_mentioned(before: str) -> None:
    for tag in ("<｜DSML｜tool_calls", '<｜DSML｜tool_calls>\n<｜DSML｜invoke name="now">'):
        assert at_every_cut(before + tag, cut=True) == Found(before + tag)


def test_indented_code_ends_with_its_line() -> None:
    assert at_every_cut("    <｜DSML｜tool_calls", cut=True) == Found("    <｜DSML｜tool_calls")
    found = at_every_cut('    <｜DSML｜tool_calls>\n<｜DSML｜invoke name="now">', cut=True)
    assert (found.text, len(found.faults)) == ("    <｜DSML｜tool_calls>\n", 1)


# -- ordinary texts --------------------------------------------------------------------------------------------------

ORDINARY = list(dict.fromkeys(ordinary_texts()))


def test_the_corpus_is_large() -> None:
    assert len(ORDINARY) > 150


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_text_is_unchanged_at_every_cut(text: str) -> None:
    assert at_every_cut(text) == Found(text)


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_text_between_other_text_is_unchanged(text: str) -> None:
    surrounded = f"One.\n\n{text}\n\nTwo < three."
    assert read([surrounded]) == read(surrounded) == Found(surrounded)


def test_a_call_after_text_about_calls_is_found() -> None:
    talk = f"This is how:\n\n```\n{dsml(CALLS['one'])}\n```\n\nNow I do it.\n\n"
    assert at_every_cut(talk + dsml(CALLS["one"])) == Found(talk, [("get_weather", {"city": "Tokyo"})])


# -- chunks and time -------------------------------------------------------------------------------------------------

_PIECES = [
    "a", " ", "\n", "\n\n", "<", ">", "`", "```", "~~~", '"', "> ", "    ", "{}", "｜", "|", "DSML", "｜DSML｜",
    "<｜DSML｜", "</｜DSML｜", "tool_calls>", "invoke>", "parameter>", "<｜DSML｜tool_calls>", "</｜DSML｜tool_calls>",
    '<｜DSML｜invoke name="now">', "</｜DSML｜invoke>", '<｜DSML｜invoke name="fly">', "</｜DSML｜parameter>",
    '<｜DSML｜parameter name="city" string="true">', '<｜DSML｜parameter name="n" string="false">', "1", "<invoke",
    '<invoke name="run">', '<parameter name="cmd" string="true">', "</parameter>", "</invoke>", "<calls>", "/",
]  # fmt: skip


@given(st.lists(st.sampled_from(_PIECES), max_size=30), st.data())
@settings(max_examples=examples(400), deadline=None)
def test_the_result_is_the_same_for_any_cut(chunks: list[str], data: st.DataObject) -> None:
    text = "".join(chunks)
    places = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=12)))
    cut = data.draw(st.booleans())
    parts = [text[start:end] for start, end in itertools.pairwise([0, *places, len(text)])]
    result = read([text], cut=cut)
    assert read(parts, cut=cut) == result == read(text, cut=cut)
    if not (result.calls or result.faults or result.withheld):
        assert result.text == text


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
def test_every_beginning_of_a_tag_is_withheld(style: Style) -> None:
    for tag in _TAG.finditer(dsml(CALLS["two"], style)):
        for size in range(1, len(tag[0])):
            assert _BEGUN.match(tag[0][:size]), tag[0][:size]


def test_text_that_cannot_become_a_tag_is_not_withheld() -> None:
    scanner = MarkupScanner(TOOLS, [])
    for text in ("a < b", "<d", "<3", "< x", "<｜x", "<｜DSMX", "<||x", "</div", "<tool_x", "<｜DSML｜invoke>x"):
        scanner.feed(text)
        assert not scanner.holding, text


def test_the_cost_of_a_chunk_does_not_grow_with_the_text() -> None:
    def seconds(chunks: int) -> float:
        scanner = MarkupScanner(TOOLS, [])
        scanner.feed('<｜DSML｜invoke name="run"><｜DSML｜parameter name="cmd" string="true">')
        begun = time.process_time()
        for _ in range(chunks):
            scanner.feed("if a < b: c")
        return time.process_time() - begun

    seconds(1000)
    assert min(seconds(20_000) for _ in range(3)) < 10 * 4 * min(seconds(2_000) for _ in range(3))


def test_many_tags_in_one_chunk_take_linear_time() -> None:
    def seconds(count: int) -> float:
        text = "`<｜DSML｜tool_calls>` and <｜DSML｜tool_calls> are tags. " * count
        begun = time.process_time()
        assert read([text]).text == text
        return time.process_time() - begun

    seconds(10)
    assert min(seconds(3000) for _ in range(2)) < 10 * 4 * min(seconds(300) for _ in range(3))


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("a <｜DSML｜invoke name=…", True),
        ("a </‖DSML‖ calls>", True),
        ("So.</think>Four.", True),
        ("DSML is a markup, ｜DSML｜ its mark", False),
        ("<think>", False),
    ],
)
def test_remaining_markup_is_recognised(text: str, holds: bool) -> None:
    assert holds_markup(text) is holds
