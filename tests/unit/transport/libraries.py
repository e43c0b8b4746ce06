"""The HTTP libraries of given clients: httpx, and its successor if it is available (Python 3.11)."""

from __future__ import annotations

import contextlib
from types import ModuleType

import httpx

LIBRARIES: list[ModuleType] = [httpx]
with contextlib.suppress(ImportError):
    import httpx2

    LIBRARIES.append(httpx2)
