"""One conversation on the three endpoints, and one that begins on one of them and continues on another."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from deepseek_v4 import Client, FilePart, ImagePart, Message, Reply, TextPart, ToolSpec, Usage, errors
from tests.unit.protocols.wire_examples import (
    CHATS,
    body,
    call_item,
    completion,
    completion_chunks,
    decoded,
    folded,
    message,
    message_events,
    message_item,
    reasoning_item,
    response,
    response_events,
    sse,
    text_block,
    thinking_block,
    use_block,
)

Call = tuple[str, str, Mapping[str, Any]]
WEATHER = ToolSpec("get_weather", "The weather.", {"type": "object", "properties": {"city": {"type": "string"}}})
ANSWERS: tuple[tuple[str, str | None, str, Sequence[Call], str], ...] = (
    ("text", "Hm, 17 * 23 …", "It is 391 — sicher.", (), "stop"),
    ("no reasoning", None, "It is 391.", (), "stop"),
    ("empty reasoning", "", "It is 391.", (), "stop"),
    ("one call", "The weather.", "", [("call_00_a", "get_weather", {"city": "Zürich"})], "tool_calls"),
    (
        "two calls and text",
        "Two cities.",
        "Let me look.",
        [("call_00_a", "get_weather", {"city": "東京"}), ("call_01_b", "get_weather", {})],
        "tool_calls",
    ),
    ("cut", "Thinking for long", "", (), "length"),
    ("filtered", None, "I", (), "content_filter"),
)


def wire(protocol: str, reasoning: str | None, text: str, calls: Sequence[Call], finish: str) -> tuple[bytes, bytes]:
    """Return one answer of an endpoint: complete and streamed."""
    arguments = [json.dumps(given, ensure_ascii=False) for _, _, given in calls]
    if protocol == "chat_completions":
        complete = completion(
            text, reasoning, [(i, n, a) for (i, n, _), a in zip(calls, arguments, strict=True)], finish
        )
        return json.dumps(complete).encode(), sse(completion_chunks(complete), done=True)
    if protocol == "responses":
        items = [] if reasoning is None else [reasoning_item(reasoning)]
        items += [message_item(text)] if text else []
        items += [call_item(name, sent, call_id) for (call_id, name, _), sent in zip(calls, arguments, strict=True)]
        status = "incomplete" if finish in ("length", "content_filter") else "completed"
        reason = {"length": "max_output_tokens"}.get(finish, finish)
        rest = {"incomplete_details": {"reason": reason}} if status == "incomplete" else {}
        complete = response(*items, status=status, **rest)
        return json.dumps(complete).encode(), sse(response_events(*items, end=status, **rest))
    blocks = [] if reasoning is None else [thinking_block(reasoning)]
    blocks += [text_block(text)] if text else []
    blocks += [use_block(name, given, call_id) for call_id, name, given in calls]
    stop = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal"}[finish]
    return json.dumps(message(*blocks, stop_reason=stop)).encode(), sse(message_events(*blocks, stop_reason=stop))


def replies(protocol: str, answer: tuple[str, str | None, str, Sequence[Call], str]) -> list[Reply]:
    complete, streamed = wire(protocol, *answer[1:])
    return [decoded(complete, protocol), folded(streamed, protocol)]


def counts(usage: Usage | None) -> tuple[int, int, int | None]:
    assert usage is not None
    return usage.input_tokens, usage.output_tokens, usage.cached_tokens


def essence(reply: Reply) -> tuple[Any, ...]:
    """Return the fields of which an adapter builds a message. Records and ids of items differ by protocol."""
    reasoning = None if reply.reasoning is None else reply.reasoning.text
    usage = counts(reply.usage)
    return reply.content, reasoning, reply.tool_calls, reply.invalid_tool_calls, reply.finish_reason, usage, reply.model


@pytest.mark.parametrize("answer", ANSWERS, ids=[answer[0] for answer in ANSWERS])
def test_one_answer_is_equal_on_every_protocol_complete_and_streamed(answer: Any) -> None:
    essences = [essence(reply) for protocol in CHATS for reply in replies(protocol, answer)]
    assert all(one == essences[0] for one in essences)


@pytest.mark.parametrize("answer", ANSWERS[:5], ids=[answer[0] for answer in ANSWERS[:5]])
@pytest.mark.parametrize("protocol", CHATS)
def test_a_stream_and_its_complete_answer_have_the_same_record(protocol: str, answer: Any) -> None:
    complete, streamed = replies(protocol, answer)
    assert complete.reasoning == streamed.reasoning


def reasoning_in(sent: Mapping[str, Any], protocol: str) -> list[str]:
    """Return the reasoning of each turn that a request passes back."""
    if protocol == "chat_completions":
        return [turn["reasoning_content"] for turn in sent["messages"] if turn["role"] == "assistant"]
    if protocol == "responses":
        items = [item for item in sent["input"] if item.get("type") == "reasoning"]
        return ["".join(part["text"] for part in item["content"]) for item in items]
    blocks = [b for turn in sent["messages"] if turn["role"] == "assistant" for b in turn["content"]]
    return [block["thinking"] for block in blocks if block["type"] == "thinking"]


@pytest.mark.parametrize("second", CHATS)
@pytest.mark.parametrize("first", CHATS)
def test_a_history_of_one_protocol_continues_with_its_reasoning_on_another(first: str, second: str) -> None:
    calls, answered = (replies(first, answer)[0] for answer in (ANSWERS[4], ANSWERS[0]))
    history = [
        Message.user("Weather?"),
        calls.to_message(),
        *(Message.tool("21", call.id) for call in calls.tool_calls),
        answered.to_message(),
        Message.user("And 17 * 23?"),
    ]
    sent = body(history, second, tools=[WEATHER])
    assert reasoning_in(sent, second) == ["Two cities.", "Hm, 17 * 23 …"]
    wire_form = json.dumps(sent, ensure_ascii=False)
    for call in calls.tool_calls:
        assert wire_form.count(f'"{call.id}"') == 2
    for text in ("Let me look.", "It is 391 — sicher."):
        assert wire_form.count(text) == 1
    if first != second:
        assert "signature" not in wire_form or '"signature": ""' in wire_form
        assert '"r1"' not in wire_form
    elif first == "messages":
        assert wire_form.count('"signature": "2e532992"') == 2
    elif first == "responses":
        assert wire_form.count('"id": "r1"') == 2


def test_sending_a_history_does_not_change_it() -> None:
    reply = replies("responses", ANSWERS[4])[0]
    history = [Message.user("Weather?"), reply.to_message(), *(Message.tool("1", c.id) for c in reply.tool_calls)]
    before = repr(history)
    for protocol in CHATS:
        body(history, protocol)
    assert repr(history) == before


@pytest.mark.parametrize("protocol", ["responses", "messages"])
def test_an_image_in_a_system_message_is_refused_where_it_would_be_lost(protocol: str) -> None:
    picture = (TextPart("Look."), ImagePart("https://example.org/a.png"))
    with pytest.raises(errors.InvalidRequestError, match="system message can contain only text here"):
        body([Message("system", picture), Message.user("Hi")], protocol)
    text = body([Message("system", (TextPart("Be "), TextPart("brief."))), Message.user("Hi")], protocol)
    assert "Be brief." in (text.get("instructions"), text.get("system"))


@pytest.mark.parametrize("protocol", CHATS)
def test_an_image_in_a_file_is_sent_as_an_image(protocol: str) -> None:
    url = "data:image/png;base64,AA=="
    as_file, as_image = (body([Message.user((part,))], protocol) for part in (FilePart(data=url), ImagePart(url)))
    assert as_file == as_image


@pytest.mark.parametrize("provider", ["deepseek", "vllm"])
def test_the_error_for_a_document_on_messages_applies_to_every_provider(provider: str) -> None:
    report = Message.user((FilePart(data="data:application/pdf;base64,AA==", filename="a.pdf"),))
    with pytest.raises(errors.UnsupportedError, match=f"{provider} does not read documents inside a message.*or, at D"):
        Client(provider=provider, protocol="messages", api_key="k").preview([report])
