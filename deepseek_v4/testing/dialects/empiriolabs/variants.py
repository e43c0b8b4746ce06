"""DeepSeek V4 Flash at EmpirioLabs: the regional variants, with their capabilities and prices.

Source: the model page (2026-11). It has only the names of the third and later variants; here these only reason.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

CONTEXT_WINDOW = 1_000_000
LARGEST_BUDGET = 393_216
EFFORTS = ("none", "low", "medium", "high", "max")
# "Bounded thinking budgets sized to the model": the numbers are not published, so these are assumptions.
BUDGETS: Mapping[str, int] = {"low": 4096, "medium": 16_384, "high": 65_536, "max": LARGEST_BUDGET}
DEFAULTS: Mapping[str, Any] = {
    "temperature": 0.7,
    "top_p": 0.9,
    "max_tokens": 4096,
    "enable_thinking": True,
    "thinking_budget": 32_768,
    "reasoning_effort": "medium",
}
NAMES = ("deepseek-v4-flash", "deepseek-v4-flash-0731")
NUMBER = re.compile(r"variant(\d+)")


@dataclass(frozen=True, slots=True)
class Variant:
    """One variant; prices are in USD per million tokens, that of a search per request."""

    region: str
    features: tuple[str, ...]  # the words of the page
    prompt: float
    completion: float
    cached: float | None = None
    search: str | None = None  # the switch of its web search
    search_price: float | None = None
    max_output: int = LARGEST_BUDGET

    def has(self, feature: str) -> bool:
        """Return True if the documentation lists a feature."""
        return feature in self.features


BASE = Variant(
    "Germany (Frankfurt)", ("reasoning",), 0.14, 0.28, search="web_search_linkup", search_price=0.013
)  # fmt: skip
NUMBERED: Mapping[str, Variant] = {
    "variant1": Variant(
        "Singapore", ("reasoning", "web_search"), 0.20, 0.40, search="tool_web_search", search_price=0.02
    ),
    "variant2": Variant(
        "China",
        ("reasoning", "function_calling", "web_search", "cache"),
        0.138,
        0.275,
        cached=0.028,
        search="tool_web_search",
        search_price=0.01,
        max_output=384_000,
    ),
}
OTHER = Variant("undisclosed", ("reasoning",), 0.14, 0.28)


def variant_named(model: str) -> Variant | None:
    """Return the variant of a model id; `None` for an id that is not served."""
    name, _, suffix = model.partition(":")
    if name not in NAMES:
        return None
    if not suffix:
        return BASE
    return NUMBERED.get(suffix, OTHER) if NUMBER.fullmatch(suffix) else None


def entry(model: str, variant: Variant) -> dict[str, Any]:
    """Return the machine-readable schema of a variant. Its exact form is not published, so this is an assumption."""
    parameters = [
        _parameter("temperature", "number", low=0, high=2),
        _parameter("top_p", "number", low=0, high=1),
        _parameter("max_tokens", "number", low=1, high=LARGEST_BUDGET),
        _parameter("stop", "string"),
        _parameter("enable_thinking", "boolean"),
        _parameter("thinking_budget", "number", low=1, high=LARGEST_BUDGET),
        {**_parameter("reasoning_effort", "enum"), "allowed": list(EFFORTS)},
    ]
    switches = [variant.search] if variant.search is not None else []
    switches += ["disable_formatting"] if variant is BASE else []
    parameters += [{**_parameter(name, "boolean"), "default": False} for name in switches]
    charges = (
        ("input", "1M tokens", variant.prompt),
        ("output", "1M tokens", variant.completion),
        ("cache_read", "1M tokens", variant.cached),
        ("web_search", "request", variant.search_price),
    )
    rows = [
        {"charge": charge, "unit": unit, "price": price, "currency": "USD"}
        for charge, unit, price in charges
        if price is not None
    ]
    return {
        "id": model,
        "object": "model",
        "name": "DeepSeek V4 Flash",
        "provider": "DeepSeek",
        "category": "text-generation",
        "region": variant.region,
        "context_window": CONTEXT_WINDOW,
        "max_output_tokens": variant.max_output,
        "modalities": {"input": ["text"], "output": ["text"]},
        "features": list(variant.features),
        "capabilities": {
            "streaming": True,
            "system_prompt": True,
            "reasoning": variant.has("reasoning"),
            "function_calling": variant.has("function_calling"),
            "web_search": variant.search is not None,
            "cache": variant.has("cache"),
            "images": False,
        },
        "supported_endpoints": ["/v1/chat/completions", "/v1/responses", "/v1/messages"],
        "supported_parameters": parameters,
        "default_params": dict(DEFAULTS),
        "pricing": {"input": variant.prompt, "output": variant.completion, "cache_read": variant.cached},
        "pricing_rows": rows,
        "native_inference": False,
        "status": "online",
    }


def _parameter(name: str, kind: str, low: float | None = None, high: float | None = None) -> dict[str, Any]:
    parameter: dict[str, Any] = {"name": name, "type": kind, "required": False, "default": DEFAULTS.get(name)}
    return parameter if low is None else {**parameter, "min": low, "max": high}
