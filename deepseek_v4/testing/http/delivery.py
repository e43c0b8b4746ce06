"""Sends an outcome through ASGI: pacing, keep-alives, fragments, broken connections, clients that leave."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Iterator
from typing import Any

from starlette.types import Receive, Scope, Send

from deepseek_v4.testing.http.connections import Traffic
from deepseek_v4.testing.options import ServerOptions
from deepseek_v4.testing.outcome import HangUp, Outcome, Pause
from deepseek_v4.testing.request_log import ReceivedRequest

BURST_BYTES = 64 * 1024
LONGEST_RANDOM_FRAGMENT = 48


class _ClientLeft(Exception):
    """The client closed the connection."""


class Delivery:
    """One response on its way to one client."""

    def __init__(
        self, options: ServerOptions, traffic: Traffic, received: ReceivedRequest, scope: Scope,
        receive: Receive, send: Send,
    ) -> None:  # fmt: skip
        self._options = options
        self._traffic = traffic
        self._received = received
        self._send = send
        self._transport = traffic.transport_of(scope.get("client"))
        self._left: asyncio.Future[Any] = asyncio.ensure_future(receive())
        self._buffer = bytearray()
        self._filler = b""

    async def deliver(self, outcome: Outcome, delay: float = 0.0) -> None:
        """Send everything, or as much as the client stays for."""
        self._traffic.open_streams += outcome.streaming
        try:
            await self._wait(delay, 0)
            if outcome.hang_up:
                await self._hang_up()
                return
            await self._head(outcome)
            await self._body(outcome)
        except _ClientLeft:
            self._received.aborted = True
        finally:
            self._traffic.open_streams -= outcome.streaming
            self._left.cancel()

    async def _head(self, outcome: Outcome) -> None:
        self._filler = outcome.filler
        headers = {"content-type": outcome.content_type, **outcome.headers}
        if not outcome.filler and isinstance(outcome.steps, tuple):
            headers["content-length"] = str(sum(len(step) for step in outcome.steps if isinstance(step, bytes)))
        encoded = [(name.encode(), value.encode("latin-1", "replace")) for name, value in headers.items()]
        await self._send({"type": "http.response.start", "status": outcome.status, "headers": encoded})

    async def _body(self, outcome: Outcome) -> None:
        options = self._options
        if outcome.filler:
            for _ in range(options.keep_alives):
                await self._write(outcome.filler)
                await self._wait(options.keep_alive_interval or 0.0, 0)
        for step in outcome.steps:
            if isinstance(step, bytes):
                await self._write(step)
                if outcome.streaming:
                    await self._wait(options.chunk_delay, None)
            elif isinstance(step, Pause):
                await self._wait(step.seconds, step.fillers)
            elif isinstance(step, HangUp):
                await self._flush()
                await self._hang_up()
                return
        await self._flush()
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _write(self, data: bytes) -> None:
        self._buffer += data
        if not self._options.burst or len(self._buffer) >= BURST_BYTES:
            await self._flush()

    async def _flush(self) -> None:
        data = bytes(self._buffer)
        self._buffer.clear()
        for fragment in _fragments(data, self._options.fragment):
            await self._send({"type": "http.response.body", "body": fragment, "more_body": True})
            if self._transport is not None and self._transport.is_closing():  # asyncio logs each later write
                raise _ClientLeft
        await asyncio.sleep(0)
        if self._left.done():
            raise _ClientLeft

    async def _wait(self, seconds: float, fillers: int | None) -> None:
        """Wait, with a number of fillers spread over the time; None uses the interval of the options."""
        if seconds <= 0:
            return
        await self._flush()
        step = self._options.keep_alive_interval or seconds
        if fillers is None:
            fillers = max(math.ceil(seconds / step - 1.5), 0)  # none within half an interval of the end
        else:
            step = seconds / (fillers + 1)
        clock = asyncio.get_running_loop().time
        begun = clock()
        for due in (*(step * (number + 1) for number in range(fillers)), seconds):
            done, _ = await asyncio.wait({self._left}, timeout=max(begun + due - clock(), 0))
            if done:
                raise _ClientLeft
            if due < seconds:
                self._buffer += self._filler
                await self._flush()

    async def _hang_up(self) -> None:
        if self._transport is not None:
            self._transport.close()
        await self._left


def _fragments(data: bytes, size: int | random.Random | None) -> Iterator[bytes]:
    size = len(data) if size is None else size
    start = 0
    while start < len(data):
        end = start + (size if isinstance(size, int) else size.randint(1, LONGEST_RANDOM_FRAGMENT))
        if isinstance(size, random.Random) and size.random() < 0.5:
            end = _inside_a_character(data, end)
        yield data[start:end]
        start = end


def _inside_a_character(data: bytes, start: int) -> int:
    """Return the next place within a UTF-8 sequence, if there is one nearby."""
    near = range(start, min(start + LONGEST_RANDOM_FRAGMENT, len(data)))
    return next((place for place in near if data[place] & 0xC0 == 0x80), start)
