"""Requests before they are sent: repaired, converted, refused, and counted. Each case checks one thing."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from deepseek_v4 import (
    Client,
    ImagePart,
    Message,
    NamedTool,
    Reasoning,
    TextPart,
    ToolCall,
    ToolSpec,
    errors,
)
from deepseek_v4.request.forced_tool import resolve_forced_tool
from deepseek_v4.request.history import check_types
from deepseek_v4.request.json_mode import allows_object, ask_for_json

SCHEMA = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}
JSON = {"type": "json_schema", "json_schema": {"name": "person", "schema": SCHEMA}}
OBJECT = {"type": "json_object"}
F, G = ToolSpec("f", "", SCHEMA), ToolSpec("g", "")
USER = Message.user("Hi")

pytestmark = pytest.mark.filterwarnings("ignore::deepseek_v4.errors.HistoryRepairedWarning")


def preview(messages: Any = "Hi", *, stream: bool = False, **options: Any) -> Any:
    return Client(api_key="sk-test").preview(messages, stream=stream, **options)


def notes_of(shown: Any, option: str) -> list[tuple[str, str]]:
    return [(note.kind, note.text) for note in shown.notes if note.option == option]


# -- types of messages -----------------------------------------------------------------------------------------------

CALL = ToolCall("a", "f", "{}")


@pytest.mark.parametrize(
    ("message", "wrong"),
    [
        (Message("user", 1), "its content must be text or a tuple of parts, not int"),  # type: ignore[arg-type]
        (Message("user", ["a"]), "its content must be text or a tuple of parts, not list"),  # type: ignore[arg-type]
        (Message("user", ("a",)), "its content must be text or a tuple of parts, not tuple"),  # type: ignore[arg-type]
        (Message("tool", "x", tool_call_id=1), "its tool_call_id must be text, not int"),  # type: ignore[arg-type]
        (
            Message("assistant", "", tool_calls=(dataclasses.replace(CALL, id=1),)),
            "the id of a tool call must be text, not int",
        ),
        (
            Message("assistant", "", tool_calls=(CALL, dataclasses.replace(CALL, name=None))),
            "the name of a tool call must be text, not NoneType",
        ),
        (
            Message("assistant", "", tool_calls=(dataclasses.replace(CALL, arguments={}),)),
            "the arguments of a tool call must be text, not dict",
        ),
        (Message("assistant", "x", reasoning=Reasoning(1)), "its reasoning text must be text, not int"),  # type: ignore[arg-type]
        (
            Message("assistant", "x", reasoning=Reasoning("x", [{}])),  # type: ignore[arg-type]
            "its reasoning details must be a tuple of objects",
        ),
        (
            Message("assistant", "x", reasoning=Reasoning("x", ({}, "x"))),  # type: ignore[arg-type]
            "its reasoning details must be a tuple of objects",
        ),
    ],
)
def test_a_field_of_a_wrong_type_is_refused_with_its_message(message: Message, wrong: str) -> None:
    with pytest.raises(errors.InvalidRequestError) as caught:
        check_types([USER, message])
    assert str(caught.value) == f"Message 1 ({message.role}) is invalid: {wrong}. Correct the message, or leave it out."


def test_a_request_with_a_field_of_a_wrong_type_is_refused() -> None:
    with pytest.raises(errors.InvalidRequestError, match="Message 0 \\(user\\) is invalid"):
        preview([Message("user", 1)])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "message",
    [
        Message("user", ()),
        Message("user", (TextPart("a"), ImagePart("https://x.test/a.png"))),
        Message("assistant", "", tool_calls=(CALL,), reasoning=Reasoning(None, ({},))),
        Message("assistant", "", reasoning=Reasoning("x", None)),
        Message("tool", "x", tool_call_id="a"),
    ],
)
def test_fields_of_the_right_types_pass(message: Message) -> None:
    with pytest.raises(errors.InvalidRequestError, match=r"^Message 1 "):
        check_types([message, Message("user", 1)])  # type: ignore[arg-type]


# -- repairs ---------------------------------------------------------------------------------------------------------


def called(*ids: str, text: str = "") -> Message:
    return Message("assistant", text, tool_calls=tuple(ToolCall(one, "f", "{}") for one in ids))


EMPTY_NOTE = "removed an assistant message with no text and no tool calls"
REPAIRS: dict[str, tuple[list[Message], list[str], list[tuple[str, str]]]] = {
    "nothing": ([USER, called("a"), Message.tool("1", "a"), USER], ["user", "assistant", "tool", "user"], []),
    "a result of no call": (
        [USER, Message.tool("1", "x")],
        ["user"],
        [("repaired", "removed the result of x: the history has no such tool call")],
    ),
    "a call without a result": (
        [USER, called("a")],
        ["user", "assistant", "tool"],
        [("repaired", "tool call a had no result; added one stating that it was not executed")],
    ),
    "one of two results": (
        [USER, called("a", "b"), Message.tool("1", "b")],
        ["user", "assistant", "tool", "tool"],
        [("repaired", "tool call a had no result; added one stating that it was not executed")],
    ),
    "a second result": (
        [USER, called("a"), Message.tool("1", "a"), Message.tool("2", "a")],
        ["user", "assistant", "tool"],
        [("repaired", "removed a second result of a")],
    ),
    "an empty answer": ([USER, Message.assistant(""), USER], ["user", "user"], [("repaired", EMPTY_NOTE)]),
    "an answer of empty parts": (
        [USER, Message("assistant", (TextPart(""),)), USER],
        ["user", "user"],
        [("repaired", EMPTY_NOTE)],
    ),
    "an id twice": (
        [USER, called("a"), Message.tool("1", "a"), called("a"), Message.tool("2", "a")],
        ["user", "assistant", "tool", "assistant", "tool"],
        [("repaired", "renamed a tool call 'a' to 'a_2': not unique")],
    ),
    "an id three times": (
        [USER, *(one for _ in range(3) for one in (called("a"), Message.tool("1", "a")))],
        ["user", *["assistant", "tool"] * 3],
        [
            ("repaired", "renamed a tool call 'a' to 'a_2': not unique"),
            ("repaired", "renamed a tool call 'a' to 'a_3': not unique"),
        ],
    ),
    "an empty id": (
        [USER, called(""), Message.tool("1", "")],
        ["user", "assistant", "tool"],
        [("repaired", "renamed a tool call '' to 'call_2': not unique")],
    ),
}


@pytest.mark.parametrize(("messages", "roles", "notes"), REPAIRS.values(), ids=REPAIRS)
def test_a_history_is_repaired_with_a_note(messages: list[Message], roles: list[str], notes: Any) -> None:
    shown = preview(messages, tools=[F])
    assert [message["role"] for message in shown.body["messages"]] == roles
    assert notes_of(shown, "messages") == notes


def test_a_late_result_is_moved_with_one_note() -> None:
    late = [USER, called("a", "b"), USER, Message.tool("1", "a"), Message.tool("2", "b")]
    shown = preview(late, tools=[F])
    assert [message["role"] for message in shown.body["messages"]] == ["user", "assistant", "tool", "tool", "user"]
    assert len(notes_of(shown, "messages")) == 1


def test_each_omission_is_noted_once() -> None:
    message = dataclasses.replace(USER, left_out=("cache_control", "other"))
    tool = dataclasses.replace(F, left_out=("cache_control",))
    shown = preview([message, message], tools=[tool])
    assert notes_of(shown, "cache_control") == [("dropped", "DeepSeek V4 caches the beginning of a prompt by itself")]
    assert notes_of(shown, "other") == [("dropped", "the provider does not read it")]


@pytest.mark.parametrize(("messages", "text"), [([], "The conversation is empty")])
def test_an_empty_conversation_is_refused(messages: Any, text: str) -> None:
    with pytest.raises(errors.InvalidRequestError, match=text):
        preview(messages)


# -- preview ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "most"),
    [
        ({}, 2),
        ({"max_retries": 2}, 6),
        ({"on_empty": "return"}, 1),
        ({"on_empty": "raise"}, 1),
        ({"tools": [F]}, 3),
        ({"tools": [F], "recover_tool_calls": "off"}, 2),
        ({"tools": [F], "tool_choice": "auto", "answer_retries": 4}, 3),
        ({"tools": [F], "tool_choice": "none", "answer_retries": 4}, 3),
        ({"tools": [F], "tool_choice": "required", "thinking": False, "answer_retries": 4}, 6),
        ({"response_format": JSON, "answer_retries": 4}, 5),
        ({"response_format": JSON, "answer_retries": 0}, 2),
        ({"response_format": JSON, "answer_retries": 0, "on_empty": "return"}, 1),
        ({"max_attempts": 1}, 1),
        ({"max_attempts": None, "max_retries": 2}, 4),
        ({"max_attempts": None, "max_retries": 4}, 5),
        ({"max_attempts": None, "max_resumes": 6, "resume_streams": True, "stream": True, "max_retries": 1}, 7),
        ({"max_attempts": None, "max_resumes": 6, "resume_streams": True, "max_retries": 1}, 4),
        ({"resume_streams": True, "max_resumes": 5}, 2),
        ({"resume_streams": True, "max_resumes": 5, "stream": True}, 7),
        ({"resume_streams": False, "max_resumes": 5, "stream": True}, 2),
    ],
)
def test_the_preview_counts_the_requests_of_a_call(options: dict[str, Any], most: int) -> None:
    shown = preview(**{"max_retries": 0, "max_attempts": 99, **options})
    assert shown.max_requests == most


def test_a_preview_is_printed_with_its_tokens_cost_and_notes() -> None:
    shown = preview(
        "é" * 2000,
        tools=[F],
        tool_choice="required",
        on_forced_tool="disable_thinking",
        default_headers={"x-secret-token": "s"},
    )
    text = shown._repr_html_()
    assert "POST" in text
    assert shown.url in text
    assert "ééé" in text
    assert f"{shown.input_tokens:,} (estimated)" in text or shown.tokens_are_exact
    assert f"${shown.cost:.6f}" in text
    assert str(shown.notes[0]) in text
    assert "sk-test" not in text
    assert shown.headers["authorization"].startswith("Bearer ")
    assert "not known" in dataclasses.replace(shown, cost=None)._repr_html_()
    assert f"{shown.input_tokens:,} (estimated)" in dataclasses.replace(shown, tokens_are_exact=False)._repr_html_()
    assert "estimated" not in dataclasses.replace(shown, tokens_are_exact=True)._repr_html_()


# -- the tool choice -------------------------------------------------------------------------------------------------

INSTEAD = "replaced by an instruction in the prompt, because thinking stays on"
DISABLED = "disabled for this call: deepseek does not accept a forced tool call while thinking"


@pytest.mark.parametrize(
    ("options", "choice", "thinks", "instruction", "note"),
    [
        (
            {"tool_choice": "required", "on_forced_tool": "instruct"},
            None,
            True,
            "Call one of the tools now.",
            ("tool_choice", INSTEAD),
        ),
        (
            {"tool_choice": NamedTool("f"), "on_forced_tool": "instruct"},
            None,
            True,
            "Call the tool f now.",
            ("tool_choice", INSTEAD),
        ),
        (
            {"tool_choice": "required", "on_forced_tool": "disable_thinking"},
            "required",
            False,
            None,
            ("thinking", DISABLED),
        ),
        ({"tool_choice": "required", "thinking": False}, "required", False, None, None),
        ({"tool_choice": "auto"}, None, True, None, None),
        ({"tool_choice": "none"}, "none", True, None, None),
        ({"tool_choice": "none", "tools": []}, None, True, None, None),
        ({"tool_choice": "auto", "tools": []}, None, True, None, None),
    ],
)
def test_a_forced_tool_and_thinking_are_combined(
    options: dict[str, Any], choice: str | None, thinks: bool, instruction: str | None, note: Any
) -> None:
    shown = preview(**{"tools": [F, G], "thinking": True, **options})
    assert shown.body.get("tool_choice") == choice
    assert (shown.body["thinking"]["type"] == "enabled") is thinks
    last = shown.body["messages"][-1]
    assert (last["content"] if last["role"] == "system" else None) == (
        None if instruction is None else f"{instruction} Do not answer in text."
    )
    found = [(each.option, each.text) for each in shown.notes]
    assert (note in found) if note is not None else not {"tool_choice", "thinking"} & {option for option, _ in found}


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"tools": [F, F, G, G]}, "Duplicate tool names: f, g\\. "),
        ({"tools": [F], "tool_choice": NamedTool("h")}, "tool_choice='h' is not among the tools: f\\."),
        ({"tool_choice": NamedTool("h")}, "tool_choice='h' is not among the tools: none\\."),
        ({"tool_choice": "required"}, "tool_choice='required' needs at least one tool"),
        ({"tools": [F], "tool_choice": "required", "on_forced_tool": "raise"}, "forced tool_choice \\(a tool\\) while"),
        (
            {"tools": [F], "tool_choice": NamedTool("f"), "on_forced_tool": "raise"},
            "tool_choice \\(f\\) while thinking",
        ),
    ],
)
def test_a_tool_choice_that_cannot_be_sent_is_refused(options: dict[str, Any], text: str) -> None:
    with pytest.raises(errors.DeepSeekError, match=text):
        preview(thinking=True, **options)


def test_a_request_that_needs_no_change_is_the_same() -> None:
    request = Client(api_key="sk-test").prepare("Hi", {}, stream=False)
    notes: list[Any] = []
    dialect = request.context.dialect
    assert resolve_forced_tool(request.request, dialect, request.provider, "raise", notes) is request.request
    assert notes == []


# -- JSON ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schema", "object_allowed"),
    [
        ({}, True),
        (SCHEMA, True),
        ({"type": ["object", "null"]}, True),
        ({"type": "array"}, False),
        ({"type": ["array"]}, False),
        ({"anyOf": [{"type": "array"}, {"type": "null"}]}, False),
        ({"anyOf": [{"type": "array"}, {"type": "object"}]}, True),
        ({"oneOf": [{"$ref": "#/$defs/E"}, {"type": "null"}], "$defs": {"E": {"type": "string"}}}, False),
        ({"$ref": "#/$defs/E", "$defs": {"E": {"anyOf": [{"$ref": "#/$defs/E"}, {"type": "null"}]}}}, True),
        ({"$ref": "#/$defs/E", "$defs": {"E": {"type": "object"}}}, True),
    ],
)
def test_whether_a_schema_allows_an_object(schema: dict[str, Any], object_allowed: bool) -> None:
    assert allows_object(schema) is object_allowed
    [message] = ask_for_json([], schema)
    assert (message.role, f"one JSON {'object' if object_allowed else 'value'} and" in message.text) == ("system", True)


def test_the_instruction_follows_the_leading_system_message() -> None:
    plain = "Answer with one JSON object and nothing else."
    assert ask_for_json([USER], None) == (Message.system(plain), USER)
    assert ask_for_json([USER, Message.system("x")], None) == (Message.system(plain), USER, Message.system("x"))
    assert ask_for_json([Message.system("Be short."), USER], None) == (Message.system(f"Be short.\n\n{plain}"), USER)
    assert ask_for_json([Message.system(""), USER], None) == (Message.system(plain), USER)
    parts = Message("system", (TextPart("Be short."),))
    assert ask_for_json([parts, USER], None)[0].content == (TextPart("Be short."), TextPart(f"\n\n{plain}"))
    [by_tools, _] = ask_for_json([USER], None, with_tools=True)
    assert by_tools.text == f"Call tools as needed. When you are ready to answer: {plain}"
    assert ask_for_json([USER], SCHEMA)[0].text.endswith(json.dumps(SCHEMA, separators=(",", ":")))


BY_MODE, BY_PROMPT = "json_schema -> JSON mode with the schema in the prompt", "json_schema -> the schema in the prompt"
ADDED = "added the word 'json' to the prompt, as JSON mode requires"


@pytest.mark.parametrize(
    ("messages", "options", "sent", "note"),
    [
        ([USER], {"response_format": JSON}, OBJECT, ("translated", BY_MODE)),
        ([USER], {"response_format": JSON, "tools": [F]}, None, ("translated", BY_PROMPT)),
        (
            [USER],
            {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "array"}}}},
            None,
            ("translated", BY_PROMPT),
        ),
        ([USER], {"response_format": OBJECT}, OBJECT, ("repaired", ADDED)),
        ([Message.user("as JSON")], {"response_format": OBJECT}, OBJECT, None),
        ([Message.system("Json!"), USER], {"response_format": OBJECT}, OBJECT, None),
        (
            [USER, Message.assistant("x"), Message.user("json")],
            {"response_format": OBJECT},
            OBJECT,
            ("repaired", ADDED),
        ),
        ([Message.system("x"), Message.assistant("json")], {"response_format": OBJECT}, OBJECT, None),
        ([Message.system("x")], {"response_format": OBJECT}, OBJECT, ("repaired", ADDED)),
        (
            [USER, Message("assistant", "{", prefix=True)],
            {"response_format": OBJECT},
            None,
            ("translated", "json_object -> an instruction in the prompt"),
        ),
        ([USER], {"response_format": {"type": "text"}}, None, None),
    ],
)
def test_a_response_format_is_sent_or_becomes_an_instruction(messages: Any, options: Any, sent: Any, note: Any) -> None:
    shown = preview(messages, **options)
    assert shown.body.get("response_format") == sent
    assert notes_of(shown, "response_format") == ([] if note is None else [note])


@pytest.mark.parametrize("named", [None, {}, {"schema": None}, {"schema": []}, "x"])
def test_a_format_without_a_schema_is_refused(named: Any) -> None:
    with pytest.raises(errors.InvalidRequestError, match="Invalid response_format"):
        preview(response_format={"type": "json_schema", "json_schema": named})
