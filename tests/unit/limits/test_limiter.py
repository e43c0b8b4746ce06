"""One limiter for all models of an account: order, refusals, rates, threads, loops, pickles."""

from __future__ import annotations

import asyncio
import copy
import os
import pickle
import random
import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from deepseek_v4 import Client, Limiter, Message, errors
from deepseek_v4.limits.folder import FolderLeases
from deepseek_v4.limits.leases import LeaseTable
from deepseek_v4.limits.window import Window
from deepseek_v4.transport import clients
from tests.stub_server import Stub, serving


def client(stub: Stub, limiter: Limiter | None, **options: Any) -> Client:
    return Client(api_key="sk-x", base_url=stub.url, limiter=limiter, **{"max_retries": 8, **options})


async def ask(model: Client, count: int) -> list[Any]:
    return await asyncio.gather(*(model.achat(f"row {n}") for n in range(count)))


async def test_models_share_the_places_of_a_limiter() -> None:
    limiter = Limiter(concurrency=5)
    with serving(Stub(seconds=0.01)) as stub:
        async with client(stub, limiter) as one, client(stub, limiter, model="deepseek-v4-pro") as other:
            await asyncio.gather(ask(one, 20), ask(other, 20))
        assert (stub.most, stub.sent) == (5, 40)
    assert limiter.state()[1:] == (0, 0, 40, 0)


def test_threads_and_event_loops_share_the_places() -> None:
    limiter = Limiter(concurrency=4)
    with serving(Stub(seconds=0.005)) as stub, client(stub, limiter) as model, ThreadPoolExecutor(12) as pool:
        loops = [pool.submit(asyncio.run, ask(model, 15)) for _ in range(3)]
        calls = [pool.submit(model.chat, f"row {n}") for n in range(45)]
        assert len([call.result() for call in [*loops, *calls]]) == 48
        assert (stub.most, stub.sent) == (4, 90)


async def test_calls_are_served_in_the_order_of_arrival() -> None:
    limiter = Limiter(concurrency=2)
    order: list[int] = []

    async def call(number: int) -> float:
        began = time.monotonic()
        slot = await limiter.aacquire()
        order.append(number)
        await asyncio.sleep(0.001)
        slot.end()
        return time.monotonic() - began

    waits = await asyncio.gather(*(call(n) for n in range(200)))
    assert order == list(range(200))
    steps = [later - earlier for earlier, later in zip(waits[2::2], waits[4::2], strict=False)]
    assert statistics.median(steps) < 0.05
    assert waits == pytest.approx(sorted(waits), abs=0.1)  # the spread of the waits is that of the order


async def test_a_cancelled_call_passes_its_turn_to_the_next() -> None:
    limiter = Limiter(concurrency=1)
    first = await limiter.aacquire()
    tasks = [asyncio.create_task(limiter.aacquire()) for _ in range(3)]
    await asyncio.sleep(0)
    tasks[0].cancel()
    first.end()
    (await tasks[1]).end()
    (await tasks[2]).end()
    first.end()  # without effect
    assert limiter.state()[1:3] == (0, 0)


def test_a_call_of_a_closed_event_loop_is_skipped() -> None:
    limiter = Limiter(concurrency=1)
    first = limiter.acquire()
    loop = asyncio.new_event_loop()
    waiting = limiter.aacquire()
    task = loop.create_task(waiting)
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    done = threading.Thread(target=lambda: limiter.acquire().end())
    done.start()
    time.sleep(0.01)
    first.end()
    done.join(5)
    assert not done.is_alive()
    task._log_destroy_pending = False  # type: ignore[attr-defined]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_stream_holds_its_place_until_it_is_closed(serve_stream: Any) -> None:
    limiter = Limiter(concurrency=1)
    model = Client(limiter=limiter, **serve_stream)
    with model.stream("Hi") as deltas:
        next(iter(deltas))
        assert limiter.state().active == 1
    assert limiter.state().active == 0
    async with await model.astream("Hi") as more:
        async for _ in more:
            break
        assert limiter.state().active == 1
    assert limiter.state().active == 0
    with model.stream("Hi") as deltas:
        for _ in deltas:
            pass
    assert limiter.state()[1:4] == (0, 0, 3)
    with pytest.raises(errors.TimeoutError, match="total_timeout"), model.stream("Hi"):
        model.chat("while the stream is open", total_timeout=0.05)


class Service:
    """A service without sockets that allows some requests at a time."""

    def __init__(self, allowed: int) -> None:
        self.allowed = allowed
        self.active = self.sent = self.refused = 0
        self.served: list[tuple[float, float]] = []
        """Begin and end of each answer."""

    async def row(self, limiter: Limiter) -> None:
        while True:
            slot = await limiter.aacquire()
            self.sent += 1
            if self.active < self.allowed:
                break
            self.refused += 1
            await asyncio.sleep(0.001)
            slot.end(errors.RateLimitError("too many"))
            await asyncio.sleep(0.01)
        self.active += 1
        began = time.monotonic()
        await asyncio.sleep(random.uniform(0.01, 0.03))
        self.served.append((began, time.monotonic()))
        self.active -= 1
        slot.end(5)


@pytest.mark.parametrize("allowed", [pytest.param(10, marks=pytest.mark.slow), 60])
async def test_the_limit_settles_at_what_the_service_allows(allowed: int) -> None:
    limiter = Limiter(concurrency=256)
    service = Service(allowed)
    await asyncio.gather(*(service.row(limiter) for _ in range(max(40 * allowed, 1200))))
    settled = service.served[len(service.served) // 4 : -2 * allowed]
    at_a_time = sum(end - began for began, end in settled) / (settled[-1][1] - settled[0][1])
    assert 0.8 * allowed <= at_a_time <= 1.01 * allowed
    assert service.refused / service.sent < 0.05


async def test_the_limit_recovers_after_many_refusals() -> None:
    limiter = Limiter(concurrency=64)
    service = Service(allowed=0)
    rows = asyncio.gather(*(service.row(limiter) for _ in range(1000)))
    await asyncio.sleep(0.5)
    assert limiter.state().slots == 1
    refused = service.sent
    service.allowed = 1000
    began = time.monotonic()
    while limiter.state().slots < 60:
        await asyncio.sleep(0.005)
    assert time.monotonic() - began < 1.0  # seven round trips of 20 ms
    await rows
    assert refused < 600
    assert service.refused == refused


def test_refusals_of_one_round_trip_halve_the_limit_once() -> None:
    window = Window(32)
    assert [window.refused(0) for _ in range(5)] == [True, False, False, False, False]
    assert window.slots == 8
    assert window.refused(1)
    assert window.slots == 4
    again = Window(None)
    again.restore(window.state())
    assert again.state() == window.state()


async def test_retry_after_delays_all_requests() -> None:
    limiter = Limiter(concurrency=8)
    with serving(Stub(allowed=0)) as stub:
        stub.retry_after = 0.3
        async with client(stub, limiter) as model:
            first = asyncio.create_task(model.achat("refused"))
            while not limiter.state().refused:
                await asyncio.sleep(0.001)
            refused_at = stub.times[-1]
            stub.allowed = 100
            await asyncio.gather(first, *(model.achat(f"row {n}") for n in range(20)))
        assert min(stub.times[1:]) - refused_at >= 0.28


@pytest.mark.parametrize(
    ("limits", "least"), [({"requests_per_minute": 1200}, 0.4), ({"tokens_per_minute": 1200 * 17}, 0.1)]
)
async def test_requests_and_tokens_are_spread_over_the_minute(limits: dict[str, float], least: float) -> None:
    limiter = Limiter(**limits)
    with serving(Stub()) as stub:
        async with client(stub, limiter) as model:
            for number in range(5):
                await model.achat(f"row {number}")
            began = time.monotonic()
            await ask(model, 10)
            assert least < time.monotonic() - began < 2.0  # 20 a second
        assert stub.sent == 15


def test_a_pickle_is_the_same_limiter_in_its_process() -> None:
    limiter = Limiter(3, requests_per_minute=60, tokens_per_minute=1000)
    settings = Client(api_key="sk-x", limiter=limiter).settings
    assert pickle.loads(pickle.dumps(limiter)) is limiter
    assert pickle.loads(pickle.dumps(settings)).limiter is limiter
    assert copy.deepcopy(settings).limiter is limiter
    assert "limiter" not in settings.model_dump()
    stored = pickle.dumps(limiter)
    name = repr(limiter)
    del limiter, settings
    one, other = pickle.loads(stored), pickle.loads(stored)
    assert one is other
    assert repr(one) == name == "Limiter(concurrency=3, requests_per_minute=60, tokens_per_minute=1000)"


@pytest.mark.parametrize("limits", [{"concurrency": 0}, {"requests_per_minute": -1}, {"tokens_per_minute": 0}])
def test_a_limit_is_above_zero(limits: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"is not a limit\. Use a number above 0"):
        Limiter(**limits)


def test_another_object_is_not_a_limiter() -> None:
    with pytest.raises(ValueError, match=r"Pass a deepseek_v4\.Limiter"):
        Client(limiter=object())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_has_its_own_places() -> None:
    limiter = Limiter(concurrency=1)
    slot = limiter.acquire()
    child = os.fork()
    if not child:
        limiter.acquire(deadline=time.monotonic() + 2).end()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    slot.end()


async def test_without_a_limiter_connections_are_capped(monkeypatch: pytest.MonkeyPatch) -> None:
    assert clients.CONNECTIONS == 256
    monkeypatch.setattr(clients, "CLIENTS", 3)
    with serving(Stub(seconds=0.3)) as stub:
        async with client(stub, None, timeout=0.7) as model:
            await ask(model, 60)  # the last of them wait longer than the timeout for a connection
        assert (stub.most_open, stub.sent) == (24, 60)
    with serving(Stub(seconds=0.2)) as stub:
        async with client(stub, Limiter(concurrency=32)) as model:
            await ask(model, 120)
        assert stub.most_open > 24


def test_blocking_calls_are_capped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "CLIENTS", 1)
    monkeypatch.setattr(clients._registry, "sync_pool", None)  # another test's may have more clients
    with serving(Stub(seconds=0.02)) as stub, client(stub, None) as model, ThreadPoolExecutor(20) as pool:
        assert len(list(pool.map(model.chat, ["row"] * 40))) == 40
        assert stub.most_open == 8


# -- several processes -------------------------------------------------------------------------------------------


def test_a_table_divides_the_places_among_active_processes() -> None:
    table = LeaseTable(12)
    first = table.renew("first", 100, 10)
    assert (first.slots, first.share) == (12, 1.0)
    assert table.renew("second", 100, 10).slots == 0
    assert table.renew("first", 100, 10).slots == 6
    assert table.renew("second", 100, 10).slots == 6
    table.renew("second", 2, 10)
    assert table.renew("first", 100, 10).slots == 10
    table.slow_down(0, 5)
    table.slow_down(0, 5)
    renewed = table.renew("first", 100, 10)
    assert renewed.slots == 4
    assert 4 < renewed.pause <= 5
    table.give_back("second")
    assert table.renew("first", 100, 0).slots == 6
    time.sleep(0.001)
    assert table.renew("third", 5, 10).slots == 5  # the first has run out


def test_processes_share_places_through_a_folder(tmp_path: Any) -> None:
    pytest.importorskip("filelock")
    store = FolderLeases(tmp_path / "limits", 6)
    limiters = [Limiter(leases=pickle.loads(pickle.dumps(store))) for _ in range(2)]
    with serving(Stub(seconds=0.02)) as stub:
        models = [client(stub, limiter) for limiter in limiters]

        async def all_rows() -> None:
            await asyncio.gather(*(ask(model, 60) for model in models))

        asyncio.run(all_rows())
        assert stub.most <= 6
        assert stub.sent == 120
    for model in models:
        model.close()


async def test_a_refusal_slows_all_processes(tmp_path: Any) -> None:
    pytest.importorskip("filelock")
    store = FolderLeases(tmp_path, 16)
    one, other = Limiter(leases=store), Limiter(leases=store)
    slots = [await one.aacquire() for _ in range(4)]
    slots.pop().end(errors.RateLimitError("too many", retry_after=0.4))
    began = time.monotonic()
    await asyncio.sleep(0.1)
    (await other.aacquire()).end()
    assert time.monotonic() - began > 0.3
    assert one.state().slots <= 8
    for slot in slots:
        slot.end(5)


def test_messages_are_counted_before_they_are_sent() -> None:
    limiter = Limiter(tokens_per_minute=60_000)
    with serving(Stub()) as stub, client(stub, limiter) as model:
        model.chat([Message.user("x" * 10_000)])  # about 3,000 tokens, of which the service counts 17
        began = time.monotonic()
        model.chat("next")
        assert time.monotonic() - began < 0.5
