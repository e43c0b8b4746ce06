"""Messages as attributes of the GenAI conventions: each role, content and call has the documented part."""

from __future__ import annotations

import json
from typing import Any

from deepseek_v4.observe.genai_messages import of_reply, of_request
from deepseek_v4.protocols.chat_request import ChatRequest
from deepseek_v4.values.messages import FilePart, ImagePart, Message, Reasoning, TextPart, ToolCall
from deepseek_v4.values.reply import Reply


def input_messages(*messages: Message) -> Any:
    attributes = of_request(ChatRequest(model="deepseek-flash", messages=messages))
    return json.loads(attributes["gen_ai.input.messages"])


def test_a_tool_result_is_a_response_with_the_id_of_its_call() -> None:
    call = Message("assistant", "", reasoning=Reasoning("Look."), tool_calls=(ToolCall("c1", "look", '{"at": 1}'),))
    assert input_messages(call, Message.tool("Sunny.", "c1")) == [
        {
            "role": "assistant",
            "parts": [
                {"type": "reasoning", "content": "Look."},
                {"type": "tool_call", "id": "c1", "name": "look", "arguments": {"at": 1}},
            ],
        },
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": "Sunny."}]},
    ]


def test_images_and_files_are_named_without_their_content() -> None:
    content = (TextPart("What is this?"), ImagePart("data:image/png;base64,AAAA"), FilePart(file_id="file-1"))
    [message] = input_messages(Message.user(content))
    assert message["parts"] == [{"type": "text", "content": "What is this?"}, {"type": "image"}, {"type": "file"}]


def test_the_system_text_has_an_attribute_of_its_own() -> None:
    attributes = of_request(ChatRequest(model="m", messages=(Message.system("Be brief."), Message.user("Hi"))))
    assert json.loads(attributes["gen_ai.system_instructions"]) == [{"type": "text", "content": "Be brief."}]
    assert len(json.loads(attributes["gen_ai.input.messages"])) == 1


def test_arguments_that_are_not_json_stay_text() -> None:
    message = Message("assistant", "", tool_calls=(ToolCall("c1", "look", '{"at": '),))
    assert input_messages(message)[0]["parts"][0]["arguments"] == '{"at": '


def test_an_answer_has_its_finish_reason() -> None:
    [message] = json.loads(of_reply(Reply("Yes.", finish_reason="length"))["gen_ai.output.messages"])
    assert message == {
        "role": "assistant",
        "parts": [{"type": "text", "content": "Yes."}],
        "finish_reason": "length",
    }
