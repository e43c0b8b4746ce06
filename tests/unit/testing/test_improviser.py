"""Answers of the scripted model if no turn is queued: plain texts, tools, typed answers, and always an end."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.unit.testing.calls import OFF, Caller, tool

S, INT = {"type": "string"}, {"type": "integer"}
WEATHER = tool("get_weather", {"city": S}, description="Get the weather of a city.")
ADD = tool("add", {"a": INT, "b": INT}, description="Add two integers.")
MULTIPLY = tool("multiply", {"a": INT, "b": INT}, description="Multiply two integers.")
SIGN = "(local server, scripted answer)"


def steps(caller: Caller, text: str, *tools: dict[str, Any], most: int = 6) -> list[Any]:
    """Run an agent loop; return the calls of each step, then the final text."""
    messages: list[dict[str, Any]] = [{"role": "user", "content": text}]
    taken: list[Any] = []
    for _ in range(most):
        message = caller.chat(messages=messages, tools=[*tools]).json()["choices"][0]["message"]
        calls = message.get("tool_calls") or []
        if not calls:
            return [*taken, message["content"]]
        taken.append([(c["function"]["name"], json.loads(c["function"]["arguments"])) for c in calls])
        results = [
            {"role": "tool", "tool_call_id": c["id"], "content": f"result of {c['function']['name']}"} for c in calls
        ]
        messages += [message, *results]
    raise AssertionError(f"the loop does not end: {taken}")


def content(caller: Caller, text: str, **body: Any) -> str:
    answer: str = caller.chat(text, **body).json()["choices"][0]["message"]["content"]
    return answer


# ---------------------------------------------------------------------- plain texts


@pytest.mark.parametrize("text", ["Hello", "Write me 2 haikus.", "What is the capital of France?", ""])
def test_texts_state_that_they_are_scripted(caller: Caller, text: str) -> None:
    assert content(caller, text, max_tokens=100).startswith(SIGN)


def test_a_greeting_streams_in_several_chunks(caller: Caller) -> None:
    assert len(caller.stream("Hello")) > 5


def test_a_prefix_is_continued_and_not_repeated(caller: Caller) -> None:
    messages = [{"role": "user", "content": "x"}, {"role": "assistant", "content": "```python\n", "prefix": True}]
    body = {"messages": messages, "path": "/beta/chat/completions"}
    text = caller.chat(**body).json()["choices"][0]["message"]["content"]
    assert not text.startswith("```python")
    assert text.endswith("```")
    stopped = caller.chat(**body, stop=["```"]).json()["choices"][0]
    assert (stopped["message"]["content"], stopped["finish_reason"]) == (text[:-3], "stop")


# ---------------------------------------------------------------------- tools


@pytest.mark.parametrize(
    ("text", "tools", "calls"),
    [
        ("What is the weather in San Francisco?", [WEATHER], [("get_weather", {"city": "San Francisco"})]),
        (
            "What's the weather in Paris, London and New York?",
            [WEATHER],
            [("get_weather", {"city": city}) for city in ("Paris", "London", "New York")],
        ),
        ("What is 1 + 2? Use the tool.", [ADD], [("add", {"a": 1, "b": 2})]),
        (
            "The time and the weather in Rome?",
            [WEATHER, tool("get_time", {"zone": S})],
            [("get_weather", {"city": "Rome"}), ("get_time", {"zone": "Rome"})],
        ),
        ("Call `lookup_a` and `lookup_b`.", [tool("lookup_a"), tool("lookup_b")], [("lookup_a", {}), ("lookup_b", {})]),
        (
            "What is the value of magic_function(3)? Use the tool.",
            [tool("magic_function", {"input": {"type": "integer", "exclusiveMinimum": -9, "exclusiveMaximum": 9}})],
            [("magic_function", {"input": 3})],
        ),
        (
            "Create a customer named '你好啊集团' - a technology company",
            [tool("unicode_customer", {"customer_name": S})],
            [("unicode_customer", {"customer_name": "你好啊集团"})],
        ),
        ("Using the tool, generate a Pirate greeting.", [tool("x", {"style": S})], [("x", {"style": "Pirate"})]),
    ],
)
def test_tools_are_called_if_the_text_matches_them(
    caller: Caller, text: str, tools: list[Any], calls: list[Any]
) -> None:
    first, final = steps(caller, text, *tools)
    assert first == calls
    assert final.startswith(SIGN)
    assert all(f"result of {name}" in final for name, _ in calls)


@pytest.mark.parametrize("text", ["Hello!", "What is the capital of France?", "Tell me a joke"])
def test_no_tool_is_called_if_none_matches(caller: Caller, text: str) -> None:
    assert len(steps(caller, text, WEATHER, ADD)) == 1


def test_choice_none_calls_nothing(caller: Caller) -> None:
    assert content(caller, "The weather in Rome?", tools=[WEATHER], tool_choice="none").startswith(SIGN)


def test_a_forced_call_does_not_depend_on_the_text(caller: Caller) -> None:
    for choice in ("required", {"type": "function", "function": {"name": "add"}}):
        body = {"tools": [WEATHER, ADD], "tool_choice": choice, "thinking": OFF}
        [call] = caller.chat("Hello!", **body).json()["choices"][0]["message"]["tool_calls"]
        assert call["function"]["name"] == ("add" if isinstance(choice, dict) else "get_weather")


def test_a_call_can_be_required_by_a_later_system_message(caller: Caller) -> None:
    order = {"role": "system", "content": "Call one of the tools now. Do not answer in text."}
    messages = [{"role": "user", "content": "Hello"}, order]
    message = caller.chat(messages=messages, tools=[WEATHER]).json()["choices"][0]["message"]
    assert message["tool_calls"][0]["function"]["name"] == "get_weather"


def test_edited_arguments_do_not_restart_the_loop(caller: Caller) -> None:
    call = {"id": "a", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Bergen"}'}}
    messages = [
        {"role": "user", "content": "The weather in Rome?"},
        {"role": "assistant", "content": "", "reasoning_content": "", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "a", "content": "It rains in Bergen."},
    ]
    message = caller.chat(messages=messages, tools=[WEATHER]).json()["choices"][0]["message"]
    assert "It rains in Bergen." in message["content"]


# ---------------------------------------------------------------------- typed answers

PERSON = {
    "$defs": {"Address": {"type": "object", "properties": {"city": S}, "required": ["city"]}},
    "type": "object",
    "properties": {
        "name": S,
        "age": {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "null"}]},
        "email": {"type": "string", "format": "email"},
        "address": {"$ref": "#/$defs/Address"},
        "tags": {"type": "array", "items": S, "minItems": 2, "maxItems": 3, "uniqueItems": True},
        "mood": {"enum": ["happy", "sad"]},
        "score": {"type": "number", "minimum": 0.5, "maximum": 0.9},
        "even": {"type": "integer", "minimum": 3, "multipleOf": 2},
        "code": {"type": "string", "minLength": 12, "maxLength": 12},
        "born": {"type": "string", "format": "date"},
    },
    "required": ["name", "age", "email", "address", "tags", "mood", "score", "even", "code", "born"],
}
TEXT = "Extract: John Smith is 30 years old, sad, and lives in Berlin."


def check_person(person: dict[str, Any]) -> None:
    assert list(person) == list(PERSON["properties"])
    assert (person["name"], person["age"], person["mood"]) == ("John Smith", 30, "sad")
    assert person["address"] == {"city": "Berlin"}
    assert "@" in person["email"]
    assert 2 <= len(set(person["tags"])) == len(person["tags"]) <= 3
    assert 0.5 <= person["score"] <= 0.9
    assert person["even"] % 2 == 0
    assert person["even"] >= 3
    assert len(person["code"]) == 12
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", person["born"])


def test_json_mode_follows_the_schema_in_the_prompt(caller: Caller) -> None:
    prompt = f"{TEXT}\nAnswer in JSON of this schema:\n{json.dumps(PERSON)}"
    check_person(json.loads(content(caller, prompt, response_format={"type": "json_object"})))


def test_the_schema_may_be_in_the_system_message(caller: Caller) -> None:
    messages = [{"role": "system", "content": f"JSON: {json.dumps(PERSON)}"}, {"role": "user", "content": TEXT}]
    body = caller.chat(messages=messages, response_format={"type": "json_object"}).json()
    check_person(json.loads(body["choices"][0]["message"]["content"]))


def test_a_forced_tool_follows_its_schema(caller: Caller) -> None:
    person = {"type": "function", "function": {"name": "Person", "parameters": PERSON}}
    choice = {"type": "function", "function": {"name": "Person"}}
    message = caller.chat(TEXT, tools=[person], tool_choice=choice, thinking=OFF).json()["choices"][0]["message"]
    check_person(json.loads(message["tool_calls"][0]["function"]["arguments"]))


def test_json_mode_without_a_schema(caller: Caller) -> None:
    json_mode = {"response_format": {"type": "json_object"}}
    keys = "Tell me a joke. Return a JSON with 'setup' and 'punchline' keys."
    assert list(json.loads(content(caller, keys, **json_mode))) == ["setup", "punchline"]
    assert "answer" in json.loads(content(caller, "Some json, please.", **json_mode))


def test_recursive_schemas_end(caller: Caller) -> None:
    node = {"type": "object", "properties": {"v": INT, "kids": {"type": "array", "items": {"$ref": "#"}}}}
    node["required"] = ["v", "kids"]
    text = content(caller, f"json schema: {json.dumps(node)}", response_format={"type": "json_object"})
    assert json.loads(text)["v"] == 1
