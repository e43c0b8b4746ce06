"""The options of the local server, in one checked value."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Literal, get_args

Passback = Literal["strict", "lenient", "off"]
UsageChunk = Literal["with_finish", "separate", "repeated_finish", "null_finish"]
OFF_PEAK = 1_790_000_000.0
"""Monday 2026-09-21, 14:13:20 UTC: outside DeepSeek's peak hours, in which prices double."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """The options of the server; `LocalServer` documents each of them."""

    passback: Passback = "strict"
    keep_alives: int = 0
    keep_alive_interval: float | None = None
    fragment: Any = None  # int, random.Random or None; a seed becomes a Random
    chunk_delay: float = 0.0
    burst: bool = True
    content_null: bool = False
    usage_chunk: UsageChunk | None = None
    pings: bool = False
    thinking_default: bool | None = None
    type_error_status: int = 422
    unique_ids: bool = False
    prefix_cache: bool = True
    context_length: int | None = None
    extra_models: Iterable[str] = ()
    unavailable_models: Iterable[str] = ()
    extra_keys: Iterable[str] = ()
    latency: float = 0.0
    max_concurrency: int | None = None
    rpm: int | None = None
    files_per_page: int = 1000
    clock: float | Callable[[], float] = OFF_PEAK

    def __post_init__(self) -> None:
        for name in ("extra_models", "unavailable_models", "extra_keys"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if isinstance(self.fragment, str):
            object.__setattr__(self, "fragment", random.Random(self.fragment))  # noqa: S311 - lengths, no secret
        if self.passback not in get_args(Passback):
            raise ValueError(f"passback must be 'strict', 'lenient' or 'off', not {self.passback!r}")
        if self.usage_chunk not in (None, *get_args(UsageChunk)):
            raise ValueError(f"usage_chunk must be one of {', '.join(get_args(UsageChunk))}, not {self.usage_chunk!r}")
        if self.type_error_status not in (400, 422):
            raise ValueError(f"type_error_status must be 400 or 422, not {self.type_error_status!r}")
        if not callable(self.clock) and not isinstance(self.clock, (int, float)):
            raise TypeError(f"clock must be seconds since 1970 or a function such as time.time, not {self.clock!r}")
        if isinstance(self.fragment, int) and self.fragment < 1:
            raise ValueError("fragment must be at least one byte")
        if self.keep_alives < 0 or self.chunk_delay < 0 or self.latency < 0:
            raise ValueError("keep_alives, chunk_delay and latency cannot be negative")
        if any(limit is not None and limit < 1 for limit in (self.max_concurrency, self.rpm)):
            raise ValueError("max_concurrency and rpm must be at least 1. Omit them for a server without limits.")

    @property
    def seconds(self) -> int:
        """The time of the clock, in seconds since 1970."""
        return int(self.clock() if callable(self.clock) else self.clock)

    @property
    def strict(self) -> bool:
        """True if doubtful requests are refused, by the strictest reading of the documentation."""
        return self.passback == "strict"


def clock_of(text: str) -> float | Callable[[], float]:
    """Return the clock of `now` or an ISO time, UTC unless it has an offset; raise ValueError for another text."""
    if text == "now":
        return time.time
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a time. Use now, or an ISO time as in 2026-11-30T14:00.") from None
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=timezone.utc)).timestamp()
