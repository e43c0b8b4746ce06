"""The lower bound: plain httpx, JSON parsed, nothing stored."""

from __future__ import annotations

from typing import Any

import httpx
import orjson

HEADERS = {"authorization": "Bearer sk-bench", "content-type": "application/json"}


class RawHttpx:
    """Calls and streams without a framework."""

    def __init__(self, base_url: str) -> None:
        self.url = f"{base_url}/chat/completions"
        self.client = httpx.Client(timeout=60)
        limits = httpx.Limits(max_connections=1000, max_keepalive_connections=1000)
        self.asynchronous = httpx.AsyncClient(timeout=60, limits=limits)

    def body(self, messages: list[dict[str, Any]], stream: bool) -> bytes:
        """Return the request."""
        body: dict[str, Any] = {"model": "deepseek-v4-flash", "messages": messages}
        if stream:
            body["stream"] = True
        return orjson.dumps(body)

    def call(self, messages: list[dict[str, Any]]) -> Any:
        """Get one complete answer."""
        return orjson.loads(self.client.post(self.url, content=self.body(messages, False), headers=HEADERS).content)

    async def acall(self, messages: list[dict[str, Any]]) -> Any:
        """Get one complete answer."""
        content = self.body(messages, False)
        return orjson.loads((await self.asynchronous.post(self.url, content=content, headers=HEADERS)).content)

    def stream(self, messages: list[dict[str, Any]]) -> int:
        """Get one answer in chunks; return their number."""
        count = 0
        rest = b""
        with self.client.stream("POST", self.url, content=self.body(messages, True), headers=HEADERS) as response:
            for piece in response.iter_bytes():
                lines = (rest + piece).split(b"\n")
                rest = lines.pop()
                for line in lines:
                    if line.startswith(b"data: ") and line != b"data: [DONE]":
                        orjson.loads(line[6:])
                        count += 1
        return count

    async def astream(self, messages: list[dict[str, Any]]) -> int:
        """Get one answer in chunks; return their number."""
        count = 0
        rest = b""
        content = self.body(messages, True)
        async with self.asynchronous.stream("POST", self.url, content=content, headers=HEADERS) as response:
            async for piece in response.aiter_bytes():
                lines = (rest + piece).split(b"\n")
                rest = lines.pop()
                for line in lines:
                    if line.startswith(b"data: ") and line != b"data: [DONE]":
                        orjson.loads(line[6:])
                        count += 1
        return count
