"""Conversion of LlamaIndex messages, content and tools to the core's values, and back."""
