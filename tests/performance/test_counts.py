"""The cost of a call, a streamed chunk and a past message: functions of this package that run, and blocks of memory.

They are counted, not timed, so the same code always gives the same numbers. Costs are compared with each other, and
with those of the last release. The bytes come from memory in fixed chunks.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable

import pytest
from langchain_core.messages import HumanMessage
from llama_index.core.base.llms.types import ChatMessage

from benchmarks import counts
from benchmarks.counts import RECOVERY, langchain, llama_index, own_calls, past_and_new, streaming


def test_a_call_without_a_second_attempt_hardly_runs_the_code_for_one() -> None:
    """``complete`` sends, and ``accepts`` has nothing to check."""
    lc, li, messages = langchain(), llama_index(), [ChatMessage("Hi", role="user")]
    assert own_calls(lambda: lc.invoke([HumanMessage("Hi")]), RECOVERY) <= 2
    assert own_calls(lambda: li.chat(messages), RECOVERY) <= 2


@pytest.mark.parametrize("framework", ["langchain", "llama_index"])
def test_a_streamed_chunk_costs_the_same_in_a_long_answer(framework: str) -> None:
    counted = {chunks: own_calls(streaming(framework, chunks)) for chunks in (200, 400, 600)}
    assert counted[600] - counted[200] == pytest.approx(2 * (counted[400] - counted[200]), rel=0.05)


@pytest.mark.parametrize("framework", ["langchain", "llama_index"])
def test_a_past_message_costs_less_than_a_tenth_of_a_new_one(framework: str) -> None:
    """A message that was sent before costs one lookup; the history grows by 160 messages between the two counts."""
    (past, new), (more_past, more_new) = past_and_new(framework, 10), past_and_new(framework, 50)
    assert more_past - past < (more_new - new) / 10


def test_nothing_costs_a_fifth_more_calls_than_at_the_last_release() -> None:
    """The numbers are in ``benchmarks/results.json``; ``python -m benchmarks.counts --keep`` stores new ones."""
    before = counts.kept()
    assert {name: count for name, count in counts.measure().items() if count > 1.2 * before[name]} == {}


def blocks_left(work: Callable[[], object]) -> int:
    """Return how many more blocks of memory are in use after ``work``, with its result."""
    work()
    gc.collect()
    before = sys.getallocatedblocks()
    kept = work()
    gc.collect()
    after = sys.getallocatedblocks()
    del kept
    return after - before


@pytest.mark.parametrize("framework", ["langchain", "llama_index"])
def test_a_kept_chunk_takes_the_same_memory_in_a_long_answer(framework: str) -> None:
    held = {chunks: blocks_left(streaming(framework, chunks)) for chunks in (200, 400, 600)}
    assert held[600] - held[200] == pytest.approx(2 * (held[400] - held[200]), rel=0.05)


@pytest.mark.parametrize("framework", ["langchain", "llama_index"])
def test_calls_and_streams_leak_no_memory(framework: str) -> None:
    lc, li, messages = langchain(40), llama_index(40), [ChatMessage("Hi", role="user")]

    def several() -> None:
        for _ in range(50):
            if framework == "langchain":
                lc.invoke([HumanMessage("Hi")])
                list(lc.stream([HumanMessage("Hi")]))
            else:
                li.chat(messages)
                list(li.stream_chat(messages))

    several()
    several()
    assert blocks_left(several) < 100  # one for each call or stream would be a leak
