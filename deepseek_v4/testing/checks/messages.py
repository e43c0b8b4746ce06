"""The rules between messages: who follows whom, which calls were answered, whose reasoning comes back."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from deepseek_v4.testing.call import content_text
from deepseek_v4.testing.rejection import Rejection

Message = Mapping[str, Any]

UNANSWERED = (
    "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'."
)
PREFIX_GUIDE = "https://api-docs.deepseek.com/guides/chat_prefix_completion"
LONGEST_URL = 8192
NOT_PASSED_BACK = "The `reasoning_content` in the thinking mode must be passed back to the API."

REASONING_TEXT_NOT_PASSED_BACK = "The `reasoning_text` in the thinking mode must be passed back to the API."
UNREASONED = re.compile(r"(?:call|toolu)_\d+_ET_")


def check_turns(messages: Sequence[Message], sees_images: bool) -> None:
    """Every rule that holds between messages, but those of reasoning and of the last message."""
    if not messages:
        raise Rejection("Empty input messages")
    open_ids: list[str] = []
    answered: list[str] = []
    seen: set[str] = set()
    for position, message in enumerate(messages):
        role = message["role"]
        _check_images(message, sees_images)
        if role == "tool":
            _answer_call(message, open_ids, answered, position)
            continue
        _check_answered(open_ids, answered)
        open_ids, answered = [], []
        if role == "assistant":
            open_ids = _calls_of(message, seen, position)
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


def _answer_call(message: Message, open_ids: list[str], answered: list[str], position: int) -> None:
    call_id = message["tool_call_id"]
    if call_id in answered:
        raise Rejection(f"Duplicate value for 'tool_call_id' of {call_id} in message[{position}]")
    if call_id not in open_ids:
        raise Rejection("Messages with role 'tool' must be a response to a preceding message with 'tool_calls'")
    answered.append(call_id)


def _check_answered(open_ids: list[str], answered: list[str]) -> None:
    missing = [call_id for call_id in open_ids if call_id not in answered]
    if not missing:
        return
    if not answered:
        raise Rejection(f"{UNANSWERED} (insufficient tool messages following tool_calls message)")
    raise Rejection(f"{UNANSWERED} The following tool_call_ids did not have response messages: {', '.join(missing)}")


def check_last(message: Message, model: str, beta: bool) -> None:
    """The last message is no answer, unless it is to be continued."""
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
        if message["role"] not in ("user", "tool"):
            raise Rejection("Image input is only supported in user messages")
        if not sees_images:
            raise Rejection("This model does not support image")
        url = part["image_url"]["url"]
        if not url.startswith(("data:", "http://", "https://")):
            raise Rejection("Invalid image_url: it must be an http(s) or a data URL")
        if not url.startswith("data:") and len(url) > LONGEST_URL:
            raise Rejection(f"Invalid image_url: the URL is longer than {LONGEST_URL} characters")


def check_reasoning(
    messages: Sequence[Message], has_tools: bool, rule: str, *, calls_only: bool = False, text: str = NOT_PASSED_BACK
) -> None:
    """The pass-back rule of thinking mode.

    Args:
        messages: The conversation.
        has_tools: Whether tools are declared.
        rule: `lenient` is what was measured: when the request ends with a tool result, every assistant
            message since the last user message needs its reasoning. `strict` is the newest wording of the
            documents: with tools declared, every assistant message needs it. `""` is enough, null is not.
        calls_only: The rule of Responses: closed turns owe it before tool calls only, and in the open turn `""` is
            not enough.
        text: The refusal.
    """
    past = [m for m in messages if not (m is messages[-1] and m.get("prefix"))]
    open_turn = []
    if rule != "off" and messages[-1]["role"] == "tool":
        start = max((i for i, m in enumerate(past) if m["role"] == "user"), default=-1)
        open_turn = past[start + 1 :]
    owing = past if rule == "strict" and has_tools else open_turn
    asked = [m for m in owing if _owes(m) and (m.get("tool_calls") or not calls_only)]
    if any(m.get("reasoning_content") is None for m in asked):
        raise Rejection(text)
    if calls_only and not all(m.get("reasoning_content") for m in open_turn if _owes(m)):
        raise Rejection(text)


def _owes(message: Message) -> bool:
    """Whether it is an answer that may have had reasoning; the service marks the call ids of those that had none."""
    calls = message.get("tool_calls") or ()
    return message["role"] == "assistant" and not any(UNREASONED.match(call["id"]) for call in calls)


def check_json_word(messages: Sequence[Message], response_format: Any) -> None:
    """JSON mode wants the word in the prompt."""
    if (response_format or {}).get("type") != "json_object":
        return
    if not any("json" in content_text(message.get("content")).lower() for message in messages):
        raise Rejection(
            "Prompt must contain the word 'json' in some form to use 'response_format' of type 'json_object'."
        )
