"""LlamaIndex messages, content and tools to our own values, and back."""
