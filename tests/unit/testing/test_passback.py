"""Past reasoning must be passed back: the strict rule, the lenient rule, and none."""

from __future__ import annotations

from typing import Any

import pytest

from deepseek_v4.testing import LocalServer
from tests.unit.testing.calls import OFF, Caller, tool

TOOLS = [tool("w")]
USER = {"role": "user", "content": "Hi"}
RESULT = {"role": "tool", "tool_call_id": "a", "content": "ok"}
CALL = {
    "role": "assistant",
    "content": "",
    "tool_calls": [{"id": "a", "type": "function", "function": {"name": "w", "arguments": "{}"}}],
}
PLAIN = {"role": "assistant", "content": "x"}
KEPT = {"reasoning_content": "because"}
EMPTY = {"reasoning_content": ""}
NULL = {"reasoning_content": None}
MESSAGE = "The `reasoning_content` in the thinking mode must be passed back to the API."


def status(rule: Any, *messages: dict[str, Any], tools: bool = True, **body: Any) -> int:
    """Return the status of a request with a rule; a 400 must be the one about reasoning."""
    with LocalServer(passback=rule) as server:
        response = Caller(server).chat(messages=[*messages], **({"tools": TOOLS} if tools else {}), **body)
    if response.status_code == 400:
        assert response.json()["error"] == {
            "message": MESSAGE,
            "type": "invalid_request_error",
            "param": None,
            "code": "invalid_request_error",
        }
        assert response.headers["content-type"] == "application/octet-stream"
    return response.status_code


@pytest.mark.parametrize("rule", ["strict", "lenient"])
def test_the_open_tool_turn_requires_its_reasoning(rule: str) -> None:
    assert status(rule, USER, CALL, RESULT) == 400
    assert status(rule, USER, CALL | NULL, RESULT) == 400
    assert status(rule, USER, CALL | EMPTY, RESULT) == 200
    assert status(rule, USER, CALL | KEPT, RESULT) == 200


@pytest.mark.parametrize("rule", ["strict", "lenient"])
def test_reasoning_is_required_without_declared_tools(rule: str) -> None:
    assert status(rule, USER, CALL, RESULT, tools=False) == 400


@pytest.mark.parametrize("rule", ["strict", "lenient"])
def test_every_assistant_message_of_the_open_turn_requires_it(rule: str) -> None:
    again = {**CALL, "tool_calls": [{**CALL["tool_calls"][0], "id": "b"}]}
    messages = (USER, CALL, RESULT, again | KEPT, {**RESULT, "tool_call_id": "b"})
    assert status(rule, *messages) == 400


def test_only_the_strict_rule_requires_reasoning_of_closed_turns() -> None:
    closed = (USER, CALL, RESULT, PLAIN, USER)
    assert status("lenient", *closed) == 200
    assert status("strict", *closed) == 400
    assert status("strict", USER, CALL | KEPT, RESULT, PLAIN | EMPTY, USER) == 200


def test_only_the_strict_rule_with_tools_requires_reasoning_of_plain_turns() -> None:
    assert status("lenient", USER, PLAIN, USER) == 200
    assert status("strict", USER, PLAIN, USER) == 400
    assert status("strict", USER, PLAIN, USER, tools=False) == 200


@pytest.mark.parametrize("rule", ["strict", "lenient"])
def test_without_thinking_no_reasoning_is_required(rule: str) -> None:
    assert status(rule, USER, CALL, RESULT, thinking=OFF) == 200
    assert status(rule, USER, CALL, RESULT, reasoning_effort="none") == 200


def test_the_rule_can_be_disabled() -> None:
    assert status("off", USER, CALL, RESULT) == 200


@pytest.mark.parametrize("rule", ["strict", "lenient"])
def test_calls_without_a_thought_are_exempt_by_their_id(rule: str) -> None:
    call = {**CALL, "tool_calls": [{**CALL["tool_calls"][0], "id": "call_00_ET_x"}]}
    assert status(rule, USER, call, {**RESULT, "tool_call_id": "call_00_ET_x"}) == 200


@pytest.mark.parametrize("rule", ["strict", "lenient"])
def test_a_system_message_does_not_close_the_turn(rule: str) -> None:
    assert status(rule, USER, CALL, RESULT, {"role": "system", "content": "x"}) == 400
    assert status(rule, USER, CALL | KEPT, RESULT, {"role": "system", "content": "x"}) == 200


def test_a_prefix_without_functions_requires_no_reasoning() -> None:
    with LocalServer() as server:
        caller = Caller(server)
        messages = [USER, PLAIN | {"prefix": True}]
        path = "/beta/chat/completions"
        assert caller.chat(messages=messages, path=path).status_code == 200
        refused = caller.chat(messages=[USER, PLAIN | KEPT | {"prefix": True}], tools=TOOLS, path=path)
        assert refused.json()["error"]["message"] == "Function call should not be used with prefix"


def test_unknown_rules_are_refused() -> None:
    with pytest.raises(ValueError, match="passback"):
        LocalServer(passback="sometimes")  # type: ignore[arg-type]
