"""Errors of a real engine, and answers that the client cancels."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any

import httpx
import pytest

from deepseek_v4.errors import AuthenticationError, ContextLengthError
from tests.engines.conftest import WINDOW, Engine
from tests.engines.engine import ANSWER, KEY, QUESTION

LONG = {"max_tokens": 3500, "extra_body": {"ignore_eos": True}}
"""About a second of work for the engine."""
ENDLESS = ("chat_completions", "responses")
"""llama.cpp does not read ``ignore_eos`` on ``/v1/messages``, and no other option makes the toy model continue."""
MONITOR = httpx.Client()


@pytest.mark.parametrize("way", ["complete", "async streamed"])
async def test_a_wrong_key(engine: Engine, framework: str, protocol: str, way: str) -> None:
    with pytest.raises(AuthenticationError) as caught:
        await engine.model(framework, protocol, api_key="wrong").call(way, QUESTION)
    assert caught.value.status_code == 401
    assert "Invalid API Key" in caught.value.message


@pytest.mark.parametrize("way", ["complete", "async streamed"])
async def test_a_prompt_longer_than_the_context(engine: Engine, framework: str, protocol: str, way: str) -> None:
    with pytest.raises(ContextLengthError, match="exceeds the available context size") as caught:
        await engine.model(framework, protocol).call(way, "word " * WINDOW)
    assert caught.value.status_code == 400
    assert not caught.value.retryable


def slots(engine: Engine) -> list[dict[str, Any]]:
    return MONITOR.get(f"{engine.url}/slots", headers={"authorization": f"Bearer {KEY}"}).json()


def is_busy(engine: Engine) -> bool:
    return any(slot["is_processing"] for slot in slots(engine))


def stopped_early(engine: Engine) -> bool:
    """Wait until the engine is idle; return True if its last answer was not complete."""
    while is_busy(engine):
        time.sleep(0.01)
    last = max(slots(engine), key=lambda slot: slot.get("id_task", -1))
    return bool(last["next_token"][0]["has_next_token"])


@pytest.mark.parametrize("protocol", ENDLESS)
def test_the_engine_stops_when_a_stream_is_closed(engine: Engine, framework: str, protocol: str) -> None:
    model = engine.model(framework, protocol).model
    stream = (model.stream if framework == "langchain" else model.stream_complete)(QUESTION, **LONG)
    next(stream)
    stream.close()
    assert stopped_early(engine)


@pytest.mark.parametrize("protocol", ENDLESS)
async def test_the_engine_stops_when_the_task_of_a_stream_is_cancelled(
    engine: Engine, framework: str, protocol: str
) -> None:
    task = asyncio.create_task(engine.model(framework, protocol).call("async streamed", QUESTION, **LONG))
    while not (is_busy(engine) or task.done()):
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert stopped_early(engine)


async def test_a_model_is_used_again_after_a_cancelled_call(engine: Engine, framework: str, protocol: str) -> None:
    """During a complete answer the engine detects a closed connection only after it has written the answer."""
    model = engine.model(framework, protocol)
    long = {**LONG, "max_tokens": 1000}
    for way in ("async complete", "async streamed"):
        task = asyncio.create_task(model.call(way, QUESTION, **long))
        await asyncio.sleep(0.05)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):  # done already on /v1/messages, which has no ignore_eos
            await task
        assert (await model.call(way, QUESTION)).text == ANSWER
