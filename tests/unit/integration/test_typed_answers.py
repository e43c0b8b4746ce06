from __future__ import annotations

from typing import Any

import pytest

from deepseek_v4 import Message, TextPart
from deepseek_v4.integration.typed_answers import parse_answer_json
from deepseek_v4.request.json_mode import allows_object, ask_for_json

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
HI = Message.user("Hi")


def test_the_instruction_is_the_end_of_the_system_message() -> None:
    system, *rest = ask_for_json([Message.system("Be brief."), HI], SCHEMA)
    assert system.role == "system"
    assert system.text.startswith("Be brief.\n\n")
    assert '"city"' in system.text
    assert rest == [HI]


def test_without_a_system_message_the_instruction_becomes_one() -> None:
    system, *rest = ask_for_json([HI], SCHEMA)
    assert system.role == "system"
    assert rest == [HI]


def test_the_instruction_is_added_to_the_parts_of_a_system_message() -> None:
    system, _ = ask_for_json([Message("system", (TextPart("Be"), TextPart(" brief."))), HI], None)
    assert system.text.startswith("Be brief.\n\n")


def test_the_instruction_replaces_an_empty_system_message() -> None:
    assert ask_for_json([Message.system(""), HI], None) == ask_for_json([HI], None)


@pytest.mark.parametrize("schema", [None, SCHEMA])
def test_the_instruction_contains_the_word_that_json_mode_requires(schema: Any) -> None:
    assert "json" in ask_for_json([HI], schema)[0].text.lower()


def test_without_a_schema_the_instruction_mentions_none() -> None:
    assert "schema" not in ask_for_json([HI], None)[0].text.lower()


def test_the_instruction_does_not_depend_on_the_length_of_the_conversation() -> None:
    early = ask_for_json([Message.system("Be brief."), HI], SCHEMA)
    late = ask_for_json([Message.system("Be brief."), HI, Message.assistant("{}"), HI], SCHEMA)
    assert late[:2] == early


def test_the_conversation_is_not_changed() -> None:
    messages = [Message.system("Be brief."), HI]
    ask_for_json(messages, SCHEMA)
    assert messages == [Message.system("Be brief."), HI]


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1}',
        '\n {"a": 1}\n',
        '```json\n{"a": 1}\n```',
        '```\n{"a": 1}\n```',
        '```json\n{"a": 1}',
        '``` {"a": 1} ```',
        'Here you are:\n\n```json\n{"a": 1}\n```\nDo ask if there is more.',
        '  ```JSON\n{"a": 1}```',
    ],
)
def test_the_value_is_read_with_or_without_a_fence(text: str) -> None:
    assert parse_answer_json(text) == {"a": 1}


def test_only_the_outer_fence_is_removed() -> None:
    assert parse_answer_json('```json\n{\n"a": "```",\n"b": 1\n}\n```') == {"a": "```", "b": 1}


def test_integers_of_any_length_are_kept() -> None:
    assert parse_answer_json('{"a": 123456789012345678901234567890}') == {"a": 123456789012345678901234567890}


@pytest.mark.parametrize("kind", ["array", "string", ["array", "null"]])
def test_the_instruction_calls_only_objects_an_object(kind: Any) -> None:
    (system, _) = ask_for_json([HI], {"type": kind})
    assert "one JSON value" in system.text
    assert not allows_object({"type": kind})
    assert allows_object(SCHEMA)
    assert allows_object({"anyOf": [SCHEMA]})


TWO_FENCES = "```\n{}\n```\nor\n```\n{}\n```"


@pytest.mark.parametrize("text", ["Sure: {}", TWO_FENCES, "", "  ", "Here you are", '{"a": ', "```json\n```"])
def test_invalid_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_answer_json(text)
