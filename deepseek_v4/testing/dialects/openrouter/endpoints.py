"""OpenRouter's endpoints for its models and for an account."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deepseek_v4.testing.dialects.openrouter.models import HOSTS, LISTED, QUANTIZATION
from deepseek_v4.testing.exchange import Exchange
from deepseek_v4.testing.outcome import Outcome, Rejection, dumps


def answer_models(exchange: Exchange) -> Outcome:
    """Return all models."""
    entries = [model.entry for model in exchange.dialect.models if model.listed]
    return _body({"data": entries, "total_count": len(entries), "links": {"next": None}})


def answer_model(exchange: Exchange) -> Outcome:
    """Return one model; aliases and variants are resolved."""
    return _body({"data": _entry(exchange)})


def answer_model_endpoints(exchange: Exchange) -> Outcome:
    """Return the hosts of a model."""
    entry = _entry(exchange)
    hosts = [
        {
            "name": f"{title} | {entry['id']}",
            "provider_name": title,
            "tag": slug,
            "context_length": entry["context_length"],
            "max_completion_tokens": entry["top_provider"]["max_completion_tokens"],
            "max_prompt_tokens": None,
            "quantization": QUANTIZATION,
            "pricing": entry["pricing"],
            "supported_parameters": list(LISTED),
            "status": 0,
            "uptime_last_30m": 100.0,
            "supports_implicit_caching": slug == "deepseek",
        }
        for slug, title in HOSTS.items()
    ]
    kept = ("id", "name", "created", "description", "architecture")
    return _body({"data": {**{key: entry[key] for key in kept}, "endpoints": hosts}})


def answer_key(exchange: Exchange) -> Outcome:
    """Return the key and its limits."""
    limits = {"limit": None, "limit_remaining": None, "usage": 0.0, "is_free_tier": False}
    return _body({"data": {"label": "sk-or-v1-loc...ver", **limits}})


def answer_credits(exchange: Exchange) -> Outcome:
    """Return the amounts that were bought and spent."""
    return _body({"data": {"total_credits": 110.0, "total_usage": 10.0}})


def _entry(exchange: Exchange) -> Mapping[str, Any]:
    name = exchange.path_parameters["id"].partition(":")[0]
    entries = [m.entry for m in exchange.dialect.models if name in (m.id, m.entry.get("canonical_slug"))]
    if not entries:
        raise Rejection(f"Model {name} not found", status=404)
    return entries[0]


def _body(value: Mapping[str, Any]) -> Outcome:
    return Outcome((dumps(value),))
