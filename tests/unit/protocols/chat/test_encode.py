from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepseek_v4 import (
    Client,
    FilePart,
    ImagePart,
    Message,
    NamedTool,
    RawPart,
    Reasoning,
    TextPart,
    ToolCall,
    ToolSpec,
    errors,
)
from deepseek_v4.protocols.chat_request import ChatRequest
from deepseek_v4.protocols.request_encoder import EncodedRequest
from deepseek_v4.values.messages import ServerTool
from deepseek_v4.values.sampling import Sampling, Thinking
from tests.unit.protocols.chat.wire import CHAT, DEEPSEEK, PLAIN

WEATHER = ToolSpec("get_weather", "The weather.", {"type": "object", "properties": {"city": {"type": "string"}}})
TIME = ToolSpec("get_time")
HI = (Message.user("Hi"),)


def encode(
    *messages: Message, dialect: Any = DEEPSEEK, options: Mapping[str, Any] = {}, **fields: Any
) -> EncodedRequest:
    request = ChatRequest("deepseek-flash", messages or HI, sampling=Sampling(**options), **fields)
    return CHAT.encode(request, dialect, "deepseek")


def body(*messages: Message, **fields: Any) -> Mapping[str, Any]:
    return encode(*messages, **fields).body


# -- options ---------------------------------------------------------------------------------------------------------


def test_only_requested_options_are_sent() -> None:
    assert body() == {"model": "deepseek-flash", "messages": [{"role": "user", "content": "Hi"}]}


@pytest.mark.parametrize(
    ("option", "value", "sent"),
    [
        ("max_tokens", 100, {"max_tokens": 100}),
        ("temperature", 0.5, {"temperature": 0.5}),
        ("temperature", 0, {"temperature": 0}),
        ("top_p", 0.95, {"top_p": 0.95}),
        ("stop", ["END"], {"stop": ["END"]}),
        ("frequency_penalty", -2, {"frequency_penalty": -2}),
        ("presence_penalty", 2, {"presence_penalty": 2}),
        ("logprobs", True, {"logprobs": True}),
        ("logprobs", False, {"logprobs": False}),
        ("top_logprobs", 5, {"top_logprobs": 5, "logprobs": True}),
        ("user_id", "user-1_A", {"user_id": "user-1_A"}),
    ],
)
def test_each_option_is_sent_in_exactly_its_field(option: str, value: Any, sent: dict[str, Any]) -> None:
    encoded = encode(options={option: value})
    assert encoded.body == {**body(), **sent}
    assert encoded.notes == []


@pytest.mark.parametrize("option", ["top_k", "min_p", "repetition_penalty", "seed", "logit_bias"])
def test_an_unsupported_option_is_dropped_with_a_note_of_the_reason(option: str) -> None:
    encoded = encode(options={option: 1})
    assert encoded.body == body()
    [note] = encoded.notes
    assert (note.kind, note.option) == ("dropped", option)
    assert "the API " in note.text


@pytest.mark.parametrize(
    ("thinking", "sent"),
    [
        (Thinking(), {}),
        (Thinking(on=True), {"thinking": {"type": "enabled"}}),
        (Thinking(on=False), {"thinking": {"type": "disabled"}}),
        (Thinking(effort="low"), {"reasoning_effort": "low"}),
        (Thinking(effort="high"), {"reasoning_effort": "high"}),
        (Thinking(effort="max"), {"reasoning_effort": "max"}),
        (Thinking(on=True, effort="max"), {"thinking": {"type": "enabled"}, "reasoning_effort": "max"}),
    ],
)
def test_thinking_is_sent_in_exactly_its_fields(thinking: Thinking, sent: dict[str, Any]) -> None:
    encoded = encode(thinking=thinking)
    assert encoded.body == {**body(), **sent}
    assert encoded.notes == []


@pytest.mark.parametrize(("effort", "sent_effort"), [("minimal", "low"), ("medium", "high"), ("xhigh", "high")])
def test_an_unsupported_effort_is_translated_with_a_note(effort: str, sent_effort: str) -> None:
    encoded = encode(thinking=Thinking(effort=effort))
    assert encoded.body["reasoning_effort"] == sent_effort
    assert [(note.kind, note.option) for note in encoded.notes] == [("translated", "reasoning_effort")]


def test_an_unknown_effort_is_dropped_with_a_note_and_not_sent() -> None:
    encoded = encode(thinking=Thinking(on=True, effort="ultra"))
    assert encoded.body == {**body(), "thinking": {"type": "enabled"}}
    assert [(note.kind, note.option) for note in encoded.notes] == [("dropped", "reasoning_effort")]


@pytest.mark.parametrize(
    ("fields", "option"),
    [({"thinking": Thinking(budget=100)}, "thinking_budget"), ({"options": {"seed": 1}}, "seed")],
)
def test_options_with_another_field_are_dropped_with_a_note(fields: dict[str, Any], option: str) -> None:
    encoded = encode(**fields)
    assert encoded.body == body()
    assert [(note.kind, note.option) for note in encoded.notes] == [("dropped", option)]


@pytest.mark.parametrize("fields", [{"web_search": False}, {"web_search": None}])
def test_a_disabled_web_search_has_no_note(fields: dict[str, Any]) -> None:
    assert encode(**fields).notes == []


@pytest.mark.parametrize(
    ("fields", "option"),
    [
        ({"options": {"seed": 1}}, "seed"),
        ({"thinking": Thinking(budget=100)}, "thinking_budget"),
        ({"thinking": Thinking(effort="ultra")}, "reasoning_effort"),
    ],
)
def test_dropping_is_an_error_with_on_unsupported_raise(fields: dict[str, Any], option: str) -> None:
    with pytest.raises(errors.UnsupportedError, match=f"{option}.*deepseek"):
        encode(on_unsupported="raise", **fields)


@pytest.mark.parametrize(
    ("option", "value", "allowed"),
    [
        ("temperature", 2.1, "[0, 2]"),
        ("temperature", -0.1, "[0, 2]"),
        ("temperature", float("nan"), "[0, 2]"),
        ("top_p", 0, "(0, 1]"),
        ("top_p", 1.5, "(0, 1]"),
        ("max_tokens", 0, "[1, 393216]"),
        ("max_tokens", 393_217, "[1, 393216]"),
        ("frequency_penalty", 3, "[-2, 2]"),
        ("presence_penalty", -3, "[-2, 2]"),
        ("top_logprobs", 21, "[0, 20]"),
        ("stop", ["x"] * 17, "at most 16"),
        ("user_id", "a b", "must match"),
        ("user_id", "x" * 513, "at most 512"),
    ],
)
def test_the_error_of_a_value_out_of_range_names_the_option_and_the_range(
    option: str, value: Any, allowed: str
) -> None:
    with pytest.raises(errors.InvalidRequestError) as caught:
        encode(options={option: value})
    assert option in caught.value.message
    assert allowed.replace("393216", "393") in caught.value.message.replace("393216", "393")


def test_top_logprobs_without_logprobs_is_refused() -> None:
    with pytest.raises(errors.InvalidRequestError, match="logprobs"):
        encode(options={"logprobs": False, "top_logprobs": 1})


# -- streaming, formats, extra fields --------------------------------------------------------------------------------


def test_a_stream_requests_its_usage() -> None:
    assert body(stream=True) == {**body(), "stream": True, "stream_options": {"include_usage": True}}


def test_a_stream_without_usage_sends_only_the_stream_field() -> None:
    assert body(stream=True, stream_usage=False) == {**body(), "stream": True}


def test_a_response_format_is_sent_unchanged() -> None:
    assert body(response_format={"type": "json_object"}) == {**body(), "response_format": {"type": "json_object"}}


def test_extra_body_is_sent_unchanged_and_has_priority() -> None:
    sent = body(extra_body={"safety_check": {"level": "high"}, "temperature": 0.1}, options={"temperature": 1})
    assert sent["safety_check"] == {"level": "high"}
    assert sent["temperature"] == 0.1


# -- tools -----------------------------------------------------------------------------------------------------------


def test_a_tool_is_sent_as_a_function() -> None:
    assert body(tools=(WEATHER,))["tools"] == [
        {
            "type": "function",
            "function": {
                "name": "get_weather",
                "description": "The weather.",
                "parameters": dict(WEATHER.parameters or {}),
            },
        }
    ]


def test_missing_parameters_and_descriptions_of_a_tool_are_not_sent() -> None:
    assert body(tools=(TIME,))["tools"] == [{"type": "function", "function": {"name": "get_time"}}]


@pytest.mark.parametrize(
    ("parameters", "sent"),
    [
        ({"properties": {"x": {}}}, {"properties": {"x": {}}, "type": "object"}),
        ({"$ref": "#/$defs/A", "$defs": {"A": {}}}, {"$ref": "#/$defs/A", "$defs": {"A": {}}, "type": "object"}),
        ({"type": ["object", "null"], "title": "T"}, {"type": "object", "title": "T"}),
        ({"type": "object", "properties": {}, "required": None}, {"type": "object", "properties": {}}),
        ({"properties": {}, "type": None}, {"properties": {}, "type": "object"}),
    ],
)
@pytest.mark.parametrize("protocol", ["chat_completions", "responses", "messages"])
def test_parameters_have_the_type_that_the_service_requires_and_no_nulls(
    protocol: Any, parameters: Any, sent: Any
) -> None:
    (tool,) = Client(api_key="k", protocol=protocol).preview("Hi", tools=[ToolSpec("f", "", parameters)]).body["tools"]
    written = tool.get("function", tool)
    assert list((written.get("parameters") or written.get("input_schema")).items()) == list(sent.items())


@pytest.mark.parametrize("parameters", ["x", ["x"], 7, {"type": "string"}, {"type": ["array", "null"]}])
def test_parameters_that_are_not_a_schema_of_an_object_are_refused(parameters: Any) -> None:
    with pytest.raises(errors.InvalidRequestError, match=r"parameters of tool f are not a schema of an object\. Pass"):
        Client(api_key="k").preview("Hi", tools=[ToolSpec("f", "", parameters)])


def test_empty_parameters_are_left_out_because_the_service_refuses_them() -> None:
    assert body(tools=(ToolSpec("f", parameters={}),)) == body(tools=(ToolSpec("f"),))


def test_a_server_tool_is_sent_unchanged() -> None:
    assert body(tools=(ServerTool({"type": "deepseek_web_search"}),))["tools"] == [{"type": "deepseek_web_search"}]


@pytest.mark.parametrize("choice", [None, "auto", "none", "required", NamedTool("f")])
def test_without_tools_neither_tools_nor_tool_choice_are_sent(choice: Any) -> None:
    assert body(tools=(), tool_choice=choice) == body()


@pytest.mark.parametrize("choice", [None, "auto"])
def test_a_choice_of_auto_is_left_out(choice: Any) -> None:
    assert "tool_choice" not in body(tools=(WEATHER,), tool_choice=choice)


@pytest.mark.parametrize("choice", ["none", "required"])
def test_other_choices_are_sent(choice: Any) -> None:
    assert body(tools=(WEATHER,), tool_choice=choice)["tool_choice"] == choice


def test_a_named_choice_has_the_name_on_the_wire() -> None:
    sent = body(tools=(ToolSpec("get weather!"),), tool_choice=NamedTool("get weather!"))
    assert sent["tool_choice"] == {"type": "function", "function": {"name": "get_weather_"}}
    assert sent["tools"][0]["function"]["name"] == "get_weather_"


def test_names_are_mapped_in_past_calls_and_mapped_back() -> None:
    past = Message("assistant", tool_calls=(ToolCall("1", "get weather!", "{}"),))
    encoded = encode(*HI, past, Message.tool("x", "1"), tools=(ToolSpec("get weather!"),))
    assert encoded.body["messages"][1]["tool_calls"][0]["function"]["name"] == "get_weather_"
    assert encoded.context.tool_names.from_wire("get_weather_") == "get weather!"


@pytest.mark.parametrize("parallel", [True, False, None])
def test_parallel_tool_calls_is_not_sent_if_it_is_not_supported(parallel: bool | None) -> None:
    encoded = encode(tools=(WEATHER,), parallel_tool_calls=parallel)
    assert "parallel_tool_calls" not in encoded.body
    assert encoded.context.single_call is (parallel is False)


def test_parallel_tool_calls_is_sent_if_it_is_supported() -> None:
    encoded = encode(tools=(WEATHER,), parallel_tool_calls=False, dialect=PLAIN)
    assert encoded.body["parallel_tool_calls"] is False
    assert encoded.context.single_call is False


# -- strict tools ----------------------------------------------------------------------------------------------------


def test_strict_tools_are_sent_to_the_beta_url_with_strict_on_each_function() -> None:
    encoded = encode(tools=(WEATHER, TIME), strict_tools=True)
    assert encoded.path == "/beta/chat/completions"
    functions = [tool["function"] for tool in encoded.body["tools"]]
    assert [function["strict"] for function in functions] == [True, True]
    assert all(function["parameters"]["type"] == "object" for function in functions)


def test_tools_with_their_own_strict_are_sent_to_the_beta_url() -> None:
    encoded = encode(tools=(ToolSpec("f", parameters=WEATHER.parameters, strict=True),))
    assert encoded.path == "/beta/chat/completions"
    assert encoded.body["tools"][0]["function"]["strict"] is True


def test_strict_and_other_tools_are_sent_to_the_default_path_with_a_note() -> None:
    encoded = encode(tools=(ToolSpec("f", strict=True), TIME))
    assert encoded.path == "/chat/completions"
    assert [tool["function"].get("strict") for tool in encoded.body["tools"]] == [True, None]
    (note,) = encoded.notes
    assert (note.kind, note.option) == ("translated", "strict_tools")
    assert "get_time is not strict" in note.text


def test_a_mixture_of_strict_and_other_tools_is_refused_with_a_prefix() -> None:
    begun = (Message.user("Hi"), Message("assistant", "A", prefix=True))
    with pytest.raises(errors.InvalidRequestError, match="get_time"):
        encode(*begun, tools=(ToolSpec("f", strict=True), TIME))


def test_strict_tools_without_tools_has_no_effect() -> None:
    encoded = encode(strict_tools=True)
    assert (encoded.path, encoded.body) == ("/chat/completions", body())


def test_strict_tools_are_dropped_with_a_note_if_they_are_not_supported() -> None:
    encoded = encode(tools=(WEATHER,), strict_tools=True, dialect=PLAIN)
    assert encoded.path == "/chat/completions"
    assert "strict" not in encoded.body["tools"][0]["function"]
    assert [(note.kind, note.option) for note in encoded.notes] == [("dropped", "strict_tools")]


# -- prefix ----------------------------------------------------------------------------------------------------------


def test_a_prefix_is_sent_to_the_beta_url_and_is_marked() -> None:
    encoded = encode(*HI, Message("assistant", "```python\n", prefix=True))
    assert encoded.path == "/beta/chat/completions"
    assert encoded.body["messages"][-1]["prefix"] is True


def test_a_continued_prefix_is_an_ordinary_past_message() -> None:
    encoded = encode(*HI, Message("assistant", "a", prefix=True), Message.user("b"))
    assert encoded.path == "/chat/completions"
    assert "prefix" not in encoded.body["messages"][1]


def test_a_prefix_is_refused_if_it_is_not_supported() -> None:
    with pytest.raises(errors.UnsupportedError, match="prefix"):
        encode(*HI, Message("assistant", "a", prefix=True), dialect=PLAIN)


# -- messages --------------------------------------------------------------------------------------------------------


def test_only_a_tool_result_has_a_call_id() -> None:
    sent = body(
        Message("system", "s", tool_call_id="x"),
        Message("user", "u", tool_call_id="x"),
        Message("assistant", "a", tool_call_id="x"),
        Message.tool("t", "1"),
    )["messages"]
    assert [message.get("tool_call_id") for message in sent] == [None, None, None, "1"]


def test_missing_content_with_tool_calls_is_an_empty_string() -> None:
    message = Message("assistant", tool_calls=(ToolCall("1", "f", "{}"),))
    sent = body(*HI, message, Message.tool("", "1"))["messages"][1]
    assert sent["content"] == ""
    assert sent["tool_calls"] == [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]


def test_arguments_are_sent_back_verbatim() -> None:
    written = '{ "b":1, "a" : "\\u00e9" }'
    message = Message("assistant", tool_calls=(ToolCall("1", "f", written),))
    assert body(*HI, message)["messages"][1]["tool_calls"][0]["function"]["arguments"] == written


def test_names_of_messages_are_sent_except_for_tool_results() -> None:
    sent = body(Message("user", "u", name="Ann"), Message("tool", "t", tool_call_id="1", name="f"))["messages"]
    assert [message.get("name") for message in sent] == ["Ann", None]


def test_text_parts_alone_are_sent_as_one_string() -> None:
    assert body(Message.user((TextPart("a"), TextPart("b"))))["messages"][0]["content"] == "ab"


def test_parts_are_sent_in_their_order_and_form() -> None:
    parts = (
        TextPart("Look:"),
        ImagePart("https://example.org/a.png", "low"),
        ImagePart("data:image/png;base64,AA=="),
        FilePart(file_id="file-api-1"),
        FilePart(data="data:text/plain,x", filename="x.txt"),
        RawPart({"type": "video_url", "video_url": {"url": "u"}}),
    )
    assert body(Message.user(parts))["messages"][0]["content"] == [
        {"type": "text", "text": "Look:"},
        {"type": "image_url", "image_url": {"url": "https://example.org/a.png", "detail": "low"}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
        {"type": "file", "file_id": "file-api-1"},
        {"type": "file", "file_data": "data:text/plain,x", "filename": "x.txt"},
        {"type": "video_url", "video_url": {"url": "u"}},
    ]


# -- reasoning -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reasoning", "sent"),
    [
        (Reasoning("because"), "because"),
        (Reasoning(""), ""),
        (None, ""),
        (Reasoning(None), ""),
        (Reasoning(" \n"), " \n"),
    ],
)
@pytest.mark.parametrize("calls", [(), (ToolCall("1", "f", "{}"),)])
def test_past_reasoning_is_passed_back_verbatim_on_every_assistant_message(
    reasoning: Reasoning | None, sent: str, calls: tuple[ToolCall, ...]
) -> None:
    message = Message("assistant", "a", reasoning=reasoning, tool_calls=calls)
    assert body(*HI, message)["messages"][1]["reasoning_content"] == sent


def test_only_assistant_messages_have_reasoning() -> None:
    sent = body(Message.system("s"), Message.user("u"), Message.tool("t", "1"))["messages"]
    assert not any("reasoning_content" in message for message in sent)


@pytest.mark.parametrize("fields", [{"thinks": False}, {"pass_back": False}])
def test_reasoning_is_left_out_when_thinking_or_pass_back_is_off(fields: dict[str, Any]) -> None:
    assert body(*HI, Message.assistant("a", reasoning="r"), **fields)["messages"][1] == {
        "role": "assistant",
        "content": "a",
    }


# -- the bytes of a growing history ----------------------------------------------------------------------------------


def test_messages_are_the_last_field() -> None:
    sent = body(
        options={"temperature": 1, "stop": ["x"]},
        thinking=Thinking(on=True, effort="max"),
        stream=True,
        response_format={"type": "json_object"},
        tools=(WEATHER,),
        tool_choice="none",
        extra_body={"a": 1},
    )
    assert list(sent)[-1] == "messages"


def test_the_order_of_fields_does_not_depend_on_the_order_of_options() -> None:
    from deepseek_v4 import Client

    client = Client(api_key="sk-1")
    one = client.prepare("Hi", {"temperature": 1, "max_tokens": 5, "stop": "x"}, stream=False)
    two = client.prepare("Hi", {"stop": "x", "max_tokens": 5, "temperature": 1}, stream=False)
    assert one.http.body == two.http.body


turns = st.lists(
    st.builds(
        lambda question, answer, reasoning, arguments: (
            Message.user(question),
            Message(
                "assistant", reasoning=reasoning, tool_calls=(ToolCall("?", "get_weather", json.dumps(arguments)),)
            ),
            Message.tool("18 °C", "?"),
            Message.assistant(answer, reasoning=None if reasoning is None else reasoning.text),
        ),
        st.text(min_size=1),
        st.text(min_size=1),
        st.none() | st.builds(Reasoning, st.text()),
        st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5), max_size=2),
    ),
    min_size=1,
    max_size=5,
)


@given(turns)
def test_every_request_of_a_growing_history_begins_with_the_bytes_of_the_one_before(conversation: Any) -> None:
    from deepseek_v4 import Client

    client = Client(api_key="sk-1")
    history: list[Message] = [Message.system("Be brief.")]
    before = b""
    for number, (question, calling, result, answer) in enumerate(conversation):
        named = ToolCall(f"call_{number}", calling.tool_calls[0].name, calling.tool_calls[0].arguments)
        steps = [
            question,
            Message("assistant", reasoning=calling.reasoning, tool_calls=(named,)),
            Message.tool(result.content, named.id),
            answer,
        ]
        for step in steps:
            history.append(step)
            if step.role == "assistant":
                continue
            sent = client.prepare(history, {"tools": [WEATHER, TIME]}, stream=True).http.body
            assert sent.startswith(before)
            before = sent.removesuffix(b"]}")
