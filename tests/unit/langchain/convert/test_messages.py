"""LangChain messages as a conversation: each form that a message can have."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.utils.json import parse_partial_json

from deepseek_v4 import errors
from deepseek_v4.values.messages import FilePart, ImagePart, Message, RawPart, Reasoning, TextPart, ToolCall
from langchain_deepseek_v4.convert.invalid_calls import invalidating_suffix, strip_suffix
from langchain_deepseek_v4.convert.messages import to_conversation
from tests.long_form import examples

PNG = "iVBORw0KGgo="
CALL = {"name": "f", "args": {"a": 1}, "id": "call_1", "type": "tool_call"}


def to_messages(*messages: BaseMessage) -> list[Message]:
    return list(to_conversation(messages))


def one(message: BaseMessage) -> Message:
    (converted,) = to_messages(message)
    return converted


# -- roles -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "role"),
    [
        (SystemMessage("x"), "system"),
        (HumanMessage("x"), "user"),
        (AIMessage("x"), "assistant"),
        (ChatMessage("x", role="developer"), "system"),
        (ChatMessage("x", role="system"), "system"),
        (ChatMessage("x", role="user"), "user"),
        (ChatMessage("x", role="human"), "user"),
        (ChatMessage("x", role="assistant"), "assistant"),
        (ChatMessage("x", role="ai"), "assistant"),
        (SystemMessage("x", additional_kwargs={"__openai_role__": "developer"}), "system"),
    ],
)
def test_roles(message: BaseMessage, role: str) -> None:
    assert one(message) == Message(role, "x")  # type: ignore[arg-type]


def test_an_unknown_role_is_an_error_that_lists_the_known_ones() -> None:
    with pytest.raises(errors.InvalidRequestError, match=r"'critic'.*developer"):
        to_messages(ChatMessage("x", role="critic"))


def test_a_remove_message_is_left_out() -> None:
    assert to_messages(HumanMessage("x"), RemoveMessage(id="1")) == [Message.user("x")]


@pytest.mark.parametrize(("name", "kept"), [("example_user", "example_user"), ("Ada Lovelace", None), ("ü", None)])
def test_names_that_every_service_accepts_are_kept(name: str, kept: str | None) -> None:
    assert one(HumanMessage("x", name=name)).name == kept
    assert one(SystemMessage("x", name=name)).name == kept


def test_the_name_of_an_agent_is_not_sent() -> None:
    assert one(AIMessage("x", name="supervisor")).name is None


@pytest.mark.parametrize("message", [HumanMessage, SystemMessage, AIMessage])
def test_unknown_additional_kwargs_are_never_sent(message: type[BaseMessage]) -> None:
    extra = {"lc_source": "summarization", "lc_evicted_to": "/x", "refusal": None, "audio": {"id": "1"}}
    assert one(message("x", additional_kwargs=extra)) == one(message("x"))


# -- content ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("block", "part"),
    [
        ("plain", TextPart("plain")),
        ({"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}, TextPart("a")),
        ({"text": "a"}, TextPart("a")),
        ({"type": "input_text", "text": "a"}, TextPart("a")),
        ({"type": "text-plain", "text": "a", "mime_type": "text/plain"}, TextPart("a")),
        (
            {"type": "text-plain", "base64": "YQ==", "mime_type": "text/plain", "title": "a.txt"},
            FilePart(data="data:text/plain;base64,YQ==", filename="a.txt"),
        ),
        ({"type": "text-plain", "file_id": "file-api-1"}, FilePart(file_id="file-api-1")),
        (
            {"type": "image_url", "image_url": {"url": "https://x/y.png", "detail": "low"}},
            ImagePart("https://x/y.png", "low"),
        ),
        ({"type": "image_url", "image_url": "https://x/y.png"}, ImagePart("https://x/y.png")),
        (
            {"type": "input_image", "image_url": "https://x/y.png", "detail": "high"},
            ImagePart("https://x/y.png", "high"),
        ),
        ({"type": "image", "url": "https://x/y.png"}, ImagePart("https://x/y.png")),
        ({"type": "image", "base64": PNG, "mime_type": "image/png"}, ImagePart(f"data:image/png;base64,{PNG}")),
        ({"type": "image", "base64": "/9j/4AAQ"}, ImagePart("data:image/jpeg;base64,/9j/4AAQ")),
        ({"type": "image", "file_id": "file-api-1"}, FilePart(file_id="file-api-1", image=True)),
        (
            {"type": "image", "source_type": "base64", "data": PNG, "mime_type": "image/png"},
            ImagePart(f"data:image/png;base64,{PNG}"),
        ),
        (
            {"type": "image", "source": {"type": "base64", "media_type": "image/gif", "data": "R0lGOD"}},
            ImagePart("data:image/gif;base64,R0lGOD"),
        ),
        ({"type": "image", "source": {"type": "url", "url": "https://x/y.png"}}, ImagePart("https://x/y.png")),
        ({"type": "media", "mime_type": "image/webp", "data": "UklGRg"}, ImagePart("data:image/webp;base64,UklGRg")),
        (
            {"type": "file", "base64": "JVBERi0=", "mime_type": "application/pdf", "filename": "a.pdf"},
            FilePart(data="data:application/pdf;base64,JVBERi0=", filename="a.pdf"),
        ),
        (
            {"type": "file", "base64": "JVBERi0=", "mime_type": "application/pdf", "extras": {"filename": "b.pdf"}},
            FilePart(data="data:application/pdf;base64,JVBERi0=", filename="b.pdf"),
        ),
        (
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}},
            FilePart(data="data:application/pdf;base64,JVBERi0=", filename="a.pdf"),
        ),
        ({"type": "file", "file": {"file_id": "file-api-1"}}, FilePart(file_id="file-api-1")),
        ({"type": "file", "source_type": "id", "id": "file-api-1"}, FilePart(file_id="file-api-1")),
        (
            {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}},
            FilePart(data="data:application/pdf;base64,JVBERi0=", filename="file.pdf"),
        ),
        (
            {"type": "file", "base64": "YQ==", "mime_type": "text/plain"},
            FilePart(data="data:text/plain;base64,YQ==", filename="file.txt"),
        ),
        ({"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "a"}}, TextPart("a")),
        ({"type": "brand_new", "x": 1, "cache_control": {}}, RawPart({"type": "brand_new", "x": 1})),
        ({"type": "non_standard", "value": {"type": "brand_new", "x": 1}}, RawPart({"type": "brand_new", "x": 1})),
    ],
)
def test_blocks_of_a_user_message(block: Any, part: Any) -> None:
    assert one(HumanMessage([block])).content == (part,)


@pytest.mark.parametrize(
    "block",
    [{"type": "cachePoint"}, {"cachePoint": {"type": "default"}}, {"type": "thinking", "thinking": "x"}, ""],
)
def test_unsupported_blocks_are_left_out(block: Any) -> None:
    assert one(HumanMessage(["a", block])).content == (TextPart("a"),)


@pytest.mark.parametrize(
    ("block", "kind", "message"),
    [
        ({"type": "audio", "base64": "x"}, errors.UnsupportedError, "audio"),
        ({"type": "input_audio", "input_audio": {}}, errors.UnsupportedError, "input_audio"),
        ({"type": "video", "url": "https://x"}, errors.UnsupportedError, "video"),
        ({"type": "file", "url": "https://x/a.pdf"}, errors.UnsupportedError, "does not fetch files"),
        ({"type": "image"}, errors.InvalidRequestError, "needs data"),
        ({"type": "image_url", "image_url": {}}, errors.InvalidRequestError, "has no URL"),
    ],
)
def test_blocks_that_cannot_be_read_are_refused(block: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        to_messages(HumanMessage([block]))


def test_a_system_message_of_text_blocks() -> None:
    blocks: list[Any] = [
        {"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}},
        {"type": "text", "text": "\n\nAnd kind."},
    ]
    assert one(SystemMessage(blocks)) == Message("system", "Be brief.\n\nAnd kind.", left_out=("cache_control",))


def test_an_image_in_an_assistant_message_is_left_out_with_a_warning() -> None:
    with pytest.warns(errors.HistoryRepairedWarning, match="removed the image"):
        assert one(AIMessage(["Look:", {"type": "image", "url": "https://x/y.png"}])).text == "Look:"


# -- assistant: reasoning --------------------------------------------------------------------------------------------

DETAILS = [{"type": "reasoning.text", "text": "x", "index": 0}]


@pytest.mark.parametrize(
    ("message", "reasoning"),
    [
        (AIMessage("x"), None),
        (AIMessage("x", additional_kwargs={"reasoning_content": "r"}), Reasoning("r")),
        (AIMessage("x", additional_kwargs={"reasoning_content": ""}), Reasoning("")),
        (AIMessage("x", additional_kwargs={"reasoning_content": None}), None),
        (AIMessage("x", additional_kwargs={"reasoning_details": DETAILS}), Reasoning(None, tuple(DETAILS))),
        (AIMessage("x", additional_kwargs={"reasoning_details": []}), Reasoning(None, ())),
        (AIMessage([{"type": "reasoning", "reasoning": "r"}, "x"]), Reasoning("r")),
        (AIMessage([{"type": "reasoning", "reasoning": ""}, "x"]), Reasoning("")),
        (AIMessage([{"type": "reasoning"}, "x"]), None),
        (
            AIMessage([{"type": "reasoning", "reasoning": "r"}, {"type": "reasoning", "reasoning": "s"}]),
            Reasoning("rs"),
        ),
        (
            AIMessage([{"type": "reasoning", "reasoning": "r", "extras": {"reasoning_details": DETAILS}}]),
            Reasoning("r", tuple(DETAILS)),
        ),
        (AIMessage([{"type": "thinking", "thinking": "r", "signature": "s"}, "x"]), Reasoning("r")),
        (AIMessage([{"type": "reasoning", "summary": [{"type": "summary_text", "text": "r"}]}]), Reasoning("r")),
        (AIMessage([{"reasoning_content": {"text": "r", "signature": "s"}}]), Reasoning("r")),
        (
            AIMessage([{"type": "reasoning", "reasoning": "old"}], additional_kwargs={"reasoning_content": "r"}),
            Reasoning("r"),
        ),
        (ChatMessage("x", role="assistant", additional_kwargs={"reasoning_content": "r"}), Reasoning("r")),
    ],
)
def test_reasoning_is_found_in_every_place(message: BaseMessage, reasoning: Reasoning | None) -> None:
    assert one(message).reasoning == reasoning


def test_reasoning_is_not_part_of_the_visible_text() -> None:
    message = AIMessage([{"type": "reasoning", "reasoning": "r"}, {"type": "text", "text": "x"}])
    assert one(message).content == "x"


# -- assistant: tool calls -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "call"),
    [
        (AIMessage("", tool_calls=[CALL]), ToolCall("call_1", "f", '{"a":1}')),
        (AIMessage("", tool_calls=[{**CALL, "args": {"é": "雨"}}]), ToolCall("call_1", "f", '{"é":"雨"}')),
        (
            AIMessage(
                "", invalid_tool_calls=[{**CALL, "args": '{"a": "b"]  ', "error": None, "type": "invalid_tool_call"}]
            ),
            ToolCall("call_1", "f", '{"a": "b'),
        ),
        (
            AIMessage("", invalid_tool_calls=[{"name": "f", "args": "no", "id": "call_1", "error": "x"}]),
            ToolCall("call_1", "f", "no"),
        ),
        (
            AIMessage([{"type": "tool_use", "id": "call_1", "name": "f", "input": {"a": 1}}]),
            ToolCall("call_1", "f", '{"a":1}'),
        ),
        (
            AIMessage([{"type": "tool_call", "id": "call_1", "name": "f", "args": {"a": 1}}]),
            ToolCall("call_1", "f", '{"a":1}'),
        ),
        (
            AIMessage(
                [{"type": "function_call", "call_id": "call_1", "id": "fc", "name": "f", "arguments": '{"a":1}'}]
            ),
            ToolCall("call_1", "f", '{"a":1}'),
        ),
        (
            AIMessage("", additional_kwargs={"function_call": {"name": "f", "arguments": '{"a":1}'}}),
            ToolCall("call_f", "f", '{"a":1}'),
        ),
        (
            AIMessage(
                "",
                additional_kwargs={
                    "tool_calls": [
                        {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
                    ]
                },
            ),
            ToolCall("call_1", "f", '{"a":1}'),
        ),
    ],
)
def test_tool_calls_are_found_in_every_place(message: AIMessage, call: ToolCall) -> None:
    assert one(message).tool_calls == (call,)


def test_a_call_in_two_places_is_sent_once() -> None:
    block = {"type": "tool_use", "id": "call_1", "name": "f", "input": {"a": 1}}
    assert len(one(AIMessage([block], tool_calls=[CALL])).tool_calls) == 1


def test_an_edited_call_has_priority_over_its_original_block() -> None:
    message = AIMessage([{"type": "tool_call", "id": "call_1", "name": "f", "args": {"a": 1}}], tool_calls=[CALL])
    message = message.model_copy(update={"tool_calls": [{**CALL, "args": {"a": 2}}]})
    assert one(message).tool_calls == (ToolCall("call_1", "f", '{"a":2}'),)


WRITTEN = [
    '{"a": "b',
    '{"a": ["b"',
    '{"a": ["b',
    "",
    "{",
    '{"a": "b\\',
    '{"a": 1} x',
    "[1, 2]",
    "nul",
    '{"a": 1}]',
    "{}  ",
    "] ",
]


@pytest.mark.parametrize("written", WRITTEN)
def test_the_mark_on_invalid_arguments_is_removed(written: str) -> None:
    assert strip_suffix(written + invalidating_suffix(written)) == written


@settings(max_examples=examples(500))
@given(st.text(alphabet='{}[]" \\:,ab1', max_size=12))
def test_the_mark_on_any_arguments_is_removed_and_the_call_stays_invalid(written: str) -> None:
    marked = written + invalidating_suffix(written)
    assert strip_suffix(marked) == written
    try:
        parsed = parse_partial_json(marked)
    except ValueError:
        parsed = None
    assert parsed is None


@pytest.mark.parametrize("written", ['{"a": 1}', "[1, 2]", "", "{}   ", '{"a": "b"]'])
def test_arguments_without_a_mark_are_unchanged(written: str) -> None:
    assert strip_suffix(written) == written


# -- tool results ----------------------------------------------------------------------------------------------------


def result(content: Any, **more: Any) -> ToolMessage:
    return ToolMessage(content, tool_call_id="call_1", **more)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("It rains.", "It rains."),
        ("", ""),
        ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "a\nb"),
        (["a", "b"], "a\nb"),
        ([{"type": "json", "json": {"a": 1}}], '{"type":"json","json":{"a":1}}'),
        ([{"type": "text", "text": "a", "id": "lc_1", "cache_control": {}}], "a"),
    ],
)
def test_tool_results_are_text(content: Any, text: str) -> None:
    left_out = ("cache_control",) if "cache_control" in str(content) else ()
    assert one(result(content)) == Message.tool(text, "call_1", left_out=left_out)


def test_a_failed_tool_is_reported_in_its_text_only() -> None:
    assert one(result("Error: no such city", status="error")) == Message.tool("Error: no such city", "call_1")


def test_an_artifact_is_never_sent() -> None:
    assert one(result("x", artifact={"secret": 1}, name="f")) == Message.tool("x", "call_1")


def test_images_of_results_are_sent_in_a_user_message_after_all_results() -> None:
    image = {"type": "image", "base64": PNG, "mime_type": "image/png"}
    messages = to_messages(
        AIMessage("", tool_calls=[CALL, {**CALL, "id": "call_2"}]),
        result([image]),
        ToolMessage([{"type": "text", "text": "b"}, image], tool_call_id="call_2"),
        HumanMessage("And now?"),
    )
    picture = ImagePart(f"data:image/png;base64,{PNG}")
    assert messages[1:] == [
        Message.tool("(see the next message)", "call_1"),
        Message.tool("b", "call_2"),
        Message.user(
            (
                TextPart("From the result of the tool call call_1:"),
                picture,
                TextPart("From the result of the tool call call_2:"),
                picture,
            )
        ),
        Message.user("And now?"),
    ]


def test_results_in_a_user_message_are_sent_before_it() -> None:
    content: list[Any] = [
        {"type": "tool_result", "tool_use_id": "call_1", "content": [{"type": "text", "text": "green"}]},
        {"type": "tool_result", "tool_use_id": "call_2", "content": "blue", "is_error": False},
        {"type": "text", "text": "Which?"},
    ]
    assert to_messages(HumanMessage(content)) == [
        Message.tool("green", "call_1"),
        Message.tool("blue", "call_2"),
        Message.user((TextPart("Which?"),)),
    ]
    assert to_messages(HumanMessage(content[:1])) == [Message.tool("green", "call_1")]


def test_a_function_result_answers_the_last_call_of_that_function() -> None:
    request = AIMessage("", additional_kwargs={"function_call": {"name": "f", "arguments": "{}"}})
    assert to_messages(request, FunctionMessage("1", name="f"))[1] == Message.tool("1", "call_f")
    assert to_messages(FunctionMessage("1", name="f")) == [Message.user("f returned: 1")]


# -- all -------------------------------------------------------------------------------------------------------------


def test_the_input_is_not_changed() -> None:
    history = [
        SystemMessage([{"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}]),
        HumanMessage([{"type": "image", "base64": PNG, "mime_type": "image/png"}]),
        AIMessage(
            [{"type": "reasoning", "reasoning": "r", "extras": {"reasoning_details": DETAILS}}], tool_calls=[CALL]
        ),
        result([{"type": "image", "base64": PNG}]),
    ]
    before = [message.model_copy(deep=True) for message in history]
    to_conversation(history)
    assert history == before


def test_fields_that_only_anthropic_reads_are_warned_about() -> None:
    marked = {"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}
    thought = {"type": "redacted_thinking", "data": "x"}
    messages = [SystemMessage([marked]), HumanMessage([marked, {"type": "cachePoint"}]), AIMessage([thought, marked])]
    conversation = to_conversation([*messages, HumanMessage("Hi")])
    only_cache = ("cache_control",)
    assert [m.left_out for m in conversation] == [only_cache, only_cache, ("redacted_thinking", "cache_control"), ()]


def test_a_cache_mark_of_a_tool_result_is_warned_about() -> None:
    marked = {"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}
    result = {"type": "tool_result", "tool_use_id": "b"}
    messages = [
        AIMessage("", tool_calls=[{"name": "f", "args": {}, "id": name} for name in "abc"]),
        ToolMessage([marked], tool_call_id="a"),
        HumanMessage([{**result, "content": "x", "cache_control": {}}]),
        HumanMessage([{**result, "tool_use_id": "c", "content": [marked]}]),
    ]
    conversation = to_conversation(messages)
    assert [message.role for message in conversation] == ["assistant", "tool", "tool", "tool"]
    assert [message.left_out for message in conversation[1:]] == [("cache_control",)] * 3


def test_an_uploaded_image_of_an_image_url_block_keeps_its_id() -> None:
    message = one(HumanMessage([{"type": "image_url", "image_url": {}, "file_id": "file-1"}]))
    assert message.content == (FilePart(file_id="file-1", image=True),)


def test_an_image_url_block_without_an_image_is_refused() -> None:
    with pytest.raises(errors.InvalidRequestError, match="An image_url block has no URL"):
        one(HumanMessage([{"type": "image_url"}]))
