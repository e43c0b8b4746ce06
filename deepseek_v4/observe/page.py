"""The page of a record: one HTML file that loads nothing. Pure, except for ``render``."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

_TEMPLATE = Path(__file__).with_name("page.html")
_DATA, _LIVE = b"/*record*/", b"/*live*/"


def render(record: str | PathLike[str], page: str | PathLike[str]) -> Path:
    """Write the page of a record.

    Args:
        record: The record, a file of JSON lines; a last line that is not complete is left out.
        page: The page to write: one HTML file that loads nothing.

    Raises:
        OSError: if a file cannot be read or written.
    """
    page = Path(page)
    page.write_bytes(document(complete_lines(Path(record).read_bytes())))
    return page


def document(lines: list[bytes], follow_from: int | None = None) -> bytes:
    """Return the page.

    Args:
        lines: The lines of the record.
        follow_from: The place in the record, in bytes, from which the page follows it; None if it does not.
    """
    before, middle, after = (part for half in _TEMPLATE.read_bytes().split(_DATA) for part in half.split(_LIVE))
    data = b"[" + b",\n".join(lines).replace(b"<", b"\\u003c") + b"]"  # a text may contain </script>
    return before + data + middle + (b"" if follow_from is None else b"follow(%d);" % follow_from) + after


def complete_lines(data: bytes) -> list[bytes]:
    """Return the lines that are complete: a record can be read while it is written."""
    return [line for line in data.split(b"\n")[:-1] if line]
