"""Response formats: JSON mode, schemas, and providers without either."""

from __future__ import annotations

from typing import Any

import pytest

from deepseek_v4 import (
    Message,
    Provider,
    ToolSpec,
    errors,
)
from tests.unit.protocols.chat.wire import PLAIN
from tests.unit.request.preparing import HI, HOST, WEATHER, notes, prepare

JSON = {"type": "json_object"}
SCHEMA = {
    "type": "json_schema",
    "json_schema": {"name": "city", "schema": {"type": "object", "properties": {"city": {"type": "string"}}}},
}


def test_the_format_text_is_not_sent() -> None:
    assert prepare(response_format={"type": "text"}).http.body == prepare().http.body


@pytest.mark.parametrize("messages", [(Message.user("Give me JSON"),), (Message.system("Answer in json."), HI)])
def test_json_mode_does_not_change_a_prompt_that_contains_the_word(messages: tuple[Message, ...]) -> None:
    prepared = prepare(*messages, response_format=JSON)
    assert prepared.body["response_format"] == JSON
    assert prepared.body["messages"] == prepare(*messages).body["messages"]
    assert prepared.notes == ()


def test_json_mode_adds_the_word_with_a_note_if_it_is_missing() -> None:
    prepared = prepare(response_format=JSON)
    assert "json" in prepared.body["messages"][0]["content"].lower()
    assert notes(prepared) == [("repaired", "response_format")]


def test_adding_the_word_does_not_warn(recwarn: pytest.WarningsRecorder) -> None:
    prepare(response_format=JSON)
    assert not recwarn.list


class NoJson(type(PLAIN)):  # type: ignore[misc]
    json_object = False
    json_schema = False


NO_JSON = Provider("nojson", "https://h.example", "MYHOST_API_KEY", {"chat_completions": NoJson()})


@pytest.mark.parametrize("requested", [JSON, SCHEMA], ids=["json", "schema"])
def test_without_json_mode_the_prompt_requests_json(requested: Any) -> None:
    prepared = prepare(provider=NO_JSON, response_format=requested)
    assert "response_format" not in prepared.body
    assert "json" in prepared.body["messages"][0]["content"].lower()
    assert notes(prepared) == [("translated", "response_format")]


def test_without_json_mode_the_instruction_is_added_even_if_the_prompt_contains_the_word() -> None:
    message = Message.user("Give me JSON")
    plain = prepare(message, provider=NO_JSON).body["messages"]
    assert prepare(message, provider=NO_JSON, response_format=JSON).body["messages"][1:] == plain


def test_the_instruction_of_json_mode_stays_if_a_later_message_contains_the_word() -> None:
    early = prepare(HI, response_format=JSON).http.body
    late = prepare(HI, Message.assistant('{"json": 1}'), Message.user("More JSON"), response_format=JSON).http.body
    assert late.startswith(early.removesuffix(b"]}"))


def test_a_schema_is_added_to_the_prompt_if_only_json_mode_is_supported() -> None:
    prepared = prepare(response_format=SCHEMA)
    assert prepared.body["response_format"] == JSON
    assert '"city"' in prepared.body["messages"][0]["content"]
    assert notes(prepared) == [("translated", "response_format")]
    assert "thinking" not in prepared.body


def test_the_position_of_the_schema_does_not_change_when_the_history_grows() -> None:
    early = prepare(Message.system("Be brief."), HI, response_format=SCHEMA).http.body
    late = prepare(Message.system("Be brief."), HI, Message.assistant("{}"), HI, response_format=SCHEMA).http.body
    assert late.startswith(early.removesuffix(b"]}"))


def test_a_schema_is_sent_unchanged_if_the_host_supports_schemas() -> None:
    prepared = prepare(provider=HOST, response_format=SCHEMA)
    assert prepared.body["response_format"] == SCHEMA
    assert len(prepared.body["messages"]) == 1


@pytest.mark.parametrize("schema", [None, {}, {"name": "x"}, {"schema": "x"}, "x"])
def test_a_schema_format_without_a_schema_is_refused(schema: Any) -> None:
    with pytest.raises(errors.InvalidRequestError, match="Invalid response_format"):
        prepare(response_format={"type": "json_schema", "json_schema": schema})


STRICT = ToolSpec("look", "", {"type": "object", "properties": {}}, strict=True)


@pytest.mark.parametrize("requested", [JSON, SCHEMA])
@pytest.mark.parametrize(
    ("tools", "options", "by_format"),
    [
        ([STRICT], {}, False),
        ([WEATHER], {"strict_tools": True}, False),
        ([STRICT], {"tool_choice": "none"}, True),
        ([], {"strict_tools": True}, True),
    ],
)
@pytest.mark.parametrize("protocol", ["chat_completions", "responses"])
def test_json_is_required_in_the_prompt_next_to_strict_tools(
    protocol: Any, tools: Any, options: dict[str, Any], by_format: bool, requested: Any
) -> None:
    recipe = pytest.importorskip("deepseek_recipe")
    sent = prepare(protocol=protocol, tools=tools, response_format=requested, **options).body
    assert ("response_format" in sent or "text" in sent) is by_format
    assert "JSON" in str(sent) or requested is SCHEMA
    kind = recipe.ChatCompletionRequest if protocol == "chat_completions" else recipe.ResponsesRequest
    given = recipe.ConversionOptions()
    given = given.with_model_alias(sent["model"], recipe.ModelVersion.DeepseekV41Flash) or given
    kind(sent).convert(given)


def test_json_mode_is_kept_next_to_other_tools() -> None:
    assert prepare(tools=[WEATHER], response_format=JSON).body["response_format"] == JSON
