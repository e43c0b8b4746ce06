"""Responses: the reasoning that a turn with tool calls must have, checked with DeepSeek's own request parser."""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import Any

import pytest

from deepseek_v4 import Client, Message, Reasoning, ToolCall, ToolSpec
from deepseek_v4.testing import LocalServer, Turn

HI = Message.user("Hi")
TOOL = ToolSpec("look", "Look.", {"type": "object", "properties": {}})
MARKED = "call_00_ET_a"
NOTHING = {"type": "reasoning", "id": "r1", "summary": [], "content": []}
SUMMARY = {**NOTHING, "summary": [{"type": "summary_text", "text": "Hm."}]}
KNOWN = Reasoning("I look.")


def calls(call_id: str = "call_a", text: str = "", reasoning: Reasoning | None = None) -> tuple[Message, Message]:
    """Return a turn that calls a tool, and the result of the call."""
    call = ToolCall(call_id, "look", "{}")
    return Message("assistant", text, reasoning=reasoning, tool_calls=(call,)), Message.tool("ok", call_id)


HISTORIES = MappingProxyType(
    {
        "unknown": ((HI, *calls()), [" "]),
        "received empty": ((HI, *calls(reasoning=Reasoning(""))), [" "]),
        "an item without text": ((HI, *calls(reasoning=Reasoning("", (NOTHING,)))), [" ", None]),
        "a summary alone": ((HI, *calls(reasoning=Reasoning("Hm.", (SUMMARY,)))), ["Hm.", None]),
        "a record of another protocol": ((HI, *calls(reasoning=Reasoning(None, ({"type": "thinking"},)))), [" "]),
        "with text": ((HI, *calls(text="I look.")), [" "]),
        "two steps": ((HI, *calls(reasoning=KNOWN), *calls("call_b")), ["I look.", " "]),
        "an answer before the call": ((HI, Message.assistant("Ok"), *calls()), [" ", " "]),
        "a system message last": ((HI, *calls(), Message.system("Be brief.")), [" "]),
        "marked ids": ((HI, *calls(MARKED)), [""]),
        "marked ids, received empty": ((HI, *calls(MARKED, reasoning=Reasoning("", (NOTHING,)))), [None]),
        "marked ids after others": ((HI, *calls(reasoning=KNOWN), *calls(MARKED)), ["I look.", ""]),
        "a closed turn": ((HI, *calls(), Message.assistant("Ok"), HI), [" ", " "]),
        "no call": ((HI, Message.assistant("Ok"), HI), [""]),
        "an answer last": ((HI, Message.assistant("Ok")), [" "]),
        "an answer and a system message last": ((HI, Message.assistant("Ok"), Message.system("Be brief.")), [" "]),
        "an answer alone": ((Message.assistant("Ok"),), [" "]),
    }
)
PROVIDERS = ["deepseek", "openrouter", "empiriolabs:variant2"]


def encoded(messages: tuple[Message, ...], provider: str = "deepseek") -> dict[str, Any]:
    """Return the body of a request as its receiver reads it."""
    client = Client(provider=provider, api_key="sk-test", protocol="responses")
    return dict(json.loads(json.dumps(client.preview(messages, tools=[TOOL]).body)))


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("history", HISTORIES)
def test_one_space_is_sent_if_a_turn_with_calls_has_no_reasoning(history: str, provider: str) -> None:
    messages, expected = HISTORIES[history]
    sent = [item for item in encoded(messages, provider)["input"] if item.get("type") == "reasoning"]
    assert [item["content"][0]["text"] if item["content"] else None for item in sent] == expected


@pytest.mark.parametrize("history", HISTORIES)
def test_deepseeks_own_parser_accepts_it(history: str) -> None:
    recipe = pytest.importorskip("deepseek_recipe")
    options = recipe.ConversionOptions(reasoning_content_behavior=recipe.ReasoningContentBehavior.Reject)
    messages, expected = HISTORIES[history]
    body = encoded(messages)
    options = options.with_model_alias(body["model"], recipe.ModelVersion.DeepseekV41Flash) or options
    recipe.ResponsesRequest(body).convert(options)
    if " " in expected and messages[-1] is not HI:
        item = next(item for item in body["input"] if item.get("content") == [{"type": "reasoning_text", "text": " "}])
        item["content"] = []
        with pytest.raises(recipe.ConversionError, match="reasoning_text"):
            recipe.ResponsesRequest(body).convert(options)


@pytest.mark.parametrize("passback", ["strict", "lenient"])
@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_local_server_accepts_it(provider: str, passback: Any) -> None:
    with LocalServer(provider=provider.partition(":")[0], passback=passback) as server:
        reach = {"provider": provider, "base_url": server.base_url, "api_key": server.api_key}
        with Client(**reach, protocol="responses", max_retries=0) as client:
            for messages, _ in HISTORIES.values():
                server.script(Turn("Yes.", reasoning="Hm."))
                assert client.chat(messages, tools=[TOOL]).content == "Yes."


def test_the_encoding_of_a_turn_does_not_change_when_the_history_grows() -> None:
    open_turn = (HI, *calls())
    before = encoded(open_turn)["input"]
    after = encoded((*open_turn, Message.assistant("Ok", reasoning="Hm."), HI))["input"]
    assert after[: len(before)] == before
