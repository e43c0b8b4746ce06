"""Every fault behaves as documented, for the given number of requests."""

from __future__ import annotations

import json
import time
from typing import Any

import httpx
import pytest

from deepseek_v4.testing import Fault, ToolCall, Turn
from tests.unit.testing.calls import Caller, events, tool

TURN = Turn(text="abcd", reasoning="r", chunk_size=1)  # chunks: first, r, a, b, c, d, finish, [DONE]
CALLING = Turn(tool_calls=[ToolCall("w", {"city": "Paris"})])


def partial(caller: Caller) -> tuple[bytes, Exception | None]:
    """Return the part of a streamed answer that arrives, and how it ends."""
    body = {"model": "deepseek-flash", "messages": [{"role": "user", "content": "x"}], "stream": True}
    received = b""
    try:
        with caller.http.stream("POST", "/chat/completions", json=body) as response:
            for chunk in response.iter_raw():
                received += chunk
    except httpx.HTTPError as error:
        return received, error
    return received, None


@pytest.mark.parametrize(
    ("code", "kind", "message"),
    [
        (402, "unknown_error", "Insufficient Balance"),
        (429, "rate_limit_error", "exceeds your concurrency limit"),
        (500, "server_error", "Internal Server Error"),
        (503, "service_unavailable_error", "Service is too busy"),
    ],
)
def test_a_status_has_the_message_of_the_service(caller: Caller, code: int, kind: str, message: str) -> None:
    caller.server.fault(Fault.status(code))
    response = caller.chat()
    assert response.status_code == code
    assert response.headers["content-type"] == "application/octet-stream"
    assert response.json()["error"]["type"] == kind
    assert message in response.json()["error"]["message"]


def test_a_status_can_have_its_own_body_and_headers(caller: Caller) -> None:
    caller.server.fault(Fault.status(429, "slow down", retry_after=1.5, content_type="application/json"))
    response = caller.chat()
    assert (response.headers["retry-after"], response.headers["content-type"]) == ("1.5", "application/json")
    assert response.json()["error"]["message"] == "slow down"
    caller.server.fault(Fault.status(418, body={"tea": True}))
    assert caller.chat().json() == {"tea": True}


def test_faults_last_for_their_number_of_requests_and_queue(caller: Caller) -> None:
    caller.server.fault(Fault.status(500), times=2)
    caller.server.fault(Fault.status(503))
    assert [caller.chat().status_code for _ in range(4)] == [500, 500, 503, 200]


def test_a_turn_is_kept_for_the_retry(caller: Caller) -> None:
    caller.server.script(TURN, Turn(text="second"))
    for fault in (Fault.status(500), Fault.drop_connection(), Fault.cut_stream(1), Fault.blank_body()):
        caller.server.fault(fault)
        partial(caller)
    texts = [caller.chat().json()["choices"][0]["message"]["content"] for _ in range(2)]
    assert texts == ["abcd", "second"]


def test_a_web_page_of_a_gateway(caller: Caller) -> None:
    caller.server.fault(Fault.html(504))
    response = caller.chat()
    assert (response.status_code, response.headers["content-type"]) == (504, "text/html")
    assert response.text.startswith("<html>")


def test_a_blank_body(caller: Caller) -> None:
    caller.server.fault(Fault.blank_body())
    response = caller.chat()
    assert (response.status_code, response.text) == (200, "\n\n\n")


def test_a_dropped_connection(caller: Caller) -> None:
    caller.server.fault(Fault.drop_connection())
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        caller.chat()
    assert caller.server.requests[0].status is None


def test_a_cut_stream_is_a_broken_connection(caller: Caller) -> None:
    caller.server.script(TURN)
    caller.server.fault(Fault.cut_stream(after_events=3))
    received, error = partial(caller)
    assert isinstance(error, httpx.RemoteProtocolError)
    assert [e["choices"][0]["delta"]["content"] for e in events(received)] == [None, None, "a"]


def test_a_complete_body_is_cut_halfway(caller: Caller) -> None:
    caller.server.fault(Fault.cut_stream(after_events=3))
    with pytest.raises(httpx.RemoteProtocolError, match="incomplete chunked read"):
        caller.chat()


def test_an_early_end_is_a_regular_end_of_the_body(caller: Caller) -> None:
    caller.server.script(TURN)
    caller.server.fault(Fault.eof_stream(after_events=4))
    received, error = partial(caller)
    assert error is None
    assert len(events(received)) == 4
    assert b"[DONE]" not in received
    assert b'"finish_reason":"stop"' not in received


def test_done_can_be_missing(caller: Caller) -> None:
    caller.server.script(TURN)
    caller.server.fault(Fault.no_done())
    received, error = partial(caller)
    assert error is None
    assert events(received)[-1]["choices"][0]["finish_reason"] == "stop"


@pytest.mark.parametrize("with_choices", [False, True])
def test_an_error_inside_a_stream(caller: Caller, with_choices: bool) -> None:
    caller.server.script(TURN)
    error = {"message": "Content Exists Risk", "code": 400}
    caller.server.fault(Fault.error_in_stream(3, error, with_choices=with_choices))
    *_, last = [e for e in events(partial(caller)[0]) if e != "[DONE]"]
    assert last["error"] == error
    assert ("choices" in last) is with_choices


def test_an_error_inside_a_complete_answer(caller: Caller) -> None:
    caller.server.fault(Fault.error_in_stream(0))
    response = caller.chat()
    assert response.status_code == 200
    assert response.json()["error"]["message"] == "Content Exists Risk"


def test_a_stall_delays_the_following_events(caller: Caller) -> None:
    caller.server.script(TURN)
    caller.server.fault(Fault.stall(after_events=2, seconds=0.2))
    start = time.monotonic()
    body = {"model": "deepseek-flash", "messages": [{"role": "user", "content": "x"}], "stream": True}
    with caller.http.stream("POST", "/chat/completions", json=body) as response:
        arrivals = [(time.monotonic() - start, chunk.count(b"data: ")) for chunk in response.iter_raw()]
    assert [count for _, count in arrivals] == [2, 6]
    assert arrivals[0][0] < 0.15
    assert arrivals[1][0] >= 0.2


def test_silence_before_the_headers(caller: Caller) -> None:
    caller.server.fault(Fault.silence(0.15))
    start = time.monotonic()
    assert caller.chat().status_code == 200
    assert time.monotonic() - start >= 0.15


@pytest.mark.parametrize(("stream", "filler"), [(True, ": keep-alive\n\n"), (False, "\n")])
def test_silence_with_keep_alives(caller: Caller, stream: bool, filler: str) -> None:
    caller.server.fault(Fault.silence(0.2, keep_alives=3))
    text = caller.chat(stream=stream).text
    assert text.startswith(filler * 3)
    assert not text.startswith(filler * 4)


def test_a_malformed_event_among_valid_ones(caller: Caller) -> None:
    caller.server.script(TURN)
    caller.server.fault(Fault.malformed_event(after_events=2))
    frames = partial(caller)[0].decode().split("\n\n")
    with pytest.raises(json.JSONDecodeError):
        json.loads(frames[2].removeprefix("data: "))
    assert frames[-2] == "data: [DONE]"
    assert len(frames) == 10


def answer(caller: Caller, fault: Fault, turn: Turn) -> dict[str, Any]:
    caller.server.script(turn)
    caller.server.fault(fault)
    choice: dict[str, Any] = caller.chat(tools=[tool("w")]).json()["choices"][0]
    return choice


def test_truncated_arguments(caller: Caller) -> None:
    choice = answer(caller, Fault.truncated_arguments(), CALLING)
    assert choice["finish_reason"] == "length"
    arguments = choice["message"]["tool_calls"][0]["function"]["arguments"]
    assert '{"city": "Paris"}'.startswith(arguments)
    assert 0 < len(arguments) < 17


def test_an_empty_reply(caller: Caller) -> None:
    choice = answer(caller, Fault.empty_reply(), CALLING)
    assert choice["finish_reason"] == "stop"
    assert choice["message"]["content"] == ""
    assert choice["message"]["reasoning_content"]
    assert "tool_calls" not in choice["message"]


def test_tool_calls_in_the_models_markup(caller: Caller) -> None:
    choice = answer(caller, Fault.dsml_in_content(), CALLING)
    assert choice["finish_reason"] == "stop"
    assert '<｜DSML｜invoke name="w">' in choice["message"]["content"]
    assert '<｜DSML｜parameter name="city" string="true">Paris</｜DSML｜parameter>' in choice["message"]["content"]


def test_half_an_answer(caller: Caller) -> None:
    choice = answer(caller, Fault.length(), TURN)
    assert (choice["message"]["content"], choice["finish_reason"]) == ("ab", "length")


@pytest.mark.parametrize("reason", ["content_filter", "insufficient_system_resource", "aborted"])
def test_other_finish_reasons(caller: Caller, reason: str) -> None:
    choice = answer(caller, Fault.finish(reason), TURN)
    assert (choice["message"]["content"], choice["finish_reason"]) == ("abcd", reason)


def test_faults_apply_to_every_endpoint(caller: Caller) -> None:
    caller.server.fault(Fault.status(503))
    assert caller.http.get("/models").status_code == 503


def test_a_trailing_error_leaves_an_unstreamed_answer_unchanged(caller: Caller) -> None:
    caller.server.script(Turn("Hello"))
    caller.server.fault(Fault.trailing_error())
    body = caller.chat().json()
    assert body["choices"][0]["message"]["content"] == "Hello"
    assert "error" not in body
