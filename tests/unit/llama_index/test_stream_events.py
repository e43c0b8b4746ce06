"""The events of a stream for LlamaIndex's callbacks and event handlers, with and without a registered handler."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from llama_index.core import instrumentation
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.callbacks import CallbackManager, CBEventType, EventPayload
from llama_index.core.callbacks.base_handler import BaseCallbackHandler
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.instrumentation.events.llm import LLMChatEndEvent, LLMCompletionEndEvent
from pydantic import PrivateAttr

from deepseek_v4 import errors
from deepseek_v4.testing import Fault, LocalServer, Turn
from llama_index_deepseek_v4 import DeepSeekV4
from llama_index_deepseek_v4.streams import has_event_handlers

METHODS = ["stream_chat", "stream_complete", "astream_chat", "astream_complete"]


class Ends(BaseCallbackHandler):
    """Collects the payloads of the end events of LLM calls."""

    def __init__(self) -> None:
        super().__init__([], [])
        self.payloads: list[dict[str, Any]] = []

    def on_event_start(self, event_type: CBEventType, payload: Any = None, event_id: str = "", **_: Any) -> str:
        return event_id

    def on_event_end(self, event_type: CBEventType, payload: Any = None, event_id: str = "", **_: Any) -> None:
        if event_type == CBEventType.LLM:
            self.payloads.append(payload)

    def start_trace(self, trace_id: str | None = None) -> None: ...

    def end_trace(self, trace_id: str | None = None, trace_map: Any = None) -> None: ...


class Events(BaseEventHandler):
    _events: list[Any] = PrivateAttr(default_factory=list)

    def handle(self, event: Any, **kwargs: Any) -> None:
        self._events.append(event)


@contextmanager
def handling(name: str = "root") -> Iterator[list[Any]]:
    """Register an event handler; return the list of its events."""
    handler, dispatcher = Events(), instrumentation.get_dispatcher(name)  # type: ignore[attr-defined]
    dispatcher.add_event_handler(handler)
    try:
        yield handler._events
    finally:
        dispatcher.event_handlers.remove(handler)


@pytest.fixture
def ends() -> Ends:
    return Ends()


@pytest.fixture
def llm(make: Callable[..., DeepSeekV4], ends: Ends) -> DeepSeekV4:
    return make(callback_manager=CallbackManager([ends]))


async def opened(llm: DeepSeekV4, method: str) -> Any:
    stream = getattr(llm, method)([ChatMessage("Hi", role="user")] if "chat" in method else "Hi")
    return await stream if method.startswith("a") else _asynchronous(stream)


async def _asynchronous(stream: Any) -> Any:
    with_close = iter(stream)
    try:
        for response in with_close:
            yield response
    finally:
        with_close.close()


def test_handlers_are_found_up_to_the_root() -> None:
    assert not has_event_handlers()
    for name in ("root", "llama_index.core.llms.callbacks"):
        with handling(name):
            assert has_event_handlers()
    with handling("llama_index.core.agent"):
        assert not has_event_handlers()


@pytest.mark.parametrize("method", METHODS)
async def test_the_responses_are_the_same_with_and_without_a_handler(
    llm: DeepSeekV4, server: LocalServer, ends: Ends, method: str
) -> None:
    streamed = []
    for observed in (False, True):
        server.script(Turn("one two three", reasoning="a thought"))
        if observed:
            with handling() as events:
                responses = [response async for response in await opened(llm, method)]
            assert sum("InProgress" in type(event).__name__ for event in events) == len(responses)
        else:
            responses = [response async for response in await opened(llm, method)]
        last = EventPayload.RESPONSE if "chat" in method else EventPayload.COMPLETION
        assert ends.payloads.pop()[last] is responses[-1]
        streamed.append([(response.delta, str(response)) for response in responses])
    assert streamed[0] == streamed[1]


@pytest.mark.parametrize("method", METHODS)
async def test_an_error_reaches_the_callback_and_the_reader(
    llm: DeepSeekV4, server: LocalServer, ends: Ends, method: str
) -> None:
    server.script(Turn("one two three four five six", reasoning="some thinking before it"))
    server.fault(Fault.cut_stream(8))
    with pytest.raises(errors.StreamInterruptedError) as caught:
        async for _ in await opened(llm, method):
            pass
    [payload] = ends.payloads
    assert payload[EventPayload.EXCEPTION] is caught.value


@pytest.mark.parametrize("method", METHODS)
async def test_closing_a_stream_ends_its_event(llm: DeepSeekV4, ends: Ends, method: str) -> None:
    stream = await opened(llm, method)
    await anext(stream)
    await stream.aclose()
    [payload] = ends.payloads
    assert isinstance(payload[EventPayload.EXCEPTION], GeneratorExit)


@pytest.mark.parametrize("method", METHODS)
async def test_a_handler_registered_during_a_stream_receives_its_end(llm: DeepSeekV4, method: str) -> None:
    stream = await opened(llm, method)
    await anext(stream)
    with handling() as events:
        *_, last = [response async for response in stream]
    [end] = [event for event in events if isinstance(event, (LLMChatEndEvent, LLMCompletionEndEvent))]
    assert end.response == last
