"""The user message of a line that was typed: ``@path`` attaches a file."""

from __future__ import annotations

import base64
import mimetypes
import re
from pathlib import Path

from deepseek_v4.values.messages import FilePart, ImagePart, Message, Part, TextPart

_PATH = re.compile(r'(?<!\S)@(?:"([^"]+)"|(\S+))')
_PUNCTUATION = ".,;:!?)"


def read_message(text: str, piped: str = "") -> Message:
    """Return a user message with the files that a text names.

    An image or a PDF becomes a part of the message; of any other file, the text is added. Only what a user typed is
    read for paths, so that text from elsewhere cannot attach files.

    Args:
        text: The text; ``@path`` or ``@"path with spaces"`` at the beginning of a word is a file.
        piped: Text to put first, which is not read for paths.

    Raises:
        ValueError: if a file that looks like a path does not exist, or is neither text nor an image nor a PDF.
    """
    files = [path for match in _PATH.finditer(text) if (path := _path(match[1] or match[2])) is not None]
    parts: list[Part] = [_part(path) for path in files]
    texts = [piped, *(part.text for part in parts if isinstance(part, TextPart)), text]
    content = "\n\n".join(one for one in texts if one)
    attached = [part for part in parts if not isinstance(part, TextPart)]
    return Message.user((*attached, TextPart(content)) if attached else content)


def _path(name: str) -> Path | None:
    for candidate in (name, name.rstrip(_PUNCTUATION)):
        path = Path(candidate).expanduser()
        if path.is_file():
            return path
    if "/" in name or "." in name.rstrip(_PUNCTUATION):
        raise ValueError(f"The file {name} does not exist. Correct the path after @, or write the @ without a path.")
    return None


def _part(path: Path) -> Part:
    kind = mimetypes.guess_type(path.name)[0] or ""
    content = path.read_bytes()
    if kind.startswith("image/") or kind == "application/pdf":
        url = f"data:{kind};base64,{base64.b64encode(content).decode()}"
        return ImagePart(url) if kind.startswith("image/") else FilePart(data=url, filename=path.name)
    try:
        return TextPart(f'<file name="{path.name}">\n{content.decode("utf-8-sig")}\n</file>')
    except UnicodeDecodeError:
        raise ValueError(f"The file {path} is not text in UTF-8. Attach text, an image or a PDF.") from None
