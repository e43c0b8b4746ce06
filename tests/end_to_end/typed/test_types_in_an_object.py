"""Typed answers of types that are not objects: sent and read in an object, returned without it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Any, Literal, NewType

import pytest
from langchain_core.runnables import RunnableLambda
from pydantic import BaseModel

from deepseek_v4.testing import LocalServer, ToolCall, Turn
from langchain_deepseek_v4 import ChatDeepSeekV4
from langchain_deepseek_v4.errors import AnswerError


class Cat(BaseModel):
    name: str
    lives: int


class Dog(BaseModel):
    name: str
    tricks: list[str]


@dataclass
class Point:
    x: int
    y: int


class Color(Enum):
    RED = "red"
    BLUE = "blue"


UserId = NewType("UserId", int)


FORMS: list[tuple[Any, Any, Any]] = [
    (list[Cat], [{"name": "Tom", "lives": 9}], [Cat(name="Tom", lives=9)]),
    (Cat | Dog, {"name": "Rex", "tricks": ["sit"]}, Dog(name="Rex", tricks=["sit"])),
    (Cat | None, {"name": "Tom", "lives": 9}, Cat(name="Tom", lives=9)),
    (dict[str, int], {"a": 1}, {"a": 1}),
    (list[Point], [{"x": 1, "y": 2}], [Point(1, 2)]),
    (tuple[int, str], [1, "a"], (1, "a")),
    (Color, "blue", Color.BLUE),
    (Literal["yes", "no"], "no", "no"),
    (str, "Paris", "Paris"),
    (int, 391, 391),
    (UserId, 7, 7),
    (bool, True, True),
    (date, "2026-11-30", date(2026, 11, 30)),
]


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with LocalServer() as running:
        yield running


def model_for(server: LocalServer, *turns: Turn) -> ChatDeepSeekV4:
    server.reset()
    server.script(*turns)
    return ChatDeepSeekV4(base_url=server.base_url, api_key=server.api_key, max_retries=0)


@pytest.mark.parametrize("how", ["text", "bare text", "call"])
@pytest.mark.parametrize(("form", "answer", "value"), FORMS, ids=lambda part: str(part)[:20])
def test_the_value_is_returned(server: LocalServer, form: Any, answer: Any, value: Any, how: str) -> None:
    method: Literal["auto", "function_calling"] = "function_calling" if how == "call" else "auto"
    body = answer if how == "bare text" else {"answer": answer}
    turn = Turn(tool_calls=[ToolCall("answer", body)]) if how == "call" else Turn(json.dumps(body), chunk_size=3)
    with model_for(server, turn, turn) as model:
        typed = model.with_structured_output(form, method=method)
        assert typed.invoke("Which?") == value
        assert list(typed.stream("Which?"))[-1] == value
    sent = json.dumps(server.requests[0].body)
    assert "answer" in sent
    assert "as JSON mode and tool calls require" not in sent, "the docstring of our own class is for developers"


def test_null_is_an_answer(server: LocalServer) -> None:
    with model_for(server, Turn('{"answer": null}'), Turn('{"answer": null}')) as model:
        assert model.with_structured_output(Cat | None).invoke("Which?") is None
        raw = model.with_structured_output(Cat | None, include_raw=True).invoke("Which?")
    assert (raw["parsed"], raw["parsing_error"]) == (None, None)


def test_null_is_the_last_item_of_a_stream(server: LocalServer) -> None:
    with model_for(server, Turn('{"answer": null}')) as model:
        typed: Any = model.with_structured_output(Cat | None)
        named = typed | RunnableLambda(lambda cat: "none" if cat is None else cat.name)
        assert list(named.stream("Which?")) == ["none"]


def test_an_error_names_the_type(server: LocalServer) -> None:
    with (
        model_for(server, Turn('{"answer": ["a"]}')) as model,
        pytest.raises(AnswerError, match=r"list\[int\].*answer"),
    ):
        model.with_structured_output(list[int], retries=0).invoke("Which?")


def test_unknown_methods_and_types_are_refused() -> None:
    model: Any = ChatDeepSeekV4(api_key="key")
    with pytest.raises(ValueError, match=r"method='json' is not supported. Use 'auto', 'json_schema'"):
        model.with_structured_output(Cat, method="json")
    with pytest.raises(ValueError, match="cannot be the type of an answer"):
        model.with_structured_output(LocalServer)
