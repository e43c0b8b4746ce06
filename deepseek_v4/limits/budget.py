"""``Budget``: a limit in US dollars, tokens or requests for any number of models, threads and tasks of a process."""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Mapping
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

from deepseek_v4 import catalog
from deepseek_v4.catalog import cost
from deepseek_v4.errors import BudgetExceededError, DeepSeekError, InvalidRequestError
from deepseek_v4.tokens import estimate_text
from deepseek_v4.values.reply import ReasoningDelta, Reply, StreamEnd, TextDelta, ToolCallDelta, Usage

FIRST_ANSWER = 2048
"""Tokens that are reserved for an answer without ``max_tokens``, before there is another one to compare with."""


class Spent(NamedTuple):
    """The cost of requests.

    Attributes:
        requests: HTTP requests sent, failed ones included.
        input_tokens: Prompt tokens.
        output_tokens: Answer tokens, reasoning included.
        usd: US dollars; requests to models without a known price add nothing.
        estimated: Requests among them whose tokens are an estimate, because the provider did not report them: the
            stream was interrupted or closed, or the request timed out.
    """

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    usd: float = 0.0
    estimated: int = 0

    @property
    def tokens(self) -> int:
        """Prompt and answer tokens."""
        return self.input_tokens + self.output_tokens

    def plus(self, other: Spent) -> Spent:
        """Return the sum of both."""
        return Spent._make(one + more for one, more in zip(self, other, strict=True))

    def minus(self, other: Spent) -> Spent:
        """Return the difference of both."""
        return Spent._make(one - more for one, more in zip(self, other, strict=True))


class Budget:
    """A limit for what models may spend. Pass the same object to all of them.

    Before each HTTP request, retries and resumed parts included, the estimated prompt and the expected answer are
    reserved; a request that does not fit is not sent. After it, the tokens that the provider reports replace the
    reservation. The expected answer is ``max_tokens``; without it, the longest answer of the model so far.

    Args:
        usd: US dollars.
        tokens: Prompt and answer tokens.
        requests: HTTP requests.
        name: Budgets with the same name and limits are one budget in a process, and stay so until the process ends.

    A pickle or a copy of a budget is the same budget in its process. In another process it is one with the same limits
    that counts what that process spends.

    Raises:
        ValueError: if a limit is not above zero, or a budget of this name has other limits.

    Examples:
        >>> from deepseek_v4 import Budget, Client
        >>> budget = Budget(usd=5)
        >>> fast, careful = Client(budget=budget), Client(model="deepseek-v4-pro", budget=budget)
        >>> budget.spent().usd
        0.0
    """

    def __init__(
        self,
        usd: float | None = None,
        tokens: int | None = None,
        requests: int | None = None,
        *,
        name: str | None = None,
    ) -> None:
        for limit, value in {"usd": usd, "tokens": tokens, "requests": requests}.items():
            if value is not None and not value > 0:
                raise ValueError(f"{limit}={value!r} is not a limit. Use a number above 0, or None.")
        self._account = _account(name, _Limits(usd, tokens, requests), is_kept=name is not None)

    @property
    def name(self) -> str:
        """The name; a unique one if none was given."""
        return self._account.name

    def spent(self) -> Spent:
        """Return what all requests have cost so far, without those under way."""
        with self._account.lock:
            return sum_of(self._account.spent)

    def spent_on(self) -> dict[str, Spent]:
        """Return what requests have cost so far, by provider and model: ``deepseek/deepseek-v4-flash``."""
        with self._account.lock:
            return dict(self._account.spent)

    def reserve(self, provider: str, model: str, prompt_tokens: int, max_tokens: int | None = None) -> Reservation:
        """Reserve the cost of one request.

        Args:
            provider: The name of the provider.
            model: The requested model.
            prompt_tokens: Estimated tokens of the prompt.
            max_tokens: Maximum number of answer tokens; None if it is not limited.

        Raises:
            BudgetExceededError: if it could exceed the budget.
            InvalidRequestError: if the budget is in US dollars and no price of the model is known.
        """
        account = self._account
        with account.lock:
            answer = max_tokens or account.longest.get(f"{provider}/{model}", FIRST_ANSWER)
            price = cost.of(Usage(prompt_tokens, answer), catalog.find(provider, model))
            if price is None and account.limits.usd is not None:
                raise InvalidRequestError(
                    f"The budget is in US dollars, but no price of {model} is known for {provider}. Use "
                    "Budget(tokens=…), or update the prices with Client.refresh_catalog().",
                    provider=provider,
                )
            amount = Spent(1, prompt_tokens, answer, 0.0 if price is None else price.usd)
            account.check(amount, provider)
            account.reserved = account.reserved.plus(amount)
        return Reservation(account, provider, model, amount)

    def __repr__(self) -> str:
        given = self._account.limits._asdict().items()
        return f"Budget({', '.join(f'{name}={value!r}' for name, value in given if value is not None)})"

    def __copy__(self) -> Budget:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Budget:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (self.name, *self._account.limits, self.name in _kept)


class Reservation:
    """The reserved cost of one request. The first call of ``end`` replaces it by the real one."""

    __slots__ = ("_account", "_amount", "_model", "_provider", "_texts")

    def __init__(self, account: _Account, provider: str, model: str, amount: Spent) -> None:
        self._account: _Account | None = account
        self._provider = provider
        self._model = model
        self._amount = amount
        self._texts: list[str] = []

    def receive(self, item: Any) -> None:
        """Receive an item of a streamed answer; its texts are kept for an estimate, if it ends early."""
        if type(item) is StreamEnd:
            self.end(item.reply)
        elif isinstance(item, (TextDelta, ReasoningDelta)):
            self._texts.append(item.text)
        elif isinstance(item, ToolCallDelta):
            self._texts.append(item.arguments)

    def end(self, outcome: Reply | BaseException | None = None) -> None:
        """Count the request: the tokens that the provider reported, or an estimate if it may bill it.

        Args:
            outcome: The reply; the error; None for a stream that was closed.
        """
        if self._account is None:
            return
        reply = outcome.partial if isinstance(outcome, DeepSeekError) else outcome
        if isinstance(reply, Reply):
            self._settle(self._counted(reply))
        elif isinstance(outcome, DeepSeekError) and not outcome.may_be_billed and outcome.status_code != 200:
            self._settle(Spent(1))
        else:
            self._settle(self._estimate("".join(self._texts)))

    def _counted(self, reply: Reply) -> Spent:
        usage = reply.usage
        if usage is None:
            reasoning = None if reply.reasoning is None else reply.reasoning.text
            return self._estimate(reply.content + (reasoning or ""))
        price = reply.cost
        return Spent(1, int(usage.input_tokens), int(usage.output_tokens), 0.0 if price is None else price.usd)

    def _estimate(self, text: str) -> Spent:
        usage = Usage(self._amount.input_tokens, estimate_text(text))
        price = cost.of(usage, catalog.find(self._provider, self._model))
        return Spent(1, usage.input_tokens, usage.output_tokens, 0.0 if price is None else price.usd, estimated=1)

    def _settle(self, amount: Spent) -> None:
        account, self._account = self._account, None
        if account is not None:
            account.settle(f"{self._provider}/{self._model}", self._amount, amount)


class _Limits(NamedTuple):
    usd: float | None
    tokens: int | None
    requests: int | None


class _Account:
    """The counts of all budgets of one name."""

    def __init__(self, name: str, limits: _Limits) -> None:
        self.name = name
        self.limits = limits
        self.spent: dict[str, Spent] = {}
        self.longest: dict[str, int] = {}
        """Tokens of the longest answer of each model."""
        self.start()

    def start(self) -> None:
        """Create what a forked child cannot take over: the lock, and the requests that its parent waits for."""
        self.lock = threading.Lock()
        self.reserved = Spent()

    def check(self, amount: Spent, provider: str) -> None:
        """Raise ``BudgetExceededError`` if a request does not fit, under the lock."""
        used = sum_of(self.spent).plus(self.reserved)
        total = used.plus(amount)
        for name, limit in self.limits._asdict().items():
            if limit is not None and getattr(total, name) > limit:
                taken, more = getattr(used, name), getattr(amount, name)
                raise BudgetExceededError(
                    f"The request was not sent, because it could exceed the budget of {limit:.10g} {name}: "
                    f"{taken:.6g} are spent or reserved by requests in flight, and this request may take {more:.6g}. "
                    "Raise the budget, or lower max_tokens.",
                    provider=provider,
                )

    def settle(self, key: str, reserved: Spent, amount: Spent) -> None:
        """Replace a reservation by the real cost."""
        with self.lock:
            self.reserved = self.reserved.minus(reserved) if self.reserved.requests > 1 else Spent()
            self.spent[key] = self.spent.get(key, Spent()).plus(amount)
            if amount.output_tokens:
                self.longest[key] = max(self.longest.get(key, 0), amount.output_tokens)


def sum_of(spent: Mapping[str, Spent]) -> Spent:
    """Return the sum over all models."""
    total = Spent()
    for one in spent.values():
        total = total.plus(one)
    return total


_accounts: WeakValueDictionary[str, _Account] = WeakValueDictionary()
_kept: dict[str, _Account] = {}
"""Accounts whose name the user gave: they stay, also while no budget refers to them."""
_lock = threading.Lock()


def _account(name: str | None, limits: _Limits, *, is_kept: bool) -> _Account:
    name = name or uuid.uuid4().hex
    with _lock:
        account = _accounts.get(name)
        if account is None:
            account = _accounts[name] = _Account(name, limits)
        elif account.limits != limits:
            raise ValueError(f"A budget {name!r} with other limits exists. Use its limits, or another name.")
        if is_kept:
            _kept[name] = account
    return account


def _restored(name: str, usd: float | None, tokens: int | None, requests: int | None, is_kept: bool) -> Budget:
    """Return the budget of a pickle: the one of this name in this process, if there is one."""
    budget = Budget.__new__(Budget)
    budget._account = _account(name, _Limits(usd, tokens, requests), is_kept=is_kept)
    return budget


def _start_over() -> None:
    global _lock
    _lock = threading.Lock()
    for account in list(_accounts.values()):
        account.start()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_over)
