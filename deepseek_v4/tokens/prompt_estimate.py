"""Estimate the prompt tokens of a request without a vocabulary.

The constants are those of DeepSeek's prompt encodings of V4-Pro and V4.1 Flash (``deepseek-recipe`` 0.2.0).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from deepseek_v4.protocols.reasoning_details import readable
from deepseek_v4.tokens.image_tokens import MAXIMUM, image_tokens
from deepseek_v4.tokens.text_estimate import estimate_text
from deepseek_v4.values import json
from deepseek_v4.values.messages import ImagePart, Message, Part, RawPart, ServerTool, TextPart, ToolSpec

__all__ = ["estimate", "estimate_text"]

PER_PROMPT: Final = 3
"""The marker of its begin, and those that open the answer."""
PER_MESSAGE: Final[Mapping[str, int]] = {"system": 1, "latest_reminder": 1, "user": 1, "assistant": 3, "tool": 6}
"""The markers of a message, by its role."""
PER_TOOL_CALLS: Final = 9
"""The frame of all calls of a message."""
PER_TOOL_CALL: Final = 20
"""The markup of one call, without its name and arguments."""
PER_TOOLS: Final = 217
"""The instructions that are added if a tool is declared: 213 tokens for V4.1 Flash, 222 for V4-Pro."""


def estimate(
    messages: Iterable[Message],
    tools: Iterable[ToolSpec | ServerTool] = (),
    *,
    count: Callable[[str], int] = estimate_text,
    preamble: int = 0,
) -> int:
    """Estimate the prompt tokens of a request.

    Counts texts, images, tool calls and schemas, and the markup around them. Reasoning that is passed back counts if
    the model reads it: with tools always, without them only after the last user message
    (https://api-docs.deepseek.com/guides/thinking_mode, 2026-10-01; a recording of June 2026 agrees). A file counts
    nothing, because its size in tokens is not known before it is read.

    Args:
        messages: The conversation.
        tools: The tools declared with it.
        count: The function that counts the tokens of a text.
        preamble: Tokens of the instructions for the reasoning effort; see ``effort_preamble``.

    Returns:
        The number of tokens; 0 without messages and tools.

    Examples:
        >>> estimate([Message.user("hello world")])
        6
    """
    messages, tools = tuple(messages), tuple(tools)
    if not messages and not tools:
        return 0
    last_user = max((i for i, message in enumerate(messages) if message.role == "user"), default=-1)
    total = PER_PROMPT + preamble + (PER_TOOLS if tools else 0) + sum(count(_declaration(tool)) for tool in tools)
    for position, message in enumerate(messages):
        total += PER_MESSAGE[message.role] + _content(message.content, count)
        if message.reasoning is not None and (tools or position > last_user):
            total += count(readable(message.reasoning) or "")
        if message.tool_calls:
            total += PER_TOOL_CALLS
        for call in message.tool_calls:
            total += PER_TOOL_CALL + count(call.name) + count(call.arguments)
    return total


def effort_preamble(effort: str | int | None, *, pro: bool) -> int:
    """Return the tokens of the instructions for the reasoning effort that a prompt with thinking begins with.

    Args:
        effort: The requested effort, a level or a number; None for the default.
        pro: True for V4-Pro, False for V4.1 Flash.
    """
    if not pro:
        return 26
    return {"minimal": 0, "low": 0, "max": 92}.get(str(effort), 79)


def _content(content: str | Sequence[Part], count: Callable[[str], int]) -> int:
    if isinstance(content, str):
        return count(content)
    total = 0
    for part in content:
        if isinstance(part, TextPart):
            total += count(part.text)
        elif isinstance(part, ImagePart):
            total += image_tokens(part.url, part.detail)
        elif isinstance(part, RawPart):
            kind, text = part.data.get("type"), part.data.get("text")
            if isinstance(text, str):
                total += count(text)
            elif isinstance(kind, str) and "image" in kind:
                total += MAXIMUM
    return total


def _declaration(tool: ToolSpec | ServerTool) -> str:
    if isinstance(tool, ServerTool):
        return json.dumps(dict(tool.data)).decode()
    declared = {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters or {})}
    # the model reads a blank after each comma and colon
    return json.dumps(declared).decode().replace('":', '": ').replace(',"', ', "')
