"""OpenRouter and EmpirioLabs on ``responses`` and ``messages``: tool loops on the strict server, encoded options."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import HumanMessage
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.memory import Memory

from deepseek_v4 import Client, EmpirioLabsOptions, Message, OpenRouterOptions, ToolSpec, errors
from deepseek_v4 import ToolCall as PastCall
from deepseek_v4.testing import LocalServer, ToolCall, Turn
from langchain_deepseek_v4 import ChatDeepSeekV4
from llama_index_deepseek_v4 import DeepSeekV4
from tests.end_to_end.providers.conftest import connection_to, server_of

BOTH = Turn(
    text="I look both up.",
    reasoning="Weather and time. ☂",
    tool_calls=[
        ToolCall("get_weather", {"city": "Paris"}, id="call_weather"),
        ToolCall("get_time", {"zone": "Europe/Paris"}, id="call_time"),
    ],
)
MORE = Turn(reasoning="Rome too.", tool_calls=[ToolCall("get_weather", {"city": "Rome"}, id="call_rome")])
ANSWER = Turn(text="It rains, and it is noon.", reasoning="Now I can answer. 雨")
NEXT = Turn(text="Take an umbrella.", reasoning="Rain means umbrella.")
THOUGHTS = [BOTH.reasoning, MORE.reasoning, ANSWER.reasoning]
GROWING = [THOUGHTS[:n] for n in range(4)]


def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"It rains in {city}."


def get_time(zone: str) -> str:
    """The time in a zone."""
    return "12:00"


TOOLS = [get_weather, get_time]


@pytest.fixture(params=["openrouter", "empiriolabs:variant2"])
def provider(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=["responses", "messages"])
def protocol(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def server(provider: str) -> Iterator[LocalServer]:
    with server_of(provider) as server:
        yield server


@pytest.fixture
def options(provider: str, protocol: str, server: LocalServer) -> dict[str, Any]:
    return {**connection_to(provider, server), "protocol": protocol}


def passed_back(server: LocalServer) -> list[list[str]]:
    """Return the reasoning of the past turns of each request, from the fields of either endpoint."""
    reasoning = []
    for request in server.requests:
        assert request.status == 200, request.body
        if "input" in request.body:
            items = [item for item in request.body["input"] if item.get("type") == "reasoning"]
            reasoning.append(["".join(part["text"] for part in item["content"]) for item in items])
        else:
            turns = [m["content"] for m in request.body["messages"] if m["role"] == "assistant"]
            reasoning.append([b["thinking"] for blocks in turns for b in blocks if b["type"] == "thinking"])
    return reasoning


@pytest.mark.parametrize("streamed", [False, True], ids=["complete", "streamed"])
def test_langchain_agent(server: LocalServer, options: dict[str, Any], streamed: bool) -> None:
    server.script(BOTH, MORE, ANSWER, NEXT)
    model = ChatDeepSeekV4(**options, **({"streaming": True} if streamed else {}))
    agent = create_agent(model, TOOLS, system_prompt="Be brief.")
    history = agent.invoke({"messages": [HumanMessage("How are Paris and Rome?")]})["messages"]
    assert history[-1].text == ANSWER.text
    last = agent.invoke({"messages": [*history, HumanMessage("What should I take?")]})["messages"][-1]
    assert last.text == NEXT.text
    assert last.usage_metadata["output_tokens"]
    assert passed_back(server) == GROWING
    assert [bool(request.body.get("stream")) for request in server.requests] == [streamed] * 4


@pytest.mark.parametrize("streaming", [False, True], ids=["complete", "streamed"])
async def test_llama_index_agent(server: LocalServer, options: dict[str, Any], streaming: bool) -> None:
    server.script(BOTH, MORE, ANSWER, NEXT)
    async with DeepSeekV4(**options) as llm:
        agent = FunctionAgent(llm=llm, tools=TOOLS, system_prompt="Be brief.", streaming=streaming)
        memory = Memory.from_defaults(session_id="s")
        assert str(await agent.run("How are Paris and Rome?", memory=memory)) == ANSWER.text
        assert str(await agent.run("What should I take?", memory=memory)) == NEXT.text
    assert passed_back(server) == GROWING


def test_every_option_that_is_sent_is_accepted(server: LocalServer, options: dict[str, Any]) -> None:
    client = Client(**options)
    for settings in (
        {"thinking": True},
        {"thinking": False, "temperature": 0.2, "top_p": 0.5, "max_tokens": 50},
        {"thinking_budget": 2000},
        {"reasoning_effort": "max"},
        {"reasoning_effort": "none"},
        {"web_search": True},
    ):
        assert client.chat("Hello", **settings).finish_reason
    assert [request.status for request in server.requests] == [200] * 6


def test_a_history_without_reasoning_is_accepted(server: LocalServer, options: dict[str, Any]) -> None:
    tool = ToolSpec("get_weather", "The weather.", {"type": "object", "properties": {"city": {"type": "string"}}})
    past = Client(**options).chat("Weather?", tools=[tool], tool_choice="get_weather").tool_calls[0]
    history = [
        Message.user("Weather?"),
        Message("assistant", "", tool_calls=(past,)),
        Message.tool("Rain.", past.id),
    ]
    assert Client(**options).chat(history, tools=[tool]).content


@pytest.mark.parametrize("provider", ["openrouter", "empiriolabs:variant2"])
@pytest.mark.parametrize(
    ("arguments", "expected"), [("", "{}"), ('{ "a":1}', '{ "a":1}'), ('{"a', '{"invalid_arguments":"{\\"a"}')]
)
def test_past_arguments_are_objects_on_responses(provider: str, arguments: str, expected: str) -> None:
    past = Message("assistant", "", tool_calls=(PastCall("call_1", "f", arguments),))
    history = [Message.user("Hi"), past, Message.tool("no", "call_1"), Message.user("And?")]
    encoded = Client(provider=provider, protocol="responses", api_key="k").preview(history)
    assert [item["arguments"] for item in encoded.body["input"] if item.get("type") == "function_call"] == [expected]
    assert past.tool_calls[0].arguments == arguments
    assert any(note.kind == "repaired" for note in encoded.notes) is ("invalid" in expected)


def body(provider: str, protocol: str, **options: Any) -> Any:
    return Client(provider=provider, protocol=protocol, api_key="k", on_unsupported="ignore").preview("Hi", **options)


@pytest.mark.parametrize(
    ("provider", "protocol", "options", "expected"),
    [
        ("openrouter", "responses", {"thinking": True}, {"reasoning": {"enabled": True}}),
        ("openrouter", "responses", {"thinking": False}, {"reasoning": {"effort": "none"}}),
        ("openrouter", "responses", {"thinking_budget": 900}, {"reasoning": {"max_tokens": 900}}),
        (
            "openrouter",
            "responses",
            {"reasoning_effort": "max"},
            {"reasoning": {"enabled": True, "effort": "xhigh"}},
        ),
        ("openrouter", "messages", {"thinking": True}, {"thinking": {"type": "adaptive"}, "max_tokens": 65_536}),
        ("openrouter", "messages", {"thinking": False}, {"thinking": {"type": "disabled"}, "max_tokens": 8192}),
        (
            "openrouter",
            "messages",
            {"thinking_budget": 900},
            {"thinking": {"type": "enabled", "budget_tokens": 900}, "max_tokens": 65_536},
        ),
        (
            "openrouter",
            "messages",
            {"reasoning_effort": "low", "stop": ["a"]},
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}, "stop_sequences": ["a"]},
        ),
        ("empiriolabs:variant2", "responses", {}, {"max_output_tokens": 65_536}),
        ("empiriolabs:variant2", "responses", {"thinking": False}, {"enable_thinking": False}),
        (
            "empiriolabs:variant2",
            "responses",
            {"thinking_budget": 900},
            {"enable_thinking": True, "thinking_budget": 900},
        ),
        ("empiriolabs:variant2", "responses", {"reasoning_effort": "low"}, {"reasoning": {"effort": "low"}}),
        ("empiriolabs", "responses", {"web_search": True}, {"web_search_linkup": True}),
        ("empiriolabs:variant1", "messages", {"web_search": True}, {"tool_web_search": True}),
        ("empiriolabs:variant2", "messages", {"max_tokens": 500_000}, {"max_tokens": 384_000}),
        ("empiriolabs:variant2", "messages", {"reasoning_effort": "xhigh"}, {"output_config": {"effort": "max"}}),
        ("empiriolabs:variant2", "messages", {"thinking": True}, {"enable_thinking": True}),
        (
            "empiriolabs",
            "messages",
            {"provider_options": EmpirioLabsOptions(system_prompt="Be brief.")},
            {"system": "Be brief."},
        ),
        (
            "empiriolabs",
            "responses",
            {"provider_options": EmpirioLabsOptions(system_prompt="Be brief.")},
            {"instructions": "Be brief."},
        ),
    ],
)
def test_an_option_is_encoded(provider: str, protocol: str, options: Any, expected: dict[str, Any]) -> None:
    encoded = body(provider, protocol, **options).body
    assert {name: encoded.get(name) for name in expected} == expected
    if "reasoning_effort" in options:
        assert "enable_thinking" not in encoded


@pytest.mark.parametrize("protocol", ["responses", "messages"])
def test_openrouter_options_of_every_endpoint(protocol: str) -> None:
    provider_options = OpenRouterOptions(
        provider={"order": ["deepseek"]},
        models=["deepseek-v4-pro"],
        session_id="s",
        app_url="https://example.com",
        app_title="T",
        top_a=0.5,
    )
    preview = body("openrouter", protocol, provider_options=provider_options)
    assert preview.body["provider"] == {"order": ["deepseek"]}
    assert preview.body["models"] == ["deepseek/deepseek-v4-pro"]
    assert preview.body["session_id"] == "s"
    assert preview.headers["x-openrouter-title"] == "T"
    assert "top_a" not in preview.body
    assert any(note.option == "top_a" and note.kind == "dropped" for note in preview.notes)


@pytest.mark.parametrize("protocol", ["responses", "messages"])
def test_an_option_that_the_endpoint_does_not_support(protocol: str) -> None:
    with pytest.raises(errors.UnsupportedError, match="chat_completions"):
        Client(provider="openrouter", protocol=protocol, api_key="k").preview("Hi", min_p=0.1, on_unsupported="raise")


@pytest.mark.parametrize("protocol", ["responses", "messages"])
def test_tools_on_a_variant_without_function_calling(protocol: str) -> None:
    with pytest.raises(errors.UnsupportedError, match="variant2"):
        ChatDeepSeekV4(provider="empiriolabs", protocol=protocol, api_key="k").bind_tools(TOOLS).invoke("Hi")


@pytest.mark.parametrize(("key", "error_class"), [("sk-wrong", errors.AuthenticationError)])
def test_errors_in_the_form_of_each_endpoint(options: dict[str, Any], key: str, error_class: type[Exception]) -> None:
    with pytest.raises(error_class):
        Client(**{**options, "api_key": key}).chat("Hi")
