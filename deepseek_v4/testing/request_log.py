"""The log of the requests and of their keys."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Any

PRIVATE_HEADERS = ("authorization", "x-api-key", "proxy-authorization", "cookie")


def masked_key(key: str) -> str:
    """Return a key as the service shows it: four asterisks and the last four characters."""
    return "****" + key[-4:]


def masked_header(name: str, value: str) -> str:
    """Return a header's value, with keys masked."""
    if name not in PRIVATE_HEADERS:
        return value
    scheme, _, key = value.rpartition(" ")
    return f"{scheme} {masked_key(key)}" if scheme else masked_key(key)


@dataclass(slots=True)
class ReceivedRequest:
    """One request as the server received it, and its result.

    Attributes:
        method: HTTP method.
        path: Path without the query.
        query: Query string, `""` if there was none.
        headers: Headers in lower case; keys are masked.
        body: Parsed JSON, `None` if there was no body or it was not JSON.
        raw: The bytes of the body.
        status: Status that was sent; `None` before, or if the connection was dropped instead.
        aborted: True if the client disconnected before the end of the answer.
    """

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: Any
    raw: bytes = field(repr=False)
    status: int | None = None
    aborted: bool = False


class SeenKey:
    """A received key, stored as a digest so that it can be compared but not read back.

    Attributes:
        masked: Four asterisks and the last four characters.
        count: Number of requests with it.
    """

    __slots__ = ("_digest", "count", "masked")

    def __init__(self, key: str) -> None:
        self._digest = hashlib.sha256(key.encode()).digest()
        self.masked = masked_key(key)
        self.count = 1

    def matches(self, key: str) -> bool:
        """Return True if the keys are equal."""
        return hmac.compare_digest(self._digest, hashlib.sha256(key.encode()).digest())

    def __repr__(self) -> str:
        return f"SeenKey({self.masked!r}, count={self.count})"
