"""The token counter, in the form of a tokenizer that LlamaIndex takes."""

from __future__ import annotations

from deepseek_v4.request import tokens

__all__ = ["tokenizer"]


def tokenizer(text: str) -> list[int]:
    """Return as many numbers as a text has tokens, by estimate: offline, and without a tokenizer file.

    Example:
        >>> from llama_index.core import Settings
        >>> Settings.tokenizer = tokenizer  # text splitters and Memory count with it
    """
    return list(range(tokens.estimate_text(text)))
