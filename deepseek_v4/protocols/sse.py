"""Split server-sent events: any chunks of bytes in, the data of complete events out. No interpretation, no I/O.

Follows https://html.spec.whatwg.org/multipage/server-sent-events.html as far as model APIs use it: ``data:``
lines (several join with a newline), comments, blank lines and a byte order mark skipped, line ends LF or CRLF. The
event name is not kept, because every protocol repeats it inside the data. A lone CR does not end a line.
"""

from __future__ import annotations

import codecs

from deepseek_v4.values.response_limits import DEFAULT, ResponseLimits

STRAY_LIMIT = 65_536
"""Bytes kept of lines that belong to no event, to describe a response that is not an event stream."""


class EventSplitter:
    """Splits a byte stream into events; each byte is read once, however the stream is chunked.

    Args:
        limits: The bounds of a line and of an event.

    Attributes:
        exceeded: Name of the limit that the stream exceeds; nothing after that place is split.
    """

    __slots__ = ("_bound", "_carried", "_data", "_limits", "_line", "_stray", "_stray_size", "exceeded")

    def __init__(self, limits: ResponseLimits = DEFAULT) -> None:
        self.exceeded: str | None = None
        self._limits = limits
        self._bound = min(limits.line_bytes, limits.event_bytes)
        self._carried = 0
        """Bytes kept of an incomplete line and an incomplete event."""
        self._line: list[bytes] = []
        """Parts of a line whose end has not been received."""
        self._data: list[bytes] = []
        """The ``data`` lines of the current event."""
        self._stray: list[bytes] = []
        self._stray_size = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """Add a chunk; return the data of the events that it completes."""
        self._carried += len(chunk)
        if self._carried > self._bound:
            return self._feed_bounded(chunk)
        return self._split(chunk)

    def _split(self, chunk: bytes) -> list[bytes]:
        if b"\n" not in chunk:
            if chunk:
                self._line.append(chunk)
            return []
        lines = chunk.split(b"\n")
        if self._line:
            self._line.append(lines[0])
            lines[0] = b"".join(self._line)
            self._line = []
        lines[0] = lines[0].removeprefix(codecs.BOM_UTF8)
        rest = lines.pop()
        if rest:
            self._line.append(rest)
        events: list[bytes] = []
        data = self._data
        for line in lines:
            if line.startswith(b"data:"):
                data.append(line[5:].strip())
            elif not line or line == b"\r":
                if data:
                    events.append(data[0] if len(data) == 1 else b"\n".join(data))
                    data.clear()
            elif self._stray_size < STRAY_LIMIT and not line.startswith((b":", b"event:", b"id:", b"retry:")):
                self._stray.append(line)
                self._stray_size += len(line)
        if not data:
            self._carried = len(rest)
        return events

    def _feed_bounded(self, chunk: bytes) -> list[bytes]:
        """Split line by line; stop at the first line or event that is too long."""
        if self.exceeded is not None:
            return []
        line, data = sum(map(len, self._line)), sum(map(len, self._data))
        events: list[bytes] = []
        *lines, rest = chunk.split(b"\n")
        for part in [*(each + b"\n" for each in lines), *([rest] if rest else ())]:
            ended = part.endswith(b"\n")
            line += len(part) - ended
            if line > self._limits.line_bytes:
                self.exceeded = "line_bytes"
            known = len(self._data)
            found = self._split(part)
            if ended:
                line = 0
                data = 0 if not self._data else data + sum(map(len, self._data[known:]))
            if data > self._limits.event_bytes or any(len(event) > self._limits.event_bytes for event in found):
                self.exceeded = self.exceeded or "event_bytes"
            if self.exceeded is not None:
                self._line, self._data = [], []
                break
            events += found
        self._carried = line + data
        return events

    def flush(self) -> list[bytes]:
        """End the stream; return the event without a closing blank line, if there is one."""
        return self.feed(b"\n\n")

    def stray(self) -> bytes:
        """Return the bytes that are not part of any event (an HTML page, a JSON body), up to ``STRAY_LIMIT``."""
        return b"\n".join(self._stray)
