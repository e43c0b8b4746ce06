"""The methods of the model whose answers are instances of a class: the ``structured_predict`` family."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from typing import TYPE_CHECKING, Any, cast

from llama_index.core.llms.function_calling import FunctionCallingLLM
from llama_index.core.llms.structured_llm import StructuredLLM
from llama_index.core.prompts import PromptTemplate
from llama_index.core.types import Model
from pydantic import BaseModel

from llama_index_deepseek_v4 import typed

if TYPE_CHECKING:
    from llama_index_deepseek_v4.typed.request import TypedRequest


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
        if not typed.predict.is_ours(self.pydantic_program_mode):
            return cast("Model", super().structured_predict(output_cls, prompt, dict(llm_kwargs or {}), **prompt_args))
        typed.predict.report_start(output_cls, prompt, prompt_args)
        output, _ = typed.predict.complete_typed(self, self._typed_request(output_cls, prompt, llm_kwargs, prompt_args))
        typed.predict.report_end(output)
        return cast("Model", output)

    async def astructured_predict(
        self,
        output_cls: type[Model],
        prompt: PromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> Model:
        """Like ``structured_predict``, asynchronously."""
        if not typed.predict.is_ours(self.pydantic_program_mode):
            answer = super().astructured_predict(output_cls, prompt, dict(llm_kwargs or {}), **prompt_args)
            return cast("Model", await answer)
        typed.predict.report_start(output_cls, prompt, prompt_args)
        request = self._typed_request(output_cls, prompt, llm_kwargs, prompt_args)
        output, _ = await typed.predict.acomplete_typed(self, request)
        typed.predict.report_end(output)
        return cast("Model", output)

    def _structured_stream_call(
        self,
        output_cls: type[Model],
        prompt: PromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> Generator[Any, None, None]:
        if typed.predict.is_ours(self.pydantic_program_mode):
            return typed.predict.stream_objects(self, self._typed_request(output_cls, prompt, llm_kwargs, prompt_args))
        return super()._structured_stream_call(output_cls, prompt, dict(llm_kwargs or {}), **prompt_args)

    async def _structured_astream_call(
        self,
        output_cls: type[Model],
        prompt: PromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> AsyncGenerator[Any, None]:
        if typed.predict.is_ours(self.pydantic_program_mode):
            return typed.predict.astream_objects(self, self._typed_request(output_cls, prompt, llm_kwargs, prompt_args))
        return await super()._structured_astream_call(output_cls, prompt, dict(llm_kwargs or {}), **prompt_args)

    def _typed_request(
        self, output_cls: type[BaseModel], prompt: PromptTemplate, options: Any, args: Any
    ) -> TypedRequest:
        return typed.TypedRequest.of(self, output_cls, prompt.format_messages(llm=self, **args), options)

    def as_structured_llm(self, output_cls: type[BaseModel], **kwargs: Any) -> StructuredLLM:
        """Return a model whose answers are instances of a class; its responses keep tokens, cost and thinking."""
        if typed.predict.is_ours(self.pydantic_program_mode):
            return typed.DeepSeekStructuredLLM(llm=self, output_cls=output_cls, **kwargs)
        return super().as_structured_llm(output_cls, **kwargs)
