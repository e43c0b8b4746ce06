"""JSON types and enum variants of a chat request, refused with the texts of the service's deserializer."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from deepseek_v4.testing.rejection import JSON, Rejection

ROLES = ("system", "user", "assistant", "tool", "latest_reminder")
EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "ultra", "max")
THINKING_TYPES = ("enabled", "disabled", "adaptive")
FORMATS = ("text", "json_object", "json_schema")
PART_TYPES = ("text", "image_url", "file")
TOOL_TYPES = ("function", "deepseek_web_search", "deepseek_read_url")
DETAILS = ("low", "high", "original", "auto")


class TypeFault(Exception):
    """A value of the wrong type, and its path."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path, self.reason = path, reason


def parsed_json(raw: bytes) -> Any:
    """Return the body as JSON.

    Raises:
        Rejection: It is not JSON.
    """
    try:
        return json.loads(raw, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        reason = "EOF while parsing a value" if not raw.strip() else error.msg
        message = f"Failed to parse the request body as JSON: {reason} at {where}"
    except RecursionError:
        message = "Failed to parse the request body as JSON: recursion limit exceeded at line 1 column 1"
    except ValueError:  # not UTF-8, or NaN and infinities
        message = "Failed to parse the request body as JSON: expected value at line 1 column 1"
    raise Rejection(message, content_type=JSON)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def check_types(body: Any, raw: bytes, status: int, check: Callable[[Any], None]) -> None:
    """Run a type check.

    Raises:
        Rejection: In the deserializer's words.
    """
    try:
        check(body)
    except TypeFault as error:
        where = f"{error.path}: " if error.path else ""
        message = (
            f"Failed to deserialize the JSON body into the target type: {where}{error.reason} "
            f"at line 1 column {len(raw)}"
        )
        raise Rejection(message, status=status, content_type=JSON) from None


# ---------------------------------------------------------------------- the words of the deserializer


def described(value: Any) -> str:
    """Return a value as the deserializer names it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return f"boolean `{str(value).lower()}`"
    if isinstance(value, int):
        return f"integer `{value}`"
    if isinstance(value, float):
        return f"floating point `{value}`"
    if isinstance(value, str):
        return f"string {json.dumps(value, ensure_ascii=False)}"
    return "sequence" if isinstance(value, list) else "map"


def wrong_type(path: str, value: Any, expected: str) -> TypeFault:
    """Return the error of a wrong type."""
    return TypeFault(path, f"invalid type: {described(value)}, expected {expected}")


def variant(path: str, value: Any, known: tuple[str, ...]) -> None:
    """Check an enum."""
    if not isinstance(value, str):
        raise wrong_type(path, value, "string or map")
    if value not in known:
        names = ", ".join(f"`{name}`" for name in known)
        expected = f"one of {names}" if len(known) > 1 else names
        raise TypeFault(path, f"unknown variant `{value}`, expected {expected}")


def string(path: str, value: Any) -> None:
    """Check a string."""
    if not isinstance(value, str):
        raise wrong_type(path, value, "a string")


def boolean(path: str, value: Any) -> None:
    """Check a boolean."""
    if not isinstance(value, bool):
        raise wrong_type(path, value, "a boolean")


def number(path: str, value: Any) -> None:
    """Check a number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise wrong_type(path, value, "f32")


def whole_number(path: str, value: Any) -> None:
    """Check an integer that is not negative."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise wrong_type(path, value, "u32")
    if value < 0:
        raise TypeFault(path, f"invalid value: integer `{value}`, expected u32")


def mapping(path: str, value: Any, name: str) -> None:
    """Check an object."""
    if not isinstance(value, dict):
        raise wrong_type(path, value, f"struct {name}")


def sequence(path: str, value: Any) -> None:
    """Check an array."""
    if not isinstance(value, list):
        raise wrong_type(path, value, "a sequence")


def required(path: str, value: Mapping[str, Any], key: str) -> Any:
    """Return a required field."""
    if key not in value:
        raise TypeFault(path, f"missing field `{key}`")
    return value[key]


# ---------------------------------------------------------------------- the chat request


FieldTypes = Mapping[str, Callable[[str, Any], None]]


def request_types(body: Any, name: str, fields: FieldTypes, needed: tuple[str, ...]) -> None:
    """Check the types of a request, field by field in the order of the body; only required fields may not be null."""
    mapping("", body, name)
    for key, value in body.items():
        check = fields.get(key)
        if check is not None and (value is not None or key in needed):
            check(key, value)
    for key in needed:
        required("", body, key)


def chat_types(body: Any) -> None:
    """Check the types of a complete chat request."""
    request_types(body, "ChatCompletionRequest", CHAT_FIELDS, ("messages", "model"))


def stop_words(path: str, value: Any) -> None:
    """Check a string or an array of strings."""
    if isinstance(value, str):
        return
    sequence(path, value)
    for position, word in enumerate(value):
        string(f"{path}[{position}]", word)


def _thinking(path: str, value: Any) -> None:
    mapping(path, value, "ThinkingOptions")
    variant(f"{path}.type", required(path, value, "type"), THINKING_TYPES)


def _response_format(path: str, value: Any) -> None:
    mapping(path, value, "ResponseFormat")
    variant(f"{path}.type", required(path, value, "type"), FORMATS)


def stream_options(path: str, value: Any) -> None:
    """Check the options of a stream."""
    mapping(path, value, "StreamOptions")
    if value.get("include_usage") is not None:
        boolean(f"{path}.include_usage", value["include_usage"])


def tool_types(path: str, value: Any) -> None:
    """Check functions, and the service's own tools."""
    sequence(path, value)
    for position, tool in enumerate(value):
        here = f"{path}[{position}]"
        mapping(here, tool, "Tool")
        variant(f"{here}.type", required(here, tool, "type"), TOOL_TYPES)
        if tool["type"] != "function":
            continue
        function = required(here, tool, "function")
        mapping(f"{here}.function", function, "FunctionDefinition")
        string(f"{here}.function.name", required(f"{here}.function", function, "name"))
        for key, check in (("description", string), ("strict", boolean)):
            if function.get(key) is not None:
                check(f"{here}.function.{key}", function[key])


def tool_choice(path: str, value: Any) -> None:
    """Check a string, or a function by name."""
    named = (
        isinstance(value, dict)
        and value.get("type") == "function"
        and isinstance(value.get("function"), dict)
        and isinstance(value["function"].get("name"), str)
    )
    if not named and value not in ("none", "auto", "required"):
        raise TypeFault(path, "expected one of `none`, `auto`, `required` or a tool")


def message_types(path: str, value: Any, roles: tuple[str, ...] = ROLES) -> None:
    """Check the messages of a conversation."""
    sequence(path, value)
    for position, message in enumerate(value):
        here = f"{path}[{position}]"
        mapping(here, message, "Message")
        role = required(here, message, "role")
        variant(f"{here}.role", role, roles)
        if message.get("name") is not None:
            string(f"{here}.name", message["name"])
        if role == "assistant":
            _assistant(here, message)
            continue
        if role == "tool":
            string(f"{here}.tool_call_id", required(here, message, "tool_call_id"))
        _content(here, required(here, message, "content"))


def _assistant(here: str, message: Mapping[str, Any]) -> None:
    if message.get("content") is not None:
        _content(here, message["content"])
    if message.get("reasoning_content") is not None:
        string(f"{here}.reasoning_content", message["reasoning_content"])
    if message.get("prefix") is not None:
        boolean(f"{here}.prefix", message["prefix"])
    calls = message.get("tool_calls")
    if calls is None:
        return
    sequence(f"{here}.tool_calls", calls)
    for position, call in enumerate(calls):
        place = f"{here}.tool_calls[{position}]"
        mapping(place, call, "ToolCall")
        string(f"{place}.id", required(place, call, "id"))
        variant(f"{place}.type", required(place, call, "type"), ("function",))
        function = required(place, call, "function")
        mapping(f"{place}.function", function, "FunctionCall")
        for key in ("name", "arguments"):
            string(f"{place}.function.{key}", required(f"{place}.function", function, key))


def _content(here: str, content: Any) -> None:
    if isinstance(content, str):
        return
    if not isinstance(content, list):
        raise wrong_type(f"{here}.content", content, "a string or a sequence")
    for part in content:
        mapping(here, part, "ContentPart")
        variant(here, required(here, part, "type"), PART_TYPES)
        if part["type"] == "text":
            string(here, required(here, part, "text"))
        elif part["type"] == "image_url":
            image = required(here, part, "image_url")
            mapping(here, image, "ImageUrl")
            string(here, required(here, image, "url"))
            if image.get("detail") is not None:
                variant(here, image["detail"], DETAILS)


CHAT_FIELDS: FieldTypes = {
    "model": string,
    "messages": message_types,
    "thinking": _thinking,
    "reasoning_effort": lambda path, value: variant(path, value, EFFORTS),
    "max_tokens": whole_number,
    "response_format": _response_format,
    "stop": stop_words,
    "stream": boolean,
    "stream_options": stream_options,
    "temperature": number,
    "top_p": number,
    "tools": tool_types,
    "tool_choice": tool_choice,
    "logprobs": boolean,
    "top_logprobs": whole_number,
    "user_id": string,
    "frequency_penalty": number,
    "presence_penalty": number,
    "n": whole_number,
}
