"""The key is sent, and no error report can contain it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time

import httpx
import pytest
from pydantic import SecretStr

from deepseek_v4 import errors
from deepseek_v4.transport import AsyncTransport
from tests.unit.transport.client_kinds import KEY, AsyncTwin, Lines, SyncTwin, exchange, read_text, request_to
from tests.unit.transport.libraries import LIBRARIES
from tests.unit.transport.reach import secret_in_reach


def test_the_key_is_a_bearer_token(twin, serve):
    server = serve(lambda peer, n: peer.answer(b"yes"))
    twin.call(request_to(server.url))
    assert server.received[0].headers["authorization"] == f"Bearer {KEY}"


def test_another_header_contains_the_key_alone(twin, serve):
    server = serve(lambda peer, n: peer.answer(b"yes"))
    twin.call(request_to(server.url, key_header="x-api-key"))
    assert server.received[0].headers["x-api-key"] == KEY
    assert "authorization" not in server.received[0].headers


def test_without_a_key_none_is_sent(twin, serve):
    server = serve(lambda peer, n: peer.answer(b"yes"))
    twin.call(request_to(server.url, key=None))
    assert "authorization" not in server.received[0].headers


def test_netrc_does_not_replace_the_key(twin, serve, monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    server = serve(lambda peer, n: peer.answer(b"yes"))
    twin.call(request_to(server.url))
    assert server.received[0].headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    ("library", "twin_class", "client_class"),
    [
        (library, twin_class, client_class)
        for library in LIBRARIES
        for twin_class, client_class in ((SyncTwin, "Client"), (AsyncTwin, "AsyncClient"))
    ],
)
def test_a_given_clients_auth_base_url_and_redirects_do_not_change_the_receiver_of_the_key(
    make, serve, library, twin_class, client_class
):
    elsewhere = serve(lambda peer, n: peer.answer(b"stolen"))
    server = serve(lambda peer, n: peer.answer(b"", "307 Moved", f"location: {elsewhere.url}/x"))
    client = getattr(library, client_class)(base_url=elsewhere.url, follow_redirects=True, auth=("user", "password"))
    twin = make(twin_class, client)
    with pytest.raises(errors.DeepSeekError, match="Set base_url to the final URL") as caught:
        twin.call(request_to(server.url))
    assert caught.value.status_code == 307
    assert server.received[0].headers["authorization"] == f"Bearer {KEY}"
    assert elsewhere.received == []
    with pytest.raises(errors.InvalidRequestError, match="https://"):
        twin.call(request_to("/chat/completions"))
    assert elsewhere.received == []


@pytest.mark.parametrize("key", ["", "sk-1\n", "sk 1", "sk-schlüssel", "sk-1\x00"])
def test_a_key_that_no_header_can_contain_is_refused_without_showing_it(twin, key):
    with pytest.raises(errors.AuthenticationError, match="Copy it again") as caught:
        twin.call(request_to("https://nowhere.test", key=key))
    if key:
        assert key not in str(caught.value)


def hanging_up(peer, n):
    peer.hang_up()


def refusing(peer, n):
    peer.answer(b"no", "401 Who")


def silent(peer, n):
    peer.wait_until_gone()


def garbled(peer, n):
    peer.send(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")
    peer.hang_up()


def cut(peer, n):
    peer.begin()
    peer.chunk(b"one\n")
    peer.hang_up()


def stalled(peer, n):
    peer.begin()
    peer.chunk(b"one\n")
    peer.wait_until_gone()


def unpacked_badly(peer, n):
    peer.begin("content-encoding: gzip")
    peer.chunk(b"this is no gzip")
    peer.end()


FAILURES = {
    "hung up": (hanging_up, errors.ConnectionError),
    "refused": (refusing, errors.AuthenticationError),
    "silent": (silent, errors.TimeoutError),
    "garbled": (garbled, errors.ConnectionError),
    "badly packed": (unpacked_badly, errors.MalformedResponseError),
}


@pytest.mark.parametrize("kind", [*FAILURES])
@pytest.mark.parametrize("limits", [{"timeout": 0.3}, {"total_timeout": 0.4}], ids=["idle", "total"])
def test_the_key_is_not_in_the_error_of_a_failed_call(twin, serve, kind, limits):
    script, error = FAILURES[kind]
    server = serve(script)
    for work in (twin.call, twin.stream):
        with pytest.raises(error) as caught:
            work(request_to(server.url, key_header="x-api-key"), **limits)
        assert not secret_in_reach(caught.value, KEY)
        assert caught.value.__context__ is None


def test_the_key_is_not_in_the_error_of_a_refused_connection(twin, serve):
    server = serve(silent)
    server.stop()
    with pytest.raises(errors.ConnectionError) as caught:
        twin.call(request_to(server.url))
    assert not secret_in_reach(caught.value, KEY)


@pytest.mark.parametrize(("script", "error"), [(cut, errors.StreamInterruptedError), (stalled, errors.TimeoutError)])
def test_the_key_is_not_in_the_error_of_an_interrupted_stream(twin, serve, script, error):
    server = serve(script)
    stream = twin.stream(request_to(server.url), timeout=0.2)
    with pytest.raises(error) as caught:
        list(stream)
    assert not secret_in_reach(caught.value, KEY)


def test_the_key_is_not_in_the_error_of_an_invalid_header(twin, serve):
    server = serve(refusing)
    for value in ("schlüssel-KEY", "line\nKEY"):
        request = request_to(server.url)
        request = type(request)(request.method, request.url, {"x-other": value}, b"", SecretStr(KEY))
        with pytest.raises(errors.InvalidRequestError, match="default_headers") as caught:
            twin.call(request)
        assert "KEY" not in str(caught.value)
        assert not secret_in_reach(caught.value, KEY)


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("script", [silent, stalled])
async def test_the_key_is_not_in_the_error_of_a_cancelled_task(serve, script, streamed):
    server = serve(script)
    transport = AsyncTransport()
    caught = []

    async def work():
        try:
            if streamed:
                request = request_to(server.url, key_header="x-api-key")
                async for _ in await transport.stream(exchange(request, streamed=True), Lines()):
                    pass
            else:
                await transport.call(exchange(request_to(server.url, key_header="x-api-key")), read_text)
        except asyncio.CancelledError as fault:
            caught.append(fault)
            raise

    task = asyncio.create_task(work())
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not secret_in_reach(caught[0], KEY)


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_the_key_is_not_in_a_keyboard_interrupt(make, serve, request):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored if the tests run in the background
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))

    def interrupt(peer, n):
        time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)
        peer.wait_until_gone()

    server = serve(interrupt)
    with pytest.raises(KeyboardInterrupt) as caught:
        make(SyncTwin).call(request_to(server.url, key_header="x-api-key"))
    assert not secret_in_reach(caught.value, KEY)
    assert server.wait_until_open(0)


def test_an_error_of_a_hook_keeps_its_frames(make, serve):
    def hook(request):
        raise KeyError("a mistake in the hook")

    server = serve(silent)
    with pytest.raises(KeyError) as caught:
        make(SyncTwin, httpx.Client(event_hooks={"request": [hook]})).call(request_to(server.url))
    assert "hook" in [entry.name for entry in caught.traceback]
    assert not secret_in_reach(caught.value, KEY)


class Hiding(httpx.BaseTransport):
    """Fails with an error of its own that has httpx's as its context, or as a member of its group."""

    def __init__(self, hidden_in):
        self.hidden_in = hidden_in

    def handle_request(self, request):
        try:
            return httpx.HTTPTransport().handle_request(request)
        except httpx.ConnectError as fault:
            if self.hidden_in == "group":
                group = ExceptionGroup("mistakes", [fault, KeyError("a mistake")])  # noqa: F821
            else:
                raise KeyError("a mistake in the transport") from (fault if self.hidden_in == "cause" else None)
        raise group


@pytest.mark.parametrize(
    "hidden_in",
    [
        "context",
        "cause",
        pytest.param("group", marks=pytest.mark.skipif(sys.version_info < (3, 11), reason="no groups there")),
    ],
)
def test_the_key_is_not_in_the_context_of_an_error(make, hidden_in):
    """Error reporters follow contexts: another error may have one of the HTTP stack as its context."""
    client = httpx.Client(transport=Hiding(hidden_in))
    with pytest.raises(Exception, match="mistake") as caught:
        make(SyncTwin, client).call(request_to("http://127.0.0.1:9", key_header="x-api-key"))
    context = [caught.value.__context__, *getattr(caught.value, "exceptions", ())]
    assert any(isinstance(one, httpx.ConnectError) for one in context)
    for one in (caught.value, *context):
        assert one is None or not secret_in_reach(one, KEY)


def test_the_search_finds_the_key_in_an_httpx_error():
    """These tests can fail: an error of httpx has the key in its frames."""
    with pytest.raises(httpx.ConnectError) as caught:
        httpx.post("http://127.0.0.1:9", headers={"x-api-key": KEY})
    assert secret_in_reach(caught.value, KEY)
