"""``llm.as_structured_llm(cls)``: LlamaIndex's own wrapper drops its answers' tokens and thinking; here they stay."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Sequence
from typing import Any

from llama_index.core import instrumentation
from llama_index.core.base.llms.generic_utils import (
    astream_chat_to_completion_decorator,
    stream_chat_to_completion_decorator,
)
from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    ChatResponseAsyncGen,
    ChatResponseGen,
    CompletionResponseAsyncGen,
    CompletionResponseGen,
    MessageRole,
    ThinkingBlock,
)
from llama_index.core.instrumentation.events.llm import LLMStructuredPredictEndEvent, LLMStructuredPredictStartEvent
from llama_index.core.llms.callbacks import llm_chat_callback, llm_completion_callback
from llama_index.core.llms.structured_llm import StructuredLLM
from llama_index.core.prompts import ChatPromptTemplate
from pydantic import BaseModel

from llama_index_deepseek_v4 import structured
from llama_index_deepseek_v4.question import Question
from llama_index_deepseek_v4.responses import ChatResponseChunk

__all__ = ["TypedLLM"]

dispatcher = instrumentation.get_dispatcher(__name__)  # type: ignore[attr-defined]


class TypedLLM(StructuredLLM):
    """A model whose every answer is an instance of ``output_cls``: its JSON as the text, the object in ``raw``.

    ``additional_kwargs`` hold what the model's own responses hold there (tokens and cost of all tries, finish reason),
    and the message begins with the thinking.
    """

    @llm_chat_callback()
    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """One answer of the class."""
        output, response = structured.answered(self._llm, self._question(messages, kwargs))
        return _told(output, response)

    @llm_chat_callback()
    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """Like ``chat``, asynchronously."""
        output, response = await structured.aanswered(self._llm, self._question(messages, kwargs))
        return _told(output, response)

    @llm_chat_callback()
    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:
        """Objects that hold what has arrived so far; the last response is complete and has the tokens."""
        question = self._question(messages, kwargs)

        def responses() -> Generator[ChatResponse, None, None]:
            pairs = structured.streamed(self._llm, question)
            try:
                for output, response in pairs:
                    yield _told(output, response)
            finally:
                pairs.close()

        return responses()

    @llm_chat_callback()
    async def astream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseAsyncGen:
        """Like ``stream_chat``, asynchronously."""
        question = self._question(messages, kwargs)

        async def responses() -> AsyncGenerator[ChatResponse, None]:
            pairs = structured.astreamed(self._llm, question)
            try:
                async for output, response in pairs:
                    yield _told(output, response)
            finally:
                await pairs.aclose()

        return responses()

    @llm_completion_callback()
    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponseGen:
        """Like ``complete``, in pieces; see ``stream_chat``."""
        completed: CompletionResponseGen = stream_chat_to_completion_decorator(self.stream_chat)(prompt, **kwargs)
        return completed

    @llm_completion_callback()
    async def astream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponseAsyncGen:
        """Like ``stream_complete``, asynchronously."""
        completed: CompletionResponseAsyncGen = await astream_chat_to_completion_decorator(self.astream_chat)(
            prompt, **kwargs
        )
        return completed

    @property
    def _llm(self) -> Any:
        return self.llm

    def _question(self, messages: Sequence[ChatMessage], options: dict[str, Any]) -> Question:
        template = ChatPromptTemplate(message_templates=list(messages))
        dispatcher.event(
            LLMStructuredPredictStartEvent(output_cls=self.output_cls, template=template, template_args={})
        )
        return Question.of(self._llm, self.output_cls, messages, options)


def _told(output: BaseModel, response: ChatResponse) -> ChatResponse:
    """The object as a response, with what the response it was read from tells beside its text."""
    whole = not isinstance(response, ChatResponseChunk)
    if whole:
        dispatcher.event(LLMStructuredPredictEndEvent(output=output))
    message = ChatMessage(role=MessageRole.ASSISTANT, content=output.model_dump_json())
    thinking = [block for block in response.message.blocks if isinstance(block, ThinkingBlock)]
    message.blocks = [*thinking, *message.blocks]
    return ChatResponse(message=message, raw=output, additional_kwargs=dict(response.additional_kwargs))
