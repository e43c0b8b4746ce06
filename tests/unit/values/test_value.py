"""The ``dataclass`` of frozen values: the results of its methods are those of the standard library's."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

import pytest

import langchain_deepseek_v4  # noqa: F401  # imports the modules of all values
from deepseek_v4 import Message, Reply, ToolCall, Usage
from deepseek_v4.values import value as value_module
from deepseek_v4.values.prices import Cost

SAMPLES = ("", 1, 2.5, (), None, "deepseek", datetime(2026, 9, 21, tzinfo=timezone.utc), True, "flash", 7)


def subclasses(cls: type[Any]) -> Iterator[type[Any]]:
    for below in type.__subclasses__(cls):
        yield below
        yield from subclasses(below)


def values() -> list[type[Any]]:
    # a dataclass with slots is a second class of the same name; the first one is never used
    return [*{c.__qualname__: c for c in subclasses(object) if vars(c).get("__eq__") is value_module._eq}.values()]


def made(cls: type[Any], shift: int = 0) -> Any:
    """Return an object with values of any type, without the checks of the class."""
    value = object.__new__(cls)
    for number, field in enumerate(dataclasses.fields(cls)):
        object.__setattr__(value, field.name, SAMPLES[(number + shift) % len(SAMPLES)])
    return value


def generated(value: Any) -> Any:
    """Return the same object of a class for which ``dataclass`` has generated the methods."""
    fields = dataclasses.fields(value)
    twin = dataclasses.make_dataclass(
        type(value).__qualname__,
        [(f.name, Any, dataclasses.field(compare=f.compare, repr=f.repr)) for f in fields],
        frozen=True,
    )
    return twin(**{field.name: getattr(value, field.name) for field in fields})


@pytest.mark.parametrize("cls", values(), ids=lambda cls: cls.__qualname__)
def test_the_methods_equal_the_generated_ones(cls: type[Any]) -> None:
    one, same, other = made(cls), made(cls), made(cls, shift=1)
    assert cls.__dataclass_params__.frozen
    assert (one == same, one != same, one == other) == (True, False, False)
    assert hash(one) == hash(same)
    if "__repr__" not in vars(cls):
        assert repr(one) == repr(generated(one))
    assert {one, same, other} == {one, other}
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(one, dataclasses.fields(cls)[0].name, 1)


def test_values_are_found() -> None:
    assert {Message, Reply, ToolCall, Usage} <= set(values())


def test_a_method_of_the_class_itself_stays() -> None:
    @value_module.dataclass(frozen=True, slots=True)
    class Secret:
        key: str

        def __repr__(self) -> str:
            return "Secret()"

    assert repr(Secret("a")) == "Secret()"
    assert len({Secret("a"), Secret("a")}) == 1


def test_a_field_that_is_not_compared_does_not_count() -> None:
    one = Reply(model="a", content="b")
    assert one == dataclasses.replace(one, cost=Cost(0.5, computed=False)) != dataclasses.replace(one, content="c")
    assert ToolCall("1", "f", "{}") != ("1", "f", "{}")
    assert ToolCall("1", "f", "{}") != Usage(1, 2)


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_copies_are_equal(again: Any) -> None:
    call = ToolCall("1", "f", "{}")
    assert again(call) == call
    assert dataclasses.asdict(again(call)) == {"id": "1", "name": "f", "arguments": "{}"}
