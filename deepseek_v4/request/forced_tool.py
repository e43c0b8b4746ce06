"""The tool choice: checked against the tools, and combined with thinking."""

from __future__ import annotations

import dataclasses

from deepseek_v4 import errors
from deepseek_v4.protocols.chat_request import ChatRequest
from deepseek_v4.protocols.dialect import Dialect
from deepseek_v4.protocols.tool_names import ToolNames
from deepseek_v4.providers.base import Provider
from deepseek_v4.values.messages import Message, NamedTool, ToolChoice, ToolSpec
from deepseek_v4.values.notes import Note
from deepseek_v4.values.sampling import Thinking


def resolve_forced_tool(
    request: ChatRequest, dialect: Dialect, provider: Provider, on_forced_tool: str, notes: list[Note]
) -> ChatRequest:
    """Check the tool choice against the tools, and resolve the conflict if the provider rejects it while thinking."""
    choice = request.tool_choice
    if choice is None and not request.tools:
        return request
    functions = [tool.name for tool in request.tools if isinstance(tool, ToolSpec)]
    if len(set(functions)) != len(functions):
        twice = sorted({name for name in functions if functions.count(name) > 1})
        raise errors.InvalidRequestError(f"Duplicate tool names: {', '.join(twice)}. Tool names must be unique.")
    if functions and not dialect.tools:
        why = dialect.unsupported.get("tools", "use another model or provider")
        raise errors.UnsupportedError(
            f"{provider.name} does not support function calling for {request.model}: {why}.", provider=provider.name
        )
    if isinstance(choice, NamedTool) and choice.name not in functions:
        offered = ", ".join(functions) or "none"
        raise errors.InvalidRequestError(f"tool_choice={choice.name!r} is not among the tools: {offered}.")
    if not request.tools:
        if choice == "required":
            raise errors.InvalidRequestError("tool_choice='required' needs at least one tool.")
        return dataclasses.replace(request, tool_choice=None) if choice is not None else request
    if not _is_forced(choice) or dialect.forced_tool_while_thinking or not request.thinks:
        return request
    requested = choice.name if isinstance(choice, NamedTool) else "a tool"
    if on_forced_tool == "raise":
        raise errors.UnsupportedError(
            f"{provider.name} does not accept a forced tool_choice ({requested}) while thinking. Set thinking=False, "
            "or on_forced_tool='disable_thinking' or 'instruct'."
        )
    always_thinks = dialect.thinks(Thinking(on=False))
    if on_forced_tool == "instruct" or always_thinks:
        notes.append(
            Note("translated", "tool_choice", "replaced by an instruction in the prompt, because thinking stays on")
        )
        name = ToolNames(functions).to_wire(requested)  # the only name that the model sees
        order = f"Call the tool {name} now." if isinstance(choice, NamedTool) else "Call one of the tools now."
        return dataclasses.replace(
            request,
            tool_choice=None,
            messages=(*request.messages, Message.system(f"{order} Do not answer in text.")),
        )
    why = f"disabled for this call: {provider.name} does not accept a forced tool call while thinking"
    notes.append(Note("translated", "thinking", why))
    return dataclasses.replace(request, thinking=Thinking(on=False), thinks=False)


def _is_forced(choice: ToolChoice | None) -> bool:
    return choice == "required" or isinstance(choice, NamedTool)
