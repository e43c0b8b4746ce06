"""Behaviour that depends on one line each, found by ``make mutants``: attempts, merged replies, names, limits."""

from __future__ import annotations

from typing import Any

import pytest

from deepseek_v4 import Client, DeepSeekOptions, NamedTool, Reply, StreamEnd, TextDelta, ToolSpec, errors
from deepseek_v4.protocols import StreamDecoder
from deepseek_v4.protocols.reasoning_details import merge_details
from deepseek_v4.protocols.think_tags import ThinkSplitter
from deepseek_v4.protocols.tool_names import ToolNames
from deepseek_v4.recovery.attempt_totals import describe, joined
from deepseek_v4.recovery.attempts import FailedAttempt, FallBack
from deepseek_v4.recovery.loops import arun, run
from deepseek_v4.recovery.policies import ReplyAttempts
from tests.unit.recovery.chat_bytes import event


def test_an_attempt_is_described_to_the_millisecond() -> None:
    failed: FailedAttempt[Reply] = FailedAttempt("transient", "503", 1.23456, errors.ServerError("x", status_code=503))
    assert describe(failed).seconds == 1.235
    assert describe(failed).status == 503


def test_a_joined_reply_keeps_the_id_and_model_of_its_beginning() -> None:
    begun = Reply("a", id="1", model="m")
    assert (joined(begun, Reply("b")).id, joined(begun, Reply("b")).model) == ("1", "m")
    assert joined(begun, Reply("b", id="2")).id == "2"


def test_a_fall_back_contains_its_detail() -> None:
    assert str(FallBack("error", "the second request failed")) == "the second request failed"


def test_names_that_are_sent_as_they_are() -> None:
    assert ToolNames(("plain",)).changes_none is True
    assert ToolNames(("not plain",)).changes_none is False


@pytest.mark.parametrize(("effort", "limit"), [("max", 131_072), ("xhigh", 65_536), ("high", 65_536)])
def test_the_default_limit_of_messages_follows_the_effort(effort: str, limit: int) -> None:
    client = Client(protocol="messages", api_key="k", reasoning_effort=effort)
    assert client.preview("Hi").body["max_tokens"] == limit


def test_what_follows_the_end_of_a_split_text_is_text() -> None:
    splitter = ThinkSplitter()
    assert splitter.feed("<th") == ("", "")
    assert splitter.close() == ("", "<th")
    assert splitter.feed("<think>x") == ("", "<think>x")


TOOL = ToolSpec("f", "A tool.", {"type": "object", "properties": {"q": {"type": "string"}}})
BEGUN = '<｜DSML｜tool_calls>\n<｜DSML｜invoke name="f">\n'
ENDED = "\n</｜DSML｜invoke>\n</｜DSML｜tool_calls>"


def decoder(**options: Any) -> StreamDecoder:
    """A decoder of a streamed chat answer with one tool."""
    options = {"provider": "deepseek", "tools": [TOOL], **options}
    client = Client(provider=options.pop("provider"), api_key="k", base_url="http://localhost:1/v1")
    request = client.prepare("Hi", options, stream=True)
    return request.protocol.stream(request.context)


def replied(*texts: str, finish: str = "stop", **options: Any) -> Reply:
    """The reply to texts that arrive one after another."""
    answer = decoder(**options)
    for text in texts:
        answer.feed(event({"content": text}))
    answer.feed(event({}, finish))
    [*_, end] = answer.feed(b"data: [DONE]\n\n")
    assert isinstance(end, StreamEnd)
    return end.reply


def test_a_field_of_a_reasoning_record_that_is_null_in_a_later_fragment_is_kept() -> None:
    first = {"type": "reasoning.text", "index": 0, "text": "a"}
    [record] = merge_details([first, {**first, "text": "b", "signature": None}])
    assert record == {**first, "text": "ab", "signature": None}


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


def test_a_call_that_the_request_does_not_allow_names_the_one_that_it_allows() -> None:
    answer = decoder(provider="llamacpp", tool_choice=NamedTool("f"), thinking=False)
    answer.feed(event({"tool_calls": [{"index": 0, "id": "1", "function": {"name": "g", "arguments": "{}"}}]}))
    answer.feed(event({}, "tool_calls"))
    [*_, end] = answer.feed(b"data: [DONE]\n\n")
    assert isinstance(end, StreamEnd)
    assert [call.error for call in end.reply.invalid_tool_calls] == ["the request allows a call of f only"]


@pytest.mark.parametrize(("length", "kept"), [(193, True), (194, False)])
def test_a_constraint_of_up_to_200_characters_stands_in_the_description(length: int, kept: bool) -> None:
    strict = ToolSpec("f", "", {"type": "object", "properties": {"q": {"type": "string", "format": "x" * length}}})
    body = Client(api_key="k", strict_tools=True).preview("Hi", tools=[strict]).body
    assert (f"format {'x' * length}" in str(body["tools"])) == kept


def test_the_stricter_of_two_rules_for_additional_properties_holds() -> None:
    one = {"type": "object", "properties": {"q": {"type": "string"}}, "additionalProperties": False}
    both = ToolSpec("f", "", {"allOf": [one, {**one, "additionalProperties": {"type": "string"}}]})
    body = Client(api_key="k", strict_tools=True).preview("Hi", tools=[both]).body
    assert body["tools"][0]["function"]["parameters"]["additionalProperties"] is False


def test_the_safety_check_is_sent() -> None:
    options = DeepSeekOptions(safety_check="high")
    assert Client(api_key="k", provider_options=options).preview("Hi").body["safety_check"] == {"level": "high"}


class Stream:
    """A stream of items, some of which are errors to raise, that counts how often it was closed."""

    def __init__(self, *items: Any) -> None:
        self.items = list(items)
        self.closed = 0

    def __iter__(self) -> Stream:
        return self

    def __next__(self) -> Any:
        if not self.items:
            raise StopIteration
        item = self.items.pop(0)
        if isinstance(item, Exception):
            raise item
        return item

    def __aiter__(self) -> Stream:
        return self

    async def __anext__(self) -> Any:
        try:
            return next(self)
        except StopIteration:
            raise StopAsyncIteration from None

    def close(self) -> None:
        self.closed += 1

    async def aclose(self) -> None:
        self.closed += 1


@pytest.mark.parametrize("way", ["sync", "async"])
async def test_a_stream_is_closed_before_the_next_request_is_sent(way: str) -> None:
    streams = [
        Stream(StreamEnd(Reply("", finish_reason="stop"))),
        Stream(StreamEnd(Reply("yes", finish_reason="stop"))),
    ]
    closed: list[int] = []

    def opened(request: Any) -> Stream:
        closed.append(streams[0].closed)
        return streams[len(closed) - 1]

    async def aopened(request: Any) -> Stream:
        return opened(request)

    attempts = ReplyAttempts(Client(api_key="k").prepare("Hi", {}, stream=True), 0.0)
    items = list(run(attempts, opened)) if way == "sync" else [item async for item in arun(attempts, aopened)]
    assert items[-1].reply.content == "yes"
    assert closed == [0, 1]
    assert [stream.closed for stream in streams] == [1, 1]


@pytest.mark.parametrize("way", ["sync", "async"])
async def test_nothing_is_read_from_a_stream_after_its_error(way: str) -> None:
    stream = Stream(TextDelta("a"), errors.StreamInterruptedError("x"), TextDelta("b"))

    async def aopened(request: Any) -> Stream:
        return stream

    attempts = ReplyAttempts(Client(api_key="k").prepare("Hi", {}, stream=True), 0.0)
    seen: list[Any] = []
    with pytest.raises(errors.StreamInterruptedError):
        if way == "sync":
            for item in run(attempts, lambda request: stream):
                seen.append(item)
        else:
            async for item in arun(attempts, aopened):
                seen.append(item)
    assert [item for item in seen if isinstance(item, TextDelta)] == [TextDelta("a")]
    assert stream.items == [TextDelta("b")]
