"""The provider's own record of a turn: the content of ``Reasoning.details``, its protocol, and how it is sent again.

A turn can be more than reasoning, text and function calls: items of reasoning with ids, thinking blocks with
signatures, searches that the server ran, and text between them. Each protocol keeps what its own form needs for
the next request, in the order received; a record of another protocol is ignored and the message's text is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from deepseek_v4.values.messages import Reasoning

Item = Mapping[str, Any]

UNKNOWN_FIELDS = "chat.fields"
"""Type of the record of a chat answer with the fields of its message that this package does not decode."""


def detect_protocol(details: Iterable[Item]) -> str | None:
    """Return the protocol that a record belongs to; None if none of its types is known."""
    for detail in details:
        kind = detail.get("type")
        if not isinstance(kind, str):
            continue
        if kind.startswith("reasoning.") or kind == UNKNOWN_FIELDS:  # OpenRouter's reasoning_details, or our own
            return "chat_completions"
        if kind in ("thinking", "redacted_thinking", "text") or kind.endswith(("_tool_use", "_tool_result")):
            return "messages"
        if kind in ("reasoning", "message") or kind.endswith(("_call", "_call_output")):
            return "responses"
    return None


def details_for_protocol(reasoning: Reasoning | None, protocol: str) -> tuple[Item, ...]:
    """Return the record of a past turn if it belongs to ``protocol``, else ``()``."""
    if reasoning is None or not reasoning.details or detect_protocol(reasoning.details) != protocol:
        return ()
    return tuple(item for item in reasoning.details if item.get("type") != UNKNOWN_FIELDS)


def details_to_store(items: Sequence[Item], *, text: str, calls: frozenset[str]) -> tuple[Item, ...]:
    """Return the items of a turn that must be kept in addition to its text and its function calls.

    Function calls are left out, because they follow last, and so is the text after the last other item, unless it has
    citations of a search that is among the items.

    Args:
        items: All items of the turn, in order.
        text: The type of items that are visible text.
        calls: The types of items that are function calls.
    """
    rest = [item for item in items if item.get("type") not in calls]
    if all(item.get("type") == text for item in rest):
        return ()
    while rest[-1].get("type") == text and not rest[-1].get("citations"):
        rest.pop()
    return tuple(rest)


def unknown_fields(reasoning: Reasoning | None) -> dict[str, Any]:
    """Return the fields of a past chat answer that this package does not decode."""
    details = (reasoning.details if reasoning is not None else None) or ()
    return {
        name: value for item in details if item.get("type") == UNKNOWN_FIELDS for name, value in item["fields"].items()
    }


def details_text(details: Iterable[Item]) -> str | None:
    """Return the readable text of reasoning details; None if all of it is encrypted."""
    values = [detail.get("text") or detail.get("summary") for detail in details]
    texts = [value for value in values if isinstance(value, str)]
    return "".join(texts) if texts else None


def readable(reasoning: Reasoning | None) -> str | None:
    """Return the text of past reasoning, or the text in its details; None if there is none."""
    if reasoning is None:
        return None
    return reasoning.text if reasoning.text is not None else details_text(reasoning.details or ())


def restore_items(
    record: Sequence[Item], content: str, text_of: Callable[[Item], str | None]
) -> tuple[list[Item], str]:
    """Merge a record and the text of its turn into the items to send.

    Args:
        record: The items that ``details_to_store`` returned.
        content: The complete visible text of the turn.
        text_of: Returns the visible text of an item, None if the item is not text.

    Returns:
        The items to send, and the text to send after them. Text inside the record stays in its place while the
        turn's text still begins with it; if the text was changed, all of it follows the items.
    """
    texts = [text_of(item) for item in record]
    inside = "".join(text for text in texts if text)
    if content.startswith(inside):
        return list(record), content[len(inside) :]
    return [item for item, text in zip(record, texts, strict=True) if text is None], content


def merge_details(fragments: Iterable[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    """Join streamed fragments of reasoning records into complete records, in order, without dropping any.

    Consecutive fragments of one ``type`` and ``index`` are one record, unless their ids differ: its ``text``,
    ``summary`` and ``data`` are concatenated, of the other fields the last that is not null stays. A fragment without
    an ``index`` continues a record of readable text only, because encrypted data is not split.
    """
    merged: list[dict[str, Any]] = []
    for fragment in fragments:
        last = merged[-1] if merged else None
        if last is None or not _continues(last, fragment):
            merged.append(dict(fragment))
            continue
        for key, value in fragment.items():
            known = last.get(key)
            if key in ("text", "summary", "data") and isinstance(known, str) and isinstance(value, str):
                last[key] = known + value
            elif value is not None or key not in last:
                last[key] = value
    return tuple(merged)


def _continues(record: Mapping[str, Any], fragment: Mapping[str, Any]) -> bool:
    if record.get("type") != fragment.get("type") or record.get("index") != fragment.get("index"):
        return False
    known, other = record.get("id"), fragment.get("id")
    if other is not None and other != known and (known is not None or fragment.get("index") is None):
        return False
    return fragment.get("index") is not None or "text" in fragment or "summary" in fragment
