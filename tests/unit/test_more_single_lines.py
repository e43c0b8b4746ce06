"""Behaviour that depends on one line each, found by ``make mutants``: request bodies, prices, markup, attempts."""

from __future__ import annotations

import pickle
import time
from typing import Any

import httpx
import pytest

from deepseek_v4 import Client, ImagePart, Message, ModelSettings, TextPart, ToolSpec, errors
from deepseek_v4.protocols import schema
from deepseek_v4.protocols.account import ModelsDialect
from deepseek_v4.protocols.leaked_calls.scan_text import MarkupScanner
from deepseek_v4.providers import find_provider

F = ToolSpec("f", "A tool.", {"type": "object", "properties": {}})


# -- providers -------------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore")
def test_a_field_that_an_endpoint_does_not_have_is_dropped_with_the_advice_to_use_chat() -> None:
    client = Client(provider="empiriolabs", protocol="responses", api_key="sk-test")
    preview = client.preview("Hi", stop=["a"], max_tokens=20_000)
    assert preview.body["max_output_tokens"] == 20_000
    [note] = [note for note in preview.notes if note.option == "stop"]
    assert note.text.startswith("the endpoint has no such field: use protocol='chat_completions'")


@pytest.mark.parametrize(("currency", "known"), [("USD", True), ("CNY", False)])
def test_prices_in_another_currency_are_left_out(currency: str, known: bool) -> None:
    rows = [{"charge": charge, "price": 1, "currency": currency} for charge in ("input", "output", "cache_read")]
    dialect: Any = find_provider("empiriolabs").dialects["models"]
    info = dialect.decode_model({"id": "deepseek-v4-flash:variant9", "pricing_rows": rows})
    assert (info.price is not None) == known


# -- Messages --------------------------------------------------------------------------------------------------------


def test_messages_leaves_out_a_text_part_that_is_empty() -> None:
    client = Client(protocol="messages", api_key="sk-test", model="deepseek-flash")
    question = Message.user((TextPart(""), ImagePart("https://example.com/a.png")))
    [message] = client.preview([question]).body["messages"]
    assert [block["type"] for block in message["content"]] == ["image"]


# -- markup in the text ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cut", [True, False])
@pytest.mark.parametrize(("text", "withheld"), [("<tool_calls>", ""), ("<｜DSML｜tool_calls>", "<｜DSML｜tool_calls>")])
def test_the_beginning_of_markup_is_withheld_if_it_has_the_mark(text: str, withheld: str, cut: bool) -> None:
    scanner = MarkupScanner({"f": F}, [])
    assert scanner.feed(text) == ""
    ending = scanner.end(cut=cut)
    assert (ending.withheld, ending.text) == (withheld, "" if withheld else text)


@pytest.mark.parametrize(
    ("inside", "arguments"),
    [
        ('{"x": 1', '{"x": 1'),
        ('<｜DSML｜parameter name="s" string="true">Pa', '{"s": "Pa'),
        ("", "{"),
    ],
)
def test_an_unfinished_call_has_its_arguments_as_far_as_they_came(inside: str, arguments: str) -> None:
    scanner = MarkupScanner({"f": F}, [])
    scanner.feed(f'<｜DSML｜invoke name="f">{inside}')
    [call] = scanner.end(cut=True).calls
    assert call.arguments == arguments


# -- attempts --------------------------------------------------------------------------------------------------------


def test_a_second_request_about_the_account_has_what_is_left_of_the_total_timeout() -> None:
    left: list[float] = []

    def busy_once(request: httpx.Request) -> httpx.Response:
        left.append(request.extensions["timeout"].get("read"))
        time.sleep(0.05)
        return httpx.Response(503 if len(left) == 1 else 200, json={"data": [{"id": "deepseek-v4-flash"}]})

    with httpx.Client(transport=httpx.MockTransport(busy_once)) as http:
        Client(api_key="sk-test", http_client=http, total_timeout=30).list_models()
    assert len(left) == 2
    assert left[1] <= 29.95


def test_an_answer_that_the_output_limit_cut_is_resumed_in_streams_only() -> None:
    sent: list[httpx.Request] = []

    def cut(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        choice = {"index": 0, "message": {"content": "Once"}, "finish_reason": "length"}
        return httpx.Response(200, json={"id": "1", "model": "m", "choices": [choice]})

    with httpx.Client(transport=httpx.MockTransport(cut)) as http:
        reply = Client(api_key="sk-test", http_client=http, resume_streams=True).chat("Hi")
    assert (reply.content, reply.finish_reason, reply.attempts, len(sent)) == ("Once", "length", (), 1)


# -- small facts -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [{"id": "deepseek-x"}, {"data": {"id": "deepseek-x"}}])
def test_one_model_is_read_from_either_form(body: dict[str, Any]) -> None:
    info = ModelsDialect().decode_model(body)
    assert info is not None
    assert info.id == "deepseek-x"


def test_records_of_reasoning_that_are_not_a_list_are_left_out() -> None:
    dialect: Any = find_provider("openrouter").dialects["chat_completions"]
    assert dialect.decode_reasoning({"reasoning": "Paris.", "reasoning_details": {"a": 1}}) == ("Paris.", None)


@pytest.mark.parametrize(("effort", "translated"), [("high", False), ("minimal", True)])
def test_an_effort_that_is_sent_as_it_is_has_no_note(effort: str, translated: bool) -> None:
    client = Client(provider="openrouter", protocol="messages", api_key="sk-test", thinking=True)
    notes = client.preview("Hi", reasoning_effort=effort).notes
    assert any(note.option == "reasoning_effort" for note in notes) == translated


def test_a_copy_with_a_key_as_text_is_pickled_without_it() -> None:
    settings = ModelSettings().model_copy(update={"api_key": "sk-in-a-copy"})
    assert b"sk-in-a-copy" not in pickle.dumps(settings)


# -- schemas ---------------------------------------------------------------------------------------------------------


def test_the_short_form_drops_a_comment_and_keeps_a_property_of_its_name() -> None:
    node = {"type": "string"}
    whole = {"type": "object", "$comment": "why", "properties": {"$comment": node, "example": {**node, "$id": "u"}}}
    assert schema.compact(whole) == {"type": "object", "properties": {"$comment": node, "example": node}}


def test_a_strict_schema_that_is_not_an_object_is_refused_by_its_path() -> None:
    with pytest.raises(errors.UnsupportedError, match="tool f: parameters: this is not a schema"):
        schema.strict_subset([1], "tool f")  # type: ignore[arg-type]


def _strict(inner: dict[str, Any], **definitions: Any) -> Any:
    whole = {"type": "object", "properties": {"a": inner}, "required": ["a"], "$defs": definitions}
    return schema.strict_subset(whole, "tool f")


def test_what_follows_nullable_in_a_part_still_counts() -> None:
    strict = _strict({"allOf": [{"type": "string"}, {"nullable": True, "pattern": "^x$"}]})
    assert strict["properties"]["a"] == {"type": "string", "pattern": "^x$"}


def test_a_choice_in_a_choice_passes_its_description_on() -> None:
    node = {"type": "object", "properties": {"n": {"$ref": "#/$defs/N"}}, "required": ["n"]}
    inner = {"anyOf": [node, {"type": "integer"}], "description": "inner"}
    strict = _strict({"$ref": "#/$defs/N"}, N={"anyOf": [{"type": "string"}, inner]})
    assert [branch.get("description") for branch in strict["$def"]["N"]["anyOf"]] == [None, "inner", "inner"]


# -- tool calls ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", [{"id": "c"}, {"id": "c", "function": None}])
def test_a_call_without_a_function_is_invalid_and_the_answer_is_returned(call: dict[str, Any]) -> None:
    message = {"content": "Hi", "tool_calls": [call]}
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    answer = httpx.Response(200, json={"id": "1", "model": "m", "choices": [choice]})
    with httpx.Client(transport=httpx.MockTransport(lambda _: answer)) as http:
        reply = Client(api_key="sk-test", http_client=http).chat("Hi")
    assert (reply.content, reply.tool_calls) == ("Hi", ())


@pytest.mark.parametrize("field", ["allowed", "enum"])
def test_listed_efforts_are_read_under_either_name(field: str) -> None:
    dialect: Any = find_provider("empiriolabs").dialects["models"]
    parameter = {"name": "reasoning_effort", field: ["low", "high"]}
    info = dialect.decode_model({"id": "deepseek-v4-flash:variant9", "supported_parameters": [parameter]})
    assert info.efforts == ("low", "high")


def test_settings_report_the_provider_without_its_variant() -> None:
    assert ModelSettings(provider="empiriolabs:variant2").provider_name == "empiriolabs"
