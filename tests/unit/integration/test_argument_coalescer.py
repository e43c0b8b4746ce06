"""Fragments of tool arguments are joined: few in a burst, each at once in a slow stream, and none is lost."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepseek_v4.integration import argument_coalescer
from deepseek_v4.integration.argument_coalescer import ToolArgumentCoalescer
from deepseek_v4.values.reply import ToolCallDelta


def feed(fragments: list[ToolCallDelta]) -> list[ToolCallDelta]:
    joiner = ToolArgumentCoalescer()
    out = [joined for fragment in fragments if (joined := joiner.add(fragment)) is not None]
    return [*out, *joiner.rest()]


def burst(size: int) -> list[ToolCallDelta]:
    return [ToolCallDelta(0, "call_0", "write", ""), *(ToolCallDelta(0, None, None, "abcd") for _ in range(size // 4))]


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop the clock, so that all fragments arrive at the same time."""
    monkeypatch.setattr(argument_coalescer, "now", lambda: 0.0)


def parsed_characters(fragments: list[ToolCallDelta]) -> int:
    """Return the number of characters that langchain-core parses while it adds these chunks."""
    return sum(itertools.accumulate(len(fragment.arguments) for fragment in fragments))


@pytest.mark.usefixtures("still")
def test_the_work_of_adding_a_burst_grows_with_its_length() -> None:
    small, large = (parsed_characters(feed(burst(size))) for size in (25_000, 200_000))
    assert large < 8 * small * 1.3
    assert large < 8 * 200_000
    assert len(feed(burst(200_000))) < 60


def test_slow_fragments_are_returned_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = itertools.count(0, 0.02)
    monkeypatch.setattr(argument_coalescer, "now", lambda: next(clock))
    fragments = burst(4_000)
    assert len(feed(fragments)) == len(fragments)


def test_the_wait_of_a_fragment_is_limited_by_its_length(monkeypatch: pytest.MonkeyPatch) -> None:
    time = 0.0
    monkeypatch.setattr(argument_coalescer, "now", lambda: time)
    joiner = ToolArgumentCoalescer()
    joiner.add(ToolCallDelta(0, "call_0", "write", "x" * 25_000))
    time = 0.05
    assert joiner.add(ToolCallDelta(0, None, None, "y")) is None
    time = 0.11
    assert joiner.add(ToolCallDelta(0, None, None, "z")) == ToolCallDelta(0, None, None, "yz")


@given(st.lists(st.tuples(st.integers(0, 2), st.text("ab", max_size=5)), max_size=60))
def test_the_arguments_of_each_call_are_unchanged(fragments: list[tuple[int, str]]) -> None:
    begun: set[int] = set()
    parts = []
    for index, text in fragments:
        new = index not in begun
        begun.add(index)
        parts.append(ToolCallDelta(index, f"call_{index}" if new else None, "f" if new else None, text))
    for index in range(3):
        went_in = "".join(fragment.arguments for fragment in parts if fragment.index == index)
        assert "".join(fragment.arguments for fragment in feed(parts) if fragment.index == index) == went_in
