"""The report about the prefix cache: how much of each conversation was cached, and why the rest was not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from deepseek_v4.observe.prompt_changes import Change

MissCause: TypeAlias = Literal["changed", "expired", "too_soon", "evicted"]


@dataclass(frozen=True, slots=True)
class CacheMiss:
    """A request whose beginning was sent before, and was paid again.

    Attributes:
        request: Number of the request in its conversation, from 1.
        cause: ``changed`` (the prompt differs from the one before it), ``expired`` (the same beginning, after more than
            an hour), ``too_soon`` (the same beginning, a few seconds later: the provider may not have stored it yet),
            ``evicted`` (the same beginning, but the provider did not have it any more).
        change: The first place that differs; None unless ``cause`` is ``changed``.
        tokens: Tokens that would have been cached: those of the prompt before, or of this one if it is shorter.
            Approximate, because providers store blocks.
        cost: US dollars that they cost more than cached ones; None if a price is not known.
        at: Time (UTC) of the request.
        idle: Seconds since the end of the request before it.
    """

    request: int
    cause: MissCause
    change: Change | None
    tokens: int
    cost: float | None
    at: datetime
    idle: float

    def __str__(self) -> str:
        paid = "price not known" if self.cost is None else f"${self.cost:.6f}"
        why = f"changed here: {self.change}" if self.change is not None else _CAUSES[self.cause].format(idle=self.idle)
        return f"request {self.request}: {self.tokens:,} tokens paid again ({paid}); {why}"


_CAUSES = {
    "expired": "the same beginning, expired after {idle:,.0f} s without a request",
    "too_soon": "the same beginning, only {idle:.1f} s later: perhaps not stored yet",
    "evicted": "the same beginning, evicted by the provider",
}


@dataclass(frozen=True, slots=True)
class Conversation:
    """The requests of one conversation: those that share messages.

    Attributes:
        start: The beginning of its first message that is not a system message.
        requests: Number of answered requests.
        input_tokens: Prompt tokens, cached ones included.
        cached_tokens: Prompt tokens read from the cache; None if the provider does not report them.
        misses: Requests that paid again for a beginning that was sent before. The latest 1,000.
    """

    start: str
    requests: int
    input_tokens: int
    cached_tokens: int | None
    misses: tuple[CacheMiss, ...]

    @property
    def share(self) -> float | None:
        """The share of cached tokens, 0 to 1; None if it is not known."""
        return _share(self.cached_tokens, self.input_tokens)

    @property
    def missed_cost(self) -> float:
        """US dollars that the misses cost, of those whose price is known."""
        return sum(miss.cost or 0.0 for miss in self.misses)


@dataclass(frozen=True, slots=True)
class CacheReport:
    """The conversations of a model, oldest first. ``print`` shows it as text."""

    conversations: tuple[Conversation, ...]

    @property
    def share(self) -> float | None:
        """The share of cached tokens of all conversations, 0 to 1; None if it is not known."""
        known = [one for one in self.conversations if one.cached_tokens is not None]
        return _share(_sum(one.cached_tokens for one in known), _sum(one.input_tokens for one in known))

    @property
    def misses(self) -> tuple[CacheMiss, ...]:
        """The misses of all conversations."""
        return tuple(miss for one in self.conversations for miss in one.misses)

    @property
    def missed_cost(self) -> float:
        """US dollars that the misses cost, of those whose price is known."""
        return sum(one.missed_cost for one in self.conversations)

    def __str__(self) -> str:
        lines = [f"{_percent(self.share)} of the input cached; misses cost ${self.missed_cost:.6f}"]
        for one in self.conversations:
            if one.requests > 1:
                counts = f"{one.requests} requests, {one.input_tokens:,} tokens in, {_percent(one.share)} cached"
                lines += [f"{one.start!r}: {counts}", *(f"  {miss}" for miss in one.misses)]
        single = sum(one.requests == 1 for one in self.conversations)
        if single:
            lines.append(f"conversations of one request: {single}")
        return "\n".join(lines)


def _sum(counts: Iterable[int | None]) -> int:
    return sum(count or 0 for count in counts)


def _share(cached: int | None, tokens: int) -> float | None:
    return None if cached is None or not tokens else min(cached / tokens, 1.0)


def _percent(share: float | None) -> str:
    return "an unknown share" if share is None else f"{share:.0%}"
