"""OpenRouter, as the local server plays it."""
