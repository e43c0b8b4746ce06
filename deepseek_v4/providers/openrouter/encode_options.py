"""``OpenRouterOptions`` in a request: the fields and headers that its three endpoints share."""

from __future__ import annotations

from deepseek_v4.protocols.chat_request import ChatRequest
from deepseek_v4.providers.openrouter.options import OpenRouterOptions
from deepseek_v4.values.json import Json
from deepseek_v4.values.notes import Note

UNLISTED = frozenset(
    (
        "max_completion_tokens",
        "parallel_tool_calls",
        "prediction",
        "reasoning_effort",
        "top_a",
        "verbosity",
        "web_search_options",
    )
)
"""Parameters that OpenRouter supports and V4 Flash does not list. With ``require_parameters``, no endpoint accepts a
request that has one of them; without it they are ignored."""

SHARED = frozenset(("provider", "models", "plugins", "session_id", "server_tools", "reasoning", "deferred_tools"))
"""Fields of ``OpenRouterOptions`` in the request body of all three endpoints; ``reasoning`` differs by endpoint."""

MESSAGES_ONLY = frozenset(("fallbacks", "safeguards"))
"""Fields of ``OpenRouterOptions`` that only ``/messages`` has."""

IN_HEADERS = frozenset(
    (
        "app_url",
        "app_title",
        "app_categories",
        "router_metadata",
        "response_cache",
        "response_cache_ttl",
        "response_cache_clear",
    )
)
"""Fields of ``OpenRouterOptions`` that are sent as headers."""


CHAT_ONLY = "not documented for this endpoint: use protocol='chat_completions'"


def encode_shared(body: Json, request: ChatRequest, here: frozenset[str], notes: list[Note]) -> dict[str, str]:
    """Add the options that have the same format on every endpoint, and a note for each that this one does not have.

    Args:
        body: The body, changed in place.
        request: The request with the options.
        here: The options that the endpoint has.
        notes: Receives the notes.

    Returns:
        The headers to send.
    """
    options = request.provider_options
    if options is None:
        return {}
    assert isinstance(options, OpenRouterOptions)
    values = options.set_fields()
    for name in sorted(values.keys() - here):
        why = "only the Messages endpoint has it: use protocol='messages'" if name in MESSAGES_ONLY else CHAT_ONLY
        notes.append(Note("dropped", name, why))
    if options.server_tools and "server_tools" in here:
        body["tools"] = [*body.get("tools", ()), *values["server_tools"]]
    for name in ("provider", "session_id", "deferred_tools"):
        if name in values:
            body[name] = values[name]
    if options.models:
        body["models"] = [full_id(model) for model in options.models]
    if options.plugins:
        body["plugins"] = _plugins(values["plugins"], request, notes)
    return _headers(options)


def _plugins(plugins: list[Json], request: ChatRequest, notes: list[Note]) -> list[Json]:
    if not request.stream:
        return plugins
    kept = [plugin for plugin in plugins if plugin["id"] != "response-healing"]
    if len(kept) < len(plugins):
        notes.append(Note("dropped", "plugins", "response-healing does not support streams"))
    return kept


def _headers(options: OpenRouterOptions) -> dict[str, str]:
    headers: dict[str, str | None] = {
        "http-referer": options.app_url,
        "x-openrouter-title": options.app_title,
        "x-openrouter-categories": ",".join(options.app_categories) if options.app_categories else None,
        "x-openrouter-metadata": "enabled" if options.router_metadata else None,
        "x-openrouter-cache": None if options.response_cache is None else str(options.response_cache).lower(),
        "x-openrouter-cache-ttl": None if options.response_cache_ttl is None else str(options.response_cache_ttl),
        "x-openrouter-cache-clear": "true" if options.response_cache_clear else None,
    }
    return {name: value for name, value in headers.items() if value is not None}


def full_id(model: str) -> str:
    """Add the author prefix that OpenRouter requires; DeepSeek's own ids do not have it."""
    return f"deepseek/{model}" if "/" not in model and model.startswith("deepseek") else model
