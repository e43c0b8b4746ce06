"""What a request says, whichever protocol it is written in: its messages in the form of chat completions."""

from __future__ import annotations

from typing import Any

from deepseek_v4.testing import messages_request, responses_request
from deepseek_v4.testing.received import ReceivedRequest

PROTOCOLS = ("chat_completions", "responses", "messages")


def said(request: ReceivedRequest) -> list[dict[str, Any]]:
    """The messages of a request that was accepted. A user message of one text is that text."""
    assert request.status == 200, request.body
    body = request.body
    if request.path.endswith("/responses"):
        messages = responses_request.chat_request(body, strict=True)["messages"]
    elif request.path.endswith("/messages"):
        messages = messages_request.chat_request(body, strict=True)["messages"]
    else:
        messages = body["messages"]
    return [{**message, "content": _plain(message.get("content"))} for message in messages]


def thinks(request: ReceivedRequest) -> bool:
    """Whether a request lets the model think."""
    if request.path.endswith("/responses"):
        return bool((request.body.get("reasoning") or {}).get("effort") != "none")
    return bool((request.body.get("thinking") or {}).get("type") != "disabled")


def grows_at_its_end(shorter: ReceivedRequest, longer: ReceivedRequest) -> bool:
    """Whether the history of a request begins with the bytes of the history of the one before."""
    return longer.raw.startswith(shorter.raw.removesuffix(b"]}"))


def _plain(content: Any) -> Any:
    if isinstance(content, list) and len(content) == 1 and content[0]["type"] == "text":
        return content[0]["text"]
    return content
