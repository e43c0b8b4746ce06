from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepseek_v4.protocols.sse import STRAY_LIMIT, EventSplitter

STREAM = (
    ": keep-alive\n\n"
    'data: {"text":"première"}\n\n'
    "\n"
    "event: message\nid: 7\nretry: 10\ndata: two\n\n"
    ": keep-alive\n"
    "data: a\ndata: b\n\n"
    "data:no space\n\n"
    "data: [DONE]\n\n"
).encode()
EVENTS = ['{"text":"première"}'.encode(), b"two", b"a\nb", b"no space", b"[DONE]"]


def split(*chunks: bytes) -> list[bytes]:
    splitter = EventSplitter()
    events = [event for chunk in chunks for event in splitter.feed(chunk)]
    return events + splitter.flush()


def test_events_are_the_data_of_their_lines() -> None:
    assert split(STREAM) == EVENTS


@given(st.lists(st.integers(0, len(STREAM)), max_size=30))
def test_events_are_the_same_for_every_cut(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(STREAM)]
    assert split(*(STREAM[a:b] for a, b in itertools.pairwise(edges))) == EVENTS


def test_events_are_the_same_byte_by_byte() -> None:
    assert split(*(STREAM[i : i + 1] for i in range(len(STREAM)))) == EVENTS


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_lines_may_end_in_crlf_even_if_cut_between_the_two(size: int) -> None:
    crlf = STREAM.replace(b"\n", b"\r\n")
    assert split(*(crlf[i : i + size] for i in range(0, len(crlf), size))) == EVENTS


def test_an_event_is_returned_with_its_last_byte() -> None:
    splitter = EventSplitter()
    assert splitter.feed(b"data: x\n") == []
    assert splitter.feed(b"\n") == [b"x"]


def test_several_data_lines_join_with_a_newline() -> None:
    assert split(b"data: {\ndata: }\n\n") == [b"{\n}"]


def test_comments_and_blank_lines_are_not_events() -> None:
    assert split(b": keep-alive\n\n\n\n: OPENROUTER PROCESSING\n\n") == []


def test_a_comment_inside_an_event_does_not_end_it() -> None:
    assert split(b"data: a\n: still here\ndata: b\n\n") == [b"a\nb"]


def test_the_last_event_is_read_without_its_blank_line() -> None:
    assert split(b"data: a\n\ndata: [DONE]") == [b"a", b"[DONE]"]


def test_a_second_flush_returns_nothing() -> None:
    splitter = EventSplitter()
    splitter.feed(b"data: a")
    assert splitter.flush() == [b"a"]
    assert splitter.flush() == []


def test_other_lines_are_kept_as_stray() -> None:
    splitter = EventSplitter()
    assert splitter.feed(b'{"error":\n {"message": "no"}}') == []
    splitter.flush()
    assert splitter.stray() == b'{"error":\n {"message": "no"}}'


def test_comments_and_field_names_are_not_stray() -> None:
    splitter = EventSplitter()
    splitter.feed(b": keep-alive\nevent: x\nid: 1\nretry: 5\ndata: y\n\n")
    assert splitter.stray() == b""


def test_stray_lines_are_kept_up_to_a_limit() -> None:
    splitter = EventSplitter()
    for _ in range(1000):
        splitter.feed(b"x" * 999 + b"\n")
    assert len(splitter.stray()) <= STRAY_LIMIT + 1000


def seconds_byte_by_byte(size: int) -> float:
    data = b"data: " + b"x" * size + b"\n\n"
    splitter = EventSplitter()
    started = time.process_time()
    found = sum(len(splitter.feed(data[i : i + 1])) for i in range(len(data)))
    assert found == 1
    return time.process_time() - started


def test_an_event_of_a_megabyte_byte_by_byte_takes_linear_time() -> None:
    small = min(seconds_byte_by_byte(125_000) for _ in range(3))
    # linear is a factor of 8, quadratic one of 64
    assert seconds_byte_by_byte(1_000_000) < 24 * small


@pytest.mark.parametrize("size", [1, 2, 100])
def test_a_byte_order_mark_does_not_hide_the_first_event(size: int) -> None:
    marked = b"\xef\xbb\xbf" + STREAM.removeprefix(b": keep-alive\n\n")
    assert split(*(marked[i : i + size] for i in range(0, len(marked), size))) == EVENTS


def test_white_space_around_data_is_removed() -> None:
    assert split(b"data:\t[DONE] \t\r\n\r\n") == [b"[DONE]"]
