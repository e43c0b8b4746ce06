"""The long tests of this folder: captures cut at every byte, streams cut at every event, agents with random answers,
processes killed and calls cancelled in the middle of streams.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage
from langgraph.errors import GraphRecursionError
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.tools import FunctionTool
from llama_index.core.workflow.errors import WorkflowRuntimeError

from deepseek_v4 import Client, Reply, StreamEnd, TextDelta
from deepseek_v4.errors import DeepSeekError, MalformedResponseError, StreamInterruptedError
from tests.engines.answers import Answer
from tests.engines.captures import CAPTURES, Capture, decoding
from tests.engines.conftest import Engine
from tests.engines.engine import ANSWER, KEY, PROTOCOLS, QUESTION, THOUGHT, WEATHER_QUESTION, WEATHER_TOOL, options
from tests.replay.replay_server import ReplayServer
from tests.sockets import connections_to

pytestmark = pytest.mark.slow

STREAMED = [capture for capture in CAPTURES if capture.exchange["method"] == "POST" and capture.streamed]
LONG = {"max_tokens": 3500, "extra_body": {"ignore_eos": True}}
"""About a second of work for the engine."""


# -- cut at every place ------------------------------------------------------------------------------------------


def cut_reply(request: Any, body: bytes) -> tuple[Reply, bool, str]:
    """Decode the beginning of a stream: the reply, True if it is complete, and the text of the deltas."""
    decoder = request.protocol.stream(request.context)
    deltas: list[Any] = []
    try:
        deltas = decoder.feed(body)
        deltas = [*deltas, *decoder.close()]
    except StreamInterruptedError as error:
        return error.partial or Reply(), False, text_of(deltas)
    except MalformedResponseError as error:
        assert b"\n\n" not in body, "a stream that has begun is interrupted, not malformed"
        return error.partial or Reply(), False, text_of(deltas)
    end = deltas[-1]
    assert isinstance(end, StreamEnd)
    return end.reply, True, text_of(deltas)


def text_of(deltas: list[Any]) -> str:
    return "".join(delta.text for delta in deltas if isinstance(delta, TextDelta))


@pytest.mark.parametrize("capture", STREAMED, ids=str)
def test_a_capture_cut_at_every_byte(capture: Capture) -> None:
    expected = decoding(capture)
    with Client(**options("http://127.0.0.1:1", capture.protocol) | {"max_tokens": capture.limit}) as client:
        request = client.prepare(QUESTION, {}, stream=True)
    before = (0, 0)
    for cut in range(len(capture.body) + 1):
        reply, complete, shown = cut_reply(request, capture.body[:cut])
        thought = (reply.reasoning and reply.reasoning.text) or ""
        assert expected.text.startswith(reply.content)
        assert expected.reasoning.startswith(thought)
        assert reply.content.startswith(shown)
        assert before <= (len(thought), len(reply.content)), "a longer stream lost text"
        before = len(thought), len(reply.content)
        calls = [(call.name, json.loads(call.arguments)) for call in reply.tool_calls]
        if complete:
            assert (reply.content, thought, calls) == (expected.text, expected.reasoning, list(expected.calls))
        else:
            assert calls == list(expected.calls)[: len(calls)], "a truncated call is valid"


@pytest.fixture(scope="module")
def replay() -> Iterator[ReplayServer]:
    server = ReplayServer()
    yield server
    server.close()


@pytest.mark.parametrize("tools", [False, True], ids=["text", "calls"])
async def test_a_live_stream_cut_at_every_event(
    engine: Engine, replay: ReplayServer, framework: str, protocol: str, tools: bool
) -> None:
    more = {"tools": [WEATHER_TOOL]} if tools else {}
    question = WEATHER_QUESTION if tools else QUESTION
    client = Client(**options(engine.url, protocol))
    sent = client.preview(question, stream=True, **more)
    headers = {**sent.headers, "authorization": f"Bearer {KEY}", "x-api-key": KEY}
    body = httpx.request(sent.method, sent.url, json=sent.body, headers=headers).content
    complete = await engine.model(framework, protocol).call("streamed", question, **more)
    ends = [place + 2 for place in range(len(body)) if body.startswith(b"\n\n", place)]
    settings: dict[str, Any] = options(replay.base_url, protocol)
    model = type(engine.model(framework, protocol))(**settings)
    partials: list[Reply] = []
    answers = []
    for number, end in enumerate(ends):
        replay.answer(200, "text/event-stream", [body[:end]])
        try:
            answers.append(await model.call("async streamed" if number % 2 else "streamed", question, **more))
        except StreamInterruptedError as error:
            partials.append(error.partial or Reply())
    for partial in partials:
        assert complete.text.startswith(partial.content)
        calls = [(call.name, json.loads(call.arguments)) for call in partial.tool_calls]
        assert calls == list(complete.calls)[: len(calls)]
    assert partials == sorted(partials, key=lambda partial: len(partial.content))
    assert 1 <= len(answers) <= 4, "the events after the finish reason: counts, [DONE]"
    for answer in answers:  # the counts may come after the finish reason
        assert dataclasses.replace(answer, usage=complete.usage) == complete


# -- agents whose model answers at random ------------------------------------------------------------------------


async def run_agent(engine: Engine, framework: str, protocol: str, seed: int) -> str:
    """Run an agent on a model that answers at random; return its last text."""
    more = {"temperature": 1.5, "max_tokens": 150, "extra_body": {"seed": seed}, "answer_retries": 0}
    model = engine.model(framework, protocol, **more).model

    def get_weather(city: str) -> str:
        """The weather in a city just now."""
        return f"{len(city)} degrees"

    if framework == "langchain":
        agent = create_agent(model, [get_weather])
        state = await agent.ainvoke({"messages": [("user", WEATHER_QUESTION)]}, {"recursion_limit": 12})
        last = state["messages"][-1]
        assert isinstance(last, AIMessage)
        assert not last.tool_calls
        return last.text
    tool = FunctionTool.from_defaults(get_weather, description="The weather in a city just now.")
    return str(await FunctionAgent(llm=model, tools=[tool]).run(WEATHER_QUESTION, max_iterations=6))


@pytest.mark.parametrize("seed", range(12))
async def test_an_agent_with_random_answers_ends(engine: Engine, framework: str, protocol: str, seed: int) -> None:
    with contextlib.suppress(DeepSeekError, GraphRecursionError, WorkflowRuntimeError):  # the last two: endless calls
        await asyncio.wait_for(run_agent(engine, framework, protocol, seed), 60)
    assert becomes_idle(engine)


# -- killed and cancelled ----------------------------------------------------------------------------------------


def busy(engine: Engine) -> int:
    found = httpx.get(f"{engine.url}/slots", headers={"authorization": f"Bearer {KEY}"}).json()
    return sum(slot["is_processing"] for slot in found)


def becomes_idle(engine: Engine, seconds: float = 30) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not busy(engine):
            return True
        time.sleep(0.02)
    return False


def connections(engine: Engine) -> int:
    return connections_to(int(engine.url.rpartition(":")[2]))


VICTIM = """
import sys, threading
from deepseek_v4 import Client
from tests.engines.engine import QUESTION, options

def endless(client):
    while True:
        for _ in client.stream(QUESTION, max_tokens=3500, extra_body={"ignore_eos": True}):
            print(flush=True)

client = Client(**options(*sys.argv[1:]))
for _ in range(8):
    threading.Thread(target=endless, args=(client,)).start()
"""


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGTERM], ids=lambda sent: sent.name)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_engine_is_idle_after_a_process_is_killed_during_streams(
    engine: Engine, protocol: str, sent: signal.Signals
) -> None:
    command = [sys.executable, "-c", VICTIM, engine.url, protocol]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as victim:
        assert victim.stdout is not None
        for _ in range(100):
            assert victim.stdout.readline(), "a stream ended"
        os.kill(victim.pid, sent)
        assert victim.wait(10) == -sent
    assert becomes_idle(engine)
    with Client(**options(engine.url, protocol)) as client:
        assert client.chat(QUESTION).content == ANSWER


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_many_cancelled_calls_leave_no_socket_and_no_busy_slot(
    engine: Engine, framework: str, protocol: str
) -> None:
    model = engine.model(framework, protocol)
    chance = random.Random(protocol)
    for way in ("async streamed", "async complete", "async streamed"):
        tasks = [asyncio.create_task(model.call(way, QUESTION, **LONG)) for _ in range(60)]
        await asyncio.sleep(0.05)
        for task in tasks:
            await asyncio.sleep(chance.random() * 0.02)
            task.cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        # an answer may be complete before it is cancelled
        assert all(isinstance(one, (asyncio.CancelledError, Answer)) for one in done), done
    answer = await model.call("async complete", QUESTION)
    assert (answer.text, answer.reasoning) == (ANSWER, THOUGHT)
    assert connections(engine) <= 1
    assert becomes_idle(engine)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_streams_closed_early_leave_no_socket(engine: Engine, framework: str, protocol: str) -> None:
    model = engine.model(framework, protocol).model
    chance = random.Random(1)
    for _ in range(40):
        stream = (model.stream if framework == "langchain" else model.stream_complete)(QUESTION, **LONG)
        with contextlib.closing(stream):
            for _ in range(chance.randrange(1, 20)):
                next(stream, None)
    assert becomes_idle(engine)
    answer = model.invoke(QUESTION) if framework == "langchain" else model.complete(QUESTION)
    assert answer.text == ANSWER
    assert connections(engine) <= 1
