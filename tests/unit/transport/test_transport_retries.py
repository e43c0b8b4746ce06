from __future__ import annotations

import pytest
from twins import Lines, request_to

from deepseek_v4 import errors


def failing(status, *headers, times=99):
    def script(peer, n):
        if n <= times:
            peer.answer(b"no", status, *headers)
        else:
            peer.answer(b"yes")

    return script


@pytest.mark.parametrize(("max_retries", "requests"), [(0, 1), (1, 2), (2, 3)])
@pytest.mark.parametrize("status", ["500 Oops", "429 Slow", "408 Late", "409 Clash"])
def test_a_call_sends_once_and_then_as_often_as_max_retries(twin, serve, waits, status, max_retries, requests):
    server = serve(failing(status))
    with pytest.raises(errors.DeepSeekError) as caught:
        twin.call(request_to(server.url), max_retries=max_retries)
    assert len(server.received) == requests
    assert len(waits) == requests - 1
    assert caught.value.status_code == int(status[:3])


@pytest.mark.parametrize(("max_retries", "requests"), [(0, 1), (2, 3)])
def test_a_stream_sends_once_and_then_as_often_as_max_retries(twin, serve, waits, max_retries, requests):
    server = serve(failing("503 Busy"))
    with pytest.raises(errors.ServerError):
        twin.stream(request_to(server.url), max_retries=max_retries)
    assert len(server.received) == requests


def test_what_will_not_pass_is_not_sent_again(twin, serve, waits):
    server = serve(failing("401 Who"))
    with pytest.raises(errors.AuthenticationError):
        twin.call(request_to(server.url))
    assert len(server.received) == 1


def test_a_later_try_may_succeed(twin, serve, waits):
    server = serve(failing("500 Oops", times=2))
    assert twin.call(request_to(server.url)) == "yes"
    assert len(server.received) == 3


def test_tries_share_one_connection(twin, serve, waits):
    server = serve(failing("500 Oops", times=2))
    twin.call(request_to(server.url))
    assert server.connections == 1


def test_retry_after_is_waited_for(twin, serve, waits):
    server = serve(failing("429 Slow", "retry-after: 3", times=1))
    assert twin.call(request_to(server.url)) == "yes"
    assert 3 <= waits[0] <= 3.3


def test_a_long_retry_after_is_not_waited_for_but_told(twin, serve, waits):
    server = serve(failing("429 Slow", "retry-after: 90"))
    with pytest.raises(errors.RateLimitError) as caught:
        twin.call(request_to(server.url))
    assert (len(server.received), waits, caught.value.retry_after) == (1, [], 90)


@pytest.mark.parametrize("body", [b"", b"\n\n \r\n"])
def test_a_blank_answer_is_tried_again(twin, serve, waits, body):
    server = serve(lambda peer, n: peer.answer(body if n == 1 else b"yes"))
    assert twin.call(request_to(server.url)) == "yes"
    assert len(server.received) == 2


def test_a_blank_answer_with_no_try_left_is_malformed(twin, serve):
    server = serve(lambda peer, n: peer.answer(b"\n"))
    with pytest.raises(errors.MalformedResponseError) as caught:
        twin.call(request_to(server.url), max_retries=0)
    assert (caught.value.status_code, caught.value.provider, caught.value.retryable) == (200, "somebody", True)


def test_line_ends_before_an_answer_are_no_blank(twin, serve):
    server = serve(lambda peer, n: peer.answer(b"\n\n\nyes"))
    assert twin.call(request_to(server.url)) == "yes"


def test_an_error_read_from_a_whole_answer_is_tried_again_when_it_may_pass(twin, serve, waits):
    def read(response):
        if response.body == b"error":
            raise errors.OverloadedError("an error inside a 200")
        return response.body

    server = serve(lambda peer, n: peer.answer(b"error" if n == 1 else b"yes"))
    assert twin.call(request_to(server.url), read=read) == b"yes"


def test_an_error_read_from_a_whole_answer_learns_where_it_came_from(twin, serve):
    def read(response):
        raise errors.InvalidRequestError("an error inside a 200")

    server = serve(lambda peer, n: peer.answer(b"error", "200 OK", "x-request-id: r-7"))
    with pytest.raises(errors.InvalidRequestError) as caught:
        twin.call(request_to(server.url), read=read)
    assert (caught.value.request_id, caught.value.status_code, caught.value.provider) == ("r-7", 200, "somebody")
    assert caught.value.headers["x-request-id"] == "r-7"


def test_a_blank_stream_is_tried_again_with_a_new_decoder(twin, serve, waits):
    made = []

    def decoder():
        made.append(Lines())
        return made[-1]

    def script(peer, n):
        peer.begin()
        if n == 1:
            peer.piece(b": keep-alive\n")
        else:
            peer.piece(b"one\nEND\n")
        peer.end()

    server = serve(script)
    assert list(twin.stream(request_to(server.url), decoder=decoder)) == ["one", "END"]
    assert (len(made), len(server.received)) == (2, 2)


def test_a_stream_lost_before_its_first_item_is_tried_again(twin, serve, waits):
    def script(peer, n):
        peer.begin()
        if n == 1:
            peer.piece(b": keep-alive\n")
            peer.hang_up()
        else:
            peer.piece(b"END\n")
            peer.end()

    server = serve(script)
    assert list(twin.stream(request_to(server.url))) == ["END"]


def test_an_error_event_before_the_first_item_is_tried_again(twin, serve, waits):
    def script(peer, n):
        peer.begin()
        peer.piece(b"ERROR\n" if n == 1 else b"END\n")
        peer.end()

    server = serve(script)
    assert list(twin.stream(request_to(server.url))) == ["END"]


def test_nothing_is_tried_again_once_an_item_is_out(twin, serve, waits):
    def script(peer, n):
        peer.begin()
        peer.piece(b"one\n")
        peer.hang_up()

    server = serve(script)
    stream = twin.stream(request_to(server.url))
    with pytest.raises(errors.StreamInterruptedError):
        list(stream)
    assert len(server.received) == 1


def test_a_connection_refused_is_tried_again(twin, serve, waits):
    server = serve(lambda peer, n: peer.answer(b"yes"))
    server.stop()
    with pytest.raises(errors.ConnectionError):
        twin.call(request_to(server.url))
    assert len(waits) == 2


def test_a_try_that_fails_before_its_request_exists_counts(twin, serve, waits, monkeypatch):
    server = serve(failing("500 Oops", times=1))
    built, calls = twin.transport._client, []

    def client():
        calls.append(1)
        if len(calls) > 1:
            raise OSError("out of sockets")
        return built()

    monkeypatch.setattr(twin.transport, "_client", client)
    with pytest.raises(errors.ConnectionError, match="out of sockets") as caught:
        twin.call(request_to(server.url))
    assert (len(calls), caught.value.status_code) == (3, None)


def test_a_server_that_hangs_up_without_an_answer_is_tried_again(twin, serve, waits):
    server = serve(lambda peer, n: peer.hang_up() if n == 1 else peer.answer(b"yes"))
    assert twin.call(request_to(server.url)) == "yes"
