"""Gzip bodies in chunks of any length: several members, trailing bytes, and damage."""

from __future__ import annotations

import gzip
import os
import tracemalloc
import zlib

import pytest

from deepseek_v4 import errors
from deepseek_v4.transport.decompression import STEP_BYTES, steps_of

TEXT = b'{"text": "' + b"yes " * 40_000 + b'"}'


def decompressed(body: bytes, length: int) -> bytes:
    steps = steps_of("gzip")
    chunks = [step for start in range(0, len(body), length) for step in steps(body[start : start + length])]
    assert max(map(len, chunks), default=0) <= STEP_BYTES
    return b"".join(chunks)


@pytest.mark.parametrize("length", [1, 7, 1 << 20])
@pytest.mark.parametrize("cut", [1, 11, 30_000, len(TEXT) - 1])
def test_a_body_of_several_members(length: int, cut: int) -> None:
    assert decompressed(gzip.compress(TEXT[:cut]) + gzip.compress(b"") + gzip.compress(TEXT[cut:]), length) == TEXT


@pytest.mark.parametrize("length", [1, 7, 1 << 20])
@pytest.mark.parametrize("after", [b"\0" * 100, b"\n", b"\x1f\x8b"])
def test_bytes_after_the_last_member_are_ignored(length: int, after: bytes) -> None:
    assert decompressed(gzip.compress(TEXT) + after, length) == TEXT


def test_bytes_after_the_last_member_are_not_kept() -> None:
    steps, more = steps_of("gzip"), os.urandom(STEP_BYTES)
    assert b"".join(steps(gzip.compress(b"yes"))) == b"yes"
    tracemalloc.start()
    try:
        assert [step for _ in range(100) for step in steps(b"no" + more)] == []
        assert tracemalloc.get_traced_memory()[1] < 4 * STEP_BYTES
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("first", ["", "yes"])
def test_a_damaged_member_raises(first: str) -> None:
    body = bytearray(gzip.compress(os.urandom(10_000)))
    body[-6] ^= 1  # the checksum
    with pytest.raises(zlib.error):
        decompressed(gzip.compress(first.encode()) + bytes(body), 64)


def test_a_truncated_body_returns_what_was_received() -> None:
    assert TEXT.startswith(decompressed(gzip.compress(TEXT)[:-20], 7))
    assert decompressed(gzip.compress(TEXT)[:5], 1) == b""


def test_another_compression_is_refused() -> None:
    with pytest.raises(errors.MalformedResponseError, match="'br', which is not supported"):
        steps_of("br")
