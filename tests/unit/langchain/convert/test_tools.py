"""Tools of classes that contain themselves keep the references of their schema; TypedDicts keep their optional keys."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.tools import StructuredTool, tool
from pydantic import BaseModel
from typing_extensions import NotRequired, TypedDict

from langchain_deepseek_v4 import ChatDeepSeekV4
from langchain_deepseek_v4.convert.tools import as_tool


class Node(BaseModel):
    """A node of a tree."""

    name: str
    children: list[Node]


class Branch(TypedDict):
    """A branch of a tree."""

    name: str
    length: NotRequired[int]
    branches: NotRequired[list[Branch]]


class Filters(TypedDict, total=False):
    """Filters of a search."""

    after: str


def add(nodes: list[Node]) -> str:
    """Add nodes.

    Args:
        nodes: The new nodes.
    """
    return f"{len(nodes)} added"


SCHEMA_OF_A_SERVER = {
    "type": "object",
    "properties": {"nodes": {"type": "array", "items": {"$ref": "#/$defs/Node"}}},
    "required": ["nodes"],
    "$defs": {"Node": {"type": "object", "properties": {"children": {"items": {"$ref": "#/$defs/Node"}}}}},
}
OF_A_SERVER = StructuredTool(name="add", description="Add nodes.", args_schema=SCHEMA_OF_A_SERVER, func=add)


@pytest.mark.parametrize("kind", [Node, add, tool(add), OF_A_SERVER], ids=["class", "function", "tool", "JSON Schema"])
def test_a_recursive_schema_is_not_truncated(kind: Any) -> None:
    parameters = as_tool(kind)["function"]["parameters"]
    assert parameters["type"] == "object"
    children = parameters["$defs"]["Node"]["properties"]["children"]
    assert children["items"] == {"$ref": "#/$defs/Node"}


def test_arguments_keep_their_descriptions() -> None:
    assert as_tool(add)["function"]["parameters"]["properties"]["nodes"]["description"] == "The new nodes."


def test_a_typed_dict_keeps_its_optional_keys() -> None:
    branch, filters = (as_tool(kind)["function"] for kind in (Branch, Filters))
    assert branch["name"] == "Branch"
    assert branch["description"] == "A branch of a tree."
    assert branch["parameters"]["required"] == ["name"]
    assert branch["parameters"]["properties"].keys() == {"name", "length", "branches"}
    assert "required" not in filters["parameters"]


@pytest.mark.parametrize("kind", [Node, add, tool(add)], ids=["class", "function", "tool"])
def test_a_recursive_class_is_a_strict_tool(kind: Any) -> None:
    model = ChatDeepSeekV4(api_key="sk-test")
    sent = model.preview("Hello", **model.bind_tools([kind], strict=True).kwargs)  # type: ignore[attr-defined]
    function = sent.body["tools"][0]["function"]
    assert function["strict"] is True
    children = function["parameters"]["$def"]["Node"]["properties"]["children"]
    assert children == {"type": "array", "items": {"$ref": "#/$def/Node"}}
