"""Join deltas of tool arguments, so that the cost of adding up chunks is linear in the length of the arguments.

langchain-core parses all arguments so far at every chunk that is added; LlamaIndex's responses contain all of them, and
its agents send an event for each. A delta is therefore held back until the held text is a quarter of the sent text (so
the number of chunks grows with the logarithm of the length), or until parsing takes less than about a fiftieth of the
time that has passed. Short arguments are passed on delta by delta; at 25 KB a delta waits at most a tenth of a second.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from deepseek_v4.values.reply import ToolCallDelta

SHARE = 4
"""The held text is sent when its length is one SHAREth of the length of the sent text."""
SECONDS_PER_CHARACTER = 4e-6
"""Fifty times the time for parsing a character."""

now = time.monotonic


class _Held:
    __slots__ = ("chunks", "count", "last", "sent")

    def __init__(self, sent: int) -> None:
        self.chunks: list[str] = []
        self.count = 0
        self.sent = sent
        self.last = now()


class ToolArgumentCoalescer:
    """A buffer for the deltas of each tool call. All text is passed on, in order within each call."""

    __slots__ = ("_calls",)

    def __init__(self) -> None:
        self._calls: dict[int, _Held] = {}

    def add(self, delta: ToolCallDelta) -> ToolCallDelta | None:
        """Add the next delta; return the delta to send now, if any."""
        held = self._calls.get(delta.index)
        if held is None or delta.id is not None or delta.name is not None:
            before = self._take(delta.index) if held is not None else ""
            self._calls[delta.index] = _Held(len(before) + len(delta.arguments))
            return delta._replace(arguments=before + delta.arguments) if before else delta
        held.chunks.append(delta.arguments)
        held.count += len(delta.arguments)
        if held.count * SHARE < held.sent and now() - held.last < held.sent * SECONDS_PER_CHARACTER:
            return None
        return ToolCallDelta(delta.index, None, None, self._take(delta.index))

    def rest(self) -> Iterator[ToolCallDelta]:
        """Yield the text that is still held, at the end."""
        for index, held in self._calls.items():
            if held.count:
                yield ToolCallDelta(index, None, None, self._take(index))

    def _take(self, index: int) -> str:
        held = self._calls[index]
        joined = "".join(held.chunks)
        held.chunks.clear()
        held.sent += held.count
        held.count = 0
        held.last = now()
        return joined
