"""Behaviour that hangs on one line each, in the other protocols and in OpenRouter's dialect."""

from __future__ import annotations

import copy
import dataclasses
import json
from typing import Any

import httpx
import pytest

from deepseek_v4 import (
    Client,
    ModelSettings,
    OpenRouterOptions,
    Provider,
    ReasoningDelta,
    Reply,
    ToolCallDelta,
    ToolSpec,
    errors,
    fold,
)

F = ToolSpec("f", "A tool.", {"type": "object", "properties": {}})


def deltas_of(protocol: str, *events: dict[str, Any]) -> list[Any]:
    body = b"".join(f"event: {each['type']}\ndata: {json.dumps(each)}\n\n".encode() for each in events)
    answer = httpx.Response(200, headers={"content-type": "text/event-stream"}, content=body)
    http = httpx.Client(transport=httpx.MockTransport(lambda _: answer))
    with Client(api_key="sk-test", protocol=protocol, http_client=http) as client:
        return list(client.stream("Hi"))


# -- Responses: reasoning and its summary ----------------------------------------------------------------------------

TEXT = {"type": "reasoning_text", "text": "Paris, then."}
SUMMARY = {"type": "summary_text", "text": "About Paris."}
MESSAGE = {"type": "message", "id": "m", "role": "assistant", "content": [{"type": "output_text", "text": "Yes."}]}
AT = {"output_index": 0, "item_id": "r"}
ADDED = {
    "type": "response.output_item.added",
    "item": {"type": "reasoning", "id": "r", "content": [], "summary": []},
    **AT,
}
TEXT_EVENT = {"type": "response.reasoning_text.delta", "content_index": 0, "delta": TEXT["text"], **AT}
SUMMARY_EVENT = {"type": "response.reasoning_summary_text.delta", "summary_index": 0, "delta": SUMMARY["text"], **AT}


def reasoned(*events: dict[str, Any]) -> tuple[Reply, str]:
    """The reply of a stream with these events of reasoning, and the reasoning in pieces."""
    item = {"type": "reasoning", "id": "r", "content": [TEXT], "summary": [SUMMARY]}
    response = {"id": "1", "status": "completed", "model": "m", "output": [item, MESSAGE]}
    done = {"type": "response.output_item.done", "item": item, **AT}
    deltas = deltas_of("responses", ADDED, *events, done, {"type": "response.completed", "response": response})
    return fold(deltas), "".join(delta.text for delta in deltas if isinstance(delta, ReasoningDelta))


@pytest.mark.parametrize(
    ("events", "text"),
    [
        ([TEXT_EVENT, SUMMARY_EVENT], TEXT["text"]),
        ([SUMMARY_EVENT, TEXT_EVENT], SUMMARY["text"]),
        ([TEXT_EVENT], TEXT["text"]),
        ([SUMMARY_EVENT], SUMMARY["text"]),
    ],
)
def test_reasoning_is_not_doubled_by_its_summary(events: list[dict[str, Any]], text: str) -> None:
    reply, pieces = reasoned(*events)
    assert reply.reasoning is not None
    assert reply.reasoning.text == pieces == text


def test_the_free_text_of_a_custom_tool_arrives_in_pieces() -> None:
    item = {"type": "custom_tool_call", "id": "c", "call_id": "call_1", "name": "f", "input": ""}
    at = {"output_index": 0, "item_id": "c"}
    whole = {**item, "input": 'a "b"'}
    deltas = deltas_of(
        "responses",
        {"type": "response.output_item.added", "item": item, **at},
        {"type": "response.custom_tool_call_input.delta", "delta": "a ", **at},
        {"type": "response.custom_tool_call_input.delta", "delta": '"b"', **at},
        {"type": "response.output_item.done", "item": whole, **at},
        {"type": "response.completed", "response": {"id": "1", "status": "completed", "output": [whole]}},
    )
    pieces = [delta.arguments for delta in deltas if isinstance(delta, ToolCallDelta)]
    assert pieces == ['{"input": "', "a ", '\\"b\\"', '"}']


# -- Messages --------------------------------------------------------------------------------------------------------


def test_null_counts_at_the_end_leave_those_of_the_start() -> None:
    start = {"id": "1", "role": "assistant", "content": [], "usage": {"input_tokens": 76, "output_tokens": 1}}
    reply = fold(
        deltas_of(
            "messages",
            {"type": "message_start", "message": {**start, "model": "m"}},
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": "Hi"}},
            {"type": "content_block_stop", "index": 0},
            {
                "type": "message_delta",
                "delta": {"stop_reason": "end_turn"},
                "usage": {"input_tokens": None, "cache_read_input_tokens": None, "output_tokens": 82},
            },
            {"type": "message_stop"},
        )
    )
    assert reply.usage is not None
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (76, 82)


def with_the_switch() -> Provider:
    """DeepSeek, if its Messages endpoint read the switch for parallel calls."""
    provider = ModelSettings(provider="deepseek").resolved_provider()
    dialect = copy.copy(provider.dialects["messages"])
    dialect.parallel_tool_calls = True
    return dataclasses.replace(provider, dialects={**provider.dialects, "messages": dialect})


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        ("none", {"type": "none"}),
        ("auto", {"type": "auto", "disable_parallel_tool_use": True}),
        ("required", {"type": "any", "disable_parallel_tool_use": True}),
        ("f", {"type": "tool", "name": "f", "disable_parallel_tool_use": True}),
    ],
)
def test_the_switch_for_parallel_calls_is_sent_with_every_choice_but_none(choice: str, sent: dict[str, Any]) -> None:
    client = Client(provider=with_the_switch(), protocol="messages", api_key="sk-test", thinking=False)
    shown = client.preview("Hi", tools=[F], tool_choice=choice, parallel_tool_calls=False)
    assert shown.body["tool_choice"] == sent
    without = client.preview("Hi", tools=[F], tool_choice=choice, parallel_tool_calls=True)
    assert "disable_parallel_tool_use" not in without.body.get("tool_choice", {})


# -- OpenRouter: reasoning said in two places ------------------------------------------------------------------------


def reasoning_sent(own: dict[str, Any], **options: Any) -> Any:
    client = Client(provider="openrouter", model="deepseek/deepseek-v4-flash", api_key="sk-test", **options)
    return client.preview("Hi", provider_options=OpenRouterOptions(reasoning=own)).body["reasoning"]


@pytest.mark.parametrize(
    ("own", "options"),
    [
        ({"effort": "high"}, {"reasoning_effort": "high"}),
        ({"effort": "high", "summary": "auto"}, {}),
        ({"exclude": True}, {"reasoning_effort": "high"}),
        ({"max_tokens": 1000}, {"thinking_budget": 1000}),
    ],
)
def test_reasoning_options_that_agree_are_merged(own: dict[str, Any], options: dict[str, Any]) -> None:
    assert reasoning_sent(own, **options).items() >= own.items()


@pytest.mark.parametrize(
    ("own", "options"),
    [({"effort": "low"}, {"reasoning_effort": "high"}), ({"max_tokens": 2000}, {"thinking_budget": 1000})],
)
def test_reasoning_options_that_contradict_are_refused(own: dict[str, Any], options: dict[str, Any]) -> None:
    with pytest.raises(errors.InvalidRequestError, match="contradict"):
        reasoning_sent(own, **options)
