"""The models served at OpenRouter: DeepSeek's models with their catalogue entries, and their hosts."""

from __future__ import annotations

from collections.abc import Mapping

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
    *("frequency_penalty", "include_reasoning", "logit_bias", "logprobs", "max_tokens", "min_p", "presence_penalty"),
    *("reasoning", "repetition_penalty", "response_format", "seed", "stop", "structured_outputs", "temperature"),
    *("tool_choice", "tools", "top_k", "top_logprobs", "top_p"),
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


_FLASH = {"prompt": "0.00000014", "completion": "0.00000028", "input_cache_read": "0.000000028"}
_PRO = {"prompt": "0.00000174", "completion": "0.00000348", "input_cache_read": "0.000000145"}
_PREVIEW = ("xhigh", "high")  # xhigh is DeepSeek's max here: the model page of April 2026
_FINAL = ("max", "high", "low")


def _model(
    name: str, date: int, title: str, efforts: tuple[str, ...], prices: Mapping[str, str], *, images: bool = False
) -> ServedModel:
    slug = f"deepseek/{name.removesuffix('-0731')}-{date}"
    inputs = ["text", "image"] if images else ["text"]
    entry = {
        "id": f"deepseek/{name}",
        "canonical_slug": slug,
        "hugging_face_id": "",
        "name": f"DeepSeek: DeepSeek {title}",
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
        "pricing": {**prices, **dict.fromkeys(("request", "image", "web_search", "internal_reasoning"), "0")},
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
    return ServedModel(f"deepseek/{name}", entry, images)


MODELS = (
    _model("deepseek-v4-flash", 20260423, "V4 Flash", _PREVIEW, _FLASH),
    _model("deepseek-v4-flash-0731", 20260731, "V4 Flash 0731", _FINAL, _FLASH),
    _model("deepseek-v4-flash-vision-exp", 20260815, "V4 Flash Vision (experimental)", _FINAL, _FLASH, images=True),
    _model("deepseek-v4-pro", 20260423, "V4 Pro", _PREVIEW, _PRO),
    _model("deepseek-v4.1-flash", 20260910, "V4.1 Flash", _FINAL, _FLASH, images=True),
)


def price(slug: str, kind: str) -> float:
    """Return dollars per token of a model by its dated slug, or of the first one for a name from elsewhere."""
    entry = next((model.entry for model in MODELS if model.entry["canonical_slug"] == slug), MODELS[0].entry)
    return float(entry["pricing"][kind])
