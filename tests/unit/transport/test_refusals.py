"""The body of an error response is read up to a size and a deadline; the status is reported in every case."""

from __future__ import annotations

import gzip
import time

import pytest

from deepseek_v4 import errors
from deepseek_v4.transport import asynchronous, exchange, sync
from tests.unit.transport.client_kinds import request_to

HEAD = b"HTTP/1.1 502 Bad Gateway\r\ntransfer-encoding: chunked\r\nx-request-id: r-3\r\n\r\n"


@pytest.fixture(params=["call", "stream"])
def send(request, twin):
    return lambda url, **limits: getattr(twin, request.param)(request_to(url), **limits)


def slow(peer, n):
    peer.send(HEAD)
    for _ in range(100):
        peer.chunk(b"x")
        time.sleep(0.03)
    peer.end()


def test_a_slow_body_ends_at_its_own_deadline(send, serve, monkeypatch):
    monkeypatch.setattr(exchange, "REFUSAL_SECONDS", 0.3)
    server = serve(slow)
    began = time.monotonic()
    with pytest.raises(errors.ServerError) as caught:
        send(server.url, timeout=1)
    assert 0.25 < time.monotonic() - began < 1.5
    assert (caught.value.status_code, caught.value.request_id) == (502, "r-3")
    assert caught.value.message.startswith("xxx")
    assert server.wait_until_open(0)


def test_total_timeout_ends_it_earlier(send, serve):
    began = time.monotonic()
    with pytest.raises(errors.ServerError) as caught:
        send(serve(slow).url, total_timeout=0.3)
    assert 0.25 < time.monotonic() - began < 1.5
    assert caught.value.status_code == 502


def test_a_body_that_stalls_ends_at_the_deadline(send, serve, monkeypatch):
    monkeypatch.setattr(exchange, "REFUSAL_SECONDS", 0.2)

    def silent(peer, n):
        peer.send(HEAD)
        peer.chunk(b"why")
        peer.wait_until_gone()

    began = time.monotonic()
    with pytest.raises(errors.ServerError, match="why"):
        send(serve(silent).url)
    assert time.monotonic() - began < 1.5


@pytest.mark.parametrize("packed", [False, True])
def test_a_body_without_end_is_read_up_to_its_size(send, serve, monkeypatch, packed):
    for module in (sync, asynchronous):
        assert module.REFUSAL_BYTES == 1 << 20
        monkeypatch.setattr(module, "REFUSAL_BYTES", 100_000)
    body = b"x" * 50_000_000 if packed else b"x" * 5_000_000
    sent = gzip.compress(body, 1) if packed else body

    def script(peer, n):
        peer.answer(sent, "500 Oops", *(["content-encoding: gzip"] if packed else []))

    with pytest.raises(errors.ServerError) as caught:
        send(serve(script).url)
    assert caught.value.message == "x" * 100_000


def test_an_interrupted_body_does_not_change_the_status(send, serve):
    def script(peer, n):
        peer.send(HEAD.replace(b"502 Bad Gateway", b"401 Who"))
        peer.chunk(b"who")
        peer.hang_up()

    with pytest.raises(errors.AuthenticationError, match="who"):
        send(serve(script).url)


def test_a_complete_body_keeps_its_connection_for_the_next(send, serve):
    server = serve(lambda peer, n: peer.answer(b"no", "500 Oops"))
    for _ in range(2):
        with pytest.raises(errors.ServerError, match="no"):
            send(server.url)
    assert server.connections == 1


@pytest.mark.parametrize(
    ("answer", "sentences"),
    [
        ((b"", "307 Moved", "location: https://a.test/"), "refused. It redirects to https://a.test/. "),
        ((b"Gone.", "307 Moved", "location: https://a.test/"), "Gone. It redirects to https://a.test/. "),
        ((b"Not here", "404 Not Found"), ". The request was POST http://"),
    ],
)
def test_the_url_is_in_a_sentence_of_its_own(send, serve, answer, sentences):
    with pytest.raises(errors.DeepSeekError) as caught:
        send(serve(lambda peer, n: peer.answer(*answer)).url)
    assert sentences in caught.value.message
