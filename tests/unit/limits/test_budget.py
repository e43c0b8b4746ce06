"""``Budget``: estimated before a request, counted after it, and refused before anything is sent."""

from __future__ import annotations

import asyncio
import copy
import gc
import pickle
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from deepseek_v4 import Budget, Client, Message, ToolSpec, catalog, errors
from deepseek_v4.limits.budget import FIRST_ANSWER, Spent
from deepseek_v4.testing import Fault, LocalServer, Turn
from deepseek_v4.values.prices import Peak

FLASH = "deepseek/deepseek-flash"
ANSWER = Turn("Rain.", usage={"prompt_tokens": 10, "completion_tokens": 90, "total_tokens": 100})
PRICE = catalog.find("deepseek", "deepseek-flash").prices[-1]
INPUT, OUTPUT = float(PRICE.input) / 1e6, float(PRICE.output) / 1e6


@pytest.fixture(scope="module")
def running() -> Iterator[LocalServer]:
    with LocalServer(max_concurrency=1000) as server:
        yield server


@pytest.fixture(autouse=True)
def off_peak(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Peak, "covers", lambda self, moment: False)


@pytest.fixture
def server(running: LocalServer) -> LocalServer:
    running.reset()
    return running


def client(server: LocalServer, budget: Budget, **options: Any) -> Client:
    return Client(base_url=server.base_url, api_key=server.api_key, budget=budget, **options)


HOW = pytest.mark.parametrize("how", ["complete", "async", "stream", "async stream"])


def ask(model: Client, how: str, **options: Any) -> str:
    async def complete() -> str:
        return (await model.achat("Hi", **options)).content

    async def streamed() -> str:
        return [delta async for delta in await model.astream("Hi", **options)][-1].reply.content  # type: ignore[union-attr]

    if how == "complete":
        return model.chat("Hi", **options).content
    if how == "stream":
        return list(model.stream("Hi", **options))[-1].reply.content  # type: ignore[union-attr]
    return asyncio.run(complete() if how == "async" else streamed())


@HOW
def test_the_cost_of_an_answer_is_counted_by_model(server: LocalServer, how: str) -> None:
    server.script(ANSWER)
    budget = Budget(usd=1)
    assert ask(client(server, budget), how) == "Rain."
    assert budget.spent_on().keys() == {FLASH}
    assert budget.spent()[:3] == (1, 10, 90)
    assert budget.spent().tokens == 100
    assert budget.spent().usd == pytest.approx(10 * INPUT + 90 * OUTPUT)


@HOW
@pytest.mark.parametrize("limit", [{"requests": 1}, {"tokens": 150}, {"usd": 40 * OUTPUT}])
def test_a_request_that_does_not_fit_is_not_sent(server: LocalServer, how: str, limit: dict[str, Any]) -> None:
    server.script(ANSWER, ANSWER)
    budget = Budget(**limit)
    model = client(server, budget, max_tokens=90 if "usd" not in limit else 30)
    ask(model, how)
    with pytest.raises(errors.BudgetExceededError, match="budget of") as caught:
        ask(model, how)
    assert not caught.value.retryable
    assert len(server.requests) == 1
    assert budget.spent().requests == 1


def test_retries_are_counted_and_refused(server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deepseek_v4.recovery.backoff.BASE_SECONDS", 0.01)
    server.fault(Fault.status(503), times=3)
    budget = Budget(requests=2)
    with pytest.raises(errors.BudgetExceededError) as caught:
        client(server, budget).chat("Hi")
    assert [attempt.status for attempt in caught.value.attempts] == [503, 503]
    assert budget.spent() == Spent(requests=2)


def test_models_share_a_budget_that_reports_each_model(server: LocalServer) -> None:
    budget = Budget(requests=3)
    flash, pro = client(server, budget), client(server, budget, model="deepseek-v4-pro")
    flash.chat("Hi")
    pro.chat("Hi")
    flash.chat("Hi")
    with pytest.raises(errors.BudgetExceededError):
        pro.chat("Hi")
    assert {name: spent.requests for name, spent in budget.spent_on().items()} == {
        FLASH: 2,
        "deepseek/deepseek-v4-pro": 1,
    }


def test_a_closed_stream_is_counted_by_estimate(server: LocalServer) -> None:
    server.script(Turn("one two three four five six seven", chunk_size=4))
    budget = Budget(usd=1)
    with client(server, budget).stream("Hi") as stream:
        next(iter(stream))
    spent = budget.spent()
    assert (spent.requests, spent.estimated) == (1, 1)
    assert spent.input_tokens > 0
    assert 0 < spent.output_tokens < 7
    assert spent.usd > 0


def test_an_interrupted_stream_is_counted_by_estimate(server: LocalServer) -> None:
    server.script(Turn("one two three four five six seven", chunk_size=4))
    server.fault(Fault.cut_stream(after_events=4))
    budget = Budget(tokens=100_000)
    with pytest.raises(errors.StreamInterruptedError):
        list(client(server, budget).stream("Hi"))
    assert budget.spent().estimated == 1
    assert budget.spent().output_tokens > 0


def test_a_read_timeout_is_counted_by_estimate_and_a_refusal_is_not(server: LocalServer) -> None:
    budget = Budget(tokens=100_000)
    server.fault(Fault.status(400))
    with pytest.raises(errors.DeepSeekError):
        client(server, budget).chat("Hi")
    assert budget.spent() == Spent(requests=1)
    server.fault(Fault.silence(0.5))
    with pytest.raises(errors.TimeoutError):
        client(server, budget, timeout=0.1, max_retries=0).chat("Hi")
    assert budget.spent().estimated == 1
    assert budget.spent().input_tokens > 0


def test_nothing_stays_reserved_after_any_end(server: LocalServer) -> None:
    budget = Budget(tokens=2 * FIRST_ANSWER)
    model = client(server, budget, max_retries=0)
    for _ in range(5):  # each reserves more than half of the budget
        server.fault(Fault.status(503))
        with pytest.raises(errors.OverloadedError):
            model.chat("Hi")
    assert model.chat("Hi").content


def test_the_expected_answer_is_the_longest_so_far(server: LocalServer) -> None:
    server.script(ANSWER, ANSWER)
    budget = Budget(tokens=FIRST_ANSWER + 50)
    model = client(server, budget)
    model.chat("Hi")  # reserves FIRST_ANSWER
    model.chat("Hi")  # reserves 90: with FIRST_ANSWER again it would not fit
    assert budget.spent().tokens == 200


def test_64_threads_send_exactly_the_allowed_requests(server: LocalServer) -> None:
    budget = Budget(requests=100)
    model = client(server, budget, model="deepseek-v4-pro")

    def until_refused(_: int) -> None:
        while True:
            try:
                model.chat("Hi", max_tokens=5)
            except errors.BudgetExceededError:
                return

    with ThreadPoolExecutor(64) as threads:
        list(threads.map(until_refused, range(64)))
    assert len(server.requests) == 100
    assert budget.spent().requests == 100


@pytest.mark.parametrize("limit", [{"tokens": 3_000}, {"usd": 3_000 * OUTPUT}])
def test_64_threads_exceed_a_budget_by_at_most_one_request(server: LocalServer, limit: dict[str, Any]) -> None:
    server.script(*[ANSWER] * 200)
    budget = Budget(**limit)
    model = client(server, budget)

    def once(_: int) -> None:
        try:
            model.chat("Hi", max_tokens=90)
        except errors.BudgetExceededError:
            return

    with ThreadPoolExecutor(64) as threads:
        list(threads.map(once, range(128)))
    [(name, most)] = limit.items()
    a_request = 100 if name == "tokens" else 10 * INPUT + 90 * OUTPUT
    assert most - 2 * a_request < getattr(budget.spent(), name) <= most + a_request


def test_only_a_dollar_budget_requires_a_price(server: LocalServer) -> None:
    with pytest.raises(errors.InvalidRequestError, match="no price of my-own is known"):
        Client(api_key="sk-test", provider="vllm", base_url="http://127.0.0.1:9", budget=Budget(usd=1)).chat(
            "Hi", model="my-own"
        )
    assert Budget(tokens=10).reserve("vllm", "my-own", 5, 5)


def test_tools_are_part_of_the_estimate(server: LocalServer) -> None:
    with pytest.raises(errors.BudgetExceededError):
        client(server, Budget(tokens=200), max_tokens=10).chat(
            [Message.user("Hi")], tools=[ToolSpec("now", "Time.", {})]
        )
    assert client(server, Budget(tokens=200), max_tokens=10).chat("Hi").content


@pytest.mark.parametrize("limits", [{"usd": 0}, {"tokens": -1}, {"requests": 0}])
def test_a_limit_is_above_zero(limits: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="is not a limit"):
        Budget(**limits)


def test_budgets_of_one_name_are_one_budget(server: LocalServer) -> None:
    client(server, Budget(requests=2, name="nightly")).chat("Hi")
    gc.collect()  # it stays, although no budget refers to it
    with pytest.raises(ValueError, match="other limits"):
        Budget(requests=3, name="nightly")
    assert Budget(requests=2, name="nightly").spent().requests == 1


def test_a_copy_is_the_same_budget_and_a_pickle_has_its_limits() -> None:
    budget = Budget(usd=5, requests=7)
    for twin in (copy.copy(budget), copy.deepcopy(budget), pickle.loads(pickle.dumps(budget))):
        twin.reserve("deepseek", "deepseek-v4-flash", 1, 1).end()
    assert budget.spent().requests == 3
    assert repr(budget) == "Budget(usd=5, requests=7)"
    script = "import pickle, sys; b = pickle.load(sys.stdin.buffer); print(repr(b), b.spent().requests)"
    elsewhere = subprocess.run([sys.executable, "-c", script], input=pickle.dumps(budget), capture_output=True)
    assert elsewhere.stdout.decode().split() == ["Budget(usd=5,", "requests=7)", "0"]


def test_unnamed_budgets_are_dropped_with_their_last_reference() -> None:
    from deepseek_v4.limits import budget as module

    before = len(module._accounts)
    Budget(requests=1)
    gc.collect()
    assert len(module._accounts) <= before
