"""Attempts, waits, limits and joined replies: behaviour that depends on one line each, found by ``make mutants``."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from deepseek_v4 import (
    Client,
    Reply,
    StreamEnd,
    TextDelta,
    errors,
    fold,
)
from deepseek_v4.recovery.attempt_totals import add_values, joined
from deepseek_v4.recovery.attempts import FailedAttempt, FallBack
from deepseek_v4.recovery.policies import ReplyAttempts
from deepseek_v4.recovery.retry_loops import arun, run
from tests.unit.mock_http import COMPLETION, client


@pytest.mark.parametrize(("retry_after", "error"), [("60", errors.TimeoutError), ("60.5", errors.RateLimitError)])
def test_a_wait_of_exactly_a_minute_is_kept_and_a_longer_one_is_not(retry_after: str, error: type[Exception]) -> None:
    """A wait that is kept outlasts the total limit, which is a TimeoutError; one that is not ends with the answer."""

    def busy(request: httpx.Request) -> httpx.Response:
        return httpx.Response(429, headers={"retry-after": retry_after}, json={"error": {"message": "slow down"}})

    with client(busy, total_timeout=30) as one, pytest.raises(error):
        one.chat("Hi")


def test_the_remaining_total_limit_is_at_least_a_millisecond_and_never_too_long() -> None:
    """To an HTTP client, a limit of zero or less is an error or no limit."""
    seen: list[float] = []

    def slow(request: httpx.Request) -> httpx.Response:
        seen.append(request.extensions["timeout"].get("read"))
        time.sleep(0.55)
        seen.append(request.extensions["timeout"].get("read"))
        return httpx.Response(200, json=COMPLETION)

    with client(slow, total_timeout=0.5) as one:
        one.chat("Hi")
    assert 0.001 < seen[0] <= 0.5
    assert seen[1] == 0.001


class _LateEnd(httpx.SyncByteStream):
    """A chat stream that sends a word, and ends only after the total limit: cut off, or for length."""

    def __init__(self, finish_reason: str | None) -> None:
        self.finish_reason = finish_reason

    def __iter__(self) -> Iterator[bytes]:
        yield self._event({"content": "Hello"}, None)
        time.sleep(0.6)
        if self.finish_reason is None:
            raise httpx.ReadError("reset by peer")
        yield self._event({}, self.finish_reason) + b"data: [DONE]\n\n"

    def _event(self, delta: dict[str, Any], finish_reason: str | None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        return b"data: " + json.dumps({"id": "1", "model": "m", "choices": [choice]}).encode() + b"\n\n"


@pytest.mark.parametrize("finish_reason", ["length", None])
def test_a_stream_is_not_resumed_once_the_total_limit_is_used_up(finish_reason: str | None) -> None:
    requests = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        headers = {"content-type": "text/event-stream"}
        return httpx.Response(200, headers=headers, stream=_LateEnd(finish_reason))

    with client(answer, total_timeout=0.5, resume_streams=True) as one:
        if finish_reason is None:
            with pytest.raises(errors.TimeoutError) as caught:
                fold(one.stream("Hi"))
            assert caught.value.partial is not None
            assert caught.value.partial.content == "Hello"
        else:
            assert fold(one.stream("Hi")).finish_reason == "length"
    assert len(requests) == 1


def test_a_second_account_request_has_the_rest_of_the_total_timeout() -> None:
    left: list[float] = []

    def busy_once(request: httpx.Request) -> httpx.Response:
        left.append(request.extensions["timeout"].get("read"))
        time.sleep(0.05)
        return httpx.Response(503 if len(left) == 1 else 200, json={"data": [{"id": "deepseek-v4-flash"}]})

    with httpx.Client(transport=httpx.MockTransport(busy_once)) as http:
        Client(api_key="sk-test", http_client=http, total_timeout=30).list_models()
    assert len(left) == 2
    assert left[1] <= 29.95


def test_an_answer_that_the_output_limit_cut_is_resumed_in_streams_only() -> None:
    sent: list[httpx.Request] = []

    def cut(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        choice = {"index": 0, "message": {"content": "Once"}, "finish_reason": "length"}
        return httpx.Response(200, json={"id": "1", "model": "m", "choices": [choice]})

    with httpx.Client(transport=httpx.MockTransport(cut)) as http:
        reply = Client(api_key="sk-test", http_client=http, resume_streams=True).chat("Hi")
    assert (reply.content, reply.finish_reason, reply.attempts, len(sent)) == ("Once", "length", (), 1)


def test_an_attempt_is_described_to_the_millisecond() -> None:
    failed: FailedAttempt[Reply] = FailedAttempt("transient", "503", 1.23456, errors.ServerError("x", status_code=503))
    assert failed.describe().seconds == 1.235
    assert failed.describe().status == 503


def test_a_joined_reply_keeps_the_id_and_model_of_its_beginning() -> None:
    begun = Reply("a", id="1", model="m")
    assert (joined(begun, Reply("b")).id, joined(begun, Reply("b")).model) == ("1", "m")
    assert joined(begun, Reply("b", id="2")).id == "2"


def test_a_fallback_contains_its_detail() -> None:
    assert str(FallBack("error", "the second request failed")) == "the second request failed"


class Stream:
    """A stream of items, some of which are errors to raise, that counts how often it was closed."""

    def __init__(self, *items: Any) -> None:
        self.items = list(items)
        self.closed = 0

    def __iter__(self) -> Stream:
        return self

    def __next__(self) -> Any:
        if not self.items:
            raise StopIteration
        item = self.items.pop(0)
        if isinstance(item, Exception):
            raise item
        return item

    def __aiter__(self) -> Stream:
        return self

    async def __anext__(self) -> Any:
        try:
            return next(self)
        except StopIteration:
            raise StopAsyncIteration from None

    def close(self) -> None:
        self.closed += 1

    async def aclose(self) -> None:
        self.closed += 1


@pytest.mark.parametrize("way", ["sync", "async"])
async def test_a_stream_is_closed_before_the_next_request_is_sent(way: str) -> None:
    streams = [
        Stream(StreamEnd(Reply("", finish_reason="stop"))),
        Stream(StreamEnd(Reply("yes", finish_reason="stop"))),
    ]
    closed: list[int] = []

    def opened(request: Any) -> Stream:
        closed.append(streams[0].closed)
        return streams[len(closed) - 1]

    async def aopened(request: Any) -> Stream:
        return opened(request)

    attempts = ReplyAttempts(Client(api_key="k").prepare("Hi", {}, stream=True), 0.0)
    items = list(run(attempts, opened)) if way == "sync" else [item async for item in arun(attempts, aopened)]
    assert items[-1].reply.content == "yes"
    assert closed == [0, 1]
    assert [stream.closed for stream in streams] == [1, 1]


@pytest.mark.parametrize("way", ["sync", "async"])
async def test_nothing_is_read_from_a_stream_after_its_error(way: str) -> None:
    stream = Stream(TextDelta("a"), errors.StreamInterruptedError("x"), TextDelta("b"))

    async def aopened(request: Any) -> Stream:
        return stream

    attempts = ReplyAttempts(Client(api_key="k").prepare("Hi", {}, stream=True), 0.0)
    seen: list[Any] = []
    with pytest.raises(errors.StreamInterruptedError):
        if way == "sync":
            for item in run(attempts, lambda request: stream):
                seen.append(item)
        else:
            async for item in arun(attempts, aopened):
                seen.append(item)
    assert [item for item in seen if isinstance(item, TextDelta)] == [TextDelta("a")]
    assert stream.items == [TextDelta("b")]


def test_usage_of_different_kinds_is_not_added() -> None:
    assert add_values({"a": 1, "b": {"c": 1}}, {"a": 2, "b": None}) == {"a": 3, "b": {"c": 1}}
    assert add_values({"a": {"c": 1}}, {"a": 5}) == {"a": 5}


def test_the_cost_of_an_answer_includes_the_answer_before_it() -> None:
    usage = {"prompt_tokens": 1000, "completion_tokens": 500, "total_tokens": 1500}
    created = 1_796_083_200  # 2026-12-01, off-peak
    texts = iter(["", "Hi"])

    def answer(request: httpx.Request) -> httpx.Response:
        choice = {"index": 0, "message": {"content": next(texts)}, "finish_reason": "stop"}
        model = "deepseek-v4-pro"
        return httpx.Response(
            200, json={"id": "1", "model": model, "created": created, "choices": [choice], "usage": usage}
        )

    with client(answer, model="deepseek-v4-pro", thinking=False) as one:
        reply = one.chat("Hi")
    assert reply.cost is not None
    assert reply.usage is not None
    [first] = reply.attempts
    assert first.cost is not None
    assert reply.cost.usd == 2 * first.cost > 0
    assert reply.usage.output_tokens == 1000
