"""Tools and tool choice for a chat request, and the tool selections of a response."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from llama_index.core.base.llms.types import ChatResponse, ToolCallBlock
from llama_index.core.llms.llm import ToolSelection
from llama_index.core.tools.types import BaseTool, ToolMetadata

from deepseek_v4.integration.typed_answers import with_own_root
from deepseek_v4.values.tool_arguments import arguments_object
from llama_index_deepseek_v4.convert.chunks import ChatResponseChunk
from llama_index_deepseek_v4.convert.messages import legacy_calls
from llama_index_deepseek_v4.convert.responses import INVALID_CALLS
from llama_index_deepseek_v4.errors import UnusableAnswerError


def tool_options(
    tools: Sequence[BaseTool],
    *,
    allow_parallel_tool_calls: bool,
    tool_required: bool,
    tool_choice: str | Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Return the options of a call with tools, which appear in events: the tools as plain objects in OpenAI's format.

    Args:
        tools: The tools that the model may call.
        allow_parallel_tool_calls: True if an answer may have several calls; if False, all but the first are dropped.
        tool_required: True if the answer must be a call; ``tool_choice`` takes precedence.
        tool_choice: "auto", "none", "required", a tool's name, or an object in OpenAI's format.

    Raises:
        InvalidRequestError: if a call is required without tools, or if the chosen tool is not among them.
    """
    choice: Any = tool_choice if tool_choice is not None else ("required" if tool_required else None)
    options: dict[str, Any] = {}
    if tools:
        options["tools"] = as_openai_tools(tools)
        if not allow_parallel_tool_calls:
            options["parallel_tool_calls"] = False
    if choice not in (None, "auto"):
        options["tool_choice"] = choice
    return options


def as_openai_tools(tools: Sequence[Any]) -> list[Any]:
    """Convert LlamaIndex tools to OpenAI's format, with their own names; other objects stay as they are.

    The core makes the names valid on the wire and maps them back, so that calls have the names used here.
    """
    return [
        {"type": "function", "function": _function(tool.metadata)} if isinstance(tool, BaseTool) else tool
        for tool in tools
    ]


def _function(metadata: ToolMetadata) -> dict[str, Any]:
    return {
        "name": metadata.get_name(),
        "description": metadata.description,
        "parameters": _parameters(metadata),
    }


def _parameters(metadata: ToolMetadata) -> dict[str, Any]:
    """Return the schema of a tool's arguments, as in LlamaIndex's other integrations."""
    parameters: dict[str, Any] = metadata.get_parameters_dict()
    if "type" in parameters or metadata.fn_schema is None:
        return parameters
    # of a class that contains itself, and of a union, LlamaIndex keeps the definitions only
    schema = with_own_root(metadata.fn_schema.model_json_schema())
    return {key: value for key, value in schema.items() if key not in ("title", "description")}


def tool_selections(response: ChatResponse, *, error_on_no_tool_call: bool) -> list[ToolSelection]:
    """Return the tool calls of a response, ready to run.

    Agents request them for every chunk of a stream. Arguments are complete only in the last response, so a chunk has no
    calls, and partial arguments are not parsed.

    Raises:
        UnusableAnswerError: if arguments were truncated or are not a JSON object; they are not repaired. With
            ``error_on_no_tool_call``, also if the response has no call.
    """
    if isinstance(response, ChatResponseChunk):
        return []
    calls: list[tuple[str, str, dict[str, Any] | str]] = [
        (block.tool_call_id or "", block.tool_name, block.tool_kwargs)
        for block in response.message.blocks
        if isinstance(block, ToolCallBlock)
    ] or [
        (call.id, call.name, call.arguments)
        for call in legacy_calls(response.message.additional_kwargs.get("tool_calls"))
    ]
    if not calls and error_on_no_tool_call:
        text = (response.message.content or "")[:200]
        raise UnusableAnswerError(
            f"Expected a tool call, but the model answered with text: {text!r}. Set tool_required=True to force one.",
            body=response.message.content,
        )
    return [
        ToolSelection(tool_id=call_id, tool_name=name, tool_kwargs=_arguments(call_id, name, arguments, response))
        for call_id, name, arguments in calls
    ]


@contextmanager
def known_tools(tools: Sequence[BaseTool]) -> Iterator[None]:
    """Raise ``UnusableAnswerError`` instead of LlamaIndex's ``KeyError`` if the model calls an unknown tool."""
    try:
        yield
    except KeyError as error:
        names = [tool.metadata.get_name() for tool in tools]
        if error.args[0] in names:
            raise
        raise UnusableAnswerError(
            f"The model called {error.args[0]!r}, which is not among the tools: {', '.join(names)}. Try again, or "
            "describe the tools more precisely.",
            body=None,
        ) from error


def _arguments(call_id: str, name: str, arguments: dict[str, Any] | str, response: ChatResponse) -> dict[str, Any]:
    """Return a copy of a call's arguments: a tool that changes it does not change the history."""
    if isinstance(arguments, dict):
        try:
            return copy.deepcopy(arguments)
        except RecursionError:
            raise UnusableAnswerError(
                f"The call to {name!r} was not run: its arguments are nested too deeply.", body=None
            ) from None
    if not name:
        raise UnusableAnswerError("The model called a function without a name.", body=arguments)
    parsed = arguments_object(arguments)
    invalid = response.additional_kwargs.get(INVALID_CALLS) or {}
    if call_id in invalid:
        raise UnusableAnswerError(
            f"The call to {name!r} was not run: {invalid[call_id]}. Its arguments: {arguments[:200]!r}.", body=arguments
        )
    if parsed is None:
        raise UnusableAnswerError(
            f"The arguments of the call to {name!r} are not a JSON object, so the tool was not run: "
            f"{arguments[:200]!r}.",
            body=arguments,
        )
    return parsed
