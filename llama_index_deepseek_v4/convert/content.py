"""LlamaIndex content blocks converted to parts of a message: text, images, files; others raise an error."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from mimetypes import guess_extension, guess_type
from pathlib import Path

from llama_index.core.base.llms.types import (
    AudioBlock,
    BaseContentBlock,
    CachePoint,
    CitableBlock,
    CitationBlock,
    DocumentBlock,
    ImageBlock,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    VideoBlock,
)

from deepseek_v4 import errors
from deepseek_v4.values.messages import FilePart, ImagePart, Part, Role, TextPart

_SKIPPED = (ThinkingBlock, ToolCallBlock, CachePoint)
"""Blocks that ``messages`` converts; and Anthropic's cache points: DeepSeek caches prefixes automatically."""

_UNTITLED = "input_document"
"""The title that LlamaIndex sets if there is none; a provider may need the extension of a name."""

FILE_ID = "file-"
"""The beginning of the id of an uploaded file, which ``url`` of a ``DocumentBlock`` may hold."""


def parts_of(blocks: Sequence[BaseContentBlock], role: Role) -> list[Part]:
    """Convert the blocks of a message to its parts, in order.

    Raises:
        UnsupportedError: if a block is audio, video, a document by URL, or of another package.
        InvalidRequestError: if there is an image or file in a message that may contain text only.
    """
    parts = list(_parts(blocks, role))
    if role in ("system", "assistant") and not all(isinstance(part, TextPart) for part in parts):
        raise errors.InvalidRequestError(
            f"A message with the role {role!r} contains an image or a file. Put it into a user message."
        )
    return parts


def joined(parts: Sequence[Part]) -> str | tuple[Part, ...]:
    """Return text alone as a string, joined without a separator; parts if there is more than text."""
    if all(isinstance(part, TextPart) for part in parts):
        return "".join(part.text for part in parts if isinstance(part, TextPart))
    return tuple(parts)


def _parts(blocks: Sequence[BaseContentBlock], role: Role) -> Iterator[Part]:
    for block in blocks:
        if isinstance(block, TextBlock):
            if block.text:
                yield TextPart(block.text)
        elif isinstance(block, ImageBlock):
            yield _image(block)
        elif isinstance(block, DocumentBlock):
            yield _document(block)
        elif isinstance(block, CitableBlock):
            yield TextPart(f"[{block.title}]({block.source})\n")
            yield from _parts(block.content, role)
        elif isinstance(block, CitationBlock):
            if role != "assistant":  # there it annotates the text of the message
                yield from _parts([block.cited_content], role)
        elif isinstance(block, (AudioBlock, VideoBlock)):
            raise errors.UnsupportedError(
                f"A message contains {block.block_type}, but DeepSeek V4 supports text, images and files only. "
                "Transcribe it, or remove it."
            )
        elif not isinstance(block, _SKIPPED):
            raise errors.UnsupportedError(
                f"A message contains a {type(block).__name__}, which DeepSeek V4 does not support. Remove it."
            )


def _image(block: ImageBlock) -> ImagePart:
    if block.image is None and block.path is None:
        if block.url is None:
            raise errors.InvalidRequestError("An ImageBlock needs image, path or url.")
        return ImagePart(str(block.url), block.detail)  # the provider fetches it; data: URLs are sent as they are
    data = block.resolve_image(as_base64=True).read().decode()
    # the provider checks the bytes, so a wrong subtype does no harm; without one the data: URL is invalid
    return ImagePart(f"data:{block.image_mimetype or 'image/png'};base64,{data}", block.detail)


def _document(block: DocumentBlock) -> Part:
    if block.data is None and block.path is None:
        if (block.url or "").startswith(FILE_ID):
            return FilePart(file_id=block.url, image=(block.document_mimetype or "").startswith("image/"))
        raise errors.UnsupportedError(
            f"The document {block.title!r} is given as a URL, which DeepSeek V4 does not fetch. Download it and pass "
            "data= or path=, or the id of upload_file() as url=."
        )
    name = block.title or _UNTITLED
    kind = block.document_mimetype or guess_type(str(block.path or name))[0] or "application/octet-stream"
    if name == _UNTITLED:
        name = Path(block.path).name if block.path else name + (guess_extension(kind) or "")
    url = f"data:{kind};base64,{block.inline_url().partition(',')[2]}"  # its own type may be "application"
    return ImagePart(url) if kind.startswith("image/") else FilePart(data=url, filename=name)
