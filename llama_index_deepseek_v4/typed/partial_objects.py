"""The objects of a typed answer while it streams: each holds what has arrived so far."""

from __future__ import annotations

from typing import Any

from llama_index.core.program.utils import FlexibleModel, create_flexible_model

from deepseek_v4.integration.partial_answer import PartialAnswer
from llama_index_deepseek_v4.convert.chunks import ChatResponseChunk
from llama_index_deepseek_v4.typed.request import TypedRequest


class PartialObjectParser:
    """Parses a typed answer while it streams: takes chunks, returns objects with what has been received so far."""

    def __init__(self, request: TypedRequest) -> None:
        self._request = request
        self._flexible: type[FlexibleModel] = create_flexible_model(request.output_cls)
        self._answer = PartialAnswer()
        self._seen = 0

    def add(self, response: ChatResponseChunk) -> Any:
        """Return the object after a chunk; None if the chunk adds nothing."""
        known = self._answer.feed(self._added_text(response))
        if not isinstance(known, dict):
            return None
        try:
            return self._request.output_cls.model_validate(known)
        except Exception:  # a validator in the class may raise anything while fields are missing
            return self._flexible.model_validate(known)

    def _added_text(self, response: ChatResponseChunk) -> str:
        """Return the characters of JSON that a chunk adds."""
        if not self._request.in_tool_call:
            return response.delta or ""
        calls = response.message.additional_kwargs.get("tool_calls")
        if not calls:
            return ""
        arguments: str = calls[0]["function"]["arguments"]
        seen, self._seen = self._seen, len(arguments)
        return arguments[seen:]
