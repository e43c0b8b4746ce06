"""Typed answers: instances of a class. The code is imported at the first one: 4 of 66 ms of the import."""

from typing import TYPE_CHECKING

from deepseek_v4._lazy import attributes

if TYPE_CHECKING:
    from llama_index_deepseek_v4.typed import predict
    from llama_index_deepseek_v4.typed.request import TypedRequest
    from llama_index_deepseek_v4.typed.structured_llm import DeepSeekStructuredLLM

__all__ = ["DeepSeekStructuredLLM", "TypedRequest", "predict"]

__getattr__ = attributes(
    globals(), {"DeepSeekStructuredLLM": "structured_llm", "TypedRequest": "request", "predict": "predict"}
)
