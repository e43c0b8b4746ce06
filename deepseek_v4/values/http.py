"""One HTTP request and one complete response, as values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import SecretStr

MASK = "********"
SECRET_HEADER = re.compile(r"auth|key|token|secret|cookie", re.I)
"""Names of headers that may contain a secret."""
TIMEOUT_PHASES = ("connect", "read", "write", "pool")
"""The parts of an ``httpx.Timeout``."""


@dataclass(slots=True, eq=False, repr=False)
class HttpRequest:
    """One HTTP request, complete except for the key, which is added when it is sent (see ``transport``)."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = b""
    key: SecretStr | None = None
    key_header: str = "Authorization"
    """``Authorization`` sends ``Bearer <key>``; any other header sends the bare key."""


@dataclass(slots=True, eq=False, repr=False)
class HttpResponse:
    """One complete HTTP response. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
