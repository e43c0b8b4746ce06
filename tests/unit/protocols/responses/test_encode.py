from __future__ import annotations

from typing import Any

import pytest

from deepseek_v4 import FilePart, ImagePart, Message, RawPart, Reasoning, ServerTool, TextPart, ToolCall, ToolSpec
from deepseek_v4.errors import InvalidRequestError, UnsupportedError
from deepseek_v4.protocols import PROTOCOLS
from deepseek_v4.protocols.chat_request import ChatRequest
from deepseek_v4.protocols.responses.dialect import ResponsesDialect
from tests.unit.protocols.wire_examples import body, prepared

R = "responses"
HI = Message.user("Hi")
CALL = ToolCall("call_a", "get_weather", '{"city": "Tokyo"}')
WEATHER = ToolSpec("get_weather", "The weather.", {"type": "object", "properties": {"city": {"type": "string"}}})
USER = {"role": "user", "content": "Hi"}
NOTHING_THOUGHT = {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": ""}]}


def items(*messages: Message, **options: Any) -> list[dict[str, Any]]:
    return body(messages, R, **options)["input"]


# -- the request -----------------------------------------------------------------------------------------------------


def test_only_requested_options_are_sent() -> None:
    request = prepared("Hi", R, model="deepseek-flash")
    assert request.body == {"model": "deepseek-flash", "input": [USER]}
    assert request.http.url == "https://api.deepseek.com/responses"
    assert (request.http.key_header, request.http.method) == ("Authorization", "POST")


def test_a_root_with_a_version_keeps_it() -> None:
    assert prepared("Hi", R, base_url="https://api.deepseek.com/v1").http.url == "https://api.deepseek.com/v1/responses"


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        ({"max_tokens": 100}, {"max_output_tokens": 100}),
        ({"temperature": 0.5}, {"temperature": 0.5}),
        ({"top_p": 0.9}, {"top_p": 0.9}),
        ({"user_id": "anna-1"}, {"user": "anna-1"}),
        ({"top_logprobs": 5}, {"top_logprobs": 5}),
        ({"logprobs": True}, {"top_logprobs": 1}),
        ({"logprobs": True, "top_logprobs": 5}, {"top_logprobs": 5}),
        ({"logprobs": False}, {}),
        ({"reasoning_effort": "max"}, {"reasoning": {"effort": "max"}}),
        ({"reasoning_effort": "minimal"}, {"reasoning": {"effort": "low"}}),
        ({"reasoning_effort": "medium"}, {"reasoning": {"effort": "high"}}),
        ({"reasoning_effort": "xhigh"}, {"reasoning": {"effort": "high"}}),
        ({"reasoning_effort": "none"}, {"reasoning": {"effort": "none"}}),
        ({"thinking": False}, {"reasoning": {"effort": "none"}}),
        ({"thinking": False, "reasoning_effort": "max"}, {"reasoning": {"effort": "none"}}),
        ({"thinking": True}, {"reasoning": {"effort": "high"}}),
        ({"web_search": True}, {"tools": [{"type": "deepseek_web_search"}]}),
        ({"web_search": {"filters": {}}}, {"tools": [{"type": "deepseek_web_search", "filters": {}}]}),
        ({"web_search": False}, {}),
        ({"extra_body": {"safety_check": {"level": "low"}}}, {"safety_check": {"level": "low"}}),
    ],
)
def test_an_option_is_sent_in_the_field_of_the_endpoint(options: dict[str, Any], sent: dict[str, Any]) -> None:
    assert body("Hi", R, **options) == {"model": "deepseek-flash", **sent, "input": [USER]}


@pytest.mark.parametrize("setting", [True, {"filters": {}}])
def test_pro_uses_another_tool_for_web_search(setting: Any) -> None:
    tool = {"type": "web_search", **(setting if isinstance(setting, dict) else {})}
    assert body("Hi", R, model="deepseek-v4-pro", web_search=setting)["tools"] == [tool]


@pytest.mark.parametrize("option", ["stop", "seed", "top_k", "presence_penalty", "thinking_budget"])
def test_unsupported_options_are_dropped_with_a_warning(option: str) -> None:
    value: Any = ["END"] if option == "stop" else 1
    with pytest.warns(UserWarning, match=option):
        request = prepared("Hi", R, **{option: value})
    assert [note.option for note in request.notes if note.kind == "dropped"] == [option]
    assert request.body == {"model": "deepseek-flash", "input": [USER]}


def test_a_stream_is_requested_without_stream_options() -> None:
    assert body("Hi", R, stream=True) == {"model": "deepseek-flash", "stream": True, "input": [USER]}


def test_logprobs_off_contradicts_top_logprobs() -> None:
    with pytest.raises(InvalidRequestError, match="top_logprobs requires logprobs"):
        body("Hi", R, logprobs=False, top_logprobs=5)


def test_a_json_schema_is_sent_natively() -> None:
    json_schema = {"name": "city", "schema": {"type": "object"}, "strict": True}
    sent = body("Hi", R, response_format={"type": "json_schema", "json_schema": json_schema})
    assert sent["text"] == {"format": {"type": "json_schema", **json_schema, "strict": False}}
    assert sent["input"] == [USER]


def test_json_mode_adds_the_word_json_to_the_prompt() -> None:
    sent = body("Hi", R, response_format={"type": "json_object"})
    assert sent["text"] == {"format": {"type": "json_object"}}
    assert "JSON" in sent["instructions"]


def test_prefix_completion_is_not_supported() -> None:
    with pytest.raises(UnsupportedError, match="chat_completions"):
        body((HI, Message.assistant("So")), R, prefix=True)


# -- tools -----------------------------------------------------------------------------------------------------------


def test_tools_are_flat_and_strict_only_if_requested() -> None:
    sent = body("Hi", R, tools=[WEATHER, ToolSpec("now")])
    assert sent["tools"] == [
        {
            "type": "function",
            "name": "get_weather",
            "description": "The weather.",
            "parameters": WEATHER.parameters,
            "strict": False,
        },
        {"type": "function", "name": "now", "parameters": {"type": "object", "properties": {}}, "strict": False},
    ]
    assert "tool_choice" not in sent


def test_strict_tools_are_sent_as_strict() -> None:
    sent = body("Hi", R, tools=[WEATHER], strict_tools=True)
    assert sent["tools"][0]["strict"] is True


def test_one_tool_alone_may_be_strict() -> None:
    strict = ToolSpec("a", parameters={"type": "object", "properties": {}}, strict=True)
    assert [tool["strict"] for tool in body("Hi", R, tools=[strict, ToolSpec("b")])["tools"]] == [True, False]


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        ("auto", None),
        ("none", "none"),
        ("any", "required"),
        ("get_weather", {"type": "function", "name": "get_weather"}),
    ],
)
def test_a_tool_choice_is_flat(choice: str, sent: Any) -> None:
    assert body("Hi", R, tools=[WEATHER], tool_choice=choice, thinking=False).get("tool_choice") == sent


def test_a_forced_tool_disables_thinking_because_the_service_refuses_both() -> None:
    sent = body("Hi", R, tools=[WEATHER], tool_choice="required")
    assert (sent["tool_choice"], sent["reasoning"]) == ("required", {"effort": "none"})


def test_server_tools_are_sent_with_functions() -> None:
    own = {"type": "web_search"}
    assert [tool["type"] for tool in body("Hi", R, tools=[WEATHER, ServerTool(own)])["tools"]] == [
        "function",
        "web_search",
    ]


def test_names_that_the_wire_does_not_allow_are_replaced() -> None:
    call = ToolCall("call_a", "my.tool", "{}")
    history = (HI, Message("assistant", tool_calls=(call,)), Message.tool("1", "call_a"))
    sent = body(history, R, tools=[ToolSpec("my.tool")])
    assert sent["tools"][0]["name"] == "my_tool"
    assert sent["input"][2]["name"] == "my_tool"


# -- the conversation ------------------------------------------------------------------------------------------------


def test_the_first_system_message_is_the_instructions_and_later_ones_are_items() -> None:
    sent = body((Message.system("Be brief."), HI, Message.system("Now in French."), Message.user("Go")), R)
    assert sent["instructions"] == "Be brief."
    assert sent["input"] == [
        USER,
        {"role": "system", "content": "Now in French."},
        {"role": "user", "content": "Go"},
    ]


def test_a_lone_system_message_is_an_item_because_input_must_not_be_empty() -> None:
    assert body((Message.system("Say hi."),), R)["input"] == [{"role": "system", "content": "Say hi."}]


def test_parts_have_the_types_of_the_endpoint() -> None:
    content = (
        TextPart("Look: "),
        ImagePart("https://x.test/a.png", "low"),
        FilePart(file_id="file-api-1"),
        RawPart({"type": "input_audio"}),
    )
    assert items(Message.user(content), model="deepseek-flash")[0]["content"] == [
        {"type": "input_text", "text": "Look: "},
        {"type": "input_image", "image_url": "https://x.test/a.png", "detail": "low"},
        {"type": "input_file", "file_id": "file-api-1"},
        {"type": "input_audio"},
    ]


def test_a_turn_with_calls_is_reasoning_text_calls_then_outputs() -> None:
    second = ToolCall("call_b", "get_time", "{}")
    turn = Message("assistant", "Let me look.", reasoning=Reasoning("Two tools."), tool_calls=(CALL, second))
    history = (HI, turn, Message.tool("21", "call_a"), Message.tool("9:00", "call_b"), Message.user("And?"))
    assert items(*history) == [
        USER,
        {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "Two tools."}]},
        {"role": "assistant", "content": "Let me look."},
        {"type": "function_call", "call_id": "call_a", "name": "get_weather", "arguments": '{"city": "Tokyo"}'},
        {"type": "function_call", "call_id": "call_b", "name": "get_time", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "call_a", "output": "21"},
        {"type": "function_call_output", "call_id": "call_b", "output": "9:00"},
        {"role": "user", "content": "And?"},
    ]


def test_a_record_of_reasoning_is_sent_back_without_its_status() -> None:
    record = {
        "type": "reasoning",
        "id": "76f8",
        "status": "completed",
        "summary": [],
        "content": [{"type": "reasoning_text", "text": "Hm."}],
        "encrypted_content": "8068-0",
    }
    turn = Message("assistant", "Ok", reasoning=Reasoning("Hm.", (record,)))
    sent = items(HI, turn, Message.user("Go"))
    assert sent[1] == {key: value for key, value in record.items() if key != "status"}
    assert record["status"] == "completed"


def test_unknown_reasoning_is_sent_as_empty_while_thinking() -> None:
    assert items(HI, Message.assistant("Ok", reasoning=""), HI)[1] == NOTHING_THOUGHT
    assert items(HI, Message.assistant("Ok"), HI)[1] == NOTHING_THOUGHT


def test_reasoning_is_not_sent_if_thinking_or_pass_back_is_off() -> None:
    turn = Message.assistant("Ok", reasoning="Hm.")
    for off in ({"thinking": False}, {"pass_back": False}):
        assert items(HI, turn, HI, **off) == [USER, {"role": "assistant", "content": "Ok"}, USER]


def test_a_host_without_empty_items_receives_none() -> None:
    class Plain(ResponsesDialect):
        def encode_thinking(self, thinking: Any, notes: Any) -> dict[str, Any]:
            return {}

    request = ChatRequest("m", (HI, Message.assistant("Ok"), HI))
    sent = PROTOCOLS[R].encode(request, Plain(), "host").body["input"]
    assert sent == [USER, {"role": "assistant", "content": "Ok"}, USER]


SEARCHED = (
    {"type": "reasoning", "id": "r1", "summary": [], "content": [{"type": "reasoning_text", "text": "Search."}]},
    {
        "type": "message",
        "id": "m1",
        "phase": "commentary",
        "content": [{"type": "output_text", "text": "One moment. "}],
    },
    {"type": "web_search_call", "id": "call_00_s", "status": "completed", "action": {"type": "search"}},
    {"type": "reasoning", "id": "r2", "summary": [], "content": [{"type": "reasoning_text", "text": "Found."}]},
)


def test_searches_and_the_text_between_them_are_sent_back_in_order() -> None:
    turn = Message("assistant", "One moment. It is 21.", reasoning=Reasoning("Search.Found.", SEARCHED))
    assert items(HI, turn, HI) == [USER, *SEARCHED, {"role": "assistant", "content": "It is 21."}, USER]


def test_changed_text_is_sent_back_after_the_items() -> None:
    turn = Message("assistant", "Edited.", reasoning=Reasoning("Search.Found.", SEARCHED))
    kept = [SEARCHED[0], SEARCHED[2], SEARCHED[3]]
    assert items(HI, turn, HI) == [USER, *kept, {"role": "assistant", "content": "Edited."}, USER]


def test_searches_are_sent_back_even_if_thinking_is_off() -> None:
    turn = Message("assistant", "One moment. It is 21.", reasoning=Reasoning("Search.Found.", SEARCHED))
    types = [item.get("type") for item in items(HI, turn, HI, thinking=False)]
    assert types == [None, "message", "web_search_call", None, None]


@pytest.mark.parametrize(
    "record",
    [
        {"type": "thinking", "thinking": "Hm.", "signature": "s"},
        {"type": "reasoning.text", "text": "Hm.", "format": "unknown", "index": 0},
    ],
)
def test_only_the_text_of_a_record_of_another_protocol_is_sent(record: dict[str, Any]) -> None:
    turn = Message("assistant", "Ok", reasoning=Reasoning("Hm.", (record,)))
    sent = items(HI, turn, HI)[1]
    assert sent == {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "Hm."}]}


def test_a_call_of_a_custom_tool_is_sent_back_as_free_text() -> None:
    custom = ServerTool({"type": "custom", "name": "apply_patch"})
    turn = Message("assistant", tool_calls=(ToolCall("call_p", "apply_patch", '{"input": "*** Begin"}'),))
    sent = items(HI, turn, Message.tool("done", "call_p"), tools=[custom])
    assert sent[2] == {"type": "custom_tool_call", "call_id": "call_p", "name": "apply_patch", "input": "*** Begin"}
    assert sent[3] == {"type": "custom_tool_call_output", "call_id": "call_p", "output": "done"}
