"""Single items and blocks of answers of Responses and Messages."""

from __future__ import annotations

import json
from typing import Any

import pytest

from deepseek_v4 import (
    Client,
    Reasoning,
    Reply,
    TextDelta,
    errors,
)
from deepseek_v4.values.http import HttpResponse
from deepseek_v4.values.reply import RefusalDelta
from tests.unit.protocols.wire_examples import (
    MESSAGES_USAGE,
    call_item,
    decoded,
    deltas_of,
    folded,
    message,
    message_events,
    message_item,
    prepared,
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


def complete_reply(answer: Any, messages: Any = "Hi", **options: Any) -> Reply:
    """Return the reply to a complete answer."""

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
    assert complete_reply(answer, protocol=R, max_tokens=limit).finish_reason == finish


def test_an_incomplete_answer_with_calls_is_truncated() -> None:
    reply = decoded(response(call_item("f", "{}"), status="incomplete"), R)
    assert reply.finish_reason == "incomplete"
    assert [call.name for call in reply.invalid_tool_calls] == ["f"]


def test_a_failed_response_without_a_reason_is_an_error() -> None:
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


@pytest.mark.parametrize("chunks", [[], ["I "], ["I ", "cannot."]])
def test_each_part_of_a_message_is_read_once(chunks: list[str]) -> None:
    at = {"output_index": 0, "item_id": "m1"}
    events = [{"type": "response.refusal.delta", **at, "content_index": 0, "delta": chunk} for chunk in chunks]
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
    """Return the deltas of the beginning of a stream."""
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
def test_output_that_is_not_a_list_is_malformed_and_ignored_at_the_end_of_a_stream(output: Any) -> None:
    with pytest.raises(errors.MalformedResponseError, match="contains no output"):
        decoded(response(output=output), R)
    events = response_events(message_item("It is."))
    events[-1]["response"]["output"] = output
    assert folded(sse(events), R).content == "It is."


def test_output_that_is_not_an_object_is_ignored() -> None:
    assert decoded(response(None, "x", message_item("It is.")), R).content == "It is."  # type: ignore[arg-type]


# -- Messages --------------------------------------------------------------------------------------------------------


def test_the_end_of_a_block_returns_its_arguments_at_once() -> None:
    start = {"type": "content_block_start", "index": 0, "content_block": use_block("f", {"x": 1})}
    stop = {"type": "content_block_stop", "index": 0}
    assert [(d.name, d.arguments) for d in deltas_after(M, [start, stop])] == [("f", ""), (None, '{"x": 1}')]


def test_the_input_of_a_search_that_is_cut_stays_text() -> None:
    events = message_events({**USE, "input": {}}, text_block("x"))
    delta = {"type": "input_json_delta", "partial_json": '{"query'}
    events.insert(3, {"type": "content_block_delta", "index": 0, "delta": delta})
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


def test_blocks_that_are_not_an_object_are_ignored() -> None:
    assert decoded(message(None, "x", text_block("It is.")), M).content == "It is."  # type: ignore[arg-type]


def test_a_refusal_after_a_text_is_read_once() -> None:
    item = {"type": "message", "id": "m1", "content": [{"type": "output_text", "text": "Well."}, REFUSAL]}
    begun = {"type": "response.refusal.delta", "output_index": 0, "content_index": 1, "delta": "I "}
    ended = {"type": "response.completed", "response": response(item)}
    assert folded(sse([begun, ended]), R).refusal == "I cannot."


def test_reasoning_in_several_parts_is_read_once() -> None:
    parts = [{"type": "reasoning_text", "text": "One."}, {"type": "reasoning_text", "text": "Two."}]
    begun = {"type": "response.reasoning_text.delta", "output_index": 0, "content_index": 1, "delta": "T"}
    ended = {"type": "response.completed", "response": response({"type": "reasoning", "id": "r", "content": parts})}
    found = folded(sse([begun, ended]), R).reasoning
    assert found is not None
    assert sorted(found.text or "") == sorted("One.Two.")
    assert decoded(response({"type": "reasoning", "id": "r", "content": parts}), R).reasoning.text == "One.Two."  # type: ignore[union-attr]


def test_unfinished_blocks_are_complete_at_the_end() -> None:
    events = [event for event in message_events(use_block("f", {"x": 1})) if event["type"] != "content_block_stop"]
    assert [call.arguments for call in folded(sse(events), M).tool_calls] == ['{"x": 1}']
    start = {"type": "content_block_start", "index": 0, "content_block": use_block("f", {"x": 2})}
    ended = [event for event in message_events() if event["type"] != "content_block_stop"]
    assert [call.arguments for call in folded(sse([start, *ended]), M).tool_calls] == ['{"x": 2}']


@pytest.mark.parametrize("event", [{"type": "error", "message": "too busy"}, {"error": {"message": "too busy"}}])
def test_an_error_of_an_unknown_form_is_raised(event: dict[str, Any]) -> None:
    for protocol in (R, M):
        with pytest.raises(errors.DeepSeekError, match="too busy"):
            deltas_of(sse([event]), protocol)


# -- errors without an envelope ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", ["chat_completions", R, M, "completions"])
@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"success": False, "code": 401, "message": "Wrong key"}, errors.AuthenticationError),
        ({"code": "InvalidParameter", "msg": "Wrong key", "request_id": "r"}, errors.InvalidRequestError),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_an_error_in_place_of_an_answer_is_raised_with_its_message(
    protocol: Any, error: Any, kind: type[errors.DeepSeekError], stream: bool
) -> None:
    request = prepared("Hi", protocol, stream=stream)
    data = json.dumps(error).encode()
    with pytest.raises(kind, match="Wrong key"):
        if stream:
            request.protocol.stream(request.context).feed(b"data: " + data + b"\n\n")
        else:
            request.protocol.decode(HttpResponse(200, {}, data), request.context)


def test_an_unknown_event_with_a_message_is_not_an_error() -> None:
    events = [{"type": "response.notice", "message": "Hello"}, *response_events(message_item("Hi"))]
    assert folded(sse(events), R).content == "Hi"


# -- counts ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spell", [float, str])
def test_counts_of_messages_may_be_floats_or_text(spell: type) -> None:
    counts = {"input_tokens": 9, "output_tokens": 3, "cache_read_input_tokens": 4, "cache_creation_input_tokens": 2}
    usage = {**{name: spell(count) for name, count in counts.items()}, "cost": "0.5"}
    reply = decoded(message(text_block("Hi"), usage=usage), M)
    assert repr(reply.usage).partition(", extra=")[0] == (
        "Usage(input_tokens=15, output_tokens=3, cached_tokens=4, cache_write_tokens=2, reasoning_tokens=None, cost=0.5"
    )


def test_a_count_of_0_at_the_end_does_not_replace_that_of_the_beginning() -> None:
    events = message_events(text_block("Hi"))
    start = next(event for event in events if event["type"] == "message_start")
    end = next(event for event in events if event["type"] == "message_delta")
    start["message"]["usage"] = {"input_tokens": 10, "output_tokens": 0}
    end["usage"] = {"input_tokens": 0, "output_tokens": 5}
    usage = folded(sse(events), M).usage
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens) == (10, 5)
