from __future__ import annotations

import json
from typing import Any

import pytest

from deepseek_v4 import ReasoningDelta, StreamEnd, TextDelta
from deepseek_v4.errors import (
    ContentFilterError,
    DeepSeekError,
    MalformedResponseError,
    RateLimitError,
    ServerError,
    StreamInterruptedError,
)
from tests.unit.protocols.wire_examples import (
    call_item,
    context,
    decoded,
    deltas_of,
    folded,
    message_item,
    reasoning_item,
    response,
    response_events,
    search_item,
    sse,
)

R = "responses"
SEARCHED = (
    reasoning_item("Search.", "r1"),
    search_item(),
    message_item("One moment. ", "m1", "commentary"),
    reasoning_item("Found.", "r2"),
    search_item("call_01_s"),
    message_item("It is 21.", "m2", annotations=[{"type": "url_citation", "url": "https://x.test"}]),
)


def both(*output: dict[str, Any], **rest: Any) -> list[Any]:
    """Return the decoded complete answer and stream."""
    status = rest.pop("status", "completed")
    complete = decoded(response(*output, status=status, **rest), R)
    return [complete, folded(sse(response_events(*output, end=status, **rest)), R)]


def test_a_search_keeps_the_order_of_its_items_and_its_text() -> None:
    for reply in both(*SEARCHED):
        assert reply.content == "One moment. It is 21."
        assert reply.reasoning is not None
        assert reply.reasoning.text == "Search.Found."
        assert reply.reasoning.details == SEARCHED[:-1]
        assert reply.extra["output"] == [SEARCHED[1], SEARCHED[4]]
        assert reply.annotations == ({"type": "url_citation", "url": "https://x.test"},)
        assert reply.finish_reason == "stop"


def test_an_ordinary_answer_records_only_its_reasoning() -> None:
    for reply in both(reasoning_item("Hm."), message_item("Hi")):
        assert reply.reasoning is not None
        assert reply.reasoning.details == (reasoning_item("Hm."),)
        assert reply.content == "Hi"


def test_calls_end_the_turn_for_every_status() -> None:
    for reply in both(
        reasoning_item("Hm."), message_item("Let me."), call_item("f", '{"a": 1}'), call_item("g", "{}", "b")
    ):
        assert reply.finish_reason == "tool_calls"
        assert [(call.name, call.arguments) for call in reply.tool_calls] == [("f", '{"a": 1}'), ("g", "{}")]
        assert reply.content == "Let me."


def test_one_call_is_kept_if_parallel_calls_are_disabled() -> None:
    single = context(R, single_call=True)
    output = (call_item("f", "{}"), call_item("g", "{}", "b"))
    for reply in (decoded(response(*output), R, single), folded(sse(response_events(*output)), R, single)):
        assert [call.name for call in reply.tool_calls] == ["f"]


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("max_output_tokens", "length"),
        ("content_filter", "content_filter"),
    ],
)
def test_the_finish_reason_of_an_incomplete_answer(reason: str, finish: str) -> None:
    for reply in both(message_item("Par"), status="incomplete", incomplete_details={"reason": reason}):
        assert (reply.content, reply.finish_reason) == ("Par", finish)


def test_an_answer_aborted_by_the_service_is_an_error_in_streams() -> None:
    with pytest.raises(StreamInterruptedError) as caught:
        both(message_item("Par"), status="incomplete", incomplete_details={"reason": "aborted"})
    assert caught.value.partial is not None
    assert caught.value.partial.content == "Par"


def test_a_call_cut_by_the_limit_is_invalid() -> None:
    limit = {"reason": "max_output_tokens"}
    for reply in both(call_item("f", '{"a": '), status="incomplete", incomplete_details=limit):
        assert reply.tool_calls == ()
        assert "max_tokens" in reply.invalid_tool_calls[0].error


def test_empty_and_missing_reasoning_differ() -> None:
    for reply in both(reasoning_item(None), message_item("Hi")):
        assert reply.reasoning is not None
        assert reply.reasoning.text == ""
    for reply in both(message_item("Hi")):
        assert reply.reasoning is None


def test_encrypted_reasoning_has_a_record_and_no_text() -> None:
    for reply in both(message_item("Hi"), reasoning_item(None, encrypted_content="x")):
        assert reply.reasoning is not None
        assert reply.reasoning.text is None
        assert [item["type"] for item in reply.reasoning.details or ()] == ["message", "reasoning"]


def test_a_summary_is_read_if_the_reasoning_is_hidden() -> None:
    item = {**reasoning_item(None), "summary": [{"type": "summary_text", "text": "Thought."}]}
    assert decoded(response(item), R).reasoning.text == "Thought."  # type: ignore[union-attr]
    events = [
        {"type": "response.reasoning_summary_text.delta", "output_index": 0, "summary_index": 0, "delta": "Though"},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": response(item)},
    ]
    assert folded(sse(events), R).reasoning.text == "Thought."  # type: ignore[union-attr]


def test_log_probabilities_are_in_the_content_channel() -> None:
    items = [{"token": "Hi", "logprob": -0.1, "bytes": [72, 105], "top_logprobs": []}]
    reply = decoded(response(message_item("Hi", logprobs=items)), R)
    assert reply.logprobs == {"content": items}
    delta = {
        "type": "response.output_text.delta",
        "output_index": 0,
        "content_index": 0,
        "delta": "Hi",
        "logprobs": items,
    }
    done = {"type": "response.completed", "response": response(message_item("Hi", logprobs=items))}
    assert folded(sse([delta, done]), R).logprobs == {"content": items}


def test_a_refusal_is_read_as_text_and_marked() -> None:
    item = {**message_item(""), "content": [{"type": "refusal", "refusal": "No."}]}
    reply = decoded(response(item), R)
    assert (reply.content, reply.extra["refusal"]) == ("No.", "No.")
    events = [
        {"type": "response.refusal.delta", "output_index": 0, "content_index": 0, "delta": "No."},
        {"type": "response.completed", "response": response(item)},
    ]
    assert folded(sse(events), R).content == "No."


def test_the_free_text_of_a_custom_tool_is_one_argument() -> None:
    item = {"type": "custom_tool_call", "id": "c1", "status": "completed", "call_id": "call_p", "name": "apply_patch"}
    item["input"] = 'say "hi"\n\tß'
    for reply in both(item):
        assert reply.tool_calls[0].name == "apply_patch"
        assert reply.tool_calls[0].arguments == '{"input": "say \\"hi\\"\\n\\tß"}'


def test_unknown_items_are_kept_and_unknown_events_are_ignored() -> None:
    item = {"type": "ocr_call", "id": "x", "status": "completed", "pages": 3}
    for reply in both(item, message_item("Hi")):
        assert reply.extra["output"] == [item]
        assert reply.reasoning is not None
        assert reply.reasoning.details == (item,)
    events = response_events(message_item("Hi"))
    events.insert(3, {"type": "response.some_new_thing.delta", "delta": "x", "output_index": 0})
    assert folded(sse(events), R).content == "Hi"


# -- streams ---------------------------------------------------------------------------------------------------------


def test_deltas_have_the_order_of_the_events_and_the_record_is_before_the_end() -> None:
    deltas = deltas_of(sse(response_events(reasoning_item("Hm."), message_item("Hi!"))), R)
    assert deltas[:2] == [ReasoningDelta("Hm."), TextDelta("Hi!")]
    assert deltas[2] == ReasoningDelta("", (reasoning_item("Hm."),))
    assert isinstance(deltas[3], StreamEnd)
    assert len(deltas) == 4


def test_content_without_a_delta_is_read_from_the_items() -> None:
    output = (reasoning_item("Hm."), message_item("Hi!"), call_item("f", '{"a": 1}'))
    events = response_events(*output)
    without_deltas = [event for event in events if not event["type"].endswith(".delta")]
    only_the_last = [events[0], events[-1]]
    begun = {event["output_index"]: event for event in reversed(events) if event["type"].endswith(".delta")}
    only_the_first = [e for e in events if not e["type"].endswith(".delta") or e is begun[e["output_index"]]]
    ordered = folded(sse(events), R)
    assert folded(sse(without_deltas), R) == ordered
    assert folded(sse(only_the_last), R) == ordered
    assert folded(sse(only_the_first), R) == ordered


def test_missing_indexes_are_replaced_by_ids() -> None:
    output = (reasoning_item("Hm."), message_item("Hi!"), call_item("f", '{"a": 1}'))
    events = [
        {key: value for key, value in event.items() if key not in ("output_index", "content_index")}
        for event in response_events(*output)
    ]
    assert folded(sse(events), R) == folded(sse(response_events(*output)), R)


def test_done_is_neither_required_nor_sufficient() -> None:
    events = response_events(message_item("Hi"))
    assert folded(sse(events, done=True), R) == folded(sse(events), R)
    with pytest.raises(StreamInterruptedError) as caught:
        deltas_of(sse(events[:-1], done=True), R)
    assert caught.value.partial is not None
    assert caught.value.partial.content == "Hi"


def test_a_complete_answer_to_a_streaming_request_is_read() -> None:
    data = json.dumps(response(reasoning_item("Hm."), message_item("Hi"))).encode()
    reply = folded(data, R)
    assert (reply.content, reply.finish_reason) == ("Hi", "stop")


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        (
            {
                "type": "response.failed",
                "response": {"status": "failed", "error": {"code": "server_error", "message": "Broke."}},
            },
            ServerError,
        ),
        ({"type": "response.failed", "response": {"status": "failed", "error": None}}, ServerError),
        ({"type": "error", "code": "rate_limit_exceeded", "message": "Broke.", "param": None}, RateLimitError),
        ({"type": "error", "error": {"type": "server_error", "message": "Broke."}}, ServerError),
        ({"error": {"message": "Content Exists Risk", "type": "invalid_request_error"}}, ContentFilterError),
    ],
)
def test_an_error_inside_a_stream_is_raised_with_the_partial_reply(
    event: dict[str, Any], kind: type[DeepSeekError]
) -> None:
    events = [*response_events(message_item("Hi"))[:-1], event]
    with pytest.raises(kind) as caught:
        deltas_of(sse(events), R)
    assert caught.value.partial is not None
    assert caught.value.partial.content == "Hi"
    error = event.get("response", event).get("error", event)
    assert (error["message"] if error else "without a reason") in str(caught.value)


@pytest.mark.parametrize(("kind", "reason"), [("response.completed", "stop"), ("response.incomplete", "incomplete")])
def test_the_event_is_the_status_of_a_response_without_one(kind: str, reason: str) -> None:
    *events, last = response_events(message_item("Hi"))
    answer = {name: value for name, value in last["response"].items() if name != "status"}
    assert folded(sse([*events, {**last, "type": kind, "response": answer}]), R).finish_reason == reason


def test_a_failed_answer_raises_its_error() -> None:
    with pytest.raises(ServerError, match="Broke"):
        decoded(response(status="failed", error={"code": "server_error", "message": "Broke."}), R)


@pytest.mark.parametrize("answer", [b"<html>", b"[]", b'{"id": "x"}', b"null", b"  \n"])
def test_an_answer_without_a_response_is_malformed(answer: bytes) -> None:
    with pytest.raises(MalformedResponseError):
        decoded(answer, R)


def test_a_broken_event_is_malformed() -> None:
    for data in (b"data: {nope\n\n", b"data: [1]\n\n", b'data: {"type": "response.output_text.delta"}\n\n'):
        with pytest.raises(MalformedResponseError):
            deltas_of(data + b"data: {}\n\n", R)
