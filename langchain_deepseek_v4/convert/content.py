"""Content blocks in LangChain's shapes and other vendors', read as parts of a message. Blocks are never changed."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deepseek_v4 import errors
from deepseek_v4.values.messages import FilePart, ImagePart, Part, RawPart, TextPart
from deepseek_v4.values.tool_arguments import arguments_text

__all__ = ["RESULTS", "TOOL_CALL_TYPES", "Content", "blocks_of", "parts_of", "result_of", "text_of"]

Content = str | Sequence[str | Mapping[str, Any]]
"""What ``message.content`` may be."""

TEXTS: Mapping[str, str] = {
    "text": "text",
    "input_text": "text",  # OpenAI Responses
    "output_text": "text",
    "refusal": "refusal",
    "text-plain": "text",
}
"""Block type -> the field that holds its text."""

TOOL_CALL_TYPES = frozenset(
    {"tool_use", "tool_call", "tool_call_chunk", "invalid_tool_call", "function_call", "input_json_delta"}
)
"""Tool calls, which are read from the message's own field, or by ``messages`` where that is empty."""

RESULTS = frozenset({"tool_result"})
"""Anthropic's way to put tool results into a user's message."""

REASONING = frozenset({"reasoning", "thinking", "redacted_thinking", "reasoning_content"})
"""Chains of thought; ``messages`` reads them from assistants' turns."""

UNREADABLE = frozenset({"audio", "input_audio", "video", "video_url"})
"""What DeepSeek V4 has no ear or eye for."""

_SNIFFED = (("/9j/", "image/jpeg"), ("iVBOR", "image/png"), ("R0lG", "image/gif"), ("UklG", "image/webp"))
"""First characters of base64 data -> its type, for blocks that do not name it."""


def blocks_of(content: Content) -> Iterator[Mapping[str, Any]]:
    """Content as blocks; plain text becomes a text block."""
    for block in (content,) if isinstance(content, str) else content:
        if not isinstance(block, str):
            # Bedrock's blocks have no type: their one key says it
            yield block if "type" in block or len(block) != 1 else {"type": next(iter(block)), **block}
        elif block:
            yield {"type": "text", "text": block}


def text_of(content: Content) -> str:
    """The visible text of a system's or assistant's turn. Images, refused there, are left out with a warning."""
    if isinstance(content, str):
        return content
    texts = []
    for block in blocks_of(content):
        kind = block.get("type")
        if kind in TEXTS:
            texts.append(_text(block))
        elif kind in ("image", "image_url", "file", "document", "audio", "video"):
            warnings.warn(
                f"left the {kind} out of a message that is not the user's: only text can stand there",
                errors.HistoryRepairedWarning,
                stacklevel=2,
            )
    return "".join(texts)


def parts_of(content: Content) -> str | tuple[Part, ...]:
    """The content of a user's turn.

    Raises:
        UnsupportedError: for audio and video.
        InvalidRequestError: for an image or a file without data.
    """
    if isinstance(content, str):
        return content
    return tuple(part for block in blocks_of(content) if (part := _part(block)) is not None)


def result_of(content: Content) -> tuple[str, tuple[Part, ...]]:
    """What a tool returned: its text, a line for each block, and its images and files."""
    if isinstance(content, str):
        return content, ()
    lines: list[str] = []
    attachments: list[Part] = []
    for block in blocks_of(content):
        part = _part(block)
        if isinstance(part, TextPart):
            lines.append(part.text)
        elif isinstance(part, RawPart):
            lines.append(arguments_text(part.data))
        elif part is not None:
            attachments.append(part)
    return "\n".join(lines), tuple(attachments)


def _part(block: Mapping[str, Any]) -> Part | None:
    kind = block.get("type")
    if kind in TEXTS:
        return TextPart(_text(block))
    if kind in ("image_url", "input_image"):
        return _openai_image(block)
    if kind in ("image", "file", "document", "media", "input_file"):
        return _data(block)
    if kind in UNREADABLE:
        raise errors.UnsupportedError(f"DeepSeek V4 does not read {kind} content; turn it into text first.")
    if kind in REASONING or kind in TOOL_CALL_TYPES or kind in RESULTS or kind in ("cachePoint", "cache_point"):
        return None
    if kind == "non_standard" and isinstance(block.get("value"), Mapping):
        return _part(block["value"])
    return RawPart({key: value for key, value in block.items() if key != "cache_control"})


def _text(block: Mapping[str, Any]) -> str:
    text = block.get(TEXTS[block["type"]])
    return text if isinstance(text, str) else ""


def _openai_image(block: Mapping[str, Any]) -> Part:
    image = block.get("image_url")
    if isinstance(image, str):
        return ImagePart(image, block.get("detail"))
    if isinstance(image, Mapping) and isinstance(image.get("url"), str):
        return ImagePart(image["url"], image.get("detail"))
    if isinstance(block.get("file_id"), str):
        return FilePart(file_id=block["file_id"])
    raise errors.InvalidRequestError("An image_url block holds no address: give {'image_url': {'url': …}}.")


def _data(block: Mapping[str, Any]) -> Part:
    """An image or a file: LangChain's block, v1 or v0, or one of OpenAI (``file``), Anthropic (``source``), Google."""
    held: Mapping[str, Any] = block
    for inner in ("source", "file"):
        if isinstance(block.get(inner), Mapping):
            held = block[inner]
    kind = held.get("mime_type") or held.get("media_type") or ""
    data = held.get("base64") or held.get("data") or held.get("file_data")
    url = held.get("url") or held.get("file_uri")
    file_id = held.get("file_id") or (held.get("id") if held.get("source_type") == "id" else None)
    if held.get("type") == "text" or held.get("source_type") == "text":
        return TextPart(str(held.get("data") or held.get("text") or held.get("url") or ""))
    if file_id:
        return FilePart(file_id=file_id)
    extras = block.get("extras") or block.get("metadata") or {}
    if block["type"] == "image" or kind.startswith("image/"):
        return ImagePart(_address(data, kind, url), block.get("detail") or extras.get("detail"))
    if data is None:
        raise errors.UnsupportedError(f"DeepSeek V4 reads files by their content or id, not by address: {url!r:.200}.")
    name = held.get("filename") or block.get("filename") or block.get("title") or extras.get("filename")
    kind = kind or "application/pdf"
    return FilePart(data=_address(data, kind, None), filename=name or f"file.{kind.rsplit('/', 1)[-1]}")


def _address(data: Any, kind: str, url: Any) -> str:
    """Base64 data as a ``data:`` URL, or the address as it is."""
    if isinstance(data, str) and data:
        if data.startswith("data:"):
            return data
        sniffed = next((found for start, found in _SNIFFED if data.startswith(start)), "image/png")
        return f"data:{kind or sniffed};base64,{data}"
    if isinstance(url, str) and url:
        return url
    raise errors.InvalidRequestError("An image or file block holds neither data (base64), nor url, nor file_id.")
