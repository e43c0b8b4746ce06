"""Behaviour of single providers: requests, notes and replies."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from typing import Any

import pytest

from deepseek_v4 import (
    Budget,
    Client,
    DeepSeekOptions,
    EmpirioLabsOptions,
    Limiter,
    Message,
    OpenRouterOptions,
    Reasoning,
    ServerTool,
    ToolSpec,
    errors,
    openai_compatible,
)
from deepseek_v4.protocols.account import money
from deepseek_v4.providers import find_provider

F = ToolSpec("f", "", {"type": "object", "properties": {}})
LOCAL = {"vllm", "sglang", "llamacpp"}


def preview(provider: Any, messages: Any = "Hi", *, stream: bool = False, **options: Any) -> Any:
    model = options.pop("model", "deepseek-v4-flash" if provider != "deepseek" else "deepseek-flash")
    client = Client(provider=provider, model=model, api_key="k", on_unsupported="ignore", **options.pop("client", {}))
    return client.preview(messages, stream=stream, **options)


def noted(shown: Any, option: str) -> list[tuple[str, str]]:
    return [(note.kind, note.text) for note in shown.notes if note.option == option]


# -- notes -----------------------------------------------------------------------------------------------------------

JSON = {"type": "json_object"}
FOOTER = "enabled: a footer would make the JSON invalid"
NOTES: list[tuple[str, dict[str, Any], str, list[tuple[str, str]]]] = [
    ("empiriolabs", {"web_search": True, "response_format": JSON}, "disable_formatting", [("translated", FOOTER)]),
    ("empiriolabs", {"web_search": True}, "disable_formatting", []),
    ("empiriolabs", {"response_format": JSON}, "disable_formatting", []),
    (
        "empiriolabs",
        {"web_search": {"disable_formatting": False}, "response_format": JSON},
        "disable_formatting",
        [],
    ),
    (
        "empiriolabs:variant2",
        {"provider_options": EmpirioLabsOptions(disable_formatting=True)},
        "disable_formatting",
        [("dropped", "only the base model supports it, with Linkup")],
    ),
    (
        "empiriolabs",
        {"reasoning_effort": "high", "thinking_budget": 100},
        "reasoning_effort",
        [("dropped", "thinking_budget is set; an effort would replace it")],
    ),
    ("empiriolabs", {"max_tokens": 5}, "max_tokens", []),
    ("empiriolabs", {"provider_options": EmpirioLabsOptions(gateway_defaults=True)}, "max_tokens", []),
    (
        "empiriolabs",
        {"thinking": False},
        "max_tokens",
        [("translated", "8192 is sent, because the gateway's default of 4096 would truncate answers")],
    ),
    (
        "openrouter",
        {"reasoning_effort": "high", "thinking_budget": 100},
        "thinking_budget",
        [("dropped", "reasoning.max_tokens and reasoning.effort exclude each other")],
    ),
    ("openrouter", {"reasoning_effort": "high"}, "thinking_budget", []),
    (
        "openrouter",
        {"web_search": True},
        "web_search",
        [("translated", "sent as the server tool openrouter:web_search")],
    ),
    ("openrouter", {"web_search": False}, "web_search", []),
    (
        "openrouter",
        {"provider_options": OpenRouterOptions(plugins=[{"id": "response-healing"}]), "stream": True},
        "plugins",
        [("dropped", "response-healing does not support streams")],
    ),
    ("openrouter", {"provider_options": OpenRouterOptions(plugins=[{"id": "response-healing"}])}, "plugins", []),
    ("openrouter", {"provider_options": OpenRouterOptions(plugins=[{"id": "web"}]), "stream": True}, "plugins", []),
    (
        "openrouter",
        {"provider_options": OpenRouterOptions(fallbacks=["deepseek-v4-pro"]), "protocol": "responses"},
        "fallbacks",
        [("dropped", "only the Messages endpoint has it: use protocol='messages'")],
    ),
    ("deepseek", {"reasoning_effort": "xhigh"}, "reasoning_effort", [("translated", "'xhigh' is sent as 'high'")]),
    ("deepseek", {"reasoning_effort": "high"}, "reasoning_effort", []),
    (
        "vllm",
        {"provider_options": OpenRouterOptions(session_id="s")},
        "provider_options",
        [("dropped", "OpenRouterOptions belongs to another provider; vllm uses VllmOptions")],
    ),
    (
        "together",
        {"provider_options": OpenRouterOptions(session_id="s")},
        "provider_options",
        [("dropped", "OpenRouterOptions belongs to another provider; together has no provider-specific options")],
    ),
    (
        "deepseek",
        {"protocol": "messages", "thinking_budget": 100},
        "thinking_budget",
        [("dropped", "the API has effort levels only: use reasoning_effort (deepseek)")],
    ),
]


@pytest.mark.parametrize(("provider", "options", "option", "notes"), NOTES)
def test_a_change_is_noted_once(provider: str, options: dict[str, Any], option: str, notes: Any) -> None:
    assert noted(preview(provider, **options), option) == notes


# -- DeepSeek --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("choice", ["auto", "none", None])
def test_a_safety_check_allows_tools_that_are_not_forced(choice: str | None) -> None:
    options = DeepSeekOptions(safety_check="low", title=True)
    body = preview("deepseek", tools=[F], tool_choice=choice, provider_options=options).body
    assert (body["safety_check"], body["title"]) == ({"level": "low"}, {"enabled": True})
    assert "title" not in preview("deepseek", provider_options=DeepSeekOptions()).body
    with pytest.raises(errors.InvalidRequestError, match="safety_check does not support a forced tool_choice"):
        preview("deepseek", tools=[F], tool_choice="required", thinking=False, provider_options=options)


@pytest.mark.parametrize(
    ("base_url", "protocol", "url"),
    [
        (None, "chat_completions", "https://api.deepseek.com/chat/completions"),
        ("https://x.test/v1/", "chat_completions", "https://x.test/v1/chat/completions"),
        ("https://x.test/beta", "chat_completions", "https://x.test/chat/completions"),
        ("https://x.test/v1", "messages", "https://x.test/anthropic/v1/messages"),
        (" https://x.test ", "responses", "https://x.test/responses"),
    ],
)
def test_the_root_of_each_endpoint(base_url: str | None, protocol: str, url: str) -> None:
    assert preview("deepseek", protocol=protocol, client={"base_url": base_url}).url == url


def test_a_tool_of_deepseek_has_a_name_in_messages() -> None:
    tools = [ServerTool({"type": "deepseek_x"}), ServerTool({"type": "other"})]
    assert preview("deepseek", tools=tools, protocol="messages").body["tools"] == [
        {"type": "deepseek_x", "name": "deepseek_x"},
        {"type": "other"},
    ]


def test_the_balance_has_each_amount_that_is_a_number() -> None:
    dialect: Any = find_provider("deepseek").dialects["balance"]
    complete = {"currency": "USD", "total_balance": "1.5", "granted_balance": "1", "topped_up_balance": None}
    balance = dialect.decode_balance(
        {"is_available": True, "balance_infos": [complete, None, {"total_balance": 2}, {}]}
    )
    assert [(each.currency, each.total, each.granted) for each in balance.amounts] == [
        ("USD", Decimal("1.5"), Decimal(1)),
        ("", Decimal(2), None),
    ]
    assert balance.available is True
    for body in (None, [], {}, {"balance_infos": {}}):
        assert dialect.decode_balance(body) is None


@pytest.mark.parametrize(
    ("value", "amount"),
    [("1.5", Decimal("1.5")), (2, Decimal(2)), (None, None), (True, None), ("x", None), ("NaN", None), ("inf", None)],
)
def test_an_amount_is_a_finite_number(value: Any, amount: Decimal | None) -> None:
    assert money(value) == amount


# -- every provider --------------------------------------------------------------------------------------------------


def test_a_provider_without_options_of_its_own_refuses_them() -> None:
    with pytest.raises(
        errors.InvalidRequestError, match=r"together has no provider-specific options\. Put .* extra_body"
    ):
        preview("together", provider_options={"session_id": "s"})


def test_a_protocol_that_a_provider_does_not_have_is_refused_with_those_it_has() -> None:
    with pytest.raises(errors.UnsupportedError, match=r"Supported: chat_completions\.") as caught:
        find_provider("together").dialect("responses")
    assert caught.value.provider == "together"
    deepseek = find_provider("deepseek")
    others = {name: dialect for name, dialect in deepseek.dialects.items() if name != "messages"}
    with pytest.raises(errors.UnsupportedError, match=r"Supported: chat_completions, responses\. "):
        dataclasses.replace(deepseek, name="mine", dialects=others).dialect("messages")
    for name in ("openrouter", "empiriolabs"):
        with pytest.raises(errors.UnsupportedError, match=f"^{name} does not support text completion. Use provider="):
            find_provider(name).dialect_for("completions", "m")


@pytest.mark.parametrize("name", ["mine", "my-host", "mine:x"])
def test_the_variables_of_the_base_url_are_made_of_the_name(name: str) -> None:
    stem = {"mine": "MINE", "my-host": "MY_HOST", "mine:x": "MINE"}[name]
    host = openai_compatible(name, "https://x.test/v1")
    assert host.base_url_variables == (f"{stem}_API_BASE", f"{stem}_BASE_URL")
    assert host.key_needed is False
    assert openai_compatible(name, "https://x.test/v1", key_variable="K").key_needed is True


@pytest.mark.parametrize(
    ("base_url", "resolved"),
    [
        (None, "http://localhost:8000/v1"),
        ("", "http://localhost:8000/v1"),
        ("http://h:1", "http://h:1/v1"),
        ("http://h:1/", "http://h:1/v1"),
        ("http://h:1/x", "http://h:1/x"),
    ],
)
def test_a_root_without_a_path_gets_the_path_of_the_provider(base_url: str | None, resolved: str) -> None:
    assert find_provider("vllm").resolve_base_url(base_url, "/models") == resolved


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"other": 1}, "provider_options: unknown field 'other'. Known fields: title, safety_check."),
        ({"title": "x"}, "provider_options: title: Input should be a valid boolean"),
        (1, "Invalid type of provider_options: int. Pass DeepSeekOptions(...) or a dict of its fields."),
    ],
)
def test_an_option_of_a_provider_that_is_not_valid_is_named(given: Any, text: str) -> None:
    with pytest.raises(errors.InvalidRequestError) as caught:
        preview("deepseek", provider_options=given)
    assert str(caught.value).startswith(text)


def test_an_unknown_field_inside_an_option_is_named_with_its_path() -> None:
    with pytest.raises(errors.InvalidRequestError, match=r"unknown field 'provider\.other'\.$"):
        preview("openrouter", provider_options={"provider": {"other": 1}})


def test_options_are_sent_as_json_values() -> None:
    options = find_provider("openrouter").options_type
    assert options is not None
    assert options(models=("a", "b")).set_fields() == {"models": ["a", "b"]}  # type: ignore[attr-defined]
    assert options(session_id=None).set_fields() == {}  # type: ignore[attr-defined]


# -- custom hosts ----------------------------------------------------------------------------------------------------


def test_a_switch_that_a_host_does_not_have_is_noted() -> None:
    off = "this provider documents no way to disable it"
    on = "this provider documents no way to enable it"
    thinking = openai_compatible("mine", "https://x.test/v1")
    assert noted(preview(thinking, thinking=False), "thinking") == [("dropped", off)]
    assert noted(preview(thinking, thinking=True), "thinking") == []
    plain = openai_compatible("mine", "https://x.test/v1", thinks_by_default=False)
    assert noted(preview(plain, thinking=True), "thinking") == [("dropped", on)]
    assert noted(preview(plain), "thinking") == []


def test_options_that_hide_the_reasoning_are_dropped_with_tools() -> None:
    why = "with tools the response must include the reasoning, because it has to be sent again"
    body = {"reasoning": {"exclude": True, "effort": "low"}}
    shown = preview("openrouter", tools=[F], provider_options=OpenRouterOptions(**body))
    assert "exclude" not in shown.body["reasoning"]
    assert noted(shown, "reasoning.exclude") == [("dropped", why)]
    assert preview("openrouter", provider_options=OpenRouterOptions(**body)).body["reasoning"]["exclude"] is True
    shown = preview("vllm", tools=[F], provider_options={"include_reasoning": False})
    assert "include_reasoning" not in shown.body
    assert noted(shown, "include_reasoning") == [("dropped", why)]
    assert preview("vllm", provider_options={"include_reasoning": False}).body["include_reasoning"] is False


@pytest.mark.parametrize(
    ("message", "text", "thought"),
    [
        ({"content": "It is."}, " is.", None),
        ({"content": "It is.", "reasoning_content": "Hm. Yes."}, " is.", " Yes."),
        ({"content": "Other", "reasoning_content": "Other"}, "Other", "Other"),
        ({"content": None, "reasoning_content": "Hm."}, "", None),
    ],
)
def test_llama_cpp_repeats_the_beginning_of_a_complete_answer(message: Any, text: str, thought: str | None) -> None:
    dialect: Any = find_provider("llamacpp").dialect("chat_completions")
    prefix = Message("assistant", "It", reasoning=Reasoning("Hm."), prefix=True)
    rest = dialect.without_prefix(message, prefix)
    assert (rest["content"], rest.get("reasoning_content")) == (text, thought)
    bare = dialect.without_prefix(message, Message("assistant", "It", prefix=True))
    assert bare.get("reasoning_content") == message.get("reasoning_content")


@pytest.mark.parametrize("name", sorted(LOCAL))
def test_past_answers_have_a_type_in_responses(name: str) -> None:
    messages = [Message.user("Hi"), Message.assistant("Yes."), Message.user("And?")]
    items = preview(name, messages, protocol="responses", thinking=False).body["input"]
    assert [(item.get("type"), item["role"]) for item in items if "role" in item][1:2] == [("message", "assistant")]


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        ({"thinking": False}, {"thinking": {"type": "disabled"}}),
        ({"thinking": True}, {"thinking": {"type": "adaptive"}}),
        ({"reasoning_effort": "high"}, {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}}),
        ({"thinking_budget": 100}, {"thinking": {"type": "enabled", "budget_tokens": 100}}),
        ({}, {}),
    ],
)
def test_thinking_in_messages_of_openrouter(options: dict[str, Any], sent: dict[str, Any]) -> None:
    body = preview("openrouter", protocol="messages", **options).body
    assert {name: body[name] for name in ("thinking", "output_config") if name in body} == sent


@pytest.mark.parametrize(
    ("base_url", "path", "root"),
    [
        ("https://x.test/v1", "/v1/tools/search", "https://x.test"),
        ("https://x.test/v1", "/user/balance", "https://x.test"),
        ("https://x.test/v1", "/beta/completions", "https://x.test"),
        ("https://x.test/v1", "/models", "https://x.test/v1"),
    ],
)
def test_the_root_of_deepseek_has_no_version_for_these_paths(base_url: str, path: str, root: str) -> None:
    assert find_provider("deepseek").resolve_base_url(base_url, path) == root


@pytest.mark.parametrize(
    ("options", "thinks"),
    [({}, False), ({"thinking": True}, True), ({"reasoning_effort": "high"}, True), ({"thinking_budget": 9}, True)],
)
def test_a_model_thinks_if_an_option_implies_it(options: dict[str, Any], thinks: bool) -> None:
    host = openai_compatible(
        "mine", "https://x.test/v1", thinks_by_default=False, thinking_on={"on": 1}, efforts={"high": "high"}
    )
    client = Client(provider=host, model="m", on_unsupported="ignore")
    assert client.prepare("Hi", options, stream=False).request.thinks is thinks


def test_objects_of_the_right_type_are_kept() -> None:
    budget, limiter = Budget(usd=1), Limiter(requests_per_minute=1)

    def on_retry(attempt: Any) -> None:
        raise AssertionError

    settings = Client(api_key="k", budget=budget, limiter=limiter, on_retry=on_retry).settings
    assert (settings.budget, settings.limiter, settings.on_retry) == (budget, limiter, on_retry)


def test_a_model_without_a_known_search_has_none() -> None:
    shown = preview("empiriolabs:variant1", web_search=True)
    searches = {"web_search_linkup", "tool_web_search"} & shown.body.keys()
    assert bool(searches) is (noted(shown, "web_search") == [])
