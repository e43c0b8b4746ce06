"""Content blocks of LlamaIndex as the parts of a message: text, images, files; what cannot be said is refused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

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

__all__ = ["joined", "parts_of"]

_SAID_ELSEWHERE = (ThinkingBlock, ToolCallBlock)
_WITHOUT_MEANING = (CachePoint,)
"""DeepSeek caches prefixes by itself; a history made for Anthropic may carry these."""


def parts_of(blocks: Sequence[BaseContentBlock], role: Role) -> list[Part]:
    """The parts of a message's blocks, in order.

    Raises:
        UnsupportedError: for audio, video, a document by address, and blocks of other packages.
        InvalidRequestError: for an image or file where the service takes text only.
    """
    parts = list(_parts(blocks, role))
    if role in ("system", "assistant") and not all(isinstance(part, TextPart) for part in parts):
        raise errors.InvalidRequestError(
            f"A message with the role {role!r} holds an image or a file; DeepSeek V4 takes them in user messages only."
        )
    return parts


def joined(parts: Sequence[Part]) -> str | tuple[Part, ...]:
    """Text alone as a string, joined without a separator; parts where there is more than text."""
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
            if role != "assistant":  # there it is a remark about the text beside it
                yield from _parts([block.cited_content], role)
        elif isinstance(block, (AudioBlock, VideoBlock)):
            raise errors.UnsupportedError(
                f"A message holds {block.block_type}, and DeepSeek V4 reads text, images and files only: "
                "transcribe it, or take it out."
            )
        elif not isinstance(block, (*_SAID_ELSEWHERE, *_WITHOUT_MEANING)):
            raise errors.UnsupportedError(f"A message holds a {type(block).__name__}, which cannot be said here.")


def _image(block: ImageBlock) -> ImagePart:
    if block.image is None and block.path is None:
        if block.url is None:
            raise errors.InvalidRequestError("An ImageBlock holds neither image, path nor url.")
        return ImagePart(str(block.url), block.detail)  # the service fetches it; data: addresses pass as they are
    data = block.resolve_image(as_base64=True).read().decode()
    # the service looks at the bytes, so a wrong subtype does no harm and a missing one would make no data: URL
    return ImagePart(f"data:{block.image_mimetype or 'image/png'};base64,{data}", block.detail)


def _document(block: DocumentBlock) -> FilePart:
    if block.data is None and block.path is None:
        raise errors.UnsupportedError(
            f"The document {block.title!r} is given by its address, which DeepSeek V4 does not fetch: download it "
            "and give data= or path=."
        )
    return FilePart(data=block.inline_url(), filename=block.title)
