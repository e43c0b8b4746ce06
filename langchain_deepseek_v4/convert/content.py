"""Content blocks of LangChain and of other vendors, converted to parts of a message. Blocks are never changed."""

from __future__ import annotations

import mimetypes
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deepseek_v4 import errors
from deepseek_v4.values.messages import FilePart, ImagePart, Part, RawPart, TextPart
from deepseek_v4.values.tool_arguments import arguments_text

Content = str | Sequence[str | Mapping[str, Any]]
"""The type of ``message.content``."""

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
"""Tool calls, which are read from the message's own field, or by ``messages`` if that is empty."""

RESULTS = frozenset({"tool_result"})
"""Tool results in a user message, as Anthropic sends them."""

CACHE_POINTS = frozenset({"cachePoint", "cache_point"})
REASONING = frozenset({"reasoning", "thinking", "redacted_thinking", "reasoning_content"})
"""Reasoning; ``messages`` reads it from assistant messages."""

UNSUPPORTED = frozenset({"audio", "input_audio", "video", "video_url"})
"""Content that DeepSeek V4 does not support."""

_MEDIA_TYPES = (
    *(("/9j/", "image/jpeg"), ("iVBOR", "image/png"), ("R0lG", "image/gif"), ("UklG", "image/webp")),
    ("JVBERi", "application/pdf"),
)
"""First characters of base64 data -> its media type, for blocks without one."""


def blocks_of(content: Content) -> Iterator[Mapping[str, Any]]:
    """Yield content as blocks; plain text becomes a text block."""
    for block in (content,) if isinstance(content, str) else content:
        if not isinstance(block, str):
            # Bedrock's blocks have no type: their only key is the type
            yield block if "type" in block or len(block) != 1 else {"type": next(iter(block)), **block}
        elif block:
            yield {"type": "text", "text": block}


def text_of(content: Content) -> str:
    """Return the visible text of a system or assistant message. Images are left out there, with a warning."""
    if isinstance(content, str):
        return content
    texts = []
    for block in blocks_of(content):
        kind = block.get("type")
        if kind in TEXTS:
            texts.append(_text(block))
        elif kind in ("image", "image_url", "file", "document", "audio", "video"):
            warnings.warn(
                f"removed the {kind} from a message that is not a user message; only user messages can contain it",
                errors.HistoryRepairedWarning,
                stacklevel=2,
            )
    return "".join(texts)


def left_out(content: Content) -> tuple[str, ...]:
    """Return the names of what no provider of DeepSeek V4 reads: Anthropic's cache marks and encrypted thinking."""
    if isinstance(content, str):
        return ()
    names: dict[str, None] = {}
    for block in blocks_of(content):
        inner = block.get("content") if block.get("type") in RESULTS else None
        if block.get("type") == "non_standard" and isinstance(block.get("value"), Mapping):
            inner = [block["value"]]  # of a message with LangChain's own blocks
        if isinstance(inner, list):
            names.update(dict.fromkeys(left_out(inner)))
        if "cache_control" in block or block.get("type") in CACHE_POINTS:
            names["cache_control"] = None
        elif block.get("type") == "redacted_thinking":
            names["redacted_thinking"] = None
    return tuple(names)


def parts_of(content: Content) -> str | tuple[Part, ...]:
    """Return the content of a user message.

    Raises:
        UnsupportedError: if it has audio or video.
        InvalidRequestError: if an image or a file has no data.
    """
    if isinstance(content, str):
        return content
    return tuple(part for block in blocks_of(content) if (part := _part(block)) is not None)


def result_of(content: Content) -> tuple[str, tuple[Part, ...]]:
    """Return the text of a tool result, one line for each block, and its images and files."""
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
    if kind in TEXTS and (kind != "text-plain" or "text" in block):
        return TextPart(_text(block))
    if kind in ("image_url", "input_image"):
        return _openai_image(block)
    if kind in ("image", "file", "document", "media", "input_file", "text-plain"):
        return _data(block)
    if kind in UNSUPPORTED:
        raise errors.UnsupportedError(f"DeepSeek V4 does not support {kind} content. Convert it to text first.")
    if kind in REASONING or kind in TOOL_CALL_TYPES or kind in RESULTS or kind in CACHE_POINTS:
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
        return FilePart(file_id=block["file_id"], image=True)
    raise errors.InvalidRequestError("An image_url block has no URL. Use {'image_url': {'url': …}}.")


def _data(block: Mapping[str, Any]) -> Part:
    """Convert an image or file block of LangChain (v1, v0), OpenAI (``file``), Anthropic (``source``) or Google."""
    source: Mapping[str, Any] = block
    for inner in ("source", "file"):
        if isinstance(block.get(inner), Mapping):
            source = block[inner]
    kind = source.get("mime_type") or source.get("media_type") or ""
    data = source.get("base64") or source.get("data") or source.get("file_data")
    url = source.get("url") or source.get("file_uri")
    file_id = source.get("file_id") or (source.get("id") if source.get("source_type") == "id" else None)
    if source.get("type") == "text" or source.get("source_type") == "text":
        return TextPart(str(source.get("data") or source.get("text") or source.get("url") or ""))
    if file_id:
        return FilePart(file_id=file_id, image=block["type"] == "image" or kind.startswith("image/"))
    extras = block.get("extras") or block.get("metadata") or {}
    if block["type"] == "image" or kind.startswith("image/"):
        return ImagePart(_url(data, kind, url), block.get("detail") or extras.get("detail"))
    if data is None:
        raise errors.UnsupportedError(
            f"DeepSeek V4 does not fetch files: {url!r:.200}. Download the file and pass its data, or a file_id."
        )
    name = source.get("filename") or block.get("filename") or block.get("title") or extras.get("filename")
    kind = kind or "application/pdf"
    return FilePart(data=_url(data, kind, None), filename=name or f"file{mimetypes.guess_extension(kind) or ''}")


def _url(data: Any, kind: str, url: Any) -> str:
    """Return base64 data as a ``data:`` URL, or the URL as it is."""
    if isinstance(data, str) and data:
        if data.startswith("data:"):
            return data
        detected = next((found for start, found in _MEDIA_TYPES if data.startswith(start)), "image/png")
        return f"data:{kind or detected};base64,{data}"
    if isinstance(url, str) and url:
        return url
    raise errors.InvalidRequestError("An image or file block needs data (base64), url or file_id.")
