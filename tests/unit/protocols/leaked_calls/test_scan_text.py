"""Tool calls in the visible text: every variant at every cut becomes calls, and ordinary text comes out unchanged."""

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
    ordinary_texts,
    said,
)


def read(pieces: Iterable[str], *, cut: bool = False) -> Found:
    visible: list[str] = []
    scanner = MarkupScanner(TOOLS, visible)
    shown = []
    for piece in pieces:
        if "<" in piece or scanner.holding:
            shown.append(scanner.feed(piece))
        else:
            visible.append(piece)
            shown.append(piece)
    assert "".join(shown) == "".join(visible)
    ending = scanner.end(cut=cut)
    assert scanner.end(cut=cut) == ending
    calls = [(call.name, json.loads(call.arguments)) for call in ending.calls if call.problem is None]
    faults = [call.problem for call in ending.calls if call.problem is not None]
    return Found("".join(visible) + ending.text, calls, faults, ending.withheld)


def cuts(text: str) -> Iterator[list[str]]:
    """The text in two pieces, cut everywhere, and character by character."""
    for at in range(1, len(text)):
        yield [text[:at], text[at:]]
    yield list(text)


def at_every_cut(text: str, *, cut: bool = False) -> Found:
    whole = read([text], cut=cut)
    for pieces in cuts(text):
        assert read(pieces, cut=cut) == whole, pieces
    return whole


# -- leaks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
@pytest.mark.parametrize("name", CALLS)
def test_calls_are_found_in_every_style_at_every_cut(style: Style, name: str) -> None:
    markup = said(CALLS[name], style)
    assert at_every_cut(markup) == Found("", [(call, dict(arguments)) for call, arguments in CALLS[name]])


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
@pytest.mark.parametrize("before", BEFORE)
def test_the_text_around_calls_is_kept_exactly(style: Style, before: str) -> None:
    call = CALLS["one"]
    for after in AFTER:
        found = at_every_cut(before + said(call, style) + after)
        assert (found.text, found.calls) == (before + after, [("get_weather", {"city": "Tokyo"})])


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
@pytest.mark.parametrize("cut", [True, False])
def test_nothing_of_markup_that_ends_early_is_shown(style: Style, cut: bool) -> None:
    before = "Let me look.\n\n"
    markup = said(CALLS["two"], style)
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


def test_markup_that_was_broken_off_is_not_shown_in_the_middle_of_a_line_either() -> None:
    markup = said(CALLS["two"])
    for size in range(3, len(markup)):
        assert read(["Let me look. ", markup[:size]], cut=True).text.rstrip() in ("Let me look.", "Let me look. <")
    second_tag = markup.index("<", 1) + 2
    assert read(["Let me look. ", markup[:second_tag]]).text == "Let me look. "


def test_a_call_that_ends_early_is_as_far_as_it_came() -> None:
    text = said(CALLS["two"])
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
def test_an_empty_shell_of_markup_at_the_end_is_withheld_and_told(shell: str) -> None:
    assert at_every_cut(f"Let me look.\n\n{shell}") == Found("Let me look.\n\n", withheld=shell)
    if shell.endswith(">"):
        assert at_every_cut(f"{shell}\n") == Found("\n", withheld=shell)


@pytest.mark.parametrize(
    ("markup", "fault"),
    [
        (said((("get_weather", {"days": 3}),)).replace(">3<", ">three<"), "the value of 'days' is not valid JSON"),
        (
            said((("run", {"cmd": "ls"}),))
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
def test_a_whole_call_that_says_nonsense_must_not_be_run(markup: str, fault: str) -> None:
    found = at_every_cut(markup)
    assert (found.text, found.calls, found.faults) == ("", [], [fault])


_TANGLED = "its markup is not closed, or contains other markup"
_LS = '<｜DSML｜invoke name="run"><｜DSML｜parameter name="cmd" string="true">ls'
_NEXT = said((("get_weather", {"city": "x"}),), Style(outer=None, between=""))


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


def test_a_value_may_hold_tags_without_the_mark_and_an_opening_tag() -> None:
    value = "grep '<｜DSML｜tool_calls>' x </parameter></invoke> <invoke name='now'>"
    assert at_every_cut(said((("run", {"cmd": value}),))) == Found("", [("run", {"cmd": value})])


def test_another_tool_beside_one_that_was_offered_is_invalid() -> None:
    found = at_every_cut(said((("now", {}), ("fly", {}))))
    assert found == Found("", [("now", {})], ["the request has no tool with this name"])


def test_a_json_object_may_stand_for_the_parameters() -> None:
    markup = said((("get_weather", {}),)).replace("</", '{"city": "<b>"}\n</', 1)
    assert at_every_cut(markup) == Found("", [("get_weather", {"city": "<b>"})])


def test_a_call_without_parameters_may_close_itself() -> None:
    assert at_every_cut('<｜DSML｜invoke name="now"/>') == Found("", [("now", {})])
    assert at_every_cut('a\n<｜DSML｜tool_calls><｜DSML｜invoke name="now" /></｜DSML｜tool_calls>b').text == "a\nb"


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [("city", "02134", "02134"), ("city", "5", "5"), ("days", "5", 5), ("zip", "[1]", [1]), ("zip", "a b", "a b")],
)
def test_where_the_markup_does_not_say_so_the_schema_tells_a_string(key: str, text: str, value: object) -> None:
    markup = said((("get_weather", {key: text}),), Style(typed=False))
    assert at_every_cut(markup).calls == [("get_weather", {key: value})]


def test_tags_that_lost_their_mark_are_found_where_they_are_whole_and_typed() -> None:
    markup = said(CALLS["two"], Style(mark=""))
    assert at_every_cut(f"Hm.\n\n{markup}\n") == Found("Hm.\n\n\n", [(n, dict(a)) for n, a in CALLS["two"]])
    mangled = markup.replace("</parameter>", "</｜｜DSML｜｜parameter>").replace(
        "</tool_calls>", "</｜｜DSML｜｜tool_calls>"
    )
    assert len(at_every_cut(mangled).calls) == 2
    assert at_every_cut(markup[: markup.index("東")]).text == markup[: markup.index("東")]


def test_several_blocks_with_text_between() -> None:
    one, two = said(CALLS["one"]), said((("now", {}),), STYLES["double bars"])
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
def test_code_and_quotes_that_have_ended_hide_no_call(before: str) -> None:
    assert at_every_cut(before + said(CALLS["one"])) == Found(before, [("get_weather", {"city": "Tokyo"})])


def test_blocks_with_nothing_but_line_ends_between() -> None:
    found = at_every_cut(f"{said(CALLS['one'])}\n\n{said(CALLS['none given'])}\n")
    assert (found.text, [name for name, _ in found.calls]) == ("\n\n\n", ["get_weather", "now"])


@pytest.mark.parametrize("before", ['He said "', "`", "(", "```\n", "> "])
def test_where_tags_are_spoken_of_a_cut_one_is_shown(before: str) -> None:
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
def test_ordinary_text_comes_out_as_it_went_in_at_every_cut(text: str) -> None:
    assert at_every_cut(text) == Found(text)


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_text_between_other_text_comes_out_as_it_went_in(text: str) -> None:
    whole = f"One.\n\n{text}\n\nTwo < three."
    assert read([whole]) == read(whole) == Found(whole)


def test_a_call_after_talk_about_calls_is_found() -> None:
    talk = f"This is how:\n\n```\n{said(CALLS['one'])}\n```\n\nNow I do it.\n\n"
    assert at_every_cut(talk + said(CALLS["one"])) == Found(talk, [("get_weather", {"city": "Tokyo"})])


# -- how it is done --------------------------------------------------------------------------------------------------

_PIECES = [
    "a", " ", "\n", "\n\n", "<", ">", "`", "```", "~~~", '"', "> ", "    ", "{}", "｜", "|", "DSML", "｜DSML｜",
    "<｜DSML｜", "</｜DSML｜", "tool_calls>", "invoke>", "parameter>", "<｜DSML｜tool_calls>", "</｜DSML｜tool_calls>",
    '<｜DSML｜invoke name="now">', "</｜DSML｜invoke>", '<｜DSML｜invoke name="fly">', "</｜DSML｜parameter>",
    '<｜DSML｜parameter name="city" string="true">', '<｜DSML｜parameter name="n" string="false">', "1", "<invoke",
    '<invoke name="run">', '<parameter name="cmd" string="true">', "</parameter>", "</invoke>", "<calls>", "/",
]  # fmt: skip


@given(st.lists(st.sampled_from(_PIECES), max_size=30), st.data())
@settings(max_examples=examples(400), deadline=None)
def test_any_cut_gives_the_same(pieces: list[str], data: st.DataObject) -> None:
    text = "".join(pieces)
    places = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=12)))
    cut = data.draw(st.booleans())
    parts = [text[start:end] for start, end in itertools.pairwise([0, *places, len(text)])]
    whole = read([text], cut=cut)
    assert read(parts, cut=cut) == whole == read(text, cut=cut)
    if not (whole.calls or whole.faults or whole.withheld):
        assert whole.text == text


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
def test_every_beginning_of_a_tag_is_waited_for(style: Style) -> None:
    for tag in _TAG.finditer(said(CALLS["two"], style)):
        for size in range(1, len(tag[0])):
            assert _BEGUN.match(tag[0][:size]), tag[0][:size]


def test_what_cannot_become_a_tag_is_not_waited_for() -> None:
    scanner = MarkupScanner(TOOLS, [])
    for text in ("a < b", "<d", "<3", "< x", "<｜x", "<｜DSMX", "<||x", "</div", "<tool_x", "<｜DSML｜invoke>x"):
        scanner.feed(text)
        assert not scanner.holding, text


def test_the_cost_of_a_piece_does_not_grow_with_what_has_arrived() -> None:
    def seconds(pieces: int) -> float:
        scanner = MarkupScanner(TOOLS, [])
        scanner.feed('<｜DSML｜invoke name="run"><｜DSML｜parameter name="cmd" string="true">')
        begun = time.process_time()
        for _ in range(pieces):
            scanner.feed("if a < b: c")
        return time.process_time() - begun

    seconds(1000)
    assert min(seconds(20_000) for _ in range(3)) < 10 * 4 * min(seconds(2_000) for _ in range(3))


def test_many_tags_in_one_piece_take_linear_time() -> None:
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
def test_markup_that_was_left_is_recognised(text: str, holds: bool) -> None:
    assert holds_markup(text) is holds
