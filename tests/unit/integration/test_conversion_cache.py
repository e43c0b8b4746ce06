"""Converted messages are cached while their originals exist and are unchanged."""

from __future__ import annotations

import copy
import dataclasses
import gc
import json
import pickle

import pytest

from deepseek_v4 import Client
from deepseek_v4.integration.conversion_cache import ConversionCache
from deepseek_v4.values.messages import Message, Reasoning, ToolCall


class Thing:
    def __init__(self, value: object = ()) -> None:
        self.value = value


def cache_of_things() -> ConversionCache:
    return ConversionCache(lambda things: [thing.value for thing in things])


def test_the_second_lookup_of_an_object_returns_its_value() -> None:
    cache, thing = cache_of_things(), Thing()
    assert not cache.arrives_again(thing)
    assert cache.arrives_again(thing)
    assert not cache.arrives_again(Thing())


def test_an_object_at_the_address_of_a_deleted_one_is_not_found() -> None:
    cache = cache_of_things()
    addresses = set()
    for _ in range(10):
        thing = Thing()
        addresses.add(id(thing))
        assert not cache.arrives_again(thing)
        del thing
    assert len(addresses) < 10


def test_an_object_is_found_while_it_is_unchanged() -> None:
    memory, thing, message = cache_of_things(), Thing("Hi"), Message.user("Hi")
    assert memory.lookup([thing]) == [None]
    memory.store(thing, message)
    assert memory.lookup([thing]) == [message]
    assert memory.lookup([Thing("Hi")]) == [None]
    thing.value = "Ho"
    assert memory.lookup([thing]) == [None]


def test_several_objects_are_looked_up_independently() -> None:
    memory, things = cache_of_things(), [Thing("a"), Thing("b"), Thing("c")]
    first, last = Message.user("first"), Message.user("last")
    memory.store(things[0], first)
    memory.store(things[2], last)
    assert memory.lookup(things) == [first, None, last]


def test_objects_are_not_kept_alive() -> None:
    memory = cache_of_things()
    things = [Thing() for _ in range(100)]
    for thing in things:
        memory.arrives_again(thing)
        memory.store(thing, Message.user("Hi"))
    assert len(memory) == 100
    del things[50:]
    del thing
    gc.collect()
    assert len(memory) == 50
    assert len(memory._seen) == 50


def test_an_object_in_a_reference_cycle_is_removed() -> None:
    memory = cache_of_things()
    one, other = Thing(), Thing()
    one.other, other.one = other, one  # type: ignore[attr-defined]
    memory.store(one, Message.user("Hi"))
    del one, other
    gc.collect()
    assert len(memory) == 0


def test_a_later_value_replaces_the_first() -> None:
    memory, thing = cache_of_things(), Thing("first")
    second = Message.user("second")
    memory.store(thing, Message.user("first"))
    thing.value = "second"
    memory.store(thing, second)
    assert memory.lookup([thing]) == [second]
    del thing
    gc.collect()
    assert len(memory) == 0


@pytest.mark.parametrize("number", [1, True, 1.0, 0, False, 0.0, -0.0])
@pytest.mark.parametrize("later", [1, True, 1.0, 0, False, 0.0, -0.0])
def test_equal_numbers_of_different_types_differ(number: float, later: float) -> None:
    value = {"deep": [{"a": number}]}
    memory, thing = cache_of_things(), Thing(value)
    memory.store(thing, Message.user("Hi"))
    value["deep"][0]["a"] = later
    same = type(number) is type(later) and repr(number) == repr(later)
    assert bool(memory.lookup([thing])[0]) == same


CHANGES = {
    "a value": lambda value: value.update(a="z"),
    "a key more": lambda value: value.update(z=None),
    "a key less": lambda value: value.pop("a"),
    "deep inside": lambda value: value["list"][1].append(3),
    "the order of a list": lambda value: value["list"].reverse(),
    "a list that becomes a tuple": lambda value: value.update(list=tuple(value["list"])),
    "None that becomes false": lambda value: value.update(none=False),
    "NaN that becomes a number": lambda value: value.update(nan=0.0),
}


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_is_detected(change: str) -> None:
    value = {"a": "b", "list": [1, [2]], "none": None, "nan": float("nan"), "tuple": ("x", {})}
    memory, thing = cache_of_things(), Thing(("text", value))
    memory.store(thing, Message.user("Hi"))
    assert memory.lookup([thing]) != [None]
    CHANGES[change](value)
    assert memory.lookup([thing]) == [None]


class Incomparable:
    def __eq__(self, other: object) -> bool:
        raise ValueError("the truth of this is ambiguous")

    __hash__ = None  # type: ignore[assignment]


def test_an_incomparable_object_is_not_found() -> None:
    value: dict[str, object] = {"a": "b"}
    memory, thing = cache_of_things(), Thing(value)
    memory.store(thing, Message.user("Hi"))
    value["a"] = Incomparable()
    assert memory.lookup([thing]) == [None]


def test_an_object_that_cannot_be_copied_is_not_cached() -> None:
    memory = cache_of_things()
    circle: list[object] = []
    circle.append(circle)
    for value in (object(), circle, b"bytes", {1}):
        thing = Thing(value)
        memory.store(thing, Message.user("Hi"))
        assert memory.lookup([thing]) == [None]


CALL = ToolCall("call_1", "look", '{"at": "x"}')
HISTORY = (
    Message.system("Be brief."),
    Message.user("Look."),
    Message("assistant", "", reasoning=Reasoning("I look."), tool_calls=(CALL,)),
    Message.tool("seen", "call_1"),
    Message.assistant("I saw it.", reasoning="Seen."),
    Message.user("And now?"),
)


@pytest.mark.parametrize("provider", ["deepseek", "openrouter", "vllm", "sglang", "empiriolabs:variant2"])
def test_a_second_turn_repeats_the_bytes_of_the_first(provider: str) -> None:
    client = Client(provider=provider, api_key="sk-x", base_url="http://localhost:1/v1")
    first = client.prepare(HISTORY, {}, stream=False)
    second = client.prepare((*HISTORY, Message.assistant("Now."), Message.user("More.")), {}, stream=False)
    fresh = client.prepare([Message(**_fields(message)) for message in HISTORY], {}, stream=False)
    assert first.http.body == fresh.http.body
    length = len(first.body["messages"])
    assert second.body["messages"][:length] == first.body["messages"]


def _fields(message: Message) -> dict[str, object]:
    names = ("role", "content", "reasoning", "tool_calls", "tool_call_id", "name", "prefix")
    return {name: getattr(message, name) for name in names}


def test_one_history_at_two_providers_is_encoded_for_each() -> None:
    """The encoded message of one provider is not sent to the other."""
    deepseek = Client(api_key="sk-x")
    vllm = Client(provider="vllm", base_url="http://localhost:1/v1")
    for _ in range(2):
        thinking = deepseek.preview(HISTORY).body["messages"]
        assert [m.get("reasoning_content") for m in thinking if m["role"] == "assistant"] == ["I look.", "Seen."]
        other = vllm.preview(HISTORY).body["messages"]
        assert [m.get("reasoning") for m in other if m["role"] == "assistant"] == ["I look.", "Seen."]
        plain = deepseek.preview(HISTORY, thinking=False).body["messages"]
        assert not any("reasoning_content" in message for message in plain)


def test_changing_a_preview_does_not_change_requests() -> None:
    client = Client(api_key="sk-x")
    shown = client.preview(HISTORY).body
    shown["messages"][0]["content"] = "changed"
    shown["messages"][2]["tool_calls"].clear()
    again = client.preview(HISTORY).body
    assert again["messages"][0]["content"] == "Be brief."
    assert len(again["messages"][2]["tool_calls"]) == 1


def test_unreadable_arguments_are_noted_in_every_turn() -> None:
    client = Client(provider="vllm", base_url="http://localhost:1/v1")
    broken = ToolCall("call_1", "look", "{broken")
    history = [HISTORY[1], Message("assistant", "", tool_calls=(broken,)), HISTORY[3]]
    notes = []
    for _ in range(2):
        with pytest.warns(UserWarning, match="not a JSON object"):
            prepared = client.prepare(history, {}, stream=False)
        notes.append([str(note) for note in prepared.notes])
    assert notes[0] == notes[1]
    assert history[1].tool_calls[0].arguments == "{broken"


def test_changed_tool_names_are_used_only_if_the_tools_are_offered() -> None:
    """Names that the wire does not allow are changed only if the tool is offered under them."""
    from deepseek_v4.values.messages import ToolSpec

    client = Client(api_key="sk-x")
    call = ToolCall("call_1", "look_up", "{}")
    history = [Message.user("Look."), Message("assistant", "", tool_calls=(call,)), Message.tool("seen", "call_1")]
    odd = [ToolSpec("look up"), ToolSpec("look_up")]
    for tools in ((), odd, ()):
        messages = client.prepare(history, {"tools": tuple(tools)} if tools else {}, stream=False).body["messages"]
        assert messages[1]["tool_calls"][0]["function"]["name"] == "look_up"
    back = ToolCall("call_1", "look up", "{}")
    history[1] = Message("assistant", "", tool_calls=(back,))
    names = []
    for tools in ((), odd, ()):
        messages = client.prepare(history, {"tools": tuple(tools)} if tools else {}, stream=False).body["messages"]
        names.append(messages[1]["tool_calls"][0]["function"]["name"])
    assert names == ["look_up", "look_up_2", "look_up"]


def test_the_cached_value_of_a_message_is_not_copied_or_pickled() -> None:
    message, fresh = (Message.assistant("Hi", reasoning="Hm.") for _ in range(2))
    Client(api_key="k").preview([Message.user("Hi"), message, Message.user("Ho")])
    assert json.dumps(dataclasses.asdict(message)) == json.dumps(dataclasses.asdict(fresh))
    assert pickle.dumps(message) == pickle.dumps(fresh)
    assert message == fresh == copy.deepcopy(message) == pickle.loads(pickle.dumps(message))
