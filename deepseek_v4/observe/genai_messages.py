"""Messages and tools as attributes of the GenAI conventions: JSON of messages with parts. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from deepseek_v4.protocols.chat_request import ChatRequest
from deepseek_v4.values import json
from deepseek_v4.values.messages import Message, TextPart, ToolSpec
from deepseek_v4.values.reply import Reply

Part = Mapping[str, Any]


def of_request(request: ChatRequest) -> dict[str, Any]:
    """Return the attributes with the system text, the messages and the tools of a request."""
    system = [part for message in request.messages if message.role == "system" for part in _content(message)]
    others = [_message(message) for message in request.messages if message.role != "system"]
    tools = [
        {"type": "function", "name": tool.name, "description": tool.description, "parameters": tool.parameters}
        for tool in request.tools
        if isinstance(tool, ToolSpec)
    ]
    known = {"system_instructions": system, "input.messages": others, "tool.definitions": tools}
    return {f"gen_ai.{name}": _text(value) for name, value in known.items() if value}


def of_reply(reply: Reply) -> dict[str, Any]:
    """Return the attribute with the answer."""
    message = {**_message(reply.to_message()), "finish_reason": reply.finish_reason or ""}
    return {"gen_ai.output.messages": _text([message])}


def _message(message: Message) -> dict[str, Any]:
    if message.role == "tool":
        response = {"type": "tool_call_response", "id": message.tool_call_id, "response": message.text}
        return {"role": "tool", "parts": [response]}
    parts: list[Part] = []
    if message.reasoning is not None and message.reasoning.text:
        parts.append({"type": "reasoning", "content": message.reasoning.text})
    parts += _content(message)
    for call in message.tool_calls:
        parts.append({"type": "tool_call", "id": call.id, "name": call.name, "arguments": _parsed(call.arguments)})
    return {"role": message.role, "parts": parts}


def _content(message: Message) -> Sequence[Part]:
    """Return the parts of the content; of images and files only what they are."""
    if isinstance(message.content, str):
        return [{"type": "text", "content": message.content}] if message.content else []
    return [
        {"type": "text", "content": part.text}
        if isinstance(part, TextPart)
        else {"type": type(part).__name__.removesuffix("Part").lower()}
        for part in message.content
    ]


def _parsed(arguments: str) -> Any:
    try:
        return json.loads(arguments)
    except ValueError:
        return arguments


def _text(value: Any) -> str:
    return json.dumps(value).decode("utf-8", "replace")
