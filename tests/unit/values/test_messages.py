"""``new_message`` creates what the constructor creates."""

from __future__ import annotations

import copy
import dataclasses
import pickle

import pytest

from deepseek_v4.values.messages import Message, Reasoning, TextPart, ToolCall, new_message

CALLS = (ToolCall("call_1", "look", "{}"),)
FIELDS = [
    {"role": "user", "content": "Hi"},
    {"role": "user", "content": (TextPart("Hi"),), "name": "ann"},
    {"role": "assistant", "content": "", "reasoning": Reasoning("Hm."), "tool_calls": CALLS, "retried": True},
    {"role": "tool", "content": "seen", "tool_call_id": "call_1", "left_out": ("cache_control",)},
]


@pytest.mark.parametrize("fields", FIELDS)
def test_it_equals_a_constructed_message(fields):
    made, constructed = new_message(**fields), Message(**fields)
    assert type(made) is Message
    assert made == constructed
    assert hash(made) == hash(constructed)
    assert repr(made) == repr(constructed)
    assert pickle.dumps(made) == pickle.dumps(constructed)
    assert copy.deepcopy(made) == pickle.loads(pickle.dumps(made)) == constructed
    assert dataclasses.replace(made, content="Ho") == dataclasses.replace(constructed, content="Ho")


def test_it_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        new_message("user", "Hi").content = "Ho"


def test_it_sets_every_field():
    assert set(new_message.__annotations__) - {"return"} == {field.name for field in dataclasses.fields(Message)} - {
        "prefix"
    }
    assert new_message("user", "Hi").prefix is False
