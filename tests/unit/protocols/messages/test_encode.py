from __future__ import annotations

import warnings
from typing import Any

import pytest

from deepseek_v4 import FilePart, ImagePart, Message, Reasoning, ServerTool, TextPart, ToolCall, ToolSpec
from deepseek_v4.errors import InvalidRequestError, UnsupportedError
from tests.unit.protocols.wire_examples import body, prepared

M = "messages"
HI = Message.user("Hi")
USER = {"role": "user", "content": "Hi"}
CALL = ToolCall("call_a", "get_weather", '{"city": "Tokyo"}')
WEATHER = ToolSpec("get_weather", "The weather.", {"type": "object", "properties": {"city": {"type": "string"}}})
NOTHING_THOUGHT = {"type": "thinking", "thinking": "", "signature": ""}


def turns(*messages: Message, **options: Any) -> list[dict[str, Any]]:
    return body(messages, M, **options)["messages"]


# -- the request -----------------------------------------------------------------------------------------------------


def test_the_minimal_request_has_model_limit_and_messages() -> None:
    request = prepared("Hi", M, model="deepseek-flash")
    assert request.body == {"model": "deepseek-flash", "max_tokens": 65_536, "messages": [USER]}
    assert request.http.url == "https://api.deepseek.com/anthropic/v1/messages"
    assert request.http.key_header == "x-api-key"
    assert request.http.headers["anthropic-version"] == "2023-06-01"
    assert "sk-test" not in str(request.http)


def test_the_version_of_a_root_is_removed() -> None:
    url = prepared("Hi", M, base_url="https://api.deepseek.com/v1").http.url
    assert url == "https://api.deepseek.com/anthropic/v1/messages"


@pytest.mark.parametrize(
    ("options", "limit"),
    [
        ({}, 65_536),
        ({"thinking": False}, 8_192),
        ({"reasoning_effort": "max"}, 131_072),
        ({"max_tokens": 100}, 100),
    ],
)
def test_the_limit_is_always_sent_and_defaults_to_that_of_chat(options: dict[str, Any], limit: int) -> None:
    request = prepared("Hi", M, **options)
    assert request.body["max_tokens"] == limit
    assert ("max_tokens" in [note.option for note in request.notes]) == ("max_tokens" not in options)


@pytest.mark.parametrize(
    ("options", "encoded"),
    [
        ({"temperature": 0.5}, {"temperature": 0.5}),
        ({"top_p": 0.9}, {"top_p": 0.9}),
        ({"stop": ["END"]}, {"stop_sequences": ["END"]}),
        ({"user_id": "anna-1"}, {"metadata": {"user_id": "anna-1"}}),
        ({"thinking": True}, {"thinking": {"type": "enabled"}}),
        ({"reasoning_effort": "low"}, {"output_config": {"effort": "low"}}),
        ({"reasoning_effort": "medium"}, {"output_config": {"effort": "high"}}),
        ({"web_search": True}, {"tools": [{"type": "web_search_20250305", "name": "web_search"}]}),
        ({"extra_body": {"service_tier": "auto"}}, {"service_tier": "auto"}),
    ],
)
def test_an_option_is_sent_in_the_field_of_the_endpoint(options: dict[str, Any], encoded: dict[str, Any]) -> None:
    sent = dict(body("Hi", M, max_tokens=9, **options))
    assert sent == {"model": "deepseek-flash", "max_tokens": 9, **encoded, "messages": [USER]}


@pytest.mark.parametrize(
    "options", [{"thinking": False}, {"reasoning_effort": "none"}, {"thinking": False, "reasoning_effort": "max"}]
)
def test_disabled_thinking_is_sent_without_an_effort(options: dict[str, Any]) -> None:
    sent = body("Hi", M, **options)
    assert sent["thinking"] == {"type": "disabled"}
    assert "output_config" not in sent


@pytest.mark.parametrize("option", ["logprobs", "top_logprobs", "seed", "top_k", "presence_penalty", "thinking_budget"])
def test_unsupported_options_are_dropped_with_a_warning(option: str) -> None:
    with pytest.warns(UserWarning, match=option):
        sent = body("Hi", M, **{option: True if option == "logprobs" else 1})
    assert set(sent) == {"model", "max_tokens", "messages"}


@pytest.mark.parametrize("form", ["json_object", "json_schema"])
def test_json_is_requested_in_the_prompt(form: str) -> None:
    requested = {"type": form}
    if form == "json_schema":
        requested["json_schema"] = {"name": "city", "schema": {"type": "object", "title": "City"}}  # type: ignore[assignment]
    sent = body("Hi", M, response_format=requested)
    assert "JSON" in sent["system"]
    assert ("City" in sent["system"]) == (form == "json_schema")
    assert set(sent) == {"model", "max_tokens", "system", "messages"}


def test_prefix_completion_is_not_supported() -> None:
    with pytest.raises(UnsupportedError, match="chat_completions"):
        body((HI, Message.assistant("So")), M, prefix=True)


# -- tools -----------------------------------------------------------------------------------------------------------


def test_tools_have_an_input_schema() -> None:
    sent = body("Hi", M, tools=[WEATHER, ToolSpec("now"), ServerTool({"type": "web_search_20250305"})])
    assert sent["tools"] == [
        {"name": "get_weather", "description": "The weather.", "input_schema": WEATHER.parameters},
        {"name": "now", "input_schema": {"type": "object", "properties": {}}},
        {"type": "web_search_20250305"},
    ]
    assert "tool_choice" not in sent


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        ("auto", None),
        ("none", {"type": "none"}),
        ("required", {"type": "any"}),
        ("get_weather", {"type": "tool", "name": "get_weather"}),
    ],
)
def test_a_tool_choice_is_sent_in_anthropics_form(choice: str, sent: Any) -> None:
    assert body("Hi", M, tools=[WEATHER], tool_choice=choice, thinking=False).get("tool_choice") == sent


@pytest.mark.parametrize("choice", ["required", "get_weather"])
def test_a_forced_tool_disables_thinking(choice: str) -> None:
    assert body("Hi", M, tools=[WEATHER], tool_choice=choice)["thinking"] == {"type": "disabled"}


def test_strict_tools_are_reported_as_unsupported() -> None:
    with pytest.warns(UserWarning, match="strict_tools"):
        body("Hi", M, tools=[WEATHER], strict_tools=True)


# -- the conversation ------------------------------------------------------------------------------------------------


def test_system_messages_are_sent_separately() -> None:
    request = prepared((Message.system("Be brief."), HI, Message.system("Now in French."), Message.user("Go")), M)
    assert request.body["system"] == [{"type": "text", "text": "Be brief."}, {"type": "text", "text": "Now in French."}]
    assert request.body["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "Hi"}, {"type": "text", "text": "Go"}]}
    ]
    assert any(note.option == "messages" for note in request.notes)
    assert body((Message.system("Be brief."), HI), M)["system"] == "Be brief."


def test_a_system_message_alone_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match="user message"):
        body((Message.system("Say hi."),), M)


def test_results_are_first_in_one_user_message() -> None:
    second = ToolCall("call_b", "get_time", "{}")
    turn = Message("assistant", "Let me look.", reasoning=Reasoning("Two tools."), tool_calls=(CALL, second))
    history = (HI, turn, Message.tool("21", "call_a"), Message.tool("9:00", "call_b"), Message.user("And?"))
    assert turns(*history) == [
        USER,
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "Two tools.", "signature": ""},
                {"type": "text", "text": "Let me look."},
                {"type": "tool_use", "id": "call_a", "name": "get_weather", "input": {"city": "Tokyo"}},
                {"type": "tool_use", "id": "call_b", "name": "get_time", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "call_a", "content": "21"},
                {"type": "tool_result", "tool_use_id": "call_b", "content": "9:00"},
                {"type": "text", "text": "And?"},
            ],
        },
    ]


def test_results_are_first_even_with_a_user_message_between_them() -> None:
    turn = Message("assistant", tool_calls=(CALL, ToolCall("call_b", "f", "{}")))
    history = (HI, turn, Message.tool("1", "call_a"), Message.user("Wait."), Message.tool("2", "call_b"))
    blocks = turns(*history, repair_history=False)[2]["content"]
    assert [block["type"] for block in blocks] == ["tool_result", "tool_result", "text"]


def test_consecutive_messages_of_one_role_are_one() -> None:
    sent = turns(Message.user("a"), Message.user("b"), Message.assistant("c"), Message.assistant("d"), HI)
    assert [turn["role"] for turn in sent] == ["user", "assistant", "user"]
    assert [block["type"] for block in sent[1]["content"]] == ["thinking", "text", "thinking", "text"]


def test_the_record_of_a_turn_is_sent_back_unchanged() -> None:
    record = ({"type": "thinking", "thinking": "Hm.", "signature": "2e532992"},)
    turn = Message("assistant", "Ok", reasoning=Reasoning("Hm.", record))
    assert turns(HI, turn, HI)[1]["content"] == [*record, {"type": "text", "text": "Ok"}]


def test_unknown_reasoning_is_an_empty_block_while_thinking() -> None:
    assert turns(HI, Message.assistant("Ok"), HI)[1]["content"][0] == NOTHING_THOUGHT
    assert turns(HI, Message.assistant("Ok", reasoning=""), HI)[1]["content"][0] == NOTHING_THOUGHT


def test_reasoning_is_not_sent_if_thinking_or_pass_back_is_off() -> None:
    turn = Message.assistant("Ok", reasoning="Hm.")
    for off in ({"thinking": False}, {"pass_back": False}):
        assert turns(HI, turn, HI, **off)[1] == {"role": "assistant", "content": "Ok"}


def test_blocks_that_the_service_refuses_are_left_out() -> None:
    record = ({"type": "redacted_thinking", "data": "x"},)
    turn = Message("assistant", "Ok", reasoning=Reasoning(None, record))
    assert turns(HI, turn, HI)[1]["content"] == [NOTHING_THOUGHT, {"type": "text", "text": "Ok"}]


@pytest.mark.parametrize("protocol", ["messages", "chat_completions", "responses"])
def test_each_omission_has_a_note_and_one_warning(protocol: str) -> None:
    turn = Message("assistant", "Ok", reasoning=Reasoning(None, ({"type": "redacted_thinking", "data": "x"},)))
    history = [Message("user", "Hi", left_out=("cache_control",)), turn, HI]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        request = prepared(history, protocol)
        prepared(history, protocol)
    dropped = [note for note in request.notes if note.kind == "dropped"]
    assert [note.option for note in dropped] == ["cache_control", "redacted_thinking"]
    assert [str(warning.message) for warning in caught] == [str(note) for note in dropped]
    with pytest.raises(UnsupportedError, match="cache_control"):
        prepared(history, protocol, on_unsupported="raise")


SEARCHED = (
    {"type": "thinking", "thinking": "Search.", "signature": "s"},
    {"type": "text", "text": "One moment. "},
    {"type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": {"query": "weather"}},
    {"type": "web_search_tool_result", "tool_use_id": "srv_1", "content": []},
)


def test_searches_and_the_text_between_them_are_sent_back_in_order() -> None:
    turn = Message("assistant", "One moment. It is 21.", reasoning=Reasoning("Search.", SEARCHED))
    assert turns(HI, turn, HI)[1]["content"] == [*SEARCHED, {"type": "text", "text": "It is 21."}]
    off = turns(HI, turn, HI, thinking=False)[1]["content"]
    assert off == [*SEARCHED[1:], {"type": "text", "text": "It is 21."}]


def test_changed_text_is_sent_back_after_the_blocks() -> None:
    turn = Message("assistant", "Edited.", reasoning=Reasoning("Search.", SEARCHED))
    kept = [SEARCHED[0], *SEARCHED[2:]]
    assert turns(HI, turn, HI)[1]["content"] == [*kept, {"type": "text", "text": "Edited."}]


@pytest.mark.parametrize(
    "record",
    [
        {"type": "reasoning", "id": "r1", "summary": [], "content": []},
        {"type": "reasoning.text", "text": "Hm.", "format": "unknown", "index": 0},
    ],
)
def test_only_the_text_of_a_record_of_another_protocol_is_sent(record: dict[str, Any]) -> None:
    turn = Message("assistant", "Ok", reasoning=Reasoning("Hm.", (record,)))
    assert turns(HI, turn, HI)[1]["content"][0] == {"type": "thinking", "thinking": "Hm.", "signature": ""}


@pytest.mark.parametrize("arguments", ['{"city": "To', "[1]", "nope"])
def test_arguments_that_are_not_an_object_are_wrapped_and_never_repaired(arguments: str) -> None:
    turn = Message("assistant", tool_calls=(ToolCall("call_a", "f", arguments),))
    sent = turns(HI, turn, Message.tool("bad", "call_a"))[1]["content"][-1]
    assert sent["input"] == {"INVALID_JSON": arguments}


def test_images_are_urls_or_base64_and_files_have_names() -> None:
    content = (
        TextPart("Look"),
        ImagePart("https://x.test/a.png"),
        ImagePart("data:image/jpeg;base64,AAAA"),
        FilePart(file_id="file-api-1", image=True),
        FilePart(file_id="file-api-2"),
    )
    request = prepared((Message.user(content),), M, model="deepseek-flash")
    assert request.body["messages"][0]["content"] == [
        {"type": "text", "text": "Look"},
        {"type": "image", "source": {"type": "url", "url": "https://x.test/a.png"}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": "AAAA"}},
        {"type": "image", "source": {"type": "file", "file_id": "file-api-1"}},
        {"type": "document", "source": {"type": "file", "file_id": "file-api-2"}},
    ]
    assert request.http.headers["anthropic-beta"] == "files-api-2025-04-14"


def test_a_document_is_refused_before_the_request() -> None:
    with pytest.raises(UnsupportedError, match="upload_file"):
        turns(Message.user((FilePart(data="data:application/pdf;base64,AAAA", filename="a.pdf"),)))


def test_empty_text_is_left_out_if_there_are_other_blocks() -> None:
    turn = Message("assistant", "", tool_calls=(CALL,))
    assert [b["type"] for b in turns(HI, turn, Message.tool("", "call_a"))[1]["content"]] == ["thinking", "tool_use"]
