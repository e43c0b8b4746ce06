"""Typed answers: the ``structured_predict`` family, which works while the model thinks.

LlamaIndex itself uses a forced tool call, which DeepSeek rejects while thinking. The default here is JSON mode with the
schema in the prompt; ``PydanticProgramMode.FUNCTION`` requests the tool call. Either answer is checked against the
class; if it does not fit, one more request shows the model the error. Chunks of a streamed answer have been shown by
then, so the second answer is one complete, last chunk.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import aclosing, closing
from functools import partial
from typing import Any

from llama_index.core import instrumentation
from llama_index.core.base.llms.types import ChatResponse
from llama_index.core.instrumentation.events.llm import LLMStructuredPredictEndEvent, LLMStructuredPredictStartEvent
from llama_index.core.llms.function_calling import FunctionCallingLLM
from llama_index.core.prompts import BasePromptTemplate
from llama_index.core.types import PydanticProgramMode
from pydantic import BaseModel

from deepseek_v4.integration.openai_format import OpenAIObject
from deepseek_v4.integration.typed_answers import TypedAnswerPolicy, TypedAttempts
from deepseek_v4.recovery.attempt_totals import add_values
from deepseek_v4.recovery.attempts import FailedAttempt
from deepseek_v4.recovery.retry_loops import OPENED, acomplete, arun, complete, run
from deepseek_v4.recovery.user_call import UserCall
from deepseek_v4.values.reply import StreamEnd, Usage
from llama_index_deepseek_v4.convert.chunks import ChatResponseChunk
from llama_index_deepseek_v4.typed.partial_objects import PartialObjectParser
from llama_index_deepseek_v4.typed.request import TypedRequest, usage_of

dispatcher = instrumentation.get_dispatcher(__name__)  # type: ignore[attr-defined]

_ADDED = ("prompt_tokens", "completion_tokens", "total_tokens", "cached_tokens", "reasoning_tokens")


def is_ours(mode: PydanticProgramMode) -> bool:
    """True if this module implements a program mode; the others are LlamaIndex's own programs."""
    return mode in (PydanticProgramMode.DEFAULT, PydanticProgramMode.FUNCTION)


def complete_typed(llm: FunctionCallingLLM, request: TypedRequest) -> tuple[Any, ChatResponse]:
    """Return a typed answer, and the response it was parsed from, with the tokens and the cost of all attempts.

    Raises:
        UnusableAnswerError: if the last answer cannot be used either; the message has the first problem as well.
    """
    call = UserCall(request.retries)

    def send(request: TypedRequest) -> ChatResponse:
        with call.retrying_answers(request.retries):
            return llm.chat(request.messages, **request.options)

    response = complete(request, send, _accepts, partial(ResponseAttempts.of, call))
    return request.read(response), response


async def acomplete_typed(llm: FunctionCallingLLM, request: TypedRequest) -> tuple[Any, ChatResponse]:
    """Like ``complete_typed``, asynchronously."""
    call = UserCall(request.retries)

    async def send(request: TypedRequest) -> ChatResponse:
        with call.retrying_answers(request.retries):
            return await llm.achat(request.messages, **request.options)

    response = await acomplete(request, send, _accepts, partial(ResponseAttempts.of, call))
    return request.read(response), response


def stream_typed(llm: FunctionCallingLLM, request: TypedRequest) -> Generator[tuple[Any, ChatResponse], None, None]:
    """Yield objects with what has been received so far, each with its response; the last is complete and checked."""
    call = UserCall(request.retries)
    attempts = ResponseAttempts.of(call, request, time.monotonic())

    def open_stream(request: TypedRequest) -> Generator[Any, None, None]:
        with call.retrying_answers(request.retries):
            if attempts.failed:  # chunks of the first answer have been shown: this one is not streamed
                responses: Any = iter((llm.chat(request.messages, **request.options),))
            else:
                responses = llm.stream_chat(request.messages, **request.options)
        parser = PartialObjectParser(request)
        try:
            for response in responses:
                if isinstance(response, ChatResponseChunk) and (output := parser.add(response)) is not None:
                    yield output, response
        finally:
            if hasattr(responses, "close"):
                responses.close()
        yield StreamEnd(response)

    with closing(run(attempts, open_stream)) as pairs:
        for item in pairs:
            if type(item) is StreamEnd:
                yield request.read(item.reply), item.reply
            elif item is not OPENED:
                yield item


async def astream_typed(
    llm: FunctionCallingLLM, request: TypedRequest
) -> AsyncGenerator[tuple[Any, ChatResponse], None]:
    """Like ``stream_typed``, asynchronously."""
    call = UserCall(request.retries)
    attempts = ResponseAttempts.of(call, request, time.monotonic())

    async def single(response: ChatResponse) -> AsyncGenerator[ChatResponse, None]:
        yield response

    async def items(request: TypedRequest) -> AsyncGenerator[Any, None]:
        with call.retrying_answers(request.retries):
            if attempts.failed:
                responses: Any = single(await llm.achat(request.messages, **request.options))
            else:
                responses = await llm.astream_chat(request.messages, **request.options)
        parser = PartialObjectParser(request)
        try:
            async for response in responses:
                if isinstance(response, ChatResponseChunk) and (output := parser.add(response)) is not None:
                    yield output, response
        finally:
            await responses.aclose()
        yield StreamEnd(response)

    async def open_stream(request: TypedRequest) -> AsyncGenerator[Any, None]:
        return items(request)

    async with aclosing(arun(attempts, open_stream)) as pairs:
        async for item in pairs:
            if type(item) is StreamEnd:
                yield request.read(item.reply), item.reply
            elif item is not OPENED:
                yield item


def _accepts(request: TypedRequest, response: ChatResponse) -> bool:
    return not request.retries or request.problem(response) is None


class ResponseAttempts(TypedAttempts[TypedRequest, Any, ChatResponse]):
    """The attempts at one typed answer."""

    @classmethod
    def of(cls, call: UserCall, request: TypedRequest, started: float) -> ResponseAttempts:
        """Create the attempts at the answer of a request.

        Args:
            call: Counts the requests of all attempts.
            request: The first request.
            started: When it was sent, by ``time.monotonic``.
        """
        policy: TypedAnswerPolicy[TypedRequest, Any, ChatResponse]
        policy = TypedAnswerPolicy(request.retries, request.problem, TypedRequest.again)
        return cls(request, [policy], started=started, call=call)

    def merge(self, failed: Sequence[FailedAttempt[ChatResponse]], answer: ChatResponse | None) -> ChatResponse:
        """Return the answer with the usage and cost of all attempts. No response is changed: tracers hold them."""
        assert answer is not None
        facts = dict(answer.additional_kwargs)
        raw = answer.raw
        for one in failed:
            if not isinstance(one.outcome, ChatResponse):
                continue
            earlier = one.outcome.additional_kwargs
            for name in _ADDED:
                if name in earlier:
                    facts[name] = add_values(earlier[name], facts.get(name))
            if "cost" in facts:
                known = earlier.get("cost") is not None and facts["cost"] is not None
                facts["cost"] = earlier["cost"] + facts["cost"] if known else None
            before = one.outcome.raw
            if isinstance(raw, Mapping) and isinstance(before, Mapping) and before.get("usage") is not None:
                raw = OpenAIObject({**raw, "usage": add_values(before["usage"], raw.get("usage"))})
        facts |= self.attempts_metadata(failed, answer)
        return answer.model_copy(update={"additional_kwargs": facts, "raw": raw})

    def facts(self, answer: ChatResponse) -> tuple[Mapping[str, Any], Usage | None, float | None]:
        """Return the metadata, usage and cost of an answer."""
        known = answer.additional_kwargs
        return known, usage_of(known), known.get("cost")


# -- called by the LLM classes -----------------------------------------------------------------------------------------


def report_start(output_cls: type[BaseModel], prompt: BasePromptTemplate, prompt_args: dict[str, Any]) -> None:
    """Dispatch LlamaIndex's event for the start of a typed answer."""
    dispatcher.event(LLMStructuredPredictStartEvent(output_cls=output_cls, template=prompt, template_args=prompt_args))


def report_end(output: Any) -> None:
    """Dispatch LlamaIndex's event for a complete typed answer."""
    dispatcher.event(LLMStructuredPredictEndEvent(output=output))


def stream_objects(llm: FunctionCallingLLM, request: TypedRequest) -> Generator[Any, None, None]:
    """Yield objects that hold what has been received so far; the last one is complete and checked."""
    with closing(stream_typed(llm, request)) as pairs:
        for output, _ in pairs:
            yield output


async def astream_objects(llm: FunctionCallingLLM, request: TypedRequest) -> AsyncGenerator[Any, None]:
    """Like ``stream_objects``, asynchronously."""
    async with aclosing(astream_typed(llm, request)) as pairs:
        async for output, _ in pairs:
            yield output
