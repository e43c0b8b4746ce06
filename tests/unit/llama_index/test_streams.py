"""Streams that are not read to their end: nothing stays open, and errors are of the right class."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from llama_index.core import instrumentation
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.prompts import PromptTemplate
from pydantic import BaseModel, PrivateAttr

from deepseek_v4 import errors
from deepseek_v4.client import Client
from deepseek_v4.testing import Fault, LocalServer, Turn
from llama_index_deepseek_v4 import DeepSeekV4

ASK = [ChatMessage(role="user", content="hi")]
LONG = Turn("word " * 2000, reasoning="think " * 50)


class Story(BaseModel):
    text: str


class Keeper(BaseEventHandler):
    """A tracer that keeps the exceptions of its events, with their frames."""

    _kept: list[Any] = PrivateAttr(default_factory=list)

    def handle(self, event: Any, **kwargs: Any) -> None:
        self._kept.append(event)


@pytest.fixture(autouse=True, params=[True, False], ids=["observed", "unobserved"])
def keeper(request: pytest.FixtureRequest) -> Iterator[Keeper | None]:
    """Register an event handler, or none: then the responses of a stream bypass LlamaIndex's callback."""
    if not request.param:
        yield None
        return
    root = instrumentation.get_dispatcher()  # type: ignore[attr-defined]
    keeper = Keeper()
    root.add_event_handler(keeper)
    yield keeper
    root.event_handlers.remove(keeper)


@pytest.fixture
def slow(server: LocalServer) -> LocalServer:
    server.configure(chunk_delay=0.02, burst=False)
    return server


def wait_until(condition: Callable[[], bool], seconds: float = 1.0) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


async def await_until(condition: Callable[[], bool], seconds: float = 1.0) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        await asyncio.sleep(0.01)
    return True


def opened(llm: DeepSeekV4, method: str) -> Any:
    if method == "stream_structured_predict":
        return llm.stream_structured_predict(Story, PromptTemplate("Tell a story"))
    return getattr(llm, method)(ASK if "chat" in method else "hi")


SYNC = ["stream_chat", "stream_complete", "stream_structured_predict"]
ASYNC = ["astream_chat", "astream_complete", "astream_structured_predict"]


async def aopened(llm: DeepSeekV4, method: str) -> Any:
    if method == "astream_structured_predict":
        return await llm.astream_structured_predict(Story, PromptTemplate("Tell a story"))
    return await getattr(llm, method)(ASK if "chat" in method else "hi")


def script(server: LocalServer, method: str) -> None:
    server.script(Turn('{"text": "' + "word " * 2000 + '"}') if "structured" in method else LONG)


@pytest.mark.parametrize("method", SYNC)
@pytest.mark.parametrize("how", ["close", "break"])
def test_leaving_early_frees_the_connection_at_once(llm: DeepSeekV4, slow: LocalServer, method: str, how: str) -> None:
    script(slow, method)
    stream = opened(llm, method)
    gc.disable()  # the test does not depend on garbage collection
    try:
        for _ in stream:
            assert slow.open_connections == 1
            if how == "break":
                break
            stream.close()
        if how == "break":
            del stream
        assert wait_until(lambda: slow.open_connections == 0)
    finally:
        gc.enable()


@pytest.mark.parametrize("method", ["stream_chat", "stream_complete"])
def test_an_unread_stream(llm: DeepSeekV4, slow: LocalServer, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    held = []  # keeps a reference, so that only closing can free the connection
    original = Client.open
    monkeypatch.setattr(Client, "open", lambda *given: (held.append(original(*given)), held[-1])[1])
    script(slow, method)
    stream = opened(llm, method)
    assert slow.open_streams == 1
    stream.close()
    assert wait_until(lambda: slow.open_connections == 0)
    assert held


@pytest.mark.parametrize("method", ["astream_chat", "astream_complete"])
async def test_an_unread_asynchronous_stream(
    llm: DeepSeekV4, slow: LocalServer, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    held = []
    original = Client.aopen

    async def aopen(*given: Any) -> Any:
        held.append(await original(*given))
        return held[-1]

    monkeypatch.setattr(Client, "aopen", aopen)
    script(slow, method)
    stream = await aopened(llm, method)
    assert slow.open_streams == 1
    await stream.aclose()
    assert await await_until(lambda: slow.open_connections == 0)
    assert held


@pytest.mark.parametrize("method", ASYNC)
async def test_aclose_frees_the_connection_at_once(llm: DeepSeekV4, slow: LocalServer, method: str) -> None:
    script(slow, method)
    stream = await aopened(llm, method)
    gc.disable()
    try:
        async for _ in stream:
            assert slow.open_connections == 1
            break
        await stream.aclose()
        assert await await_until(lambda: slow.open_connections == 0)
    finally:
        gc.enable()


@pytest.mark.parametrize("method", ASYNC)
async def test_dropping_frees_the_connection(llm: DeepSeekV4, slow: LocalServer, method: str) -> None:
    script(slow, method)
    stream = await aopened(llm, method)
    gc.disable()
    try:
        async for _ in stream:
            break
        del stream
        assert await await_until(lambda: slow.open_connections == 0)
    finally:
        gc.enable()


@pytest.mark.parametrize("method", ASYNC)
async def test_cancelling_frees_the_connection(llm: DeepSeekV4, slow: LocalServer, method: str) -> None:
    script(slow, method)
    begun = asyncio.Event()

    async def read() -> None:
        async for _ in await aopened(llm, method):
            begun.set()

    task = asyncio.create_task(read())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await await_until(lambda: slow.open_connections == 0)


async def test_a_stream_read_to_its_end_keeps_its_connection_for_the_next_call(
    llm: DeepSeekV4, server: LocalServer
) -> None:
    for _ in range(3):
        async for _ in await llm.astream_chat(ASK):
            pass
        for _ in llm.stream_chat(ASK):
            pass
    assert server.open_connections == 2  # one blocking, one on the loop


STATUS = [
    (401, errors.AuthenticationError),
    (402, errors.InsufficientBalanceError),
    (429, errors.RateLimitError),
    (500, errors.ServerError),
    (503, errors.OverloadedError),
]


@pytest.mark.parametrize(("status", "kind"), STATUS)
@pytest.mark.parametrize(
    "method",
    ["chat", "complete", "stream_chat", "stream_complete", "achat", "acomplete", "astream_chat", "astream_complete"],
)
async def test_a_refused_request_raises_before_a_stream_is_returned(
    llm: DeepSeekV4, server: LocalServer, status: int, kind: type[Exception], method: str
) -> None:
    server.fault(Fault.status(status))
    with pytest.raises(kind):
        result = getattr(llm, method)(ASK if "chat" in method else "hi")
        if method.startswith("a"):
            await result
    assert len(server.requests) == 1
    assert server.open_streams == 0


@pytest.mark.parametrize("method", ["stream_chat", "astream_chat"])
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault.cut_stream(8), errors.StreamInterruptedError),
        (Fault.eof_stream(8), errors.StreamInterruptedError),
        (Fault.malformed_event(8), errors.MalformedResponseError),
        (Fault.error_in_stream(8), errors.ContentFilterError),
        (Fault.error_in_stream(8, with_choices=True), errors.DeepSeekError),
    ],
    ids=lambda value: getattr(value, "name", None),
)
async def test_an_interrupted_stream_is_never_an_answer(
    llm: DeepSeekV4, server: LocalServer, method: str, fault: Fault, kind: type[errors.DeepSeekError]
) -> None:
    server.configure(chunk_delay=0.005, burst=False)
    server.script(Turn("one two three four five six", reasoning="some thinking before it"))
    server.fault(fault)
    seen = []
    with pytest.raises(kind) as caught:
        if method == "stream_chat":
            for response in llm.stream_chat(ASK):
                seen.append(response)
        else:
            async for response in await llm.astream_chat(ASK):
                seen.append(response)
    assert seen
    assert "finish_reason" not in seen[-1].additional_kwargs
    if kind is errors.StreamInterruptedError:
        partial = caught.value.partial
        assert partial is not None
        assert partial.content == seen[-1].message.content


@pytest.mark.parametrize("retries", [0, 2])
def test_one_layer_of_retries(
    make: Callable[..., DeepSeekV4], server: LocalServer, retries: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deepseek_v4.recovery.backoff.BASE_SECONDS", 0.01)
    server.fault(Fault.status(503, retry_after=0), times=10)
    for call in (lambda llm: llm.chat(ASK), lambda llm: llm.stream_chat(ASK)):
        before = len(server.requests)
        with pytest.raises(errors.OverloadedError):
            call(make(max_retries=retries))
        assert len(server.requests) - before == retries + 1


def test_a_retry_inside_stream_chat(make: Callable[..., DeepSeekV4], server: LocalServer) -> None:
    server.script(Turn("Good."))
    server.fault(Fault.status(503, retry_after=0))
    *_, last = make(max_retries=1).stream_chat(ASK)
    assert last.message.content == "Good."
    assert len(server.requests) == 2
