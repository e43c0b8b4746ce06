"""JSON types of a chat request: its fields, messages and tools."""

from __future__ import annotations

from typing import Any

from deepseek_v4.testing.checks.types import (
    Check,
    FieldTypes,
    TypeFault,
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

ROLES = ("system", "user", "assistant", "tool", "latest_reminder")
OPENAI_ROLES = ("system", "developer", "user", "assistant", "tool")
EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "ultra", "max")
DETAIL = one_of("low", "high", "original", "auto")
THINKING = struct("ThinkingOptions", {"type!": one_of("enabled", "disabled", "adaptive")})
FORMAT_TYPE = one_of("text", "json_object", "json_schema")

CONTENT = text_or_list_of(
    struct(
        "ContentPart",
        {"type!": one_of("text", "image_url", "file")},
        {
            "text": {"text!": string},
            "image_url": {"image_url!": struct("ImageUrl", {"url!": string, "detail": DETAIL}, flat=True)},
        },
        flat=True,
    )
)
CALL = struct(
    "ToolCall",
    {
        "id!": string,
        "type!": one_of("function"),
        "function!": struct("FunctionCall", {"name!": string, "arguments!": string}),
    },
)
FUNCTION = struct("FunctionDefinition", {"name!": string, "description": string, "strict": boolean})
TOOLS = list_of(
    struct(
        "Tool",
        {"type!": one_of("function", "deepseek_web_search", "deepseek_read_url")},
        {"function": {"function!": FUNCTION}},
    )
)


def chat_types(body: Any) -> None:
    """Check the types of a complete chat request."""
    request_types(body, "ChatCompletionRequest", CHAT_FIELDS, ("messages", "model"))


def messages_of(*roles: str, more: FieldTypes | None = None) -> Check:
    """Return the check of a conversation of these roles; `more` are additional fields of every message."""
    assistant = {"content": CONTENT, "reasoning_content": string, "prefix": boolean, "tool_calls": list_of(CALL)}
    by_role: dict[str, FieldTypes] = {role: {"content!": CONTENT} for role in roles}
    by_role |= {"assistant": assistant, "tool": {"tool_call_id!": string, "content!": CONTENT}}
    return list_of(struct("Message", {"role!": one_of(*roles), "name": string, **(more or {})}, by_role, tag="role"))


def stop_words(path: str, value: Any) -> None:
    """Check a string or an array of strings."""
    if not isinstance(value, str):
        list_of(string)(path, value)


def tool_choice(path: str, value: Any) -> None:
    """Check a string, or a function by name."""
    function = value.get("function") if isinstance(value, dict) and value.get("type") == "function" else None
    named = isinstance(function, dict) and isinstance(function.get("name"), str)
    if not named and value not in ("none", "auto", "required"):
        raise TypeFault(path, "expected one of `none`, `auto`, `required` or a tool")


STREAM_OPTIONS = struct("StreamOptions", {"include_usage": boolean})
CHAT_FIELDS: FieldTypes = {
    "model": string,
    "messages": messages_of(*ROLES),
    "thinking": THINKING,
    "reasoning_effort": one_of(*EFFORTS),
    "max_tokens": whole_number,
    "response_format": struct("ResponseFormat", {"type!": FORMAT_TYPE}),
    "stop": stop_words,
    "stream": boolean,
    "stream_options": STREAM_OPTIONS,
    "temperature": number,
    "top_p": number,
    "tools": TOOLS,
    "tool_choice": tool_choice,
    "logprobs": boolean,
    "top_logprobs": whole_number,
    "user_id": string,
    "frequency_penalty": number,
    "presence_penalty": number,
    "n": whole_number,
}
