"""The tokens of an image by its size in pixels, as V4.1 counts them (``deepseek-recipe`` 0.2.0).

An image is cut into squares of 42 pixels; each row of squares has one more token, the image two.
"""

from __future__ import annotations

import base64
import binascii
import math
import struct
from collections.abc import Callable
from typing import Final

MAXIMUM: Final = 1024
"""The most tokens that an image takes: larger images are scaled down."""
_SQUARE: Final = 42
_SMALLEST_AREA: Final = 295_300
"""A smaller image is scaled up to this area, in pixels."""
_LARGEST_AREA: Final = 992 * _SQUARE**2
"""An image of too many tokens is scaled down to about this area."""
_LOW_DETAIL: Final = 512
"""With ``detail: low``, the longer side is scaled down to 512 pixels first."""
_HEADER: Final = 262_144
"""Characters of a data URL in which the size is looked for; the size of a JPEG can follow an embedded preview."""


def image_tokens(url: str, detail: str | None = None) -> int:
    """Return the tokens of an image: close for a PNG, GIF, WebP or JPEG in a data URL, else the maximum.

    Args:
        url: A URL. Only data URLs are read; nothing is fetched.
        detail: ``low``, or any other word for the full size.
    """
    size = _size_of(url)
    if size is None:
        return MAXIMUM
    width, height = size
    if detail == "low" and max(size) > _LOW_DETAIL:
        scale = _LOW_DETAIL / max(size)
        width, height = max(1, round(width * scale)), max(1, round(height * scale))
    return _tokens(width, height)


def _tokens(width: int, height: int) -> int:
    area = width * height
    scale = math.sqrt(_SMALLEST_AREA / area) if area < _SMALLEST_AREA else 1.0
    tokens = _grid(width * scale, height * scale, math.ceil)
    if tokens <= MAXIMUM:
        return tokens
    scale = math.sqrt(_LARGEST_AREA / area)
    return min(MAXIMUM, _grid(width * scale, height * scale, math.floor))


def _grid(width: float, height: float, rounded: Callable[[float], int]) -> int:
    columns, rows = (max(1, rounded(round(side / _SQUARE, 6))) for side in (width, height))
    return rows * (columns + 1) + 2


def _size_of(url: str) -> tuple[int, int] | None:
    head, comma, data = url[:_HEADER].partition(",")
    if not comma or not head.startswith("data:") or not head.endswith(";base64"):
        return None
    try:
        content = base64.b64decode(data[: len(data) // 4 * 4])
        size = _png(content) or _gif(content) or _webp(content) or _jpeg(content)
    except (binascii.Error, struct.error, IndexError, ValueError):
        return None
    return size if size and min(size) > 0 else None


def _png(data: bytes) -> tuple[int, int] | None:
    return struct.unpack(">II", data[16:24]) if data.startswith(b"\x89PNG\r\n\x1a\n") else None


def _gif(data: bytes) -> tuple[int, int] | None:
    return struct.unpack("<HH", data[6:10]) if data.startswith((b"GIF87a", b"GIF89a")) else None


def _webp(data: bytes) -> tuple[int, int] | None:
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        return None
    kind = data[12:16]
    if kind == b"VP8X":
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    if kind == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    width, height = struct.unpack("<HH", data[26:30])
    return width & 0x3FFF, height & 0x3FFF


def _jpeg(data: bytes) -> tuple[int, int] | None:
    if not data.startswith(b"\xff\xd8"):
        return None
    position = 2
    while data[position] == 0xFF:
        marker = data[position + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", data[position + 5 : position + 9])
            return width, height
        position += 2 + struct.unpack(">H", data[position + 2 : position + 4])[0]
    return None
