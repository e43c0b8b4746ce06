"""The main shapes of DeepSeek's chat completions, recorded through the real client and replayed with sockets shut."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator

import pytest
from pytest_socket import SocketBlockedError

from deepseek_v4 import Client, Message, Reply, StreamEnd, ToolSpec, errors
from tests.replay.cassettes import FOLDER, LIVE, LOCAL, Endpoint, cassette, origin_of

WEATHER = ToolSpec(
    "get_weather",
    "The weather in a city.",
    {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)
QUESTION = "What is the weather in Paris and Tokyo? Ask for both in parallel."


@pytest.fixture
def endpoint(request: pytest.FixtureRequest) -> Iterator[Endpoint]:
    name = request.node.name.removeprefix("test_").replace("[", ".").replace("]", "")
    with cassette(f"deepseek/chat_completions/{name}", record=request.config.getoption("--record")) as endpoint:
        yield endpoint


Ask = Callable[..., Reply]


@pytest.fixture(params=["whole", "streamed"])
def ask(request: pytest.FixtureRequest, endpoint: Endpoint) -> Iterator[Ask]:
    with Client(**endpoint.options) as client:

        def ask(messages: str | list[Message], **options: object) -> Reply:
            if request.param == "whole":
                return client.chat(messages, **options)
            deltas = list(client.stream(messages, **options))
            assert isinstance(deltas[-1], StreamEnd)
            return deltas[-1].reply

        yield ask


def test_answer_with_reasoning(ask: Ask) -> None:
    reply = ask("Say hello in one word.", reasoning_effort="low")
    assert reply.content
    assert reply.reasoning is not None
    assert reply.reasoning.text
    assert reply.finish_reason == "stop"
    assert reply.usage is not None
    assert reply.usage.reasoning_tokens


def test_answer_without_thinking(ask: Ask) -> None:
    reply = ask("Say hello in one word.", thinking=False)
    assert reply.content
    assert reply.reasoning is None


def test_tool_loop_with_parallel_calls(ask: Ask) -> None:
    question = Message.user(QUESTION)
    first = ask([question], tools=[WEATHER])
    assert [call.name for call in first.tool_calls] == ["get_weather", "get_weather"]
    results = [Message.tool("18 °C, light rain", call.id) for call in first.tool_calls]
    second = ask([question, first.to_message(), *results], tools=[WEATHER])
    assert second.finish_reason == "stop"
    assert second.content


def test_forced_tool_while_thinking(ask: Ask) -> None:
    reply = ask("What is the weather in Paris?", tools=[WEATHER], tool_choice="get_weather")
    assert [call.name for call in reply.tool_calls] == ["get_weather"]


def test_json_mode(ask: Ask) -> None:
    reply = ask("Name a colour, as JSON.", response_format={"type": "json_object"})
    assert reply.content.lstrip().startswith("{")


def test_cut_by_max_tokens(ask: Ask) -> None:
    reply = ask("Write ten sentences about the sea.", thinking=False, max_tokens=8)
    assert reply.finish_reason == "length"


def test_log_probabilities(ask: Ask) -> None:
    reply = ask("Say hello in one word.", thinking=False, top_logprobs=2)
    assert reply.logprobs is not None
    assert reply.logprobs["content"]


def test_bad_request(ask: Ask) -> None:
    with pytest.raises(errors.InvalidRequestError) as caught:
        ask("Hello", extra_body={"n": 3}, max_retries=0)
    assert caught.value.status_code == 400


async def test_asynchronous_stream(endpoint: Endpoint) -> None:
    async with Client(**endpoint.options) as client:
        deltas = [delta async for delta in await client.astream("Say hello in one word.")]
    assert isinstance(deltas[-1], StreamEnd)
    assert deltas[-1].reply.content


def test_replay_runs_with_sockets_shut(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--record"):
        pytest.skip("recording needs sockets")
    name = "deepseek/chat_completions/asynchronous_stream"
    with cassette(name, record=False), pytest.raises(SocketBlockedError):
        socket.socket()


def test_every_cassette_names_its_origin_and_holds_no_key() -> None:
    found = sorted(FOLDER.glob("**/*.yaml"))
    assert found
    for path in found:
        assert origin_of(path) in (LIVE, LOCAL), path
        text = path.read_text()
        assert not re.search(r"sk-[A-Za-z0-9]|[Aa]uthorization|127\.0\.0\.1", text), path
