"""The two transports with one blocking interface, so that each test checks both."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

from pydantic import SecretStr

from deepseek_v4 import errors
from deepseek_v4.transport import AsyncStream, AsyncTransport, Exchange, Limits, SyncStream, SyncTransport
from deepseek_v4.values.http import HttpRequest, HttpResponse

KEY = "sk-0123456789-very-secret"


class Lines:
    """A minimal decoder: one item per line; ``:`` begins a comment, ``END`` is the end."""

    def __init__(self) -> None:
        self.finished = False
        self.items: list[str] = []
        self._rest = b""

    def feed(self, chunk: bytes) -> list[str]:
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        items = [line.decode() for line in lines if line and not line.startswith(b":")]
        for item in items:
            if item.startswith("ERROR"):
                raise errors.OverloadedError("the answer holds an error")
        self.items += items
        self.finished = self.finished or "END" in items
        return items

    def close(self) -> list[str]:
        if not self.items:
            raise errors.MalformedResponseError("blank", retryable=True)
        if not self.finished:
            raise errors.StreamInterruptedError("cut", partial=self.partial())
        return []

    def partial(self) -> Any:
        return list(self.items)


def request_to(url: str, key: str | None = KEY, **more: Any) -> HttpRequest:
    secret = None if key is None else SecretStr(key)
    return HttpRequest("POST", url, {"content-type": "application/json"}, b"{}", secret, **more)


def read_text(response: HttpResponse) -> str:
    return response.body.decode().strip()


def read_refusal(response: HttpResponse) -> errors.DeepSeekError:
    kind = {401: errors.AuthenticationError, 429: errors.RateLimitError}.get(response.status, errors.ServerError)
    return kind(
        response.body.decode() or "refused",
        status_code=response.status,
        request_id=response.headers.get("x-request-id"),
        retryable=response.status in (408, 409, 429) or response.status >= 500,
    )


def exchange(request: HttpRequest, limits: Limits | None = None, *, streamed: bool = False) -> Exchange:
    return Exchange(request, limits or Limits(), read_refusal, "a-host", streamed=streamed)


class SyncTwin:
    def __init__(self, http_client: Any = None) -> None:
        self.given = http_client
        self.transport = SyncTransport(http_client)

    def call(self, request: HttpRequest, read: Any = read_text, **limits: Any) -> Any:
        return self.transport.call(exchange(request, Limits(**limits)), read)

    def stream(self, request: HttpRequest, decoder: Any = Lines, **limits: Any) -> SyncStream[str]:
        return self.transport.stream(exchange(request, Limits(**limits), streamed=True), decoder())

    def close(self) -> None:
        self.transport.close()

    def end(self) -> None:
        self.close()
        if self.given is not None:
            self.given.close()


class _BlockingStream:
    def __init__(self, twin: AsyncTwin, stream: AsyncStream[str]) -> None:
        self._twin = twin
        self._stream = stream

    def __iter__(self) -> Iterator[str]:
        items = aiter(self._stream)
        end: Any = object()
        while (item := self._twin.run(anext(items, end))) is not end:
            yield item

    def close(self) -> None:
        self._twin.run(self._stream.aclose())


class AsyncTwin:
    def __init__(self, http_client: Any = None) -> None:
        self.given = http_client
        self.transport = AsyncTransport(http_client)
        self.loop = asyncio.new_event_loop()

    def run(self, work: Any) -> Any:
        async def worked() -> Any:
            return await work

        return self.loop.run_until_complete(worked())

    def call(self, request: HttpRequest, read: Any = read_text, **limits: Any) -> Any:
        return self.run(self.transport.call(exchange(request, Limits(**limits)), read))

    def stream(self, request: HttpRequest, decoder: Any = Lines, **limits: Any) -> _BlockingStream:
        return _BlockingStream(
            self, self.run(self.transport.stream(exchange(request, Limits(**limits), streamed=True), decoder()))
        )

    def close(self) -> None:
        self.run(self.transport.aclose())

    def end(self) -> None:
        self.close()
        if self.given is not None:
            self.run(self.given.aclose())
        self.run(self.loop.shutdown_asyncgens())
        self.loop.close()
