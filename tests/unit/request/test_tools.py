"""Tools and tool choices: every accepted form, and those that are refused."""

from __future__ import annotations

from typing import Any

import pytest

from deepseek_v4 import (
    NamedTool,
    Provider,
    ServerTool,
    ToolSpec,
    errors,
)
from deepseek_v4.request.tools import parse_tool_choice, parse_tools
from tests.unit.protocols.chat.wire import PLAIN
from tests.unit.request.preparing import WEATHER, prepare


def test_the_error_of_an_unknown_tool_choice_lists_the_tools() -> None:
    with pytest.raises(errors.InvalidRequestError, match=r"'get_wether'.*not among the tools: get_weather"):
        prepare(tools=[WEATHER], tool_choice="get_wether")


def test_a_named_tool_without_tools_is_refused() -> None:
    with pytest.raises(errors.InvalidRequestError, match="not among the tools: none"):
        prepare(tool_choice="get_weather")


def test_a_required_tool_without_tools_is_refused() -> None:
    with pytest.raises(errors.InvalidRequestError, match="needs at least one tool"):
        prepare(tool_choice="required")


@pytest.mark.parametrize("choice", ["auto", "none", None])
@pytest.mark.parametrize("tools", [None, [], ()])
def test_without_tools_no_field_of_tools_is_sent(tools: Any, choice: Any) -> None:
    assert prepare(tools=tools, tool_choice=choice).http.body == prepare().http.body


def test_two_tools_of_one_name_are_refused_by_name() -> None:
    with pytest.raises(errors.InvalidRequestError, match=r"Duplicate tool names: f\."):
        prepare(tools=[ToolSpec("f"), ToolSpec("g"), ToolSpec("f")])


def test_tools_are_refused_if_function_calling_is_not_supported() -> None:
    class NoTools(type(PLAIN)):  # type: ignore[misc]
        tools = False

    host = Provider("h", "https://h.example", None, {"chat_completions": NoTools()})
    with pytest.raises(errors.UnsupportedError, match="does not support function calling"):
        prepare(provider=host, tools=[WEATHER])


def test_tools_may_be_openai_shaped() -> None:
    shaped = {
        "type": "function",
        "function": {"name": "f", "description": "d", "parameters": {"type": "object"}, "strict": True},
    }
    assert parse_tools([shaped]) == (ToolSpec("f", "d", {"type": "object"}, True),)
    assert parse_tools([{"type": "function", "function": {"name": "f"}}]) == (ToolSpec("f"),)


def test_other_objects_with_a_type_are_tools_of_the_provider() -> None:
    assert parse_tools([{"type": "deepseek_web_search"}]) == (ServerTool({"type": "deepseek_web_search"}),)


@pytest.mark.parametrize(
    "tool",
    ["f", 7, {}, {"name": "f"}, {"type": "function", "function": {}}, {"type": "function", "function": {"name": ""}}],
)
def test_an_object_that_is_not_a_tool_is_refused(tool: Any) -> None:
    with pytest.raises(errors.InvalidRequestError, match=r"not a tool|no name"):
        parse_tools([tool])


@pytest.mark.parametrize(
    ("given", "parsed"),
    [
        (None, None),
        ("auto", "auto"),
        ("none", "none"),
        ("required", "required"),
        ("any", "required"),
        ("f", NamedTool("f")),
        (NamedTool("f"), NamedTool("f")),
        ({"type": "function", "function": {"name": "f"}}, NamedTool("f")),
        ({"type": "tool", "name": "f"}, NamedTool("f")),
        ({"type": "any"}, "required"),
        ({"type": "auto"}, "auto"),
    ],
)
def test_a_tool_choice_is_parsed_in_every_form(given: Any, parsed: Any) -> None:
    assert parse_tool_choice(given) == parsed


@pytest.mark.parametrize("choice", [True, 7, [], {}, {"function": {}}])
def test_an_invalid_tool_choice_is_refused(choice: Any) -> None:
    with pytest.raises(errors.InvalidRequestError, match="tool_choice="):
        parse_tool_choice(choice)
