"""Conversations in OpenAI's format: every part is converted, and messages of this package stay as they are."""

from __future__ import annotations

from typing import Any

import pytest

from deepseek_v4.integration.openai_format import messages_of
from deepseek_v4.values.messages import FilePart, ImagePart, Message, RawPart, Reasoning, TextPart, ToolCall


def test_a_message_of_this_package_is_returned_unchanged() -> None:
    message = Message.assistant("Yes.", reasoning="Look.")
    assert messages_of([message])[0] is message


def test_every_content_part_is_converted() -> None:
    content = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "low"}},
        {"type": "file", "file": {"file_id": "file-1"}},
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,AAAA", "filename": "a.pdf"}},
        {"type": "audio_url", "audio_url": {"url": "https://example.com/a.wav"}},
    ]
    [message] = messages_of([{"role": "user", "content": content}])
    assert message.content == (
        TextPart("What is this?"),
        ImagePart("https://example.com/a.png", "low"),
        FilePart(file_id="file-1"),
        FilePart(data="data:application/pdf;base64,AAAA", filename="a.pdf"),
        RawPart(content[4]),
    )


def test_an_assistant_turn_keeps_reasoning_and_calls() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    value = {"role": "assistant", "content": None, "reasoning_content": "", "tool_calls": [call]}
    [message] = messages_of([value])
    assert message == Message("assistant", "", reasoning=Reasoning(""), tool_calls=(ToolCall("c1", "look", "{}"),))


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("Hi", "messages is not a list."),
        ([{"role": "critic", "content": "Hi"}], "is not a message. Expected role: system, user, assistant or tool."),
        ([{"role": "user", "content": [{"type": "text"}]}], "the user message is not in OpenAI's format: KeyError"),
        ([{"role": "user", "content": 3}], "the user message is not in OpenAI's format: TypeError('3 is not text')"),
    ],
)
def test_another_form_is_refused_with_its_reason(value: Any, problem: str) -> None:
    with pytest.raises(ValueError) as caught:
        messages_of(value)
    assert problem in str(caught.value)
