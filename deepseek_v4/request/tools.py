"""Tools and tool choices as users pass them, parsed into our own types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deepseek_v4 import errors
from deepseek_v4.values.messages import NamedTool, ServerTool, ToolChoice, ToolSpec


def parse_tools(value: Any) -> tuple[ToolSpec | ServerTool, ...]:
    """Parse tools: ``ToolSpec``, ``ServerTool``, or objects in OpenAI format.

    Raises:
        InvalidRequestError: for any other type.
    """
    tools: list[ToolSpec | ServerTool] = []
    for tool in value or ():
        if isinstance(tool, (ToolSpec, ServerTool)):
            tools.append(tool)
        elif isinstance(tool, Mapping) and tool.get("type") == "function":
            function = tool["function"] if isinstance(tool.get("function"), Mapping) else tool  # as in Responses
            if not isinstance(function.get("name"), str) or not function["name"]:
                raise errors.InvalidRequestError("A tool has no name. Set function.name.")
            tools.append(
                ToolSpec(
                    function["name"],
                    function.get("description") or "",
                    function.get("parameters"),
                    function.get("strict"),
                    ("cache_control",) if "cache_control" in tool or "cache_control" in function else (),
                )
            )
        elif isinstance(tool, Mapping) and isinstance(tool.get("type"), str):
            tools.append(ServerTool(tool))
        else:
            raise errors.InvalidRequestError(
                f"{tool!r:.200} is not a tool. Pass a ToolSpec or a tool in OpenAI format."
            )
    return tuple(tools)


def parse_tool_choice(value: Any) -> ToolChoice | None:
    """Parse a tool choice in the format of this package, OpenAI or LangChain (``"any"``).

    Raises:
        InvalidRequestError: for a value that is not a tool choice.
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
        f"Invalid tool_choice={value!r}. Use 'auto', 'none', 'required', a tool name, or an object in OpenAI format."
    )
