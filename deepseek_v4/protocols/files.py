"""Decode the answers of ``/files``, in OpenAI's format."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from deepseek_v4.protocols.dialect import Dialect

if TYPE_CHECKING:
    from deepseek_v4.values.files import FileInfo


class FilesDialect(Dialect):
    """``POST``, ``GET`` and ``DELETE /files``."""

    protocol = "files"
    path = "/files"

    def decode_file(self, body: Any) -> FileInfo | None:
        """Return the file of a response; None if it has none."""
        from deepseek_v4.values.files import FileInfo

        if not isinstance(body, Mapping) or not isinstance(body.get("id"), str):
            return None

        def number(name: str) -> int | None:
            value = body.get(name)
            return value if isinstance(value, int) and not isinstance(value, bool) else None

        purpose = body.get("purpose")
        return FileInfo(
            id=body["id"],
            filename=str(body.get("filename") or ""),
            bytes=number("bytes"),
            purpose=purpose if isinstance(purpose, str) else None,
            created=number("created_at"),
            expires=number("expires_at"),
            extra=body,
        )

    def decode_files(self, body: Any) -> tuple[tuple[FileInfo, ...], str | None] | None:
        """Return the files of a page of the list, and the id after which the next page begins, if there is one."""
        entries = body.get("data") if isinstance(body, Mapping) else None
        if not isinstance(entries, list):
            return None
        files = tuple(file for entry in entries if (file := self.decode_file(entry)) is not None)
        return files, files[-1].id if files and body.get("has_more") else None

    def decode_deleted(self, body: Any) -> bool | None:
        """Return True if the response reports that the file was deleted."""
        deleted = body.get("deleted") if isinstance(body, Mapping) else None
        return deleted if isinstance(deleted, bool) else None
