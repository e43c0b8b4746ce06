"""A refused request: raised by the checks, written out by the dialect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

JSON = "application/json"
OCTETS = "application/octet-stream"  # what business errors are served as


@dataclass(slots=True)
class Rejection(Exception):
    """Why a request is refused, before any dialect has worded it."""

    message: str
    status: int = 400
    type: str = "invalid_request_error"
    code: str = "invalid_request_error"
    content_type: str = OCTETS
    headers: Mapping[str, str] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)  # more keys of the error, where a dialect has them

    def __str__(self) -> str:
        return self.message
