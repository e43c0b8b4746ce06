"""What single providers send, note and report: behaviour that depends on one line each, found by ``make mutants``."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from deepseek_v4 import (
    Client,
    DeepSeekOptions,
    Message,
    OptionSpec,
    ServerTool,
    ToolCall,
    openai_compatible,
)
from deepseek_v4.providers import find_provider
from tests.unit.mock_http import client


def test_a_currency_without_an_amount_is_left_out_of_the_balance() -> None:
    dollars = {"currency": "USD", "total_balance": "1.50", "granted_balance": "0.50", "topped_up_balance": "1.00"}
    infos = [dollars, {"currency": "CNY", "total_balance": None}]
    body = {"is_available": True, "balance_infos": infos}
    with client(lambda _: httpx.Response(200, json=body)) as one:
        [amount] = one.balance().amounts
    assert (amount.currency, str(amount.total)) == ("USD", "1.50")
    assert (str(amount.granted), str(amount.topped_up)) == ("0.50", "1.00")


def test_a_thinking_budget_that_is_lowered_is_noted() -> None:
    host = openai_compatible(
        "mine",
        "https://llm.example.com/v1",
        thinking_on={"think": True},
        budget=OptionSpec("budget", 1, 1000, clamp=True),
    )
    shown = Client(provider=host, model="m", thinking_budget=2000, on_unsupported="ignore").preview("Hi")
    assert shown.body["budget"] == 1000
    assert [note.kind for note in shown.notes if note.option == "thinking_budget"] == ["clamped"]


@pytest.mark.filterwarnings("ignore")
def test_a_field_that_an_endpoint_does_not_have_is_dropped_with_the_advice_to_use_chat() -> None:
    client = Client(provider="empiriolabs", protocol="responses", api_key="sk-test")
    preview = client.preview("Hi", stop=["a"], max_tokens=20_000)
    assert preview.body["max_output_tokens"] == 20_000
    [note] = [note for note in preview.notes if note.option == "stop"]
    assert note.text.startswith("the endpoint has no such field: use protocol='chat_completions'")


@pytest.mark.parametrize(("currency", "known"), [("USD", True), ("CNY", False)])
def test_prices_in_another_currency_are_left_out(currency: str, known: bool) -> None:
    rows = [{"charge": charge, "price": 1, "currency": currency} for charge in ("input", "output", "cache_read")]
    dialect: Any = find_provider("empiriolabs").dialects["models"]
    info = dialect.decode_model({"id": "deepseek-v4-flash:variant9", "pricing_rows": rows})
    assert (info.price is not None) == known


def test_records_of_reasoning_that_are_not_a_list_are_left_out() -> None:
    dialect: Any = find_provider("openrouter").dialects["chat_completions"]
    assert dialect.decode_reasoning({"reasoning": "Paris.", "reasoning_details": {"a": 1}}) == ("Paris.", None)


@pytest.mark.parametrize(("effort", "translated"), [("high", False), ("minimal", True)])
def test_an_effort_that_is_sent_unchanged_has_no_note(effort: str, translated: bool) -> None:
    client = Client(provider="openrouter", protocol="messages", api_key="sk-test", thinking=True)
    notes = client.preview("Hi", reasoning_effort=effort).notes
    assert any(note.option == "reasoning_effort" for note in notes) == translated


@pytest.mark.parametrize("field", ["allowed", "enum"])
def test_listed_efforts_are_read_under_either_name(field: str) -> None:
    dialect: Any = find_provider("empiriolabs").dialects["models"]
    parameter = {"name": "reasoning_effort", field: ["low", "high"]}
    info = dialect.decode_model({"id": "deepseek-v4-flash:variant9", "supported_parameters": [parameter]})
    assert info.efforts == ("low", "high")


def test_the_safety_check_is_sent() -> None:
    options = DeepSeekOptions(safety_check="high")
    assert Client(api_key="k", provider_options=options).preview("Hi").body["safety_check"] == {"level": "high"}


def test_a_web_search_without_options_has_no_parameters() -> None:
    body = Client(provider="openrouter", api_key="k", web_search={}).preview("Hi").body
    assert body["tools"] == [{"type": "openrouter:web_search"}]


def test_a_latest_reminder_is_a_system_message_elsewhere() -> None:
    messages = [Message.user("Hi"), Message("latest_reminder", "Be short.")]
    shown = Client(provider="vllm", base_url="http://localhost:1/v1", on_unsupported="ignore").preview(messages)
    assert [message["role"] for message in shown.body["messages"]] == ["user", "system"]
    assert [note.text for note in shown.notes] == ["sent a latest_reminder as a system message"]


@pytest.mark.parametrize(
    "root", ["https://api.deepseek.com/beta/", "https://api.deepseek.com/beta", "https://api.deepseek.com/"]
)
def test_the_beta_path_belongs_to_requests_and_not_to_the_root(root: str) -> None:
    assert Client(api_key="k", base_url=root).preview("Hi").url == "https://api.deepseek.com/chat/completions"


@pytest.mark.parametrize(
    ("arguments", "sent"),
    [('{"input": "a"}', "a"), ("plain", "plain"), ("[1]", "[1]"), ('{"input": 1}', '{"input": 1}')],
)
def test_a_custom_tool_receives_its_input_or_all_arguments(arguments: str, sent: str) -> None:
    messages = [Message.user("Hi"), Message("assistant", "", tool_calls=(ToolCall("1", "run", arguments),))]
    messages.append(Message.tool("done", "1"))
    custom = ServerTool({"type": "custom", "name": "run"})
    body = Client(provider="openrouter", protocol="responses", api_key="k").preview(messages, tools=[custom]).body
    assert [item["input"] for item in body["input"] if item.get("type") == "custom_tool_call"] == [sent]
