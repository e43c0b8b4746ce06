"""The options to call the engine, and the answers of its toy model."""

from __future__ import annotations

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


def options(url: str, protocol: str, provider: str = "llamacpp") -> dict[str, object]:
    """Return the constructor options of either adapter. Temperature 0, so that an answer is the same each time."""
    return {
        "provider": provider,
        "protocol": protocol,
        "model": "v4tiny",
        "base_url": url,
        "api_key": KEY,
        "temperature": 0,
        "max_tokens": 200,
        "max_retries": 0,
    }
