"""DeepSeek's own fields of November 2026, over a real socket: title, safety check, the role latest_reminder."""

from __future__ import annotations

import re
from typing import Any

import pytest
from langchain_core.messages import ChatMessage as LangChainMessage
from langchain_core.messages import HumanMessage
from llama_index.core.base.llms.types import ChatMessage, MessageRole

from deepseek_v4 import Client, DeepSeekOptions, Message, errors, fold
from deepseek_v4.testing import LocalServer
from langchain_deepseek_v4 import ChatDeepSeekV4
from llama_index_deepseek_v4 import DeepSeekV4

PROTOCOLS = ("chat_completions", "responses", "messages")
FACTS = "2026-11-30, Monday, Berlin, web, en"
WEATHER = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}


def connection(server: LocalServer, **options: Any) -> dict[str, Any]:
    return {"base_url": server.base_url, "api_key": server.api_key, "max_retries": 0, **options}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_answer_has_a_title_if_it_was_requested(server: LocalServer, protocol: str) -> None:
    options = DeepSeekOptions(title=True, safety_check="low")
    with Client(**connection(server, protocol=protocol, provider_options=options)) as client:
        assert client.chat("Who won?").title == "Who won?"
        assert fold(client.stream("Who won?")).title == "Who won?"
        assert client.chat("Who won?", provider_options={}).title is None
    body = server.requests[0].body
    assert (body["title"], body["safety_check"]) == ({"enabled": True}, {"level": "low"})


def test_the_title_is_metadata_in_both_frameworks(server: LocalServer) -> None:
    options = {"title": True}
    message = ChatDeepSeekV4(**connection(server, provider_options=options)).invoke("Who won?")
    assert message.response_metadata["title"] == "Who won?"
    with DeepSeekV4(**connection(server, provider_options=options)) as llm:
        assert llm.chat([ChatMessage("Who won?")]).additional_kwargs["title"] == "Who won?"


def test_a_forced_tool_is_refused_with_the_safety_check_before_sending(server: LocalServer) -> None:
    client = Client(**connection(server, provider_options=DeepSeekOptions(safety_check="high")))
    with pytest.raises(errors.InvalidRequestError, match="tool_choice='auto'"):
        client.chat("Hi", tools=[WEATHER], tool_choice="required")
    assert not server.requests


@pytest.mark.parametrize("options", [{"safety_check": "medium"}, {"titel": True}])
def test_an_unknown_value_or_field_is_one_error(options: dict[str, Any]) -> None:
    with pytest.raises(errors.InvalidRequestError, match=re.compile("safety_check|titel")):
        Client().preview("Hi", provider_options=options)


WITH_REMINDER = [Message.latest_reminder(FACTS), Message.user("Which day is it?")]


@pytest.mark.parametrize("protocol", ["chat_completions", "messages"])
def test_the_role_latest_reminder_is_sent_if_it_is_supported(server: LocalServer, protocol: str) -> None:
    with Client(**connection(server, protocol=protocol)) as client:
        client.chat(WITH_REMINDER)
        assert not client.preview(WITH_REMINDER).notes or protocol == "messages"
    assert server.requests[-1].body["messages"][0] == {"role": "latest_reminder", "content": FACTS}


@pytest.mark.parametrize(
    ("provider", "protocol"),
    [("deepseek", "responses"), ("openrouter", "chat_completions"), ("vllm", "chat_completions")],
)
def test_an_unsupported_reminder_is_a_system_message_with_a_note(provider: str, protocol: str) -> None:
    client = Client(provider=provider, protocol=protocol, base_url="http://localhost:1/v1", api_key="x")
    for _ in range(2):
        preview = client.preview([Message.user("Hi"), *WITH_REMINDER])
        assert "latest_reminder" not in str(preview.body)
        assert any("latest_reminder" in note.text for note in preview.notes)


def test_both_frameworks_send_a_reminder(server: LocalServer) -> None:
    reminder = LangChainMessage(role="latest_reminder", content=FACTS)
    ChatDeepSeekV4(**connection(server)).invoke([reminder, HumanMessage("Which day is it?")])
    with DeepSeekV4(**connection(server)) as llm:
        message = ChatMessage(role=MessageRole.SYSTEM, content=FACTS, additional_kwargs={"role": "latest_reminder"})
        llm.chat([message, ChatMessage("Which day is it?")])
    for request in server.requests:
        assert request.body["messages"][0] == {"role": "latest_reminder", "content": FACTS}
