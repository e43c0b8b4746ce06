"""The reasoning of each answer, to check if it is passed back unchanged."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from deepseek_v4.testing.reading.chat import content_text

MOST_KEPT = 2000

Record = list[dict[str, Any]]


class ReasoningRecords:
    """The records of past answers, found by the ids of their tool calls, or by their text."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, list[Record]] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, text: str, call_ids: tuple[str, ...], record: Record) -> None:
        """Keep the record of one answer; the oldest is forgotten when there are too many."""
        with self._lock:
            kept = self._kept.setdefault(_name(text, call_ids), [])
            if record not in kept:
                kept.append(record)
            if len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)

    def sent_with(self, message: Mapping[str, Any]) -> list[Record]:
        """Return the records of the answers that a past message may be; none for a message that was not sent here."""
        call_ids = tuple(call["id"] for call in message.get("tool_calls") or ())
        with self._lock:
            return list(self._kept.get(_name(content_text(message.get("content")), call_ids), ()))

    def clear(self) -> None:
        """Clear everything."""
        with self._lock:
            self._kept.clear()


def _name(text: str, call_ids: tuple[str, ...]) -> str:
    return "calls " + " ".join(call_ids) if call_ids else "text " + text
