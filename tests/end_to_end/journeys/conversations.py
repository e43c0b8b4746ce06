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
    """Return a local server of the provider, strict: with tools, every past turn must have its reasoning."""
    return LocalServer(provider=endpoint[0].partition(":")[0], passback="strict", fragment="journeys")


def connection_to(endpoint: tuple[str, str], server: LocalServer) -> dict[str, Any]:
    """Return the model options of an endpoint."""
    provider, protocol = endpoint
    return {"provider": provider, "protocol": protocol, "base_url": server.base_url, "api_key": server.api_key}


def messages_of(request: ReceivedRequest) -> list[dict[str, Any]]:
    """Return the messages of an accepted request; content of one text part and OpenRouter's records become text."""
    assert request.status == 200, request.body
    body = request.body
    if request.path.endswith("/responses"):
        messages = responses.chat_request(body)["messages"]
    elif request.path.endswith("/messages"):
        messages = messages_request.chat_request(body)["messages"]
    else:
        messages = body["messages"]
    return [_plain(message) for message in messages]


def thinking_is_on(request: ReceivedRequest) -> bool:
    """Return True if thinking is on in a request to any of the endpoints."""
    body = request.body
    switched_off = body.get("enable_thinking") is False or (body.get("thinking") or {}).get("type") == "disabled"
    return not switched_off and bool((body.get("reasoning") or {}).get("effort") != "none")


def is_extended_by(shorter: ReceivedRequest, longer: ReceivedRequest) -> bool:
    """Return True if the longer request begins with the bytes of the shorter one's history."""
    return longer.raw.startswith(shorter.raw.removesuffix(b"]}"))


def _plain(message: dict[str, Any]) -> dict[str, Any]:
    content = message.get("content")
    if isinstance(content, list) and len(content) == 1 and content[0]["type"] == "text":
        content = content[0]["text"]
    plain = {**message, "content": content}
    if plain.get("reasoning_content") == " ":  # sent on Responses for a turn without reasoning: "" is refused
        plain["reasoning_content"] = ""
    details = plain.pop("reasoning_details", None)
    if details is not None:  # OpenRouter's record: sent with its text, or alone if the text is empty
        text = "".join(detail["text"] for detail in details)
        assert plain.setdefault("reasoning_content", text) == text
    return plain
