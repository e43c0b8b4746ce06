"""Rough token counts, and the prefix cache that reports hits in units of 128 tokens."""

from __future__ import annotations

import hashlib
import re

# About 0.3 token per English character and 0.6 per Chinese one: https://api-docs.deepseek.com/quick_start/token_usage
ASCII_TOKENS = 0.3
OTHER_TOKENS = 0.6

CACHE_UNIT = 128
# Bytes that hold at most one unit: 128 / 0.3 for ASCII; other scripts take two or three bytes for 0.6 token.
CACHE_BLOCK_BYTES = 427

_PIECE = re.compile(
    r"[\u2e80-\u9fff\uac00-\ud7af\uff00-\uffef]{1,2}"  # ideographs, kana, hangul
    r"| ?[^\W\d_]{1,12}"  # a word with the space before it
    r"| ?\d{1,3}"
    r"|\s+"
    r"| ?[^\w\s]{1,2}"
    r"|.",
    re.DOTALL,
)


def estimate(text: str) -> int:
    """Estimate the number of tokens of a text."""
    ascii_characters = len(text.encode("ascii", "ignore"))
    return int(ascii_characters * ASCII_TOKENS + (len(text) - ascii_characters) * OTHER_TOKENS + 0.999)


def token_parts(text: str) -> list[str]:
    """Split a text into token-like parts; joined, they are the text again."""
    return _PIECE.findall(text)


def chunks(text: str, size: int | None) -> list[str]:
    """Split a text into chunks of a number of characters, or into token-like parts."""
    if size is None:
        return token_parts(text)
    return [text[start : start + max(size, 1)] for start in range(0, len(text), max(size, 1))]


def cached_tokens(seen: set[bytes], prompt: str, prompt_tokens: int, owner: str) -> int:
    """Return the number of leading tokens shared with an earlier prompt of an owner, in units of 128.

    `seen` has the digests of the beginnings of earlier prompts; those of this prompt are added. At least one of
    `prompt_tokens` is not cached. The owner is the account and user.
    """
    data = prompt.encode("utf-8", "replace")
    state = hashlib.sha1(owner.encode("utf-8", "replace"), usedforsecurity=False)
    hits = 0
    for start in range(0, len(data) - CACHE_BLOCK_BYTES + 1, CACHE_BLOCK_BYTES):
        state.update(data[start : start + CACHE_BLOCK_BYTES])
        mark = state.digest()
        hits += mark in seen  # the digest covers all blocks so far
        seen.add(mark)
    return min(hits, max(prompt_tokens - 1, 0) // CACHE_UNIT) * CACHE_UNIT
