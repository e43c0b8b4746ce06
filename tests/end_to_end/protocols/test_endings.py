"""The endings of answers on Responses and Messages at every host: complete, truncated, refused, failed or interrupted.

Both adapters must return the same in every mode.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from langchain_core.exceptions import ModelError
from langchain_core.messages import AIMessageChunk
from llama_index.core.base.llms.types import ChatMessage

from deepseek_v4 import errors
from deepseek_v4.testing import Fault, LocalServer, Turn
from langchain_deepseek_v4 import ChatDeepSeekV4
from llama_index_deepseek_v4 import DeepSeekV4
from tests.end_to_end.journeys.conversations import ENDPOINTS, connection_to, server_of

ANSWER = Turn("one two three four five six", reasoning="some thinking before it ☂", chunk_size=4)
QUESTION = [ChatMessage(role="user", content="Hi")]
COMPLETE = ("complete", "complete, async")
STREAMED = ("streamed", "streamed, async")


@pytest.fixture(params=[each for each in ENDPOINTS if each[1] != "chat_completions"], ids="-".join)
def endpoint(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def server(endpoint: tuple[str, str]) -> Iterator[LocalServer]:
    with server_of(endpoint) as server:
        server.configure(pings=True)
        yield server


@pytest.fixture(params=["langchain", "llama_index"])
async def model(request: pytest.FixtureRequest, server: LocalServer, endpoint: tuple[str, str]) -> AsyncIterator[Any]:
    expected = ChatDeepSeekV4 if request.param == "langchain" else DeepSeekV4
    async with expected(**connection_to(endpoint, server), max_retries=0) as model:
        yield model


async def answer_and_reason(model: Any, way: str, texts: list[str]) -> tuple[str, str]:
    """Return text and finish reason of one call; the texts of a stream are added to ``texts``."""
    if isinstance(model, ChatDeepSeekV4):
        if way in COMPLETE:
            message: Any = model.invoke("Hi") if way == "complete" else await model.ainvoke("Hi")
            return message.text, message.response_metadata["finish_reason"]
        total = AIMessageChunk("")
        async for chunk in _each(model.stream("Hi") if way == "streamed" else model.astream("Hi")):
            texts.append(chunk.text)
            total = total + chunk
        return total.text, total.response_metadata["finish_reason"]
    if way in COMPLETE:
        response = model.chat(QUESTION) if way == "complete" else await model.achat(QUESTION)
    else:
        async for response in _each(
            model.stream_chat(QUESTION) if way == "streamed" else await model.astream_chat(QUESTION)
        ):
            texts.append(response.delta or "")
    return response.message.content or "", response.additional_kwargs["finish_reason"]


async def _each(stream: Any) -> AsyncIterator[Any]:
    if isinstance(stream, AsyncIterator):
        async for one in stream:
            yield one
    else:
        for one in stream:
            yield one


@pytest.mark.parametrize("finish_reason", ["stop", "length", "content_filter"])
async def test_an_answer_has_its_finish_reason(model: Any, server: LocalServer, finish_reason: str) -> None:
    for way in (*COMPLETE, *STREAMED):
        server.script(Turn("one two", reasoning="Hm.", finish_reason=finish_reason))
        texts: list[str] = []
        assert await answer_and_reason(model, way, texts) == ("one two", finish_reason)
        assert "".join(texts) == ("one two" if way in STREAMED else "")


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (402, errors.InsufficientBalanceError),
        (429, errors.RateLimitError),
        (500, errors.ServerError),
        (503, errors.OverloadedError),
    ],
)
async def test_an_error_status_has_its_class(
    model: Any, server: LocalServer, status: int, expected: type[errors.DeepSeekError]
) -> None:
    for way in (*COMPLETE, *STREAMED):
        server.fault(Fault.status(status))
        with pytest.raises(expected) as caught:
            await answer_and_reason(model, way, [])
        assert caught.value.status_code == status
        assert isinstance(caught.value, ModelError) is isinstance(model, ChatDeepSeekV4)


@pytest.mark.parametrize("way", STREAMED)
@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault.cut_stream(20), errors.StreamInterruptedError),
        (Fault.eof_stream(20), errors.StreamInterruptedError),
        (Fault.malformed_event(20), errors.MalformedResponseError),
        (Fault.error_in_stream(20), errors.DeepSeekError),
        (Fault.error_in_stream(20, with_choices=True), errors.DeepSeekError),
        (Fault.finish("insufficient_system_resource"), errors.DeepSeekError),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
async def test_an_interrupted_stream_raises(
    model: Any, server: LocalServer, way: str, fault: Fault, expected: type[errors.DeepSeekError]
) -> None:
    server.script(ANSWER)
    server.fault(fault)
    texts: list[str] = []
    with pytest.raises(expected) as caught:
        await answer_and_reason(model, way, texts)
    partial = caught.value.partial
    assert partial is not None
    assert partial.content == "".join(texts)
    assert ANSWER.text.startswith(partial.content)
    assert partial.reasoning is not None
    assert partial.reasoning.text
    assert str(ANSWER.reasoning).startswith(partial.reasoning.text)


@pytest.mark.parametrize("way", COMPLETE)
@pytest.mark.parametrize(
    "fault",
    [
        Fault.error_in_stream(0),
        Fault.error_in_stream(0, with_choices=True),
        Fault.finish("insufficient_system_resource"),
        Fault.cut_stream(0),
        Fault.eof_stream(0),
    ],
    ids=lambda fault: fault.name,
)
async def test_a_failed_complete_answer_raises(model: Any, server: LocalServer, way: str, fault: Fault) -> None:
    server.script(ANSWER)
    server.fault(fault)
    with pytest.raises(errors.DeepSeekError):
        await answer_and_reason(model, way, [])
