"""Strict tools: their schemas in requests, and their calls without the nulls that only strict mode allows."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from deepseek_v4 import Delta, StreamEnd, ToolCallDelta, ToolSpec
from deepseek_v4.errors import UnsupportedError
from deepseek_v4.protocols.schema import allows_nulls, strict_subset
from tests.unit.protocols.leaked_calls.dsml_texts import dsml
from tests.unit.protocols.wire_examples import (
    call_item,
    completion,
    completion_chunks,
    decoded,
    deltas_of,
    message,
    prepared,
    response,
    response_events,
    sse,
    use_block,
)

SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}, "note": {"type": ["string", "null"]}},
    "required": ["city"],
}
WEATHER = ToolSpec("get_weather", "The weather.", SCHEMA)
WRITTEN = '{"city": "Köln", "days": null, "note": null}'
MEANT = '{"city": "Köln", "note": null}'
PROTOCOLS = ("chat_completions", "responses")


def answers(protocol: str, arguments: str, finish: str = "tool_calls") -> tuple[dict[str, Any], bytes]:
    if protocol == "responses":
        items = (call_item("get_weather", arguments),)
        return response(*items), sse(response_events(*items))
    complete = completion("", None, [("call_00_a", "get_weather", arguments)], finish)
    return complete, sse(completion_chunks(complete), done=True)


def added_up(deltas: list[Delta]) -> str:
    return "".join(delta.arguments for delta in deltas if isinstance(delta, ToolCallDelta))


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("by", ["request", "tool"])
def test_nulls_of_optional_fields_are_removed(protocol: str, by: str) -> None:
    tool = ToolSpec("get_weather", "", SCHEMA, strict=True) if by == "tool" else WEATHER
    how = prepared("Hi", protocol, tools=[tool], strict_tools=by == "request").context
    complete, streamed = answers(protocol, WRITTEN)
    assert [call.arguments for call in decoded(complete, protocol, how).tool_calls] == [MEANT]
    deltas = deltas_of(streamed, protocol, how)
    assert isinstance(deltas[-1], StreamEnd)
    assert [call.arguments for call in deltas[-1].reply.tool_calls] == [MEANT]
    assert added_up(deltas) == MEANT


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_arguments_without_such_nulls_are_verbatim(protocol: str) -> None:
    how = prepared("Hi", protocol, tools=[WEATHER], strict_tools=True).context
    written = '{"city":  "K\\u00f6ln","days":1e0}'
    complete, streamed = answers(protocol, written)
    assert [call.arguments for call in decoded(complete, protocol, how).tool_calls] == [written]
    assert added_up(deltas_of(streamed, protocol, how)) == written


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_calls_that_are_not_strict_keep_their_nulls(protocol: str) -> None:
    how = prepared("Hi", protocol, tools=[WEATHER]).context
    complete, streamed = answers(protocol, WRITTEN)
    assert [call.arguments for call in decoded(complete, protocol, how).tool_calls] == [WRITTEN]
    deltas = deltas_of(streamed, protocol, how)
    assert added_up(deltas) == WRITTEN
    assert sum(isinstance(delta, ToolCallDelta) for delta in deltas) > 3


def test_arguments_stream_if_no_null_can_be_removed() -> None:
    closed = {**SCHEMA, "required": ["city", "days", "note"]}
    how = prepared("Hi", "chat_completions", tools=[ToolSpec("get_weather", "", closed)], strict_tools=True).context
    deltas = deltas_of(answers("chat_completions", WRITTEN)[1], "chat_completions", how)
    assert added_up(deltas) == WRITTEN
    assert sum(isinstance(delta, ToolCallDelta) for delta in deltas) > 3


def test_truncated_arguments_are_unchanged() -> None:
    how = prepared("Hi", "chat_completions", tools=[WEATHER], strict_tools=True).context
    deltas = deltas_of(answers("chat_completions", WRITTEN[:20], "length")[1], "chat_completions", how)
    assert isinstance(deltas[-1], StreamEnd)
    (call,) = deltas[-1].reply.invalid_tool_calls
    assert call.arguments == added_up(deltas) == WRITTEN[:20]


def test_nulls_of_calls_in_the_text_are_removed() -> None:
    options = {"strict_tools": True, "recover_tool_calls": "parse"}
    how = prepared("Hi", "chat_completions", tools=[WEATHER], **options).context
    text = dsml((("get_weather", {"city": "Köln", "days": None}),))
    complete = completion(text, None)
    assert [call.arguments for call in decoded(complete, "chat_completions", how).tool_calls] == ['{"city": "Köln"}']
    deltas = deltas_of(sse(completion_chunks(complete), done=True), "chat_completions", how)
    assert added_up(deltas) == '{"city": "Köln"}'


@pytest.mark.filterwarnings("ignore::deepseek_v4.errors.UnsupportedOptionWarning")
def test_nulls_are_kept_if_strict_mode_is_dropped() -> None:
    how = prepared("Hi", "messages", tools=[WEATHER], strict_tools=True).context
    complete = message(use_block("get_weather", json.loads(WRITTEN)), stop_reason="tool_use")
    assert [call.arguments for call in decoded(complete, "messages", how).tool_calls] == [WRITTEN]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_error_of_an_inexpressible_schema_names_tool_and_path(protocol: str) -> None:
    tool = ToolSpec("f", "", {"type": "object", "properties": {"a": {}}})
    with pytest.raises(UnsupportedError, match=r"^tool f: parameters/properties/a: "):
        prepared("Hi", protocol, tools=[tool], strict_tools=True)


@pytest.mark.parametrize(
    ("schema", "allows"),
    [
        (SCHEMA, True),
        ({**SCHEMA, "required": ["city", "days", "note"]}, False),
        ({"type": "object", "properties": {"a": {"anyOf": [{"type": "null"}, {"type": "string"}]}}}, False),
        ({"type": "object", "properties": {"a": SCHEMA}, "required": ["a"]}, True),
        (
            {"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}, "required": ["a"], "$defs": {"A": SCHEMA}},
            True,
        ),
        ({"type": "object", "properties": {}}, False),
        ({}, False),
    ],
)
def test_which_schemas_allow_removable_nulls(schema: dict[str, Any], allows: bool) -> None:
    assert allows_nulls(schema) is allows


def test_a_schema_is_converted_once() -> None:
    schema = {"type": "object", "properties": {f"p{n}": {"type": "string", "maxLength": n} for n in range(200)}}

    def seconds() -> float:
        begun = time.process_time()
        strict_subset(schema, "tool of this test")
        return time.process_time() - begun

    first = seconds()
    assert min(seconds() for _ in range(5)) < first / 5


def test_the_cached_schema_cannot_be_changed() -> None:
    strict_subset(SCHEMA, "tool f")["properties"]["city"]["type"] = "integer"
    assert strict_subset(SCHEMA, "tool f")["properties"]["city"] == {"type": "string"}
