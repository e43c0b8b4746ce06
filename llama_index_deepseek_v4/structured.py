"""Typed answers: the ``structured_predict`` family, which works while the model thinks.

LlamaIndex's own way is a forced tool call, which DeepSeek refuses while thinking. The default here is JSON mode with
the schema in the prompt, checked against the class; ``PydanticProgramMode.FUNCTION`` asks for the tool call.
"""

from __future__ import annotations

import copy
import re
from collections.abc import AsyncGenerator, Generator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from llama_index.core import instrumentation
from llama_index.core.base.llms.types import ChatMessage, ChatResponse
from llama_index.core.instrumentation.events.llm import LLMStructuredPredictEndEvent, LLMStructuredPredictStartEvent
from llama_index.core.program.utils import FlexibleModel, create_flexible_model, get_program_for_llm
from llama_index.core.prompts import BasePromptTemplate
from llama_index.core.types import Model, PydanticProgramMode
from pydantic import BaseModel, ValidationError

from deepseek_v4.partial_json import PartialJson
from deepseek_v4.structured import read_json
from llama_index_deepseek_v4.errors import UnusableAnswerError
from llama_index_deepseek_v4.responses import ChatResponseChunk
from llama_index_deepseek_v4.tools import schema_of, selections

if TYPE_CHECKING:
    from llama_index_deepseek_v4.llm import DeepSeekV4

__all__ = ["apredict", "astream", "is_ours", "predict", "stream"]

_PROGRAM_ONLY = frozenset({"tool_required", "tool_choice", "allow_parallel_tool_calls"})
"""Options of LlamaIndex's programs that callers pass along and that mean nothing here."""

dispatcher = instrumentation.get_dispatcher(__name__)  # type: ignore[attr-defined]


def is_ours(mode: PydanticProgramMode) -> bool:
    """Whether a program mode is served here; the others are LlamaIndex's own programs."""
    return mode in (PydanticProgramMode.DEFAULT, PydanticProgramMode.FUNCTION)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the model for one typed answer, and where the answer will stand."""

    output_cls: type[BaseModel]
    messages: list[ChatMessage]
    options: dict[str, Any]
    in_tool_call: bool

    @classmethod
    def of(
        cls,
        llm: DeepSeekV4,
        output_cls: type[BaseModel],
        prompt: BasePromptTemplate,
        llm_kwargs: Mapping[str, Any] | None,
        prompt_args: Mapping[str, Any],
    ) -> Question:
        """The question for a class and a prompt, with the model's system prompt in front."""
        messages = llm._extend_messages(prompt.format_messages(llm=llm, **prompt_args))
        options = {name: value for name, value in (llm_kwargs or {}).items() if name not in _PROGRAM_ONLY}
        schema = schema_of(output_cls)
        in_tool_call = llm.pydantic_program_mode == PydanticProgramMode.FUNCTION
        if in_tool_call:
            name = schema.get("title", output_cls.__name__)
            description = schema.pop("description", "")
            function = {"name": name, "description": description, "parameters": schema}
            options["tools"] = [{"type": "function", "function": function}]
            options["tool_choice"] = {"type": "function", "function": {"name": name}}
            options["parallel_tool_calls"] = False
        else:
            name = re.sub(r"[^a-zA-Z0-9_-]", "_", output_cls.__name__)[:64]
            options["response_format"] = {"type": "json_schema", "json_schema": {"name": name, "schema": schema}}
        return cls(output_cls, messages, options, in_tool_call)

    def read(self, response: ChatResponse) -> Any:
        """The typed answer in a whole response.

        Raises:
            UnusableAnswerError: when it is cut, empty, no JSON, or does not fit the class.
        """
        name = self.output_cls.__name__
        text = response.message.content or ""
        if self.in_tool_call:
            value: Any = selections(response, error_on_no_tool_call=True)[0].tool_kwargs
        else:
            cut = response.additional_kwargs.get("finish_reason") == "length"
            try:
                value = read_json(text)
            except ValueError as error:
                why = "it was cut by the output limit; raise max_tokens" if cut else f"it is no JSON ({error})"
                if not text.strip() and not cut:
                    why = "the model ended without any text; ask again"
                raise UnusableAnswerError(f"The answer is no {name}: {why}.", body=text) from None
        try:
            return self.output_cls.model_validate(value)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(step) for step in first["loc"]) or "the whole"
            more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
            raise UnusableAnswerError(
                f"The answer is no {name}: {where}: {first['msg']}{more}. Describe the fields better, or ask again.",
                body=value,
            ) from error


class Growing:
    """A typed answer while it streams: chunks in, objects out that hold what has arrived.

    The text is parsed once, piece by piece; each object is a copy of what is known, so it does not change later.
    """

    def __init__(self, question: Question) -> None:
        self._question = question
        self._flexible: type[FlexibleModel] = create_flexible_model(question.output_cls)
        self._parser: PartialJson | None = PartialJson()
        self._seen = 0

    def add(self, response: ChatResponse) -> Any:
        """The object after a chunk, None when it adds nothing; after the last response the checked answer."""
        if not isinstance(response, ChatResponseChunk):
            return self._question.read(response)
        piece = self._piece(response)
        if not piece or self._parser is None:
            return None
        try:
            self._parser.feed(piece)
        except ValueError:  # a code fence, say; the whole text is judged at the end
            self._parser = None
            return None
        if not isinstance(self._parser.value, dict):
            return None
        known = copy.deepcopy(self._parser.value)
        try:
            return self._question.output_cls.model_validate(known)
        except ValidationError:
            return self._flexible.model_validate(known)

    def _piece(self, response: ChatResponse) -> str:
        """The characters of JSON that a chunk adds."""
        if not self._question.in_tool_call:
            return response.delta or ""
        calls = response.message.additional_kwargs.get("tool_calls")
        if not calls:
            return ""
        arguments: str = calls[0]["function"]["arguments"]
        seen, self._seen = self._seen, len(arguments)
        return arguments[seen:]


def predict(
    llm: DeepSeekV4,
    output_cls: type[Model],
    prompt: BasePromptTemplate,
    llm_kwargs: dict[str, Any] | None,
    prompt_args: dict[str, Any],
) -> Model:
    """One typed answer."""
    dispatcher.event(LLMStructuredPredictStartEvent(output_cls=output_cls, template=prompt, template_args=prompt_args))
    mode = llm.pydantic_program_mode
    output: Any
    if is_ours(mode):
        question = Question.of(llm, output_cls, prompt, llm_kwargs, prompt_args)
        output = question.read(llm.chat(question.messages, **question.options))
    else:
        program = get_program_for_llm(output_cls, prompt, llm, pydantic_program_mode=mode)
        output = program(llm_kwargs=dict(llm_kwargs or {}), **prompt_args)
    dispatcher.event(LLMStructuredPredictEndEvent(output=output))
    return output  # type: ignore[no-any-return]


async def apredict(
    llm: DeepSeekV4,
    output_cls: type[Model],
    prompt: BasePromptTemplate,
    llm_kwargs: dict[str, Any] | None,
    prompt_args: dict[str, Any],
) -> Model:
    """Like ``predict``, asynchronously."""
    dispatcher.event(LLMStructuredPredictStartEvent(output_cls=output_cls, template=prompt, template_args=prompt_args))
    mode = llm.pydantic_program_mode
    output: Any
    if is_ours(mode):
        question = Question.of(llm, output_cls, prompt, llm_kwargs, prompt_args)
        output = question.read(await llm.achat(question.messages, **question.options))
    else:
        program = get_program_for_llm(output_cls, prompt, llm, pydantic_program_mode=mode)
        output = await program.acall(llm_kwargs=dict(llm_kwargs or {}), **prompt_args)
    dispatcher.event(LLMStructuredPredictEndEvent(output=output))
    return output  # type: ignore[no-any-return]


def stream(
    llm: DeepSeekV4,
    output_cls: type[Model],
    prompt: BasePromptTemplate,
    llm_kwargs: dict[str, Any] | None,
    prompt_args: dict[str, Any],
) -> Generator[Any, None, None]:
    """Objects that hold what has arrived so far, the last one whole and checked."""
    question = Question.of(llm, output_cls, prompt, llm_kwargs, prompt_args)
    responses = llm.stream_chat(question.messages, **question.options)
    growing = Growing(question)
    try:
        for response in responses:
            output = growing.add(response)
            if output is not None:
                yield output
    finally:
        responses.close()


async def astream(
    llm: DeepSeekV4,
    output_cls: type[Model],
    prompt: BasePromptTemplate,
    llm_kwargs: dict[str, Any] | None,
    prompt_args: dict[str, Any],
) -> AsyncGenerator[Any, None]:
    """Like ``stream``, asynchronously."""
    question = Question.of(llm, output_cls, prompt, llm_kwargs, prompt_args)
    growing = Growing(question)
    responses = await llm.astream_chat(question.messages, **question.options)
    try:
        async for response in responses:
            output = growing.add(response)
            if output is not None:
                yield output
    finally:
        await responses.aclose()
