"""The data that the local server keeps between requests, until it is reset."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any, TypeVar

from deepseek_v4.testing.faults import Fault
from deepseek_v4.testing.request_log import ReceivedRequest, SeenKey
from deepseek_v4.testing.script import Turn

T = TypeVar("T")


@dataclass(slots=True)
class Memory:
    """The queues and logs: turns and faults are added by any thread, and deques need no lock."""

    turns: deque[Turn] = field(default_factory=deque)
    faults: deque[Fault] = field(default_factory=deque)
    requests: list[ReceivedRequest] = field(default_factory=list)
    seen_keys: list[SeenKey] = field(default_factory=list)
    prompts: set[bytes] = field(default_factory=set)  # the digests of the prompts' beginnings: `tokens.cached_tokens`
    reasoning: dict[str, list[Any]] = field(default_factory=dict)  # that of past answers, for a dialect that compares
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    begun: deque[float] = field(default_factory=deque)  # the times of the answers within the last minute


def next_in(queue: deque[T], keep: bool = False) -> T | None:
    """Return the next entry of a queue, `None` if there is none; it stays in the queue if `keep` is True."""
    try:
        return queue[0] if keep else queue.popleft()
    except IndexError:
        return None
