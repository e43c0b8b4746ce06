"""The blocks of Anthropic's form that each message may have, and the pairs of calls and results.

The rules and texts are those of `deepseek-recipe` 0.2.0, DeepSeek's own request parser.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from deepseek_v4.testing.checks.messages import is_base64
from deepseek_v4.testing.outcome import Rejection

MISPLACED = {
    "tool_result": "messages.{}: `tool_result` blocks can only be in `user` messages",
    "tool_use": "messages.{}: `tool_use` blocks can only be in `assistant` messages",
    "thinking": "messages.{}.content: thinking blocks may only be in `assistant` messages",
    "image": "Image in assistant message is unsupported",
}


def check_blocks(messages: Sequence[Mapping[str, Any]]) -> None:
    """Check the place of each block, and that the results of a message's calls begin the next message."""
    if not messages:
        raise Rejection("messages: at least one message is required")
    call_ids: list[str] = []
    unanswered: list[str] = []
    at = 0
    for position, message in enumerate(messages):
        content = message["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        if not blocks and message["role"] in ("user", "assistant"):
            raise Rejection(f"messages.{position}: all messages must have non-empty content")
        by_assistant = message["role"] == "assistant"
        called: list[str] = []
        for number, block in enumerate(blocks):
            kind = block["type"]
            if kind in ("tool_result", "image") if by_assistant else kind in ("tool_use", "thinking"):
                raise Rejection(MISPLACED[kind].format(position))
            if kind == "image" and block["source"]["type"] == "base64" and not is_base64(block["source"]["data"]):
                raise Rejection(f"messages.{position}.content[{number}]: base64 decode error")
            if kind == "tool_result":
                _answer(block["tool_use_id"], call_ids, unanswered, f"{position}.content.{number}")
                continue
            if unanswered:
                _refuse_unanswered(f"{position}: ", unanswered)
            if kind == "tool_use":
                if block["id"] in called:
                    raise Rejection(f"messages.{position}.content.{number}: `tool_use` ids must be unique")
                called.append(block["id"])
            elif called and kind != "thinking":
                _refuse_unanswered(f"{position}.{number}: ", called)
        if unanswered:
            _refuse_unanswered(f"{at}:", unanswered)
        call_ids, unanswered, at = called, list(called), position
    if unanswered:
        _refuse_unanswered(f"{at}:", unanswered)


def _answer(call_id: str, call_ids: list[str], unanswered: list[str], place: str) -> None:
    if call_id in unanswered:
        unanswered.remove(call_id)
    elif call_id in call_ids:
        raise Rejection(
            f"messages.{place}: each tool_use must have a single result. "
            f"Found multiple `tool_result` blocks with id: {call_id}"
        )
    else:
        raise Rejection(
            f"unexpected `messages.{place}: tool_use_id` found in `tool_result` blocks: {call_id}. "
            "Each `tool_result` block must have a corresponding `tool_use` block in the previous message."
        )


def _refuse_unanswered(place: str, call_ids: Sequence[str]) -> NoReturn:
    raise Rejection(
        f"messages.{place}`tool_use` ids were found without `tool_result` blocks immediately after: "
        f"{', '.join(call_ids)}. Each `tool_use` block must have a corresponding `tool_result` block "
        "in the next message."
    )
