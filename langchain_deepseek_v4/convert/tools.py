"""Tools of every type that LangChain supports, converted to OpenAI's format; and the tool choice, checked at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeAlias

from langchain_core.utils.function_calling import convert_to_openai_tool
from typing_extensions import is_typeddict

from deepseek_v4.integration.typed_answers import contains_itself, schema_name, with_own_root
from langchain_deepseek_v4.convert.schemas import as_function, json_schema_of

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool

    ToolLike: TypeAlias = Mapping[str, Any] | type | Callable[..., Any] | BaseTool
    """A pydantic class, a TypedDict, a function, a ``BaseTool``, a schema, or a tool that the provider runs."""
else:
    ToolLike = Any  # a model with fallbacks reads annotations when it runs, and to import BaseTool takes 4 of 67 ms


def as_tool(tool: ToolLike) -> dict[str, Any]:
    """Convert a tool to OpenAI's format.

    Raises:
        ValueError: if the object is not a tool.
    """
    if isinstance(tool, Mapping) and _is_server_tool(tool):
        return dict(tool)
    if is_typeddict(tool):
        with suppress(ValueError):  # before Python 3.12, pydantic does not take those of ``typing`` with optional keys
            return as_function(tool)  # langchain-core would require every key
    converted = convert_to_openai_tool(tool)
    if _has_empty_schema(converted):
        schema = _schema_of_arguments(tool)
        if contains_itself(schema):
            parameters = {key: part for key, part in schema.items() if key not in ("title", "description")}
            converted["function"]["parameters"] = parameters
    marked = tool if isinstance(tool, Mapping) else getattr(tool, "extras", None)
    if marked and "cache_control" in marked:  # for the note that it is not sent
        return {**converted, "cache_control": marked["cache_control"]}
    return converted


def _has_empty_schema(value: Any) -> bool:
    """Return True if a schema contains an empty one, to which langchain-core truncates a recursive reference."""
    if isinstance(value, Mapping):
        return any((part == {} and key != "properties") or _has_empty_schema(part) for key, part in value.items())
    return isinstance(value, list) and any(map(_has_empty_schema, value))


def _schema_of_arguments(tool: Any) -> dict[str, Any]:
    """Return the complete schema of a tool's arguments, with its references."""
    if isinstance(tool, Mapping):
        return {}
    schema = getattr(tool, "tool_call_schema", None) or tool
    if isinstance(schema, Mapping):  # of a tool of an MCP server
        return with_own_root(dict(schema))
    if not isinstance(schema, type):
        from langchain_core.tools.base import create_schema_from_function  # takes 4 of 67 ms

        schema = create_schema_from_function(
            "arguments", schema, filter_args=(), parse_docstring=True, include_injected=False
        )
    return json_schema_of(schema)


def _is_server_tool(tool: Mapping[str, Any]) -> bool:
    """True if the provider runs the tool: its type is the provider's, whatever other fields it has."""
    kind = tool.get("type")
    if kind == "custom":  # a function in Anthropic's format, or a tool with free text in OpenAI's
        return "input_schema" not in tool
    return isinstance(kind, str) and kind not in ("function", "object")


def tool_name(tool: Mapping[str, Any]) -> str | None:
    """Return the name of a function in OpenAI's format; None for a tool that the provider runs."""
    function = tool.get("function", tool if tool.get("type") == "function" else None)  # Responses: without "function"
    return function.get("name") if isinstance(function, Mapping) else None


def as_tool_choice(
    choice: Mapping[str, Any] | str | bool | None, tools: Sequence[Mapping[str, Any]]
) -> str | dict[str, Any] | None:
    """Convert a tool choice to OpenAI's format.

    Args:
        choice: ``"auto"``, ``"none"``, ``"any"`` or ``"required"``, True for "one of them", a tool's name, or an object
            in OpenAI's or Anthropic's format.
        tools: The tools to choose from, in OpenAI's format.

    Raises:
        ValueError: if the name is not among the tools, or if a call is required without tools.
    """
    if choice is None or choice is False:
        return None
    names = [name for tool in tools if (name := tool_name(tool))]
    if isinstance(choice, Mapping):
        named = choice.get("function", choice)
        requested: Any = named.get("name") if isinstance(named, Mapping) else None
        requested = requested or choice.get("type")
    else:
        requested = choice
    if requested is True:
        requested = names[0] if len(names) == 1 else "required"
    if requested in ("auto", "none"):
        return str(requested)
    if requested in ("any", "required"):
        if not tools:
            raise ValueError(f"tool_choice={choice!r} requires at least one tool.")
        return "required"
    if requested not in names:
        offered = ", ".join(names) or "none"
        raise ValueError(f"tool_choice={choice!r} is not among the tools: {offered}.")
    return {"type": "function", "function": {"name": requested}}


def as_response_format(requested: Any) -> Any:
    """Convert a response format to an object; a class or a bare JSON Schema becomes one of type ``json_schema``."""
    if requested is None or (isinstance(requested, Mapping) and requested.get("type") in FORMATS):
        return requested
    if isinstance(requested, Mapping) and isinstance(requested.get("schema"), Mapping):
        return {"type": "json_schema", "json_schema": {"name": "answer", **requested}}
    schema = json_schema_of(requested)
    return {"type": "json_schema", "json_schema": {"name": schema_name(schema.get("title") or ""), "schema": schema}}


FORMATS = frozenset({"text", "json_object", "json_schema"})
