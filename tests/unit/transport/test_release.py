"""The socket of a stream or call is freed within a second, in every way to leave it."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import time

import httpx
import pytest

from deepseek_v4 import Client
from deepseek_v4.transport import AsyncTransport, Limits, SyncTransport, deadline_watch
from tests.unit.transport.client_kinds import KEY, Lines, SyncTwin, exchange, read_text, request_to


def endless(peer, n):
    peer.begin()
    peer.chunk(b"one\n")
    peer.chunk(b"two\n")
    peer.wait_until_gone()


@pytest.fixture
def server(serve):
    return serve(endless)


def test_close_before_the_first_iteration(twin, server):
    stream = twin.stream(request_to(server.url))
    assert server.wait_until_open(1)
    stream.close()
    assert server.wait_until_open(0)


def test_close_in_the_middle_and_again(twin, server):
    stream = twin.stream(request_to(server.url))
    assert next(iter(stream)) == "one"
    stream.close()
    assert server.wait_until_open(0)
    stream.close()
    assert list(stream) == []


def sync_stream(server):
    return SyncTransport().stream(exchange(request_to(server.url), streamed=True), Lines())


async def async_stream(server, transport=None):
    transport = transport or AsyncTransport()
    return await transport.stream(exchange(request_to(server.url), streamed=True), Lines())


def test_a_sync_context_left_early(server):
    with sync_stream(server) as stream:
        assert next(stream) == "one"
    assert server.wait_until_open(0)


def test_a_sync_loop_left_early_without_a_reference_to_the_stream(server):
    for item in sync_stream(server):
        assert item == "one"
        break
    assert server.wait_until_open(0)


def test_a_sync_stream_dropped_unread_needs_no_garbage_collector(server):
    gc.disable()
    try:
        sync_stream(server)
        assert server.wait_until_open(0)
    finally:
        gc.enable()


@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize("streamed", [False, True])
def test_the_body_and_the_key_of_a_request_need_no_garbage_collector(make, twin_class, serve, given, streamed):
    kind = httpx.Client if twin_class is SyncTwin else httpx.AsyncClient
    twin = make(twin_class, kind() if given else None)
    server = serve(lambda peer, n: peer.answer(b"one\nEND\n"))

    def call():
        return list(twin.stream(request_to(server.url))) if streamed else twin.call(request_to(server.url))

    call()
    gc.collect()
    gc.disable()
    try:
        call()
        assert not [kept for kept in gc.get_objects() if type(kept) in (httpx.Request, httpx.Response)]
    finally:
        gc.enable()


async def freed(server):
    return await asyncio.to_thread(server.wait_until_open, 0)


async def test_an_async_context_left_early(server):
    async with await async_stream(server) as stream:
        assert await anext(stream) == "one"
    assert await freed(server)


async def test_an_async_loop_left_early_without_a_reference_to_the_stream(server):
    async for item in await async_stream(server):
        assert item == "one"
        break
    assert await freed(server)


async def test_a_cancelled_stream(server):
    got = asyncio.Event()

    async def consume():
        async for item in await async_stream(server):
            if item == "two":
                got.set()

    task = asyncio.create_task(consume())
    await got.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await freed(server)


async def test_a_cancelled_call(serve):
    server = serve(lambda peer, n: peer.wait_until_gone())
    call = AsyncTransport().call(exchange(request_to(server.url)), read_text)
    task = asyncio.create_task(call)
    await asyncio.to_thread(server.wait_until_open, 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await freed(server)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="anyio can lose a cancellation there")
async def test_a_call_cancelled_at_any_step(serve):
    """Left to itself, httpcore keeps a connection that is cancelled between opening and sending."""
    server = serve(lambda peer, n: peer.wait_until_gone())
    transport = AsyncTransport()
    for steps in range(40):
        call = transport.call(exchange(request_to(server.url)), read_text)
        task = asyncio.create_task(call)
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    for _ in range(100):  # the server's thread accepts them in its own time
        if server.connections > 5:
            break
        await asyncio.sleep(0.02)
    assert server.connections > 5
    assert await freed(server)
    await transport.aclose()


async def test_a_cancelled_wait_between_attempts(serve):
    server = serve(lambda peer, n: peer.answer(b"", "429 Slow", "retry-after: 30"))
    async with Client(base_url=server.url, api_key=KEY) as client:
        task = asyncio.create_task(client.achat("Hi"))
        while not server.received:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert len(server.received) == 1


@pytest.mark.parametrize("total_timeout", [None, 30])
async def test_a_timeout_of_the_caller_is_not_swallowed(server, total_timeout):
    opened = exchange(request_to(server.url), Limits(total_timeout=total_timeout), streamed=True)
    stream = await AsyncTransport().stream(opened, Lines())

    async def consume():
        async for _ in stream:
            pass

    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(consume(), 0.2)
    assert await freed(server)


async def test_a_cancellation_while_waiting_for_the_end_of_the_body(serve):
    def script(peer, n):
        peer.begin()
        peer.chunk(b"END\n")
        peer.wait_until_gone()

    server = serve(script)
    finished = asyncio.Event()

    async def consume():
        async for _ in await async_stream(server):
            finished.set()

    task = asyncio.create_task(consume())
    await finished.wait()
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await freed(server)


def test_an_exhausted_stream_releases_its_place(twin, serve):
    def script(peer, n):
        peer.begin()
        peer.chunk(b"END\n")
        peer.end()

    server = serve(script)
    for _ in range(40):
        assert list(twin.stream(request_to(server.url))) == ["END"]
    assert server.connections == 1


def test_the_thread_of_the_deadlines_ends_if_it_is_idle(serve, monkeypatch):
    monkeypatch.setattr(deadline_watch, "LINGER_SECONDS", 0.1)

    def script(peer, n):
        peer.begin()
        peer.chunk(b"END\n")
        peer.end()

    list(sync_stream(serve(script)))
    until = time.monotonic() + 3
    while any(thread.name == "deepseek-v4-guard" for thread in threading.enumerate()):
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_mock_may_return_the_same_response_again(make, twin_class):
    response = httpx.Response(200, text="END\n")
    kind = httpx.Client if twin_class is SyncTwin else httpx.AsyncClient
    twin = make(twin_class, kind(transport=httpx.MockTransport(lambda request: response)))
    for _ in range(3):
        assert twin.call(request_to("http://localhost")) == "END"
        assert list(twin.stream(request_to("http://localhost"))) == ["END"]
