"""The attempts of one call: what happens to each delta, and whether another request follows. No I/O.

An answer may take several requests: a request fails, an answer is empty, its JSON does not match the schema, or a
stream is interrupted. A ``RetryPolicy`` decides about one such cause; ``Attempts`` calls the policies in order, records
the result and usage of each attempt, and merges them into the final answer. The loops that send are in
``retry_loops.py``.
"""

from __future__ import annotations

import logging
import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Generic, TypeVar

from deepseek_v4.errors import DeepSeekError
from deepseek_v4.recovery.user_call import UserCall
from deepseek_v4.values.reply import Attempt, AttemptReason, Reply, Usage
from deepseek_v4.values.value import dataclass

Request = TypeVar("Request")
Item = TypeVar("Item")
Answer = TypeVar("Answer")

_log = logging.getLogger("deepseek_v4")


@dataclass(frozen=True, slots=True)
class FailedAttempt(Generic[Answer]):
    """One attempt whose result is not the final answer.

    Attributes:
        reason: Why another request followed.
        detail: The reason as a sentence.
        seconds: Its duration.
        outcome: Its answer or its error; preceded by the answer that it continues.
        kept: The part of its answer that belongs to the final one, because it was already shown.
    """

    reason: AttemptReason
    detail: str
    seconds: float
    outcome: Answer | DeepSeekError
    kept: Answer | None = None

    def describe(self, usage: Usage | None = None, cost: float | None = None) -> Attempt:
        """Return the entry of ``Reply.attempts``, with tokens and US dollars if they are known."""
        status = self.outcome.status_code if isinstance(self.outcome, DeepSeekError) else 200
        return Attempt(self.reason, self.detail, round(self.seconds, 3), status, usage, cost)


@dataclass(frozen=True, slots=True)
class Retry(Generic[Request, Item, Answer]):
    """The decision of a policy to send another request.

    Attributes:
        request: The request to send next.
        reason: The reason for it.
        detail: The reason as a sentence.
        wait: Seconds to wait before it.
        begun: The answer so far, if the next request continues it: the policies judge both as one answer.
        missed: Items of ``begun`` that were not received, because the attempt was interrupted.
        kept: The part of this attempt's answer that belongs to the final one, if the next request starts a new answer.
        fallback: True if this attempt's answer is the final one if the next request fails, or a policy raises
            ``FallBack``.
        holds_next: True if nothing of the next answer is shown before it has been judged.
    """

    request: Request
    reason: AttemptReason
    detail: str
    wait: float = 0.0
    begun: Answer | None = None
    missed: Sequence[Item] = ()
    kept: Answer | None = None
    fallback: bool = False
    holds_next: bool = False


class FallBack(Exception):
    """The decision of a policy that the answer is not better than the one before it, which is returned."""

    def __init__(self, reason: AttemptReason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class RetryPolicy(ABC, Generic[Request, Item, Answer]):
    """The rule for one cause of another attempt."""

    sees_items: ClassVar[bool] = False
    """True if every streamed item is passed to ``holds``; otherwise the common types are not."""

    def holds(self, item: Item) -> bool:
        """Return True if a streamed item is held back until the attempt is judged, or another item is not held."""
        return False

    @abstractmethod
    def judge(
        self, attempts: Attempts[Request, Item, Answer], outcome: Answer | DeepSeekError
    ) -> Retry[Request, Item, Answer] | None:
        """Decide about the outcome of an attempt.

        Args:
            attempts: The state of the call: the request, the attempts before it, the time left.
            outcome: The answer, or the error.

        Returns:
            The next request; None if this policy requires none.

        Raises:
            DeepSeekError: to end the call with another error.
            FallBack: to end the call with the answer that was marked ``fallback``.
        """


class Attempts(ABC, Generic[Request, Item, Answer]):
    """The state of one call over all its attempts. Subclasses merge answers of their type.

    Args:
        request: The first request.
        policies: The policies in order; the first decision applies.
        started: Time when the first request was sent, by ``time.monotonic``.
        total_timeout: Seconds that all attempts may take together, waits included.
        most: Requests that may be sent, all causes together.
        on_retry: Called with each attempt that is followed by another one.
        call: The user's call that this one is a part of: its counts and callback apply.

    Attributes:
        request: The request to send next.
        base: The request whose answer is judged: the same one, or the one whose answer ``request`` continues.
        begun: The answer that ``request`` continues; None if it does not.
        failed: The attempts so far whose result is not the final answer.
        opened: True if the response of the current attempt has begun; a later error is not one of the request.
        wait: Seconds to wait before the next request.
        exhausted: True if a limit prevented another request.
        earlier: The attempts of calls that this one repeats.
    """

    passes_through: ClassVar[tuple[type, ...]] = ()
    """Types of items that are passed on without calling the policies, unless one of them ``sees_items``."""

    passes_by: ClassVar[tuple[type, ...]] = ()
    """Types of items that are shown while others are held back, because they belong to another channel."""

    def __init__(
        self,
        request: Request,
        policies: Sequence[RetryPolicy[Request, Item, Answer]],
        *,
        started: float,
        total_timeout: float | None = None,
        most: float = math.inf,
        on_retry: Callable[[Attempt], Any] | None = None,
        call: UserCall | None = None,
    ) -> None:
        self.request: Request = request
        self.base: Request = request
        self.begun: Answer | None = None
        self.policies = policies
        self.failed: list[FailedAttempt[Answer]] = []
        self.opened: bool = False
        self.wait: float = 0.0
        self.exhausted: bool = False
        self.earlier: tuple[Attempt, ...] = ()
        self._most = most
        self._on_retry = on_retry
        self._call = call
        self.through = () if any(policy.sees_items for policy in policies) else self.passes_through
        self.deadline: float = math.inf if total_timeout is None else started + total_timeout
        self._started = started
        self._held: list[Item] = []
        self._holding = False
        self._fallback: tuple[int, list[Item]] | None = None
        """Index of the attempt whose answer is the final one if the next request fails, and its items."""

    @abstractmethod
    def merge(self, failed: Sequence[FailedAttempt[Answer]], answer: Answer | None) -> Answer:
        """Merge all attempts into one answer: their summed usage, preceded by what was kept of the earlier ones.

        Args:
            failed: The attempts before the answer, oldest first.
            answer: The answer; None if there is none.
        """

    def note(self, failed: FailedAttempt[Answer]) -> Attempt:
        """Describe an attempt before the final one, for ``Reply.attempts``; here without tokens and cost."""
        return failed.describe()

    def notes(self, failed: Sequence[FailedAttempt[Answer]]) -> tuple[Attempt, ...]:
        """Describe several attempts, including those that each of them made itself."""
        return tuple(map(self.note, failed))

    def join(self, begun: Answer, outcome: Answer | DeepSeekError) -> Answer | DeepSeekError:
        """Put the answer that an outcome continues in front of it; the usage is not added."""
        return outcome

    def partial(self, error: DeepSeekError) -> Reply | None:
        """Return the partial reply of an error, with the usage of the earlier attempts added."""
        usage = None
        for note in self.notes(self.failed):
            usage = usage + note.usage if usage is not None else note.usage
        if usage is None:
            return error.partial
        own = error.partial or Reply()
        return replace(own, usage=usage + own.usage)

    def seconds_left(self) -> float:
        """Return the seconds until the deadline; infinite without one."""
        return math.inf if self.deadline == math.inf else self.deadline - time.monotonic()

    def may_retry(self) -> bool:
        """Return True if another request is possible in the time that is left and the number of requests.

        A policy calls it if it would send one: ``exhausted`` is True after the number prevented it.
        """
        if self.seconds_left() <= 0:
            return False
        call = self._call
        made, most = (len(self.failed) + 1, self._most) if call is None else (call.made, call.most)
        self.exhausted = made >= most
        return not self.exhausted

    def count(self, *reasons: AttemptReason) -> int:
        """Count the attempts that failed for one of the reasons."""
        return sum(attempt.reason in reasons for attempt in self.failed)

    def receive(self, item: Item) -> Sequence[Item]:
        """Receive a streamed item; return the items to show now."""
        holds = [policy.holds(item) for policy in self.policies]  # every policy sees every item
        if self._holding or any(holds):
            self._held.append(item)
            return ()
        if not self._held or isinstance(item, self.passes_by):
            return (item,)
        items, self._held = [*self._held, item], []
        return items

    def finish(self, outcome: Answer | DeepSeekError) -> tuple[Sequence[Item], Answer | None]:
        """Process the outcome of an attempt.

        Returns:
            The items to show now, and the final answer; None if ``request`` is to be sent after ``wait`` seconds.

        Raises:
            DeepSeekError: the error that ends the call; ``partial`` contains what was shown and the usage of all.
        """
        retry: Retry[Request, Item, Answer] | None = None
        if self.begun is not None:
            outcome = self.join(self.begun, outcome)
        for policy in self.policies:
            try:
                retry = policy.judge(self, outcome)
            except FallBack as verdict:
                return self._fall_back(verdict.reason, verdict.detail, outcome)
            except DeepSeekError as error:  # the policies after it judge this one
                if error.partial is None and isinstance(outcome, DeepSeekError):
                    error.partial = outcome.partial
                outcome = error
            if retry is not None:
                break
        held, self._held = self._held, []
        if retry is not None:
            return self._prepare_next(retry, outcome, held), None
        if not isinstance(outcome, DeepSeekError):
            several = self.failed or self.exhausted or self.earlier
            return held, (self.merge(self.failed, outcome) if several else outcome)
        if self._fallback is not None and (self._holding or not self.opened):
            return self._fall_back("error", str(outcome), outcome)
        try:
            raise self._with_history(outcome)
        finally:
            del outcome  # avoids a reference cycle between the error and its frame

    def _prepare_next(
        self, retry: Retry[Request, Item, Answer], outcome: Answer | DeepSeekError, held: list[Item]
    ) -> Sequence[Item]:
        now = time.monotonic()
        if not self._holding and retry.reason != "transient":  # while holding, the first answer stays the fallback
            self._fallback = (len(self.failed), held) if retry.fallback else None
        kept = None if self._holding else retry.kept  # nothing of it was shown
        self.failed.append(FailedAttempt(retry.reason, retry.detail, now - self._started, outcome, kept))
        _log.info(
            "Attempt %d: %s (%s); the next one in %.2f s", len(self.failed), retry.reason, retry.detail, retry.wait
        )
        on_retry = self._on_retry if self._call is None else self._call.on_retry
        if on_retry is not None:
            on_retry(self.note(self.failed[-1]))
        if retry.holds_next:
            self._holding, self.through = True, ()
        if retry.reason != "transient":
            self.begun = retry.begun
            if retry.begun is None:
                self.base = retry.request
        if self.begun is not None:
            self._held = [*held]
        self._started = now + retry.wait
        self.request = retry.request
        if self.deadline != math.inf:
            self.request = replace(retry.request, deadline=self.deadline)  # type: ignore[type-var]
        self.wait = retry.wait
        self.opened = False
        return [shown for item in retry.missed for shown in self.receive(item)]

    def _fall_back(
        self, reason: AttemptReason, detail: str, outcome: Answer | DeepSeekError
    ) -> tuple[Sequence[Item], Answer]:
        assert self._fallback is not None, "a policy raised FallBack without an attempt to fall back to"
        place, items = self._fallback
        chosen = self.failed[place]
        assert not isinstance(chosen.outcome, DeepSeekError)
        last: FailedAttempt[Answer] = FailedAttempt(reason, detail, time.monotonic() - self._started, outcome)
        others = [*self.failed[:place], *self.failed[place + 1 :], last]
        return items, self.merge(others, chosen.outcome)

    def _with_history(self, error: DeepSeekError) -> DeepSeekError:
        if self.exhausted:
            error.attempts_exhausted = True
        if self.failed:
            error.partial = self.partial(error)
        if self.failed or self.earlier:
            error.attempts = (*self.earlier, *self.notes(self.failed), *error.attempts)
            if error.partial is not None:
                error.partial = replace(error.partial, attempts=error.attempts)
        return error
