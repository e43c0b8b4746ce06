"""The methods of the model whose answers are instances of a class: the ``structured_predict`` family."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from typing import Any, cast

from llama_index.core.llms.function_calling import FunctionCallingLLM
from llama_index.core.llms.structured_llm import StructuredLLM
from llama_index.core.prompts import PromptTemplate
from llama_index.core.types import Model
from pydantic import BaseModel

from llama_index_deepseek_v4.typed import predict
from llama_index_deepseek_v4.typed.request import TypedRequest
from llama_index_deepseek_v4.typed.structured_llm import DeepSeekStructuredLLM


class StructuredPredict(FunctionCallingLLM):
    """A base class of ``DeepSeekV4``. For program modes that are not ours, LlamaIndex's own methods are called."""

    def structured_predict(
        self,
        output_cls: type[Model],
        prompt: PromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> Model:
        """Return an answer as an instance of a class, with thinking.

        Args:
            output_cls: A pydantic class; its docstring and field descriptions are sent to the model.
            prompt: The prompt template.
            llm_kwargs: Options for this call.
            **prompt_args: Values for the prompt's variables.

        Raises:
            UnusableAnswerError: if the answer does not match the class.
        """
        if not predict.is_ours(self.pydantic_program_mode):
            return cast("Model", super().structured_predict(output_cls, prompt, dict(llm_kwargs or {}), **prompt_args))
        predict.report_start(output_cls, prompt, prompt_args)
        output, _ = predict.complete_typed(self, self._typed_request(output_cls, prompt, llm_kwargs, prompt_args))
        predict.report_end(output)
        return cast("Model", output)

    async def astructured_predict(
        self,
        output_cls: type[Model],
        prompt: PromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> Model:
        """Like ``structured_predict``, asynchronously."""
        if not predict.is_ours(self.pydantic_program_mode):
            answer = super().astructured_predict(output_cls, prompt, dict(llm_kwargs or {}), **prompt_args)
            return cast("Model", await answer)
        predict.report_start(output_cls, prompt, prompt_args)
        request = self._typed_request(output_cls, prompt, llm_kwargs, prompt_args)
        output, _ = await predict.acomplete_typed(self, request)
        predict.report_end(output)
        return cast("Model", output)

    def _structured_stream_call(
        self,
        output_cls: type[Model],
        prompt: PromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> Generator[Any, None, None]:
        if predict.is_ours(self.pydantic_program_mode):
            return predict.stream_objects(self, self._typed_request(output_cls, prompt, llm_kwargs, prompt_args))
        return super()._structured_stream_call(output_cls, prompt, dict(llm_kwargs or {}), **prompt_args)

    async def _structured_astream_call(
        self,
        output_cls: type[Model],
        prompt: PromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> AsyncGenerator[Any, None]:
        if predict.is_ours(self.pydantic_program_mode):
            return predict.astream_objects(self, self._typed_request(output_cls, prompt, llm_kwargs, prompt_args))
        return await super()._structured_astream_call(output_cls, prompt, dict(llm_kwargs or {}), **prompt_args)

    def _typed_request(
        self, output_cls: type[BaseModel], prompt: PromptTemplate, options: Any, args: Any
    ) -> TypedRequest:
        return TypedRequest.of(self, output_cls, prompt.format_messages(llm=self, **args), options)

    def as_structured_llm(self, output_cls: type[BaseModel], **kwargs: Any) -> StructuredLLM:
        """Return a model whose answers are instances of a class; its responses keep tokens, cost and thinking."""
        if predict.is_ours(self.pydantic_program_mode):
            return DeepSeekStructuredLLM(llm=self, output_cls=output_cls, **kwargs)
        return super().as_structured_llm(output_cls, **kwargs)
