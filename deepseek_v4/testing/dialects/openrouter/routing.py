"""The model and the host of a request at OpenRouter, or the reason why it has none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deepseek_v4.testing.dialects.openrouter.models import HOSTS, MODELS, QUANTIZATION, SUFFIXES, UNLISTED
from deepseek_v4.testing.exchange import ServedModel
from deepseek_v4.testing.options import ServerOptions
from deepseek_v4.testing.outcome import Rejection

DOCS = "https://openrouter.ai/docs/api/reference/errors-and-debugging"


@dataclass(frozen=True, slots=True)
class Route:
    """The model and the host of a request."""

    model: ServedModel
    slug: str
    host: str
    searches: bool


def find_route(body: Mapping[str, Any], options: ServerOptions) -> Route:
    """Return the model and the host that answer."""
    requested = [name for name in (body.get("model"), *(body.get("models") or ())) if name is not None]
    requested = requested or [MODELS[0].id]  # without a model, the account's default one
    known = [(name, _named(name, options)) for name in requested]
    up = [(name, model) for name, model in known if name not in options.unavailable_models]
    if not up:
        raise _no_model(
            f"No endpoints are available for {requested[0]}.", 503, "temporarily_unavailable", requested, True
        )
    name, model = up[0]
    host = _host(body, model, requested)
    slug = model.entry.get("canonical_slug", name)
    return Route(model, slug, HOSTS[host], "online" in name.split(":")[1:])


def _named(name: str, options: ServerOptions) -> ServedModel:
    base, *suffixes = name.removeprefix("~").removesuffix("-latest").split(":")
    model = next((one for one in MODELS if one.id == base), None)
    if model is not None and set(suffixes) <= set(SUFFIXES):
        return model
    if name in options.extra_models:
        return ServedModel(name, {}, sees_images=True, listed=False)
    raise _no_model(f"{name} is not a valid model ID", 400, "model_not_found", [name], False)


def _host(body: Mapping[str, Any], model: ServedModel, requested: Sequence[str]) -> str:
    wishes = body.get("provider") or {}
    excluded_by = [name for name in ("only", "ignore", "order") if wishes.get(name)]
    only, ignored, order = (_slugs(wishes.get(name) or ()) for name in ("only", "ignore", "order"))
    left = [host for host in HOSTS if host not in ignored and (host in only or not only)]
    if order:
        first = [host for host in order if host in left]
        rest = [host for host in left if host not in first]
        left = first if wishes.get("allow_fallbacks") is False else first + rest
    if not left:
        words = "No allowed providers are available for the selected model."
        raise _constrained(words, excluded_by, requested)
    unlisted = [name for name in UNLISTED if body.get(name) is not None]
    if wishes.get("require_parameters") and unlisted:
        words = f"No endpoints found that can handle the requested parameters: {', '.join(unlisted)}."
        raise _constrained(words, ["require_parameters"], requested)
    if wishes.get("quantizations") and QUANTIZATION not in wishes["quantizations"]:
        raise _constrained("No endpoints found with the requested quantizations.", ["quantizations"], requested)
    if _too_dear(wishes.get("max_price") or {}, model):
        raise _constrained("No endpoints found within max_price.", ["max_price"], requested)
    return left[0]


def _slugs(names: Sequence[str]) -> list[str]:
    """Return hosts by slug, with or without an endpoint's suffix, or by the name they show."""
    return [name.split("/")[0].lower() for name in names]


def _too_dear(most: Mapping[str, Any], model: ServedModel) -> bool:
    prices = model.entry.get("pricing") or {}
    return any(
        kind in prices and float(most[kind]) < float(prices[kind]) * 1_000_000 - 1e-9
        for kind in ("prompt", "completion")
        if kind in most
    )


def _constrained(message: str, excluded_by: Sequence[str], requested: Sequence[str]) -> Rejection:
    return _no_model(message, 404, "constraint_filtered", requested, False, excluded_by=list(excluded_by))


def _no_model(
    message: str, status: int, code: str, requested: Sequence[str], retryable: bool, **more: Any
) -> Rejection:
    availability = {
        "code": code,
        "retryable": retryable,
        "requested_models": list(requested),
        **({"retry_after": 1} if retryable else {}),
        **more,
        "docs_url": DOCS,
    }
    headers = {"retry-after": "1"} if retryable else {}
    return Rejection(message, status, headers=headers, details={"availability": availability})
