"""A server under load: limits at a time and per minute, slow answers, its clock, and the counts of its requests."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from deepseek_v4 import Client
from deepseek_v4.testing import Fault, LocalServer, Turn
from tests.unit.testing.calls import Caller


def at_once(caller: Caller, texts: list[str], **body: Any) -> list[httpx.Response]:
    with ThreadPoolExecutor(len(texts)) as pool:
        return list(pool.map(lambda text: caller.chat(text, **body), texts))


def leave(caller: Caller, text: str) -> None:
    body = {"model": "deepseek-flash", "messages": [{"role": "user", "content": text}]}
    caller.http.post("/chat/completions", json=body, timeout=0.1)


@pytest.mark.parametrize("stream", [False, True])
def test_answers_above_the_limit_at_a_time_get_429(caller: Caller, stream: bool) -> None:
    caller.server.configure(max_concurrency=2, latency=0.3)
    responses = at_once(caller, list("abcde"), stream=stream)
    refused = [one for one in responses if one.status_code == 429]
    assert sorted(one.status_code for one in responses) == [200, 200, 429, 429, 429]
    assert {one.headers["retry-after"] for one in refused} == {"1"}
    assert "concurrency limit" in refused[0].json()["error"]["message"]
    assert caller.chat().status_code == 200  # every slot is free again


def test_answers_above_the_limit_per_minute_get_429(caller: Caller) -> None:
    caller.server.configure(rpm=2)
    responses = [caller.chat() for _ in range(3)]
    assert [one.status_code for one in responses] == [200, 200, 429]
    assert 50 < int(responses[2].headers["retry-after"]) <= 60
    assert caller.http.get("/models").status_code == 200  # other endpoints have no limit
    caller.server.configure(rpm=3)
    assert caller.chat().status_code == 200
    assert caller.chat().status_code == 429
    caller.server.reset()
    assert caller.chat().status_code == 200


def test_a_refused_request_consumes_neither_turn_nor_fault(caller: Caller) -> None:
    caller.server.configure(rpm=1)
    caller.chat()
    caller.server.fault(Fault.status(503))
    caller.server.script(Turn("Second"))
    assert caller.chat().status_code == 429
    caller.server.configure(rpm=None)
    assert [caller.chat().status_code, caller.chat().json()["choices"][0]["message"]["content"]] == [503, "Second"]


def test_a_client_that_leaves_frees_its_slot(caller: Caller) -> None:
    caller.server.configure(max_concurrency=1, latency=5.0)
    with pytest.raises(httpx.ReadTimeout):
        leave(caller, "x")
    caller.server.configure(latency=0.0)
    end = time.monotonic() + 2
    while caller.chat().status_code == 429:
        assert time.monotonic() < end


def test_latency_delays_answers_and_not_refusals(caller: Caller) -> None:
    caller.server.configure(latency=0.2)
    begun = time.monotonic()
    assert caller.chat(temperature=9).status_code == 400
    refused = time.monotonic()
    assert caller.chat().status_code == 200
    assert refused - begun < 0.15
    assert time.monotonic() - refused >= 0.2


def test_the_clock_has_a_fixed_off_peak_time(caller: Caller) -> None:
    assert caller.chat("a").json()["created"] == caller.chat("b").json()["created"] == 1_790_000_000
    caller.server.configure(clock=time.time)
    assert abs(caller.chat().json()["created"] - time.time()) < 5


def test_costs_double_in_peak_hours_only() -> None:
    usage = {"prompt_tokens": 1_000_000, "completion_tokens": 0, "total_tokens": 1_000_000}
    costs = []
    with LocalServer() as server, Client(base_url=server.base_url, api_key=server.api_key) as client:
        for change in ({}, {"clock": 1_790_000_000 - 12 * 3600}):  # 14:13 and 02:13 UTC, a Monday
            server.configure(**change)
            server.script(Turn("x", usage=usage))
            cost = client.chat("Hello").cost
            assert cost is not None
            costs.append(cost.usd)
    assert costs[1] == pytest.approx(2 * costs[0])


def test_requests_are_counted_by_row(caller: Caller) -> None:
    server = caller.server
    server.fault(Fault.status(503))
    caller.chat("one")
    caller.chat("one")
    caller.responses("two")
    caller.messages("two")
    server.configure(latency=5.0)
    with pytest.raises(httpx.ReadTimeout):
        leave(caller, "three")
    end = time.monotonic() + 2
    while not server.requests[-1].aborted:
        assert time.monotonic() < end
    counts = httpx.get(server.counts_url).json()
    assert server.counts_url.endswith("/__local/requests")
    assert counts == {
        "count": 5,
        "statuses": {"200": 3, "503": 1},
        "aborted": 1,
        "rows": {
            "one": {"count": 2, "statuses": {"200": 1, "503": 1}, "aborted": 0},
            "two": {"count": 2, "statuses": {"200": 2}, "aborted": 0},
            "three": {"count": 1, "statuses": {}, "aborted": 1},
        },
    }
    assert len(server.requests) == 5  # the request for the counts is not counted


@pytest.mark.parametrize("option", [{"rpm": 0}, {"max_concurrency": 0}, {"max_concurrency": -1}, {"latency": -1.0}])
def test_limits_that_allow_nothing_are_errors(option: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(option))):
        LocalServer(**option)
