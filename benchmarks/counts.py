"""The cost of a call, a streamed chunk and a past message, in function calls of this package.

They are counted, not timed, so the same code always gives the same numbers. ``results.json`` keeps those of the last
release; a test compares.

    python -m benchmarks.counts          # now, and at the last release
    python -m benchmarks.counts --keep   # store those of now
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import httpx
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from llama_index.core.base.llms.types import ChatMessage, TextBlock, ThinkingBlock, ToolCallBlock

from langchain_deepseek_v4 import ChatDeepSeekV4
from llama_index_deepseek_v4 import DeepSeekV4

RESULTS = Path(__file__).resolve().parent / "results.json"
ROOT = Path(__file__).resolve().parents[1]
OURS = tuple(str(ROOT / name) + "/" for name in ("deepseek_v4", "langchain_deepseek_v4", "llama_index_deepseek_v4"))
RECOVERY = (str(ROOT / "deepseek_v4" / "recovery") + "/",)
ENVELOPE = {"id": "counted", "created": 1790000000, "model": "deepseek-v4-flash", "system_fingerprint": "fp"}
USAGE = {"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150, "prompt_cache_hit_tokens": 64}


class Ready(httpx.BaseTransport):
    """A transport that answers from memory; the bytes of a stream come ten events at a time."""

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
        """Return a stream or a complete answer, as requested."""
        if json.loads(request.read()).get("stream"):
            return httpx.Response(200, headers={"content-type": "text/event-stream"}, stream=Pieces(self._stream))
        return httpx.Response(200, headers={"content-type": "application/json"}, content=self._whole)


class Pieces(httpx.SyncByteStream):
    """The body of a stream, in pieces."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        yield from self._pieces


def own_calls(work: Callable[[], object], files: tuple[str, ...] = OURS) -> int:
    """Count the functions of this package that ``work`` runs, generators at each step. It runs twice before."""
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
    """Return a LangChain model whose answers come from memory."""
    return ChatDeepSeekV4(api_key="sk-x", http_client=httpx.Client(transport=Ready(pieces)))


def llama_index(pieces: int = 0) -> DeepSeekV4:
    """Return a LlamaIndex model whose answers come from memory."""
    return DeepSeekV4(api_key="sk-x", http_client=httpx.Client(transport=Ready(pieces)))


def streaming(framework: str, pieces: int) -> Callable[[], object]:
    """Return a function that reads a stream of ``pieces`` chunks."""
    if framework == "langchain":
        lc = langchain(pieces)
        return lambda: list(lc.stream("Hi"))
    li, asked = llama_index(pieces), [ChatMessage("Hi", role="user")]
    return lambda: list(li.stream_chat(asked))


def lc_history(turns: int) -> list[BaseMessage]:
    """Return a history of four messages a turn, and a question."""
    history: list[BaseMessage] = []
    for turn in range(turns):
        call = {"name": "look", "args": {"at": turn}, "id": f"call_{turn}", "type": "tool_call"}
        thought = {"reasoning_content": f"I look at {turn}."}
        history += [HumanMessage(f"Question {turn}"), AIMessage("", tool_calls=[call], additional_kwargs=dict(thought))]
        history += [ToolMessage("seen", tool_call_id=f"call_{turn}"), AIMessage("So.", additional_kwargs=dict(thought))]
    return [*history, HumanMessage("And?")]


def li_history(turns: int) -> list[ChatMessage]:
    """Return the same for LlamaIndex."""
    history = []
    for turn in range(turns):
        thought = ThinkingBlock(content=f"I look at {turn}.")
        call = ToolCallBlock(tool_call_id=f"call_{turn}", tool_name="look", tool_kwargs={"at": turn})
        history.append(ChatMessage(f"Question {turn}", role="user"))
        history.append(ChatMessage(role="assistant", blocks=[thought, call]))
        history.append(ChatMessage("seen", role="tool", additional_kwargs={"tool_call_id": f"call_{turn}"}))
        history.append(ChatMessage(role="assistant", blocks=[thought, TextBlock(text="So.")]))
    return [*history, ChatMessage("And?", role="user")]


def past_and_new(framework: str, turns: int) -> tuple[int, int]:
    """Return the calls for a history of ``turns`` turns that was sent before, and for one never seen."""
    model: Any = langchain() if framework == "langchain" else llama_index()
    send = model.invoke if framework == "langchain" else model.chat
    history: Callable[[int], Any] = lc_history if framework == "langchain" else li_history
    sent = history(turns)
    return own_calls(lambda: send(sent)), own_calls(lambda: send(history(turns)))


def measure() -> dict[str, float]:
    """Return the function calls for a call, a chunk, a past message and a new one, for both frameworks."""
    counts: dict[str, float] = {}
    for framework in ("langchain", "llama_index"):
        (past, new), (more_past, more_new) = past_and_new(framework, 10), past_and_new(framework, 50)
        chunks = own_calls(streaming(framework, 400)) - own_calls(streaming(framework, 200))
        counts[f"{framework}, call"] = past_and_new(framework, 0)[0]
        counts[f"{framework}, chunk"] = chunks / 200
        counts[f"{framework}, past message"] = (more_past - past) / 160
        counts[f"{framework}, new message"] = (more_new - new) / 160
    return counts


def kept() -> dict[str, float]:
    """Return the counts of the last release."""
    found: dict[str, float] = json.loads(RESULTS.read_text(encoding="utf-8"))["counts"]
    return found


def main() -> None:
    """Print the counts, or store them."""
    now = measure()
    if "--keep" in sys.argv:
        results = json.loads(RESULTS.read_text(encoding="utf-8"))
        RESULTS.write_text(json.dumps({**results, "counts": now}, indent=1) + "\n", encoding="utf-8")
    before = kept()
    for name, count in now.items():
        print(f"{name:30s} {count:8.2f} {before[name]:8.2f}")


if __name__ == "__main__":
    main()
