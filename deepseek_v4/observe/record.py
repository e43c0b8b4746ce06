"""The record of a run: a line of JSON for each request, and one for each part of a prompt that was not sent before.

A history is sent again in every turn, so a record with complete bodies would grow with the square of a run.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from deepseek_v4.observe.cache_tracker import CacheTracker, Comparison
from deepseek_v4.observe.events import RequestEvent
from deepseek_v4.observe.listeners import Listener
from deepseek_v4.observe.sections import parts_of
from deepseek_v4.providers import find_provider
from deepseek_v4.values import json
from deepseek_v4.values.reply import Reply


class Recorder(Listener):
    """A listener that writes the record of a run.

    Args:
        path: The file. Its folder must exist.
        append: True to add to an existing file, as several processes do.

    Raises:
        OSError: if the file cannot be written.
    """

    def __init__(self, path: str | PathLike[str], *, append: bool = False) -> None:
        self.path = Path(path)
        self._file = self.path.open("ab" if append else "wb", buffering=0)
        self._written: set[str] = set()
        self._tracker = CacheTracker()
        self._lock = threading.Lock()

    def received(self, event: RequestEvent) -> None:
        """Write the lines of a request."""
        with self._lock:
            if self._file.closed:  # a stream that is read after the end of the recording
                return
            lines = lines_of(event, self._tracker.compare(event), self._written)
            data = b"".join(json.dumps(line) + b"\n" for line in lines)
            while data:  # a full disk takes a part of it, and refuses the rest
                data = data[self._file.write(data) :]

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._file.close()


def lines_of(event: RequestEvent, compared: Comparison, written: set[str]) -> Iterator[Mapping[str, Any]]:
    """Yield the lines of a request: its new parts, ``{"part": hash, "value": …}``, then the request.

    Args:
        event: The event of the request.
        compared: What it has in common with the request before it.
        written: The hashes of the parts that are in the record; the new ones are added.
    """
    hashes: dict[tuple[str, int | None], str] = {}
    for section, (name, value, place) in zip(event.sections, parts_of(event.body), strict=True):
        hashes[name if place is None else "", place] = section.hash
        if section.hash not in written:
            written.add(section.hash)
            yield {"part": section.hash, "value": value}
    yield {
        "answer": event.answer,
        "attempt": event.attempt,
        "reason": event.reason,
        "detail": event.detail,
        "provider": event.provider,
        "key_variable": _key_variable(event.provider),
        "protocol": event.protocol,
        "model": event.model,
        "streamed": event.streamed,
        "method": event.method,
        "url": event.url,
        "headers": dict(event.headers),
        "body": {field: _referenced(field, value, hashes) for field, value in event.body.items()},
        "sections": [list(section) for section in event.sections],
        "notes": [str(note) for note in event.notes],
        "started": event.started.timestamp(),
        "seconds": event.seconds,
        "first_byte": event.seconds_to_first_byte,
        "first_item": event.seconds_to_first_item,
        "status": event.status,
        "error": event.error,
        "reply": None if event.reply is None else _reply(event.reply),
        "usage": None if event.usage is None else event.usage.counts(),
        "cost": None if event.cost is None else event.cost.usd,
        "conversation": f"{os.getpid()}.{compared.conversation}",
        "same": compared.same,
        "miss": None if compared.miss is None else _miss(compared),
    }


def _referenced(field: str, value: Any, hashes: Mapping[tuple[str, int | None], str]) -> Any:
    """Return a field of a body, with the hashes of its parts instead of messages, system text and tools."""
    if isinstance(value, list) and field in ("messages", "input"):
        return [{"$part": hashes["", place]} for place in range(len(value))]
    name = "system" if field == "instructions" else field
    return {"$part": hashes[name, None]} if (name, None) in hashes else value


def _reply(reply: Reply) -> Mapping[str, Any]:
    calls: Iterable[Any] = (*reply.tool_calls, *reply.invalid_tool_calls)
    return {
        "content": reply.content,
        "reasoning": None if reply.reasoning is None else reply.reasoning.text,
        "tool_calls": [{"id": call.id, "name": call.name, "arguments": call.arguments} for call in calls],
        "finish_reason": reply.finish_reason,
        "model": reply.model,
    }


def _miss(compared: Comparison) -> Mapping[str, Any]:
    miss = compared.miss
    assert miss is not None
    return {
        "cause": miss.cause,
        "tokens": miss.tokens,
        "cost": miss.cost,
        "place": miss.change and miss.change.place,
        "text": str(miss).partition("; ")[2],
    }


def _key_variable(provider: str) -> str:
    try:
        return find_provider(provider).key_variable or "API_KEY"
    except ValueError:  # a provider of the user's own
        return "API_KEY"
