"""Typed answers: the ``structured_predict`` family, which works while the model thinks.

LlamaIndex's own way is a forced tool call, which DeepSeek refuses while thinking. The default here is JSON mode with
the schema in the prompt; ``PydanticProgramMode.FUNCTION`` asks for the tool call. Either is checked against the class,
and asked for once more with the error shown when it does not fit. The pieces of a streamed answer have gone out then:
the second answer comes whole, as the last piece.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Mapping
from typing import TYPE_CHECKING, Any

from llama_index.core import instrumentation
from llama_index.core.base.llms.types import ChatResponse
from llama_index.core.instrumentation.events.llm import LLMStructuredPredictEndEvent, LLMStructuredPredictStartEvent
from llama_index.core.program.utils import get_program_for_llm
from llama_index.core.prompts import BasePromptTemplate
from llama_index.core.types import Model, PydanticProgramMode
from pydantic import BaseModel

from deepseek_v4.second_try import FIRST_FAULT, add_up
from llama_index_deepseek_v4.question import Growing, Question
from llama_index_deepseek_v4.responses import ChatResponseChunk

if TYPE_CHECKING:
    from llama_index_deepseek_v4.llm import DeepSeekV4

__all__ = ["aanswered", "answered", "apredict", "astream", "astreamed", "is_ours", "predict", "stream", "streamed"]

dispatcher = instrumentation.get_dispatcher(__name__)  # type: ignore[attr-defined]

_ADDED = ("prompt_tokens", "completion_tokens", "total_tokens", "cached_tokens", "reasoning_tokens")


def is_ours(mode: PydanticProgramMode) -> bool:
    """Whether a program mode is served here; the others are LlamaIndex's own programs."""
    return mode in (PydanticProgramMode.DEFAULT, PydanticProgramMode.FUNCTION)


def answered(llm: DeepSeekV4, question: Question) -> tuple[Any, ChatResponse]:
    """One typed answer and the response it was read from, which tells the tokens and the cost of all tries.

    Raises:
        UnusableAnswerError: when the last try cannot be used either; it tells why the first one could not.
    """
    return _settled(llm, question, llm.chat(question.messages, **question.options))


async def aanswered(llm: DeepSeekV4, question: Question) -> tuple[Any, ChatResponse]:
    """Like ``answered``, asynchronously."""
    return await _asettled(llm, question, await llm.achat(question.messages, **question.options))


def _settled(llm: DeepSeekV4, question: Question, response: ChatResponse) -> tuple[Any, ChatResponse]:
    """The answer in a response, or in the last of those that followed it."""
    for _ in range(question.retries):
        fault = question.fault(response)
        if fault is None:
            break
        question = question.again(response, fault)
        response = _both(response, llm.chat(question.messages, **question.options), fault)
    return question.read(response), response


async def _asettled(llm: DeepSeekV4, question: Question, response: ChatResponse) -> tuple[Any, ChatResponse]:
    for _ in range(question.retries):
        fault = question.fault(response)
        if fault is None:
            break
        question = question.again(response, fault)
        response = _both(response, await llm.achat(question.messages, **question.options), fault)
    return question.read(response), response


def _both(first: ChatResponse, second: ChatResponse, fault: str) -> ChatResponse:
    """The second answer, with the usage and the cost of both. Neither response is changed: tracers hold them."""
    one, other = first.additional_kwargs, second.additional_kwargs
    told: dict[str, Any] = {**other, FIRST_FAULT: one.get(FIRST_FAULT, fault)}
    for name in _ADDED:
        if name in one:
            told[name] = add_up(one[name], other.get(name))
    if "cost" in other:
        known = one.get("cost") is not None and other["cost"] is not None
        told["cost"] = add_up(one["cost"], other["cost"]) if known else None
    raw = second.raw
    if isinstance(raw, Mapping) and isinstance(first.raw, Mapping) and first.raw.get("usage") is not None:
        raw = {**raw, "usage": add_up(first.raw["usage"], raw.get("usage"))}
    return second.model_copy(update={"additional_kwargs": told, "raw": raw})


def streamed(llm: DeepSeekV4, question: Question) -> Generator[tuple[Any, ChatResponse], None, None]:
    """Objects that hold what has arrived so far, each with its response; the last one whole and checked."""
    responses = llm.stream_chat(question.messages, **question.options)
    growing = Growing(question)
    try:
        for response in responses:
            if isinstance(response, ChatResponseChunk) and (output := growing.add(response)) is not None:
                yield output, response
    finally:
        responses.close()
    # the last response is whole; its call has ended and given its connection back before a second one is made
    yield _settled(llm, question, response)


async def astreamed(llm: DeepSeekV4, question: Question) -> AsyncGenerator[tuple[Any, ChatResponse], None]:
    """Like ``streamed``, asynchronously."""
    growing = Growing(question)
    responses = await llm.astream_chat(question.messages, **question.options)
    try:
        async for response in responses:
            if isinstance(response, ChatResponseChunk) and (output := growing.add(response)) is not None:
                yield output, response
    finally:
        await responses.aclose()
    yield await _asettled(llm, question, response)


# -- what the LLM class calls ------------------------------------------------------------------------------------------


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
        output, _ = answered(llm, _question(llm, output_cls, prompt, llm_kwargs, prompt_args))
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
        output, _ = await aanswered(llm, _question(llm, output_cls, prompt, llm_kwargs, prompt_args))
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
    pairs = streamed(llm, _question(llm, output_cls, prompt, llm_kwargs, prompt_args))
    try:
        for output, _ in pairs:
            yield output
    finally:
        pairs.close()


async def astream(
    llm: DeepSeekV4,
    output_cls: type[Model],
    prompt: BasePromptTemplate,
    llm_kwargs: dict[str, Any] | None,
    prompt_args: dict[str, Any],
) -> AsyncGenerator[Any, None]:
    """Like ``stream``, asynchronously."""
    pairs = astreamed(llm, _question(llm, output_cls, prompt, llm_kwargs, prompt_args))
    try:
        async for output, _ in pairs:
            yield output
    finally:
        await pairs.aclose()


def _question(
    llm: DeepSeekV4,
    output_cls: type[BaseModel],
    prompt: BasePromptTemplate,
    llm_kwargs: Mapping[str, Any] | None,
    prompt_args: Mapping[str, Any],
) -> Question:
    return Question.of(llm, output_cls, prompt.format_messages(llm=llm, **prompt_args), llm_kwargs)
