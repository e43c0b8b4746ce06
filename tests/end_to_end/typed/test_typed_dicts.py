"""TypedDicts: optional keys at any depth, and the descriptions of keys."""

from __future__ import annotations

import sys
import typing
from collections.abc import Iterator
from typing import Annotated, Any

import pytest
from typing_extensions import NotRequired, Required, TypedDict

from deepseek_v4.testing import LocalServer, ToolCall, Turn
from langchain_deepseek_v4 import ChatDeepSeekV4
from langchain_deepseek_v4.convert.schemas import json_schema_of


class Loose(TypedDict, total=False):
    """A loose one."""

    name: Annotated[str, ..., "In full"]
    age: Required[int]


class Noted(TypedDict):
    """With a note, or without."""

    name: str
    note: NotRequired[str]


class Nested(TypedDict):
    """One inside another."""

    loose: Loose


class Documented(TypedDict):
    """All of it.

    Args:
        name: In full
    """

    name: str


class OfTyping(typing.TypedDict):
    """Pydantic refuses it before Python 3.12, LangChain does not."""

    name: Annotated[str, ..., "In full"]
    inner: list[Documented]


class LooseOfTyping(typing.TypedDict, total=False):
    """One whose optional keys LangChain would require."""

    name: str


@pytest.mark.parametrize(("schema", "required"), [(Loose, ["age"]), (Noted, ["name"]), (Nested, ["loose"])])
def test_optional_keys_are_not_required(schema: Any, required: list[str]) -> None:
    assert json_schema_of(schema)["required"] == required


@pytest.mark.parametrize("method", ["auto", "function_calling"])
def test_a_typed_dict_of_the_standard_library(server: LocalServer, method: Any) -> None:
    model = ChatDeepSeekV4(base_url=server.base_url, api_key=server.api_key)
    answer = model.with_structured_output(OfTyping, method=method).invoke("Who?")
    assert (answer.keys(), answer["inner"][0].keys()) == ({"name", "inner"}, {"name"})
    assert json_schema_of(OfTyping)["properties"]["name"]["description"] == "In full"


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="pydantic accepts them from Python 3.12 on")
@pytest.mark.parametrize("schema", [LooseOfTyping, list[OfTyping]])
def test_the_error_for_a_typed_dict_that_cannot_be_converted_names_the_remedy(schema: Any) -> None:
    model: Any = ChatDeepSeekV4(api_key="k")
    with pytest.raises(ValueError, match=r"cannot be the type of an answer.*typing_extensions\.TypedDict"):
        model.with_structured_output(schema)


def test_optional_keys_of_a_nested_typed_dict_are_not_required() -> None:
    (inner,) = json_schema_of(Nested)["$defs"].values()
    assert inner["required"] == ["age"]


@pytest.mark.skipif(
    sys.version_info < (3, 11), reason="typing_extensions' forms are distinguished by langchain-core only"
)
def test_descriptions_are_kept() -> None:
    loose = json_schema_of(Loose)
    assert loose["description"] == "A loose one."
    assert json_schema_of(Documented)["properties"]["name"]["description"] == "In full"


@pytest.fixture
def server() -> Iterator[LocalServer]:
    with LocalServer() as running:
        yield running


@pytest.mark.parametrize("method", ["auto", "function_calling"])
def test_answers_without_optional_keys_are_accepted(server: LocalServer, method: Any) -> None:
    server.script(Turn('{"age": 1}') if method == "auto" else Turn(tool_calls=[ToolCall("Loose", {"age": 1})]))
    model = ChatDeepSeekV4(base_url=server.base_url, api_key=server.api_key)
    assert model.with_structured_output(Loose, method=method).invoke("Who?") == {"age": 1}
    assert len(server.requests) == 1
