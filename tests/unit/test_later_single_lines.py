"""Behaviour that depends on one line each, found by ``make mutants``: attempts, merged replies, names, limits."""

from __future__ import annotations

import json
from typing import Any

import pytest

from deepseek_v4 import (
    Client,
    DeepSeekOptions,
    Message,
    NamedTool,
    Reply,
    ServerTool,
    StreamEnd,
    TextDelta,
    ToolCall,
    ToolSpec,
    errors,
)
from deepseek_v4.protocols import StreamDecoder, schema
from deepseek_v4.protocols.dialect import OptionSpec
from deepseek_v4.protocols.leaked_calls.report import with_markup_report
from deepseek_v4.protocols.reasoning_details import merge_details
from deepseek_v4.protocols.think_tags import ThinkSplitter
from deepseek_v4.protocols.tool_names import ToolNames
from deepseek_v4.recovery.attempt_totals import add_values, describe, joined
from deepseek_v4.recovery.attempts import FailedAttempt, FallBack
from deepseek_v4.recovery.policies import ReplyAttempts
from deepseek_v4.recovery.retry_loops import arun, run
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


def strict(schema: dict[str, Any]) -> dict[str, Any]:
    """The strict form of the parameters of a tool."""
    body = Client(api_key="k", strict_tools=True).preview("Hi", tools=[ToolSpec("f", "", schema)]).body
    parameters: dict[str, Any] = body["tools"][0]["function"]["parameters"]
    return parameters


def test_strict_tools_refuse_two_lists_of_choices() -> None:
    choices = {"anyOf": [{"type": "string"}, {"type": "integer"}], "oneOf": [{"type": "string"}, {"type": "null"}]}
    with pytest.raises(errors.UnsupportedError, match="does not support anyOf together with oneOf"):
        strict({"type": "object", "properties": {"q": choices}})


def test_strict_tools_refuse_properties_that_are_a_list() -> None:
    with pytest.raises(errors.UnsupportedError, match="parameters/properties: this must be an object of schemas"):
        strict({"type": "object", "properties": ["q"]})


@pytest.mark.parametrize(("low", "high"), [(0, 3), (3, 0)])
def test_the_higher_of_two_lower_bounds_holds(low: int, high: int) -> None:
    parts = [{"type": "integer", "minimum": low}, {"type": "integer", "minimum": high}]
    assert strict({"type": "object", "properties": {"q": {"allOf": parts}}, "required": ["q"]})["properties"] == {
        "q": {"type": "integer", "minimum": 3}
    }


def test_a_schema_that_is_used_twice_by_another_one_is_shortened_to_a_definition() -> None:
    inner = {"type": "object", "properties": {"z": {"type": "string", "description": "A long description."}}}
    twice = {"type": "object", "properties": {"x": {"$ref": "#/$defs/C"}, "y": {"$ref": "#/$defs/C"}}}
    whole = {"type": "object", "properties": {"b": {"$ref": "#/$defs/B"}}, "$defs": {"B": twice, "C": inner}}
    assert schema.compact(whole) == {
        "type": "object",
        "properties": {"b": twice},
        "$defs": {"C": inner},
    }


def test_a_reference_that_does_not_exist_allows_every_value() -> None:
    broken = {"type": "object", "properties": {"a": {"$ref": "#/$defs/none"}}, "required": ["a"]}
    assert schema.remove_added_nulls({"a": None, "b": 1}, broken) == {"a": None, "b": 1}


def test_a_longest_text_is_part_of_the_range() -> None:
    assert OptionSpec("x", longest=5).range() == "at most 5 characters"


def test_a_web_search_without_options_has_no_parameters() -> None:
    body = Client(provider="openrouter", api_key="k", web_search={}).preview("Hi").body
    assert body["tools"] == [{"type": "openrouter:web_search"}]


def test_markup_in_a_joined_reply_is_reported() -> None:
    request = Client(api_key="k").prepare("Hi", {"tools": [TOOL]}, stream=False)
    begun = Reply("a", extra={"leaked_markup": {"found": 7}})
    reply = joined(begun, Reply(BEGUN + '{"q": "b"}' + ENDED, finish_reason="stop"))
    assert with_markup_report(reply, request.context).extra["leaked_markup"] == {"calls": 0, "found": 1, "at": 1}


def test_log_probabilities_of_endpoints_that_have_a_number_only_are_noted() -> None:
    notes = Client(protocol="responses", api_key="k", logprobs=True).preview("Hi").notes
    assert [note.kind for note in notes if note.option == "logprobs"] == ["translated"]


def test_a_latest_reminder_is_a_system_message_elsewhere() -> None:
    messages = [Message.user("Hi"), Message("latest_reminder", "Be short.")]
    body = Client(provider="vllm", base_url="http://localhost:1/v1").preview(messages).body
    assert [message["role"] for message in body["messages"]] == ["user", "system"]


def test_a_call_to_another_provider_does_not_use_the_variable_of_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "sk-of-the-model")
    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-of-openrouter")
    request = Client(api_key_variable="MY_KEY").prepare("Hi", {"provider": "openrouter"}, stream=False)
    assert request.http.key is not None
    assert request.http.key.get_secret_value() == "sk-of-openrouter"
    assert request.options.api_key_variable is None


def messages_reply(*blocks: tuple[dict[str, Any], list[dict[str, Any]]]) -> Reply:
    """The reply to a stream of Messages with these blocks and their deltas."""
    request = Client(protocol="messages", api_key="k").prepare("Hi", {"tools": [TOOL]}, stream=True)
    answer = request.protocol.stream(request.context)
    begun = {"id": "1", "type": "message", "role": "assistant", "model": "m", "content": [], "usage": {}}
    events: list[dict[str, Any]] = [{"type": "message_start", "message": begun}]
    for index, (block, deltas) in enumerate(blocks):
        events.append({"type": "content_block_start", "index": index, "content_block": block})
        events.extend({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas)
        events.append({"type": "content_block_stop", "index": index})
    events.append({"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 1}})
    events.append({"type": "message_stop"})
    deltas = [delta for each in events for delta in answer.feed(b"data: " + json.dumps(each).encode() + b"\n\n")]
    assert isinstance(deltas[-1], StreamEnd)
    return deltas[-1].reply


def test_arguments_that_arrive_in_pieces_are_not_repeated_from_the_start_of_their_block() -> None:
    block = {"type": "tool_use", "id": "1", "name": "f", "input": {"q": "first"}}
    piece = {"type": "input_json_delta", "partial_json": '{"q": "second"}'}
    assert [call.arguments for call in messages_reply((block, [piece])).tool_calls] == ['{"q": "second"}']
    assert [call.arguments for call in messages_reply((block, [])).tool_calls] == ['{"q": "first"}']


@pytest.mark.parametrize("stray", ["<｜DSML｜parameter>", "more", "<｜DSML｜parameter>more"])
def test_what_does_not_belong_to_a_leaked_call_makes_it_invalid(stray: str) -> None:
    parameter = '<｜DSML｜parameter name="q" string="true">a</｜DSML｜parameter>'
    reply = replied(BEGUN + parameter + stray + ENDED, recover_tool_calls="parse")
    assert (len(reply.tool_calls), len(reply.invalid_tool_calls)) == (0, 1)


def test_usage_of_different_kinds_is_not_added() -> None:
    assert add_values({"a": 1, "b": {"c": 1}}, {"a": 2, "b": None}) == {"a": 3, "b": {"c": 1}}
    assert add_values({"a": {"c": 1}}, {"a": 5}) == {"a": 5}


@pytest.mark.parametrize(
    ("arguments", "sent"),
    [('{"input": "a"}', "a"), ("plain", "plain"), ("[1]", "[1]"), ('{"input": 1}', '{"input": 1}')],
)
def test_a_custom_tool_receives_its_input_or_the_whole_arguments(arguments: str, sent: str) -> None:
    messages = [Message.user("Hi"), Message("assistant", "", tool_calls=(ToolCall("1", "run", arguments),))]
    messages.append(Message.tool("done", "1"))
    custom = ServerTool({"type": "custom", "name": "run"})
    body = Client(provider="openrouter", protocol="responses", api_key="k").preview(messages, tools=[custom]).body
    assert [item["input"] for item in body["input"] if item.get("type") == "custom_tool_call"] == [sent]
