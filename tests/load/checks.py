"""Many calls at a time: nothing is mixed up, no socket is left, and the memory stays the same."""

from __future__ import annotations

import asyncio
import gc
import os
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deepseek_v4 import Client
from langchain_deepseek_v4 import ChatDeepSeekV4
from llama_index_deepseek_v4 import DeepSeekV4
from tests.load.server import answer
from tests.sockets import connections_to


@dataclass
class Measured:
    """The result of a check.

    Attributes:
        calls: Number of calls.
        seconds: Their duration.
        wrong: Calls that received the text of another call.
        sockets: Connections to the server after the models were closed.
        memory: Resident memory in MB, after each round.
    """

    calls: int = 0
    seconds: float = 0.0
    wrong: int = 0
    sockets: int = 0
    memory: list[float] = field(default_factory=list)


def resident() -> float:
    """Return the resident memory of this process in MB."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


class Load:
    """The checks against one server.

    Args:
        url: The base URL of the server.
    """

    def __init__(self, url: str) -> None:
        self.options: dict[str, Any] = {"base_url": url, "api_key": "k", "max_retries": 0, "timeout": 120}
        self.port = int(url.rsplit(":", 1)[1].partition("/")[0])
        self._number = 0
        self._lock = threading.Lock()

    def mark(self) -> str:
        """Return a text that no other call has."""
        with self._lock:
            self._number += 1
            return f"mark-{self._number}"

    def measured(self, work: Callable[[Measured], None]) -> Measured:
        """Run a check; count the sockets that it leaves."""
        found = Measured()
        begun = time.monotonic()
        work(found)
        found.seconds = time.monotonic() - begun
        until = time.monotonic() + 5
        while connections_to(self.port) and time.monotonic() < until:
            gc.collect()
            time.sleep(0.05)
        found.sockets = connections_to(self.port)
        return found

    # -- the ways to call ----------------------------------------------------------------------------------------

    async def _stream(self, model: Any, mark: str) -> bool:
        if isinstance(model, ChatDeepSeekV4):
            return "".join([chunk.text async for chunk in model.astream(mark)]) == answer(mark)
        return "".join([str(chunk.delta) async for chunk in await model.astream_complete(mark)]) == answer(mark)

    async def _call(self, model: Any, mark: str) -> bool:
        found = await (model.ainvoke(mark) if isinstance(model, ChatDeepSeekV4) else model.acomplete(mark))
        return bool(found.text == answer(mark))

    def _blocking(self, model: Any, mark: str, *, streamed: bool) -> bool:
        if isinstance(model, ChatDeepSeekV4):
            text = "".join(chunk.text for chunk in model.stream(mark)) if streamed else model.invoke(mark).text
        else:
            text = (
                "".join(str(chunk.delta) for chunk in model.stream_complete(mark))
                if streamed
                else model.complete(mark).text
            )
        return text == answer(mark)

    def models(self) -> list[Any]:
        """Return a model of each adapter."""
        return [ChatDeepSeekV4(**self.options), DeepSeekV4(**self.options)]

    async def _round(self, found: Measured, count: int, *, streamed: bool) -> None:
        models = self.models()
        call = self._stream if streamed else self._call
        right = await asyncio.gather(*(call(models[number % 2], self.mark()) for number in range(count)))
        found.calls += count
        found.wrong += right.count(False)
        for model in models:
            await model.aclose()

    # -- the checks ----------------------------------------------------------------------------------------------

    def streams(self, count: int) -> Measured:
        """Streams at the same time, in one event loop."""
        return self.measured(lambda found: asyncio.run(self._round(found, count, streamed=True)))

    def threads(self, count: int, each: int) -> Measured:
        """Calls of many threads, streamed and complete, through two models."""

        def work(found: Measured) -> None:
            models = self.models()

            def one(number: int) -> list[bool]:
                model = models[number % 2]
                return [self._blocking(model, self.mark(), streamed=bool(turn % 2)) for turn in range(each)]

            with ThreadPoolExecutor(count) as pool:
                right = [each for results in pool.map(one, range(count)) for each in results]
            found.calls, found.wrong = len(right), right.count(False)
            for model in models:
                model.close()

        return self.measured(work)

    def calls(self, count: int, *, rounds: int = 10) -> Measured:
        """Calls one round after the other, each in a new ``asyncio.run``; the memory after each round."""

        def work(found: Measured) -> None:
            for _ in range(rounds):
                for _ in range(count // rounds // 200):
                    asyncio.run(self._round(found, 200, streamed=False))
                found.memory.append(resident())

        return self.measured(work)

    def storms(self, count: int, *, rounds: int = 3) -> Measured:
        """Streams that are cancelled at random; good calls after each storm."""

        async def storm(found: Measured) -> None:
            chance = random.Random(count)
            models = self.models()
            tasks = [asyncio.create_task(self._stream(models[n % 2], self.mark())) for n in range(count)]
            for task in tasks:
                await asyncio.sleep(chance.random() * 0.001)
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
            found.wrong += sum(not (one is True or isinstance(one, asyncio.CancelledError)) for one in ended)
            right = [await self._stream(model, self.mark()) for model in models for _ in range(5)]
            found.calls += count + len(right)
            found.wrong += right.count(False)
            for model in models:
                await model.aclose()

        def work(found: Measured) -> None:
            for _ in range(rounds):
                asyncio.run(storm(found))

        return self.measured(work)

    def loops(self, count: int) -> Measured:
        """Event loops in threads, at the same time, that share two models."""

        def work(found: Measured) -> None:
            models = self.models()

            async def few() -> list[bool]:
                right = await asyncio.gather(*(self._stream(models[n % 2], self.mark()) for n in range(10)))
                for model in models:
                    await model.aclose()
                return right

            with ThreadPoolExecutor(count) as pool:
                right = [one for ended in pool.map(lambda _: asyncio.run(few()), range(count)) for one in ended]
            found.calls, found.wrong = len(right), right.count(False)

        return self.measured(work)

    def forks(self, count: int) -> Measured:
        """Processes forked while connections are open: parent and children continue with separate ones."""

        def work(found: Measured) -> None:
            with Client(**self.options) as client:

                def right() -> bool:
                    mark = self.mark() + str(os.getpid())
                    return client.chat(mark).content == answer(mark)

                found.wrong += not right()
                for _ in range(count):
                    child = os.fork()
                    if not child:
                        os._exit(0 if all(right() for _ in range(5)) else 1)
                    found.wrong += not all(right() for _ in range(5))
                    found.wrong += os.waitpid(child, 0)[1] != 0
                    found.calls += 10

        return self.measured(work)
