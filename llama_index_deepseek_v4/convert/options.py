"""The options of a LlamaIndex call, converted to the core's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deepseek_v4.request.option_names import ALIASES
from deepseek_v4.request.settings import FIELDS
from llama_index_deepseek_v4.convert.tools import as_openai_tools

_ALIASES = {**ALIASES, "extra_headers": "default_headers"}
"""``extra_headers`` is the name in OpenAI's SDK, whose options other integrations pass on."""


def call_options(given: Mapping[str, Any], own_headers: Mapping[str, str] | None) -> dict[str, Any]:
    """Return the core's options of a call: LlamaIndex's tools are converted, ``additional_kwargs`` are expanded.

    Args:
        given: The options of the call.
        own_headers: The headers of the model, to which ``extra_headers`` are added unless the provider changes.
    """
    options = dict(given)
    if "additional_kwargs" in options or "extra_headers" in options:
        more = dict(options.pop("additional_kwargs", None) or {})
        if "extra_headers" in options:
            more["extra_headers"] = options.pop("extra_headers")
        own = None if options.get("provider") or more.get("provider") else own_headers
        options |= expanded(more, options.get("extra_body"), options.get("default_headers", own))
    if options.get("tools"):
        options["tools"] = as_openai_tools(options["tools"])
    return options


def expanded(
    more: Mapping[str, Any], extra_body: Mapping[str, Any] | None, headers: Mapping[str, str] | None
) -> dict[str, Any]:
    """Expand ``additional_kwargs`` as in other integrations: known options by name, the rest for the request body.

    Bodies and headers given in both places are joined.
    """
    known = {_ALIASES.get(name, name): value for name, value in more.items()}
    named = {name: value for name, value in known.items() if name in FIELDS}
    rest = {name: value for name, value in more.items() if _ALIASES.get(name, name) not in FIELDS}
    body = {**(extra_body or {}), **(named.pop("extra_body", None) or {}), **rest}
    more_headers = named.get("default_headers", ())
    if more_headers is None or isinstance(more_headers, Mapping):
        named["default_headers"] = {**(headers or {}), **(more_headers or {})}
    return {**named, "extra_body": body} if body else named
