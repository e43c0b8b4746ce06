"""Decompression of a body in bounded steps.

The HTTP library decompresses all that it reads at once, 64 KiB, which can become 67 MB. Here a step returns at most
``STEP_BYTES``, so that a limit of the caller applies before more is decompressed.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator

from deepseek_v4 import errors

STEP_BYTES = 1 << 16
GZIP = 16 + zlib.MAX_WBITS

Steps = Callable[[bytes], Iterator[bytes]]


def steps_of(encoding: str) -> Steps:
    """Return a function that decompresses the next bytes of a body in steps.

    Bytes after the end of the compressed data are ignored, as the HTTP library does.

    Args:
        encoding: The response's ``content-encoding``.

    Raises:
        MalformedResponseError: for another compression than gzip, which was not requested.
    """
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return lambda data: iter((data,))
    if encoding not in ("gzip", "x-gzip"):
        raise errors.MalformedResponseError(
            f"The response is compressed with {encoding!r}, which is not supported. Remove accept-encoding from "
            "default_headers if it is set, or correct the server."
        )
    member = zlib.decompressobj(GZIP)  # a body may consist of several
    may_be_padding = False

    def steps(data: bytes) -> Iterator[bytes]:
        nonlocal member, may_be_padding
        while True:
            try:
                step = member.decompress(data, STEP_BYTES)
            except zlib.error:
                if may_be_padding:
                    return
                raise
            if step:
                may_be_padding = False
                yield step
            data = member.unconsumed_tail
            if member.eof:
                data, member, may_be_padding = member.unused_data, zlib.decompressobj(GZIP), True
            if len(step) < STEP_BYTES and not data:  # a full step can have more that needs no further input
                return

    return steps
