from __future__ import annotations

import json
from typing import Any

import pytest

from deepseek_v4 import ReasoningDelta, StreamEnd, TextDelta, ToolCallDelta
from deepseek_v4.errors import (
    ContentFilterError,
    DeepSeekError,
    MalformedResponseError,
    OverloadedError,
    RateLimitError,
    StreamInterruptedError,
)
from deepseek_v4.protocols.error_bodies import decode_error
from deepseek_v4.protocols.messages.dialect import MessagesDialect
from deepseek_v4.values.http import HttpResponse
from tests.unit.protocols.wire_examples import (
    context,
    decoded,
    deltas_of,
    folded,
    message,
    message_events,
    sse,
    text_block,
    thinking_block,
    use_block,
)

M = "messages"
SEARCHED = (
    thinking_block("Search."),
    text_block("One moment. "),
    {"type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": {"query": "weather"}},
    {"type": "web_search_tool_result", "tool_use_id": "srv_1", "content": [{"type": "web_search_result", "url": "x"}]},
    text_block("It is 21."),
)


def both(*content: dict[str, Any], **rest: Any) -> list[Any]:
    """Return the decoded complete answer and stream."""
    return [decoded(message(*content, **rest), M), folded(sse(message_events(*content, **rest)), M)]


def test_thinking_text_and_calls_are_separated() -> None:
    for reply in both(thinking_block("Hm."), text_block("Let me."), use_block("f", {"a": 1}), stop_reason="tool_use"):
        assert reply.content == "Let me."
        assert reply.reasoning is not None
        assert (reply.reasoning.text, reply.reasoning.details) == ("Hm.", (thinking_block("Hm."),))
        assert [(call.id, call.name, call.arguments) for call in reply.tool_calls] == [("call_00_a", "f", '{"a": 1}')]
        assert reply.finish_reason == "tool_calls"
        assert (reply.id, reply.model) == ("2e532992", "deepseek-v4-flash")


def test_input_tokens_include_cached_ones() -> None:
    for reply in both(text_block("Hi")):
        assert reply.usage is not None
        assert (reply.usage.input_tokens, reply.usage.output_tokens, reply.usage.cached_tokens) == (460, 82, 384)
        assert reply.usage.cache_write_tokens == 0
        assert reply.usage.total_tokens == 542


def test_counts_that_the_provider_does_not_send_are_none() -> None:
    usage = decoded(message(text_block("Hi"), usage={"input_tokens": 5, "output_tokens": 2}), M).usage
    assert usage is not None
    assert (usage.input_tokens, usage.cached_tokens, usage.reasoning_tokens) == (5, None, None)


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_use", "tool_calls"),
        ("refusal", "content_filter"),
        ("eos", "stop"),
        ("pause_turn", "pause_turn"),
    ],
)
def test_a_stop_reason_becomes_our_finish_reason(reason: str, finish: str) -> None:
    for reply in both(text_block("Hi"), stop_reason=reason):
        assert reply.finish_reason == finish


def test_a_stop_text_that_was_reached_is_reported() -> None:
    reply = decoded(message(text_block("Hi"), stop_reason="stop_sequence", stop_sequence="END"), M)
    assert reply.extra["stop_sequence"] == "END"


def test_a_search_keeps_the_order_of_its_blocks_and_its_text() -> None:
    for reply in both(*SEARCHED):
        assert reply.content == "One moment. It is 21."
        assert reply.reasoning is not None
        assert reply.reasoning.details == SEARCHED[:-1]
        assert reply.extra["content"] == list(SEARCHED[2:4])


def test_empty_and_missing_thinking_differ() -> None:
    for reply in both(thinking_block(""), text_block("Hi")):
        assert reply.reasoning is not None
        assert reply.reasoning.text == ""
    for reply in both(text_block("Hi")):
        assert reply.reasoning is None


def test_hidden_thinking_has_a_record_and_no_text() -> None:
    hidden = {"type": "redacted_thinking", "data": "x"}
    for reply in both(hidden, text_block("Hi")):
        assert reply.reasoning is not None
        assert (reply.reasoning.text, reply.reasoning.details) == (None, (hidden,))


def test_a_call_without_arguments_has_an_empty_object() -> None:
    for reply in both(use_block("f", {}), stop_reason="tool_use"):
        assert reply.tool_calls[0].arguments == "{}"


def test_arguments_keep_their_characters() -> None:
    for reply in both(use_block("f", {"city": "Zürich 東京"}), stop_reason="tool_use"):
        assert reply.tool_calls[0].arguments == '{"city": "Zürich 東京"}'


def test_a_call_cut_by_the_limit_is_invalid() -> None:
    events = message_events(use_block("f", {"city": "Tokyo"}), stop_reason="max_tokens")
    events.remove([event for event in events if event["type"] == "content_block_delta"][-1])
    reply = folded(sse(events), M)
    assert reply.tool_calls == ()
    assert "max_tokens" in reply.invalid_tool_calls[0].error


def test_one_call_is_kept_if_parallel_calls_are_disabled() -> None:
    single = context(M, single_call=True)
    content = (use_block("f", {}), use_block("g", {}, "b"))
    for reply in (decoded(message(*content), M, single), folded(sse(message_events(*content)), M, single)):
        assert [call.name for call in reply.tool_calls] == ["f"]


def test_names_are_mapped_back() -> None:
    how = context(M, names=["my.tool"])
    reply = decoded(message(use_block("my_tool", {}), stop_reason="tool_use"), M, how)
    assert reply.tool_calls[0].name == "my.tool"


def test_citations_are_annotations() -> None:
    cited = {**text_block("Hi"), "citations": [{"type": "web_search_result_location", "url": "x"}]}
    assert decoded(message(cited), M).annotations == tuple(cited["citations"])
    events = message_events(text_block("Hi"))
    stop = next(i for i, event in enumerate(events) if event["type"] == "content_block_stop")
    delta = {"type": "citations_delta", "citation": cited["citations"][0]}
    events.insert(stop, {"type": "content_block_delta", "index": 0, "delta": delta})
    assert folded(sse(events), M).annotations == tuple(cited["citations"])


# -- streams ---------------------------------------------------------------------------------------------------------


def test_each_delta_has_one_kind_of_content_and_the_record_is_last() -> None:
    deltas = deltas_of(sse(message_events(thinking_block("Hm."), text_block("Hi!"), use_block("f", {"a": 1}))), M)
    kinds = [type(delta) for delta in deltas]
    assert kinds == [ReasoningDelta, TextDelta, *[ToolCallDelta] * 4, ReasoningDelta, StreamEnd]
    assert deltas[-2] == ReasoningDelta("", (thinking_block("Hm."),))
    assert deltas[2] == ToolCallDelta(0, "call_00_a", "f", "")


def test_a_call_in_one_event_is_read() -> None:
    block = use_block("f", {"a": 1})
    events = [
        event for event in message_events(block, stop_reason="tool_use") if event["type"] != "content_block_delta"
    ]
    events[2] = {"type": "content_block_start", "index": 0, "content_block": block}
    assert folded(sse(events), M).tool_calls[0].arguments == '{"a": 1}'


def test_a_block_without_a_stop_is_read() -> None:
    events = [e for e in message_events(thinking_block("Hm."), text_block("Hi")) if e["type"] != "content_block_stop"]
    reply = folded(sse(events), M)
    assert reply.reasoning is not None
    assert reply.reasoning.details == (thinking_block("Hm."),)


def test_a_block_without_a_start_is_read_from_its_deltas() -> None:
    events = [e for e in message_events(thinking_block("Hm."), text_block("Hi")) if e["type"] != "content_block_start"]
    reply = folded(sse(events), M)
    assert (reply.content, reply.reasoning.text) == ("Hi", "Hm.")  # type: ignore[union-attr]


def test_unknown_events_and_deltas_are_ignored() -> None:
    events = message_events(text_block("Hi"))
    events.insert(3, {"type": "content_block_delta", "index": 0, "delta": {"type": "new_delta", "x": 1}})
    events.insert(3, {"type": "new_event"})
    events.insert(
        3, {"type": "content_block_delta", "index": 9, "delta": {"type": "input_json_delta", "partial_json": "x"}}
    )
    assert folded(sse(events), M).content == "Hi"


def test_only_a_stop_reason_completes_an_answer() -> None:
    events = message_events(text_block("Hi"))
    assert folded(sse(events[:-1]), M).content == "Hi"
    for end in range(1, len(events) - 1):
        with pytest.raises(StreamInterruptedError) as caught:
            deltas_of(sse(events[:end]), M)
        assert caught.value.partial is not None
        assert "Hi".startswith(caught.value.partial.content)
    with pytest.raises(StreamInterruptedError):
        deltas_of(sse([*events[:-2], events[-1]]), M)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, OverloadedError),
        ({"type": "error", "error": {"type": "rate_limit_error", "message": "Slow down"}}, RateLimitError),
        ({"error": {"message": "Content Exists Risk", "type": "invalid_request_error"}}, ContentFilterError),
    ],
)
def test_an_error_inside_a_stream_is_raised_in_either_envelope(
    error: dict[str, Any], kind: type[DeepSeekError]
) -> None:
    with pytest.raises(kind) as caught:
        deltas_of(sse([*message_events(text_block("Hi"))[:-2], error]), M)
    assert caught.value.partial is not None
    assert caught.value.partial.content == "Hi"


@pytest.mark.parametrize(
    "envelope",
    [
        {"type": "error", "error": {"type": "invalid_request_error", "message": "No."}},
        {"error": {"message": "No.", "type": "invalid_request_error", "param": None, "code": "invalid_request_error"}},
    ],
)
def test_a_refused_request_is_read_in_either_envelope(envelope: dict[str, Any]) -> None:
    answer = HttpResponse(400, {"content-type": "application/octet-stream"}, json.dumps(envelope).encode())
    error = decode_error(answer, context(M).dialect, "deepseek")
    assert (type(error).__name__, error.message, error.retryable) == ("InvalidRequestError", "No.", False)


def test_a_complete_answer_to_a_streaming_request_is_read() -> None:
    data = json.dumps(message(thinking_block("Hm."), text_block("Hi"))).encode()
    assert folded(data, M) == decoded(data, M)


@pytest.mark.parametrize("answer", [b"<html>", b"[]", b'{"id": "x"}', b"null", b" \n"])
def test_an_answer_without_a_message_is_malformed(answer: bytes) -> None:
    with pytest.raises(MalformedResponseError):
        decoded(answer, M)
    with pytest.raises(MalformedResponseError):
        deltas_of(answer, M)


def test_a_host_may_count_thinking_separately() -> None:
    usage = MessagesDialect().decode_usage({"output_tokens": 9, "output_tokens_details": {"thinking_tokens": 4}})
    assert (usage.output_tokens, usage.reasoning_tokens) == (9, 4)
