"""Token counts of prompts: estimated offline, or exact with a tokenizer file. Sends no request.

The estimate follows DeepSeek's published ratios (https://api-docs.deepseek.com/quick_start/token_usage):
about 0.3 token per English character, 0.6 per Chinese character. The page gives no ratio for other scripts;
their ratios are our choice. The billed count is the one in ``Reply.usage``.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from deepseek_v4.values import json
from deepseek_v4.values.messages import ImagePart, Message, Part, RawPart, Reasoning, ServerTool, TextPart, ToolSpec

__all__ = ["Tokenizer", "estimate", "estimate_text"]

# Tokens per ten characters, by the bytes of a character in UTF-8: C code counts those, so that long texts are fast.
_ASCII: Final = 3  # published for English
_TWO_BYTES: Final = 5  # Latin with accents, Greek, Cyrillic, Hebrew, Arabic. Our choice: between the published ratios
_THREE_BYTES: Final = 6  # published for Chinese; kana, hangul, the scripts of South Asia and typographic marks like it
_FOUR_BYTES: Final = 15  # emoji and rare Han. Our choice: one to three tokens each

PER_MESSAGE: Final = 4
"""Role marker, thinking tag, end of message. Our choice, after the published prompt encoding."""
PER_TOOL_CALL: Final = 12
"""The markup around a call, without its name and arguments."""
PER_TOOLS: Final = 220
"""The text that is added to the prompt when any tool is declared: 284 to 290 prompt tokens were recorded for a short
question with one trivial tool (August 2026)."""
PER_TOOL: Final = 8
"""The frame around one tool's schema."""
PER_IMAGE: Final = 1024
"""The maximum for an image (https://api-docs.deepseek.com/guides/vision)."""


def estimate_text(text: str) -> int:
    """Estimate the tokens of a text, rounded up; 0 for an empty text.

    Linear in the length: four million characters take a few hundredths of a second.

    Example:
        >>> estimate_text("hello world")  # 11 characters at 0.3
        4
        >>> estimate_text("你好世界")  # 4 at 0.6
        3
    """
    characters = len(text)
    if text.isascii():
        return -(-characters * _ASCII // 10)
    ascii_ = len(text.encode("ascii", "ignore"))
    four = len(text.encode("utf-16-le", "surrogatepass")) // 2 - characters
    two_and_three = characters - ascii_ - four
    three = len(text.encode("utf-8", "surrogatepass")) - ascii_ - 4 * four - 2 * two_and_three
    two = two_and_three - three
    return -(-(_ASCII * ascii_ + _TWO_BYTES * two + _THREE_BYTES * three + _FOUR_BYTES * four) // 10)


def estimate(
    messages: Iterable[Message],
    tools: Iterable[ToolSpec | ServerTool] = (),
    *,
    count: Callable[[str], int] = estimate_text,
) -> int:
    """Estimate the prompt tokens of a request.

    Counts texts, tool calls and their schemas, and the markup around them. Reasoning that is passed back counts if the
    model reads it: with tools always, without them only after the last user message
    (https://api-docs.deepseek.com/guides/thinking_mode, 2026-10-01; a recording of June 2026 agrees). An image
    counts as its maximum; a file counts nothing, because its size in tokens is not known before it is read. Reasoning
    effort adds a preamble that is not counted (about 80 tokens at the default, August 2026).

    Args:
        messages: The conversation.
        tools: The tools declared with it.
        count: The function that counts the tokens of a text; pass ``Tokenizer.count`` for exact counts.

    Returns:
        The number of tokens; 0 without messages and tools.

    Example:
        >>> estimate([Message.user("hello world")])
        8
    """
    messages, tools = tuple(messages), tuple(tools)
    last_user = max((i for i, message in enumerate(messages) if message.role == "user"), default=-1)
    total = PER_TOOLS if tools else 0
    for tool in tools:
        total += PER_TOOL + count(_declaration(tool))
    for position, message in enumerate(messages):
        total += PER_MESSAGE + _content(message.content, count)
        if message.reasoning is not None and (tools or position > last_user):
            total += count(_reasoning_text(message.reasoning))
        for call in message.tool_calls:
            total += PER_TOOL_CALL + count(call.name) + count(call.arguments)
    return total


def _content(content: str | Sequence[Part], count: Callable[[str], int]) -> int:
    if isinstance(content, str):
        return count(content)
    total = 0
    for part in content:
        if isinstance(part, TextPart):
            total += count(part.text)
        elif isinstance(part, ImagePart):
            total += PER_IMAGE
        elif isinstance(part, RawPart):
            kind, text = part.data.get("type"), part.data.get("text")
            if isinstance(text, str):
                total += count(text)
            elif isinstance(kind, str) and "image" in kind:
                total += PER_IMAGE
    return total


def _reasoning_text(reasoning: Reasoning) -> str:
    if reasoning.text is not None:
        return reasoning.text
    texts = (detail.get("text") or detail.get("summary") for detail in reasoning.details or ())
    return "".join(text for text in texts if isinstance(text, str))


def _declaration(tool: ToolSpec | ServerTool) -> str:
    if isinstance(tool, ServerTool):
        return json.dumps(dict(tool.data)).decode()
    parameters = json.dumps(dict(tool.parameters)).decode() if tool.parameters else ""
    return f"{tool.name}{tool.description}{parameters}"


class Tokenizer:
    """DeepSeek's tokenizer, loaded from ``tokenizer.json``: exact for texts, without the markup of a conversation.

    The file is in https://cdn.deepseek.com/api-docs/deepseek_v4_tokenizer.zip and in the model's repository. Reading it
    needs the package ``tokenizers``, which is not installed with this one.

    Example:
        >>> tokenizer = Tokenizer.from_file("tokenizer.json")  # doctest: +SKIP
        >>> tokenizer.count("hello world")  # doctest: +SKIP
        2
        >>> estimate([Message.user("hello world")], count=tokenizer.count)  # doctest: +SKIP
        6
    """

    __slots__ = ("_tokenizer",)

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> Tokenizer:
        """Read a tokenizer file.

        Args:
            path: A ``tokenizer.json``, or a folder that contains one.

        Raises:
            ImportError: if ``tokenizers`` is not installed.
            FileNotFoundError: if the file does not exist.
            ValueError: if the file is not a tokenizer.
        """
        try:
            tokenizers = importlib.import_module("tokenizers")
        except ImportError as error:
            raise ImportError(
                "Reading a tokenizer file needs the package tokenizers. Run: pip install tokenizers"
            ) from error
        name = os.fspath(path)
        if os.path.isdir(name):
            name = os.path.join(name, "tokenizer.json")
        if not os.path.exists(name):
            raise FileNotFoundError(
                f"{name} does not exist. Download https://cdn.deepseek.com/api-docs/deepseek_v4_tokenizer.zip."
            )
        try:
            return cls(tokenizers.Tokenizer.from_file(name))
        except Exception as error:  # tokenizers raises nothing more special
            raise ValueError(f"{name} is not a tokenizer file: {error}") from error

    def encode(self, text: str) -> list[int]:
        """Return the token ids of a text, without special tokens."""
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    def count(self, text: str) -> int:
        """Return the number of tokens of a text, without special tokens."""
        return len(self.encode(text))
