"""The main shapes of DeepSeek's other endpoints, recorded through the real client and replayed with sockets shut."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from deepseek_v4 import Client, Delta, Message, Reply, StreamEnd, ToolSpec, errors
from tests.replay.cassettes import Endpoint, cassette

WEATHER = ToolSpec(
    "get_weather",
    "The weather in a city.",
    {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)
QUESTION = "What is the weather in Paris and Tokyo? Ask for both in parallel."
COLOUR = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}


@pytest.fixture(params=["responses", "messages"])
def protocol(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture(params=["whole", "streamed"])
def way(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def taped(request: pytest.FixtureRequest) -> Callable[[str, str], Any]:
    """Opens a cassette of a folder; its name is the test's own, and the way the answer comes."""
    name = request.node.originalname.removeprefix("test_")
    record = request.config.getoption("--record")
    return lambda folder, ending: cassette(f"deepseek/{folder}/{name}{ending}", record=record)


Ask = Callable[..., Reply]


@pytest.fixture
def ask(taped: Callable[[str, str], Any], protocol: Any, way: str) -> Iterator[Ask]:
    with taped(protocol, f".{way}") as endpoint, Client(**endpoint.options, protocol=protocol) as client:

        def ask(messages: str | list[Message], **options: object) -> Reply:
            return client.chat(messages, **options) if way == "whole" else _last(client.stream(messages, **options))

        yield ask


def _last(stream: Iterable[Delta]) -> Reply:
    *_, end = stream
    assert isinstance(end, StreamEnd)
    return end.reply


def test_answer_with_reasoning(ask: Ask) -> None:
    reply = ask("Say hello in one word.", reasoning_effort="low")
    assert reply.content
    assert reply.reasoning is not None
    assert reply.reasoning.text
    assert reply.reasoning.details
    assert reply.finish_reason == "stop"
    assert reply.usage is not None


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


def test_typed_answer(ask: Ask) -> None:
    wanted = {"type": "json_schema", "json_schema": {"name": "colour", "schema": COLOUR}}
    reply = ask("Name a colour.", response_format=wanted)
    assert reply.content.lstrip("`json\n ").startswith("{")


def test_cut_by_max_tokens(ask: Ask) -> None:
    reply = ask("Write ten sentences about the sea.", thinking=False, max_tokens=8)
    assert reply.finish_reason == "length"


def test_web_search(ask: Ask, protocol: str) -> None:
    question = Message.user("What is new at DeepSeek today?")
    # at /responses only V4-Pro searches
    options = {"web_search": True, **({"model": "deepseek-v4-pro"} if protocol == "responses" else {})}
    reply = ask([question], **options)
    assert reply.content
    place, kind = ("output", "web_search_call") if protocol == "responses" else ("content", "server_tool_use")
    assert kind in [item["type"] for item in reply.extra[place]]
    assert ask([question, reply.to_message(), Message.user("And yesterday?")], **options).content


def test_bad_request(ask: Ask) -> None:
    with pytest.raises(errors.InvalidRequestError) as caught:
        ask("Hello", extra_body={"temperature": "hot"}, max_retries=0)
    assert caught.value.status_code in (400, 422)


async def test_asynchronous_stream(taped: Callable[[str, str], Any], protocol: Any) -> None:
    with taped(protocol, "") as endpoint:
        async with Client(**endpoint.options, protocol=protocol) as client:
            deltas = [delta async for delta in await client.astream("Say hello in one word.")]
    assert isinstance(deltas[-1], StreamEnd)
    assert deltas[-1].reply.content


# -- fill-in-the-middle, prefix, and what has no body ----------------------------------------------------------------


@pytest.fixture
def completions(taped: Callable[[str, str], Any], request: pytest.FixtureRequest) -> Iterator[Client]:
    ending = f".{request.getfixturevalue('way')}" if "way" in request.fixturenames else ""
    with taped("completions", ending) as endpoint, _client(endpoint) as client:
        yield client


def _client(endpoint: Endpoint) -> Client:
    return Client(**endpoint.options)


def test_gap_filled_in(completions: Client, way: str) -> None:
    options: dict[str, Any] = {"suffix": "    return fib(n - 1) + fib(n - 2)", "max_tokens": 64}
    if way == "whole":
        reply = completions.complete("def fib(n):\n", **options)
    else:
        reply = _last(completions.stream_complete("def fib(n):\n", **options))
    assert reply.content
    assert reply.reasoning is None
    assert reply.finish_reason in ("stop", "length")
    assert reply.usage is not None


def test_log_probabilities(completions: Client) -> None:
    reply = completions.complete("The capital of France is", max_tokens=4, top_logprobs=2)
    assert reply.logprobs is not None


def test_prefix_continued(completions: Client, way: str) -> None:
    history = [Message.user("What is 17 * 23?"), Message.assistant("It is", reasoning="17 * 23 = 391.")]
    if way == "whole":
        reply = completions.chat(history, prefix=True)
    else:
        reply = _last(completions.stream(history, prefix=True))
    assert reply.content
    assert not reply.content.startswith("It is")


def test_models(completions: Client) -> None:
    assert "deepseek-v4-pro" in [model.id for model in completions.list_models()]


def test_balance(completions: Client) -> None:
    assert completions.balance().amounts


def test_stream_resumed(completions: Client) -> None:
    """An answer that ends for length goes on where it stopped, until the resumes are used up."""
    options: dict[str, Any] = {"thinking": False, "max_tokens": 8, "resume_streams": True, "max_resumes": 2}
    reply = _last(completions.stream("Write ten sentences about the sea.", **options))
    assert [attempt.reason for attempt in reply.attempts] == ["length", "length"]
    assert reply.finish_reason == "length"
    assert reply.content
