"""Histories of agents, and broken ones: they always satisfy the rules of the Responses and Messages endpoints."""

from __future__ import annotations

import warnings
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deepseek_v4 import Client, Message, Reasoning, ToolCall
from deepseek_v4.testing.checks import messages as server_checks
from deepseek_v4.testing.reading import messages as messages_request
from deepseek_v4.testing.reading import responses
from tests.long_form import examples
from tests.unit.protocols.wire_examples import body

COUNT = examples(150)
SOUND = settings(max_examples=COUNT, deadline=None, suppress_health_check=[HealthCheck.too_slow])

texts = st.sampled_from(["", "Hm.", "Let me look.", "Zürich 東京"])
ids = st.sampled_from(["a", "b", "c", "d", ""])
RECORDS: list[tuple[dict[str, Any], ...] | None] = [
    None,
    (),
    ({"type": "reasoning", "id": "r1", "summary": [], "content": [{"type": "reasoning_text", "text": "Hm."}]},),
    (
        {"type": "reasoning", "id": "r1", "summary": [], "content": []},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Let me "}]},
        {"type": "web_search_call", "id": "s"},
        {"type": "reasoning", "id": "r2", "summary": [], "content": []},
    ),
    ({"type": "thinking", "thinking": "Hm.", "signature": "s"},),
    ({"type": "text", "text": "Let me "}, {"type": "server_tool_use", "id": "x", "name": "web_search", "input": {}}),
    ({"type": "reasoning.text", "text": "Hm.", "index": 0},),
]
reasonings = st.none() | st.builds(Reasoning, st.none() | texts, st.sampled_from(RECORDS))
calls = st.builds(ToolCall, ids, st.sampled_from(["f", "g"]), st.sampled_from(["{}", '{"a": 1}', '{"cut', ""]))


@st.composite
def agent_histories(draw: st.DrawFn) -> list[Message]:
    """Draw a history of an agent loop: turns with parallel calls, each answered, in any order, and user messages."""
    history = [Message.system("Be brief.")] if draw(st.booleans()) else []
    number = 0
    for _ in range(draw(st.integers(1, 4))):
        history.append(Message.user(draw(st.sampled_from(["Hi", "And?"]))))
        for _ in range(draw(st.integers(0, 3))):
            made = []
            for _ in range(draw(st.integers(1, 3))):
                made.append(ToolCall(f"call_{number}", draw(st.sampled_from(["f", "g"])), '{"a": 1}'))
                number += 1
            history.append(Message("assistant", draw(texts), reasoning=draw(reasonings), tool_calls=tuple(made)))
            history += [Message.tool(draw(texts), call.id) for call in draw(st.permutations(made))]
        history.append(Message("assistant", draw(texts.filter(bool)), reasoning=draw(reasonings)))
    history.append(Message.user("Go on."))
    return history


messages = st.one_of(
    st.builds(Message.user, texts),
    st.builds(Message.system, texts),
    st.builds(Message.tool, texts, ids),
    st.builds(
        lambda text, reasoning, made: Message("assistant", text, reasoning=reasoning, tool_calls=tuple(made)),
        texts,
        reasonings,
        st.lists(calls, max_size=3),
    ),
)
broken_histories = st.lists(messages, min_size=1, max_size=9).map(lambda made: [Message.user("Hi"), *made])


def check_items(items: list[dict[str, Any]]) -> None:
    """Check that outputs directly follow the calls of their batch; otherwise 400 "No tool output found"."""
    made: set[str] = set()
    position = 0
    while position < len(items):
        batch = []
        while position < len(items) and items[position].get("type") == "function_call":
            batch.append(items[position]["call_id"])
            position += 1
        answered = []
        while position < len(items) and items[position].get("type") == "function_call_output":
            answered.append(items[position]["call_id"])
            position += 1
        assert sorted(batch) == sorted(answered)
        assert made.isdisjoint(batch)
        assert len(set(batch)) == len(batch)
        made.update(batch)
        if not batch:
            position += 1


def check_turns(turns: list[dict[str, Any]]) -> None:
    """Check that roles alternate and that each call has one result at the beginning of the next message."""
    made: set[str] = set()
    calls: list[str] = []
    for position, turn in enumerate(turns):
        assert turn["role"] == ("user", "assistant")[position % 2]
        blocks = turn["content"] if isinstance(turn["content"], list) else []
        results = [block for block in blocks if block["type"] == "tool_result"]
        assert results == blocks[: len(results)]
        assert sorted(block["tool_use_id"] for block in results) == sorted(calls)
        calls = [block["id"] for block in blocks if block["type"] == "tool_use"]
        assert made.isdisjoint(calls)
        assert all(isinstance(block["input"], dict) for block in blocks if block["type"] == "tool_use")
        if turn["role"] == "assistant":
            assert all(block["type"] == "tool_use" for block in blocks[len(blocks) - len(calls) :])
        made.update(calls)
    assert not calls


@SOUND
@given(agent_histories())
def test_no_history_of_an_agent_is_refused_by_responses(history: list[Message]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for thinking in (None, False):
            items = body(history, "responses", thinking=thinking)["input"]
            check_items(items)
            check_items(body(history, "responses", thinking=thinking, repair_history=False)["input"])
            turns = [message for message in history if message.role == "assistant"]
            assert sum(item.get("type") == "function_call" for item in items) == sum(len(t.tool_calls) for t in turns)


@SOUND
@given(agent_histories())
def test_no_history_of_an_agent_is_refused_by_messages(history: list[Message]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for thinking in (None, False):
            check_turns(body(history, "messages", thinking=thinking)["messages"])


@SOUND
@given(agent_histories(), st.sampled_from(["deepseek", "openrouter", "empiriolabs:variant2"]))
def test_the_local_server_accepts_every_history_of_an_agent_unchanged(history: list[Message], provider: str) -> None:
    """In its strictest mode, at every host: it refuses interleaved calls and turns without their reasoning."""
    turns = [message for message in history if message.role == "assistant"]
    results = [message.tool_call_id for message in history if message.role == "tool"]
    for protocol, server in (("responses", responses), ("messages", messages_request)):
        sent = Client(provider=provider, protocol=protocol, api_key="sk-test").preview(history).body
        read = server.chat_request(sent)["messages"]
        server_checks.check_turns(read, sees_images=False)
        server_checks.check_reasoning(read, True, "strict", calls_only=protocol == "responses")
        past = [message for message in read if message["role"] == "assistant"]
        made = [[call["id"] for call in message.get("tool_calls", ())] for message in past]
        assert [ids for ids in made if ids] == [
            [call.id for call in turn.tool_calls] for turn in turns if turn.tool_calls
        ]
        assert sorted(message["tool_call_id"] for message in read if message["role"] == "tool") == sorted(results)
        assert "".join(message["content"] for message in past) == "".join(turn.text for turn in turns)


@SOUND
@given(agent_histories())
def test_every_past_turn_begins_with_its_reasoning_while_thinking(history: list[Message]) -> None:
    items = body(history, "responses")["input"]
    heads = [i for i, item in enumerate(items) if item.get("type") == "reasoning"]
    turns = [message for message in history if message.role == "assistant"]
    assert len(heads) >= len(turns)
    for turn in body(history, "messages")["messages"]:
        if turn["role"] == "assistant":
            assert any(block["type"] == "thinking" for block in turn["content"])
    for options in ({"thinking": False}, {"pass_back": False}):
        assert not [item for item in body(history, "responses", **options)["input"] if item.get("type") == "reasoning"]


@SOUND
@given(broken_histories)
def test_broken_histories_are_repaired(history: list[Message]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check_items(body(history, "responses")["input"])
        check_turns(body(history, "messages")["messages"])


@SOUND
@given(agent_histories())
def test_all_visible_text_arrives_once_and_in_order(history: list[Message]) -> None:
    texts = []
    for item in body(history, "responses")["input"]:
        if item.get("role") == "assistant" and isinstance(item["content"], str):
            texts.append(item["content"])
        elif item.get("type") == "message":
            texts.append(item["content"][0]["text"])
    assert "".join(texts) == "".join(message.text for message in history if message.role == "assistant")
