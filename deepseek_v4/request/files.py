"""Requests to ``/files``: upload, list, delete."""

from __future__ import annotations

import mimetypes
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeAlias
from urllib.parse import quote, urlencode

from deepseek_v4 import errors
from deepseek_v4.protocols.files import FilesDialect
from deepseek_v4.request.account import AccountRequest, account_query, dialect_of
from deepseek_v4.request.call_options import CallOptions

if TYPE_CHECKING:
    from deepseek_v4.values.files import FileInfo, FilePurpose

Source: TypeAlias = str | os.PathLike[str] | bytes | BinaryIO
"""A file to upload: its path, its content, or an object that is open in binary mode."""

_MIB = 1 << 20
_IMAGES = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"RIFF")
"""The first bytes of JPEG, PNG, GIF and WebP, the images that the API accepts."""
LIFETIME = (3_600, 2_592_000)
"""Seconds that an uploaded file may be kept: an hour to 30 days."""


def upload_query(
    options: CallOptions, source: Source, filename: str | None, purpose: FilePurpose | None, expires_after: int | None
) -> AccountRequest[FileInfo]:
    """Build the request that uploads a file; ``purpose`` comes before ``file``, as the API requires.

    Raises:
        InvalidRequestError: for an empty or too large file, a missing name, or a lifetime out of range.
        UnsupportedError: if the provider has no files.
    """
    dialect = dialect_of(options, FilesDialect, "files")
    name, content = _read(source, filename)
    image = content.startswith(_IMAGES)
    most = 64 if image else 100
    if not 0 < len(content) <= most * _MIB:
        kind = "an image" if image else "a document"
        raise errors.InvalidRequestError(
            f"{name} has {len(content)} bytes. Upload {kind} of at most {most} MiB that is not empty."
        )
    fields: dict[str, str] = {"purpose": purpose or ("user_data" if image else "text_recognition")}
    if expires_after is not None:
        if not LIFETIME[0] <= expires_after <= LIFETIME[1]:
            raise errors.InvalidRequestError(
                f"expires_after={expires_after} is out of range. Use {LIFETIME[0]:,} to {LIFETIME[1]:,} s."
            )
        fields |= {"expires_after[anchor]": "created_at", "expires_after[seconds]": str(expires_after)}
    boundary = secrets.token_hex(16)
    body = _multipart(fields, name, content, boundary)
    return account_query(
        options,
        dialect,
        dialect.path,
        dialect.decode_file,
        method="POST",
        body=body,
        content_type=f"multipart/form-data; boundary={boundary}",
    )


def files_query(
    options: CallOptions, purpose: FilePurpose | None, after: str | None
) -> AccountRequest[tuple[tuple[FileInfo, ...], str | None]]:
    """Build the request for one page of the list of files."""
    dialect = dialect_of(options, FilesDialect, "files")
    query = urlencode({name: value for name, value in (("purpose", purpose), ("after", after)) if value})
    path = f"{dialect.path}?{query}" if query else dialect.path
    return account_query(options, dialect, path, dialect.decode_files)


def delete_query(options: CallOptions, file_id: str) -> AccountRequest[bool]:
    """Build the request that deletes a file."""
    dialect = dialect_of(options, FilesDialect, "files")
    path = f"{dialect.path}/{quote(file_id, safe='')}"
    return account_query(options, dialect, path, dialect.decode_deleted, method="DELETE")


def _read(source: Source, filename: str | None) -> tuple[str, bytes]:
    if isinstance(source, (str, os.PathLike)):
        path = Path(source)
        return filename or path.name, path.read_bytes()
    content = source if isinstance(source, bytes) else source.read()
    name = filename or getattr(source, "name", None)
    if not isinstance(name, str) or not name:
        raise errors.InvalidRequestError("The file has no name. Pass filename=….")
    return Path(name).name, content


def _multipart(fields: dict[str, str], name: str, content: bytes, boundary: str) -> bytes:
    head = f'--{boundary}\r\ncontent-disposition: form-data; name="{{}}"'
    parts = [f"{head.format(field)}\r\n\r\n{value}\r\n" for field, value in fields.items()]
    quoted = name.replace("\\", "\\\\").replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    file = f'{head.format("file")}; filename="{quoted}"\r\ncontent-type: {kind}\r\n\r\n'
    return "".join([*parts, file]).encode() + content + f"\r\n--{boundary}--\r\n".encode()
