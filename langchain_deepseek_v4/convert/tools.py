"""Tools in every form LangChain knows, as OpenAI-shaped objects; and the choice among them, checked at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool

from langchain_deepseek_v4.convert.schemas import json_schema_of, wire_name

__all__ = ["ToolLike", "as_response_format", "as_tool", "as_tool_choice", "tool_name"]

ToolLike = Mapping[str, Any] | type | Callable[..., Any] | BaseTool
"""A pydantic class, a TypedDict, a function, a ``BaseTool``, a schema, or a tool the provider runs itself."""

_SCHEMA_KEYS = frozenset({"function", "input_schema", "parameters", "properties", "toolSpec"})


def as_tool(tool: ToolLike) -> dict[str, Any]:
    """A tool as an OpenAI-shaped object.

    Raises:
        ValueError: for what is no tool.
    """
    if isinstance(tool, Mapping) and _is_server_tool(tool):
        return dict(tool)
    return convert_to_openai_tool(tool)


def _is_server_tool(tool: Mapping[str, Any]) -> bool:
    """Whether the provider runs it itself: it has a type and no schema."""
    kind = tool.get("type")
    return isinstance(kind, str) and kind not in ("function", "object") and not _SCHEMA_KEYS & tool.keys()


def tool_name(tool: Mapping[str, Any]) -> str | None:
    """The name of an OpenAI-shaped function; None for a tool the provider runs itself."""
    function = tool.get("function")
    return function.get("name") if isinstance(function, Mapping) else None


def as_tool_choice(
    choice: Mapping[str, Any] | str | bool | None, tools: Sequence[Mapping[str, Any]]
) -> str | dict[str, Any] | None:
    """A tool choice as OpenAI says it.

    Args:
        choice: ``"auto"``, ``"none"``, ``"any"`` or ``"required"``, True for "one of them", a tool's name, or an object
            in OpenAI's or Anthropic's shape.
        tools: What there is to choose from, OpenAI-shaped.

    Raises:
        ValueError: for a name that is not among the tools, and for a call demanded without tools.
    """
    if choice is None or choice is False:
        return None
    names = [name for tool in tools if (name := tool_name(tool))]
    if isinstance(choice, Mapping):
        named = choice.get("function", choice)
        wanted: Any = named.get("name") if isinstance(named, Mapping) else None
        wanted = wanted or choice.get("type")
    else:
        wanted = choice
    if wanted is True:
        wanted = names[0] if len(names) == 1 else "required"
    if wanted in ("auto", "none"):
        return str(wanted)
    if wanted in ("any", "required"):
        if not tools:
            raise ValueError(f"tool_choice={choice!r} demands a tool call, and there are no tools.")
        return "required"
    if wanted not in names:
        offered = ", ".join(names) or "none"
        raise ValueError(f"tool_choice={choice!r} is not among the tools: {offered}.")
    return {"type": "function", "function": {"name": wanted}}


def as_response_format(wanted: Any) -> Any:
    """A response format as an object; a class or a bare JSON Schema becomes one that asks for its schema."""
    if wanted is None or (isinstance(wanted, Mapping) and wanted.get("type") in FORMATS):
        return wanted
    schema = json_schema_of(wanted)
    return {"type": "json_schema", "json_schema": {"name": wire_name(schema.get("title") or ""), "schema": schema}}


FORMATS = frozenset({"text", "json_object", "json_schema"})
