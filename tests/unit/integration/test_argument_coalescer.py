"""Tool arguments are joined: few pieces in a burst, live when they trickle, and nothing lost."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepseek_v4.integration import argument_coalescer
from deepseek_v4.integration.argument_coalescer import ToolArgumentCoalescer
from deepseek_v4.values.reply import ToolCallDelta


def feed(pieces: list[ToolCallDelta]) -> list[ToolCallDelta]:
    joiner = ToolArgumentCoalescer()
    out = [joined for piece in pieces if (joined := joiner.add(piece)) is not None]
    return [*out, *joiner.rest()]


def burst(size: int) -> list[ToolCallDelta]:
    return [ToolCallDelta(0, "call_0", "write", ""), *(ToolCallDelta(0, None, None, "abcd") for _ in range(size // 4))]


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything arrives at once."""
    monkeypatch.setattr(argument_coalescer, "now", lambda: 0.0)


def parsed_characters(pieces: list[ToolCallDelta]) -> int:
    """What langchain-core parses in all, adding these pieces up."""
    return sum(itertools.accumulate(len(piece.arguments) for piece in pieces))


@pytest.mark.usefixtures("still")
def test_in_a_burst_the_work_of_adding_up_grows_with_the_length() -> None:
    small, large = (parsed_characters(feed(burst(size))) for size in (25_000, 200_000))
    assert large < 8 * small * 1.3
    assert large < 8 * 200_000
    assert len(feed(burst(200_000))) < 60


def test_pieces_that_trickle_go_out_as_they_come(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = itertools.count(0, 0.02)
    monkeypatch.setattr(argument_coalescer, "now", lambda: next(clock))
    pieces = burst(4_000)
    assert len(feed(pieces)) == len(pieces)


def test_no_piece_waits_longer_than_its_length_is_worth(monkeypatch: pytest.MonkeyPatch) -> None:
    time = 0.0
    monkeypatch.setattr(argument_coalescer, "now", lambda: time)
    joiner = ToolArgumentCoalescer()
    joiner.add(ToolCallDelta(0, "call_0", "write", "x" * 25_000))
    time = 0.05
    assert joiner.add(ToolCallDelta(0, None, None, "y")) is None
    time = 0.11
    assert joiner.add(ToolCallDelta(0, None, None, "z")) == ToolCallDelta(0, None, None, "yz")


@given(st.lists(st.tuples(st.integers(0, 2), st.text("ab", max_size=5)), max_size=60))
def test_what_goes_in_comes_out_call_by_call(said: list[tuple[int, str]]) -> None:
    begun: set[int] = set()
    pieces = []
    for index, text in said:
        new = index not in begun
        begun.add(index)
        pieces.append(ToolCallDelta(index, f"call_{index}" if new else None, "f" if new else None, text))
    for index in range(3):
        went_in = "".join(piece.arguments for piece in pieces if piece.index == index)
        assert "".join(piece.arguments for piece in feed(pieces) if piece.index == index) == went_in
