"""JSON types of a request in Anthropic's form: its fields, its blocks, its tools."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deepseek_v4.testing.checks.types import (
    EFFORTS,
    THINKING_TYPES,
    FieldTypes,
    boolean,
    mapping,
    number,
    request_types,
    required,
    sequence,
    string,
    variant,
    whole_number,
    wrong_type,
)

ROLES = ("user", "assistant", "system")
# document, search_result, redacted_thinking and others are not supported.
KNOWN_BLOCKS = ("text", "image", "thinking", "tool_use", "tool_result", "server_tool_use", "web_search_tool_result")
BLOCKS: Mapping[str, tuple[str, ...]] = {
    "user": KNOWN_BLOCKS,
    "assistant": KNOWN_BLOCKS,
    "system": ("text",),
}
RESULT_BLOCKS = ("text", "image")
SOURCES = ("base64", "url", "file")
SERVER_TOOLS = ("web_search_20250305", "web_search_20260209")
CHOICES = ("none", "auto", "any", "tool")


def messages_types(body: Any) -> None:
    """Check the types of a complete request."""
    request_types(body, "MessagesRequest", MESSAGES_FIELDS, ("messages", "model"))


def _messages(path: str, value: Any) -> None:
    sequence(path, value)
    for position, message in enumerate(value):
        here = f"{path}[{position}]"
        mapping(here, message, "Message")
        role = required(here, message, "role")
        variant(f"{here}.role", role, ROLES)
        _content(here, required(here, message, "content"), BLOCKS[role])


def _content(here: str, content: Any, known: tuple[str, ...]) -> None:
    if isinstance(content, str):
        return
    if not isinstance(content, list):
        raise wrong_type(f"{here}.content", content, "a string or a sequence")
    for block in content:
        mapping(here, block, "ContentBlock")
        variant(here, required(here, block, "type"), known)
        _block(here, block)


def _block(here: str, block: Mapping[str, Any]) -> None:
    kind = block["type"]
    if kind in ("text", "thinking"):
        string(here, required(here, block, kind))
        if block.get("signature") is not None:
            string(f"{here}.signature", block["signature"])
    elif kind in ("tool_use", "server_tool_use"):
        for key in ("id", "name"):
            string(f"{here}.{key}", required(here, block, key))
        mapping(f"{here}.input", required(here, block, "input"), "Value")
    elif kind in ("tool_result", "web_search_tool_result"):
        string(f"{here}.tool_use_id", required(here, block, "tool_use_id"))
        if kind == "tool_result" and block.get("content") is not None:
            _content(here, block["content"], RESULT_BLOCKS)
    elif kind == "image":
        source = required(here, block, "source")
        mapping(f"{here}.source", source, "ImageSource")
        variant(f"{here}.source.type", required(here, source, "type"), SOURCES)
        key = {"base64": "data", "url": "url", "file": "file_id"}[source["type"]]
        string(f"{here}.source.{key}", required(here, source, key))


def _system(path: str, value: Any) -> None:
    _content(path, value, BLOCKS["system"])


def _thinking(path: str, value: Any) -> None:
    mapping(path, value, "ThinkingOptions")
    variant(f"{path}.type", required(path, value, "type"), THINKING_TYPES)


def _output_config(path: str, value: Any) -> None:
    mapping(path, value, "OutputConfig")
    if value.get("effort") is not None:
        variant(f"{path}.effort", value["effort"], EFFORTS)


def _stop(path: str, value: Any) -> None:
    sequence(path, value)
    for position, word in enumerate(value):
        string(f"{path}[{position}]", word)


def _tools(path: str, value: Any) -> None:
    sequence(path, value)
    for position, tool in enumerate(value):
        here = f"{path}[{position}]"
        mapping(here, tool, "Tool")
        if tool.get("type") is not None:
            variant(f"{here}.type", tool["type"], SERVER_TOOLS)
            continue
        string(f"{here}.name", required(here, tool, "name"))
        if tool.get("description") is not None:
            string(f"{here}.description", tool["description"])


def _choice(path: str, value: Any) -> None:
    mapping(path, value, "ToolChoice")
    variant(f"{path}.type", required(path, value, "type"), CHOICES)
    if value["type"] == "tool":
        string(f"{path}.name", required(path, value, "name"))


def _metadata(path: str, value: Any) -> None:
    mapping(path, value, "Metadata")
    if value.get("user_id") is not None:
        string(f"{path}.user_id", value["user_id"])


MESSAGES_FIELDS: FieldTypes = {
    "model": string,
    "messages": _messages,
    "max_tokens": whole_number,
    "system": _system,
    "stop_sequences": _stop,
    "stream": boolean,
    "temperature": number,
    "top_p": number,
    "thinking": _thinking,
    "output_config": _output_config,
    "tools": _tools,
    "tool_choice": _choice,
    "metadata": _metadata,
}
