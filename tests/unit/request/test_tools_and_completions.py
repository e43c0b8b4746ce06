"""Tools, parts of messages and completions as they are sent, and what a request keeps of its options."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from deepseek_v4 import (
    Client,
    FilePart,
    Message,
    ServerTool,
    TextPart,
    ToolSpec,
    errors,
)
from deepseek_v4.request.build import prepare
from deepseek_v4.request.call_options import resolve
from deepseek_v4.request.settings import ModelSettings

SCHEMA = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}
OBJECT = {"type": "json_object"}
F = ToolSpec("f", "", SCHEMA)
USER = Message.user("Hi")


def preview(messages: Any = "Hi", *, stream: bool = False, **options: Any) -> Any:
    return Client(api_key="sk-test").preview(messages, stream=stream, **options)


def test_a_tool_that_the_provider_runs_is_sent_as_it_is() -> None:
    tool = ServerTool({"type": "web_search", "max_uses": 1})
    assert preview(tools=[tool, F], protocol="messages").body["tools"][0] == {"type": "web_search", "max_uses": 1}


@pytest.mark.parametrize(("option", "value"), [("on_retry", 1), ("budget", object()), ("limiter", object())])
def test_an_object_of_another_kind_is_refused_by_its_option(option: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"{option} is of type {type(value).__name__}. Pass a"):
        Client(api_key="k", **{option: value})
    assert getattr(Client(api_key="k", **{option: None}).settings, option) is None


def test_a_tool_choice_without_functions_is_not_sent() -> None:
    assert "tool_choice" not in preview(web_search=True, tool_choice="none").body


def test_an_image_by_its_id_is_an_image_in_responses() -> None:
    image, other = FilePart(file_id="f", image=True), FilePart(file_id="g")
    body = preview([Message("user", (TextPart("a"), image, other))], protocol="responses").body
    assert body["input"][0]["content"] == [
        {"type": "input_text", "text": "a"},
        {"type": "input_image", "file_id": "f"},
        {"type": "input_file", "file_id": "g"},
    ]


@pytest.mark.parametrize(("option", "value"), [("tools", [ServerTool({"type": "x"})]), ("response_format", OBJECT)])
def test_a_completion_refuses_options_of_chat(option: str, value: Any) -> None:
    resolved = resolve(ModelSettings(api_key="k"), {option: value}, completions=True)
    with pytest.raises(errors.UnsupportedError, match=f"{option} is not supported by completions"):
        prepare((USER,), resolved, stream=False)


@pytest.mark.parametrize("options", [{"thinking": True}, {"reasoning_effort": "high"}, {"thinking_budget": 5}])
def test_a_completion_drops_thinking(options: dict[str, Any]) -> None:
    given = {**options, "on_unsupported": "ignore"}
    request = prepare((USER,), resolve(ModelSettings(api_key="k"), given, completions=True), stream=False)
    assert [(note.kind, note.option) for note in request.notes] == [("dropped", "thinking")]
    assert request.body["prompt"] == "Hi"


@pytest.mark.parametrize("messages", [(USER, USER), (Message.system("x"),)])
def test_a_completion_accepts_one_prompt(messages: Any) -> None:
    with pytest.raises(errors.InvalidRequestError, match="A completion takes one prompt"):
        prepare(messages, resolve(ModelSettings(api_key="k"), {}, completions=True), stream=False)


def test_resolved_options_can_be_copied_and_compared() -> None:
    options = resolve(ModelSettings(api_key="k"), {"temperature": 0.5})
    assert copy.deepcopy(options) == options
    assert options.model_copy(update={"temperature": 1.0}) != options


def test_the_messages_of_a_request_cannot_change() -> None:
    messages = [USER]
    request = Client(api_key="k").prepare(messages, {}, stream=False)
    messages.append(USER)
    assert request.request.messages == (USER,)


def test_the_error_of_a_missing_key_names_up_to_three_keys_of_other_providers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEEPSEEK_API_KEY", raising=False)
    for name in ("openrouter", "empiriolabs", "together", "fireworks", "vllm"):
        monkeypatch.setenv(f"{name.upper()}_API_KEY", "k")
    key = Client().prepare("Hi", {}, stream=False).http.key
    assert key is not None
    with pytest.raises(errors.AuthenticationError) as caught:
        key.get_secret_value()
    assert str(caught.value).count(" is set, but belongs to provider=") == 3
    assert "Set DEEPSEEK_API_KEY or pass api_key" in str(caught.value)
