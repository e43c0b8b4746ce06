"""Responses, Messages, OpenRouter's dialect: behaviour that depends on one line each, found by ``make mutants``."""

from __future__ import annotations

import copy
import dataclasses
import json
from typing import Any

import httpx
import pytest

from deepseek_v4 import (
    Client,
    ImagePart,
    Message,
    ModelSettings,
    OpenRouterOptions,
    Provider,
    Reasoning,
    ReasoningDelta,
    Reply,
    StreamEnd,
    TextPart,
    ToolCallDelta,
    ToolSpec,
    errors,
    fold,
)
from deepseek_v4.protocols.account import ModelsDialect
from deepseek_v4.protocols.dialect import OptionSpec
from deepseek_v4.protocols.reasoning_details import merge_details
from deepseek_v4.protocols.schema import strict_subset
from deepseek_v4.protocols.think_tags import ThinkSplitter
from deepseek_v4.protocols.tool_names import ToolNames
from deepseek_v4.providers.base import did_you_mean
from deepseek_v4.providers.openrouter.chat import OpenRouterChat

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
    """Return the reply of a stream with these events of reasoning, and its reasoning deltas."""
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
def test_the_summary_does_not_repeat_the_reasoning(events: list[dict[str, Any]], text: str) -> None:
    reply, streamed = reasoned(*events)
    assert reply.reasoning is not None
    assert reply.reasoning.text == streamed == text


def test_the_parts_of_a_summary_are_paragraphs_and_pass_back_unchanged() -> None:
    second = {**SUMMARY, "text": "And its river."}
    events = [SUMMARY_EVENT, {**SUMMARY_EVENT, "summary_index": 1, "delta": "And its"}]  # the item has the rest
    item = {"type": "reasoning", "id": "r", "content": [], "summary": [SUMMARY, second]}
    response = {"id": "1", "status": "completed", "model": "m", "output": [item, MESSAGE]}
    done = {"type": "response.output_item.done", "item": item, **AT}
    ended = {"type": "response.completed", "response": response}
    deltas = deltas_of("responses", ADDED, *events, done, ended)
    streamed = "".join(delta.text for delta in deltas if isinstance(delta, ReasoningDelta))
    for reply in (fold(deltas), fold(deltas_of("responses", ended))):
        assert reply.reasoning == Reasoning("About Paris.\n\nAnd its river.", (item,))
        assert reply.reasoning.text == streamed
        client = Client(protocol="responses", api_key="k")
        assert client.preview([Message.user("Hi"), reply.to_message(), Message.user("And?")]).body["input"][1] == item


def test_a_message_is_encoded_anew_for_another_host() -> None:
    answer = Message("assistant", "Hm.", Reasoning("I think."))
    messages = [Message.user("Hi"), answer, Message.user("And?")]
    sent = [
        Client(provider=provider, base_url="http://localhost:1/v1", api_key="k").preview(messages).body["messages"][1]
        for provider in ("deepseek", "vllm", "deepseek")
    ]
    assert [one.get("reasoning") for one in sent] == [None, "I think.", None]
    assert sent[0] == sent[2]


def test_an_answer_without_a_model_has_the_price_of_the_requested_model() -> None:
    usage = {"prompt_tokens": 1000, "completion_tokens": 1000, "total_tokens": 2000}
    choice = {"index": 0, "message": {"role": "assistant", "content": "Yes."}, "finish_reason": "stop"}
    http = httpx.Client(
        transport=httpx.MockTransport(lambda _: httpx.Response(200, json={"choices": [choice], "usage": usage}))
    )
    with Client(api_key="sk-test", model="deepseek-v4-pro", http_client=http) as client:
        reply = client.chat("Hi")
    assert reply.model is None
    assert reply.cost is not None


def test_the_free_text_of_a_custom_tool_is_streamed() -> None:
    item = {"type": "custom_tool_call", "id": "c", "call_id": "call_1", "name": "f", "input": ""}
    at = {"output_index": 0, "item_id": "c"}
    complete = {**item, "input": 'a "b"'}
    deltas = deltas_of(
        "responses",
        {"type": "response.output_item.added", "item": item, **at},
        {"type": "response.custom_tool_call_input.delta", "delta": "a ", **at},
        {"type": "response.custom_tool_call_input.delta", "delta": '"b"', **at},
        {"type": "response.output_item.done", "item": complete, **at},
        {"type": "response.completed", "response": {"id": "1", "status": "completed", "output": [complete]}},
    )
    chunks = [delta.arguments for delta in deltas if isinstance(delta, ToolCallDelta)]
    assert chunks == ['{"input": "', "a ", '\\"b\\"', '"}']


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


# -- OpenRouter: reasoning options in two places ---------------------------------------------------------------------


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


def test_messages_leaves_out_a_text_part_that_is_empty() -> None:
    client = Client(protocol="messages", api_key="sk-test", model="deepseek-flash")
    question = Message.user((TextPart(""), ImagePart("https://example.com/a.png")))
    [message] = client.preview([question]).body["messages"]
    assert [block["type"] for block in message["content"]] == ["image"]


@pytest.mark.parametrize("body", [{"id": "deepseek-x"}, {"data": {"id": "deepseek-x"}}])
def test_one_model_is_read_from_either_form(body: dict[str, Any]) -> None:
    info = ModelsDialect().decode_model(body)
    assert info is not None
    assert info.id == "deepseek-x"


def test_names_that_are_sent_unchanged() -> None:
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


def test_a_field_of_a_reasoning_record_that_is_null_in_a_later_fragment_is_kept() -> None:
    first = {"type": "reasoning.text", "index": 0, "text": "a"}
    [record] = merge_details([first, {**first, "text": "b", "signature": None}])
    assert record == {**first, "text": "ab", "signature": None}


def test_a_longest_text_is_part_of_the_range() -> None:
    assert OptionSpec("x", max_length=5).range() == "at most 5 characters"


def test_log_probabilities_of_endpoints_that_have_a_number_only_are_noted() -> None:
    notes = Client(protocol="responses", api_key="k", logprobs=True).preview("Hi").notes
    assert [note.kind for note in notes if note.option == "logprobs"] == ["translated"]


def messages_reply(*blocks: tuple[dict[str, Any], list[dict[str, Any]]]) -> Reply:
    """Return the reply to a stream of Messages with these blocks and their deltas."""
    request = Client(protocol="messages", api_key="k").prepare("Hi", {"tools": [F]}, stream=True)
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


def test_streamed_arguments_are_not_repeated_from_the_start_of_their_block() -> None:
    block = {"type": "tool_use", "id": "1", "name": "f", "input": {"q": "first"}}
    delta = {"type": "input_json_delta", "partial_json": '{"q": "second"}'}
    assert [call.arguments for call in messages_reply((block, [delta])).tool_calls] == ['{"q": "second"}']
    assert [call.arguments for call in messages_reply((block, [])).tool_calls] == ['{"q": "first"}']


@pytest.mark.parametrize("items", [[{"type": "integer"}], ()])
def test_a_tuple_of_schemas_in_a_strict_tool_is_refused_with_its_place(items: Any) -> None:
    parameters = {"type": "object", "properties": {"a": {"type": "array", "items": items}}}
    with pytest.raises(
        errors.UnsupportedError, match="parameters/properties/a/items: strict mode does not support tup"
    ):
        strict_subset(parameters, "tool f")


@pytest.mark.parametrize("strict", [True, False])
def test_only_a_strict_response_format_is_noted_on_deepseek_responses(strict: bool) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}, "strict": strict}}
    preview = Client(api_key="sk-test", protocol="responses").preview("Hi", response_format=form)
    assert preview.body["text"]["format"]["strict"] is False
    assert ["without strict" in note.text for note in preview.notes].count(True) == strict


def test_nulls_around_a_completion_that_openrouter_wraps_are_left_out() -> None:
    inner = {"choices": [], "model": "m"}
    assert OpenRouterChat().unwrap({"provider": inner, "choices": None, "id": "gen-1", "error": None}) == {
        "id": "gen-1",
        **inner,
    }


def test_a_stream_that_cannot_be_resumed_names_the_protocol() -> None:
    client = Client(api_key="sk-test", protocol="responses", resume_streams=True, on_unsupported="ignore")
    (note,) = client.preview("Hi", stream=True).notes
    assert str(note).startswith("resume_streams dropped: an answer cannot be continued with protocol='responses': ")


def test_a_word_that_resembles_no_known_one_gets_no_suggestion() -> None:
    assert did_you_mean("zzzz", ["alpha"]) == ""
    assert did_you_mean("alhpa", ["alpha"]) == " Did you mean 'alpha'?"
