"""Typed streams of LlamaIndex: validators, the connection of a retry, options that are None."""

from __future__ import annotations

import asyncio
import gc
import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from llama_index.core import instrumentation
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.prompts import PromptTemplate
from llama_index.core.types import PydanticProgramMode
from pydantic import BaseModel, PrivateAttr, model_validator

from deepseek_v4.testing import LocalServer, ToolCall, Turn
from llama_index_deepseek_v4 import DeepSeekV4, UnusableAnswerError

PROMPT = PromptTemplate("From when to when?")


class Span(BaseModel):
    """A span of years, checked by a validator that needs both."""

    start: int
    end: int

    @model_validator(mode="before")
    @classmethod
    def in_order(cls, data: Any) -> Any:
        if data["end"] < data["start"]:
            raise ValueError("the end is before the start")
        return data


GOOD = Turn('{"start": 1900, "end": 1910}', chunk_size=2)
INVALID = Turn('{"start": 1900, "end": 1800}', chunk_size=2)


@pytest.fixture
def server() -> Iterator[LocalServer]:
    with LocalServer() as running:
        yield running


@pytest.fixture
def connection(server: LocalServer) -> dict[str, Any]:
    return {"base_url": server.base_url, "api_key": server.api_key, "max_retries": 0}


@pytest.mark.parametrize("mode", [PydanticProgramMode.DEFAULT, PydanticProgramMode.FUNCTION])
def test_a_validator_may_fail_while_fields_are_missing(
    server: LocalServer, connection: dict[str, Any], mode: PydanticProgramMode
) -> None:
    call = Turn(tool_calls=[ToolCall("Span", {"start": 1900, "end": 1910})], chunk_size=2)
    server.script(GOOD if mode is PydanticProgramMode.DEFAULT else call)
    *earlier, last = DeepSeekV4(**connection, pydantic_program_mode=mode).stream_structured_predict(Span, PROMPT)
    assert last == Span(start=1900, end=1910)
    assert any(getattr(chunk, "start", None) == 1900 for chunk in earlier)


@pytest.mark.parametrize("how", ["blocking", "async"])
def test_the_retry_uses_the_same_connection(server: LocalServer, connection: dict[str, Any], how: str) -> None:
    server.script(INVALID, GOOD)
    one: dict[str, Any] = {"limits": httpx.Limits(max_connections=1)}

    async def last_of_async() -> Any:
        async with httpx.AsyncClient(**one) as client:
            llm = DeepSeekV4(**connection, http_async_client=client, timeout=httpx.Timeout(10, pool=1))
            return [chunk async for chunk in await llm.astream_structured_predict(Span, PROMPT)][-1]

    if how == "async":
        last = asyncio.run(last_of_async())
    else:
        with httpx.Client(**one) as client:
            llm = DeepSeekV4(**connection, http_client=client, timeout=httpx.Timeout(10, pool=1))
            *_, last = llm.stream_structured_predict(Span, PROMPT)
    assert last == Span(start=1900, end=1910)
    assert len(server.requests) == 2


@pytest.mark.parametrize("retries", [0, 1])
def test_none_for_a_call_keeps_the_option_of_the_model(
    server: LocalServer, connection: dict[str, Any], retries: int
) -> None:
    server.script(INVALID, GOOD)
    llm = DeepSeekV4(**connection, answer_retries=retries)
    options = {"answer_retries": None, "on_empty": None}
    if retries:
        assert llm.structured_predict(Span, PROMPT, options) == Span(start=1900, end=1910)
    else:
        with pytest.raises(UnusableAnswerError):
            llm.structured_predict(Span, PROMPT, options)
    assert len(server.requests) == 1 + retries


class Story(BaseModel):
    """A story."""

    text: str


class KeepingHandler(BaseEventHandler):
    """A tracer that keeps the exceptions it receives, with their frames."""

    _kept: list[Any] = PrivateAttr(default_factory=list)

    def handle(self, event: Any, **kwargs: Any) -> None:
        self._kept.append(event)


@pytest.fixture
def keep_events() -> Iterator[None]:
    """A tracer that keeps everything, and no garbage collection, so that only what is closed is freed."""
    root, handler = instrumentation.get_dispatcher(), KeepingHandler()  # type: ignore[attr-defined]
    root.add_event_handler(handler)
    gc.disable()
    yield
    gc.enable()
    root.event_handlers.remove(handler)


def freed(server: LocalServer) -> bool:
    end = time.monotonic() + 1
    while server.open_streams and time.monotonic() < end:
        time.sleep(0.01)
    return server.open_streams == 0


@pytest.mark.usefixtures("keep_events")
@pytest.mark.parametrize("method", ["stream_chat", "stream_complete", "astream_chat", "astream_complete"])
@pytest.mark.parametrize("how", ["close", "drop"])
async def test_a_closed_stream_of_a_typed_model_frees_the_connection(
    server: LocalServer, connection: dict[str, Any], method: str, how: str
) -> None:
    server.configure(chunk_delay=0.02, burst=False)
    server.script(Turn('{"text": "' + "word " * 2000 + '"}'))
    async with DeepSeekV4(**connection) as llm:
        prompt: Any = [ChatMessage("Tell.")] if "chat" in method else "Tell."
        stream: Any = getattr(llm.as_structured_llm(Story), method)(prompt)
        if method.startswith("a"):
            stream = await stream
            await anext(stream)
            if how == "close":
                await stream.aclose()
        else:
            next(stream)
            if how == "close":
                stream.close()
        del stream
        await asyncio.sleep(0.05)  # asyncio closes a generator that was dropped in its next turns
        assert await asyncio.to_thread(freed, server)


class Name(BaseModel):
    """A name."""

    name: str


@pytest.mark.parametrize("method", ["chat", "stream_chat"])
def test_half_a_character_is_escaped_in_the_text(server: LocalServer, connection: dict[str, Any], method: str) -> None:
    server.script(Turn('{"name": "a\\ud83d"}'))
    llm = DeepSeekV4(**connection).as_structured_llm(Name)
    answered = getattr(llm, method)([ChatMessage("Who?")])
    response = answered if method == "chat" else list(answered)[-1]
    assert response.raw == Name(name="a\ud83d")
    assert response.message.content == '{"name":"a\\ud83d"}'
    assert json.loads(response.message.content) == {"name": "a\ud83d"}
