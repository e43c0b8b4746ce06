"""The names of the options: aliases, which options a call cannot set, and the error for an unknown name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic.fields import FieldInfo

from deepseek_v4.providers.base import did_you_mean

ALIASES: Mapping[str, str] = {
    "model_name": "model",
    "api_base": "base_url",
    "stop_sequences": "stop",
    "max_completion_tokens": "max_tokens",
    "request_timeout": "timeout",
    "http_sync_client": "http_client",
    "async_http_client": "http_async_client",
}
"""Aliases from other integrations -> option names of this package."""

OF_PROCESS = frozenset({"http_client", "http_async_client", "on_retry"})
"""Options that a pickle leaves out: sockets cannot be pickled, and a function often cannot."""

CONSTRUCTOR_ONLY = OF_PROCESS | {"api_key", "api_key_variable", "budget", "limiter"}
"""Options that cannot be set per call."""

CALL_ONLY = frozenset({"tools", "tool_choice", "response_format", "parallel_tool_calls", "prefix", "suffix", "echo"})
"""Options that belong to one call and are not constructor fields."""


def canonical(given: Mapping[str, Any], known: Mapping[str, FieldInfo]) -> dict[str, Any]:
    """Return options by their canonical names.

    Args:
        given: Options by name or alias.
        known: The fields of the class that has the options.

    Raises:
        ValueError: for an option of a call, or an unknown name, with the nearest known one.
    """
    values = dict(given)
    for alias, name in ALIASES.items():
        if alias in values and alias not in known:
            value = values.pop(alias)
            if name in values and values[name] != value:
                raise ValueError(f"{alias} is an alias of {name}. Set only one of them.")
            values[name] = value
    for name in values:
        if name not in known and not any(field.alias == name for field in known.values()):
            if name in CALL_ONLY:
                raise ValueError(f"{name} cannot be set in the constructor. Pass it to each call.")
            raise ValueError(unknown_option(name, [n for n in known if not n.startswith("_")]))
    return values


def unknown_option(name: str, known: list[str]) -> str:
    """Return the error message for an unknown option."""
    hint = did_you_mean(name, known) or " See docs/parameters.md."
    return (
        f"Unknown option {name!r}.{hint} To send a field that this package does not know, use "
        f"extra_body={{{name!r}: …}}."
    )
