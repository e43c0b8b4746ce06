"""The HTTP libraries a given client may be of: httpx, and its successor where that can be had (Python 3.11)."""

from __future__ import annotations

import contextlib
from types import ModuleType

import httpx

LIBRARIES: list[ModuleType] = [httpx]
with contextlib.suppress(ImportError):
    import httpx2

    LIBRARIES.append(httpx2)
