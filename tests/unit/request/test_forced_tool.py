"""A tool choice that forces a call, and thinking."""

from __future__ import annotations

from typing import Any

import pytest

from deepseek_v4 import (
    Message,
    NamedTool,
    Provider,
    ToolSpec,
    errors,
)
from tests.unit.protocols.chat.wire import PLAIN
from tests.unit.request.preparing import HI, WEATHER, notes, prepare

FORCED = [
    "required",
    "any",
    "get_weather",
    NamedTool("get_weather"),
    {"type": "function", "function": {"name": "get_weather"}},
]


@pytest.mark.parametrize("choice", FORCED)
@pytest.mark.parametrize("thinking", [None, True])
def test_a_forced_tool_disables_thinking_by_default(choice: Any, thinking: bool | None) -> None:
    prepared = prepare(tools=[WEATHER], tool_choice=choice, thinking=thinking, reasoning_effort="max")
    assert prepared.body["thinking"] == {"type": "disabled"}
    assert "reasoning_effort" not in prepared.body
    assert prepared.body["tool_choice"] in ("required", {"type": "function", "function": {"name": "get_weather"}})
    assert ("translated", "thinking") in notes(prepared)


def test_past_reasoning_is_left_out_of_a_call_that_does_not_think() -> None:
    prepared = prepare(HI, Message.assistant("Hello", reasoning="r"), HI, tools=[WEATHER], tool_choice="required")
    assert "reasoning_content" not in prepared.body["messages"][1]


@pytest.mark.parametrize("choice", FORCED)
def test_a_forced_tool_can_be_requested_in_the_prompt_while_thinking(choice: Any) -> None:
    prepared = prepare(tools=[WEATHER], tool_choice=choice, on_forced_tool="instruct", reasoning_effort="max")
    assert prepared.body["reasoning_effort"] == "max"
    assert "thinking" not in prepared.body
    assert "tool_choice" not in prepared.body
    *before, last = prepared.body["messages"]
    assert before == prepare().body["messages"]
    assert last["role"] == "system"
    assert ("get_weather" in last["content"]) is (choice not in ("required", "any"))
    assert ("translated", "tool_choice") in notes(prepared)


def test_the_instruction_has_the_name_of_the_tool_on_the_wire() -> None:
    prepared = prepare(tools=[ToolSpec("get weather!")], tool_choice="get weather!", on_forced_tool="instruct")
    assert "get_weather_ now" in prepared.body["messages"][-1]["content"]


@pytest.mark.parametrize("choice", FORCED)
def test_a_forced_tool_while_thinking_can_be_refused(choice: Any) -> None:
    with pytest.raises(errors.UnsupportedError, match=r"thinking=False.*on_forced_tool"):
        prepare(tools=[WEATHER], tool_choice=choice, on_forced_tool="raise")


@pytest.mark.parametrize("mode", ["disable_thinking", "instruct", "raise"])
@pytest.mark.parametrize("choice", FORCED)
@pytest.mark.parametrize("off", [{"thinking": False}, {"reasoning_effort": "none"}])
def test_without_thinking_a_forced_tool_is_sent_as_tool_choice(mode: Any, choice: Any, off: Any) -> None:
    prepared = prepare(tools=[WEATHER], tool_choice=choice, on_forced_tool=mode, **off)
    assert prepared.body["tool_choice"] in ("required", {"type": "function", "function": {"name": "get_weather"}})
    assert len(prepared.body["messages"]) == 1
    assert prepared.notes == ()


@pytest.mark.parametrize("mode", ["disable_thinking", "instruct", "raise"])
def test_both_are_sent_if_the_provider_supports_both(mode: Any) -> None:
    class Both(type(PLAIN)):  # type: ignore[misc]
        forced_tool_while_thinking = True

    host = Provider("h", "https://h.example", None, {"chat_completions": Both()})
    prepared = prepare(provider=host, tools=[WEATHER], tool_choice="required", on_forced_tool=mode, thinking=True)
    assert prepared.body["tool_choice"] == "required"
    assert prepared.body["thinking"] == {"type": "enabled"}


@pytest.mark.parametrize("mode", ["disable_thinking", "instruct", "raise"])
@pytest.mark.parametrize("choice", [None, "auto", "none"])
def test_a_choice_that_forces_no_call_does_not_change_thinking(mode: Any, choice: Any) -> None:
    prepared = prepare(tools=[WEATHER], tool_choice=choice, on_forced_tool=mode, thinking=True)
    assert prepared.body["thinking"] == {"type": "enabled"}
    assert prepared.body.get("tool_choice") == ("none" if choice == "none" else None)
    assert prepared.notes == ()
