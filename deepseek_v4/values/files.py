"""A file that was uploaded to the provider."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from deepseek_v4.values.messages import FilePart

FilePurpose: TypeAlias = Literal["user_data", "text_recognition", "rich_layout_recognition"]
"""The purpose of a file: ``user_data`` for images; for documents their text alone, or text and figures."""


@dataclass(frozen=True, slots=True)
class FileInfo:
    """An uploaded file.

    Attributes:
        id: Its id, for ``FilePart(file_id=…)``.
        filename: Its name.
        bytes: Its size.
        purpose: A value of ``FilePurpose``.
        created: Unix time of the upload in seconds.
        expires: Unix time at which it is deleted; None: never.
        extra: The entry as received.
    """

    id: str
    filename: str = ""
    bytes: int | None = None
    purpose: str | None = None
    created: int | None = None
    expires: int | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def part(self) -> FilePart:
        """The file as a part of a user message."""
        return FilePart(file_id=self.id, image=self.purpose == "user_data")
