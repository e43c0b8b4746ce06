"""Which transports share connections, and when connections are closed."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib.util import find_spec

import httpx
import pytest

from deepseek_v4 import errors
from deepseek_v4.transport import AsyncTransport, SyncTransport, clients
from tests.unit.transport.client_kinds import AsyncTwin, Lines, SyncTwin, exchange, read_text, request_to
from tests.unit.transport.libraries import LIBRARIES
from tests.unit.transport.scripts import run_python


def sync_call(transport, server):
    return transport.call(exchange(request_to(server.url)), read_text)


def async_call(transport, server):
    return transport.call(exchange(request_to(server.url)), read_text)


class Whole(Lines):
    def close(self):
        return [self._rest.decode()]


@pytest.fixture
def server(serve):
    return serve(lambda peer, n: peer.answer(b"yes", "200 OK", "set-cookie: account=mine"))


@pytest.fixture(autouse=True)
def nothing_shared_with_other_tests():
    clients._close_at_exit()
    yield
    clients._close_at_exit()


def test_creating_a_transport_creates_no_client(monkeypatch):
    made = []
    monkeypatch.setattr(clients, "ssl_context", lambda: made.append("a context for a client"))
    SyncTransport()
    AsyncTransport()
    assert made == []


def test_two_transports_share_a_connection(server):
    for _ in range(2):
        assert sync_call(SyncTransport(), server) == "yes"
    assert server.connections == 1


async def test_two_async_transports_share_a_connection(server):
    for _ in range(2):
        assert await async_call(AsyncTransport(), server) == "yes"
    assert server.connections == 1


def test_one_ssl_context_serves_both_kinds():
    for kind in ("Client", "AsyncClient"):
        assert clients._built(kind, capped=True)._transport._pool._ssl_context is clients.ssl_context()


def test_accounts_that_share_a_client_share_no_cookie(server):
    for _ in range(2):
        sync_call(SyncTransport(), server)
    assert "cookie" not in server.received[1].headers


def test_releasing_the_last_lease_closes_the_sockets(server):
    first, second = SyncTransport(), SyncTransport()
    sync_call(first, server)
    sync_call(second, server)
    first.close()
    assert not server.wait_until_open(0, 0.1)
    second.close()
    assert server.wait_until_open(0)


def test_a_lease_ends_with_its_transport(server):
    first, second = SyncTransport(), SyncTransport()
    sync_call(first, server)
    sync_call(second, server)
    del first
    gc.collect()
    second.close()
    assert server.wait_until_open(0)


def test_a_closed_transport_can_be_used_again(twin, server):
    twin.call(request_to(server.url))
    twin.close()
    assert server.wait_until_open(0)
    twin.close()
    assert twin.call(request_to(server.url)) == "yes"
    assert server.connections == 2


def test_sequential_calls_stay_on_one_connection(twin, server):
    for _ in range(20):
        twin.call(request_to(server.url))
    assert server.connections == 1


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_given_client_of_either_library_is_used_and_never_closed(make, twin_class, library, server):
    client = getattr(library, "Client" if twin_class is SyncTwin else "AsyncClient")(headers={"x-from": "mine"})
    twin = make(twin_class, client)
    assert twin.call(request_to(server.url), timeout=library.Timeout(5)) == "yes"
    twin.close()
    assert not client.is_closed
    assert list(twin.stream(request_to(server.url), decoder=Whole)) == ["yes"]
    assert [received.headers["x-from"] for received in server.received] == ["mine", "mine"]


@pytest.mark.parametrize("library", [None, *LIBRARIES])
def test_the_headers_of_a_request_replace_those_of_a_given_client(make, twin_class, library, server):
    own = {"content-type": "text/plain", "Accept-Encoding": "deflate", "x-from": "mine"}
    kind = "Client" if twin_class is SyncTwin else "AsyncClient"
    twin = make(twin_class, library and getattr(library, kind)(headers=own))
    twin.call(request_to(server.url))
    [head] = [received.head for received in server.received]
    names = [line.partition(":")[0].lower() for line in head.splitlines()[1:] if line]
    received = server.received[0].headers
    assert len(names) == len(set(names))
    assert received["content-type"] == "application/json"
    assert (received["accept-encoding"], received["content-length"]) == ("gzip", "2")
    assert received.get("x-from") == (library and "mine")


@pytest.mark.parametrize("library", [None, *LIBRARIES])
@pytest.mark.parametrize("value", ["é", "a\nb: c"])
def test_a_header_that_cannot_be_sent_is_an_error(make, twin_class, library, server, value):
    twin = make(twin_class, library and getattr(library, "Client" if twin_class is SyncTwin else "AsyncClient")())
    request = replace(request_to(server.url), headers={"x-title": value})
    with pytest.raises(errors.InvalidRequestError, match="must be ASCII without line breaks"):
        twin.call(request)
    assert server.received == []


def test_a_request_without_a_body_has_no_content_length(twin, server):
    twin.call(replace(request_to(server.url), method="GET", body=b""))
    assert "content-length" not in server.received[0].headers


@pytest.mark.skipif(find_spec("httpx_aiohttp") is None, reason="needs httpx-aiohttp")
async def test_a_given_client_over_aiohttp_is_used(serve):
    from httpx_aiohttp import HttpxAiohttpClient

    server = serve(lambda peer, n: peer.answer(b"one\nEND\n" if n < 3 else b"", "200 OK" if n < 3 else "204 Empty"))
    async with HttpxAiohttpClient() as client:
        transport = AsyncTransport(client)
        assert await async_call(transport, server) == "one\nEND"
        stream = await transport.stream(exchange(request_to(server.url), streamed=True), Lines())
        assert [item async for item in stream] == ["one", "END"]
        for _ in range(2):
            with pytest.raises(errors.MalformedResponseError, match="empty: no body"):
                await transport.call(exchange(request_to(server.url)), read_text)


def test_a_given_client_that_is_closed_is_an_error(make, server):
    client = httpx.Client()
    client.close()
    with pytest.raises(errors.ConnectionError, match="can no longer be used"):
        make(SyncTwin, client).call(request_to(server.url))
    assert server.received == []


def test_a_given_mock_transport_is_used(make):
    def answer(request):
        return httpx.Response(200, text="one\nEND\n")

    twin = make(SyncTwin, httpx.Client(transport=httpx.MockTransport(answer)))
    assert list(twin.stream(request_to("https://nowhere.test"))) == ["one", "END"]
    assert twin.call(request_to("https://nowhere.test")) == "one\nEND"
    twin = make(AsyncTwin, httpx.AsyncClient(transport=httpx.MockTransport(answer)))
    assert list(twin.stream(request_to("https://nowhere.test"))) == ["one", "END"]


def test_thirty_two_threads_over_one_transport(make, serve):
    at_once = threading.Barrier(32)
    requests = []

    def script(peer, n):
        at_once.wait(10)
        peer.begin()
        peer.chunk(b"one\n")
        peer.chunk(b"END\n")
        peer.end()

    server = serve(script)
    twin = make(SyncTwin)

    def work(_):
        requests.append(1)
        return [list(twin.stream(request_to(server.url))) for _ in range(3)]

    with ThreadPoolExecutor(32) as pool:
        assert list(pool.map(work, range(32))) == [[["one", "END"]] * 3] * 32
    assert server.connections == 32
    shards = clients._registry.sync_pool._shards
    assert len(shards) == 32 / clients.CALLS_PER_CLIENT
    assert all(shard.calls == 0 for shard in shards)


async def test_two_hundred_calls_at_a_time_are_spread_and_none_waits(serve):
    at_once = threading.Barrier(200)

    def script(peer, n):
        at_once.wait(10)
        peer.answer(b"yes")

    server = serve(script)
    transport = AsyncTransport()
    answers = await asyncio.gather(*(async_call(transport, server) for _ in range(200)))
    assert answers == ["yes"] * 200
    shards = clients._registry.by_loop[asyncio.get_running_loop()]._shards
    assert len(shards) == 200 / clients.CALLS_PER_CLIENT
    await transport.aclose()


@pytest.mark.filterwarnings("error")
def test_a_second_asyncio_run_works_and_the_first_frees_its_socket(server):
    transport = AsyncTransport()
    for number in (1, 2):
        assert asyncio.run(async_call(transport, server)) == "yes"
        assert server.wait_until_open(0)
        assert server.connections == number


def test_a_loop_closed_without_cleanup_is_removed(server):
    transport = AsyncTransport()
    for _ in range(2):
        loop = asyncio.new_event_loop()
        assert loop.run_until_complete(async_call(transport, server)) == "yes"
        loop.close()
    assert [one for one in clients._registry.by_loop if one.is_closed()] == [loop]


def test_loops_in_two_threads_at_a_time(server):
    transport = AsyncTransport()

    def run(_):
        async def calls():
            return [await async_call(transport, server) for _ in range(5)]

        return asyncio.run(calls())

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(run, range(8))) == [["yes"] * 5] * 8


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_forked_child_opens_its_own_connections(server):
    transport = SyncTransport()
    sync_call(transport, server)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = 0 if sync_call(transport, server) == "yes" else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert server.connections == 2
    assert sync_call(transport, server) == "yes"
    assert server.connections == 2


def test_the_environments_proxy_is_used(make, twin_class, server, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", server.url)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert make(twin_class).call(request_to("http://behind.test/v1")) == "yes"
    assert server.received[0].head.startswith("POST http://behind.test/v1 HTTP/1.1")


def test_a_script_that_closes_nothing_ends_without_output(server):
    done = run_python(
        """
        import asyncio, sys
        from deepseek_v4.transport import AsyncTransport, SyncTransport
        from tests.unit.transport.client_kinds import exchange, read_text, request_to

        url = sys.argv[1]
        print(SyncTransport().call(exchange(request_to(url)), read_text))
        transport = AsyncTransport()

        async def main():
            print(await transport.call(exchange(request_to(url)), read_text))

        asyncio.run(main())
        asyncio.run(main())
        """,
        server.url,
    )
    assert (done.stdout, done.stderr) == ("yes\nyes\nyes\n", "")


def test_importing_the_transport_imports_no_http_library():
    done = run_python("import sys, deepseek_v4.transport; print([m for m in ('httpx', 'anyio') if m in sys.modules])")
    assert done.stdout == "[]\n"


def test_the_url_is_parsed_once_for_a_given_client(server):
    urls = []

    class Given(httpx.Client):
        def build_request(self, method, url, **parts):
            urls.append(url)
            return super().build_request(method, url, **parts)

    with Given() as given:
        for _ in range(2):
            sync_call(SyncTransport(given), server)
    assert isinstance(urls[0], httpx.URL)
    assert urls[0] is urls[1]
