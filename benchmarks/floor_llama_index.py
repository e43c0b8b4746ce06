"""LlamaIndex's own cost: a class that returns ready-made chunks and sends no requests."""

from __future__ import annotations

from typing import Any

import orjson
from llama_index.core.llms.callbacks import llm_chat_callback

from benchmarks.proto_llama_index import Fold, ProtoLLM
from benchmarks.server import body_of, whole


class FloorLLM(ProtoLLM):
    """LlamaIndex without HTTP. The responses are created in advance."""

    base_url: str = ""
    kind: str

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._client = list(Fold().feed(body_of(self.kind))) if "-" in self.kind else []
        self._async = orjson.loads(whole())

    @llm_chat_callback()
    def chat(self, messages: Any, **kwargs: Any) -> Any:
        """Return one complete answer."""
        return self._response(self._async)

    @llm_chat_callback()
    async def achat(self, messages: Any, **kwargs: Any) -> Any:
        """Return one complete answer."""
        return self._response(self._async)

    @llm_chat_callback()
    def stream_chat(self, messages: Any, **kwargs: Any) -> Any:
        """Return ready-made chunks."""

        def pieces() -> Any:
            yield from self._client

        return pieces()

    @llm_chat_callback()
    async def astream_chat(self, messages: Any, **kwargs: Any) -> Any:
        """Return ready-made chunks."""

        async def pieces() -> Any:
            for one in self._client:
                yield one

        return pieces()
