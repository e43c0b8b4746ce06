"""A refused request: raised by the checks, encoded by the dialect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

JSON = "application/json"
OCTETS = "application/octet-stream"  # the content type of business errors


@dataclass(slots=True)
class Rejection(Exception):
    """The reason of a refusal, independent of the dialect's form."""

    message: str
    status: int = 400
    type: str = "invalid_request_error"
    code: str = "invalid_request_error"
    content_type: str = OCTETS
    headers: Mapping[str, str] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)  # more keys of the error, for some dialects

    def __str__(self) -> str:
        return self.message
