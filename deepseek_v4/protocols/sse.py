"""Server-sent events: bytes in any pieces in, the data of whole events out. No meaning, no I/O.

Follows https://html.spec.whatwg.org/multipage/server-sent-events.html for what model services send: ``data:``
lines (several join with a newline), comments and blank lines skipped, line ends LF or CRLF. The event name
is not kept, because every protocol spoken here repeats it inside the data. A lone CR is no line end here.
"""

from __future__ import annotations

STRAY_LIMIT = 65_536
"""Bytes kept of lines that belong to no event, so that an answer that is no event stream can be explained."""


class EventSplitter:
    """Cuts a byte stream into events; each byte is looked at once, however the pieces fall."""

    __slots__ = ("_data", "_line", "_stray", "_stray_size")

    def __init__(self) -> None:
        self._line: list[bytes] = []
        """Pieces of a line whose end has not arrived."""
        self._data: list[bytes] = []
        """The ``data`` lines of the event that is being read."""
        self._stray: list[bytes] = []
        self._stray_size = 0

    def feed(self, piece: bytes) -> list[bytes]:
        """Take the next bytes; return the data of the events they complete."""
        if b"\n" not in piece:
            if piece:
                self._line.append(piece)
            return []
        lines = piece.split(b"\n")
        if self._line:
            self._line.append(lines[0])
            lines[0] = b"".join(self._line)
            self._line = []
        rest = lines.pop()
        if rest:
            self._line.append(rest)
        events: list[bytes] = []
        data = self._data
        for line in lines:
            if line.startswith(b"data:"):
                data.append(line[5:].strip(b" \r"))
            elif not line or line == b"\r":
                if data:
                    events.append(data[0] if len(data) == 1 else b"\n".join(data))
                    data.clear()
            elif not line.startswith((b":", b"event:", b"id:", b"retry:")):
                self._keep_stray(line)
        return events

    def flush(self) -> list[bytes]:
        """The stream has ended: return the event that lacked its closing blank line, if there is one."""
        return self.feed(b"\n\n")

    def stray(self) -> bytes:
        """What arrived that is no event (an HTML page, a plain JSON body), up to ``STRAY_LIMIT`` bytes."""
        return b"\n".join(self._stray)

    def _keep_stray(self, line: bytes) -> None:
        if self._stray_size < STRAY_LIMIT:
            self._stray.append(line)
            self._stray_size += len(line)
