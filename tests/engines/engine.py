"""The engine as a provider: ``provider="vllm"`` for chat completions, a provider of our own for the other protocols.

No provider in the catalog serves Responses and Messages of a self-hosted engine yet, so this one combines the dialects
of others, as a user would do it (``docs/add-a-provider.md``).
"""

from __future__ import annotations

import dataclasses

from deepseek_v4.providers.deepseek import DeepSeekMessages, DeepSeekResponses
from deepseek_v4.providers.vllm import VLLM

KEY = "secret-key"
PROTOCOLS = ("chat_completions", "responses", "messages")

QUESTION = "What is 17 * 23?"
ANSWER = "The answer is 391. It was easy to find, and it is right."
THOUGHT = "17 * 23 = 391. I am sure of it."

WEATHER_QUESTION = "What is the weather in Paris and in Rome?"
WEATHER_THOUGHT = "I need the weather in both cities. I call the tool twice."
WEATHER_ANSWER = "It is 18 degrees in Paris and 24 degrees in Rome."
WEATHER_TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city just now.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


class EngineMessages(DeepSeekMessages):
    """``POST /v1/messages``, as engines serve it."""

    path = "/messages"


ENGINE = dataclasses.replace(
    VLLM, name="engine", dialects={**VLLM.dialects, "responses": DeepSeekResponses(), "messages": EngineMessages()}
)


def options(url: str, protocol: str) -> dict[str, object]:
    """Constructor options of either adapter. Temperature 0, so that an answer is the same each time."""
    return {
        "provider": "vllm" if protocol == "chat_completions" else ENGINE,
        "protocol": protocol,
        "model": "v4tiny",
        "base_url": url,
        "api_key": KEY,
        "temperature": 0,
        "max_tokens": 200,
        "max_retries": 0,
    }
