"""LangChain's own cost: a class that returns ready-made chunks and sends no requests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import orjson

from benchmarks.proto_langchain import ProtoChat
from benchmarks.server import body_of, whole


class FloorChat(ProtoChat):
    """LangChain without HTTP. The chunks are created in advance."""

    base_url: str = ""
    kind: str

    def model_post_init(self, context: Any) -> None:
        """Create the chunks."""
        if "-" in self.kind:
            object.__setattr__(self, "_ready", list(self._chunks(body_of(self.kind).split(b"\n"))))
        object.__setattr__(self, "_whole", orjson.loads(whole()))

    def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
        return self._result(self._whole)

    async def _agenerate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
        return self._result(self._whole)

    def _stream(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Iterator[Any]:
        for chunk in self._ready:
            yield chunk.model_copy(update={"message": chunk.message.model_copy()})

    async def _astream(
        self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> AsyncIterator[Any]:
        for chunk in self._ready:
            yield chunk.model_copy(update={"message": chunk.message.model_copy()})
