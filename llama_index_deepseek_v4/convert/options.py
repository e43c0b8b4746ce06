"""The options of a LlamaIndex call, converted to the core's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deepseek_v4.request.option_names import ALIASES
from deepseek_v4.request.settings import FIELDS
from llama_index_deepseek_v4.convert.tools import as_openai_tools


def call_options(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the core's options of a call: LlamaIndex's tools are converted, ``additional_kwargs`` are expanded."""
    options = dict(given)
    if "additional_kwargs" in options:
        options |= expanded(options.pop("additional_kwargs") or {}, options.get("extra_body"))
    if options.get("tools"):
        options["tools"] = as_openai_tools(options["tools"])
    return options


def expanded(more: Mapping[str, Any], extra_body: Mapping[str, Any] | None) -> dict[str, Any]:
    """Expand ``additional_kwargs`` as in other integrations: known options by name, the rest for the request body."""
    known = {ALIASES.get(name, name): value for name, value in more.items()}
    named = {name: value for name, value in known.items() if name in FIELDS}
    rest = {name: value for name, value in more.items() if ALIASES.get(name, name) not in FIELDS}
    body = {**(extra_body or {}), **(named.pop("extra_body", None) or {}), **rest}
    return {**named, "extra_body": body} if body else named
