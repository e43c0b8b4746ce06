"""The framework's own cost: classes that hand out ready-made chunks and talk to nobody."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from llama_index.core.llms.callbacks import llm_chat_callback

from benchmarks.proto_langchain import ProtoChat
from benchmarks.proto_llama_index import Fold, ProtoLLM
from benchmarks.server import events, whole


def _events(kind: str) -> bytes:
    name, _, size = kind.partition("-")
    return b"".join(events(name, int(size or 0)))


class FloorChat(ProtoChat):
    """LangChain without HTTP. The chunks are made beforehand."""

    base_url: str = ""
    kind: str

    def model_post_init(self, context: Any) -> None:
        """Make the chunks."""
        if "-" in self.kind:
            object.__setattr__(self, "_ready", list(self._chunks(_events(self.kind).split(b"\n"))))
        import orjson

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


class FloorLLM(ProtoLLM):
    """LlamaIndex without HTTP. The responses are made beforehand."""

    base_url: str = ""
    kind: str

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        import orjson

        self._client = list(Fold().feed(_events(self.kind))) if "-" in self.kind else []
        self._async = orjson.loads(whole())

    @llm_chat_callback()
    def chat(self, messages: Any, **kwargs: Any) -> Any:
        """One whole answer."""
        return self._response(self._async)

    @llm_chat_callback()
    async def achat(self, messages: Any, **kwargs: Any) -> Any:
        """One whole answer."""
        return self._response(self._async)

    @llm_chat_callback()
    def stream_chat(self, messages: Any, **kwargs: Any) -> Any:
        """Ready-made."""

        def pieces() -> Any:
            yield from self._client

        return pieces()

    @llm_chat_callback()
    async def astream_chat(self, messages: Any, **kwargs: Any) -> Any:
        """Ready-made."""

        async def pieces() -> Any:
            for one in self._client:
                yield one

        return pieces()
