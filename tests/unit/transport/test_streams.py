from __future__ import annotations

import gzip
import time

import pytest

from deepseek_v4 import errors
from deepseek_v4.transport import asynchronous, sync
from tests.unit.transport.client_kinds import request_to


def sending(*chunks, end=True):
    def script(peer, n):
        peer.begin("x-request-id: r-1")
        for chunk in chunks:
            peer.chunk(chunk)
        if end:
            peer.end()

    return script


def test_each_item_arrives_once_and_in_order(twin, serve):
    server = serve(sending(b"one\ntwo\n", b"thr", b"ee\n", b"END\n"))
    assert list(twin.stream(request_to(server.url))) == ["one", "two", "three", "END"]


def test_an_item_is_returned_as_soon_as_it_arrives(twin, serve):
    seen = []

    def script(peer, n):
        peer.begin()
        peer.chunk(b"one\n")
        until = time.monotonic() + 2
        while not seen and time.monotonic() < until:
            time.sleep(0.005)
        peer.chunk(b"END\n" if seen else b"late\nEND\n")
        peer.end()

    server = serve(script)
    for item in twin.stream(request_to(server.url)):
        seen += [item]
    assert seen == ["one", "END"]


def test_a_refusal_raises_before_any_stream_is_returned(twin, serve):
    server = serve(lambda peer, n: peer.answer(b"who are you", "401 Who", "x-request-id: r-2"))
    with pytest.raises(errors.AuthenticationError, match="who are you") as caught:
        twin.stream(request_to(server.url))
    assert (caught.value.status_code, caught.value.request_id) == (401, "r-2")


def test_items_withheld_by_the_decoder_are_returned_at_the_end_of_the_body(twin, serve):
    class Tailed:
        finished = False

        def feed(self, chunk):
            return []

        def close(self):
            self.finished = True
            return ["tail"]

        def partial(self):
            return None

    server = serve(sending(b"whatever"))
    assert list(twin.stream(request_to(server.url), decoder=Tailed)) == ["tail"]


def test_the_decoder_decides_about_an_end_without_its_mark(twin, serve):
    server = serve(sending(b"one\n"))
    with pytest.raises(errors.StreamInterruptedError, match="cut") as caught:
        list(twin.stream(request_to(server.url)))
    assert (caught.value.request_id, caught.value.status_code, caught.value.provider) == ("r-1", 200, "a-host")


def test_a_broken_connection_interrupts_with_the_partial_answer(twin, serve):
    def script(peer, n):
        sending(b"one\n", b"two\n", end=False)(peer, n)
        peer.hang_up()

    server = serve(script)
    items = []
    with pytest.raises(errors.StreamInterruptedError, match="Send the request again") as caught:
        for item in twin.stream(request_to(server.url)):
            items += [item]
    assert items == caught.value.partial == ["one", "two"]
    assert (caught.value.request_id, caught.value.status_code, caught.value.retryable) == ("r-1", 200, True)


def test_an_error_event_inside_a_stream_is_raised_with_its_origin(twin, serve):
    server = serve(sending(b"one\n", b"ERROR\n"))
    with pytest.raises(errors.OverloadedError, match="holds an error") as caught:
        list(twin.stream(request_to(server.url)))
    assert (caught.value.request_id, caught.value.provider) == ("r-1", "a-host")
    assert len(server.received) == 1


def test_an_uncompressed_body_is_requested(twin, serve):
    server = serve(sending(b"END\n"))
    list(twin.stream(request_to(server.url)))
    assert server.received[0].headers["accept-encoding"] == "identity"


def test_a_compressed_stream_is_read(twin, serve):
    packed = gzip.compress(b"one\nEND\n")

    def script(peer, n):
        peer.begin("content-encoding: gzip")
        peer.chunk(packed[:10])
        peer.chunk(packed[10:])
        peer.end()

    server = serve(script)
    assert list(twin.stream(request_to(server.url))) == ["one", "END"]


def test_a_compressed_answer_is_read(twin, serve):
    server = serve(lambda peer, n: peer.answer(gzip.compress(b"yes"), "200 OK", "content-encoding: gzip"))
    assert twin.call(request_to(server.url)) == "yes"
    assert "gzip" in server.received[0].headers["accept-encoding"]


def test_a_finished_stream_keeps_its_connection_for_the_next(twin, serve):
    server = serve(sending(b"one\n", b"END\n"))
    for _ in range(3):
        list(twin.stream(request_to(server.url)))
    assert server.connections == 1


def test_the_end_of_the_body_may_come_a_little_later(twin, serve):
    def script(peer, n):
        sending(b"one\n", b"END\n", end=False)(peer, n)
        time.sleep(0.1)
        peer.chunk(b": more\n")
        peer.end()

    server = serve(script)
    for _ in range(2):
        list(twin.stream(request_to(server.url)))
    assert server.connections == 1


def test_a_body_that_does_not_end_after_its_answer_is_closed(twin, serve, monkeypatch):
    assert sync.DRAIN_SECONDS == asynchronous.DRAIN_SECONDS == 1
    for module in (sync, asynchronous):
        monkeypatch.setattr(module, "DRAIN_SECONDS", 0.2)

    def script(peer, n):
        sending(b"one\n", b"END\n", end=False)(peer, n)
        peer.wait_until_gone()

    server = serve(script)
    began = time.monotonic()
    assert list(twin.stream(request_to(server.url))) == ["one", "END"]
    assert 0.15 < time.monotonic() - began < 1
    assert server.wait_until_open(0)


def test_a_connection_that_breaks_after_the_answer_is_not_an_error(twin, serve):
    def script(peer, n):
        sending(b"one\n", b"END\n", end=False)(peer, n)
        peer.hang_up()

    server = serve(script)
    assert list(twin.stream(request_to(server.url))) == ["one", "END"]
