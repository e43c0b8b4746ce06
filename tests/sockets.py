"""The sockets of this process, from the tables of Linux."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

ESTABLISHED = "01"


def connections_to(port: int) -> int:
    """Count the established connections of this process to a port; 0 on systems without ``/proc``."""
    table = Path("/proc/self/net/tcp")
    if not table.exists():
        return 0
    sockets = set()
    for descriptor in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # closed since the directory was read
            sockets.add(os.readlink(f"/proc/self/fd/{descriptor}"))
    rows = [row.split() for row in table.read_text().splitlines()[1:]]
    return sum(
        int(row[2].partition(":")[2], 16) == port and row[3] == ESTABLISHED and f"socket:[{row[9]}]" in sockets
        for row in rows
    )
