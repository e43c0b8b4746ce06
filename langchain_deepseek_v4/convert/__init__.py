"""Conversion of LangChain messages, content and tools to the core's values, and back."""
