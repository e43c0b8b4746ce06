"""JSON types of the requests of each protocol: their fields, messages and tools."""

from __future__ import annotations

from typing import Any

from deepseek_v4.testing.checks.types import (
    Check,
    FieldTypes,
    TypeFault,
    anything,
    boolean,
    list_of,
    number,
    one_of,
    request_of,
    string,
    struct,
    text_or_list_of,
    unsigned,
    whole_number,
    wrong_type,
)

# ---------------------------------------------------------------------- chat completions, and fill in the middle

ROLES = ("system", "user", "assistant", "tool", "latest_reminder")
OPENAI_ROLES = ("system", "developer", "user", "assistant", "tool")
EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "ultra", "max")
DETAIL = one_of("low", "high", "original", "auto")
THINKING = struct(
    "ThinkingOptions", {"type!": one_of("enabled", "disabled", "adaptive"), "budget_tokens": whole_number}
)
VERBOSITY = one_of("low", "medium", "high")
FORMAT_TYPE = one_of("text", "json_object", "json_schema")
SCHEMA_FORMAT = struct("ChatCompletionResponseFormatJsonSchema", {"name": string, "schema!": anything})
RESPONSE_FORMAT = struct("ResponseFormat", {"type!": FORMAT_TYPE}, {"json_schema": {"json_schema!": SCHEMA_FORMAT}})

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


def messages_of(*roles: str, more: FieldTypes | None = None) -> Check:
    """Return the check of a conversation of these roles; `more` are additional fields of every message."""
    assistant = {"content": CONTENT, "reasoning_content": string, "prefix": boolean, "tool_calls": list_of(CALL)}
    by_role: dict[str, FieldTypes] = {role: {"content!": CONTENT} for role in roles}
    by_role |= {"assistant": assistant, "tool": {"tool_call_id!": string, "content!": CONTENT}}
    by_role |= {"latest_reminder": {"content!": string}}
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
EVERYWHERE: FieldTypes = {"model": string, "stream": boolean, **dict.fromkeys(("temperature", "top_p"), number)}
GENERATED: FieldTypes = {
    **EVERYWHERE,
    **dict.fromkeys(("frequency_penalty", "presence_penalty"), number),
    "max_tokens": whole_number,
    "stop": stop_words,
    "stream_options": STREAM_OPTIONS,
}
NOVEMBER: FieldTypes = {  # build_a_chatbot, 2026-11-13
    "title": struct("Title", {"enabled!": boolean}),
    "safety_check": struct("SafetyCheck", {"level!": one_of("low", "high")}),
}
CHAT_FIELDS: FieldTypes = {
    **GENERATED,
    **NOVEMBER,
    "messages": messages_of(*ROLES),
    "thinking": THINKING,
    "reasoning_effort": one_of(*EFFORTS),
    "response_format": RESPONSE_FORMAT,
    "tools": TOOLS,
    "tool_choice": tool_choice,
    "logprobs": boolean,
    **dict.fromkeys(("top_logprobs", "n"), unsigned(8)),
    "seed": unsigned(64),
    "parallel_tool_calls": boolean,
    "user_id": string,
}
COMPLETION_FIELDS: FieldTypes = {
    **GENERATED,
    **dict.fromkeys(("prompt", "suffix"), string),
    "echo": boolean,
    "logprobs": whole_number,
}
chat_types = request_of("ChatCompletionRequest", CHAT_FIELDS, "messages", "model")
completion_types = request_of("CompletionRequest", COMPLETION_FIELDS, "model", "prompt")

# ---------------------------------------------------------------------- Anthropic's form

# search_result, redacted_thinking and others are not supported.
SERVER_BLOCKS = ("server_tool_use", "web_search_tool_result")
BLOCKS = ("text", "image", "document", "thinking", "tool_use", "tool_result", *SERVER_BLOCKS)
IMAGE_SOURCE = struct(
    "ImageSource",
    {"type!": one_of("base64", "url", "file")},
    {"base64": {"media_type!": string, "data!": string}, "url": {"url!": string}, "file": {"file_id!": string}},
)
FILE_SOURCE = struct("DocumentSource", {"type!": string}, {"file": {"file_id!": string}})  # others are not read
TOOL_USE: FieldTypes = {"id!": string, "name!": string, "input!": anything}


def _blocks(*kinds: str) -> Check:
    """Return the check of a text or of blocks of these kinds."""
    by_kind: dict[str, FieldTypes] = {
        "text": {"text!": string, "signature": string},
        "thinking": {"thinking!": string, "signature": string},
        "tool_use": TOOL_USE,
        "server_tool_use": TOOL_USE,
        "tool_result": {"tool_use_id!": string},
        "web_search_tool_result": {"tool_use_id!": string},
        "image": {"source!": IMAGE_SOURCE},
        "document": {"source!": FILE_SOURCE},
    }
    if "tool_result" in kinds:
        by_kind["tool_result"] = {"tool_use_id!": string, "content": _blocks("text", "image")}
    return text_or_list_of(struct("ContentBlock", {"type!": one_of(*kinds)}, by_kind, flat=True))


BLOCK_CONTENT = {"content!": _blocks(*BLOCKS)}
TEXTS = {"content!": _blocks("text")}
BLOCK_MESSAGES = list_of(
    struct(
        "Message",
        {"role!": one_of("user", "assistant", "system", "latest_reminder")},
        {"user": BLOCK_CONTENT, "assistant": BLOCK_CONTENT, "system": TEXTS, "latest_reminder": TEXTS},
        tag="role",
    )
)


def _block_tool(path: str, value: Any) -> None:
    """Check a function, or a tool of the service if it has a type."""
    own = ("deepseek_web_search", "deepseek_read_url")
    struct("Tool", {"type": one_of("web_search_20250305", "web_search_20260209", *own)})(path, value)
    if value.get("type") in (None, *own):
        struct("Tool", {"name!": string, "description": string})(path, value)


MESSAGES_FIELDS: FieldTypes = {
    **EVERYWHERE,
    **NOVEMBER,
    "messages": BLOCK_MESSAGES,
    "max_tokens": whole_number,
    "system": _blocks("text"),
    "stop_sequences": list_of(string),
    "thinking": THINKING,
    "output_config": struct("OutputConfig", {"effort": one_of(*EFFORTS)}),
    "tools": list_of(_block_tool),
    "tool_choice": struct("ToolChoice", {"type!": one_of("none", "auto", "any", "tool")}, {"tool": {"name!": string}}),
    "metadata": struct("Metadata", {"user_id": string}),
}
messages_types = request_of("MessagesRequest", MESSAGES_FIELDS, "messages", "model")

# ---------------------------------------------------------------------- Responses

CHOICES = ("none", "auto", "required")
NAMED_CHOICES = ("function", "custom")
TEXT_FORMAT = struct(
    "TextFormat",
    {"type!": FORMAT_TYPE},
    {"json_schema": {"name!": string, "schema!": struct("Schema"), "strict": boolean}},
)


def _item_content(*kinds: str) -> Check:
    """Return the check of a text or of parts of these kinds."""
    image = {"image_url": string, "file_id": string, "detail": DETAIL}
    texts = {kind: {"text!": string} for kind in ("input_text", "output_text")}
    return text_or_list_of(struct("ContentPart", {"type!": one_of(*kinds)}, {**texts, "input_image": image}, flat=True))


ITEM_CONTENT = _item_content("input_text", "output_text", "input_image", "input_file")


def _reasoning_parts(kind: str) -> Check:
    return list_of(struct("ReasoningPart", {"type!": one_of(kind), "text!": string}))


ITEM_CALL: FieldTypes = {"call_id!": string, "name!": string}
ITEM_OUTPUT: FieldTypes = {"call_id!": string, "output!": _item_content("input_text", "input_image", "input_file")}
ITEM = struct(
    "InputItem",
    {"type!": string},
    {
        "message": {"role!": one_of("user", "assistant", "system", "developer"), "content!": ITEM_CONTENT},
        "reasoning": {
            "summary": _reasoning_parts("summary_text"),
            "content": _reasoning_parts("reasoning_text"),
            "encrypted_content": string,
        },
        "function_call": {**ITEM_CALL, "arguments!": string},
        "custom_tool_call": {**ITEM_CALL, "input!": string},
        "function_call_output": ITEM_OUTPUT,
        "custom_tool_call_output": ITEM_OUTPUT,
    },
)


def _item(path: str, item: Any) -> None:
    """Check an item; one with a role and without a type is a message."""
    if isinstance(item, dict) and "role" in item:
        item = {"type": "message", **item}
    ITEM(path, item)


def _input(path: str, value: Any) -> None:
    if not isinstance(value, (str, list)):
        raise wrong_type(path, value, "a string or a sequence")
    if isinstance(value, list):
        list_of(_item)(path, value)


def _item_choice(path: str, value: Any) -> None:
    named = isinstance(value, dict) and value.get("type") in NAMED_CHOICES and isinstance(value.get("name"), str)
    if not named and value not in CHOICES:
        raise TypeFault(path, "expected one of `none`, `auto`, `required` or a tool")


ITEM_TOOL: FieldTypes = {"name!": string, "description": string, "strict": boolean}
RESPONSES_FIELDS: FieldTypes = {
    **EVERYWHERE,
    **NOVEMBER,
    "input": _input,
    "instructions": string,
    "reasoning": struct("Reasoning", {"effort": one_of(*EFFORTS), "summary": one_of("auto", "concise", "detailed")}),
    "max_output_tokens": whole_number,
    "text": struct("TextOptions", {"format": TEXT_FORMAT, "verbosity": VERBOSITY}),
    "tools": list_of(struct("Tool", {"type!": string}, {"function": ITEM_TOOL, "custom": ITEM_TOOL})),
    "tool_choice": _item_choice,
    "top_logprobs": unsigned(8),
    "user": string,
}
responses_types = request_of("ResponsesRequest", RESPONSES_FIELDS, "model")
