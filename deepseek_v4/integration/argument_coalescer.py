"""Pieces of tool arguments, joined so that adding chunks up costs in proportion to the arguments, not to their square.

langchain-core parses all arguments so far at every chunk that is added; LlamaIndex's responses hold all of them, and
its agents send an event for each. A piece is therefore held back until it is worth that: until what is held is a
quarter of what was sent (so their number grows with the logarithm of the length), or until so much time has passed that
parsing takes no more than about a fiftieth of it. Short arguments go out piece by piece; at 25 KB a piece that trickles
in waits a tenth of a second at the most.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from deepseek_v4.values.reply import ToolCallDelta

__all__ = ["ToolArgumentCoalescer"]

SHARE = 4
"""What is held goes out once it is one part in so many of what was sent."""
SECONDS_PER_CHARACTER = 4e-6
"""Fifty times what parsing a character costs."""

now = time.monotonic


class _Held:
    __slots__ = ("count", "last", "pieces", "sent")

    def __init__(self, sent: int) -> None:
        self.pieces: list[str] = []
        self.count = 0
        self.sent = sent
        self.last = now()


class ToolArgumentCoalescer:
    """Holds pieces back, call by call. What goes in comes out, in order within each call."""

    __slots__ = ("_calls",)

    def __init__(self) -> None:
        self._calls: dict[int, _Held] = {}

    def add(self, delta: ToolCallDelta) -> ToolCallDelta | None:
        """Take the next piece; return what is to go out now, if anything."""
        held = self._calls.get(delta.index)
        if held is None or delta.id is not None or delta.name is not None:
            before = self._take(delta.index) if held is not None else ""
            self._calls[delta.index] = _Held(len(before) + len(delta.arguments))
            return delta._replace(arguments=before + delta.arguments) if before else delta
        held.pieces.append(delta.arguments)
        held.count += len(delta.arguments)
        if held.count * SHARE < held.sent and now() - held.last < held.sent * SECONDS_PER_CHARACTER:
            return None
        return ToolCallDelta(delta.index, None, None, self._take(delta.index))

    def rest(self) -> Iterator[ToolCallDelta]:
        """What is still held, at the end."""
        for index, held in self._calls.items():
            if held.count:
                yield ToolCallDelta(index, None, None, self._take(index))

    def _take(self, index: int) -> str:
        held = self._calls[index]
        joined = "".join(held.pieces)
        held.pieces.clear()
        held.sent += held.count
        held.count = 0
        held.last = now()
        return joined
