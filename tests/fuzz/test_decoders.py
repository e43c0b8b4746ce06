"""For all bytes of a server and all cuts, the decoders return a reply or raise an error of this package."""

from __future__ import annotations

import itertools
import json
import math
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deepseek_v4 import Reply, errors
from deepseek_v4.protocols.error_bodies import decode_error
from deepseek_v4.protocols.sse import EventSplitter
from deepseek_v4.transport.retry_after_header import retry_after
from deepseek_v4.values.http import HttpResponse
from tests.fuzz.answers import (
    PROTOCOLS,
    REQUESTS,
    VALUES,
    changed,
    complete_of,
    decode_complete,
    decoded,
    streams,
    sum_of,
)
from tests.long_form import examples

FUZZ = settings(max_examples=examples(100), deadline=None, suppress_health_check=list(HealthCheck))


def parts(data: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(places)]


@pytest.mark.filterwarnings("ignore::deepseek_v4.errors.LeakedMarkupWarning")
@pytest.mark.parametrize("protocol", PROTOCOLS)
@given(data=st.data(), cuts=st.lists(st.integers(0, 10_000), max_size=20))
@FUZZ
def test_a_stream(protocol: str, data: st.DataObject, cuts: list[int]) -> None:
    body = data.draw(streams(protocol) | st.binary(max_size=100))
    deltas, reply, error = decoded(REQUESTS[protocol], [body])
    again, reply_again, error_again = decoded(REQUESTS[protocol], parts(body, cuts))
    assert error is error_again
    assert reply is not None
    assert reply_again is not None
    assert (reply.content, reply.reasoning) == (reply_again.content, reply_again.reasoning)
    text, thought, _ = sum_of(again)
    if error is None:
        assert sum_of(deltas) == sum_of(again)
        assert text == reply.content
        assert thought == ((reply.reasoning and reply.reasoning.text) or "")
    else:
        assert reply.content.startswith(text)
    for call in reply.tool_calls:
        assert isinstance(json.loads(call.arguments), dict)
    assert all(isinstance(value, (str, type(None))) for value in (reply.id, reply.model, reply.system_fingerprint))
    assert all(isinstance(call.name, str) and isinstance(call.id, str) for call in reply.tool_calls)


@pytest.mark.filterwarnings("ignore::deepseek_v4.errors.LeakedMarkupWarning")
@pytest.mark.parametrize("protocol", PROTOCOLS)
@given(data=st.data())
@FUZZ
def test_a_complete_answer(protocol: str, data: st.DataObject) -> None:
    value = data.draw(changed(complete_of(protocol)) | VALUES)
    body = data.draw(st.just(json.dumps(value).encode()) | st.binary(max_size=100))
    reply = decode_complete(REQUESTS[protocol], body)
    assert reply is None or isinstance(reply, Reply)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@given(
    body=VALUES.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=100), status=st.integers(300, 599)
)
@FUZZ
def test_an_error_body(protocol: str, body: bytes, status: int) -> None:
    for sent in (body, b'{"error": ' + body + b"}", b'{"error": {"message": ' + body + b', "code": ' + body + b"}}"):
        error = decode_error(HttpResponse(status, {}, sent), REQUESTS[protocol].context.dialect, "deepseek")
        assert isinstance(error, errors.DeepSeekError)
        assert error.message
        assert error.status_code == status


@given(
    st.text(max_size=30)
    | st.floats().map(str)
    | st.integers().map(str)
    | st.datetimes().map(lambda at: f"{at:%a, %d %b %Y %H:%M:%S} GMT")
)
@FUZZ
def test_retry_after(value: str) -> None:
    for name in ("retry-after", "retry-after-ms"):
        seconds = retry_after({name: value})
        assert seconds is None or (seconds >= 0 and not math.isnan(seconds))


@given(
    st.lists(
        st.binary(max_size=20) | st.sampled_from([b"data: x\n\n", b"data:", b"\n", b"\r\n", b": c\n"]), max_size=20
    ),
    st.lists(st.integers(0, 500), max_size=9),
)
@FUZZ
def test_the_splitter_returns_the_same_events_for_every_cut(lines: list[bytes], cuts: list[int]) -> None:
    body = b"".join(lines)

    def split(chunks: list[bytes]) -> tuple[list[bytes], bytes]:
        splitter = EventSplitter()
        events = [event for chunk in chunks for event in splitter.feed(chunk)]
        return [*events, *splitter.flush()], splitter.stray()

    assert split([body]) == split(parts(body, cuts)) == split([body[at : at + 1] for at in range(len(body))])


def test_every_part_of_a_valid_answer_arrives() -> None:
    """The seeds are valid, so that the tests above do not check errors only."""
    for protocol in PROTOCOLS:
        body = complete_of(protocol)
        reply: Any = decode_complete(REQUESTS[protocol], json.dumps(body).encode())
        assert reply is not None
        assert "391." in reply.content
