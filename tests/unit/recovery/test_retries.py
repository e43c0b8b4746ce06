"""Requests that fail and are sent again: which errors, how often, and after how long; against raw sockets."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest

from deepseek_v4 import Client, StreamEnd, errors
from deepseek_v4.transport import SyncTransport
from tests.unit.recovery.chat_bytes import BUSY, answer, complete, event, send_stream, streamed
from tests.unit.transport.wire_server import Peer, Script

FORMS = pytest.mark.parametrize("is_streamed", [False, True], ids=["complete", "streamed"])


def failing(status: str, *headers: str, times: int = 99, is_streamed: bool = False) -> Script:
    def script(peer: Peer, n: int) -> None:
        if n <= times:
            peer.answer(b"no", status, *headers)
        else:
            answer(peer, is_streamed)

    return script


def text_of(deltas: Any) -> str:
    *_, end = deltas
    assert isinstance(end, StreamEnd)
    return end.reply.content


@FORMS
@pytest.mark.parametrize(("max_retries", "requests"), [(0, 1), (1, 2), (2, 3)])
@pytest.mark.parametrize("status", ["500 Oops", "503 Busy", "429 Slow", "408 Late", "409 Clash"])
def test_a_call_sends_once_and_then_as_often_as_max_retries(
    deltas: Any, serve: Any, waits: Any, status: str, max_retries: int, requests: int, is_streamed: bool
) -> None:
    server = serve(failing(status))
    with pytest.raises(errors.DeepSeekError) as caught:
        deltas(server.url, is_streamed, max_retries=max_retries)
    assert len(server.received) == requests
    assert len(waits) == requests - 1
    assert caught.value.status_code == int(status[:3])
    assert [attempt.reason for attempt in caught.value.attempts] == ["transient"] * (requests - 1)
    assert {attempt.status for attempt in caught.value.attempts} <= {int(status[:3])}


@FORMS
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("400 Bad", errors.InvalidRequestError),
        ("401 Who", errors.AuthenticationError),
        ("402 Pay", errors.InsufficientBalanceError),
        ("403 No", errors.PermissionDeniedError),
        ("404 Where", errors.NotFoundError),
        ("422 What", errors.InvalidRequestError),
    ],
)
def test_errors_that_are_not_retryable_are_not_sent_again(
    deltas: Any, serve: Any, waits: Any, status: str, kind: Any, is_streamed: bool
) -> None:
    server = serve(failing(status))
    with pytest.raises(kind):
        deltas(server.url, is_streamed)
    assert (len(server.received), waits) == (1, [])


@FORMS
def test_a_later_attempt_may_succeed(deltas: Any, serve: Any, waits: Any, is_streamed: bool) -> None:
    server = serve(failing("500 Oops", times=2, is_streamed=is_streamed))
    *_, end = deltas(server.url, is_streamed)
    assert (end.reply.content, len(server.received)) == ("yes", 3)
    assert [(attempt.reason, attempt.status) for attempt in end.reply.attempts] == [("transient", 500)] * 2


@FORMS
def test_attempts_share_one_connection(deltas: Any, serve: Any, waits: Any, is_streamed: bool) -> None:
    server = serve(failing("500 Oops", times=2, is_streamed=is_streamed))
    deltas(server.url, is_streamed)
    assert server.connections == 1


@FORMS
def test_retry_after_is_the_wait(deltas: Any, serve: Any, waits: Any, is_streamed: bool) -> None:
    server = serve(failing("429 Slow", "retry-after: 3", times=1, is_streamed=is_streamed))
    assert text_of(deltas(server.url, is_streamed)) == "yes"
    [waited] = waits
    assert 3 <= waited <= 3.3


@FORMS
def test_a_long_retry_after_is_reported_and_not_waited_for(
    deltas: Any, serve: Any, waits: Any, is_streamed: bool
) -> None:
    server = serve(failing("429 Slow", "retry-after: 90"))
    with pytest.raises(errors.RateLimitError) as caught:
        deltas(server.url, is_streamed)
    assert (len(server.received), waits, caught.value.retry_after) == (1, [], 90)


@FORMS
def test_a_wait_longer_than_the_remaining_time_ends_the_call(
    deltas: Any, serve: Any, waits: Any, is_streamed: bool
) -> None:
    server = serve(failing("429 Slow", "retry-after: 20"))
    with pytest.raises(errors.TimeoutError, match="total_timeout=5 s") as caught:
        deltas(server.url, is_streamed, total_timeout=5)
    assert (len(server.received), waits) == (1, [])
    assert isinstance(caught.value.__cause__, errors.RateLimitError)


@FORMS
def test_total_timeout_limits_all_attempts_together(deltas: Any, serve: Any, is_streamed: bool) -> None:
    def script(peer: Peer, n: int) -> None:
        time.sleep(0.15)
        peer.answer(b"no", "503 Busy", "retry-after: 0.05")

    server = serve(script)
    begun = time.monotonic()
    with pytest.raises((errors.TimeoutError, errors.OverloadedError)):
        deltas(server.url, is_streamed, total_timeout=0.5, max_retries=50)
    assert time.monotonic() - begun < 1.5
    assert 1 < len(server.received) < 10


@pytest.mark.parametrize("body", [b"", b"\n\n \r\n"])
def test_a_blank_answer_is_sent_again(deltas: Any, serve: Any, waits: Any, body: bytes) -> None:
    server = serve(lambda peer, n: peer.answer(body if n == 1 else complete()))
    assert text_of(deltas(server.url, False)) == "yes"
    assert len(server.received) == 2


def test_a_blank_answer_with_no_retry_left_is_malformed(deltas: Any, serve: Any) -> None:
    server = serve(lambda peer, n: peer.answer(b"\n"))
    with pytest.raises(errors.MalformedResponseError) as caught:
        deltas(server.url, False, max_retries=0)
    assert (caught.value.status_code, caught.value.provider, caught.value.retryable) == (200, "deepseek", True)


def test_line_ends_before_an_answer_are_not_blank(deltas: Any, serve: Any) -> None:
    server = serve(lambda peer, n: peer.answer(b"\n\n\n" + complete()))
    assert text_of(deltas(server.url, False)) == "yes"


def test_an_error_in_a_complete_answer_is_retried_if_retryable(deltas: Any, serve: Any, waits: Any) -> None:
    server = serve(lambda peer, n: peer.answer(json.dumps(BUSY).encode() if n == 1 else complete()))
    assert text_of(deltas(server.url, False)) == "yes"
    assert len(server.received) == 2


def test_an_error_in_a_complete_answer_has_its_origin(deltas: Any, serve: Any, waits: Any) -> None:
    error = {"error": {"message": "Wrong.", "type": "invalid_request_error"}}
    server = serve(lambda peer, n: peer.answer(json.dumps(error).encode(), "200 OK", "x-ds-trace-id: r-7"))
    with pytest.raises(errors.InvalidRequestError) as caught:
        deltas(server.url, False)
    assert (caught.value.request_id, caught.value.status_code, caught.value.provider) == ("r-7", 200, "deepseek")
    assert caught.value.headers is not None
    assert caught.value.headers["x-ds-trace-id"] == "r-7"
    assert len(server.received) == 1


def test_a_complete_answer_that_the_provider_aborted_is_sent_again(deltas: Any, serve: Any, waits: Any) -> None:
    broken = complete("Ha", "insufficient_system_resource")
    server = serve(lambda peer, n: peer.answer(broken if n == 1 else complete()))
    *_, end = deltas(server.url, False)
    assert (end.reply.content, end.reply.usage.output_tokens) == ("yes", 2)


def test_a_blank_stream_is_sent_again_with_a_new_decoder(deltas: Any, serve: Any, waits: Any) -> None:
    server = serve(lambda peer, n: send_stream(peer, b": keep-alive\n\n" if n == 1 else streamed()))
    assert text_of(deltas(server.url, True)) == "yes"
    assert len(server.received) == 2


def test_a_stream_lost_before_its_first_item_is_sent_again(deltas: Any, serve: Any, waits: Any) -> None:
    def script(peer: Peer, n: int) -> None:
        if n > 1:
            answer(peer, True)
            return
        peer.begin()
        peer.chunk(b": keep-alive\n\n")
        peer.hang_up()

    server = serve(script)
    assert text_of(deltas(server.url, True)) == "yes"


def test_an_error_event_before_the_first_item_is_sent_again(deltas: Any, serve: Any, waits: Any) -> None:
    server = serve(lambda peer, n: send_stream(peer, event(**BUSY) if n == 1 else streamed()))
    assert text_of(deltas(server.url, True)) == "yes"


@pytest.mark.parametrize("end", ["lost", "error"])
def test_nothing_is_sent_again_after_the_first_item(deltas: Any, serve: Any, waits: Any, end: str) -> None:
    def script(peer: Peer, n: int) -> None:
        peer.begin()
        peer.chunk(event({"content": "one"}))
        if end == "error":
            peer.chunk(event(**BUSY))
            peer.end()
        peer.hang_up()

    server = serve(script)
    with pytest.raises(errors.StreamInterruptedError if end == "lost" else errors.OverloadedError) as caught:
        deltas(server.url, True)
    assert caught.value.partial is not None
    assert (caught.value.partial.content, len(server.received), waits) == ("one", 1, [])


@FORMS
def test_a_connection_refused_is_sent_again(deltas: Any, serve: Any, waits: Any, is_streamed: bool) -> None:
    server = serve(lambda peer, n: answer(peer, is_streamed))
    server.stop()
    with pytest.raises(errors.ConnectionError) as caught:
        deltas(server.url, is_streamed)
    assert len(waits) == 2
    assert [attempt.status for attempt in caught.value.attempts] == [None, None]


def test_an_attempt_that_fails_before_its_request_exists_counts(
    serve: Any, waits: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    built, calls = SyncTransport._client, []

    def client(transport: SyncTransport) -> Any:
        calls.append(1)
        if len(calls) > 1:
            raise OSError("out of sockets")
        return built(transport)

    monkeypatch.setattr(SyncTransport, "_client", client)
    server = serve(failing("500 Oops", times=1))
    with (
        Client(api_key="sk-test", base_url=server.url) as one,
        pytest.raises(errors.ConnectionError, match="out of sockets") as caught,
    ):
        one.chat("Hi")
    assert (len(calls), caught.value.status_code) == (3, None)


@FORMS
def test_a_request_is_sent_again_if_the_server_closes_without_an_answer(
    deltas: Any, serve: Any, waits: Any, is_streamed: bool
) -> None:
    server = serve(lambda peer, n: peer.hang_up() if n == 1 else answer(peer, is_streamed))
    assert text_of(deltas(server.url, is_streamed)) == "yes"


@FORMS
async def test_a_call_that_is_cancelled_while_it_waits_ends_at_once(serve: Any, is_streamed: bool) -> None:
    server = serve(failing("503 Busy", "retry-after: 30"))
    async with Client(api_key="sk-test", base_url=server.url) as client:
        task = asyncio.ensure_future(client.astream("Hi") if is_streamed else client.achat("Hi"))
        while not server.received:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        task.cancel()
        begun = time.monotonic()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert time.monotonic() - begun < 1
    assert len(server.received) == 1


async def test_a_second_stream_that_is_cancelled_frees_its_connection(serve: Any, waits: Any) -> None:
    def script(peer: Peer, n: int) -> None:
        peer.begin()
        peer.chunk(event({"content": "one"}))
        if n == 1:
            peer.end()
        else:
            peer.wait_until_gone()

    server = serve(script)
    async with Client(api_key="sk-test", base_url=server.url, resume_streams=True) as client:

        async def read() -> None:
            async for _ in await client.astream("Hi"):
                pass

        task = asyncio.ensure_future(read())
        while len(server.received) < 2:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert server.connections == 1  # the first stream was read to its end
        assert await asyncio.to_thread(server.wait_until_open, 0)


@pytest.mark.parametrize("max_retries", [0, 2])
def test_small_requests_are_retried_equally(serve: Any, waits: Any, max_retries: int) -> None:
    server = serve(failing("503 Busy"))
    with Client(api_key="sk-test", base_url=server.url, max_retries=max_retries) as client:
        with pytest.raises(errors.OverloadedError) as caught:
            client.list_models()
        assert len(server.received) == max_retries + 1
        assert len(caught.value.attempts) == max_retries
