"""A request in Anthropic's form as a chat request: blocks become messages."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deepseek_v4.testing.outcome import JsonObject
from deepseek_v4.testing.reading.chat import content_text

CHOICES: Mapping[str, str] = {"none": "none", "auto": "auto", "any": "required"}


def chat_request(body: Mapping[str, Any]) -> JsonObject:
    """Return a request, whose types were checked, as a chat request. Past thinking is in `reasoning_content`."""
    messages: list[JsonObject] = []
    if body.get("system") is not None:
        messages.append({"role": "system", "content": content_text(body["system"])})
    for message in body["messages"]:
        messages += _turn(message)
    request: JsonObject = {
        "model": body["model"],
        "messages": messages,
        "max_tokens": body.get("max_tokens"),
        "temperature": body.get("temperature"),
        "top_p": body.get("top_p"),
        "stop": body.get("stop_sequences"),
        "stream": body.get("stream"),
        "thinking": body.get("thinking"),
        "reasoning_effort": (body.get("output_config") or {}).get("effort"),
        "user_id": (body.get("metadata") or {}).get("user_id"),
    }
    functions = [_function(tool) for tool in body.get("tools") or () if tool.get("type") is None]
    if functions or body.get("tools") == []:
        request["tools"] = functions
    choice = body.get("tool_choice")
    if choice is not None and (functions or not body.get("tools")):
        named = {"type": "function", "function": {"name": choice.get("name")}}
        request["tool_choice"] = named if choice["type"] == "tool" else CHOICES[choice["type"]]
    return {name: value for name, value in request.items() if value is not None}


def asks_for_search(body: Mapping[str, Any]) -> bool:
    """Return True if the request enables server-side web search."""
    tools = body.get("tools") or ()
    choice = (body.get("tool_choice") or {}).get("type")
    return choice != "none" and any("web_search" in str(tool.get("type")) for tool in tools)


def _function(tool: Mapping[str, Any]) -> JsonObject:
    function = {"name": tool["name"], "description": tool.get("description"), "parameters": tool.get("input_schema")}
    return {"type": "function", "function": {key: value for key, value in function.items() if value is not None}}


def _turn(message: Mapping[str, Any]) -> list[JsonObject]:
    content = message["content"]
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    if message["role"] == "assistant":
        return [_assistant(blocks)]
    if message["role"] in ("system", "latest_reminder"):
        return [{"role": message["role"], "content": content_text(blocks)}]
    return list(_user_content(blocks))


def _assistant(blocks: Sequence[Mapping[str, Any]]) -> JsonObject:
    message: JsonObject = {"role": "assistant", "content": "".join(b["text"] for b in blocks if b["type"] == "text")}
    thoughts = [block["thinking"] for block in blocks if block["type"] == "thinking"]
    if thoughts:
        message["reasoning_content"] = "".join(thoughts)
    calls = [
        {
            "id": block["id"],
            "type": "function",
            "function": {"name": block["name"], "arguments": json.dumps(block["input"], ensure_ascii=False)},
        }
        for block in blocks
        if block["type"] == "tool_use"
    ]
    if calls:
        message["tool_calls"] = calls
    return message


def _user_content(blocks: Sequence[Mapping[str, Any]]) -> Iterator[JsonObject]:
    """Yield the parts of a user message: each tool result, and the text and images between them together."""
    parts: list[JsonObject] = []
    for block in blocks:
        if block["type"] == "tool_result":
            if parts:
                yield {"role": "user", "content": parts}
                parts = []
            yield {"role": "tool", "tool_call_id": block["tool_use_id"], "content": _parts(block.get("content") or "")}
        else:
            parts.append(_part(block))
    if parts or not blocks:
        yield {"role": "user", "content": parts}


def _parts(content: Any) -> Any:
    return content if isinstance(content, str) else [_part(block) for block in content]


def _part(block: Mapping[str, Any]) -> JsonObject:
    if block["type"] == "document":
        return {"type": "file", "file_id": block["source"].get("file_id")}
    if block["type"] != "image":
        return {"type": "text", "text": block["text"]}
    source = block["source"]
    if source["type"] == "base64":
        return {"type": "image_url", "image_url": {"url": f"data:{source.get('media_type')};base64,{source['data']}"}}
    return {"type": "image_url", "image_url": {"url": source.get("url") or f"https://files/{source['file_id']}"}}
