"""OpenRouter, as the local server imitates it."""
