from __future__ import annotations

import asyncio
import time

import pytest

from deepseek_v4 import Client, errors
from deepseek_v4.recovery import backoff
from deepseek_v4.transport import Limits
from tests.unit.transport.client_kinds import KEY, request_to
from tests.unit.transport.libraries import LIBRARIES


@pytest.fixture
def clock():
    began = time.monotonic()
    return lambda: time.monotonic() - began


def silent_after(*chunks, every=0.0):
    def script(peer, n):
        peer.begin()
        for chunk in chunks:
            peer.chunk(chunk)
            time.sleep(every)
        peer.wait_until_gone()

    return script


def slow(chunk, every, count, last=b"END\n"):
    def script(peer, n):
        peer.begin()
        for _ in range(count):
            peer.chunk(chunk)
            time.sleep(every)
        peer.chunk(last)
        peer.end()

    return script


def test_the_default_timeouts():
    assert Limits().timeouts() == {"connect": 10, "read": 600, "write": 60, "pool": 600}


def test_a_number_of_seconds_applies_to_every_phase():
    assert Limits(2).timeouts() == {"connect": 2, "read": 2, "write": 2, "pool": 2}


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_timeout_object_of_either_library_is_used_unchanged(library):
    given = library.Timeout(connect=1, read=2, write=None, pool=4)
    assert Limits(given).timeouts() == {"connect": 1, "read": 2, "write": None, "pool": 4}


@pytest.mark.parametrize("wrong", [{"timeout": 0}, {"total_timeout": -1}])
def test_invalid_limits_are_refused(wrong):
    with pytest.raises(errors.InvalidRequestError, match=next(iter(wrong))):
        Limits(**wrong)


def test_silence_before_the_answer_times_out_and_names_the_limit(twin, serve, clock):
    server = serve(lambda peer, n: peer.wait_until_gone())
    with pytest.raises(errors.TimeoutError, match=r"No bytes received from 127.0.0.1:\d+ for 0.2 s. Raise timeout"):
        twin.call(request_to(server.url), timeout=0.2)
    assert clock() < 1


@pytest.mark.parametrize("way", ["sync", "async"])
async def test_silence_before_the_first_item_is_retried(serve, waits, way):
    def script(peer, n):
        peer.begin()
        if n == 1:
            peer.wait_until_gone()
            return
        peer.chunk(b'data: {"choices": [{"index": 0, "delta": {"content": "Yes"}, "finish_reason": "stop"}]}\n\n')
        peer.chunk(b"data: [DONE]\n\n")
        peer.end()

    server = serve(script)
    async with Client(base_url=server.url, api_key=KEY, timeout=0.2) as client:
        if way == "sync":
            items = await asyncio.to_thread(lambda: list(client.stream("Hi")))
        else:
            items = [item async for item in await client.astream("Hi")]
    assert (items[-1].reply.content, [attempt.reason for attempt in items[-1].reply.attempts]) == ("Yes", ["transient"])
    assert (len(server.received), len(waits)) == (2, 1)


def test_keep_alives_reset_the_idle_limit_of_a_stream(twin, serve, clock):
    server = serve(slow(b": keep-alive\n", 0.1, 6))
    assert list(twin.stream(request_to(server.url), timeout=0.3)) == ["END"]
    assert clock() > 0.5


def test_keep_alives_reset_the_idle_limit_of_a_call(twin, serve):
    server = serve(slow(b"\n", 0.1, 6, last=b"yes"))
    assert twin.call(request_to(server.url), timeout=0.3) == "yes"


def test_silence_inside_a_stream_times_out_with_the_partial_answer(twin, serve, clock):
    server = serve(silent_after(b"one\n", b"two\n"))
    items = []
    with pytest.raises(errors.TimeoutError) as caught:
        for item in twin.stream(request_to(server.url), timeout=0.2):
            items += [item]
    assert items == caught.value.partial == ["one", "two"]
    assert clock() < 1


def test_total_timeout_ends_a_call_with_keep_alives(twin, serve, clock):
    server = serve(slow(b"\n", 0.1, 20))
    with pytest.raises(errors.TimeoutError, match=r"total_timeout=0.3"):
        twin.call(request_to(server.url), total_timeout=0.3)
    assert 0.25 < clock() < 1
    assert len(server.received) == 1


def test_total_timeout_ends_a_silent_call_on_time(twin, serve, clock):
    """Without a guard the last read would begin at 0.5 s and wait for 0.6 s more."""
    server = serve(silent_after(*[b"\n"] * 5, every=0.1))
    with pytest.raises(errors.TimeoutError, match="total_timeout"):
        twin.call(request_to(server.url), total_timeout=0.6)
    assert 0.55 < clock() < 0.95


def test_total_timeout_ends_a_stream_with_the_partial_answer(twin, serve, clock):
    server = serve(slow(b"more\n", 0.05, 40))
    with pytest.raises(errors.TimeoutError, match="total_timeout") as caught:
        list(twin.stream(request_to(server.url), total_timeout=0.4))
    assert 0.35 < clock() < 1
    assert len(caught.value.partial) > 1


def test_total_timeout_ends_a_silent_stream_on_time(twin, serve, clock):
    server = serve(silent_after(*[b"one\n"] * 5, every=0.1))
    with pytest.raises(errors.TimeoutError, match="total_timeout") as caught:
        list(twin.stream(request_to(server.url), total_timeout=0.6))
    assert caught.value.partial == ["one"] * 5
    assert 0.55 < clock() < 0.95


def test_total_timeout_ends_a_body_without_a_length(twin, serve, clock):
    def script(peer, n):
        peer.send(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhalf")
        peer.wait_until_gone()

    server = serve(script)
    with pytest.raises(errors.TimeoutError, match="total_timeout"):
        twin.call(request_to(server.url), total_timeout=0.3)
    assert clock() < 1


def test_total_timeout_limits_all_attempts_together(chat, serve, clock, monkeypatch):
    monkeypatch.setattr(backoff, "BASE_SECONDS", 0.01)
    server = serve(lambda peer, n: peer.wait_until_gone())
    with pytest.raises(errors.TimeoutError, match="total_timeout"):
        chat(server.url, timeout=0.1, total_timeout=0.4, max_retries=99)
    assert clock() < 1
    assert len(server.received) > 1


def test_a_wait_longer_than_total_timeout_is_not_begun(chat, serve, clock):
    server = serve(lambda peer, n: peer.answer(b"", "429 Slow", "retry-after: 5"))
    with pytest.raises(errors.TimeoutError, match="total_timeout") as caught:
        chat(server.url, total_timeout=3)
    assert clock() < 1
    assert isinstance(caught.value.__cause__, errors.RateLimitError)


def test_a_call_within_total_timeout_succeeds(twin, serve):
    server = serve(slow(b"one\n", 0.01, 3))
    assert list(twin.stream(request_to(server.url), total_timeout=5)) == ["one", "one", "one", "END"]
    assert twin.call(request_to(server.url), total_timeout=5).endswith("END")
    assert server.connections == 1
