"""Answers that do not match a schema: the path and the message of each problem."""

from __future__ import annotations

from typing import Generic, TypeVar

import pytest
from pydantic import BaseModel

from deepseek_v4.integration.answer_schema import AnswerSchema, UnfitAnswer

T = TypeVar("T")


class Person(BaseModel):
    name: str
    age: int


class Box(BaseModel, Generic[T]):
    content: T


def test_every_problem_of_an_answer_is_reported() -> None:
    with pytest.raises(UnfitAnswer, match=r"name: Input should be a valid string; age: Field required\.$"):
        AnswerSchema(Person).value('{"name": 1}')


def test_an_answer_of_another_type_is_reported() -> None:
    with pytest.raises(UnfitAnswer, match="the answer: Input should be a valid dictionary or instance of Person"):
        AnswerSchema(Person).value("[]")


def test_the_name_of_a_schema_is_accepted_by_providers() -> None:
    assert AnswerSchema(Box[int]).name == "Box_int_"
    assert AnswerSchema({"type": "array"}).name == "answer"
