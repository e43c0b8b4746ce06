"""What a call, a streamed piece and a past message cost: functions of ours that run, and blocks of memory.

They are counted, not timed, so the same code always gives the same numbers. Costs are compared with each other: a
number alone does not show that anything is slow. The bytes come from memory in fixed pieces.
"""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import httpx
import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from llama_index.core.base.llms.types import ChatMessage, TextBlock, ThinkingBlock, ToolCallBlock

from langchain_deepseek_v4 import ChatDeepSeekV4
from llama_index_deepseek_v4 import DeepSeekV4

ROOT = Path(__file__).resolve().parents[2]
OURS = tuple(str(ROOT / name) + "/" for name in ("deepseek_v4", "langchain_deepseek_v4", "llama_index_deepseek_v4"))
RECOVERY = (str(ROOT / "deepseek_v4" / "recovery") + "/",)
ENVELOPE = {"id": "counted", "created": 1790000000, "model": "deepseek-v4-flash", "system_fingerprint": "fp"}
USAGE = {"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150, "prompt_cache_hit_tokens": 64}


class Ready(httpx.BaseTransport):
    """Answers from memory; the bytes of a stream come ten events at a time."""

    def __init__(self, pieces: int) -> None:
        events = [self._event({"reasoning_content": "think "}) for _ in range(pieces // 4)]
        events += [self._event({"content": "word "}) for _ in range(pieces - pieces // 4)]
        events += [self._event({}, "stop", USAGE), b"data: [DONE]\n\n"]
        self._stream = [b"".join(events[start : start + 10]) for start in range(0, len(events), 10)]
        message = {"role": "assistant", "content": "An answer.", "reasoning_content": "A thought."}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
        self._whole = json.dumps({**ENVELOPE, "choices": [choice], "usage": USAGE}).encode()

    @staticmethod
    def _event(delta: dict[str, Any], finish: str | None = None, usage: dict[str, Any] | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return b"data: " + json.dumps({**ENVELOPE, "choices": [choice], "usage": usage}).encode() + b"\n\n"

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if json.loads(request.read()).get("stream"):
            return httpx.Response(200, headers={"content-type": "text/event-stream"}, stream=Pieces(self._stream))
        return httpx.Response(200, headers={"content-type": "application/json"}, content=self._whole)


class Pieces(httpx.SyncByteStream):
    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        yield from self._pieces


def own_calls(work: Callable[[], object], files: tuple[str, ...] = OURS) -> int:
    """How many functions of ours ``work`` runs, generators counted at each step; it ran before, so nothing is new."""
    work()
    work()
    count = 0

    def see(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal count
        count += event == "call" and frame.f_code.co_filename.startswith(files)

    sys.setprofile(see)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def langchain(pieces: int = 0) -> ChatDeepSeekV4:
    return ChatDeepSeekV4(api_key="sk-x", http_client=httpx.Client(transport=Ready(pieces)))


def llama_index(pieces: int = 0) -> DeepSeekV4:
    return DeepSeekV4(api_key="sk-x", http_client=httpx.Client(transport=Ready(pieces)))


def streaming(framework: str, pieces: int) -> Callable[[], object]:
    if framework == "langchain":
        lc = langchain(pieces)
        return lambda: list(lc.stream("Hi"))
    li, asked = llama_index(pieces), [ChatMessage("Hi", role="user")]
    return lambda: list(li.stream_chat(asked))


def test_a_call_without_a_second_attempt_hardly_meets_the_code_for_one() -> None:
    """``complete`` sends, and ``accepts`` finds nothing to judge."""
    lc, li, asked = langchain(), llama_index(), [ChatMessage("Hi", role="user")]
    assert own_calls(lambda: lc.invoke([HumanMessage("Hi")]), RECOVERY) <= 2
    assert own_calls(lambda: li.chat(asked), RECOVERY) <= 2


@pytest.mark.parametrize("framework", ["langchain", "llama_index"])
def test_a_streamed_piece_costs_the_same_in_a_long_answer(framework: str) -> None:
    counted = {pieces: own_calls(streaming(framework, pieces)) for pieces in (200, 400, 600)}
    assert counted[600] - counted[200] == pytest.approx(2 * (counted[400] - counted[200]), rel=0.05)


def lc_history(turns: int) -> list[BaseMessage]:
    said: list[BaseMessage] = []
    for turn in range(turns):
        call = {"name": "look", "args": {"at": turn}, "id": f"call_{turn}", "type": "tool_call"}
        thought = {"reasoning_content": f"I look at {turn}."}
        said += [HumanMessage(f"Question {turn}"), AIMessage("", tool_calls=[call], additional_kwargs=dict(thought))]
        said += [ToolMessage("seen", tool_call_id=f"call_{turn}"), AIMessage("So.", additional_kwargs=dict(thought))]
    return [*said, HumanMessage("And?")]


def li_history(turns: int) -> list[ChatMessage]:
    said = []
    for turn in range(turns):
        thought = ThinkingBlock(content=f"I look at {turn}.")
        call = ToolCallBlock(tool_call_id=f"call_{turn}", tool_name="look", tool_kwargs={"at": turn})
        said.append(ChatMessage(f"Question {turn}", role="user"))
        said.append(ChatMessage(role="assistant", blocks=[thought, call]))
        said.append(ChatMessage("seen", role="tool", additional_kwargs={"tool_call_id": f"call_{turn}"}))
        said.append(ChatMessage(role="assistant", blocks=[thought, TextBlock(text="So.")]))
    return [*said, ChatMessage("And?", role="user")]


@pytest.mark.parametrize("framework", ["langchain", "llama_index"])
def test_a_past_message_costs_less_than_a_tenth_of_a_new_one(framework: str) -> None:
    """A message that was sent before costs a look at it; the history grows by 160 messages between the two counts."""
    past, new = {}, {}
    for turns in (10, 50):
        if framework == "langchain":
            lc, history = langchain(), lc_history(turns)
            past[turns] = own_calls(lambda: lc.invoke(history))  # noqa: B023
            new[turns] = own_calls(lambda: lc.invoke(lc_history(turns)))  # noqa: B023
        else:
            li, messages = llama_index(), li_history(turns)
            past[turns] = own_calls(lambda: li.chat(messages))  # noqa: B023
            new[turns] = own_calls(lambda: li.chat(li_history(turns)))  # noqa: B023
    assert past[50] - past[10] < (new[50] - new[10]) / 10


def blocks_left(work: Callable[[], object]) -> int:
    """How many blocks of memory are in use after ``work`` that were not before, what it returns included."""
    work()
    gc.collect()
    before = sys.getallocatedblocks()
    kept = work()
    gc.collect()
    after = sys.getallocatedblocks()
    del kept
    return after - before


@pytest.mark.parametrize("framework", ["langchain", "llama_index"])
def test_a_kept_piece_takes_the_same_memory_in_a_long_answer(framework: str) -> None:
    held = {pieces: blocks_left(streaming(framework, pieces)) for pieces in (200, 400, 600)}
    assert held[600] - held[200] == pytest.approx(2 * (held[400] - held[200]), rel=0.05)


@pytest.mark.parametrize("framework", ["langchain", "llama_index"])
def test_calls_and_streams_leave_nothing_behind(framework: str) -> None:
    lc, li, asked = langchain(40), llama_index(40), [ChatMessage("Hi", role="user")]

    def several() -> None:
        for _ in range(50):
            if framework == "langchain":
                lc.invoke([HumanMessage("Hi")])
                list(lc.stream([HumanMessage("Hi")]))
            else:
                li.chat(asked)
                list(li.stream_chat(asked))

    several()
    several()
    assert blocks_left(several) < 100  # one for each call or stream would be a leak
