"""Single parts of answers: counts, finish reasons, calls, records, limits."""

from __future__ import annotations

import json
import warnings
from typing import Any

import pytest

from deepseek_v4 import (
    Client,
    Message,
    Reasoning,
    ReasoningDelta,
    Reply,
    TextDelta,
    ToolSpec,
    errors,
    openai_compatible,
)
from deepseek_v4.protocols import reasoning_details
from deepseek_v4.protocols.leaked_calls.report import with_markup_report
from deepseek_v4.recovery.attempt_totals import joined
from deepseek_v4.values.http import HttpResponse
from deepseek_v4.values.response_limits import ResponseLimits
from tests.unit.protocols.chat import wire
from tests.unit.protocols.wire_examples import (
    RESPONSES_USAGE,
    decoded,
    message_item,
    response,
)

R, M = "responses", "messages"
CALL = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def reply_to(answer: Any, messages: Any = "Hi", *, stream: bool = False, **options: Any) -> Reply:
    """Return the reply to an answer of a provider, for a request with these options."""
    request = Client(api_key="sk-test").prepare(messages, options, stream=stream)
    decoder = request.protocol.stream(request.context)
    data = answer if isinstance(answer, bytes) else b"data: " + json.dumps(answer).encode() + b"\n\n"
    deltas = [*decoder.feed(data), *decoder.close()]
    return deltas[-1].reply  # type: ignore[union-attr]


def complete_reply(answer: Any, messages: Any = "Hi", **options: Any) -> Reply:
    """Return the reply to a complete answer."""

    request = Client(api_key="sk-test").prepare(messages, options, stream=False)
    return request.protocol.decode(HttpResponse(200, {}, json.dumps(answer).encode()), request.context)


# -- Chat Completions ------------------------------------------------------------------------------------------------


def test_a_beginning_that_deepseek_does_not_repeat_is_not_removed() -> None:
    begun = [Message.user("Hi"), Message("assistant", "It", prefix=True)]
    assert complete_reply(wire.body({"content": "It is."}), begun).content == "It is."


def test_thoughts_in_tags_end_before_calls_and_with_the_answer() -> None:
    host = openai_compatible("mine", "https://llm.example.com/v1", think_tags=True)
    options: dict[str, Any] = {"provider": host, "model": "m"}
    client = Client(**options, api_key="k")
    request = client.prepare("Hi", {}, stream=True)
    decoder = request.protocol.stream(request.context)
    deltas = decoder.feed(wire.event(wire.chunk({"content": "<think>Hm.</think>It <thi"})))
    assert deltas == [ReasoningDelta("Hm."), TextDelta("It <thi")]
    assert decoder.partial().reasoning == Reasoning("Hm.")
    begun = request.protocol.stream(request.context)
    assert begun.feed(wire.event(wire.chunk({"content": "<thi"}))) == []
    deltas = begun.feed(wire.event(wire.chunk({"tool_calls": [{"index": 0, **CALL}]})))
    assert deltas[0] == TextDelta("<thi")
    for text, thought, content in (("<think></think>Hi", "", "Hi"), ("<think>Hm.", "Hm.", ""), ("Hi", None, "Hi")):
        body = wire.body({"content": text})
        reply = request.protocol.stream(request.context)
        deltas = reply.feed(wire.stream(wire.chunk({"content": text}), wire.chunk({}, "stop")))
        streamed = deltas[-1].reply  # type: ignore[union-attr]

        complete = request.protocol.decode(HttpResponse(200, {}, json.dumps(body).encode()), request.context)
        for one in (streamed, complete):
            assert one.content == content
            assert (None if one.reasoning is None else one.reasoning.text) == thought


def test_an_error_after_the_end_of_an_answer_is_recorded_only() -> None:
    error = {"message": "late"}
    for late in ({"error": error}, wire.chunk({}, None, error=error)):
        reply = wire.folded(wire.stream(wire.chunk({"content": "x"}, "stop"), late))
        assert (reply.content, reply.extra["error"]) == ("x", error)
    with pytest.raises(errors.DeepSeekError, match="early"):
        wire.deltas_of(wire.stream({"error": {"message": "early"}}))
    with pytest.raises(errors.DeepSeekError, match="early"):
        wire.deltas_of(wire.stream({"object": "error", "message": "early"}))


@pytest.mark.parametrize(("arguments", "text"), [({"x": 1}, '{"x":1}'), (None, "{}"), ('{"x": 1}', '{"x": 1}')])
def test_arguments_may_be_an_object(arguments: Any, text: str) -> None:
    call = {**CALL, "function": {"name": "f", "arguments": arguments}}
    for reply in (
        wire.decode(wire.body({"tool_calls": [call]}, "tool_calls")),
        wire.folded(wire.stream(wire.chunk({"tool_calls": [{"index": 0, **call}]}), wire.chunk({}, "tool_calls"))),
    ):
        assert [one.arguments for one in reply.tool_calls] == [text]


# -- what every protocol shares --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("usage", "wrong"),
    [
        ({"prompt_tokens_details": {"cached_tokens": 2**54}}, "a token count must be an integer"),
        ({"completion_tokens_details": {"reasoning_tokens": -(2**54)}}, "a token count must be an integer"),
    ],
)
def test_a_count_that_is_not_a_count_is_refused(usage: dict[str, Any], wrong: str) -> None:
    counted = {name: value for name, value in wire.USAGE.items() if "cache" not in name}
    with pytest.raises(errors.MalformedResponseError, match=wrong):
        wire.decode(wire.body({"content": "x"}, usage={**counted, **usage}))


def test_a_finish_reason_that_is_not_text_is_refused_and_an_unknown_one_is_kept() -> None:
    with pytest.raises(errors.MalformedResponseError, match="a finish reason must be text, not int"):
        wire.decode(wire.body({"content": "x"}, 1))  # type: ignore[arg-type]
    assert wire.decode(wire.body({"content": "x"}, "STOP")).finish_reason == "stop"
    assert wire.decode(wire.body({"content": "x"}, "Other")).finish_reason == "Other"


@pytest.mark.parametrize(
    ("parts", "joined"),
    [
        (["a", "b"], "ab"),
        ([["a"], ["b", "c"]], ["a", "b", "c"]),
        ([1, 2], 2),
        (["a", ["b"]], ["b"]),
        ([["a"], "b"], "b"),
        (["a"], "a"),
    ],
)
def test_a_field_that_is_not_known_is_joined_from_its_parts(parts: list[Any], joined: Any) -> None:
    reply = wire.folded(wire.stream(*(wire.chunk({"other": part}) for part in parts), wire.chunk({}, "stop")))
    assert reply.extra["other"] == joined


def test_annotations_are_a_list_of_objects() -> None:
    one = {"type": "url_citation"}
    assert wire.decode(wire.body({"content": "x", "annotations": [one, "x", None]})).annotations == (one,)
    assert wire.decode(wire.body({"content": "x", "annotations": {"type": "x"}})).annotations == ()


@pytest.mark.parametrize(
    ("finish", "usage", "error"),
    [
        ("stop", None, None),
        ("tool_calls", None, None),
        ("length", None, "reached the output limit; raise max_tokens"),
        ("tool_calls", 10, "reached the output limit; raise max_tokens"),
        ("tool_calls", 9, None),
        ("other", None, "ended with finish reason 'other'"),
        (None, None, "ended without a finish reason"),
    ],
)
def test_the_last_call_is_valid_if_the_answer_ended_by_itself(
    finish: str | None, usage: int | None, error: str | None
) -> None:
    counts = {} if usage is None else {"usage": {"prompt_tokens": 1, "completion_tokens": usage}}
    calls = [CALL, {**CALL, "id": "b"}]
    reply = complete_reply(wire.body({"tool_calls": calls}, finish, **counts), max_tokens=10, thinking=False)
    assert [call.id for call in reply.tool_calls] == (["a", "b"] if error is None else ["a"])
    assert [call.error.endswith(error or "") for call in reply.invalid_tool_calls] == [True] * (error is not None)
    assert [call.position for call in reply.invalid_tool_calls] == [1] * (error is not None)


@pytest.mark.parametrize(
    ("name", "arguments", "error"),
    [
        ("", "{}", "the call has no function name"),
        ("f", "[1]", "the arguments are not a JSON object"),
        ("f", "{", "the arguments are not valid JSON"),
        ("f", "", None),
    ],
)
def test_a_call_that_must_not_be_run_has_a_reason(name: str, arguments: str, error: str | None) -> None:
    call = {**CALL, "function": {"name": name, "arguments": arguments}}
    reply = wire.decode(wire.body({"tool_calls": [call]}, "tool_calls"))
    assert [one.error for one in reply.invalid_tool_calls] == ([] if error is None else [error])
    assert [one.arguments for one in reply.tool_calls] == (["{}"] if error is None else [])


def test_the_limits_of_a_response_are_named() -> None:
    limits = ResponseLimits(stream_bytes=200, tool_calls=1)
    calls = {"tool_calls": [CALL, {**CALL, "id": "b"}]}
    with pytest.raises(errors.MalformedResponseError, match="tool_calls"):
        complete_reply(wire.body(calls, "tool_calls"), response_limits=limits)
    with pytest.raises(errors.MalformedResponseError, match="stream_bytes") as caught:
        reply_to(wire.event({**wire.chunk({"content": "x"}), "model": "m" * 200}), stream=True, response_limits=limits)
    assert caught.value.provider == "deepseek"
    assert caught.value.partial is not None
    small = b'data: {"choices": [{"delta": {"content": "x"}, "finish_reason": "stop"}]}\n\n'
    done = b"data: [DONE]\n\n"
    exact = ResponseLimits(stream_bytes=len(small + done))
    assert reply_to(small + done, stream=True, response_limits=exact).content == "x"
    late = wire.event(wire.chunk({"content": "y"}))
    with pytest.raises(errors.MalformedResponseError) as caught:  # the event after the limit is not read
        reply_to(small + late, stream=True, response_limits=ResponseLimits(stream_bytes=len(small) + 1))
    assert caught.value.partial is not None
    assert caught.value.partial.content == "x"
    assert reply_to(small + done + b": late\n\n" * 99, stream=True, response_limits=exact).content == "x"


@pytest.mark.parametrize(
    ("items", "kept"),
    [
        ([], ()),
        ([{"type": "text"}], ()),
        ([{"type": "call"}, {"type": "text"}], ()),
        ([{"type": "call"}, {"type": "other"}, {"type": "text"}], ({"type": "other"},)),
        ([{"type": "text"}, {"type": "other"}], ({"type": "text"}, {"type": "other"})),
        (
            [{"type": "other"}, {"type": "text", "citations": [1]}, {"type": "text"}],
            ({"type": "other"}, {"type": "text", "citations": [1]}),
        ),
    ],
)
def test_a_record_has_what_the_text_and_the_calls_do_not(items: Any, kept: Any) -> None:
    assert reasoning_details.details_to_store(items, text="text", calls=frozenset({"call"})) == kept


@pytest.mark.parametrize(
    ("details", "protocol"),
    [
        ([], None),
        ([{"type": 1}, {"type": "reasoning.text"}], "chat_completions"),
        ([{"type": "chat.fields"}], "chat_completions"),
        ([{"type": "text"}], "messages"),
        ([{"type": "redacted_thinking"}], "messages"),
        ([{"type": "web_search_tool_result"}], "messages"),
        ([{"type": "server_tool_use"}], "messages"),
        ([{"type": "message"}], "responses"),
        ([{"type": "web_search_call"}], "responses"),
        ([{"type": "x_call_output"}], "responses"),
        ([{"type": "other"}], None),
        ([{"type": "other"}, {"type": "thinking"}], "messages"),
    ],
)
def test_a_record_belongs_to_one_protocol(details: Any, protocol: str | None) -> None:
    assert reasoning_details.detect_protocol(details) == protocol
    known = reasoning_details.details_for_protocol(Reasoning("x", tuple(details)), protocol or "messages")
    assert known == (tuple(each for each in details if each["type"] != "chat.fields") if protocol else ())
    assert reasoning_details.details_for_protocol(None, "messages") == ()


def test_the_readable_text_of_a_record() -> None:
    details = ({"type": "reasoning.text", "text": "a"}, {"summary": "b"}, {"data": "x"}, {"text": ["x"]})
    assert reasoning_details.readable(Reasoning(None, details)) == "ab"
    assert reasoning_details.readable(Reasoning("", details)) == ""
    assert reasoning_details.readable(Reasoning(None, ({"data": "x"},))) is None
    assert reasoning_details.readable(Reasoning(None)) is None
    assert reasoning_details.readable(None) is None


F = ToolSpec("f", "", {"type": "object", "properties": {"x": {"type": "string"}, "y": {"type": "integer"}}})


@pytest.mark.parametrize(
    ("arguments", "restored"),
    [('{"x":null,"y":1}', '{"y": 1}'), ('{"x":"é","y":null}', '{"x": "é"}'), ('{"x":"a","y":1}', '{"x":"a","y":1}')],
)
@pytest.mark.parametrize("stream", [True, False])
def test_nulls_that_only_strict_mode_allows_are_removed(stream: bool, arguments: str, restored: str) -> None:
    call = {**CALL, "function": {"name": "f", "arguments": arguments}}
    options: dict[str, Any] = {"tools": [F], "strict_tools": True}
    if stream:
        chunks = [wire.chunk({"tool_calls": [{"index": 0, **call}]}), wire.chunk({}, "tool_calls")]
        reply = reply_to(wire.stream(*chunks), stream=True, **options)
    else:
        reply = complete_reply(wire.body({"tool_calls": [call]}, "tool_calls"), **options)
    assert [one.arguments for one in reply.tool_calls] == [restored]


def test_usage_of_responses_is_read() -> None:
    reply = decoded(response(message_item("x"), usage={**RESPONSES_USAGE, "input_tokens_details": None}), R)
    assert reply.usage is not None
    assert (reply.usage.input_tokens, reply.usage.cached_tokens, reply.usage.reasoning_tokens) == (460, None, 37)


@pytest.mark.parametrize(
    ("usage", "read"),
    [
        ({}, (0, 0, None, None, None)),
        (
            {"prompt_tokens": 5.0, "completion_tokens": 3.0, "cached_tokens": 2.0, "reasoning_tokens": 1.0},
            (5, 3, 2, None, 1),
        ),
        ({"input_tokens": 5, "output_tokens": 3, "prompt_cache_hit_tokens": 2}, (5, 3, 2, None, None)),
        (
            {"input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2.0}, "cached_tokens": 1},
            (0, 0, 4, 2, None),
        ),
        ({"prompt_tokens_details": {"cached_tokens": 0}, "prompt_cache_hit_tokens": 7}, (0, 0, 0, None, None)),
        ({"cached_tokens": 0, "prompt_cache_hit_tokens": 7}, (0, 0, 0, None, None)),
        ({"output_tokens_details": {"reasoning_tokens": 0}, "reasoning_tokens": 7}, (0, 0, None, None, 0)),
        ({"completion_tokens_details": {"reasoning_tokens": 6}}, (0, 0, None, None, 6)),
    ],
)
def test_token_counts_are_read_under_every_name(usage: dict[str, Any], read: tuple[int | None, ...]) -> None:
    found = wire.DEEPSEEK.decode_usage(usage)
    assert read == (
        found.input_tokens,
        found.output_tokens,
        found.cached_tokens,
        found.cache_write_tokens,
        found.reasoning_tokens,
    )
    assert (found.extra, found.cost) == (usage, None)


@pytest.mark.parametrize(
    ("messages", "text"),
    [
        ([Message.user("Hi"), Message("assistant", "It", prefix=True)], " is."),
        ([Message.user("It")], "It is."),
        ([Message.user("Hi"), Message("assistant", "It"), Message.user("It")], "It is."),
    ],
)
def test_only_the_message_that_is_continued_is_removed_from_an_answer(messages: Any, text: str) -> None:
    assert complete_reply(wire.body({"content": "It is."}), messages, provider="llamacpp").content == text


@pytest.mark.parametrize("recovery", ["parse", "ask", "off"])
def test_an_answer_that_the_provider_aborted_has_each_character_once(recovery: str) -> None:
    chunks = [wire.chunk({"content": "a <"}), wire.chunk({}, "insufficient_system_resource")]
    with pytest.raises(errors.DeepSeekError) as caught:
        reply_to(wire.stream(*chunks), stream=True, tools=[F], recover_tool_calls=recovery)
    assert caught.value.partial is not None
    assert caught.value.partial.content == "a <"


def test_fields_that_are_not_known_are_a_record_with_their_calls_counted() -> None:
    message = {"content": "x", "searches": [{"type": "web_search_call", "status": "completed"}], "note": "n"}
    reply = wire.decode(wire.body(message, usage=wire.USAGE))
    fields = {"searches": message["searches"], "note": "n"}
    assert reply.reasoning == Reasoning(None, ({"type": "chat.fields", "fields": fields},))
    assert reply.usage is not None
    assert reply.usage.server_tool_calls == 1
    streamed = wire.deltas_of(wire.stream(wire.chunk(message), wire.chunk({}, "stop")))
    assert streamed[-2] == ReasoningDelta("", ({"type": "chat.fields", "fields": fields},))
    assert wire.decode(wire.body({"content": "x"})).reasoning is None


def test_fields_of_an_event_next_to_its_choice_are_kept() -> None:
    chunk = wire.chunk({"content": "x"}, "stop", service_tier="flex")
    assert wire.folded(wire.stream(chunk)).extra == {"service_tier": "flex"}
    alone = {"choices": [], "usage": wire.USAGE, "late": 1}
    reply = wire.folded(wire.stream(wire.chunk({"content": "x"}, "stop"), alone))
    assert (reply.extra, reply.usage is not None) == ({"late": 1}, True)


def test_fields_of_an_event_in_the_middle_are_not_kept() -> None:
    chunks = [wire.chunk({"content": "x"}), wire.chunk({"content": "y"}, obfuscation="q"), wire.chunk({}, "stop")]
    assert wire.folded(wire.stream(*chunks)).extra == {}


def test_fragments_without_an_index_are_joined_if_they_can_be_read() -> None:
    def merged(**field: str) -> int:
        return len(reasoning_details.merge_details([{"type": "t", **field}, {"type": "t", **field}]))

    assert (merged(text="a"), merged(summary="a"), merged(data="a"), merged(other="a")) == (1, 1, 2, 2)
    first = {"type": "t", "index": 0, "text": "a", "signature": "s", "format": None}
    later = {**first, "text": None, "signature": "z", "format": "f", "new": None}
    assert reasoning_details.merge_details([first, later]) == ({**later, "text": "a"},)


def test_parts_of_a_reply_are_joined() -> None:
    begun = Reply("ab", id="1", model="m", logprobs={"content": [1], "x": [3]}, annotations=({"n": 1},))
    part = Reply("c", model="n", logprobs={"content": [2]}, extra={"leaked_markup": {"found": 1, "at": 1}})
    joined_reply = joined(begun, part)
    assert (joined_reply.content, joined_reply.id, joined_reply.model) == ("abc", "1", "n")
    assert joined_reply.logprobs == {"content": [1, 2], "x": [3]}
    assert joined_reply.extra == {"leaked_markup": {"found": 1, "at": 3}}
    marked = Reply("ab", extra={"leaked_markup": {"found": 2, "at": 0}, "own": 1})
    assert joined(marked, part).extra == {"leaked_markup": {"found": 2, "at": 0}, "own": 1}
    assert joined(begun, Reply("c", extra={"leaked_markup": {"calls": 1}})).extra == {"leaked_markup": {"calls": 1}}
    assert joined(Reply("a", logprobs={"content": [1]}), Reply("b")).logprobs == {"content": [1]}
    assert joined(Reply("a"), Reply("b", logprobs={"content": [1]})).logprobs == {"content": [1]}


def test_a_joined_reply_is_searched_again() -> None:
    request = Client(api_key="sk-test").prepare("Hi", {"tools": [F]}, stream=False)
    old = Reply("plain", extra={"leaked_markup": {"found": 1}, "own": 1})
    assert with_markup_report(old, request.context).extra == {"own": 1}
    off = Client(api_key="sk-test").prepare("Hi", {}, stream=False)
    assert with_markup_report(old, off.context) is old


@pytest.mark.parametrize("text", ["plain", "a < b", "DSM and think"])
def test_text_without_markup_has_no_warning(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert complete_reply(wire.body({"content": text}), provider="vllm", thinking=False).content == text
