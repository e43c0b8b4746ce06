"""The main shapes of every other provider, recorded through the real client and replayed with sockets shut."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from deepseek_v4 import Client, Message, Reply, StreamEnd, ToolSpec, errors
from tests.replay.cassettes import Endpoint, cassette

PROVIDERS = ("openrouter", "empiriolabs:variant2", "vllm", "sglang")
HOSTED = ("openrouter", "empiriolabs:variant2")
WEATHER = ToolSpec(
    "get_weather",
    "The weather in a city.",
    {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)
QUESTION = "What is the weather in Paris and Tokyo? Ask for both in parallel."

SEARCHES = {
    "responses": ("output", ["web_search_call"]),
    "messages": ("content", ["server_tool_use", "web_search_tool_result"]),
}
"""Where a reply keeps what the service did by itself, and what a search is there."""

Ask = Callable[..., Reply]

hosted = pytest.mark.parametrize("provider", HOSTED)
on_all_protocols = pytest.mark.parametrize(
    ("provider", "protocol"),
    [(provider, "chat_completions") for provider in PROVIDERS]
    + [(provider, protocol) for provider in HOSTED for protocol in ("responses", "messages")],
)


@pytest.fixture
def protocol() -> str:
    return "chat_completions"


@pytest.fixture(params=["whole", "streamed"])
def delivery(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def endpoint(request: pytest.FixtureRequest, provider: str, protocol: str, delivery: str) -> Iterator[Endpoint]:
    test = request.node.originalname.removeprefix("test_")
    name = f"{provider.partition(':')[0]}/{protocol}/{test}.{delivery}"
    with cassette(name, record=request.config.getoption("--record"), provider=provider) as endpoint:
        yield endpoint


@pytest.fixture
def ask(endpoint: Endpoint, protocol: str, delivery: str) -> Iterator[Ask]:
    with Client(**endpoint.options, protocol=protocol) as client:

        def ask(messages: str | list[Message], **options: Any) -> Reply:
            if delivery == "whole":
                return client.chat(messages, **options)
            deltas = list(client.stream(messages, **options))
            assert isinstance(deltas[-1], StreamEnd)
            return deltas[-1].reply

        yield ask


@on_all_protocols
def test_answer_with_reasoning(ask: Ask, provider: str) -> None:
    reply = ask("Say hello in one word.", thinking=True)
    assert reply.content
    assert reply.reasoning is not None
    assert reply.reasoning.text
    assert reply.finish_reason == "stop"
    assert reply.usage is not None
    assert (reply.usage.cost is not None) is (provider == "openrouter")


@on_all_protocols
def test_answer_without_thinking(ask: Ask) -> None:
    reply = ask("Say hello in one word.", thinking=False)
    assert reply.content
    assert not (reply.reasoning and reply.reasoning.text)


@on_all_protocols
def test_tool_loop_with_parallel_calls(ask: Ask) -> None:
    question = Message.user(QUESTION)
    first = ask([question], tools=[WEATHER], thinking=True)
    assert [call.name for call in first.tool_calls] == ["get_weather", "get_weather"]
    results = [Message.tool("18 °C, light rain", call.id) for call in first.tool_calls]
    second = ask([question, first.to_message(), *results], tools=[WEATHER], thinking=True)
    assert second.finish_reason == "stop"
    assert second.content


@on_all_protocols
def test_cut_by_max_tokens(ask: Ask) -> None:
    assert ask("Write ten sentences about the sea.", thinking=False, max_tokens=8).finish_reason == "length"


@hosted
@pytest.mark.parametrize("protocol", ["chat_completions", "responses", "messages"])
def test_web_search(ask: Ask, provider: str, protocol: str) -> None:
    reply = ask("What is new at DeepSeek today?", web_search=True)
    assert reply.content
    assert bool(reply.annotations) is (provider == "openrouter" and protocol != "messages")
    place, kinds = SEARCHES.get(protocol, ("output", []))
    assert [item["type"] for item in reply.extra.get(place, ())] == kinds


@on_all_protocols
def test_bad_request(ask: Ask) -> None:
    with pytest.raises(errors.InvalidRequestError) as caught:
        ask("Hello", extra_body={"temperature": -7}, max_retries=0)
    assert caught.value.status_code == 400
