"""The body of the HTTP request to a provider, parsed from its bytes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from deepseek_v4 import Client, Message
from deepseek_v4.request.prepared_request import PreparedRequest

MODELS = {
    "openrouter": "deepseek/deepseek-v4-flash",
    "vllm": "deepseek-ai/DeepSeek-V4-Flash",
    "sglang": "deepseek-ai/DeepSeek-V4-Flash",
}


def prepared(
    provider: Any,
    messages: str | Sequence[Message] = "Hi",
    *,
    model: str | None = None,
    stream: bool = False,
    base_url: str | None = None,
    **options: Any,
) -> PreparedRequest:
    name = provider if isinstance(provider, str) else provider.name
    client = Client(
        provider=provider, model=model or MODELS.get(name, "deepseek-v4-flash"), api_key="sk-test", base_url=base_url
    )
    return client.prepare(messages, options, stream=stream)


def body(provider: Any, messages: str | Sequence[Message] = "Hi", **options: Any) -> dict[str, Any]:
    parsed = json.loads(prepared(provider, messages, **options).http.body)
    assert isinstance(parsed, dict)
    return parsed


def added(provider: Any, messages: str | Sequence[Message] = "Hi", *, model: str | None = None, **options: Any) -> Any:
    """Return the fields that options add to a request; fail if they remove one."""
    without = body(provider, messages, model=model)
    with_them = body(provider, messages, model=model, **options)
    assert without.keys() <= with_them.keys()
    return {key: value for key, value in with_them.items() if key not in without or without[key] != value}


def notes(provider: Any, messages: str | Sequence[Message] = "Hi", **options: Any) -> list[str]:
    return [str(note) for note in prepared(provider, messages, **options).notes]
