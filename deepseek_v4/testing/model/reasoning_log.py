"""The reasoning of each answer, to check if it is passed back unchanged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from deepseek_v4.testing.reading.chat import content_text

Record = list[dict[str, Any]]


class ReasoningRecords:
    """The records of past answers, found by the ids of their tool calls, or by their text."""

    def __init__(self) -> None:
        self._kept: dict[str, list[Record]] = {}

    def keep(self, text: str, call_ids: tuple[str, ...], record: Record) -> None:
        """Keep the record of one answer."""
        self._kept.setdefault(_name(text, call_ids), []).append(record)

    def sent_with(self, message: Mapping[str, Any]) -> Sequence[Record]:
        """Return the records of the answers that a past message may be; none for a message that was not sent here."""
        call_ids = tuple(call["id"] for call in message.get("tool_calls") or ())
        return self._kept.get(_name(content_text(message.get("content")), call_ids), ())

    def clear(self) -> None:
        """Clear everything."""
        self._kept.clear()


def _name(text: str, call_ids: tuple[str, ...]) -> str:
    return "calls " + " ".join(call_ids) if call_ids else "text " + text
