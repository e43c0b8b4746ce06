"""Markup of calls in the text of an answer: behaviour that depends on one line each, found by ``make mutants``."""

from __future__ import annotations

from typing import Any

import pytest

from deepseek_v4 import (
    Client,
    Reply,
    StreamEnd,
    ToolSpec,
)
from deepseek_v4.protocols import StreamDecoder
from deepseek_v4.protocols.leaked_calls.report import with_markup_report
from deepseek_v4.protocols.leaked_calls.scan_text import MarkupScanner
from deepseek_v4.recovery.attempt_totals import joined
from tests.unit.recovery.chat_bytes import event

F = ToolSpec("f", "A tool.", {"type": "object", "properties": {}})


@pytest.mark.parametrize("cut", [True, False])
@pytest.mark.parametrize(("text", "withheld"), [("<tool_calls>", ""), ("<｜DSML｜tool_calls>", "<｜DSML｜tool_calls>")])
def test_the_beginning_of_markup_is_withheld_if_it_has_the_mark(text: str, withheld: str, cut: bool) -> None:
    scanner = MarkupScanner({"f": F}, [])
    assert scanner.feed(text) == ""
    ending = scanner.end(cut=cut)
    assert (ending.withheld, ending.text) == (withheld, "" if withheld else text)


@pytest.mark.parametrize(
    ("inside", "arguments"),
    [
        ('{"x": 1', '{"x": 1'),
        ('<｜DSML｜parameter name="s" string="true">Pa', '{"s": "Pa'),
        ("", "{"),
    ],
)
def test_an_unfinished_call_has_its_received_arguments(inside: str, arguments: str) -> None:
    scanner = MarkupScanner({"f": F}, [])
    scanner.feed(f'<｜DSML｜invoke name="f">{inside}')
    [call] = scanner.end(cut=True).calls
    assert call.arguments == arguments


TOOL = ToolSpec("f", "A tool.", {"type": "object", "properties": {"q": {"type": "string"}}})
BEGUN = '<｜DSML｜tool_calls>\n<｜DSML｜invoke name="f">\n'
ENDED = "\n</｜DSML｜invoke>\n</｜DSML｜tool_calls>"


def decoder(**options: Any) -> StreamDecoder:
    """A decoder of a streamed chat answer with one tool."""
    request = Client(api_key="k").prepare("Hi", {"tools": [TOOL], **options}, stream=True)
    return request.protocol.stream(request.context)


def replied(*texts: str, finish: str = "stop", **options: Any) -> Reply:
    """Return the reply to consecutive texts."""
    answer = decoder(**options)
    for text in texts:
        answer.feed(event({"content": text}))
    answer.feed(event({}, finish))
    [*_, end] = answer.feed(b"data: [DONE]\n\n")
    assert isinstance(end, StreamEnd)
    return end.reply


@pytest.mark.parametrize("recovery", ["ask", "off", "parse"])
def test_a_partial_reply_has_each_character_once(recovery: str) -> None:
    answer = decoder(recover_tool_calls=recovery)
    answer.feed(event({"content": "one <"}))
    assert answer.partial().content == "one <"


@pytest.mark.parametrize("text", ['{"q": "a <parameter> b"}', '{"q": "</parameter>"}'])
def test_a_tag_inside_the_json_of_a_leaked_call_belongs_to_the_json(text: str) -> None:
    [call] = replied(BEGUN + text + ENDED, recover_tool_calls="parse").tool_calls
    assert call.arguments == text


def test_the_arguments_of_a_truncated_leaked_call_are_joined_without_a_gap() -> None:
    [call] = replied(BEGUN + '{"q": "a', " b", " c", finish="length", recover_tool_calls="parse").invalid_tool_calls
    assert call.arguments.lstrip() == '{"q": "a b c'


def test_markup_in_a_joined_reply_is_reported() -> None:
    request = Client(api_key="k").prepare("Hi", {"tools": [TOOL]}, stream=False)
    begun = Reply("a", extra={"leaked_markup": {"found": 7}})
    reply = joined(begun, Reply(BEGUN + '{"q": "b"}' + ENDED, finish_reason="stop"))
    assert with_markup_report(reply, request.context).extra["leaked_markup"] == {"calls": 0, "found": 1, "at": 1}


@pytest.mark.parametrize("stray", ["<｜DSML｜parameter>", "more", "<｜DSML｜parameter>more"])
def test_what_does_not_belong_to_a_leaked_call_makes_it_invalid(stray: str) -> None:
    parameter = '<｜DSML｜parameter name="q" string="true">a</｜DSML｜parameter>'
    reply = replied(BEGUN + parameter + stray + ENDED, recover_tool_calls="parse")
    assert (len(reply.tool_calls), len(reply.invalid_tool_calls)) == (0, 1)
