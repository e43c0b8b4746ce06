"""Calls in the markup, their arguments and faults. ``<T>``, ``<I name>``, ``<P name>`` are tags; ``#`` marks a tag."""

from __future__ import annotations

import re

import pytest

from deepseek_v4.protocols.leaked_calls.scan_text import Ending, MarkupScanner
from tests.unit.protocols.leaked_calls.dsml_texts import TOOLS

TANGLED = "its markup is not closed, or contains other markup"
NOT_OFFERED = "the request has no tool with this name"
UNFINISHED = "the answer ended inside the markup of the call"

Calls = list[tuple[str, str, str | None]]


def marked(text: str) -> str:
    for short, tag in (
        (r"<I (\w+)(/?)>", r'<#invoke name="\1"\2>'),
        (r"<P (\w+)>", r'<#parameter name="\1" string="true">'),
        ("<(/?)T>", r"<\1#tool_calls>"),
        ("</I>", "</#invoke>"),
        ("</P>", "</#parameter>"),
    ):
        text = re.sub(short, tag, text)
    return text.replace("#", "｜DSML｜")


def scanned(text: str, *, cut: bool) -> tuple[Ending, str]:
    """Return the rest at the end of a text, and the visible text; check that single characters have the same result."""
    found = []
    for chunks in (list(marked(text)), [marked(text)]):
        visible: list[str] = []
        scanner = MarkupScanner(TOOLS, visible)
        for chunk in chunks:
            scanner.feed(chunk)
        ending = scanner.end(cut=cut)
        found.append((ending.calls, ending.withheld, "".join(visible) + ending.text))
    assert found[0] == found[1]
    return ending, found[1][-1]


def calls_of(ending: Ending) -> Calls:
    return [(call.name, call.arguments.replace("｜DSML｜", "#"), call.problem) for call in ending.calls]


WHOLE: dict[str, tuple[str, Calls, str]] = {
    "all tags": ("<T><I run><P cmd>ls</P></I></T>", [("run", '{"cmd": "ls"}', None)], ""),
    "a parameter inside a parameter": (
        "<I run><P cmd>a<P b>c</P></I>",
        [("run", '{"cmd": "a<#parameter name=\\"b\\" string=\\"true\\">c"}', TANGLED)],
        "",
    ),
    "a call inside a parameter": (
        "<I run><P cmd>a<I now>c</P></I>",
        [("run", '{"cmd": "a<#invoke name=\\"now\\">c"}', TANGLED)],
        "",
    ),
    "an outer tag inside a parameter": (
        "<I run><P cmd>a<T>c</P></I>",
        [("run", '{"cmd": "a<#tool_calls>c"}', None)],
        "",
    ),
    "a closing outer tag inside a parameter": (
        "<I run><P cmd>a</T>c</P></I>",
        [("run", '{"cmd": "a</#tool_calls>c"}', TANGLED)],
        "",
    ),
    "a closing tag without the mark inside a parameter": (
        "<I run><P cmd>a</parameter>c</P></I>",
        [("run", '{"cmd": "a</parameter>c"}', None)],
        "",
    ),
    "tags without the mark": (
        '<invoke name="run"><parameter name="cmd" string="true">a</parameter></invoke>',
        [("run", '{"cmd": "a"}', None)],
        "",
    ),
    "a parameter without the mark": (
        '<I run><parameter name="cmd" string="true">a</parameter></I>',
        [("run", '{"cmd": "a"}', None)],
        "",
    ),
    "a parameter without the mark, closed with it": (
        '<I run><parameter name="cmd" string="true">a</P></parameter></I>',
        [("run", '{"cmd": "a"}', TANGLED)],
        "",
    ),
    "a parameter that closes itself": (
        '<I run><#parameter name="cmd" string="true"/></I>',
        [("run", '{"cmd": ""}', None)],
        "",
    ),
    "a parameter without a type": ('<I run><#parameter name="cmd">5</P></I>', [("run", '{"cmd": "5"}', None)], ""),
    "a parameter of an unknown type": (
        '<I run><#parameter name="cmd" string="maybe">5</P></I>',
        [],
        '<I run><#parameter name="cmd" string="maybe">5</P></I>',
    ),
    "a type in capitals": (
        '<I run><#parameter name="cmd" string="TRUE">5</P></I>',
        [("run", '{"cmd": "5"}', None)],
        "",
    ),
    "a value with spaces around it": (
        '<I run><#parameter name="cmd" string="False"> 5 </P></I>',
        [("run", '{"cmd": 5}', None)],
        "",
    ),
    "a parameter twice": (
        "<I run><P cmd>a</P><P cmd>b</P></I>",
        [("run", '{"cmd": "a", "cmd": "b"}', "'cmd' is set twice")],
        "",
    ),
    "two faults: the first is named": (
        '<I run><#parameter name="cmd" string="false">a</P><P cmd>b</P></I>',
        [("run", '{"cmd": a, "cmd": "b"}', "the value of 'cmd' is not valid JSON")],
        "",
    ),
    "another tool": ("<I fly><P cmd>a</P></I>", [], "<I fly><P cmd>a</P></I>"),
    "another tool after one that is offered": (
        '<I now></I><I fly><#parameter name="cmd" string="false">a</P></I>',
        [("now", "{}", None), ("fly", '{"cmd": a}', NOT_OFFERED)],
        "",
    ),
    "a call tag without a name is a closing tag": ("<T><#invoke><I now></I>", [("now", "{}", None)], ""),
    "a call tag without a name after a call": (
        '<I now></I>\n<#invoke x="y">\nafter',
        [("now", "{}", None)],
        '\n<#invoke x="y">\nafter',
    ),
    "text between two calls": ("<I now></I> x <I now></I>", [("now", "{}", None), ("now", "{}", None)], " x "),
    "text in a call": ("<I run>x</I>", [], "<I run>x</I>"),
    "text after a parameter": ("<I run><P cmd>a</P>x</I>", [("run", '{"cmd": "a"}', TANGLED)], ""),
    "text in a second call": ("<I now></I><I run>x</I>", [("now", "{}", None), ("run", "{}", TANGLED)], ""),
    "an object in place of parameters": ('<I run>{"cmd": "a"}</I>', [("run", '{"cmd": "a"}', None)], ""),
    "an object with blanks around it": ('<I run>\n {"cmd": "a"} \n</I>', [("run", '{"cmd": "a"}', None)], ""),
    "a closing tag inside an object": (
        '<I run>{"cmd": "<#invoke>"}</I>',
        [("run", '{"cmd": "', "the arguments are not a JSON object")],
        '"}</I>',
    ),
    "a call inside an object": (
        '<I run>{"cmd": "<I x>"}</I>',
        [("run", '{"cmd": "<#invoke name="x">"}', "the arguments are not a JSON object")],
        "",
    ),
    "an outer tag inside an object": ('<I run>{"cmd": "<T>"}</I>', [("run", '{"cmd": "<#tool_calls>"}', None)], ""),
    "an object that is not closed": ('<I run>{"a"</I>', [("run", '{"a"', "the arguments are not a JSON object")], ""),
    "an object after a parameter": ('<I run><P cmd>a</P>{"x": 1}</I>', [("run", '{"cmd": "a"}', TANGLED)], ""),
    "an object in a call without the mark": (
        '<invoke name="run">{"cmd": "a"}</invoke>',
        [],
        '<invoke name="run">{"cmd": "a"}</invoke>',
    ),
    "a call as JSON": ('<T>{"name": "run", "arguments": {"cmd": "a"}}</T>', [("run", '{"cmd": "a"}', None)], ""),
    "calls as a JSON list": (
        '<T>[{"name": "run", "parameters": {"cmd": "é"}}, {"name": "fly"}, {"x": 1}, 5]</T>',
        [("run", '{"cmd": "é"}', None), ("fly", "{}", NOT_OFFERED)],
        "",
    ),
    "JSON in a fence, arguments as text": (
        '<T>```json\n{"name": "run", "arguments": "{}"}\n```</T>',
        [("run", "{}", None)],
        "",
    ),
    "JSON of another tool": ('<T>{"name": "fly"}</T> x', [], '<T>{"name": "fly"}</T> x'),
    "JSON that is not valid": ('<T>{"name": </T> x', [], '<T>{"name": </T> x'),
    "a tag inside JSON": (
        '<T>{"name": "run", "arguments": {"cmd": "<#invoke>"}}</T>',
        [("run", '{"cmd": "<#invoke>"}', None)],
        "",
    ),
    "JSON with blanks around it": ('<T>\n {"name": "now"}\n</T>', [("now", "{}", None)], ""),
    "JSON in tags without the mark": (
        '<tool_calls>{"name": "now"}</tool_calls>',
        [],
        '<tool_calls>{"name": "now"}</tool_calls>',
    ),
    "JSON after a call": ('<T><I now></I>{"name": "now"}</T>', [("now", "{}", None)], '{"name": "now"}</T>'),
    "an outer tag twice": ("<T><T><I now></I></T>", [("now", "{}", None)], ""),
    "text after the outer tag": ("<T>x<I now></I>", [("now", "{}", None)], "<T>x"),
    "only a closing tag": ("</T>x", [], "</T>x"),
    "closing tags after a call": ("<I now></I></I></P>x", [("now", "{}", None)], "x"),
    "text after the closing outer tag": ("<I now></I>\n\n</T>\nafter", [("now", "{}", None)], "\nafter"),
    "text after a call": ("<I now></I>\n after", [("now", "{}", None)], "\n after"),
    "a parameter without a call": ("<P a>x", [], "<P a>x"),
    "a parameter after a call": ("<I now></I><P a>x", [("now", "{}", None)], "<P a>x"),
    "a call after a tangled one": (
        "<I run><P cmd>a</P>x<I now></I></T>z",
        [("run", '{"cmd": "a"}', TANGLED), ("now", "{}", None)],
        "z",
    ),
    "a closing tag too many": ("<I run><P cmd>a</P></P></I>z", [("run", '{"cmd": "a"}', TANGLED)], "z"),
    "a call that is not closed before the next": (
        "<I run><P cmd>a</P><I now></I>z",
        [("run", '{"cmd": "a"}', TANGLED), ("now", "{}", None)],
        "z",
    ),
    "a call that the outer tag closes": ("<I run><P cmd>a</P></T>z", [("run", '{"cmd": "a"}', TANGLED)], "z"),
    "a call that the outer tag closes, with a fault of its own": (
        '<I run><#parameter name="cmd" string="false">a</P></T>z',
        [("run", '{"cmd": a}', "the value of 'cmd' is not valid JSON")],
        "z",
    ),
    "text in a call without the mark": (
        '<invoke name="run"><parameter name="cmd" string="true">a</parameter>x</invoke>z',
        [],
        '<invoke name="run"><parameter name="cmd" string="true">a</parameter>x</invoke>z',
    ),
    "a call without the mark and without parameters": (
        '<invoke name="now"></invoke>z',
        [],
        '<invoke name="now"></invoke>z',
    ),
    "a call without the mark and without types": (
        '<invoke name="run"><parameter name="cmd">a</parameter></invoke>z',
        [],
        '<invoke name="run"><parameter name="cmd">a</parameter></invoke>z',
    ),
    "a call without the mark in a line": (
        'say <invoke name="run"><parameter name="cmd" string="true">a</parameter></invoke>z',
        [],
        'say <invoke name="run"><parameter name="cmd" string="true">a</parameter></invoke>z',
    ),
    "an outer tag without the mark": (
        '<tool_calls><invoke name="run"><parameter name="cmd" string="true">a</parameter></invoke></tool_calls>z',
        [("run", '{"cmd": "a"}', None)],
        "z",
    ),
    "a call in quotes": ('"<I now></I>"', [], '"<I now></I>"'),
    "a call in code": ("`<I now></I>`", [], "`<I now></I>`"),
    "a call in a line": ("see <I now></I>", [("now", "{}", None)], "see "),
    "an outer tag inside a call": ("<I now><T></I>z", [], "<I now><T></I>z"),
    "a call inside a call without parameters": ("<I now><I run></I>z", [("run", "{}", None)], "<I now>z"),
    "a closing tag of no parameter": ("<I now></P></I>z", [], "<I now></P></I>z"),
    "text and an outer tag in a call": ("<I run>x<T></I>z", [], "<I run>x<T></I>z"),
    "an outer tag after a call": ("<I now></I>\n<T>\nafter", [("now", "{}", None)], "\n<T>\nafter"),
    "a tag that is mentioned before": ("`<T>` is a tag.\n<T>", [], "`<T>` is a tag.\n<T>"),
}
PARTS: dict[str, tuple[str, bool, Calls, str, str]] = {
    "nothing of a call, truncated": ("<T>\n", True, [], "\n", "<T>"),
    "nothing of a call": ("<T>\n", False, [], "\n", "<T>"),
    "the beginning of a call, truncated": ("<I run>", True, [("run", "{", UNFINISHED)], "", ""),
    "the beginning of a call": ("<I run>", False, [("run", "{", UNFINISHED)], "", ""),
    "an open call of another tool, truncated": ("<I fly><P a>b", True, [], "<I fly><P a>b", ""),
    "an open call of another tool": ("<I fly><P a>b", False, [], "<I fly><P a>b", ""),
    "an open parameter, truncated": ('<I run><P cmd>a "b', True, [("run", '{"cmd": "a \\"b', UNFINISHED)], "", ""),
    "an open parameter": ('<I run><P cmd>a "b', False, [("run", '{"cmd": "a \\"b', UNFINISHED)], "", ""),
    "an open parameter of JSON, truncated": (
        '<I get_weather><P city>x</P><#parameter name="days" string="false">5',
        True,
        [("get_weather", '{"city": "x", "days": 5', UNFINISHED)],
        "",
        "",
    ),
    "an open parameter of JSON": (
        '<I get_weather><P city>x</P><#parameter name="days" string="false">5',
        False,
        [("get_weather", '{"city": "x", "days": 5', UNFINISHED)],
        "",
        "",
    ),
    "an open object, truncated": ('<I run>{"cmd": "a', True, [("run", '{"cmd": "a', UNFINISHED)], "", ""),
    "an open object": ('<I run>{"cmd": "a', False, [("run", '{"cmd": "a', UNFINISHED)], "", ""),
    "open JSON, truncated": ('<T>\n{"name": "run", "arg', True, [("run", '{"name": "run", "arg', UNFINISHED)], "", ""),
    "open JSON": ('<T>\n{"name": "run", "arg', False, [("run", '{"name": "run", "arg', UNFINISHED)], "", ""),
    "open JSON of another tool, truncated": ('<T>\n{"name": "fly", "arg', True, [], '<T>\n{"name": "fly", "arg', ""),
    "open JSON of another tool": ('<T>\n{"name": "fly", "arg', False, [], '<T>\n{"name": "fly", "arg', ""),
    "open JSON without a name, truncated": ('<T>\n{"x": "run", "arg', True, [], '<T>\n{"x": "run", "arg', ""),
    "open JSON without a name": ('<T>\n{"x": "run", "arg', False, [], '<T>\n{"x": "run", "arg', ""),
    "a call, and a beginning, truncated": (
        "<I now></I>\n<I run>",
        True,
        [("now", "{}", None), ("run", "{", UNFINISHED)],
        "",
        "",
    ),
    "a call, and a beginning": ("<I now></I>\n<I run>", False, [("now", "{}", None), ("run", "{", UNFINISHED)], "", ""),
    "a call, and a tag that begins, truncated": ("<I now></I>\n<｜DS", True, [("now", "{}", None)], "", ""),
    "a call, and a tag that begins": ("<I now></I>\n<｜DS", False, [("now", "{}", None)], "", ""),
    "a call, and text, truncated": ("<I now></I>\n", True, [("now", "{}", None)], "\n", ""),
    "a call, and text": ("<I now></I>\n", False, [("now", "{}", None)], "\n", ""),
    "a fault, and an open parameter, truncated": (
        '<I run><#parameter name="cmd" string="false">a</P><P b>c',
        True,
        [("run", '{"cmd": a, "b": "c', "the value of 'cmd' is not valid JSON")],
        "",
        "",
    ),
    "a fault, and an open parameter": (
        '<I run><#parameter name="cmd" string="false">a</P><P b>c',
        False,
        [("run", '{"cmd": a, "b": "c', "the value of 'cmd' is not valid JSON")],
        "",
        "",
    ),
    "a tangled call, truncated": ("<I run><P cmd>a</P>x", True, [("run", '{"cmd": "a"', UNFINISHED)], "", ""),
    "a tangled call": ("<I run><P cmd>a</P>x", False, [("run", '{"cmd": "a"', UNFINISHED)], "", ""),
    "a quoted beginning, truncated": ('"<I run>', True, [], '"<I run>', ""),
    "a quoted beginning": ('"<I run>', False, [], '"<I run>', ""),
    "an open call without the mark, truncated": (
        '<invoke name="run"><parameter name="cmd" string="true">a',
        True,
        [],
        '<invoke name="run"><parameter name="cmd" string="true">a',
        "",
    ),
    "an open call without the mark": (
        '<invoke name="run"><parameter name="cmd" string="true">a',
        False,
        [],
        '<invoke name="run"><parameter name="cmd" string="true">a',
        "",
    ),
    "a complete call without the mark, and a tag that begins, truncated": (
        '<invoke name="run"><parameter name="cmd" string="true">a</parameter></invoke>\n<inv',
        True,
        [("run", '{"cmd": "a"}', None)],
        "\n<inv",
        "",
    ),
    "a complete call without the mark, and a tag that begins": (
        '<invoke name="run"><parameter name="cmd" string="true">a</parameter></invoke>\n<inv',
        False,
        [("run", '{"cmd": "a"}', None)],
        "\n<inv",
        "",
    ),
    "a tag that begins, in a line, truncated": ("see <#inv", True, [], "see ", "<#inv"),
    "a tag that begins, in a line": ("see <#inv", False, [], "see <#inv", ""),
    "a tag is mentioned before": ("`<T>` is a tag.\n<#inv", True, [], "`<T>` is a tag.\n<#inv", ""),
    "a tag without the mark is mentioned before": ("<invoke> is one.\n<#inv", True, [], "<invoke> is one.\n", "<#inv"),
    "a closing tag is mentioned before": ("see </T>x\n<#inv", True, [], "see </T>x\n<#inv", ""),
}


@pytest.mark.parametrize(("text", "calls", "shown"), WHOLE.values(), ids=WHOLE)
def test_calls_have_these_arguments_and_faults(text: str, calls: Calls, shown: str) -> None:
    ending, visible = scanned(text, cut=False)
    assert calls_of(ending) == calls
    assert visible == marked(shown)
    assert ending.withheld == ""
    if not shown:
        assert ending.markup == marked(text)


@pytest.mark.parametrize(("text", "cut", "calls", "shown", "withheld"), PARTS.values(), ids=PARTS)
def test_calls_that_are_not_complete(text: str, cut: bool, calls: Calls, shown: str, withheld: str) -> None:
    ending, visible = scanned(text, cut=cut)
    assert calls_of(ending) == calls
    assert (visible, ending.withheld) == (marked(shown), marked(withheld))


@pytest.mark.parametrize("end", ["", "\n<T>\n", "\n<T>\nx", "\n<#inv", "\n<I run>"])
def test_the_markup_of_all_calls_is_kept(end: str) -> None:
    ending, _ = scanned(f"<I now></I> x <I now/></T> y{end}", cut=True)
    calls = [name for name, _, _ in calls_of(ending)]
    assert calls == ["now", "now", *(["run"] if "run" in end else [])]
    assert ending.markup == marked("<I now></I><I now/></T>" + (end[1:] if "run" in end else ""))
