"""A client without sockets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx

from deepseek_v4 import Client

Handler = Callable[[httpx.Request], httpx.Response]
COMPLETION: dict[str, Any] = {
    "id": "1",
    "model": "m",
    "choices": [{"index": 0, "message": {"content": "Hi"}, "finish_reason": "stop"}],
}


def client(handler: Handler, **options: Any) -> Client:
    """Return a client whose requests a function answers."""
    http = httpx.Client(transport=httpx.MockTransport(handler))
    return Client(**{"api_key": "sk-test", "http_client": http, **options})
