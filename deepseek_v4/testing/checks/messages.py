"""The rules between messages: their order, answered calls, and reasoning that is passed back."""

from __future__ import annotations

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


def check_turns(messages: Sequence[Message], sees_images: bool = True) -> None:
    """Check every rule between messages, except those of reasoning and of the last message."""
    if not messages:
        raise Rejection("Empty input messages")
    open_ids: list[str] = []
    answered: list[str] = []
    seen: set[str] = set()
    for position, message in enumerate(messages):
        _check_images(message, sees_images)
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


def _check_images(message: Message, sees_images: bool) -> None:
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
        url = part["image_url"]["url"]
        if not url.startswith(("data:", "http://", "https://")):
            raise Rejection("Invalid image_url: it must be an http(s) or a data URL")
        if not url.startswith("data:") and len(url) > LONGEST_URL:
            raise Rejection(f"Invalid image_url: the URL is longer than {LONGEST_URL} characters")


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

    Args:
        messages: The conversation.
        has_tools: True if tools are declared.
        rule: `lenient` is what `deepseek-recipe` 0.2.0 does: in an open tool turn (tools are declared, or functions
            were called since the last user message), every assistant message since the last user message needs its
            reasoning. `strict` is the newest wording of the documents: with tools declared, those of closed turns
            need it too.
        calls_only: In closed turns, require it of assistant messages with tool calls only.
        blank_ok: True if `""` is enough in an open turn; null never is.
        text: The refusal.
    """
    if rule == "off":
        return
    start = max((i for i, m in enumerate(messages) if m["role"] == "user"), default=-1) + 1
    closed, opened = messages[:start], messages[start:]
    owing = [m for m in opened if has_tools or any(other.get("tool_calls") for other in opened)]
    missing = [m for m in owing if m.get("reasoning_content") is None or not (blank_ok or m["reasoning_content"])]
    if rule == "strict" and has_tools:
        required = [m for m in closed if m.get("tool_calls") or not calls_only]
        missing += [m for m in required if m.get("reasoning_content") is None]
    if any(m["role"] == "assistant" and not _called_without_thought(m) for m in missing):
        raise Rejection(text)


def _called_without_thought(message: Message) -> bool:
    return any(call["id"][7:11] == "_ET_" for call in message.get("tool_calls") or ())


def check_prefix(messages: Sequence[Message], has_tools: bool, response_format: Any) -> None:
    """Check that a continued message has no JSON mode, and no function declared or called."""
    if not messages[-1].get("prefix"):
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
