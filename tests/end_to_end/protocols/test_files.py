"""Files at DeepSeek, over a real socket: upload, list, delete, and files in conversations."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import HumanMessage
from llama_index.core.base.llms.types import ChatMessage, DocumentBlock, ImageBlock, TextBlock

from deepseek_v4 import Client, Message, TextPart, errors
from deepseek_v4.testing import LocalServer
from langchain_deepseek_v4 import ChatDeepSeekV4
from langchain_deepseek_v4 import errors as langchain_errors
from llama_index_deepseek_v4 import DeepSeekV4

PDF = b"%PDF-1.7\r\n--x\r\n\x00\xff"
PNG = b"\x89PNG\r\n\x1a\n"
FLASH = "deepseek-flash"


def connection(server: LocalServer, **options: Any) -> dict[str, Any]:
    return {"base_url": server.base_url, "api_key": server.api_key, "max_retries": 0, "model": FLASH, **options}


async def test_files_are_uploaded_listed_and_deleted(server: LocalServer, tmp_path: Path) -> None:
    path = tmp_path / 'a "b" ü.pdf'
    path.write_bytes(PDF)
    server.configure(files_per_page=1)
    async with Client(**connection(server)) as client:
        uploaded = [
            client.upload_file(path),
            client.upload_file(PNG, filename="c.png", expires_after=3600),
            await client.aupload_file(io.BytesIO(PDF), filename="d.pdf", purpose="rich_layout_recognition"),
        ]
        assert [file.bytes for file in uploaded] == [len(PDF), len(PNG), len(PDF)]
        assert [file.purpose for file in uploaded] == ["text_recognition", "user_data", "rich_layout_recognition"]
        assert [file.part.image for file in uploaded] == [False, True, False]
        assert uploaded[1].expires == (uploaded[1].created or 0) + 3600
        assert uploaded[0].filename == "a %22b%22 ü.pdf"
        assert client.list_files() == tuple(uploaded) == await client.alist_files()
        assert client.list_files("user_data") == (uploaded[1],)
        assert client.delete_file(uploaded[0].id)
        assert await client.adelete_file(uploaded[1].id)
        with pytest.raises(errors.NotFoundError):
            client.delete_file(uploaded[0].id)
        assert client.list_files() == (uploaded[2],)
    body = server.requests[0].raw
    assert body.index(b'name="purpose"') < body.index(b'name="file"')
    assert PDF in body


@pytest.mark.parametrize(
    ("source", "more", "text"),
    [
        (b"", {"filename": "a.pdf"}, "not empty"),
        (PNG + bytes(64 << 20), {"filename": "a.png"}, "at most 64 MiB"),
        (PDF, {}, "no name"),
        (PDF, {"filename": "a.pdf", "expires_after": 60}, "expires_after=60"),
    ],
)
def test_bad_input_is_one_error_and_nothing_is_sent(
    server: LocalServer, source: bytes, more: dict[str, Any], text: str
) -> None:
    with pytest.raises(errors.InvalidRequestError, match=text):
        Client(**connection(server)).upload_file(source, **more)
    assert not server.requests


def test_other_providers_have_no_files() -> None:
    with pytest.raises(errors.UnsupportedError, match="openrouter does not support files"):
        Client(provider="openrouter", api_key="x").list_files()


IMAGE = {
    "chat_completions": {"type": "file", "file_id": "file-i"},
    "responses": {"type": "input_image", "file_id": "file-i"},
    "messages": {"type": "image", "source": {"type": "file", "file_id": "file-i"}},
}
DOCUMENT = {
    "chat_completions": {"type": "file", "file_id": "file-d"},
    "responses": {"type": "input_file", "file_id": "file-d"},
    "messages": {"type": "document", "source": {"type": "file", "file_id": "file-d"}},
}


INLINE = "data:application/pdf;base64,JVBERi0xLjc="
MISLABELLED: list[Any] = [
    HumanMessage([{"type": "image_url", "image_url": {"url": INLINE}}]),
    HumanMessage([{"type": "image", "base64": "JVBERi0xLjc="}]),
    ChatMessage(role="user", blocks=[ImageBlock(image=b"%PDF-1.7", image_mimetype="application/pdf")]),
    ChatMessage(role="user", blocks=[ImageBlock(url=INLINE)]),
]


@pytest.mark.parametrize("message", MISLABELLED)
def test_a_document_in_an_image_block_is_sent_as_a_document(message: Any) -> None:
    adapter = ChatDeepSeekV4 if isinstance(message, HumanMessage) else DeepSeekV4
    sent = {"file_data": INLINE, "filename": "file.pdf"}
    chat = adapter(api_key="x").preview([message]).body
    assert chat["messages"][0]["content"] == [{"type": "file", **sent}]
    responses = adapter(api_key="x", protocol="responses").preview([message]).body
    assert responses["input"][0]["content"] == [{"type": "input_file", **sent}]
    with pytest.raises(errors.UnsupportedError, match="upload the file"):
        adapter(api_key="x", protocol="messages").preview([message])


def test_a_document_is_sent_in_the_format_of_openai_to_other_providers() -> None:
    document = HumanMessage([{"type": "file", "base64": "JVBERi0xLjc=", "mime_type": "application/pdf"}])
    for provider in ("openrouter", "azure"):
        body = ChatDeepSeekV4(api_key="x", provider=provider, base_url="https://x.example").preview([document]).body
        sent = {"file_data": "data:application/pdf;base64,JVBERi0xLjc=", "filename": "file.pdf"}
        assert body["messages"][0]["content"] == [{"type": "file", "file": sent}]


@pytest.mark.parametrize("protocol", sorted(IMAGE))
def test_a_document_is_never_sent_as_an_image(server: LocalServer, protocol: str) -> None:
    from deepseek_v4.values.files import FileInfo

    options = connection(server, protocol=protocol)
    image, document = FileInfo("file-i", purpose="user_data"), FileInfo("file-d", purpose="text_recognition")
    Client(**options).chat([Message.user((TextPart("Compare."), image.part, document.part))])
    blocks = [{"type": "image", "file_id": "file-i"}, {"type": "file", "file_id": "file-d"}]
    ChatDeepSeekV4(**options).invoke([HumanMessage([{"type": "text", "text": "Compare."}, *blocks])])
    parts = [
        TextBlock(text="Compare."),
        DocumentBlock(url="file-i", document_mimetype="image/png"),
        DocumentBlock(url="file-d", document_mimetype="application/pdf"),
    ]
    with DeepSeekV4(**options) as llm:
        llm.chat([ChatMessage(role="user", blocks=parts)])
    assert len(server.requests) == 3
    for request in server.requests:
        content = request.body["input" if protocol == "responses" else "messages"][0]["content"]
        assert content[1:] == [IMAGE[protocol], DOCUMENT[protocol]]
        if protocol == "messages":
            assert request.headers["anthropic-beta"] == "files-api-2025-04-14"


async def test_both_models_have_the_methods_with_their_own_errors(server: LocalServer) -> None:
    model = ChatDeepSeekV4(**connection(server))
    with DeepSeekV4(**connection(server)) as llm:
        for each in (model, llm):
            file = each.upload_file(PDF, filename="a.pdf")
            other = await each.aupload_file(PDF, filename="b.pdf")
            assert each.list_files() == (file, other) == await each.alist_files()
            assert each.delete_file(file.id)
            assert await each.adelete_file(other.id)
    with pytest.raises(langchain_errors.NotFoundError):
        model.delete_file("file-api-none")
