"""The cells of the matrix: every fault, in every way to call, with its outcome."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from llama_index.core.base.llms.types import ChatMessage, ThinkingBlock

from deepseek_v4 import Reply, errors
from deepseek_v4.recovery import retry_loops as drivers
from langchain_deepseek_v4 import ChatDeepSeekV4
from llama_index_deepseek_v4 import DeepSeekV4
from tests.faults import wire
from tests.faults.rules import COMPLETE, Fault, Outcome, expected, faults, framed
from tests.faults.server import Script, Server

THREADS = 64
IDLE_SECONDS = 0.4
"""``timeout`` if the server is silent, and ``total_timeout`` if it sends without end."""
PATIENCE = (1, 4, 16)
"""Factors of it for the first run and for those of the wrong cells: on a busy machine a timeout can come too early."""
QUESTION = "What is 17 * 23?"


@dataclass(frozen=True)
class Cell:
    """A fault, and how the model is called."""

    number: int
    fault: Fault
    framework: str
    asynchronous: bool
    streamed: bool
    protocol: str
    resumes: bool
    once: bool

    @property
    def expected(self) -> Outcome:
        """Return the required outcome of the call."""
        return expected(self.fault, once=self.once, resumes=self.resumes and self.protocol == "chat_completions")

    def __str__(self) -> str:
        fault = self.fault
        how = "async " * self.asynchronous + ("streamed" if self.streamed else "complete") + ", resumed" * self.resumes
        times = "once" if self.once else "always"
        called = f"{self.framework} {how} {self.protocol}"
        return f"{self.number}: {fault.place}, {fault.way} ({fault.detail}), {times}; {called}"


def cells() -> list[Cell]:
    """Return all cells, in an order in which a stride meets every dimension."""
    found = []
    for protocol, streamed in itertools.product(wire.PROTOCOLS, (False, True)):
        for fault in faults(protocol, streamed=streamed):
            for framework, asynchronous in itertools.product(("langchain", "llama_index"), (False, True)):
                for resumes in (False, True) if streamed and protocol == "chat_completions" else (False,):
                    for once in (True, False):
                        found.append((fault, framework, asynchronous, streamed, protocol, resumes, once))
    return [Cell(number, *cell) for number, cell in enumerate(found)]


def wrong(chosen: Sequence[Cell]) -> dict[Cell, Outcome]:
    """Run cells; return those with another outcome than required, with that outcome.

    Cells that are wrong are run again with more time; see ``PATIENCE``.
    """
    problems: dict[Cell, Outcome] = dict.fromkeys(chosen)  # type: ignore[arg-type]
    with no_waits():
        for factor in PATIENCE:
            found = _run(list(problems), factor * IDLE_SECONDS) if problems else {}
            problems = {cell: outcome for cell, outcome in found.items() if outcome != cell.expected}
    return problems


@contextmanager
def no_waits() -> Iterator[None]:
    """Send retries at once."""

    async def at_once(seconds: float) -> None:
        await asyncio.sleep(0)

    before = drivers.sleep, drivers.asleep
    drivers.sleep, drivers.asleep = (lambda seconds: None), at_once
    try:
        yield
    finally:
        drivers.sleep, drivers.asleep = before


def _run(chosen: Sequence[Cell], idle: float) -> dict[Cell, Outcome]:
    server = Server()
    try:
        found: dict[Cell, Outcome] = {}
        blocking = [cell for cell in chosen if not cell.asynchronous]
        with ThreadPoolExecutor(THREADS) as pool:
            found.update(zip(blocking, pool.map(lambda cell: _call(server, cell, idle), blocking), strict=True))
        found.update(asyncio.run(_acall_all(server, [cell for cell in chosen if cell.asynchronous], idle)))
        return found
    finally:
        server.close()


async def _acall_all(server: Server, chosen: Sequence[Cell], idle: float) -> dict[Cell, Outcome]:
    limit = asyncio.Semaphore(THREADS)

    async def one(cell: Cell) -> Outcome:
        async with limit:
            return await _acall(server, cell, idle)

    return dict(zip(chosen, await asyncio.gather(*map(one, chosen)), strict=True))


# -- what the server does ----------------------------------------------------------------------------------------


def _url(server: Server, cell: Cell) -> str:
    script = cell.fault.script
    if cell.fault.place == "connection":
        if cell.once:
            return server.url(
                cell.number, lambda number, body: Script(end=_end(cell)) if not number else _good(cell, body)
            )
        return server.url_without_request(cell.number, None if script is None else script.end)
    assert script is not None
    return server.url(cell.number, lambda number, body: _good(cell, body) if number and cell.once else script)


def _end(cell: Cell) -> Any:
    return "closed" if cell.fault.script is None else cell.fault.script.end


def _good(cell: Cell, body: Mapping[str, Any]) -> Script:
    """Return a complete answer; if the request continues a message, only its rest."""
    if not cell.streamed:
        return Script(framed(200, wire.complete(cell.protocol), "length"))
    thought, text = COMPLETE
    last = body["messages"][-1] if "messages" in body else {}
    if last.get("prefix"):
        begun = last.get("reasoning_content") or ""
        assert thought.startswith(begun)
        assert text.startswith(last["content"])
        thought, text = thought[len(begun) :], text[len(last["content"]) :]
    events = wire.events(cell.protocol, [thought] if thought else [], [text] if text else [], call=False)
    return Script(framed(200, b"", "chunked", *(each.data for each in events), kind=b"text/event-stream"))


# -- the calls ---------------------------------------------------------------------------------------------------


def _options(server: Server, cell: Cell, idle: float) -> dict[str, Any]:
    script = cell.fault.script
    end = "closed" if script is None else script.end
    return {
        "model": "deepseek-v4-flash",
        "base_url": _url(server, cell),
        "api_key": "k",
        "protocol": cell.protocol,
        "max_retries": 1,
        "resume_streams": cell.resumes,
        "max_resumes": 1,
        "timeout": idle if end == "silent" else 20,
        **({"total_timeout": idle} if end == "drip" else {}),
    }


class _Shown:
    """The parts of a stream that the caller received."""

    def __init__(self) -> None:
        self.thought = self.text = ""
        self.last: Any = None

    def add(self, item: Any, framework: str) -> None:
        """Add a chunk or a response."""
        self.last = item if self.last is None or framework == "llama_index" else self.last + item
        if framework == "langchain":
            self.thought += item.additional_kwargs.get("reasoning_content", "")
            self.text += item.text
        else:
            self.thought += item.additional_kwargs.get("thinking_delta") or ""
            self.text += item.delta or ""


def _model(server: Server, cell: Cell, idle: float) -> Any:
    return {"langchain": ChatDeepSeekV4, "llama_index": DeepSeekV4}[cell.framework](**_options(server, cell, idle))


def _call(server: Server, cell: Cell, idle: float) -> Outcome:
    model, shown = _model(server, cell, idle), _Shown()
    try:
        if cell.framework == "langchain":
            if not cell.streamed:
                shown.last = model.invoke(QUESTION)
            for chunk in model.stream(QUESTION) if cell.streamed else ():
                shown.add(chunk, "langchain")
        else:
            messages = [ChatMessage(role="user", content=QUESTION)]
            if not cell.streamed:
                shown.last = model.chat(messages)
            for chunk in model.stream_chat(messages) if cell.streamed else ():
                shown.add(chunk, "llama_index")
    except Exception as error:
        return _failed(server, cell, shown, error)
    return _answered(server, cell, shown)


async def _acall(server: Server, cell: Cell, idle: float) -> Outcome:
    model, shown = _model(server, cell, idle), _Shown()
    try:
        if cell.framework == "langchain":
            if cell.streamed:
                async for chunk in model.astream(QUESTION):
                    shown.add(chunk, "langchain")
            else:
                shown.last = await model.ainvoke(QUESTION)
        else:
            messages = [ChatMessage(role="user", content=QUESTION)]
            if cell.streamed:
                async for chunk in await model.astream_chat(messages):
                    shown.add(chunk, "llama_index")
            else:
                shown.last = await model.achat(messages)
    except Exception as error:
        return _failed(server, cell, shown, error)
    return _answered(server, cell, shown)


def _failed(server: Server, cell: Cell, shown: _Shown, error: Exception) -> Outcome:
    requests = max(server.requests[cell.number], 2 * cell.fault.refused)  # a refused connection has none
    if not isinstance(error, errors.DeepSeekError):
        return Outcome(f"foreign: {error!r}", "", "", requests)
    partial = error.partial or Reply()
    thought = (partial.reasoning and partial.reasoning.text) or ""
    name = type(error).__name__
    if shown.text != partial.content:
        name += f", but {shown.text!r} was shown"
    return Outcome(name, thought, partial.content, requests, len(partial.tool_calls))


def _answered(server: Server, cell: Cell, shown: _Shown) -> Outcome:
    last = shown.last
    if cell.framework == "langchain":
        thought, text, calls = last.additional_kwargs.get("reasoning_content", ""), last.text, len(last.tool_calls)
    else:
        blocks = last.message.blocks
        thought = "".join(block.content or "" for block in blocks if isinstance(block, ThinkingBlock))
        text, calls = last.message.content or "", len(last.message.additional_kwargs.get("tool_calls", ()))
    if cell.streamed and shown.text != text:
        text += f", but {shown.text!r} was shown"
    return Outcome(None, thought, text, server.requests[cell.number], calls)
