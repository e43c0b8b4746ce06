"""JSON types of a Responses request: its fields, its items, its flat tools."""

from __future__ import annotations

from typing import Any

from deepseek_v4.testing.checks.chat_types import DETAIL, EFFORTS, FORMAT_TYPE
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
    wrong_type,
)

CHOICES = ("none", "auto", "required")
NAMED_CHOICES = ("function", "custom")
FORMAT = struct("TextFormat", {"type!": FORMAT_TYPE}, {"json_schema": {"name!": string, "schema!": struct("Schema")}})


def responses_types(body: Any) -> None:
    """Check the types of a complete Responses request."""
    request_types(body, "ResponsesRequest", RESPONSES_FIELDS, ("input", "model"))


def _part(path: str, part: Any) -> None:
    PART(path, part)
    if part["type"] == "input_image" and part.get("image_url") is None and part.get("file_id") is None:
        raise TypeFault(path, "missing field `image_url`")


PART = struct(
    "ContentPart",
    {"type!": one_of("input_text", "output_text", "input_image", "input_file", "refusal")},
    {
        "input_text": {"text!": string},
        "output_text": {"text!": string},
        "input_image": {"image_url": string, "file_id": string, "detail": DETAIL},
    },
    flat=True,
)
CONTENT = text_or_list_of(_part)


def _reasoning_parts(kind: str) -> Check:
    return list_of(struct("ReasoningPart", {"type!": one_of(kind), "text!": string}))


CALL: FieldTypes = {"call_id!": string, "name!": string}
OUTPUT: FieldTypes = {"call_id!": string, "output!": CONTENT}
ITEM = struct(
    "InputItem",
    {"type!": string},
    {
        "message": {
            "role!": one_of("user", "assistant", "system", "developer"),
            "content!": CONTENT,
        },
        "reasoning": {
            "summary": _reasoning_parts("summary_text"),
            "content": _reasoning_parts("reasoning_text"),
            "encrypted_content": string,
        },
        "function_call": {**CALL, "arguments!": string},
        "custom_tool_call": {**CALL, "input!": string},
        "function_call_output": OUTPUT,
        "custom_tool_call_output": OUTPUT,
    },
)


def _item(path: str, item: Any) -> None:
    """Check an item; one with a role and without a type is a message."""
    if isinstance(item, dict) and "role" in item:
        item = {"type": "message", **item}
    ITEM(path, item)


def _input(path: str, value: Any) -> None:
    if isinstance(value, str):
        return
    if not isinstance(value, list):
        raise wrong_type(path, value, "a string or a sequence")
    list_of(_item)(path, value)


def _choice(path: str, value: Any) -> None:
    named = isinstance(value, dict) and value.get("type") in NAMED_CHOICES and isinstance(value.get("name"), str)
    if not named and value not in CHOICES:
        raise TypeFault(path, "expected one of `none`, `auto`, `required` or a tool")


TOOL: FieldTypes = {"name!": string, "description": string, "strict": boolean}
RESPONSES_FIELDS: FieldTypes = {
    "model": string,
    "input": _input,
    "instructions": string,
    "reasoning": struct("Reasoning", {"effort": one_of(*EFFORTS)}),
    "max_output_tokens": whole_number,
    "temperature": number,
    "top_p": number,
    "text": struct("TextOptions", {"format": FORMAT}),
    "tools": list_of(struct("Tool", {"type!": string}, {"function": TOOL, "custom": TOOL})),
    "tool_choice": _choice,
    "top_logprobs": whole_number,
    "user": string,
    "stream": boolean,
}
