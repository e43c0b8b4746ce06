"""Parts of answers that each decide one thing: counts of searches, finish reasons, records, parts seen before."""

from __future__ import annotations

import json
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
from deepseek_v4.values.http import HttpResponse
from deepseek_v4.values.reply import RefusalDelta
from deepseek_v4.values.response_limits import ResponseLimits
from tests.unit.protocols.chat import wire
from tests.unit.protocols.wire_examples import (
    MESSAGES_USAGE,
    RESPONSES_USAGE,
    call_item,
    decoded,
    deltas_of,
    folded,
    message,
    message_events,
    message_item,
    reasoning_item,
    response,
    response_events,
    search_item,
    sse,
    text_block,
    thinking_block,
    use_block,
)

R, M = "responses", "messages"
CALL = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def asked(answer: Any, messages: Any = "Hi", *, stream: bool = False, **options: Any) -> Reply:
    """The reply to an answer of a provider, for a request with these options."""
    request = Client(api_key="sk-test").prepare(messages, options, stream=stream)
    decoder = request.protocol.stream(request.context)
    data = answer if isinstance(answer, bytes) else b"data: " + json.dumps(answer).encode() + b"\n\n"
    deltas = [*decoder.feed(data), *decoder.close()]
    return deltas[-1].reply  # type: ignore[union-attr]


def whole(answer: Any, messages: Any = "Hi", **options: Any) -> Reply:
    """The reply to a complete answer."""

    request = Client(api_key="sk-test").prepare(messages, options, stream=False)
    return request.protocol.decode(HttpResponse(200, {}, json.dumps(answer).encode()), request.context)


# -- tools that the provider ran -------------------------------------------------------------------------------------

RESULT = {"type": "web_search_tool_result", "tool_use_id": "s", "content": [{"type": "web_search_result"}]}
USE = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "q"}}


@pytest.mark.parametrize(
    ("items", "count"),
    [
        ([], None),
        ([search_item()], 1),
        ([search_item("a"), search_item("b")], 2),
        ([{**search_item(), "status": "failed"}], None),
        ([{**search_item(), "status": None}], 1),
        ([{"type": "other", "id": "o", "status": "completed"}], None),
    ],
)
def test_searches_are_counted_if_they_were_completed(items: list[Any], count: int | None) -> None:
    output = (*items, message_item("It is 21."))
    for reply in (decoded(response(*output), R), folded(sse(response_events(*output)), R)):
        assert reply.usage is not None
        assert reply.usage.server_tool_calls == count
        assert reply.extra.get("output") == (items or None)


@pytest.mark.parametrize(
    ("blocks", "count"),
    [
        ([USE, RESULT], 1),
        ([USE, {**RESULT, "content": {"type": "web_search_tool_result_error"}}], None),
        ([USE, {**RESULT, "content": []}], None),
        ([USE], None),
    ],
)
def test_searches_are_counted_if_they_have_results(blocks: list[Any], count: int | None) -> None:
    content = (*blocks, text_block("It is 21."))
    for reply in (decoded(message(*content), M), folded(sse(message_events(*content)), M)):
        assert reply.usage is not None
        assert reply.usage.server_tool_calls == count
        assert reply.extra["content"] == blocks
        assert reply.reasoning == Reasoning(None, tuple(blocks))


@pytest.mark.parametrize(
    ("usage", "count"),
    [
        ({"server_tool_use": {"web_search_requests": 3}}, 3),
        ({"server_tool_use": {"web_search_requests": 3, "web_fetch_requests": 2, "other": 9}}, 5),
        ({"server_tool_use": {"web_search_requests": "3"}}, 0),
        ({"server_tool_use": {}}, 0),
        ({"server_tool_use": None}, 1),
    ],
)
def test_the_providers_own_count_of_searches_is_used_if_there_is_one(usage: dict[str, Any], count: int) -> None:
    reply = decoded(message(USE, RESULT, text_block("x"), usage={**MESSAGES_USAGE, **usage}), M)
    assert reply.usage is not None
    assert reply.usage.server_tool_calls == count


# -- Responses -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "details", "limit", "finish"),
    [
        ("completed", None, None, "stop"),
        ("completed", None, 82, "stop"),
        ("incomplete", {"reason": "max_output_tokens"}, None, "length"),
        ("incomplete", {"reason": "content_filter"}, None, "content_filter"),
        ("incomplete", {"reason": "stop"}, None, "stop"),
        ("incomplete", {"reason": "completed"}, None, "completed"),
        ("incomplete", {}, None, "incomplete"),
        ("incomplete", None, None, "incomplete"),
        (None, None, None, None),
    ],
)
def test_the_status_of_a_response_is_its_finish_reason(
    status: str | None, details: Any, limit: int | None, finish: str | None
) -> None:
    answer = response(message_item("Yes."), status=status, incomplete_details=details)  # type: ignore[arg-type]
    assert whole(answer, protocol=R, max_tokens=limit).finish_reason == finish


def test_an_incomplete_answer_with_calls_does_not_end_by_itself() -> None:
    reply = decoded(response(call_item("f", "{}"), status="incomplete"), R)
    assert reply.finish_reason == "incomplete"
    assert [call.name for call in reply.invalid_tool_calls] == ["f"]


def test_a_failed_response_without_a_reason_is_an_error_that_reports_so() -> None:
    for body in (response(status="failed"), {"status": "failed"}):
        with pytest.raises(errors.DeepSeekError, match="reported a failed response without a reason"):
            decoded(body, R)
    with pytest.raises(errors.DeepSeekError, match="too busy"):
        decoded(response(status="failed", error={"message": "too busy", "code": "server_error"}), R)
    with pytest.raises(errors.DeepSeekError, match="too busy"):
        deltas_of(sse([{"type": "error", "message": "too busy"}]), R)
    with pytest.raises(errors.DeepSeekError, match="without a reason"):
        deltas_of(sse([{"type": "response.failed", "response": {}}]), R)


REFUSAL = {"type": "refusal", "refusal": "I cannot."}
REFUSED = {"type": "message", "id": "m1", "content": [REFUSAL, {"type": "output_text", "text": "Sorry."}]}


@pytest.mark.parametrize("pieces", [[], ["I "], ["I ", "cannot."]])
def test_each_part_of_a_message_is_read_once(pieces: list[str]) -> None:
    at = {"output_index": 0, "item_id": "m1"}
    events = [{"type": "response.refusal.delta", **at, "content_index": 0, "delta": piece} for piece in pieces]
    events.append({"type": "response.output_text.delta", **at, "content_index": 1, "delta": "Sor"})
    end = [{"type": "response.completed", "response": response(REFUSED)}]
    deltas = deltas_of(sse([*events, *end]), R)
    assert "".join(delta.text for delta in deltas if isinstance(delta, RefusalDelta)) == "I cannot."
    assert "".join(delta.text for delta in deltas if type(delta) is TextDelta) == "Sorry."
    reply = deltas[-1].reply  # type: ignore[union-attr]
    assert (reply.refusal, len(reply.content)) == ("I cannot.", len("I cannot.Sorry."))
    assert decoded(response(REFUSED), R).content == "I cannot.Sorry."


def test_an_event_of_a_part_without_a_number_belongs_to_the_first() -> None:
    events = [
        {"type": "response.output_text.delta", "output_index": 0, "delta": "It "},
        {"type": "response.completed", "response": response(message_item("It is."))},
    ]
    assert folded(sse(events), R).content == "It is."
    begun = {"type": "response.refusal.delta", "output_index": 0, "delta": "I "}
    assert folded(sse([begun, {**events[1], "response": response(REFUSED)}]), R).content == "I cannot.Sorry."
    thought = {"type": "response.reasoning_text.delta", "output_index": 0, "delta": "H"}
    ended = {**events[1], "response": response(reasoning_item("Hm."))}
    assert folded(sse([thought, ended]), R).reasoning.text == "Hm."  # type: ignore[union-attr]
    summed = {"type": "response.reasoning_summary_text.delta", "output_index": 0, "delta": "H"}
    summary = reasoning_item(None, summary=[{"type": "summary_text", "text": "Hm."}])
    ended = {**events[1], "response": response(summary)}
    assert folded(sse([summed, ended]), R).reasoning.text == "Hm."  # type: ignore[union-attr]


def test_an_item_without_content_has_no_text() -> None:
    empty = {"type": "message", "id": "m1", "content": None}
    assert decoded(response(empty, message_item("Yes.", "m2")), R).content == "Yes."
    assert decoded(response({"type": "reasoning", "id": "r"}), R).reasoning == Reasoning(
        "", ({"type": "reasoning", "id": "r"},)
    )


def test_log_probabilities_of_a_part_are_read_once() -> None:
    first, second = {"token": "It", "logprob": -0.1}, {"token": " is", "logprob": -0.2}
    event = {
        "type": "response.output_text.delta",
        "output_index": 0,
        "content_index": 0,
        "delta": "It",
        "logprobs": [first],
    }
    item = message_item("It is", logprobs=[first, second])
    ended = {"type": "response.completed", "response": response(item)}
    assert folded(sse([event, ended]), R).logprobs == {"content": [first, second]}


def test_an_item_that_is_done_is_read_before_the_response_ends() -> None:
    done = {"type": "response.output_item.done", "output_index": 0, "item": message_item("It is.")}
    assert [delta for delta in deltas_after(R, [done]) if isinstance(delta, TextDelta)] == [TextDelta("It is.")]
    done = {"type": "response.output_item.done", "output_index": 0, "item": call_item("f", "{}")}
    assert [(d.name, d.arguments) for d in deltas_after(R, [done])] == [("f", ""), (None, "{}")]


def deltas_after(protocol: str, events: list[dict[str, Any]]) -> list[Any]:
    """The deltas of the beginning of a stream."""
    request = Client(api_key="sk-test", protocol=protocol).prepare("Hi", {}, stream=True)
    return request.protocol.stream(request.context).feed(sse(events))


def test_arguments_of_an_item_that_was_never_added_are_read_at_its_end() -> None:
    stray = {"type": "response.function_call_arguments.delta", "output_index": 0, "delta": "{"}
    ended = {"type": "response.completed", "response": response(call_item("f", "{}"))}
    assert [call.arguments for call in folded(sse([stray, ended]), R).tool_calls] == ["{}"]


def test_a_call_without_its_own_id_has_that_of_its_item() -> None:
    item = {**call_item("f", "{}"), "call_id": None}
    assert [call.id for call in decoded(response(item), R).tool_calls] == [item["id"]]


@pytest.mark.parametrize("output", [None, {}, "x"])
def test_output_that_is_not_a_list_is_no_answer_of_a_whole_response_and_nothing_new_in_a_stream(output: Any) -> None:
    with pytest.raises(errors.MalformedResponseError, match="contains no output"):
        decoded(response(output=output), R)
    events = response_events(message_item("It is."))
    events[-1]["response"]["output"] = output
    assert folded(sse(events), R).content == "It is."


def test_what_is_not_an_object_in_the_output_is_ignored() -> None:
    assert decoded(response(None, "x", message_item("It is.")), R).content == "It is."  # type: ignore[arg-type]


# -- Messages --------------------------------------------------------------------------------------------------------


def test_the_end_of_a_block_returns_its_arguments_at_once() -> None:
    start = {"type": "content_block_start", "index": 0, "content_block": use_block("f", {"x": 1})}
    stop = {"type": "content_block_stop", "index": 0}
    assert [(d.name, d.arguments) for d in deltas_after(M, [start, stop])] == [("f", ""), (None, '{"x": 1}')]


def test_the_input_of_a_search_that_is_cut_stays_text() -> None:
    events = message_events({**USE, "input": {}}, text_block("x"))
    piece = {"type": "input_json_delta", "partial_json": '{"query'}
    events.insert(3, {"type": "content_block_delta", "index": 0, "delta": piece})
    assert folded(sse(events), M).extra["content"] == [{**USE, "input": '{"query'}]


def test_citations_of_a_block_and_those_of_its_events_are_both_annotations() -> None:
    one, two = {"type": "c", "url": "1"}, {"type": "c", "url": "2"}
    events = message_events({**text_block("x"), "citations": [one]})
    events.insert(
        -3, {"type": "content_block_delta", "index": 0, "delta": {"type": "citations_delta", "citation": two}}
    )
    assert folded(sse(events), M).annotations == (one, two)
    assert decoded(message({**text_block("x"), "citations": [one]}), M).annotations == (one,)


def test_the_fields_of_a_stop_are_kept_and_a_stop_without_a_reason_is_an_interruption() -> None:
    reply = decoded(message(text_block("x"), stop_reason="stop_sequence", stop_sequence="END", title="T"), M)
    assert (reply.finish_reason, reply.extra) == ("stop", {"stop_sequence": "END", "title": "T"})
    with pytest.raises(errors.StreamInterruptedError, match="stopped without a stop_reason"):
        deltas_of(sse([{"type": "message_start", "message": message(stop_reason=None)}, {"type": "message_stop"}]), M)


def test_a_signature_is_part_of_the_record() -> None:
    block = thinking_block("Hm.", "s")
    for reply in (decoded(message(block, text_block("x")), M), folded(sse(message_events(block, text_block("x"))), M)):
        assert reply.reasoning == Reasoning("Hm.", (block,))


def test_what_is_not_an_object_among_the_blocks_is_ignored() -> None:
    assert decoded(message(None, "x", text_block("It is.")), M).content == "It is."  # type: ignore[arg-type]


# -- Chat Completions ------------------------------------------------------------------------------------------------


def test_a_beginning_that_deepseek_does_not_repeat_is_not_removed() -> None:
    begun = [Message.user("Hi"), Message("assistant", "It", prefix=True)]
    assert whole(wire.body({"content": "It is."}), begun).content == "It is."


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
    reply = whole(wire.body({"tool_calls": calls}, finish, **counts), max_tokens=10, thinking=False)
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
        whole(wire.body(calls, "tool_calls"), response_limits=limits)
    with pytest.raises(errors.MalformedResponseError, match="stream_bytes") as caught:
        asked(wire.event({**wire.chunk({"content": "x"}), "model": "m" * 200}), stream=True, response_limits=limits)
    assert caught.value.provider == "deepseek"
    assert caught.value.partial is not None
    small = b'data: {"choices": [{"delta": {"content": "x"}, "finish_reason": "stop"}]}\n\n'
    done = b"data: [DONE]\n\n"
    exact = ResponseLimits(stream_bytes=len(small + done))
    assert asked(small + done, stream=True, response_limits=exact).content == "x"
    assert asked(small + done + b": late\n\n" * 99, stream=True, response_limits=exact).content == "x"


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
    assert reasoning_details.kept(items, text="text", calls=frozenset({"call"})) == kept


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
        reply = asked(wire.stream(*chunks), stream=True, **options)
    else:
        reply = whole(wire.body({"tool_calls": [call]}, "tool_calls"), **options)
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
