"""Requests of these tests to a local server: plain httpx, none of our clients."""

from __future__ import annotations

import json
from typing import Any

import httpx

from deepseek_v4.testing import LocalServer

OFF = {"type": "disabled"}


class Caller:
    """Sends requests to one local server."""

    def __init__(self, server: LocalServer) -> None:
        self.server = server
        self.http = httpx.Client(
            base_url=server.base_url,
            headers={"authorization": f"Bearer {server.api_key}"},
            timeout=10,
            trust_env=False,
            verify=False,  # loading certificates takes longer than a test; the server does not use TLS
        )

    def chat(self, text: str = "Hello", path: str = "/chat/completions", **body: Any) -> httpx.Response:
        """Send a chat request; `model` and `messages` have defaults."""
        body = {"model": "deepseek-flash", "messages": [{"role": "user", "content": text}], **body}
        return self.http.post(path, json=body)

    def responses(self, given: Any = "Hello", /, path: str = "/responses", **body: Any) -> httpx.Response:
        """Send a request to Responses; the text may be a list of items."""
        return self.http.post(path, json={"model": "deepseek-flash", "input": given, **body})

    def messages(self, text: str = "Hello", /, path: str = "/anthropic/v1/messages", **body: Any) -> httpx.Response:
        """Send a request in Anthropic's form."""
        given = [{"role": "user", "content": text}]
        return self.http.post(path, json={"model": "deepseek-flash", "max_tokens": 4096, "messages": given, **body})

    def stream(self, text: str = "Hello", **body: Any) -> list[Any]:
        """Return the parsed events of a streamed answer; `[DONE]` stays text."""
        return events(self.chat(text, stream=True, **body).content)


def events(body: bytes) -> list[Any]:
    """Return the data of server-sent events."""
    frames = [frame for frame in body.decode().split("\n\n") if frame.startswith("data: ")]
    return [f if f == "[DONE]" else json.loads(f) for f in (frame[6:] for frame in frames)]


def named_events(body: bytes) -> list[Any]:
    """Return the data of events; check that their names are their types."""
    parsed = []
    for frame in body.decode().split("\n\n"):
        if frame.startswith("event: "):
            name, _, data = frame.partition("\n")
            parsed.append(json.loads(data.removeprefix("data: ")))
            assert parsed[-1]["type"] == name.removeprefix("event: ")
        else:
            assert not frame or frame.startswith((":", 'data: {"id":"local-server"'))
    return parsed


def tool(name: str, properties: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """Return a function tool whose properties are all required."""
    properties = properties or {}
    parameters = {"type": "object", "properties": properties, "required": list(properties)}
    return {"type": "function", "function": {"name": name, "parameters": parameters, **more}}
