"""The models served at OpenRouter: DeepSeek's models with their catalogue entries, and their hosts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deepseek_v4.testing.exchange import ServedModel

CONTEXT_LENGTH = 1_048_576
SUFFIXES = ("free", "nitro", "floor", "online", "exacto", "extended", "thinking")
# Routing slugs and the names that answers show.
HOSTS: Mapping[str, str] = {
    "deepseek": "DeepSeek",
    "deepinfra": "DeepInfra",
    "novita": "Novita",
    "fireworks": "Fireworks",
    "together": "Together",
    "siliconflow": "SiliconFlow",
}
QUANTIZATION = "fp8"
# `supported_parameters` of deepseek/deepseek-v4-flash, from the model page.
LISTED = (
    "frequency_penalty",
    "include_reasoning",
    "logit_bias",
    "logprobs",
    "max_tokens",
    "min_p",
    "presence_penalty",
    "reasoning",
    "repetition_penalty",
    "response_format",
    "seed",
    "stop",
    "structured_outputs",
    "temperature",
    "tool_choice",
    "tools",
    "top_k",
    "top_logprobs",
    "top_p",
)
# Parameters that the router supports and these models do not list.
UNLISTED = (
    "max_completion_tokens",
    "parallel_tool_calls",
    "reasoning_effort",
    "top_a",
    "verbosity",
    "prediction",
    "web_search_options",
)


def _model(
    name: str, slug: str, title: str, efforts: tuple[str, ...], prompt: str, completion: str, cached: str, **more: Any
) -> ServedModel:
    sees_images = bool(more.get("images"))
    inputs = ["text", "image"] if sees_images else ["text"]
    entry = {
        "id": name,
        "canonical_slug": slug,
        "hugging_face_id": "",
        "name": f"DeepSeek: {title}",
        "created": 1_776_902_400,
        "description": "Scripted: the local server answers for it.",
        "context_length": CONTEXT_LENGTH,
        "architecture": {
            "modality": f"{'+'.join(inputs)}->text",
            "input_modalities": inputs,
            "output_modalities": ["text"],
            "tokenizer": "DeepSeek",
            "instruct_type": None,
        },
        "pricing": {
            "prompt": prompt,
            "completion": completion,
            "request": "0",
            "image": "0",
            "web_search": "0",
            "internal_reasoning": "0",
            "input_cache_read": cached,
        },
        "top_provider": {"context_length": CONTEXT_LENGTH, "max_completion_tokens": 384_000, "is_moderated": False},
        "per_request_limits": None,
        "supported_parameters": list(LISTED),
        "default_parameters": {},
        "knowledge_cutoff": None,
        "expiration_date": None,
        "links": {"details": f"/api/v1/models/{slug}/endpoints"},
        "reasoning": {
            "mandatory": False,
            "default_enabled": True,
            "default_effort": "high",
            "supported_efforts": list(efforts),
        },
    }
    return ServedModel(name, entry, sees_images)


_PREVIEW = ("xhigh", "high")  # xhigh is DeepSeek's max here: the model page of April 2026
_FINAL = ("max", "high", "low")

MODELS = (
    _model(
        "deepseek/deepseek-v4-flash",
        "deepseek/deepseek-v4-flash-20260423",
        "DeepSeek V4 Flash",
        _PREVIEW,
        "0.00000014",
        "0.00000028",
        "0.000000028",
    ),
    _model(
        "deepseek/deepseek-v4-flash-0731",
        "deepseek/deepseek-v4-flash-20260731",
        "DeepSeek V4 Flash 0731",
        _FINAL,
        "0.00000014",
        "0.00000028",
        "0.000000028",
    ),
    _model(
        "deepseek/deepseek-v4-flash-vision-exp",
        "deepseek/deepseek-v4-flash-vision-exp-20260815",
        "DeepSeek V4 Flash Vision (experimental)",
        _FINAL,
        "0.00000014",
        "0.00000028",
        "0.000000028",
        images=True,
    ),
    _model(
        "deepseek/deepseek-v4-pro",
        "deepseek/deepseek-v4-pro-20260423",
        "DeepSeek V4 Pro",
        _PREVIEW,
        "0.00000174",
        "0.00000348",
        "0.000000145",
    ),
    _model(
        "deepseek/deepseek-v4.1-flash",
        "deepseek/deepseek-v4.1-flash-20260910",
        "DeepSeek V4.1 Flash",
        _FINAL,
        "0.00000014",
        "0.00000028",
        "0.000000028",
        images=True,
    ),
)


def price(slug: str, kind: str) -> float:
    """Return dollars per token of a model by its dated slug, or of the first one for a name from elsewhere."""
    entry = next((model.entry for model in MODELS if model.entry["canonical_slug"] == slug), MODELS[0].entry)
    return float(entry["pricing"][kind])
