"""Chat messages of every origin as our conversation."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from llama_index.core.base.llms.types import (
    AudioBlock,
    CacheControl,
    CachePoint,
    ChatMessage,
    CitableBlock,
    CitationBlock,
    DocumentBlock,
    ImageBlock,
    MessageRole,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)

from deepseek_v4 import errors
from deepseek_v4.values.messages import FilePart, ImagePart, Message, Reasoning, TextPart, ToolCall
from llama_index_deepseek_v4.convert.messages import to_conversation

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def one(message: ChatMessage) -> Message:
    (converted,) = to_conversation([message])
    return converted


def openai_call(call_id: str, name: str, arguments: object) -> dict[str, object]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        (MessageRole.SYSTEM, "system"),
        (MessageRole.DEVELOPER, "system"),
        (MessageRole.USER, "user"),
        (MessageRole.ASSISTANT, "assistant"),
        (MessageRole.CHATBOT, "assistant"),
        (MessageRole.MODEL, "assistant"),
        (MessageRole.TOOL, "tool"),
        (MessageRole.FUNCTION, "tool"),
    ],
)
def test_every_role_is_sent_as_a_role_of_the_wire(role: MessageRole, expected: str) -> None:
    assert one(ChatMessage(role=role, content="x")).role == expected


def test_texts_are_joined_without_a_separator() -> None:
    message = ChatMessage(role="user", blocks=[TextBlock(text="one "), TextBlock(text="two")])
    assert one(message).content == "one two"


def test_a_message_without_blocks_has_empty_content() -> None:
    assert one(ChatMessage(role="assistant")).content == ""
    assert one(ChatMessage(role="tool", additional_kwargs={"tool_call_id": "c"})).content == ""


@pytest.mark.parametrize(
    ("message", "reasoning"),
    [
        (ChatMessage(role="assistant", content="x"), None),
        (ChatMessage(role="assistant", blocks=[ThinkingBlock(content="")]), Reasoning("")),
        (ChatMessage(role="assistant", blocks=[ThinkingBlock(content=None)]), Reasoning(None)),
        (
            ChatMessage(role="assistant", blocks=[ThinkingBlock(content="a "), ThinkingBlock(content="b")]),
            Reasoning("a b"),
        ),
        (
            ChatMessage(role="assistant", content="x", additional_kwargs={"reasoning_content": "kept"}),
            Reasoning("kept"),
        ),
        (ChatMessage(role="assistant", content="x", additional_kwargs={"reasoning_content": ""}), Reasoning("")),
        (ChatMessage(role="assistant", content="x", additional_kwargs={"reasoning_content": None}), None),
        *(
            (
                ChatMessage(
                    role="assistant",
                    content="x",
                    additional_kwargs={
                        "reasoning_content": text,
                        "reasoning_details": kind([{"type": "reasoning.text"}]),
                    },
                ),
                Reasoning(text, ({"type": "reasoning.text"},)),
            )
            for text in ("t", None)
            for kind in (list, tuple)
        ),
        (ChatMessage(role="assistant", content="x", additional_kwargs={"reasoning_details": "text"}), None),
        (
            ChatMessage(
                role="assistant",
                blocks=[
                    ThinkingBlock(
                        content="t", additional_information={"reasoning_details": [{"type": "reasoning.text"}]}
                    )
                ],
            ),
            Reasoning("t", ({"type": "reasoning.text"},)),
        ),
        (
            ChatMessage(
                role="assistant",
                blocks=[ThinkingBlock(content="t", additional_information={"reasoning_details": []})],
            ),
            Reasoning("t", ()),
        ),
        (
            ChatMessage(
                role="assistant",
                blocks=[ThinkingBlock(content="block")],
                additional_kwargs={"reasoning_content": "older copy"},
            ),
            Reasoning("block"),
        ),
    ],
)
def test_reasoning_is_found_in_every_place(message: ChatMessage, reasoning: Reasoning | None) -> None:
    assert one(message).reasoning == reasoning


def test_thinking_is_never_part_of_the_text() -> None:
    message = ChatMessage(role="assistant", blocks=[ThinkingBlock(content="secret"), TextBlock(text="shown")])
    assert one(message).content == "shown"


class TestToolCalls:
    def test_a_block_with_a_dict_is_encoded_as_json(self) -> None:
        block = ToolCallBlock(tool_call_id="c", tool_name="f", tool_kwargs={"a": 1, "b": "é"})
        assert one(ChatMessage(role="assistant", blocks=[block])).tool_calls == (ToolCall("c", "f", '{"a":1,"b":"é"}'),)

    def test_a_block_with_text_is_sent_unchanged(self) -> None:
        block = ToolCallBlock(tool_call_id="c", tool_name="f", tool_kwargs='{"a": 1')
        assert one(ChatMessage(role="assistant", blocks=[block])).tool_calls == (ToolCall("c", "f", '{"a": 1'),)

    @pytest.mark.parametrize("as_object", [False, True])
    def test_legacy_calls_without_blocks(self, as_object: bool) -> None:
        call: object = openai_call("c", "f", '{"a": 1}')
        if as_object:
            call = SimpleNamespace(id="c", function=SimpleNamespace(name="f", arguments='{"a": 1}'))
        message = ChatMessage(role="assistant", content="", additional_kwargs={"tool_calls": [call]})
        assert one(message).tool_calls == (ToolCall("c", "f", '{"a": 1}'),)

    @pytest.mark.parametrize("changed", [True, 1.0, "1"])
    def test_arguments_changed_to_equal_python_values(self, changed: object) -> None:
        kwargs = {"a": {"b": [changed]}}
        block = ToolCallBlock(tool_call_id="c", tool_name="f", tool_kwargs=kwargs)
        written = {"tool_calls": [openai_call("c", "f", '{"a":  {"b": [1]}}')]}
        (call,) = one(ChatMessage(role="assistant", blocks=[block], additional_kwargs=written)).tool_calls
        assert call.arguments == json.dumps(kwargs, separators=(",", ":"))

    def test_legacy_arguments_may_be_an_object(self) -> None:
        message = ChatMessage(role="assistant", additional_kwargs={"tool_calls": [openai_call("c", "f", {"a": 1})]})
        assert one(message).tool_calls == (ToolCall("c", "f", '{"a":1}'),)

    def test_blocks_and_legacy_calls_are_sent_once_with_the_models_own_bytes(self) -> None:
        message = ChatMessage(
            role="assistant",
            blocks=[ToolCallBlock(tool_call_id="c", tool_name="f", tool_kwargs={"a": 1})],
            additional_kwargs={"tool_calls": [openai_call("c", "f", '{ "a" : 1 }')]},
        )
        assert one(message).tool_calls == (ToolCall("c", "f", '{ "a" : 1 }'),)

    def test_an_edited_block_has_priority_over_the_text_with_it(self) -> None:
        message = ChatMessage(
            role="assistant",
            blocks=[ToolCallBlock(tool_call_id="c", tool_name="f", tool_kwargs={"a": 2})],
            additional_kwargs={"tool_calls": [openai_call("c", "f", '{"a": 1}')]},
        )
        assert one(message).tool_calls == (ToolCall("c", "f", '{"a":2}'),)

    def test_a_call_id_is_not_sent_with_other_roles(self) -> None:
        # FunctionAgent writes it on the assistant message of a return_direct tool
        message = ChatMessage(role="assistant", content="x", additional_kwargs={"tool_call_id": "c"})
        assert one(message).tool_call_id is None
        tool = ChatMessage(role="tool", content="x", additional_kwargs={"tool_call_id": "c"})
        assert one(tool).tool_call_id == "c"


class TestContent:
    def test_image_by_url(self) -> None:
        message = ChatMessage(
            role="user", blocks=[TextBlock(text="see"), ImageBlock(url="https://x.test/a.png", detail="low")]
        )
        assert one(message).content == (TextPart("see"), ImagePart("https://x.test/a.png", "low"))

    def test_image_by_bytes_and_by_path(self, tmp_path: object) -> None:
        path = tmp_path / "a.png"  # type: ignore[operator]
        path.write_bytes(PNG)
        expected = "data:image/png;base64," + base64.b64encode(PNG).decode()
        for block in (ImageBlock(image=PNG), ImageBlock(path=path), ImageBlock(url=expected)):
            assert one(ChatMessage(role="user", blocks=[block])).content == (ImagePart(expected),)

    def test_document(self) -> None:
        block = DocumentBlock(data=b"%PDF-1.4 x", title="a.pdf", document_mimetype="application/pdf")
        (part,) = one(ChatMessage(role="user", blocks=[block])).content
        assert isinstance(part, FilePart)
        assert part.filename == "a.pdf"
        assert part.data == "data:application/pdf;base64," + base64.b64encode(b"%PDF-1.4 x").decode()

    @pytest.mark.parametrize(
        ("options", "kind", "name"),
        [
            ({"path": "notes.txt"}, "text/plain", "notes.txt"),
            ({"path": "notes.txt", "title": "Notes"}, "text/plain", "Notes"),
            ({"data": b"[1]", "title": "a.json"}, "application/json", "a.json"),
            ({"data": b"hello"}, "application/octet-stream", "input_document.bin"),
            ({"data": b"%PDF-1.4 x"}, "application/pdf", "input_document.pdf"),
        ],
    )
    def test_a_document_has_a_type_and_a_name_with_an_extension(
        self, options: dict[str, Any], kind: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        Path("notes.txt").write_text("hello")
        (part,) = one(ChatMessage(role="user", blocks=[DocumentBlock(**options)])).content
        assert isinstance(part, FilePart)
        assert (part.data or "").startswith(f"data:{kind};base64,")
        assert part.filename == name

    def test_a_document_that_is_an_image(self) -> None:
        block = DocumentBlock(data=b"GIF89a", document_mimetype="image/gif")
        (part,) = one(ChatMessage(role="user", blocks=[block])).content
        assert part == ImagePart("data:image/gif;base64," + base64.b64encode(b"GIF89a").decode())

    def test_a_document_by_url_is_refused_and_not_fetched(self) -> None:
        block = DocumentBlock(url="http://127.0.0.1:1/a.pdf")
        with pytest.raises(errors.UnsupportedError, match="Download it"):
            one(ChatMessage(role="user", blocks=[block]))

    def test_audio_is_refused(self) -> None:
        block = AudioBlock(audio=b"RIFF0000WAVE", format="wav")
        with pytest.raises(errors.UnsupportedError, match="audio"):
            one(ChatMessage(role="user", blocks=[block]))

    def test_blocks_made_for_anthropic(self) -> None:
        point = CachePoint(cache_control=CacheControl(type="ephemeral"))
        citable = CitableBlock(title="Guide", source="guide.md", content=[TextBlock(text="body")])
        citation = CitationBlock(cited_content="cited", source="s", title="t", additional_location_info={})
        user = one(ChatMessage(role="user", blocks=[TextBlock(text="q "), point, citable]))
        assert user.content == "q [Guide](guide.md)\nbody"
        assert user.left_out == ("cache_control",)
        result = ChatMessage(role="tool", blocks=[TextBlock(text="r"), point], additional_kwargs={"tool_call_id": "c"})
        assert one(result).left_out == ("cache_control",)
        assert one(ChatMessage(role="assistant", blocks=[TextBlock(text="a"), citation])).content == "a"
        assert one(ChatMessage(role="user", blocks=[citation])).content == "cited"

    @pytest.mark.parametrize("role", ["system", "user", "assistant", "tool"])
    def test_the_cache_mark_of_a_message_is_noted_each_time(self, role: str) -> None:
        marked = ChatMessage(role=role, content="q", additional_kwargs={"cache_control": {"type": "ephemeral"}})
        assert [one(marked).left_out for _ in range(3)] == [("cache_control",)] * 3

    @pytest.mark.parametrize("role", ["system", "assistant"])
    def test_an_image_that_the_service_refuses(self, role: str) -> None:
        with pytest.raises(errors.InvalidRequestError, match="into a user message"):
            one(ChatMessage(role=role, blocks=[ImageBlock(url="https://x.test/a.png")]))


def test_images_of_tool_results_follow_all_results_in_a_user_message() -> None:
    image = ImageBlock(url="https://x.test/a.png")
    converted = to_conversation(
        [
            ChatMessage(role="user", content="q"),
            ChatMessage(
                role="assistant",
                blocks=[ToolCallBlock(tool_call_id=c, tool_name="f", tool_kwargs={}) for c in ("c1", "c2")],
            ),
            ChatMessage(role="tool", blocks=[image], additional_kwargs={"tool_call_id": "c1"}),
            ChatMessage(role="tool", content="text", additional_kwargs={"tool_call_id": "c2"}),
        ]
    )
    assert [message.role for message in converted] == ["user", "assistant", "tool", "tool", "user"]
    assert converted[2].content == "(see the next message)"
    assert converted[4].content == (TextPart("Returned by the tool call c1:"), ImagePart("https://x.test/a.png"))


def test_a_dict_is_refused() -> None:
    with pytest.raises(errors.InvalidRequestError, match=r"Message 0 \(dict\) .* Pass messages of"):
        to_conversation([{"role": "user", "content": "q"}])  # type: ignore[list-item]


def test_the_input_is_not_changed() -> None:
    messages = [
        ChatMessage(role="developer", content="rules"),
        ChatMessage(
            role="assistant",
            blocks=[ThinkingBlock(content="t"), ToolCallBlock(tool_call_id="c", tool_name="f", tool_kwargs={"a": 1})],
            additional_kwargs={"tool_calls": [openai_call("c", "f", '{"a": 1}')]},
        ),
        ChatMessage(role="tool", blocks=[ImageBlock(image=PNG)], additional_kwargs={"tool_call_id": "c"}),
    ]
    before = [message.model_dump() for message in messages]
    to_conversation(messages)
    assert [message.model_dump() for message in messages] == before


def test_every_role_is_tested() -> None:
    for role in MessageRole:
        assert one(ChatMessage(role=role, content="x")).text == "x", role


def test_an_image_block_without_an_image_is_refused() -> None:
    with pytest.raises(errors.InvalidRequestError, match="An ImageBlock needs image, path or url"):
        one(ChatMessage(role="user", blocks=[ImageBlock()]))
