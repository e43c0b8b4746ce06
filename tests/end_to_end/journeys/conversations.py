"""The messages of a request of any protocol, in the format of chat completions."""

from __future__ import annotations

from typing import Any

from deepseek_v4.testing import LocalServer
from deepseek_v4.testing.reading import messages as messages_request
from deepseek_v4.testing.reading import responses
from deepseek_v4.testing.request_log import ReceivedRequest

PROTOCOLS = ("chat_completions", "responses", "messages")
ENDPOINTS = tuple(
    (provider, protocol) for provider in ("deepseek", "openrouter", "empiriolabs:variant2") for protocol in PROTOCOLS
)
"""Every provider that serves all protocols, with each of them."""


def server_of(endpoint: tuple[str, str]) -> LocalServer:
    """The endpoint's provider in its strictest mode: with tools declared, every past turn owes its reasoning."""
    return LocalServer(provider=endpoint[0].partition(":")[0], passback="strict", fragment="journeys")


def address_of(endpoint: tuple[str, str], server: LocalServer) -> dict[str, Any]:
    """All that changes from one endpoint to the next."""
    provider, protocol = endpoint
    return {"provider": provider, "protocol": protocol, "base_url": server.base_url, "api_key": server.api_key}


def messages_of(request: ReceivedRequest) -> list[dict[str, Any]]:
    """The messages of a request that was accepted. A user message of one text is that text, a record its text."""
    assert request.status == 200, request.body
    body = request.body
    if request.path.endswith("/responses"):
        messages = responses.chat_request(body)["messages"]
    elif request.path.endswith("/messages"):
        messages = messages_request.chat_request(body)["messages"]
    else:
        messages = body["messages"]
    return [_plain(message) for message in messages]


def thinks(request: ReceivedRequest) -> bool:
    """Whether a request lets the model think, in the words of any of the endpoints."""
    body = request.body
    switched_off = body.get("enable_thinking") is False or (body.get("thinking") or {}).get("type") == "disabled"
    return not switched_off and bool((body.get("reasoning") or {}).get("effort") != "none")


def grows_at_its_end(shorter: ReceivedRequest, longer: ReceivedRequest) -> bool:
    """Whether the history of a request begins with the bytes of the history of the one before."""
    return longer.raw.startswith(shorter.raw.removesuffix(b"]}"))


def _plain(message: dict[str, Any]) -> dict[str, Any]:
    content = message.get("content")
    if isinstance(content, list) and len(content) == 1 and content[0]["type"] == "text":
        content = content[0]["text"]
    plain = {**message, "content": content}
    if plain.get("reasoning_content") == " ":  # what Responses sends for a turn without a thought, where "" is refused
        plain["reasoning_content"] = ""
    details = plain.pop("reasoning_details", None)
    if details is not None:  # OpenRouter's record: with the text that it contains, or alone if it is empty
        text = "".join(detail["text"] for detail in details)
        assert plain.setdefault("reasoning_content", text) == text
    return plain
