"""A request as the client sends it, and values for its tests."""

from __future__ import annotations

from typing import Any

from deepseek_v4 import (
    Client,
    Message,
    Provider,
    ToolSpec,
)
from deepseek_v4.request.prepared_request import PreparedRequest
from tests.unit.protocols.chat.wire import PLAIN

KEY = "sk-secret"
WEATHER = ToolSpec("get_weather", "The weather.", {"type": "object", "properties": {}})
HI = Message.user("Hi")
HOST = Provider("myhost", "https://host.example/v1", "MYHOST_API_KEY", {"chat_completions": PLAIN})


def prepare(*messages: Message, stream: bool = False, provider: Any = "deepseek", **options: Any) -> PreparedRequest:
    own = {name: options.pop(name) for name in ("api_key", "default_headers") if name in options}
    client = Client(provider=provider, **{"api_key": KEY, **own})
    return client.prepare(messages or [HI], options, stream=stream)


def notes(prepared: PreparedRequest) -> list[tuple[str, str]]:
    return [(note.kind, note.option) for note in prepared.notes]
