"""Histories, typed answers, settings and keys: behaviour that depends on one line each, found by ``make mutants``."""

from __future__ import annotations

import pickle
from typing import Any

import httpx
import pytest

from deepseek_v4 import (
    Budget,
    Client,
    Limiter,
    Message,
    ModelSettings,
    ToolCall,
    ToolSpec,
    errors,
)
from deepseek_v4.providers import PROVIDERS
from deepseek_v4.request.call_options import resolve
from deepseek_v4.request.web_tools import fetch_query

F = ToolSpec("f", "A tool.", {"type": "object", "properties": {"x": {"type": "integer"}}})
USER = Message.user("Hi")


def called(*ids: str) -> Message:
    return Message("assistant", "", tool_calls=tuple(ToolCall(one, "f", "{}") for one in ids))


def sent(*messages: Message) -> list[tuple[Any, ...]]:
    """Return role, text or ids of calls, and the id of the answered call, of each message that is sent."""
    body = Client(api_key="sk-test").preview(messages, tools=[F]).body
    return [
        (one["role"], [call["id"] for call in one.get("tool_calls", ())] or one["content"], one.get("tool_call_id"))
        for one in body["messages"]
    ]


@pytest.mark.filterwarnings("ignore::deepseek_v4.errors.HistoryRepairedWarning")
def test_an_empty_call_id_is_replaced_in_the_call_and_in_its_result() -> None:
    _, (_, [call_id], _), (_, text, answered) = sent(USER, called(""), Message.tool("18 °C", ""))
    assert call_id
    assert (text, answered) == ("18 °C", call_id)


@pytest.mark.filterwarnings("ignore::deepseek_v4.errors.HistoryRepairedWarning")
def test_the_late_result_of_an_id_used_twice_answers_the_second_call() -> None:
    messages = sent(
        USER,
        called("a"),
        Message.tool("first", "a"),
        called("a"),
        Message.assistant("One moment."),
        Message.tool("second", "a"),
    )
    assert messages[1:] == [
        ("assistant", ["a"], None),
        ("tool", "first", "a"),
        ("assistant", ["a_2"], None),
        ("tool", "second", "a_2"),
        ("assistant", "One moment.", None),
        ("user", "Continue.", None),
    ]


@pytest.mark.filterwarnings("ignore::deepseek_v4.errors.HistoryRepairedWarning")
def test_a_second_result_that_comes_late_does_not_replace_the_first() -> None:
    messages = sent(
        USER, called("a"), Message.tool("first", "a"), Message.assistant("Done."), Message.tool("second", "a"), USER
    )
    assert [text for role, text, _ in messages if role == "tool"] == ["first"]


SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def typed(schema: dict[str, Any], **options: Any) -> Any:
    requested = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
    return Client(api_key="sk-test").preview("Hi", response_format=requested, **options).body


def test_tools_that_must_not_be_called_do_not_disable_json_mode() -> None:
    body = typed(SCHEMA, tools=[F], tool_choice="none")
    assert body["response_format"] == {"type": "json_object"}
    assert "tools" not in body["messages"][0]["content"].lower()


@pytest.mark.parametrize("choice", ["auto", None])
def test_tools_that_may_be_called_are_named_in_the_prompt_and_disable_json_mode(choice: str | None) -> None:
    body = typed(SCHEMA, tools=[F], tool_choice=choice)
    assert "response_format" not in body
    assert "tools" in body["messages"][0]["content"].lower()


@pytest.mark.parametrize("kind", [{"type": ["object", "null"]}, {"type": "object"}, {"anyOf": [SCHEMA, SCHEMA]}])
def test_json_mode_is_on_for_every_schema_that_allows_objects(kind: dict[str, Any]) -> None:
    assert typed({"properties": {}, **kind})["response_format"] == {"type": "json_object"}


@pytest.mark.parametrize("kind", ["array", "string", ["array", "null"]])
def test_json_mode_is_off_for_a_schema_without_objects(kind: Any) -> None:
    assert "response_format" not in typed({"type": kind})


def test_a_copy_with_a_key_as_text_is_pickled_without_it() -> None:
    settings = ModelSettings().model_copy(update={"api_key": "sk-in-a-copy"})
    assert b"sk-in-a-copy" not in pickle.dumps(settings)


def test_settings_report_the_provider_without_its_variant() -> None:
    assert ModelSettings(provider="empiriolabs:variant2").provider_name == "empiriolabs"


def test_a_call_to_another_provider_does_not_use_the_variable_of_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "sk-of-the-model")
    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-of-openrouter")
    request = Client(api_key_variable="MY_KEY").prepare("Hi", {"provider": "openrouter"}, stream=False)
    assert request.http.key is not None
    assert request.http.key.get_secret_value() == "sk-of-openrouter"
    assert request.options.api_key_variable is None


def test_a_key_of_a_callable_has_no_length() -> None:
    key = ModelSettings(api_key=lambda: "sk-1").api_key
    assert key is not None
    assert (len(key), bool(key), key.get_secret_value()) == (0, True, "sk-1")


@pytest.mark.parametrize("found", ["sk-other", "", " "])
def test_the_variable_of_another_provider_is_named_only_if_it_contains_a_key(
    found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for provider in PROVIDERS.values():
        monkeypatch.delenv(str(provider.key_variable), raising=False)
    monkeypatch.setenv("TOGETHER_API_KEY", found)
    with pytest.raises(errors.AuthenticationError) as caught:
        Client().chat("Hi")
    named = " TOGETHER_API_KEY is set, but belongs to provider='together'." if found.strip() else ""
    assert str(caught.value) == f"No API key for deepseek. Set DEEPSEEK_API_KEY or pass api_key.{named} (deepseek)"


@pytest.mark.parametrize(
    ("options", "advises"),
    [
        ({}, True),
        ({"api_key": "sk-test"}, False),
        ({"default_headers": {"Authorization": "Bearer sk-test"}}, False),
    ],
)
def test_an_own_server_that_refuses_a_request_without_a_key_advises_one(
    options: dict[str, Any], advises: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VLLM_API_KEY", raising=False)
    refused = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(401, json={"error": "Unauthorized"})))
    with pytest.raises(errors.AuthenticationError) as caught:
        Client(provider="vllm", base_url="http://127.0.0.1:8000", model="m", http_client=refused, **options).chat("Hi")
    assert ("No API key was sent. Set VLLM_API_KEY or pass api_key." in str(caught.value)) is advises


@pytest.mark.parametrize("url", ["http://example.com", "HTTPS://example.com"])
def test_a_page_of_either_scheme_is_fetched(url: str) -> None:
    assert fetch_query(resolve(ModelSettings(api_key="sk-test"), {}), url).http.body is not None


def test_an_object_that_an_option_accepts_is_kept() -> None:
    limiter, budget = Limiter(), Budget(usd=1)
    settings = ModelSettings(api_key="sk-test", on_retry=print, limiter=limiter, budget=budget)
    assert (settings.on_retry, settings.limiter, settings.budget) == (print, limiter, budget)
