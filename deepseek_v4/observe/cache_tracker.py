"""Follow the conversations of a model, and find the requests that lost the provider's prefix cache."""

from __future__ import annotations

import threading
import warnings
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any, NamedTuple

from deepseek_v4 import catalog
from deepseek_v4.catalog import cost
from deepseek_v4.errors import CacheBustWarning
from deepseek_v4.observe.cache_report import CacheMiss, CacheReport, Conversation, MissCause
from deepseek_v4.observe.events import RequestEvent, Section
from deepseek_v4.observe.listeners import Listener
from deepseek_v4.observe.prompt_changes import first_change
from deepseek_v4.observe.sections import parts_of
from deepseek_v4.values.reply import Usage

EXPIRES_AFTER = 3600.0
"""Seconds without a request after which a missing beginning counts as expired. DeepSeek keeps an unused one "a few
hours to a few days" (https://api-docs.deepseek.com/guides/kv_cache)."""
STORED_AFTER = 5.0
"""Seconds that a provider may take to store a prompt; DeepSeek's guide says that it takes seconds."""
BLOCK = 128
"""Tokens in a stored block: the recorded hits of V4 are all multiples of it."""
CONVERSATIONS = 64
"""How many conversations are followed; the one that was idle longest is closed for a new one."""
MISSES = 1000
"""How many misses of a conversation are kept."""
_SAME_PROMPT = (None, "transient", "empty")
"""Reasons of requests whose prompt is that of the call; others end with a part that no later call contains."""


class Comparison(NamedTuple):
    """The parts that a request has in common with the one before it.

    Attributes:
        conversation: Number of its conversation, from 1.
        same: How many of its first sections are those of the request before it; 0 for the first one.
        miss: What was paid again; None if nothing was, or without token counts.
    """

    conversation: int
    same: int
    miss: CacheMiss | None


@dataclass(slots=True)
class _Followed:
    """A conversation, and the last request of it."""

    number: int
    kind: tuple[str, str]
    start: str
    messages: set[str]
    sections: tuple[Section, ...] = ()
    body: Mapping[str, Any] = field(default_factory=dict)
    ended: datetime | None = None
    last_tokens: int = 0
    requests: int = 0
    input_tokens: int = 0
    cached_tokens: int | None = None
    misses: deque[CacheMiss] = field(default_factory=lambda: deque(maxlen=MISSES))

    def report(self) -> Conversation:
        return Conversation(self.start, self.requests, self.input_tokens, self.cached_tokens, tuple(self.misses))


class CacheTracker(Listener):
    """A listener that compares each request with the one before it in its conversation.

    Requests belong to one conversation if they share a message that is not a system message, and the later one is not
    just the beginning of the earlier one. The latest 64 conversations are compared further; the report contains all
    that they and the closed ones have counted.
    """

    def __init__(self) -> None:
        self._followed: list[_Followed] = []
        self._closed: deque[Conversation] = deque(maxlen=1000)
        self._numbers = 0
        self._warning: set[str] = set()
        self._lock = threading.Lock()

    def started(self, answer: str, request: Any) -> None:
        """Note whether the answer's call asks for warnings."""
        if request.options.warn_on_cache_bust:
            self._warning.add(answer)

    def received(self, event: RequestEvent) -> None:
        """Compare an answered request with the one before it.

        Raises:
            CacheBustWarning: if the prompt has changed, and the filter of warnings raises it.
        """
        miss = self.compare(event).miss
        if miss is not None and miss.change is not None and event.answer in self._warning:
            change = miss.change
            text = f"The provider's prefix cache misses from {change.place} on ({change.detail})"
            warnings.warn(f"{text}. Keep the beginning of a conversation unchanged.", CacheBustWarning, stacklevel=2)

    def ended(self, answer: str, error: BaseException | None) -> None:
        """Forget the call."""
        self._warning.discard(answer)

    def report(self) -> CacheReport:
        """Return what was found so far."""
        with self._lock:
            return CacheReport((*self._closed, *(one.report() for one in self._followed if one.requests)))

    def compare(self, event: RequestEvent) -> Comparison:
        """Compare a request with the one before it in its conversation, and count it if it was answered."""
        with self._lock:
            one = self._find(event)
            same = takewhile(lambda pair: pair[0] == pair[1], zip(one.sections, event.sections, strict=False))
            equal = sum(1 for _ in same) if one.sections else 0
            return Comparison(one.number, equal, None if event.usage is None else self._count(one, event, event.usage))

    def _count(self, one: _Followed, event: RequestEvent, usage: Usage) -> CacheMiss | None:
        one.requests += 1
        one.input_tokens += usage.input_tokens
        if usage.cached_tokens is not None:
            one.cached_tokens = (one.cached_tokens or 0) + usage.cached_tokens
        miss = _miss(one, event, usage)
        if miss is not None:
            one.misses.append(miss)
        if event.reason in _SAME_PROMPT:
            one.sections, one.body, one.last_tokens = event.sections, event.body, usage.input_tokens
            one.messages = _messages(event.sections)
            one.ended = event.started + timedelta(seconds=event.seconds)
        return miss

    def _find(self, event: RequestEvent) -> _Followed:
        """Return the conversation that shares most messages with a request, the latest of several; else a new one."""
        own, kind = _messages(event.sections), (event.provider, event.protocol)
        best, most = None, 0
        for one in self._followed:
            shared = len(own & one.messages)
            restarts = event.reason is None and own < one.messages  # the same beginning again: a new run
            if shared and shared >= most and one.kind == kind and not restarts:
                best, most = one, shared
        if best is None:
            self._numbers += 1
            best = _Followed(self._numbers, kind, _start(event.body), own)
        else:
            self._followed.remove(best)
        self._followed.append(best)
        if len(self._followed) > CONVERSATIONS:
            self._closed.append(self._followed.pop(0).report())
        return best


def _miss(one: _Followed, event: RequestEvent, usage: Usage) -> CacheMiss | None:
    if one.ended is None:
        return None
    change = first_change(one.sections, event.sections, one.body, event.body)
    expected = min(one.last_tokens, usage.input_tokens)
    missed = 0 if usage.cached_tokens is None else max(0, expected - expected % BLOCK - usage.cached_tokens)
    idle = (event.started - one.ended).total_seconds()
    if change is not None:
        cause: MissCause = "changed"
    elif missed < 2 * BLOCK or missed < expected / 2:
        return None
    else:
        cause = "expired" if idle > EXPIRES_AFTER else "too_soon" if idle < STORED_AFTER else "evicted"
    return CacheMiss(one.requests, cause, change, missed, _extra_cost(event, missed), event.started, idle)


def _extra_cost(event: RequestEvent, tokens: int) -> float | None:
    """Return what tokens cost more than cached ones, at the price of that hour."""
    facts = catalog.find(event.provider, (event.reply and event.reply.model) or event.model)
    paid = cost.of(Usage(tokens, 0, cached_tokens=0), facts, at=event.started)
    cached = cost.of(Usage(tokens, 0, cached_tokens=tokens), facts, at=event.started)
    return None if paid is None or cached is None else paid.usd - cached.usd


def _messages(sections: Sequence[Section]) -> set[str]:
    return {part.hash for part in sections if part.name.startswith("message ")}


def _start(body: Mapping[str, Any]) -> str:
    value = next((value for name, value, _ in parts_of(body) if name.startswith("message ")), "")
    content = value.get("content", "") if isinstance(value, Mapping) else value
    if isinstance(content, list):
        content = " ".join(str(part.get("text", part.get("type"))) for part in content)
    return str(content)[:60]
