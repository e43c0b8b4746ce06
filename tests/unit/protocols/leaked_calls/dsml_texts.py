"""Tool calls in the model's own markup, as servers returned them in text, and ordinary texts about the markup."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from deepseek_v4 import ToolSpec
from deepseek_v4.values.json import dumps

WEATHER = ToolSpec(
    "get_weather",
    "The weather.",
    {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}, "zip": {}}},
)
NOW = ToolSpec("now", "The time.")
RUN = ToolSpec("run", "Runs a command.", {"type": "object", "properties": {"cmd": {"type": "string"}}})
TOOLS: Mapping[str, ToolSpec] = {tool.name: tool for tool in (WEATHER, NOW, RUN)}


@dataclass(frozen=True)
class Style:
    """An observed form of the markup."""

    mark: str = "｜DSML｜"
    outer: str | None = "tool_calls"
    opens: bool = True
    closes: bool = True
    between: str = "\n"
    slash: str = "</{mark}"
    typed: bool = True

    def tag(self, name: str, attributes: str = "") -> str:
        return f"<{self.mark}{name}{attributes}>"

    def end(self, name: str) -> str:
        return f"{self.slash.format(mark=self.mark)}{name}>"


Call = tuple[str, Mapping[str, Any]]


def dsml(calls: tuple[Call, ...], style: Style = Style()) -> str:
    """Return calls in the markup of a style."""
    lines = [style.tag(style.outer)] if style.outer and style.opens else []
    for name, arguments in calls:
        lines.append(style.tag("invoke", f' name="{name}"'))
        for key, value in arguments.items():
            kind = isinstance(value, str)
            text = value if kind else dumps(value).decode()
            attributes = f' name="{key}"' + (f' string="{str(kind).lower()}"' if style.typed else "")
            lines.append(style.tag("parameter", attributes) + text + style.end("parameter"))
        lines.append(style.end("invoke"))
    if style.outer and style.closes:
        lines.append(style.end(style.outer))
    return style.between.join(lines)


STYLES: dict[str, Style] = {
    "V4": Style(),
    "V3.2": Style(outer="function_calls"),
    "V4.1": Style(mark="｜DSML｜ ", outer="calls"),
    "double bars": Style(mark="｜｜DSML｜｜"),
    "double bars, V4.1": Style(mark="｜｜DSML｜｜ ", outer="calls"),
    "U+2016": Style(mark="‖DSML‖"),
    "doubled U+2016": Style(mark="‖‖DSML‖‖"),
    "ASCII bars": Style(mark="|DSML|"),
    "doubled ASCII bars": Style(mark="||DSML||"),
    "spaced ASCII bars": Style(mark=" | | DSML | | "),
    "mixed bars": Style(mark="｜|DSML|｜"),
    "no outer tag": Style(outer=None),
    "no outer tag, double bars": Style(outer=None, mark="｜｜DSML｜｜"),
    "no outer tag, ASCII bars": Style(outer=None, mark="|DSML|"),
    "opening tag lost": Style(opens=False),
    "closing tag lost": Style(closes=False),
    "malformed outer tag": Style(outer="toolcalls"),
    "another outer tag": Style(outer="tool_use"),
    "on one line": Style(between=""),
    "blanks instead of line ends": Style(between=" "),
    "indented": Style(between="\n  "),
    "blank lines between": Style(between="\n\n"),
    "windows line ends": Style(between="\r\n"),
    "line ends inside the tags": Style(mark="｜DSML｜\n"),
    "lower case": Style(mark="｜dsml｜"),
    "slash after the mark": Style(slash="<{mark}/"),
    "no slash": Style(slash="<{mark}", outer=None),
    "untyped": Style(typed=False),
}
"""Forms that were reported in these issues: DeepSeek-V3 #1244, opensquilla #985, GenericAgent
#804, cline #13348, vllm #40801, #51914, #54686 and #55954, sglang #40236, openclaw #128858, kittors #11."""

CALLS: dict[str, tuple[Call, ...]] = {
    "one": (("get_weather", {"city": "Tokyo"}),),
    "two": (("get_weather", {"city": "Zürich 東京"}), ("get_weather", {"city": 'a "b" \\ \n c', "days": 3})),
    "none given": (("now", {}),),
    "hard values": (
        ("run", {"cmd": "a < b && c > d || e <- f; echo '<div class=\"x\">' </p> <｜ | <| DSML"}),
        ("get_weather", {"zip": {"a": [1, "<b>", None, True, 2.5]}, "city": ""}),
    ),
}

BEFORE = ("", "Let me look.\n\n", "好的，我来查一下。\n\n", "```python\nprint(1 < 2)\n```\n\n", "Is a < b? ")
AFTER = ("", "\n", "\n\nThat is all.")


# -- ordinary texts --------------------------------------------------------------------------------------------------

MARKS = ("｜DSML｜", "‖DSML‖", "|DSML|", "｜｜DSML｜｜", "｜DSML｜ ")

_EXAMPLE = dsml((("get_weather", {"city": "Tokyo", "days": 3}),))
_ONE_LINE = dsml((("now", {}),), Style(between=""))
_UNMARKED = dsml((("get_weather", {"city": "Tokyo"}),), Style(mark=""))

_MENTIONS = (
    "The model writes <{m}tool_calls> before its calls, and </{m}tool_calls> behind them.",
    'A <{m}invoke name="X"> tag names the function.',
    'Each argument is a <{m}parameter name="k" string="true"> tag; its value stands before </{m}parameter>.',
    "<{m}tool_calls> opens a block.",
    '<{m}invoke name="get_weather"> is how a call begins, and parameters follow.',
    "\n<{m}tool_calls>\nis the first line, then comes an invoke.",
    "You see `<{m}tool_calls>` when the parser fails.",
    'Two backticks: ``<{m}invoke name="now"></{m}invoke>`` is a whole call.',
    "Its mark is <{m}",
    "It stops at <{m}tool_calls>",
    "The closing tag is </{m}invoke>, and the last one </{m}tool_calls>.",
    "</{m}invoke>\nis what closes a call.",
    '- <{m}tool_calls>\n- <{m}invoke name="…">\n- </{m}invoke>\n',
    "| tag | meaning |\n|---|---|\n| <{m}tool_calls> | opens |\n| </{m}tool_calls> | closes |",
    'He asked: "<{m}invoke name="now"></{m}invoke>?" and left.',
    '模型会输出 <{m}tool_calls>，然后是 <{m}invoke name="get_weather">。',
)

_WRAPPED = (
    "```\n{x}\n```",
    "```xml\n{x}\n```\nThat is the form.",
    "For example:\n\n~~~\n{x}\n~~~\n",
    "````markdown\n```xml\n{x}\n```\n````",
    "1. First:\n   ```xml\n   {x}\n   ```\n2. Then nothing.",
    "The example is not finished:\n\n```text\n{x}",
    "```python\nTEXT = '''\n{x}\n'''\n```\nand `a`, then more.",
    "```md\n```xml\n{x}\n```\nstill inside? no.",
    "Written as `{x}` in the docs.",
    "Written as “{x}”, they say.",
    "写作「{x}」。",
    "(In brackets: ({x}))",
    "'{x}' is what it wrote.",
    "Escaped: \\{x}",
    "````\n```\n{x}\n```\n````",
    "~~~\n```\n{x}\n```\n~~~",
    "```\nnot the end: ```\n{x}\n```",
    "``one ` inside, {x}``",
)

_ALONE = (
    'The template:\n<｜DSML｜tool_calls>\n<｜DSML｜invoke name="$TOOL_NAME">\n'
    '<｜DSML｜parameter name="$PARAMETER_NAME" '
    'string="true|false">$PARAMETER_VALUE</｜DSML｜parameter>\n...\n</｜DSML｜invoke>\n</｜DSML｜tool_calls>\n',
    '<｜DSML｜tool_calls>\n<｜DSML｜invoke name="get_weather">\n...\n</｜DSML｜invoke>\n</｜DSML｜tool_calls>',
    '<｜DSML｜tool_calls>\n<｜DSML｜invoke name="get_weather">\n<｜DSML｜parameter name="city" string="true|false">x'
    "</｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜tool_calls>",
    '<｜DSML｜tool_calls>\n<｜DSML｜invoke name="unknown_tool">\n<｜DSML｜parameter name="a" string="true">b'
    "</｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜tool_calls>\nThat tool was never offered.",
    '<｜DSML｜invoke name="fetch"><｜DSML｜parameter name="u" string="true">v</｜DSML｜parameter></｜DSML｜invoke>',
    '<｜DSML｜parameter name="city" string="true">Tokyo</｜DSML｜parameter> gives the city.',
    "An empty block, <｜DSML｜tool_calls></｜DSML｜tool_calls>, holds no call.",
    "<｜DSML｜tool_calls>\n</｜DSML｜tool_calls>\nThat was an empty block.",
    '> <｜DSML｜tool_calls>\n> <｜DSML｜invoke name="now">\n> </｜DSML｜invoke>\n'
    "> </｜DSML｜tool_calls>\n\nwas quoted.",
    "> " + _ONE_LINE,
    "「<｜DSML｜tool_calls>\n</｜DSML｜tool_calls>",
    'A call begins with <｜DSML｜invoke name="get_weather">',
    "<｜DSML｜tool_calls>\nis the first tag, and the next is\n<｜DSML｜inv",
    "```\n<｜DSML｜tool_c",
    "<tool_calls>",
    "<function_calls>\n</function_calls>",
    '<invoke name="get_weather">\n{"city": "x"}\n</invoke>',
    '<｜DSML｜invoke name="now" ' + 'x="y" ' * 60 + "></｜DSML｜invoke>",
    '    <｜DSML｜tool_calls>\n    <｜DSML｜invoke name="now">\n    </｜DSML｜invoke>\n    </｜DSML｜tool_calls>\n',
    '\t<｜DSML｜invoke name="now">\n\t</｜DSML｜invoke>\n',
    "｜DSML｜ is one token; DSML is short for DeepSeek's markup; |DSML| and ‖DSML‖ are how it is misread.",
    're.compile(r\'<[|｜‖]+DSML[|｜‖]+invoke name="([^"]+)">(.*?)</[|｜‖]+DSML[|｜‖]+invoke>\')',
    "In HTML: &lt;｜DSML｜tool_calls&gt;.",
    "f x = x <| g\nh = a <|> b\ni = c <||> d\nj <｜ k",
    "a <b> c </b> d <br/> e <!-- f --> g",
    "<tool_calls> is what Anthropic calls nothing; <function_calls> it does call something.",
    '<invoke name="get_weather"><parameter name="city">Tokyo</parameter></invoke> is Anthropic\'s form.',
    "Inline " + _UNMARKED.replace("\n", "") + " it is shown.",
    "<calls>\n<call>1</call>\n</calls>",
    '<parameter name="x" string="true">y</parameter>',
    '<invoke name="now">\n</invoke>\n',
    "<invoke",
    "Use std::vector<int> and List<String>; if (a < b && c > d) { x <<= 2; }",
    "cat <<EOF > /tmp/x\nhello\nEOF",
    "I <3 it, <- arrows ->, 1 < 2, x<y, <https://example.com>, <a@b.c>",
    "ends with <",
    "ends with </",
    "ends with a line\n<",
    "ends with < ",
    "<",
    "< / < | <",
    "<think>no</think> and </think> and <｜User｜> and <｜end▁of▁sentence｜>",
    "<tool_result>42</tool_result>",
    "<|im_start|>user\n<|im_end|>",
    '`<` `</` `<｜` `<｜D` `<｜DSML｜` `<｜DSML｜tool_calls` `<｜DSML｜invoke name="now"`',
    "It`s a stray backtick, and <｜DSML｜tool_calls> is a tag.",
    "Line one\r\n<｜DSML｜tool_calls>\r\nis CRLF prose.",
    '**<｜DSML｜invoke name="get_weather">** starts it.',
    "# <｜DSML｜tool_calls>\n\nA heading.",
    "<｜DSML｜tool_calls foo> has an odd attribute; <｜DSML｜invoke> has none; "
    "<｜DSML｜aio-webcontent> is no word of it.",
    '<｜DSML｜invoke name="get_weather"> <｜DSML｜tool_calls> in the wrong order.',
)


def ordinary_texts() -> Iterator[str]:
    """Yield texts that must be returned unchanged."""
    for mention in _MENTIONS:
        for mark in MARKS:
            yield mention.replace("{m}", mark)
    for wrapped in _WRAPPED:
        for example in (_EXAMPLE, _ONE_LINE, _UNMARKED):
            if "\n" not in wrapped.split("{x}")[0] and example is _UNMARKED:
                continue
            yield wrapped.replace("{x}", example.replace("\n", "\n   ") if "   {x}" in wrapped else example)
    yield from _ALONE


@dataclass(frozen=True)
class Found:
    """The result of scanning a text."""

    text: str
    calls: list[tuple[str, Any]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    withheld: str = ""
