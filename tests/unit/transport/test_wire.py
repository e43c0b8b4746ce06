"""The shared async clients in special cases of HTTP: limits, interruptions, kept connections, forks."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import socket
import struct
import threading
import time
import warnings
from contextlib import suppress

import pytest

from deepseek_v4 import errors
from deepseek_v4.transport import AsyncTransport, Limits, clients
from deepseek_v4.values.http import HttpRequest
from tests.unit.transport.client_kinds import KEY, Lines, exchange, read_text, request_to
from tests.unit.transport.reach import secret_in_reach

HEADS = {
    "chunked": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
    "length": b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n",
    "until the end": b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n",
}


@pytest.fixture
async def transport():
    one = AsyncTransport()
    yield one
    await one.aclose()


def call(transport, url, **limits):
    return transport.call(exchange(request_to(url), Limits(**limits)), read_text)


def stream(transport, url, decoder=Lines, **limits):
    return transport.stream(exchange(request_to(url), Limits(**limits), streamed=True), decoder())


async def read(stream, pause=0.0):
    """Return the items of a stream, and the error that ended it."""
    items = []
    try:
        async for item in stream:
            items.append(item)
            await asyncio.sleep(pause)
    except errors.DeepSeekError as error:
        return items, error
    return items, None


def framed(kind, *chunks):
    return b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) if kind == "chunked" else chunk for chunk in chunks)


def reset(peer):
    peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.socket.close()


@pytest.mark.parametrize("end", ["closed", "reset"])
@pytest.mark.parametrize("kind", ["chunked", "length"])
async def test_items_that_arrived_before_an_interruption_are_not_lost(transport, serve, kind, end):
    """Everything has arrived, and the interruption is noticed, before the first read."""

    def script(peer, n):
        peer.send(HEADS[kind] + framed(kind, b"one\n"))
        read_on.wait(5)
        peer.send(framed(kind, b"two\n", b"three\n"))
        if end == "closed":
            peer.hang_up()
        else:
            time.sleep(0.1)
            reset(peer)
        broken.set()

    read_on, broken = threading.Event(), threading.Event()
    items = aiter(await stream(transport, serve(script).url))
    assert await anext(items) == "one"
    read_on.set()
    await asyncio.to_thread(broken.wait)
    await asyncio.sleep(0.1)
    rest, error = await read(items)
    if (
        end == "closed" or rest
    ):  # httpx reads late, and loses the data that a reset has removed from the system's buffer
        assert rest == ["two", "three"]
    assert isinstance(error, errors.StreamInterruptedError)
    assert error.partial == ["one", *rest]


@pytest.mark.parametrize("kind", [*HEADS])
async def test_items_that_arrive_together_with_the_end_are_complete(transport, serve, kind):
    def script(peer, n):
        peer.send(HEADS[kind] + framed(kind, b"one\n", b"two\n"))
        peer.hang_up()

    items, error = await read(await stream(transport, serve(script).url), pause=0.05)
    assert items == ["one", "two"]
    assert isinstance(error, errors.StreamInterruptedError)


@pytest.mark.parametrize("limits", [{"timeout": 0.3}, {"total_timeout": 0.3}])
async def test_a_server_that_accepts_no_byte_reaches_the_limit(transport, limits):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        body = b" " * 30_000_000
        request = HttpRequest("POST", url, {}, body)
        message = "accepted no bytes" if "timeout" in limits else "total_timeout"
        began = time.monotonic()
        with pytest.raises(errors.TimeoutError, match=message):
            await transport.call(exchange(request, Limits(**limits)), read_text)
        assert 0.25 < time.monotonic() - began < 1


@pytest.mark.filterwarnings("error")
async def test_a_long_request_arrives_completely(transport, serve):
    server = serve(lambda peer, n: peer.answer(b"yes"))
    body = os.urandom(5_000_000)
    request = HttpRequest("POST", server.url, {}, body)
    assert await transport.call(exchange(request), read_text) == "yes"
    assert server.received[0].body == body


async def test_a_connection_that_is_not_accepted_reaches_the_limit(transport):
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, socket.socket() as filler:
        filler.setblocking(False)
        with suppress(BlockingIOError):
            filler.connect(listener.getsockname())
        with socket.socket() as another:
            another.setblocking(False)
            with suppress(BlockingIOError):
                another.connect(listener.getsockname())
            with pytest.raises(errors.TimeoutError, match=r"No connection to .* within 0.3 s"):
                await call(transport, f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=0.3)


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_a_request_lost_with_its_connection_is_sent_once(transport, serve, method):
    def script(peer, n):
        if n == 1:
            peer.answer(b"yes")
        else:
            peer.hang_up()

    server = serve(script)
    request = HttpRequest(method, server.url, {}, b"")
    assert await transport.call(exchange(request), read_text) == "yes"
    with pytest.raises(errors.ConnectionError):
        await transport.call(exchange(request), read_text)
    assert len(server.received) == 2


async def test_a_kept_connection_that_was_closed_meanwhile_is_not_used(transport, serve):
    def script(peer, n):
        peer.answer(b"yes")
        time.sleep(0.05)
        peer.hang_up()
        gone.set()

    gone = threading.Event()
    server = serve(script)
    for number in (1, 2, 3):
        assert await call(transport, server.url) == "yes"
        gone.wait(5)  # the loop is blocked and notices nothing
        gone.clear()
        assert server.connections == number


async def test_an_idle_connection_is_kept_for_a_while(serve, monkeypatch):
    monkeypatch.setattr(clients, "IDLE_SECONDS", 0.4)
    transport = AsyncTransport()
    server = serve(lambda peer, n: peer.answer(b"yes"))
    for pause, connections in ((0, 1), (0.1, 1), (0.7, 2)):
        await asyncio.sleep(pause)
        await call(transport, server.url)
        assert server.connections == connections
    await transport.aclose()


async def test_one_client_opens_as_many_connections_as_there_are_calls(transport, serve, monkeypatch):
    monkeypatch.setattr(clients, "CALLS_PER_CLIENT", 1000)
    at_once = threading.Barrier(150)

    def script(peer, n):
        at_once.wait(10)
        peer.answer(b"yes")

    server = serve(script)
    assert await asyncio.gather(*(call(transport, server.url) for _ in range(150))) == ["yes"] * 150


async def test_an_answer_before_the_request_is_read_is_received(transport):
    def serve_once(listener):
        peer, _ = listener.accept()
        with peer:
            peer.recv(1000)
            peer.sendall(b"HTTP/1.1 413 Too Long\r\ncontent-length: 8\r\nconnection: close\r\n\r\ntoo long")
            peer.settimeout(2)
            with suppress(OSError):
                while peer.recv(1 << 20):
                    pass

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve_once, args=(listener,), daemon=True).start()
        request = HttpRequest("POST", f"http://127.0.0.1:{listener.getsockname()[1]}", {}, b" " * 8_000_000)
        with pytest.raises(errors.DeepSeekError, match="too long") as caught:
            await transport.call(exchange(request), read_text)
        assert caught.value.status_code == 413


@pytest.mark.parametrize(
    "header", [("x-a", "one\x00two"), ("x-a", " led by a space"), ("x a", "1"), ("x-a", "a\r\nb: c")]
)
async def test_a_header_that_must_not_be_sent_is_not(transport, serve, header):
    server = serve(lambda peer, n: peer.answer(b"yes"))
    request = HttpRequest("POST", server.url, dict([header]), b"")
    with pytest.raises(errors.InvalidRequestError, match="default_headers"):
        await transport.call(exchange(request), read_text)
    assert server.received == []


async def test_closing_the_transport_ends_its_stream(transport, serve):
    def script(peer, n):
        peer.begin()
        peer.chunk(b"one\n")
        peer.wait_until_gone()

    items = aiter(await stream(transport, serve(script).url))
    assert await anext(items) == "one"
    reading = asyncio.create_task(read(items))
    await asyncio.sleep(0.05)
    await transport.aclose()
    _, error = await asyncio.wait_for(reading, 2)
    assert isinstance(error, errors.StreamInterruptedError)


def test_loops_left_in_any_state_log_nothing(serve, caplog):
    """One closed too early, one with an open stream, one with a stream that was dropped."""

    def script(peer, n):
        peer.begin()
        peer.chunk(b"one\n")
        if peer_ends.is_set():
            peer.chunk(b"END\n")
            peer.end()
        else:
            peer.wait_until_gone()

    peer_ends = threading.Event()
    server = serve(script)
    caplog.set_level(logging.DEBUG, "asyncio")
    kept = []

    async def opened():
        items = aiter(await stream(AsyncTransport(), server.url))
        await anext(items)
        return items

    async def complete():
        transport = AsyncTransport()
        kept.append(transport)
        return await read(await stream(transport, server.url))

    for work, end in ((opened, False), (complete, True)):
        (peer_ends.set if end else peer_ends.clear)()
        loop = asyncio.new_event_loop()
        kept.append(loop.run_until_complete(work()))
        loop.close()
    asyncio.run(opened())
    kept.clear()
    del loop
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # asyncio's own, about the socket of a loop closed too early
        asyncio.run(complete())
        kept.clear()
        gc.collect()
    messages = [record.getMessage() for record in caplog.records if record.levelno > logging.DEBUG]
    assert [text for text in messages if "Unclosed" in text] == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
async def test_a_child_forked_in_the_loop_does_not_close_the_parents_connections(transport, serve):
    def script(peer, n):
        time.sleep(0.1)
        peer.answer(b"yes")

    server = serve(script)
    await call(transport, server.url)
    child = os.fork()
    if child == 0:
        for _ in range(3):
            gc.collect()
        os._exit(0)
    os.waitpid(child, 0)
    assert await call(transport, server.url, timeout=2) == "yes"
    assert server.connections == 1


async def test_no_error_shows_the_key(transport, serve):
    scripts = [
        lambda peer, n: peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n"),
        lambda peer, n: peer.send(b"HTTP/1.1 200 OK\r\n" + b"x" * 200_000),
        lambda peer, n: peer.send(HEADS["chunked"] + b"nonsense\r\n"),
        lambda peer, n: reset(peer),
    ]
    for script in scripts:
        server = serve(lambda peer, n, script=script: (script(peer, n), peer.hang_up()))
        for begin in (call, stream):
            with pytest.raises(errors.ConnectionError) as caught:
                await begin(transport, server.url)
            assert not secret_in_reach(caught.value, KEY)
