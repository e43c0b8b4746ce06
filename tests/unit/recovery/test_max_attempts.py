"""One bound for all requests of a call, and each further request is reported: at a server of raw sockets."""

from __future__ import annotations

import logging
import pickle
from typing import Any

import httpx
import pytest

from deepseek_v4 import Attempt, Client, errors
from tests.unit.recovery.chat_bytes import answer
from tests.unit.recovery.test_request_counts import JSON, RESUMED, TOOLS, reply_with
from tests.unit.transport.wire_server import Peer

# responses of the server in order, options, requests, class of the error; None: an answer
BOUNDED: list[tuple[list[str], dict[str, Any], int, Any]] = [
    (["503", "503", "empty", "503", "503", "good"], {}, 4, errors.OverloadedError),
    (["503", "503", "empty", "503", "503", "good"], {"max_attempts": 6}, 6, None),
    (["503"], {"max_attempts": 2}, 2, errors.OverloadedError),
    (["503"], {"max_retries": 6}, 7, errors.OverloadedError),  # an explicit option is not capped
    (["503"], {"max_retries": 6, "max_attempts": 1}, 1, errors.OverloadedError),
    (["empty"], {"max_attempts": 1}, 1, errors.EmptyReplyError),
    (["503", "empty"], {"max_attempts": 2}, 2, errors.EmptyReplyError),
    (["good"], {**JSON, **TOOLS, "answer_retries": 5}, 6, None),
    (["good"], {**JSON, **TOOLS, "answer_retries": 5, "max_attempts": 3}, 3, None),
    (["markup"], {**TOOLS, "max_attempts": 1}, 1, None),
]
EXHAUSTED = {0, 2, 4, 5, 6, 8, 9}
"""Those of ``BOUNDED`` that ``max_attempts`` or its default ends."""


@pytest.mark.filterwarnings("ignore::deepseek_v4.errors.LeakedMarkupWarning")
@pytest.mark.parametrize("is_streamed", [False, True], ids=["complete", "streamed"])
@pytest.mark.parametrize("case", range(len(BOUNDED)))
def test_causes_share_one_limit(deltas: Any, serve: Any, waits: Any, case: int, is_streamed: bool) -> None:
    causes, options, expected, kind = BOUNDED[case]
    server = serve(lambda peer, n: reply_with(causes[min(n, len(causes)) - 1], peer, is_streamed))
    ended: Any
    if kind is None:
        ended = deltas(server.url, is_streamed, **options)[-1].reply
    else:
        with pytest.raises(kind) as caught:
            deltas(server.url, is_streamed, **options)
        ended = caught.value
        assert ended.retryable  # its meaning does not change
    assert len(server.received) == expected
    assert len(ended.attempts) == expected - 1
    assert ended.attempts_exhausted == (case in EXHAUSTED)


@pytest.mark.parametrize(("options", "expected"), [({}, 4), ({"max_resumes": 6}, 7), ({"max_attempts": 2}, 2)])
def test_a_resumed_stream_has_the_same_limit(
    deltas: Any, serve: Any, waits: Any, options: dict[str, Any], expected: int
) -> None:
    server = serve(lambda peer, n: answer(peer, True, "yes", "length"))
    reply = deltas(server.url, True, **RESUMED, **options)[-1].reply
    assert len(server.received) == expected
    assert reply.content == "yes" * expected
    assert reply.finish_reason == "length"
    assert reply.attempts_exhausted == ("max_attempts" in options)


def test_the_worst_case_by_default_is_four_requests(serve: Any, waits: Any) -> None:
    order = ["503", "503", "markup", "503", "503", "empty", "503", "503", "good"]
    server = serve(lambda peer, n: reply_with(order[n - 1], peer, True))
    with Client(api_key="sk-test", base_url=server.url, resume_streams=True) as client:
        reply = list(client.stream("Hi", **TOOLS))[-1].reply  # type: ignore[union-attr]
    assert (len(server.received), len(reply.attempts)) == (4, 3)
    assert reply.attempts_exhausted
    assert "tool_calls" in reply.content  # the answer that the next one did not replace


PREVIEWS: list[tuple[dict[str, Any], bool, int]] = [
    ({}, False, 4),
    ({"max_retries": 0}, False, 2),
    ({"max_retries": 0, "on_empty": "return"}, False, 1),
    ({"max_retries": 0, "on_empty": "return", **TOOLS}, False, 2),
    ({"max_retries": 0, "on_empty": "return", "answer_retries": 2, **JSON}, False, 3),
    ({"max_retries": 0, "on_empty": "return", **RESUMED}, True, 4),
    ({"max_retries": 0, "on_empty": "return", **RESUMED}, False, 1),
    ({"max_retries": 9}, False, 10),
    ({"max_retries": 9, "max_attempts": 3}, False, 3),
]


@pytest.mark.parametrize(("options", "is_streamed", "expected"), PREVIEWS)
def test_the_preview_has_the_largest_number_of_requests(
    options: dict[str, Any], is_streamed: bool, expected: int
) -> None:
    assert Client(api_key="sk-test").preview("Hi", stream=is_streamed, **options).max_requests == expected


@pytest.mark.parametrize("is_streamed", [False, True], ids=["complete", "streamed"])
def test_each_further_request_is_logged_once_and_reported_to_the_callback(
    serve: Any, waits: Any, caplog: pytest.LogCaptureFixture, is_streamed: bool
) -> None:
    causes = ["503", "empty", "good"]
    server = serve(lambda peer, n: reply_with(causes[n - 1], peer, is_streamed))
    reported: list[Attempt] = []
    caplog.set_level(logging.INFO, "deepseek_v4")
    with Client(api_key="sk-test", base_url=server.url, on_retry=reported.append) as client:
        reply = list(client.stream("Hi"))[-1].reply if is_streamed else client.chat("Hi")  # type: ignore[union-attr]
    assert tuple(reported) == reply.attempts
    assert [attempt.reason for attempt in reported] == ["transient", "empty"]
    assert len([record for record in caplog.records if record.levelno == logging.INFO]) == 2


def test_an_exception_of_the_callback_ends_the_call(serve: Any, waits: Any) -> None:
    def refuse(attempt: Attempt) -> None:
        raise PermissionError(attempt.reason)

    server = serve(lambda peer, n: reply_with("503", peer, False))
    with Client(api_key="sk-test", base_url=server.url, on_retry=refuse) as client, pytest.raises(PermissionError):
        client.chat("Hi")
    assert len(server.received) == 1


def test_a_pickle_does_not_contain_the_callback() -> None:
    settings = Client(api_key="sk-test", on_retry=lambda attempt: None, max_attempts=3).settings
    copied = pickle.loads(pickle.dumps(settings))
    assert (copied.on_retry, copied.max_attempts) == (None, 3)


def silent_then_good(peer: Peer, n: int) -> None:
    if n == 1:
        peer.wait_until_gone()
    else:
        answer(peer, False, "yes")


def test_a_resend_after_a_read_timeout_may_be_billed(deltas: Any, serve: Any, waits: Any) -> None:
    server = serve(silent_then_good)
    reply = deltas(server.url, False, timeout=0.2)[-1].reply
    assert reply.attempts[0].detail.endswith("The provider may bill this request as well.")


def test_a_resend_after_a_read_timeout_can_be_disabled(deltas: Any, serve: Any, waits: Any) -> None:
    server = serve(silent_then_good)
    with pytest.raises(errors.TimeoutError) as caught:
        deltas(server.url, False, timeout=0.2, retry_on_timeout=False)
    assert (caught.value.retryable, caught.value.attempts_exhausted, caught.value.may_be_billed) == (True, True, True)
    assert len(server.received) == 1


def test_a_connect_timeout_is_not_billed_and_is_retried(waits: Any) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectTimeout("no")

    client = httpx.Client(transport=httpx.MockTransport(refuse))
    with pytest.raises(errors.TimeoutError) as caught:
        Client(api_key="sk-test", http_client=client, retry_on_timeout=False).chat("Hi")
    assert len(caught.value.attempts) == 2
    assert not caught.value.may_be_billed
