"""The provider's own record of a turn: what ``Reasoning.details`` holds, whose it is, and how it is laid out again.

A turn can be more than reasoning, text and function calls: items of reasoning with ids, thinking blocks with
signatures, searches the service ran by itself, and text between them. Each protocol keeps what its own form needs for
the next request, in the order received; what another protocol wrote is left to the text that stands beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from deepseek_v4.values.messages import Reasoning

__all__ = ["details_for_protocol", "detect_protocol", "kept", "restore_items"]

Item = Mapping[str, Any]


def detect_protocol(details: Iterable[Item]) -> str | None:
    """The protocol in whose form a record is written; None when none of its types is known."""
    for detail in details:
        kind = detail.get("type")
        if not isinstance(kind, str):
            continue
        if kind.startswith("reasoning."):  # OpenRouter's reasoning_details
            return "chat_completions"
        if kind in ("thinking", "redacted_thinking", "text") or kind.endswith(("_tool_use", "_tool_result")):
            return "messages"
        if kind in ("reasoning", "message") or kind.endswith(("_call", "_call_output")):
            return "responses"
    return None


def details_for_protocol(reasoning: Reasoning | None, protocol: str) -> tuple[Item, ...]:
    """The record of a past turn as far as ``protocol`` wrote it."""
    if reasoning is None or not reasoning.details or detect_protocol(reasoning.details) != protocol:
        return ()
    return reasoning.details


def kept(items: Sequence[Item], *, text: str, calls: frozenset[str]) -> tuple[Item, ...]:
    """What must be remembered of a turn's items beside its text and its function calls.

    Function calls are not in it, they follow last; nor is the text after the last other item.

    Args:
        items: All items of the turn, in order.
        text: The type of items that are visible text.
        calls: The types of items that are function calls.
    """
    rest = [item for item in items if item.get("type") not in calls]
    while rest and rest[-1].get("type") == text:
        rest.pop()
    return tuple(rest)


def restore_items(
    record: Sequence[Item], content: str, text_of: Callable[[Item], str | None]
) -> tuple[list[Item], str]:
    """A record before the text that follows it.

    Args:
        record: What ``kept`` kept.
        content: All visible text of the turn.
        text_of: The visible text of an item, None for an item that is no text.

    Returns:
        The items to send, and the text to send after them. Text inside the record stays in its place while the
        turn's text still begins with it; when someone has changed the text, it comes whole, after the items.
    """
    texts = [text_of(item) for item in record]
    inside = "".join(text for text in texts if text)
    if content.startswith(inside):
        return list(record), content[len(inside) :]
    return [item for item, text in zip(record, texts, strict=True) if text is None], content
