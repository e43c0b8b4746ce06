"""The rules between messages: their order, answered calls, and reasoning that is passed back."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from deepseek_v4.testing.outcome import Rejection
from deepseek_v4.testing.reading.chat import content_text

Message = Mapping[str, Any]

UNANSWERED = (
    "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'"
)
PREFIX_GUIDE = "https://api-docs.deepseek.com/guides/chat_prefix_completion"
WITHOUT_JSON = "Prompt must contain the word 'json' in some form to use 'response_format' of type 'json_object'."
LONGEST_URL = 8192
NOT_PASSED_BACK = "The `reasoning_content` in the thinking mode must be passed back to the API."


def check_turns(messages: Sequence[Message], sees_images: bool = True, *, ignores_images: bool = False) -> None:
    """Check every rule between messages, except those of reasoning and of the last message."""
    if not messages:
        raise Rejection("Empty input messages")
    open_ids: list[str] = []
    answered: list[str] = []
    seen: set[str] = set()
    for position, message in enumerate(messages):
        _check_images(message, f".messages[{position}]", sees_images, ignores_images)
        if message["role"] == "tool":
            if len(answered) == len(open_ids):
                raise Rejection("Messages with role 'tool' must be a response to a preceding message with 'tool_calls'")
            answered.append(message["tool_call_id"])
            continue
        _check_answered(open_ids, answered)
        open_ids = _calls_of(message, seen, position) if message["role"] == "assistant" else []
        answered = []
    _check_answered(open_ids, answered)


def _calls_of(message: Message, seen: set[str], position: int) -> list[str]:
    calls = message.get("tool_calls") or []
    if message.get("tool_calls") == []:
        words = "empty array. Expected an array with minimum length 1, but got an empty array instead."
        raise Rejection(f"Invalid 'messages[{position}].tool_calls': {words}")
    if message.get("content") is None and not calls:
        raise Rejection("Invalid assistant message: content or tool_calls must be set")
    for call in calls:
        if call["id"] in seen:
            raise Rejection(f"Duplicate value for 'tool_call_id' of {call['id']} in message[{position}]")
        seen.add(call["id"])
    return [call["id"] for call in calls]


def _check_answered(open_ids: list[str], answered: list[str]) -> None:
    if len(answered) < len(open_ids):
        raise Rejection(f"{UNANSWERED}. (insufficient tool messages following tool_calls message)")
    missing = [call_id for call_id in open_ids if call_id not in answered]
    if missing:
        raise Rejection(
            f"{UNANSWERED}, The following tool_call_ids did not have response messages: {', '.join(missing)}"
        )


def check_last(message: Message, model: str, beta: bool) -> None:
    """Check that the last message is not an answer, unless it is to be continued."""
    if message["role"] == "assistant" and not (beta and message.get("prefix")):
        raise Rejection(
            f"The last message of {model} must be a user message, or an assistant message with prefix mode "
            f"on (refer to {PREFIX_GUIDE})."
        )


def is_base64(text: str) -> bool:
    """Return True if a text is base64 with its padding."""
    try:
        base64.b64decode(text, validate=True)
    except ValueError:
        return False
    return True


def _check_images(message: Message, place: str, sees_images: bool, ignores_images: bool) -> None:
    content = message.get("content")
    for part in content if isinstance(content, list) else ():
        if part["type"] != "image_url":
            continue
        if message["role"] == "assistant":
            raise Rejection("Image in assistant message is not supported")
        if message["role"] == "system":
            raise Rejection("Image input is only supported in user messages")
        if not sees_images:
            raise Rejection("This model does not support image")
        if not ignores_images:
            _check_image_url(part["image_url"]["url"], place)


def _check_image_url(url: str, place: str) -> None:
    head, inline, data = url.partition(";base64,")
    if inline and head.startswith("data:"):
        data = data.rstrip("=")
        if not is_base64(data + "=" * (-len(data) % 4)):
            raise Rejection(f"{place}: Invalid base64 data")
    elif not url.startswith(("http://", "https://")):
        raise Rejection(f"{place}: Unsupported image_url format")
    elif len(url) > LONGEST_URL:
        raise Rejection(
            f"{place}.image_url.url[0]: image_url.url external link length {len(url)} too long, max link length "
            f"{LONGEST_URL}. Consider passing file data directly with base64 data url instead."
        )


def check_reasoning(
    messages: Sequence[Message],
    has_tools: bool,
    rule: str,
    *,
    calls_only: bool = False,
    blank_ok: bool = True,
    text: str = NOT_PASSED_BACK,
) -> None:
    """Check the pass-back rule of thinking mode.

    A message with a call id of the form `call_00_ET_…`, which is given to calls without a thought, owes nothing.

    `lenient` is what `deepseek-recipe` 0.2.0 does: with tools declared, every assistant message since the last user
    message needs its reasoning, without them each that calls functions. `strict` is the newest wording of the
    documents: with tools declared, those of closed turns need it too, or with `calls_only` those with tool calls.
    With `blank_ok`, `""` is enough in an open turn; null never is.
    """
    if rule == "off":
        return
    start = max((i for i, m in enumerate(messages) if m["role"] == "user"), default=-1) + 1
    closed, opened = messages[:start], messages[start:]
    owing = [m for m in opened if has_tools or m.get("tool_calls")]
    missing = [m for m in owing if m.get("reasoning_content") is None or not (blank_ok or m["reasoning_content"])]
    if rule == "strict" and has_tools:
        required = [m for m in closed if m.get("tool_calls") or not calls_only]
        missing += [m for m in required if m.get("reasoning_content") is None]
    if any(m["role"] == "assistant" and not _called_without_thought(m) for m in missing):
        raise Rejection(text)


def _called_without_thought(message: Message) -> bool:
    return any(call["id"][7:11] == "_ET_" for call in message.get("tool_calls") or ())


def check_prefix(messages: Sequence[Message], has_tools: bool, response_format: Any) -> None:
    """Check that only the last message is continued, without JSON mode, and with no function declared or called."""
    continued = [m is messages[-1] for m in messages if m["role"] == "assistant" and m.get("prefix")]
    if not all(continued):
        raise Rejection(
            "Invalid completion message: prefix set true with message which is not final message or message role "
            "is not assistant"
        )
    if not continued:
        return
    if has_tools or any(message.get("tool_calls") for message in messages):
        raise Rejection("Function call should not be used with prefix")
    if (response_format or {}).get("type") == "json_object":
        raise Rejection("response_format json_object should not be used with prefix")


def check_json_word(messages: Sequence[Message], response_format: Any, text: str = WITHOUT_JSON) -> None:
    """Check that the prompt of a JSON mode request contains the word "json"."""
    if (response_format or {}).get("type") != "json_object":
        return
    if not any("json" in content_text(message.get("content")).lower() for message in messages):
        raise Rejection(text)
