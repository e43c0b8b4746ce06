"""The tokens of images: the size is read from the header of each format."""

from __future__ import annotations

import base64
import random
import struct

import pytest

from deepseek_v4.tokens import exact
from deepseek_v4.tokens.image_tokens import MAXIMUM, image_tokens

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
JPEG = b"\xff\xd8\xff\xe0\x00\x06JFIF\xff\xc0\x00\x11\x08"


def url(data: bytes) -> str:
    return "data:image/any;base64," + base64.b64encode(data + bytes(40)).decode()


def headers(width: int, height: int) -> dict[str, bytes]:
    return {
        "png": PNG + struct.pack(">II", width, height),
        "gif": b"GIF89a" + struct.pack("<HH", width, height),
        "jpeg": JPEG + struct.pack(">HH", height, width),
        "webp": b"RIFF\x00\x00\x00\x00WEBPVP8 \x00\x00\x00\x00\x00\x00\x00\x9d\x01\x2a"
        + struct.pack("<HH", width, height),
        "lossless webp": b"RIFF\x00\x00\x00\x00WEBPVP8L\x00\x00\x00\x00\x2f"
        + ((width - 1) | (height - 1) << 14).to_bytes(4, "little"),
        "extended webp": b"RIFF\x00\x00\x00\x00WEBPVP8X\x00\x00\x00\x00\x00\x00\x00\x00"
        + (width - 1).to_bytes(3, "little")
        + (height - 1).to_bytes(3, "little"),
    }


@pytest.mark.parametrize("form", headers(1, 1))
@pytest.mark.parametrize(("size", "tokens"), [(512, 184), (640, 274), (1024, 652), (1280, 994), (4000, 994)])
def test_a_square_image_takes_the_recorded_tokens(form: str, size: int, tokens: int) -> None:
    assert image_tokens(url(headers(size, size)[form])) == tokens


@pytest.mark.parametrize("form", headers(1, 1))
def test_width_and_height_are_not_exchanged(form: str) -> None:
    assert image_tokens(url(headers(1260, 630)[form])) == 15 * 31 + 2


def test_low_detail_is_smaller() -> None:
    assert image_tokens(url(headers(1920, 1080)["png"]), "low") == 192  # recorded


@pytest.mark.parametrize(
    "other",
    [
        "https://example.com/cat.png",
        "data:image/png,raw",
        "data:image/png;base64,",
        "data:image/png;base64,€",
        url(b"BM"),
        url(PNG + bytes(8)),
        url(b"\xff\xd8" + b"\xff\xe0\xff\xff" * 3),
        url(b"RIFF"),
    ],
)
def test_an_unknown_size_counts_the_maximum(other: str) -> None:
    assert image_tokens(other) == MAXIMUM


@pytest.mark.skipif(not exact.available(), reason="deepseek-recipe has no wheel for this platform")
def test_most_sizes_are_within_10_percent() -> None:
    import deepseek_recipe

    rng = random.Random(5)
    near = 0
    for _ in range(1000):
        width = int(10 ** rng.uniform(1, 3.8))
        height = max(1, int(width * rng.uniform(0.25, 4)))
        image = deepseek_recipe.ImageInfo(b"", width, height)
        expected = deepseek_recipe.MultiModalData([image]).image_token_adjustment() + 1
        near += abs(image_tokens(url(headers(width, height)["png"])) / expected - 1) < 0.1
    assert near >= 950
