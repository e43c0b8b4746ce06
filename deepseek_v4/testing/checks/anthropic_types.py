"""JSON types of a request in Anthropic's form: its fields, its blocks, its tools."""

from __future__ import annotations

from typing import Any

from deepseek_v4.testing.checks.chat_types import EFFORTS, THINKING
from deepseek_v4.testing.checks.types import (
    Check,
    FieldTypes,
    boolean,
    list_of,
    number,
    one_of,
    request_types,
    string,
    struct,
    text_or_list_of,
    whole_number,
)

# document, search_result, redacted_thinking and others are not supported.
BLOCKS = ("text", "image", "thinking", "tool_use", "tool_result", "server_tool_use", "web_search_tool_result")
SOURCE = struct(
    "ImageSource",
    {"type!": one_of("base64", "url", "file")},
    {"base64": {"data!": string}, "url": {"url!": string}, "file": {"file_id!": string}},
)
USE: FieldTypes = {"id!": string, "name!": string, "input!": struct("Value")}


def messages_types(body: Any) -> None:
    """Check the types of a complete request."""
    request_types(body, "MessagesRequest", MESSAGES_FIELDS, ("messages", "model"))


def _content(*kinds: str) -> Check:
    """Return the check of a text or of blocks of these kinds."""
    by_kind: dict[str, FieldTypes] = {
        "text": {"text!": string, "signature": string},
        "thinking": {"thinking!": string, "signature": string},
        "tool_use": USE,
        "server_tool_use": USE,
        "tool_result": {"tool_use_id!": string},
        "web_search_tool_result": {"tool_use_id!": string},
        "image": {"source!": SOURCE},
    }
    if "tool_result" in kinds:
        by_kind["tool_result"] = {"tool_use_id!": string, "content": _content("text", "image")}
    return text_or_list_of(struct("ContentBlock", {"type!": one_of(*kinds)}, by_kind, flat=True))


BLOCK_CONTENT = {"content!": _content(*BLOCKS)}
MESSAGES = list_of(
    struct(
        "Message",
        {"role!": one_of("user", "assistant", "system")},
        {"user": BLOCK_CONTENT, "assistant": BLOCK_CONTENT, "system": {"content!": _content("text")}},
        tag="role",
    )
)


def _tool(path: str, value: Any) -> None:
    """Check a function, or a tool of the service if it has a type."""
    struct("Tool", {"type": one_of("web_search_20250305", "web_search_20260209")})(path, value)
    if value.get("type") is None:
        struct("Tool", {"name!": string, "description": string})(path, value)


MESSAGES_FIELDS: FieldTypes = {
    "model": string,
    "messages": MESSAGES,
    "max_tokens": whole_number,
    "system": _content("text"),
    "stop_sequences": list_of(string),
    "stream": boolean,
    "temperature": number,
    "top_p": number,
    "thinking": THINKING,
    "output_config": struct("OutputConfig", {"effort": one_of(*EFFORTS)}),
    "tools": list_of(_tool),
    "tool_choice": struct("ToolChoice", {"type!": one_of("none", "auto", "any", "tool")}, {"tool": {"name!": string}}),
    "metadata": struct("Metadata", {"user_id": string}),
}
