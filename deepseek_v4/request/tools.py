"""Tools and tool choices as users pass them, parsed into our own types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deepseek_v4 import errors
from deepseek_v4.values.messages import NamedTool, ServerTool, ToolChoice, ToolSpec


def parse_tools(value: Any) -> tuple[ToolSpec | ServerTool, ...]:
    """Tools in our own types or as OpenAI-shaped objects.

    Raises:
        InvalidRequestError: for anything else.
    """
    tools: list[ToolSpec | ServerTool] = []
    for tool in value or ():
        if isinstance(tool, (ToolSpec, ServerTool)):
            tools.append(tool)
        elif isinstance(tool, Mapping) and tool.get("type") == "function" and isinstance(tool.get("function"), Mapping):
            function = tool["function"]
            if not isinstance(function.get("name"), str) or not function["name"]:
                raise errors.InvalidRequestError("A tool has no name.")
            tools.append(
                ToolSpec(
                    function["name"],
                    function.get("description") or "",
                    function.get("parameters"),
                    function.get("strict"),
                )
            )
        elif isinstance(tool, Mapping) and isinstance(tool.get("type"), str):
            tools.append(ServerTool(tool))
        else:
            raise errors.InvalidRequestError(f"{tool!r:.200} is no tool: give a ToolSpec or an OpenAI-shaped object.")
    return tuple(tools)


def parse_tool_choice(value: Any) -> ToolChoice | None:
    """A tool choice in our own words, OpenAI's or LangChain's ("any").

    Raises:
        InvalidRequestError: for a value that is no choice.
    """
    if value is None or isinstance(value, NamedTool):
        return value
    if isinstance(value, str):
        if value in ("any", "required"):
            return "required"
        if value == "auto":
            return "auto"
        return "none" if value == "none" else NamedTool(value)
    if isinstance(value, Mapping):
        named = value.get("function", value)
        if isinstance(named, Mapping) and isinstance(named.get("name"), str):
            return NamedTool(named["name"])
        if isinstance(value.get("type"), str):
            return parse_tool_choice(value["type"])
    raise errors.InvalidRequestError(
        f"tool_choice={value!r} is none of 'auto', 'none', 'required', a tool's name, or an OpenAI-shaped object."
    )
