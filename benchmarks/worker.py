"""One process per subject: reads jobs from standard input, runs them, and writes their cost.

A job is ``{"scenario": …, "size": …, "repeat": …}``; the answer holds CPU and wall seconds, the units done, and memory.
"""

from __future__ import annotations

import asyncio
import gc
import json
import resource
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

from benchmarks.subjects import SUBJECTS, Subject

PROMPT = "Say something short."


class Driver:
    """A driver of one subject, with its framework's own calls."""

    def __init__(self, subject: Subject, root: str) -> None:
        self.subject = subject
        self.root = root
        self.models: dict[str, Any] = {}

    def model(self, kind: str) -> Any:
        """Return the model for one kind of answer, created once."""
        if kind not in self.models:
            self.models[kind] = self.subject.make(f"{self.root}/{kind}")
        return self.models[kind]

    def messages(self, turns: int = 0, prompt: str = PROMPT) -> Any:
        """Return a conversation of ``turns`` past tool turns (four messages, 4 KB of reasoning each) and a question."""
        reasoning = "I think about this step by step. " * 124
        if self.subject.framework == "langchain":
            from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

            history: list[Any] = []
            for i in range(turns):
                history.append(HumanMessage(f"Question {i}"))
                call = {"name": "look", "args": {"at": f"thing {i}"}, "id": f"call_{i}", "type": "tool_call"}
                known = {"reasoning_content": reasoning}
                history.append(AIMessage("", tool_calls=[call], additional_kwargs=dict(known)))
                history.append(ToolMessage(f"Result {i}", tool_call_id=f"call_{i}"))
                history.append(AIMessage(f"Answer {i}", additional_kwargs=dict(known)))
            return [*history, HumanMessage(prompt)]
        if self.subject.framework == "llama_index":
            from llama_index.core.base.llms.types import (
                ChatMessage,
                MessageRole,
                TextBlock,
                ThinkingBlock,
                ToolCallBlock,
            )

            history = []
            for i in range(turns):
                history.append(ChatMessage(role="user", content=f"Question {i}"))
                call_block = ToolCallBlock(tool_call_id=f"call_{i}", tool_name="look", tool_kwargs={"at": f"thing {i}"})
                thought = ThinkingBlock(content=reasoning)
                history.append(ChatMessage(role=MessageRole.ASSISTANT, blocks=[thought, call_block]))
                history.append(
                    ChatMessage(role="tool", content=f"Result {i}", additional_kwargs={"tool_call_id": f"call_{i}"})
                )
                history.append(ChatMessage(role=MessageRole.ASSISTANT, blocks=[thought, TextBlock(text=f"Answer {i}")]))
            return [*history, ChatMessage(role="user", content=prompt)]
        history = []
        for i in range(turns):
            history.append({"role": "user", "content": f"Question {i}"})
            function = {"name": "look", "arguments": json.dumps({"at": f"thing {i}"})}
            calls = [{"id": f"call_{i}", "type": "function", "function": function}]
            history.append({"role": "assistant", "content": "", "reasoning_content": reasoning, "tool_calls": calls})
            history.append({"role": "tool", "content": f"Result {i}", "tool_call_id": f"call_{i}"})
            history.append({"role": "assistant", "content": f"Answer {i}", "reasoning_content": reasoning})
        return [*history, {"role": "user", "content": prompt}]

    def call(self, kind: str, messages: Any) -> None:
        """Get one complete answer."""
        model = self.model(kind)
        if self.subject.framework == "langchain":
            model.invoke(messages)
        elif self.subject.framework == "llama_index":
            model.chat(messages)
        else:
            model.call(messages)

    async def acall(self, kind: str, messages: Any) -> None:
        """Get one complete answer, asynchronously."""
        model = self.model(kind)
        if self.subject.framework == "langchain":
            await model.ainvoke(messages)
        elif self.subject.framework == "llama_index":
            await model.achat(messages)
        else:
            await model.acall(messages)

    def stream(self, kind: str, messages: Any) -> int:
        """Get one answer in chunks."""
        model = self.model(kind)
        if self.subject.framework == "langchain":
            return sum(1 for _ in model.stream(messages))
        if self.subject.framework == "llama_index":
            return sum(1 for _ in model.stream_chat(messages))
        return int(model.stream(messages))

    async def astream(self, kind: str, messages: Any) -> int:
        """Get one answer in chunks, asynchronously."""
        model = self.model(kind)
        count = 0
        if self.subject.framework == "langchain":
            async for _ in model.astream(messages):
                count += 1
        elif self.subject.framework == "llama_index":
            async for _ in await model.astream_chat(messages):
                count += 1
        else:
            count = await model.astream(messages)
        return count

    def fold(self, kind: str, messages: Any) -> int:
        """Get one answer in chunks, merged as agents do; LlamaIndex reads the tool calls at every chunk."""
        model = self.model(kind)
        count = 0
        if self.subject.framework == "langchain":
            full: Any = None
            for chunk in model.stream(messages):
                full = chunk if full is None else full + chunk
                count += 1
            assert full is not None
            if kind.startswith("arguments"):
                assert len(full.tool_calls[0]["args"]["text"]) > 0
        elif self.subject.framework == "llama_index":
            for response in model.stream_chat(messages):
                calls = model.get_tool_calls_from_response(response, error_on_no_tool_call=False)
                count += 1
            if kind.startswith("arguments"):
                assert calls[0].tool_kwargs
        else:
            count = int(model.stream(messages))
        return count

    async def agent(self, kind: str) -> int:
        """Run LlamaIndex's agent to a tool call; it reads the call's arguments at every chunk."""
        from llama_index.core.agent.workflow import FunctionAgent
        from llama_index.core.tools import FunctionTool

        written = []

        def write(text: str) -> str:
            """Write a text."""
            written.append(len(text))
            return "written"

        tool = FunctionTool.from_defaults(write, return_direct=True)
        await FunctionAgent(llm=self.model(kind), tools=[tool]).run("Write.")
        assert written
        assert written[0] > 0
        return 1


def run(driver: Driver, job: dict[str, Any], loop: asyncio.AbstractEventLoop) -> dict[str, Any]:
    """Run one job and return its cost."""
    scenario, size, repeat = job["scenario"], job.get("size", 0), job.get("repeat", 1)
    messages = driver.messages()
    work: Callable[[], int]
    if scenario == "construct":
        work = lambda: [driver.subject.make(f"{driver.root}/whole") for _ in range(repeat)] and repeat  # noqa: E731
    elif scenario == "call":
        work = lambda: sum(driver.call("whole", messages) or 1 for _ in range(repeat))  # noqa: E731
    elif scenario == "acall":

        async def calls() -> int:
            for _ in range(repeat):
                await driver.acall("whole", messages)
            return repeat

        work = lambda: loop.run_until_complete(calls())  # noqa: E731
    elif scenario in ("burst", "paced"):
        work = lambda: sum(driver.stream(f"{scenario}-{size}", messages) and size for _ in range(repeat))  # noqa: E731
    elif scenario == "aburst":

        async def streams() -> int:
            for _ in range(repeat):
                await driver.astream(f"burst-{size}", messages)
            return repeat * size

        work = lambda: loop.run_until_complete(streams())  # noqa: E731
    elif scenario == "fold":
        work = lambda: sum(driver.fold(f"burst-{size}", messages) and size for _ in range(repeat))  # noqa: E731
    elif scenario == "arguments":
        work = lambda: driver.fold(f"arguments-{size}", messages) and 1  # noqa: E731
    elif scenario == "agent":
        kind = f"arguments-{size}"
        raw = driver.subject.framework == "raw"
        work = lambda: (driver.stream(kind, messages) and 1) if raw else loop.run_until_complete(driver.agent(kind))  # noqa: E731
    elif scenario in ("history", "history_first"):
        # sent before, or seen for the first time at each call
        kept = driver.messages(turns=50)
        histories = [kept if scenario == "history" else driver.messages(turns=50) for _ in range(repeat)]
        driver.call("whole", kept)
        work = lambda: sum(driver.call("whole", one) or 1 for one in histories)  # noqa: E731
    elif scenario == "history_next":
        # the same messages as the turn before, and four new ones
        *past, question = driver.messages(turns=50 + repeat)
        histories = [[*past[: 4 * turn], question] for turn in range(50, 51 + repeat)]
        driver.call("whole", histories.pop(0))
        work = lambda: sum(driver.call("whole", one) or 1 for one in histories)  # noqa: E731
    elif scenario == "prompt":
        driver.call("whole", messages)
        messages = driver.messages(prompt="All work and no play. " * (size // 22))
        work = lambda: sum(driver.call("whole", messages) or 1 for _ in range(repeat))  # noqa: E731
    elif scenario == "concurrent":

        async def together() -> int:
            await asyncio.gather(*(driver.acall("slow", messages) for _ in range(size)))
            return size

        work = lambda: loop.run_until_complete(together())  # noqa: E731
    elif scenario == "concurrent_streams":

        async def streamed() -> int:
            await asyncio.gather(*(driver.astream("burst-200", messages) for _ in range(size)))
            return size * 200

        work = lambda: loop.run_until_complete(streamed())  # noqa: E731
    elif scenario == "memory":
        work = lambda: sum(driver.stream("burst-20", messages) and 1 for _ in range(repeat))  # noqa: E731
    else:
        raise ValueError(scenario)
    gc.collect()
    before = _start_peak()
    wall, cpu = time.perf_counter(), time.process_time()
    units = work()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return {"cpu": cpu, "wall": wall, "units": units, "rss": _rss(), "peak": _peak() - before}


def _rss() -> float:
    with open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize() / 1e6


def _start_peak() -> float:
    """Reset the peak; return the current memory, in MB."""
    with open("/proc/self/clear_refs", "w", encoding="ascii") as refs:
        refs.write("5")
    return _rss()


def _peak() -> float:
    """Return the peak memory since ``_start_peak``, in MB."""
    with open("/proc/self/status", encoding="ascii") as status:
        [line] = [line for line in status if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024 / 1e6


def main() -> None:
    """Serve jobs until standard input ends."""
    warnings.simplefilter("ignore")
    driver = Driver(SUBJECTS[sys.argv[1]], sys.argv[2])
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    for line in sys.stdin:
        try:
            result = run(driver, json.loads(line), loop)
        except Exception as error:
            result = {"error": f"{type(error).__name__}: {error}"[:300]}
        sys.stdout.write(json.dumps(result) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
