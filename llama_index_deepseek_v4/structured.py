"""Typed answers: the ``structured_predict`` family, which works while the model thinks.

LlamaIndex's own way is a forced tool call, which DeepSeek refuses while thinking. The default here is JSON mode with
the schema in the prompt, checked against the class, and asked for once more with the error shown when it does not fit;
``PydanticProgramMode.FUNCTION`` asks for the tool call. A streamed answer has no second try: its pieces went out.
"""

from __future__ import annotations

import copy
import re
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from llama_index.core import instrumentation
from llama_index.core.base.llms.types import ChatMessage, ChatResponse, MessageRole
from llama_index.core.instrumentation.events.llm import LLMStructuredPredictEndEvent, LLMStructuredPredictStartEvent
from llama_index.core.program.utils import FlexibleModel, create_flexible_model, get_program_for_llm
from llama_index.core.prompts import BasePromptTemplate
from llama_index.core.types import Model, PydanticProgramMode
from pydantic import BaseModel, ValidationError

from deepseek_v4.partial_json import PartialJson
from deepseek_v4.structured import add_up, ask_again, fitted, in_words, is_worth_another_try, read_json
from llama_index_deepseek_v4.errors import UnusableAnswerError
from llama_index_deepseek_v4.responses import ChatResponseChunk
from llama_index_deepseek_v4.tools import schema_of, selections

if TYPE_CHECKING:
    from llama_index_deepseek_v4.llm import DeepSeekV4

__all__ = [
    "Question",
    "aanswered",
    "answered",
    "apredict",
    "astream",
    "astreamed",
    "is_ours",
    "predict",
    "stream",
    "streamed",
]

FIRST_FAULT = "first_try_error"
"""Key of ``additional_kwargs`` that tells why the first answer could not be used, when there was a second."""

_PROGRAM_ONLY = frozenset({"tool_required", "tool_choice", "allow_parallel_tool_calls"})
"""Options of LlamaIndex's programs that callers pass along and that mean nothing here."""

dispatcher = instrumentation.get_dispatcher(__name__)  # type: ignore[attr-defined]

_ADDED = ("prompt_tokens", "completion_tokens", "total_tokens", "cached_tokens", "reasoning_tokens")


def is_ours(mode: PydanticProgramMode) -> bool:
    """Whether a program mode is served here; the others are LlamaIndex's own programs."""
    return mode in (PydanticProgramMode.DEFAULT, PydanticProgramMode.FUNCTION)


class _Unfit(ValueError):
    """An answer that cannot be used: what is wrong with it, and what the user may do."""

    def __init__(self, fault: str, advice: str, body: Any) -> None:
        super().__init__(fault)
        self.fault = fault
        self.advice = advice
        self.body = body


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the model for one typed answer, and where the answer will stand."""

    output_cls: type[BaseModel]
    messages: list[ChatMessage]
    options: dict[str, Any]
    in_tool_call: bool
    retries: int

    @classmethod
    def of(
        cls,
        llm: DeepSeekV4,
        output_cls: type[BaseModel],
        messages: Sequence[ChatMessage],
        llm_kwargs: Mapping[str, Any] | None,
    ) -> Question:
        """The question for a class, with the model's system prompt in front."""
        options = {name: value for name, value in (llm_kwargs or {}).items() if name not in _PROGRAM_ONLY}
        retries = options.pop("answer_retries", llm.answer_retries)
        schema = schema_of(output_cls)
        in_tool_call = llm.pydantic_program_mode == PydanticProgramMode.FUNCTION
        if in_tool_call:
            name = schema.get("title", output_cls.__name__)
            description = schema.pop("description", "")
            function = {"name": name, "description": description, "parameters": schema}
            options["tools"] = [{"type": "function", "function": function}]
            options["tool_choice"] = {"type": "function", "function": {"name": name}}
            options["parallel_tool_calls"] = False
            retries = 0
        else:
            name = re.sub(r"[^a-zA-Z0-9_-]", "_", output_cls.__name__)[:64]
            options["response_format"] = {"type": "json_schema", "json_schema": {"name": name, "schema": schema}}
            if retries:
                options.setdefault("on_empty", "return")  # an empty answer is a failed try like any other
        return cls(output_cls, llm._extend_messages(list(messages)), options, in_tool_call, retries)

    def read(self, response: ChatResponse) -> Any:
        """The typed answer in a whole response.

        Raises:
            UnusableAnswerError: when it is cut, empty, no JSON, or does not fit the class.
        """
        try:
            return self._read(response)
        except _Unfit as error:
            earlier = response.additional_kwargs.get(FIRST_FAULT)
            also = f" This was the second try; the first one failed too: {earlier}." if earlier else ""
            raise UnusableAnswerError(
                f"The answer is no {self.output_cls.__name__}: {error.fault}{error.advice}{also}", body=error.body
            ) from error.__cause__

    def fault(self, response: ChatResponse) -> str | None:
        """Why an answer cannot be used and another may; None where it can, and where asking again cannot help."""
        called = bool(response.message.additional_kwargs.get("tool_calls"))
        if not is_worth_another_try(response.additional_kwargs.get("finish_reason"), called_tools=called):
            return None
        try:
            self._read(response)
        except _Unfit as error:
            return error.fault
        return None

    def again(self, response: ChatResponse, fault: str) -> Question:
        """The question that shows the model its answer and what was wrong with it."""
        messages = ask_again(
            self.messages,
            response.message,
            f"It is no {self.output_cls.__name__}: {fault}.",
            is_empty=not (response.message.content or "").strip(),
            from_user=lambda words: ChatMessage(role=MessageRole.USER, content=words),
        )
        return replace(self, messages=messages)

    def _read(self, response: ChatResponse) -> Any:
        text = response.message.content or ""
        if self.in_tool_call:
            value: Any = selections(response, error_on_no_tool_call=True)[0].tool_kwargs
        else:
            cut = response.additional_kwargs.get("finish_reason") == "length"
            try:
                value = read_json(text)
            except ValueError as error:
                if cut:
                    raise _Unfit("it was cut by the output limit", "; raise max_tokens.", text) from None
                if not text.strip():
                    raise _Unfit("the model ended without any text", "; ask again.", text) from None
                raise _Unfit(f"it is no JSON ({error})", ".", text) from None
        try:
            return fitted(self.output_cls, value)
        except ValidationError as error:
            raise _Unfit(in_words(error), ". Describe the fields better, or ask again.", value) from error


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


def answered(llm: DeepSeekV4, question: Question) -> tuple[Any, ChatResponse]:
    """One typed answer and the response it was read from, which tells the tokens and the cost of all tries.

    Raises:
        UnusableAnswerError: when the last try cannot be used either; it tells why the first one could not.
    """
    response = llm.chat(question.messages, **question.options)
    for _ in range(question.retries):
        fault = question.fault(response)
        if fault is None:
            break
        question = question.again(response, fault)
        response = _both(response, llm.chat(question.messages, **question.options), fault)
    return question.read(response), response


async def aanswered(llm: DeepSeekV4, question: Question) -> tuple[Any, ChatResponse]:
    """Like ``answered``, asynchronously."""
    response = await llm.achat(question.messages, **question.options)
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
            output = growing.add(response)
            if output is not None:
                yield output, response
    finally:
        responses.close()


async def astreamed(llm: DeepSeekV4, question: Question) -> AsyncGenerator[tuple[Any, ChatResponse], None]:
    """Like ``streamed``, asynchronously."""
    growing = Growing(question)
    responses = await llm.astream_chat(question.messages, **question.options)
    try:
        async for response in responses:
            output = growing.add(response)
            if output is not None:
                yield output, response
    finally:
        await responses.aclose()


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
