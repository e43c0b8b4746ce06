"""What must be the same whatever sends the requests of the shared async clients."""

from __future__ import annotations

import asyncio
import functools
import gc
import logging
import os
import socket
import struct
import threading
import time
import warnings
from contextlib import suppress
from importlib.util import find_spec

import httpcore
import httpx
import pytest
from reach import secret_in_reach
from scripts import run_python
from twins import KEY, SAID, Lines, read_text, request_to

from deepseek_v4 import errors
from deepseek_v4.transport import AsyncTransport, Limits, clients
from deepseek_v4.wire import HttpRequest

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
    return transport.call(request_to(url), Limits(**limits), read=read_text, **SAID)


def stream(transport, url, decoder=Lines, **limits):
    return transport.stream(request_to(url), Limits(**limits), decoder=decoder, **SAID)


async def read(stream, pause=0.0):
    """The items of a stream, and what it ended with."""
    items = []
    try:
        async for item in stream:
            items.append(item)
            await asyncio.sleep(pause)
    except errors.DeepSeekError as error:
        return items, error
    return items, None


def framed(kind, *pieces):
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) if kind == "chunked" else piece for piece in pieces)


def reset(peer):
    peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.socket.close()


def test_aiohttp_is_used_by_itself_where_httpx_aiohttp_is_installed():
    told = run_python("from deepseek_v4.transport import clients; print(clients.over_aiohttp())")
    assert told.stdout.strip() == str(find_spec("httpx_aiohttp") is not None)


async def test_what_is_said_is_what_is_used(carrier):
    client = clients._async_client()
    assert type(client._transport).__name__ == {"httpx": "AsyncHTTPTransport", "aiohttp": "AiohttpTransport"}[carrier]
    await client.aclose()


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "https_proxy", "ALL_PROXY"])
async def test_with_a_proxy_httpx_is_left_alone(carrier, monkeypatch, variable):
    monkeypatch.setenv(variable, "http://127.0.0.1:9")
    client = clients._async_client()
    assert type(client._transport).__name__ == "AsyncHTTPTransport"
    await client.aclose()


@pytest.mark.parametrize("sender", [httpx.AsyncHTTPTransport, httpcore.AsyncConnectionPool])
@pytest.mark.parametrize("wrapped", [False, True])
async def test_who_sits_where_httpx_sends_sees_every_call(transport, serve, monkeypatch, sender, wrapped):
    """Mocks, recorders and tracers do so."""
    seen = []
    sends = sender.handle_async_request

    async def look_on(self, request):
        seen.append(request)
        return await sends(self, request)

    monkeypatch.setattr(sender, "handle_async_request", functools.wraps(sends)(look_on) if wrapped else look_on)
    assert await call(transport, serve(lambda peer, n: peer.answer(b"yes")).url) == "yes"
    assert len(seen) == 1


@pytest.mark.skipif(find_spec("httpx_aiohttp") is None, reason="needs httpx-aiohttp")
def test_the_bytes_on_the_wire_are_the_same(serve, monkeypatch):
    server = serve(lambda peer, n: peer.answer(b"yes"))
    url = server.url.replace("http://", "http://user:password@") + "/v1/a%2Fb%20c/x?q=1+2%20&e=%C3%A9#f"
    request = HttpRequest("POST", url, {"X-Odd": "Value ;=, \"'", "user-agent": "ours", "accept": "*/*"}, b"{}")

    async def once():
        transport = AsyncTransport()
        await transport.call(request, Limits(), read=read_text, **SAID)
        await transport.call(request_to(server.url), Limits(), read=read_text, **SAID)
        async for _ in await stream(transport, server.url, decoder=type("Any", (Lines,), {"close": lambda self: []})):
            pass

    for over_aiohttp in (False, True):
        monkeypatch.setattr(clients, "over_aiohttp", lambda over_aiohttp=over_aiohttp: over_aiohttp)
        asyncio.run(once())
    heads = [received.head for received in server.received]
    assert heads[:3] == heads[3:]
    assert [received.body for received in server.received] == [b"{}"] * 6


@pytest.mark.parametrize("end", ["closed", "reset"])
@pytest.mark.parametrize("kind", ["chunked", "length"])
async def test_what_had_arrived_before_a_break_is_not_lost(transport, serve, kind, end):
    """Everything is there, and the break is noticed, before anybody reads."""

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
    if end == "closed" or rest:  # httpx itself reads late, and loses what a reset has taken from the system's buffer
        assert rest == ["two", "three"]
    assert isinstance(error, errors.StreamInterruptedError)
    assert error.partial == ["one", *rest]


@pytest.mark.parametrize("kind", [*HEADS])
async def test_what_arrives_at_one_go_with_the_end_is_whole(transport, serve, kind):
    def script(peer, n):
        peer.send(HEADS[kind] + framed(kind, b"one\n", b"two\n"))
        peer.hang_up()

    items, error = await read(await stream(transport, serve(script).url), pause=0.05)
    assert items == ["one", "two"]
    assert isinstance(error, errors.StreamInterruptedError)


async def test_a_flood_of_small_pieces_and_a_slow_reader_lose_nothing(transport, serve):
    numbers = [str(number) for number in range(50_000)]

    def script(peer, n):
        peer.send(HEADS["chunked"] + framed("chunked", *(number.encode() + b"\n" for number in numbers)))
        peer.hang_up()

    items = aiter(await stream(transport, serve(script).url))
    first = [await anext(items)]
    await asyncio.sleep(0.2)
    rest, error = await read(items)
    assert first + rest == numbers
    assert isinstance(error, errors.StreamInterruptedError)


@pytest.mark.parametrize("kind", [*HEADS])
async def test_what_had_arrived_before_silence_is_not_lost(transport, serve, kind):
    def script(peer, n):
        peer.send(HEADS[kind] + framed(kind, b"one\n", b"two\n"))
        peer.wait_until_gone()

    items, error = await read(await stream(transport, serve(script).url, timeout=0.3), pause=0.2)
    assert items == ["one", "two"]
    assert isinstance(error, errors.TimeoutError)


async def test_an_error_event_that_came_with_the_break_is_told(transport, serve):
    def script(peer, n):
        peer.send(HEADS["chunked"] + framed("chunked", b"one\n", b"ERROR\n"))
        peer.hang_up()

    items, error = await read(await stream(transport, serve(script).url), pause=0.05)
    assert items == ["one"]
    assert isinstance(error, errors.OverloadedError)


async def test_nonsense_between_the_pieces_ends_a_stream(transport, serve):
    def script(peer, n):
        peer.send(HEADS["chunked"] + framed("chunked", b"one\n"))
        time.sleep(0.1)
        peer.send(b"this is no piece\r\n")
        peer.wait_until_gone(3)

    began = time.monotonic()
    items, error = await read(await stream(transport, serve(script).url))
    assert items == ["one"]
    assert isinstance(error, errors.StreamInterruptedError)
    assert time.monotonic() - began < 2.5


async def test_the_time_a_reader_takes_is_not_the_servers_silence(transport, serve):
    def script(peer, n):
        peer.begin()
        peer.piece(b"one\n")
        time.sleep(0.8)
        peer.piece(b"END\n")
        peer.end()

    items, error = await read(await stream(transport, serve(script).url, timeout=0.5), pause=0.7)
    assert (items, error) == (["one", "END"], None)


@pytest.mark.parametrize("limits", [{"timeout": 0.3}, {"total_timeout": 0.3}])
async def test_a_server_that_takes_no_byte_runs_into_the_limit(transport, limits):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        body = b" " * 30_000_000
        request = HttpRequest("POST", url, {}, body)
        words = "took no byte" if "timeout" in limits else "total_timeout"
        began = time.monotonic()
        with pytest.raises(errors.TimeoutError, match=words):
            await transport.call(request, Limits(**limits, max_retries=0), read=read_text, **SAID)
        assert 0.25 < time.monotonic() - began < 1


@pytest.mark.filterwarnings("error")
async def test_a_long_request_arrives_whole(transport, serve):
    server = serve(lambda peer, n: peer.answer(b"yes"))
    body = os.urandom(5_000_000)
    request = HttpRequest("POST", server.url, {}, body)
    assert await transport.call(request, Limits(), read=read_text, **SAID) == "yes"
    assert server.received[0].body == body


async def test_a_connection_nobody_accepts_runs_into_the_limit(transport):
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, socket.socket() as filler:
        filler.setblocking(False)
        with suppress(BlockingIOError):
            filler.connect(listener.getsockname())
        with socket.socket() as another:
            another.setblocking(False)
            with suppress(BlockingIOError):
                another.connect(listener.getsockname())
            with pytest.raises(errors.TimeoutError, match=r"No connection to .* within 0.3 s"):
                await call(transport, f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=0.3, max_retries=0)


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_a_request_that_a_dying_connection_swallows_is_sent_once(transport, serve, method):
    def script(peer, n):
        if n == 1:
            peer.answer(b"yes")
        else:
            peer.hang_up()

    server = serve(script)
    request = HttpRequest(method, server.url, {}, b"")
    assert await transport.call(request, Limits(), read=read_text, **SAID) == "yes"
    with pytest.raises(errors.ConnectionError):
        await transport.call(request, Limits(max_retries=0), read=read_text, **SAID)
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
        assert await call(transport, server.url, max_retries=0) == "yes"
        gone.wait(5)  # the loop stands still and sees nothing
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


async def test_no_cookie_is_kept(transport, serve):
    server = serve(lambda peer, n: peer.answer(b"yes", "200 OK", "set-cookie: account=mine; path=/"))
    server.url = server.url.replace("127.0.0.1", "localhost")
    for _ in range(2):
        await call(transport, server.url)
    assert "cookie" not in server.received[1].headers


async def test_a_redirect_is_not_followed(transport, serve):
    elsewhere = serve(lambda peer, n: peer.answer(b"stolen"))
    server = serve(lambda peer, n: peer.answer(b"", "307 Moved", f"location: {elsewhere.url}"))
    with pytest.raises(errors.DeepSeekError, match="redirects are not followed"):
        await call(transport, server.url, max_retries=0)
    assert elsewhere.received == []


async def test_every_header_of_the_answer_is_there(serve):
    value = "v" * 20_000
    server = serve(lambda peer, n: peer.answer(b"yes", "200 Very Well", "X-Many: 1", "x-many: 2", f"x-long: {value}"))
    client = clients._async_client()
    request = client.build_request("POST", server.url, headers={}, content=b"", extensions={})
    response = await client.send(request, stream=True)
    assert await response.aread() == b"yes"
    assert response.headers.get_list("x-many") == ["1", "2"]
    assert response.headers["x-long"] == value
    assert response.reason_phrase == "Very Well"
    await client.aclose()


async def test_interim_answers_are_passed_over(transport, serve):
    def script(peer, n):
        peer.send(b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n")
        peer.answer(b"yes")

    assert await call(transport, serve(script).url) == "yes"


async def test_an_answer_that_comes_before_the_request_is_read_is_heard(transport):
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
            await transport.call(request, Limits(max_retries=0), read=read_text, **SAID)
        assert caught.value.status_code == 413


@pytest.mark.parametrize(
    "header", [("x-a", "one\x00two"), ("x-a", " led by a space"), ("x a", "1"), ("x-a", "a\r\nb: c")]
)
async def test_a_header_that_must_not_be_sent_is_not(transport, serve, header):
    server = serve(lambda peer, n: peer.answer(b"yes"))
    request = HttpRequest("POST", server.url, dict([header]), b"")
    with pytest.raises(errors.InvalidRequestError, match="default_headers"):
        await transport.call(request, Limits(), read=read_text, **SAID)
    assert server.received == []


async def test_closing_the_transport_breaks_its_stream_off(transport, serve):
    def script(peer, n):
        peer.begin()
        peer.piece(b"one\n")
        peer.wait_until_gone()

    items = aiter(await stream(transport, serve(script).url))
    assert await anext(items) == "one"
    reading = asyncio.create_task(read(items))
    await asyncio.sleep(0.05)
    await transport.aclose()
    _, error = await asyncio.wait_for(reading, 2)
    assert isinstance(error, errors.StreamInterruptedError)


def test_loops_left_in_any_state_leave_no_word(serve, carrier, caplog):
    """One closed too early, one with an open stream, one with a stream that was dropped."""

    def script(peer, n):
        peer.begin()
        peer.piece(b"one\n")
        if peer_ends.is_set():
            peer.piece(b"END\n")
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

    async def whole():
        transport = AsyncTransport()
        kept.append(transport)
        return await read(await stream(transport, server.url))

    for work, end in ((opened, False), (whole, True)):
        (peer_ends.set if end else peer_ends.clear)()
        loop = asyncio.new_event_loop()
        kept.append(loop.run_until_complete(work()))
        loop.close()
    asyncio.run(opened())
    kept.clear()
    del loop
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # asyncio's own, about the socket of a loop closed too early
        asyncio.run(whole())
        kept.clear()
        gc.collect()
    said = [record.getMessage() for record in caplog.records if record.levelno > logging.DEBUG]
    assert [text for text in said if "Unclosed" in text] == []


@pytest.mark.skipif(find_spec("httpx_aiohttp") is None, reason="needs httpx-aiohttp")
def test_a_session_of_an_idle_loop_is_closed_unless_another_loop_runs():
    from deepseek_v4.transport.aiohttp import AiohttpTransport, _abandon

    async def opened():
        return AiohttpTransport(clients.ssl_context(), httpx.Limits())

    async def dropped_here():
        _abandon(transport._session, loop, os.getpid())

    loop = asyncio.new_event_loop()
    transport = loop.run_until_complete(opened())
    asyncio.run(dropped_here())
    assert not transport._session.closed
    _abandon(transport._session, loop, os.getpid())
    assert transport._session.closed
    loop.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
async def test_a_child_forked_in_the_loop_does_the_parents_connections_no_harm(transport, serve):
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
    assert await call(transport, server.url, timeout=2, max_retries=0) == "yes"
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
                await begin(transport, server.url, max_retries=0)
            assert not secret_in_reach(caught.value, KEY)
