"""``llm.as_structured_llm(cls)``: unlike LlamaIndex's own wrapper, it keeps the tokens and thinking of answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llama_index.core.base.llms.generic_utils import prompt_to_messages
from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    ChatResponseAsyncGen,
    ChatResponseGen,
    CompletionResponse,
    CompletionResponseAsyncGen,
    CompletionResponseGen,
    MessageRole,
    ThinkingBlock,
)
from llama_index.core.llms.callbacks import llm_chat_callback, llm_completion_callback
from llama_index.core.llms.structured_llm import StructuredLLM
from llama_index.core.prompts import ChatPromptTemplate
from pydantic import BaseModel

from deepseek_v4.integration.typed_answers import write_json
from llama_index_deepseek_v4.convert.chunks import ChatResponseChunk
from llama_index_deepseek_v4.convert.responses import as_completion
from llama_index_deepseek_v4.streams import Convert, astream, stream
from llama_index_deepseek_v4.typed import predict
from llama_index_deepseek_v4.typed.request import TypedRequest


class DeepSeekStructuredLLM(StructuredLLM):
    """A model whose answers are instances of ``output_cls``: the text is its JSON, ``raw`` is the object.

    ``additional_kwargs`` are those of the model's own responses (tokens and cost of all attempts, finish reason), and
    the message begins with the thinking. ``delta`` of a stream is the whole JSON, in the last response.
    """

    @llm_chat_callback()
    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """Return one answer of the class."""
        output, response = predict.complete_typed(self._llm, self._typed_request(messages, kwargs))
        return _as_response(output, response)

    @llm_chat_callback()
    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """Like ``chat``, asynchronously."""
        output, response = await predict.acomplete_typed(self._llm, self._typed_request(messages, kwargs))
        return _as_response(output, response)

    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:
        """Stream objects that hold what has been received so far; the last response is complete and has the tokens."""

        def pairs(messages: Sequence[ChatMessage], **options: Any) -> tuple[Any, Convert]:
            return predict.stream_typed(self._llm, self._typed_request(messages, options)), _responses

        return stream(llm_chat_callback(), pairs, self, messages, **kwargs)

    async def astream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseAsyncGen:
        """Like ``stream_chat``, asynchronously."""

        async def pairs(messages: Sequence[ChatMessage], **options: Any) -> tuple[Any, Convert]:
            return predict.astream_typed(self._llm, self._typed_request(messages, options)), _responses

        return await astream(llm_chat_callback(), pairs, self, messages, **kwargs)

    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponseGen:
        """Like ``complete``, as a stream; see ``stream_chat``."""

        def responses(prompt: str, formatted: bool, **options: Any) -> tuple[Any, Convert]:
            return self.stream_chat(prompt_to_messages(prompt), **options), _completions

        return stream(llm_completion_callback(), responses, self, prompt, formatted, **kwargs)

    async def astream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponseAsyncGen:
        """Like ``stream_complete``, asynchronously."""

        async def responses(prompt: str, formatted: bool, **options: Any) -> tuple[Any, Convert]:
            return await self.astream_chat(prompt_to_messages(prompt), **options), _completions

        return await astream(llm_completion_callback(), responses, self, prompt, formatted, **kwargs)

    @property
    def _llm(self) -> Any:
        return self.llm

    def _typed_request(self, messages: Sequence[ChatMessage], options: dict[str, Any]) -> TypedRequest:
        predict.report_start(self.output_cls, ChatPromptTemplate(message_templates=list(messages)), {})
        return TypedRequest.of(self._llm, self.output_cls, messages, options)


def _responses(pair: tuple[BaseModel, ChatResponse]) -> tuple[ChatResponse]:
    return (_as_response(*pair),)


def _completions(response: ChatResponse) -> tuple[CompletionResponse]:
    return (as_completion(response),)


def _as_response(output: BaseModel, response: ChatResponse) -> ChatResponse:
    """Return a response with the object, and with the thinking and metadata of the response it was parsed from."""
    text, delta = write_json(output), None
    if not isinstance(response, ChatResponseChunk):
        predict.report_end(output)
        delta = text  # chat engines and ``stream`` join the deltas; the JSON of an earlier object is not its beginning
    message = ChatMessage(role=MessageRole.ASSISTANT, content=text)
    thinking = [block for block in response.message.blocks if isinstance(block, ThinkingBlock)]
    message.blocks = [*thinking, *message.blocks]
    return ChatResponse(message=message, raw=output, delta=delta, additional_kwargs=dict(response.additional_kwargs))
