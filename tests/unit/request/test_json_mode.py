"""Response formats: JSON mode, schemas, and providers without either."""

from __future__ import annotations

from typing import Any

import pytest

from deepseek_v4 import (
    Message,
    Provider,
    errors,
)
from tests.unit.protocols.chat.wire import PLAIN
from tests.unit.request.preparing import HI, HOST, notes, prepare

JSON = {"type": "json_object"}
SCHEMA = {
    "type": "json_schema",
    "json_schema": {"name": "city", "schema": {"type": "object", "properties": {"city": {"type": "string"}}}},
}


def test_text_is_what_is_meant_anyway() -> None:
    assert prepare(response_format={"type": "text"}).http.body == prepare().http.body


@pytest.mark.parametrize("messages", [(Message.user("Give me JSON"),), (Message.system("Answer in json."), HI)])
def test_json_mode_leaves_a_prompt_alone_that_says_the_word(messages: tuple[Message, ...]) -> None:
    prepared = prepare(*messages, response_format=JSON)
    assert prepared.body["response_format"] == JSON
    assert prepared.body["messages"] == prepare(*messages).body["messages"]
    assert prepared.notes == ()


def test_json_mode_says_the_word_where_nobody_did_and_notes_it() -> None:
    prepared = prepare(response_format=JSON)
    assert "json" in prepared.body["messages"][0]["content"].lower()
    assert notes(prepared) == [("repaired", "response_format")]


def test_saying_the_word_is_no_reason_to_warn(recwarn: pytest.WarningsRecorder) -> None:
    prepare(response_format=JSON)
    assert not recwarn.list


class NoJson(type(PLAIN)):  # type: ignore[misc]
    json_object = False
    json_schema = False


NO_JSON = Provider("nojson", "https://h.example", "MYHOST_API_KEY", {"chat_completions": NoJson()})


@pytest.mark.parametrize("wanted", [JSON, SCHEMA], ids=["json", "schema"])
def test_where_there_is_no_json_mode_it_is_asked_for_in_words(wanted: Any) -> None:
    prepared = prepare(provider=NO_JSON, response_format=wanted)
    assert "response_format" not in prepared.body
    assert "json" in prepared.body["messages"][0]["content"].lower()
    assert notes(prepared) == [("translated", "response_format")]


def test_there_it_is_asked_for_even_when_the_word_was_said_because_nothing_else_holds_the_model_to_it() -> None:
    said = Message.user("Give me JSON")
    plain = prepare(said, provider=NO_JSON).body["messages"]
    assert prepare(said, provider=NO_JSON, response_format=JSON).body["messages"][1:] == plain


def test_what_json_mode_says_stays_when_the_word_comes_up_later() -> None:
    early = prepare(HI, response_format=JSON).http.body
    late = prepare(HI, Message.assistant('{"json": 1}'), Message.user("More JSON"), response_format=JSON).http.body
    assert late.startswith(early.removesuffix(b"]}"))


def test_a_schema_is_said_in_the_prompt_where_there_is_json_mode_only() -> None:
    prepared = prepare(response_format=SCHEMA)
    assert prepared.body["response_format"] == JSON
    assert '"city"' in prepared.body["messages"][0]["content"]
    assert notes(prepared) == [("translated", "response_format")]
    assert "thinking" not in prepared.body


def test_the_schema_stays_at_its_place_as_the_history_grows() -> None:
    early = prepare(Message.system("Be brief."), HI, response_format=SCHEMA).http.body
    late = prepare(Message.system("Be brief."), HI, Message.assistant("{}"), HI, response_format=SCHEMA).http.body
    assert late.startswith(early.removesuffix(b"]}"))


def test_a_schema_is_sent_as_it_is_where_the_host_knows_schemas() -> None:
    prepared = prepare(provider=HOST, response_format=SCHEMA)
    assert prepared.body["response_format"] == SCHEMA
    assert len(prepared.body["messages"]) == 1


@pytest.mark.parametrize("asked", [None, {}, {"name": "x"}, {"schema": "x"}, "x"])
def test_a_schema_format_without_a_schema_is_refused(asked: Any) -> None:
    with pytest.raises(errors.InvalidRequestError, match="Invalid response_format"):
        prepare(response_format={"type": "json_schema", "json_schema": asked})
