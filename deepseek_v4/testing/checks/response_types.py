"""JSON types of a Responses request: its fields, its items, its flat tools."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deepseek_v4.testing.checks.types import (
    DETAILS,
    EFFORTS,
    FORMATS,
    FieldTypes,
    TypeFault,
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

ROLES = ("user", "assistant", "system", "developer")
PART_TYPES = ("input_text", "output_text", "input_image", "input_file", "refusal")
CHOICES = ("none", "auto", "required")
NAMED_CHOICES = ("function", "custom")


def responses_types(body: Any) -> None:
    """Check the types of a complete Responses request."""
    request_types(body, "ResponsesRequest", RESPONSES_FIELDS, ("input", "model"))


def _input(path: str, value: Any) -> None:
    if isinstance(value, str):
        return
    if not isinstance(value, list):
        raise wrong_type(path, value, "a string or a sequence")
    for position, item in enumerate(value):
        _item(f"{path}[{position}]", item)


def _item(here: str, item: Any) -> None:
    mapping(here, item, "InputItem")
    kind = item.get("type", "message" if "role" in item else None)
    if kind is None:
        raise TypeFault(here, "missing field `type`")
    string(f"{here}.type", kind)
    if kind == "message":
        variant(f"{here}.role", required(here, item, "role"), ROLES)
        _content(f"{here}.content", required(here, item, "content"))
    elif kind == "reasoning":
        _reasoning(here, item)
    elif kind in ("function_call", "custom_tool_call"):
        for key in ("call_id", "name", "arguments" if kind == "function_call" else "input"):
            string(f"{here}.{key}", required(here, item, key))
    elif kind in ("function_call_output", "custom_tool_call_output"):
        string(f"{here}.call_id", required(here, item, "call_id"))
        _content(f"{here}.output", required(here, item, "output"))


def _reasoning(here: str, item: Mapping[str, Any]) -> None:
    for key, kind in (("summary", "summary_text"), ("content", "reasoning_text")):
        if item.get(key) is None:
            continue
        sequence(f"{here}.{key}", item[key])
        for part in item[key]:
            mapping(here, part, "ReasoningPart")
            variant(f"{here}.{key}", required(here, part, "type"), (kind,))
            string(f"{here}.{key}", required(here, part, "text"))
    if item.get("encrypted_content") is not None:
        string(f"{here}.encrypted_content", item["encrypted_content"])


def _content(path: str, content: Any) -> None:
    if isinstance(content, str):
        return
    if not isinstance(content, list):
        raise wrong_type(path, content, "a string or a sequence")
    for part in content:
        mapping(path, part, "ContentPart")
        variant(path, required(path, part, "type"), PART_TYPES)
        if part["type"] in ("input_text", "output_text"):
            string(path, required(path, part, "text"))
        elif part["type"] == "input_image":
            if part.get("image_url") is None and part.get("file_id") is None:
                raise TypeFault(path, "missing field `image_url`")
            string(path, part.get("image_url") or part["file_id"])
            if part.get("detail") is not None:
                variant(path, part["detail"], DETAILS)


def _tools(path: str, value: Any) -> None:
    sequence(path, value)
    for position, tool in enumerate(value):
        here = f"{path}[{position}]"
        mapping(here, tool, "Tool")
        kind = required(here, tool, "type")
        string(f"{here}.type", kind)
        if kind not in ("function", "custom"):
            continue
        string(f"{here}.name", required(here, tool, "name"))
        for key, check in (("description", string), ("strict", boolean)):
            if tool.get(key) is not None:
                check(f"{here}.{key}", tool[key])


def _choice(path: str, value: Any) -> None:
    named = isinstance(value, dict) and value.get("type") in NAMED_CHOICES and isinstance(value.get("name"), str)
    if not named and value not in CHOICES:
        raise TypeFault(path, "expected one of `none`, `auto`, `required` or a tool")


def _effort(path: str, value: Any) -> None:
    mapping(path, value, "Reasoning")
    if value.get("effort") is not None:
        variant(f"{path}.effort", value["effort"], EFFORTS)


def _text(path: str, value: Any) -> None:
    mapping(path, value, "TextOptions")
    form = value.get("format")
    if form is None:
        return
    mapping(f"{path}.format", form, "TextFormat")
    variant(f"{path}.format.type", required(f"{path}.format", form, "type"), FORMATS)
    if form["type"] == "json_schema":
        string(f"{path}.format.name", required(f"{path}.format", form, "name"))
        mapping(f"{path}.format.schema", required(f"{path}.format", form, "schema"), "Schema")


RESPONSES_FIELDS: FieldTypes = {
    "model": string,
    "input": _input,
    "instructions": string,
    "reasoning": _effort,
    "max_output_tokens": whole_number,
    "temperature": number,
    "top_p": number,
    "text": _text,
    "tools": _tools,
    "tool_choice": _choice,
    "top_logprobs": whole_number,
    "user": string,
    "stream": boolean,
}
