"""Typed answers: the request for a schema, and the retry if the answer cannot be used. ``parser`` parses answers."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING, Any, cast, get_args

from langchain_core.exceptions import OutputParserException
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    HumanMessage,
    ToolMessage,
    convert_to_messages,
    message_chunk_to_message,
)
from langchain_core.messages.ai import add_ai_message_chunks, add_usage
from langchain_core.prompt_values import PromptValue
from langchain_core.runnables import Runnable, RunnableConfig, RunnableGenerator, RunnableMap, RunnableSequence
from langchain_core.runnables.utils import AddableDict
from typing_extensions import is_typeddict

from deepseek_v4.integration.typed_answers import TypedAnswerPolicy, TypedAttempts
from deepseek_v4.recovery.attempts import FailedAttempt
from deepseek_v4.recovery.retry_loops import OPENED, acomplete, arun, complete, run
from deepseek_v4.recovery.retry_prompt import retry_messages
from deepseek_v4.recovery.user_call import UserCall
from deepseek_v4.values.reply import StreamEnd, Usage
from langchain_deepseek_v4.bounded_retry import BoundedRetry, EachByItself, bounded_retry
from langchain_deepseek_v4.convert.replies import usage_of
from langchain_deepseek_v4.convert.schemas import Method, answer_class, as_function, json_schema_of, wrapped
from langchain_deepseek_v4.convert.tools import ToolLike, as_response_format, tool_name
from langchain_deepseek_v4.errors import RefusalError
from langchain_deepseek_v4.typed.parser import AnswerParser

Schema = Mapping[str, Any] | type

_FORM = ("model_provider", "output_version")
"""Keys of ``response_metadata`` about the form of a message."""


def structured(
    model: BaseChatModel,
    schema: Schema | None,
    *,
    method: Method,
    include_raw: bool,
    strict: bool | None,
    tools: Sequence[ToolLike] | None,
    retries: int,
    options: Mapping[str, Any],
) -> Runnable[LanguageModelInput, Any]:
    """Return a model that answers with instances of a schema; see ``ChatDeepSeekV4.with_structured_output``."""
    if method not in get_args(Method):
        raise ValueError(f"method={method!r} is not supported. Use {', '.join(map(repr, get_args(Method)))}.")
    schema = wrapped(schema)
    if schema is None and method != "json_mode":
        raise ValueError(f"method={method!r} needs a schema. Pass one, or use method='json_mode'.")
    if tools and method == "function_calling":
        raise ValueError(
            "tools cannot be used with method='function_calling', because that method forces its own tool."
        )
    if retries < 0:
        raise ValueError(f"retries={retries} must be 0 or more.")
    options = dict(options)
    if schema is not None:
        traced = json_schema_of(schema) if is_typeddict(schema) else schema  # tracing fails on some TypedDicts
        options["ls_structured_output_format"] = {"kwargs": {"method": method, "strict": strict}, "schema": traced}
    cls = answer_class(schema)
    shape = json_schema_of(schema) if schema is not None and cls is None else None
    answer: Runnable[LanguageModelInput, AIMessage]
    if method == "function_calling":
        assert schema is not None
        function = as_function(schema)
        name = tool_name(function)
        answer = model.bind_tools([function], tool_choice=name, strict=strict, parallel_tool_calls=False, **options)
        parser = AnswerParser(pydantic_object=cls, shape=shape, tool=name)
    else:
        form = {"type": "json_object"} if method == "json_mode" else _response_format(schema, strict)
        parser = AnswerParser(pydantic_object=cls, shape=shape)
        answer = model.bind_tools(cast("Any", tools or ()), response_format=form, **options)
    answer = RetryingRunnable(bound=answer, parser=parser, retries=retries, also_streamed=not include_raw)
    first, last = _with_raw(answer, parser) if include_raw else (answer, parser)
    sequence: Any = TypedSequence  # the plugin reads its fields as the only arguments
    return cast("TypedSequence", sequence(first, last, name="RunnableSequence"))


def _response_format(schema: Any, strict: bool | None) -> dict[str, Any]:
    """Return the response format of a schema. The core puts it into the prompt if the provider has JSON mode only."""
    form: dict[str, Any] = as_response_format(schema)
    if strict is not None:
        form = {**form, "json_schema": {**form["json_schema"], "strict": strict}}
    return form


class TypedSequence(RunnableSequence[Any, Any]):
    """A model and the parser of its answers."""

    def with_retry(self, **options: Any) -> BoundedRetry[Any, Any]:
        """Return a runnable that is invoked again if it fails; see ``ChatDeepSeekV4.with_retry``."""
        return bounded_retry(self, **options)


def _with_raw(
    answer: Runnable[LanguageModelInput, AIMessage], parser: AnswerParser
) -> tuple[Runnable[Any, Any], Runnable[Any, Any]]:
    """Return the steps that add the parsed answer and the parsing error to the message, as one dict."""
    reader: Any = RunnableGenerator  # its type lacks the config parameter
    return RunnableMap(raw=answer), reader(partial(_read, parser), partial(_aread, parser), name="read_answer")


def _read(parser: AnswerParser, chunks: Iterator[Any], config: RunnableConfig) -> Iterator[Any]:
    raw = []
    for chunk in chunks:
        raw.append(chunk["raw"])
        yield AddableDict(chunk)
    try:
        parsed, failure = parser.invoke(_merged(raw), config), None
    except (OutputParserException, RefusalError) as error:
        parsed, failure = None, error
    yield AddableDict(parsed=parsed)
    yield AddableDict(parsing_error=failure)


async def _aread(parser: AnswerParser, chunks: AsyncIterator[Any], config: RunnableConfig) -> AsyncIterator[Any]:
    raw = []
    async for chunk in chunks:
        raw.append(chunk["raw"])
        yield AddableDict(chunk)
    try:
        parsed, failure = await parser.ainvoke(_merged(raw), config), None
    except (OutputParserException, RefusalError) as error:
        parsed, failure = None, error
    yield AddableDict(parsed=parsed)
    yield AddableDict(parsing_error=failure)


def _merged(received: Sequence[AIMessage]) -> AIMessage:
    """Return the message of a stream's chunks; a complete message as it is."""
    if len(received) == 1 and not isinstance(received[0], AIMessageChunk):
        return received[0]
    chunks = [chunk for chunk in received if isinstance(chunk, AIMessageChunk)]
    message = message_chunk_to_message(add_ai_message_chunks(*chunks))
    assert isinstance(message, AIMessage)
    return message


class RetryingRunnable(EachByItself[LanguageModelInput, AIMessage]):  # type: ignore[no-redef]  # the plugin: a field "kwargs"
    """A model whose answer is parsed before it is returned, and requested again if it cannot be used.

    The next request shows the model its answer, reasoning included, and the problem. The message returned is the last
    answer, with the usage and the cost of all attempts. A stream is passed on as it arrives; if its answer cannot be
    used, a complete message follows, which replaces it.

    Attributes:
        parser: Parses an answer.
        retries: How many more requests may follow the first.
        also_streamed: True if another answer may follow a streamed one; False if the reader merges the chunks.
    """

    parser: AnswerParser
    retries: int
    also_streamed: bool

    if not TYPE_CHECKING:  # a type checker would take them for fields
        transform = Runnable.transform
        atransform = Runnable.atransform

    @classmethod
    def is_lc_serializable(cls) -> bool:
        """Return False: classes of answers cannot be serialized."""
        return False

    def invoke(self, input: LanguageModelInput, config: RunnableConfig | None = None, **kwargs: Any) -> AIMessage:
        """Return the first answer that can be used, or the last one."""
        bound = super().invoke
        call = UserCall.joined(self.retries)

        def send(request: LanguageModelInput) -> AIMessage:
            with call.retrying_answers(self.retries):
                return bound(request, config, **kwargs)

        return complete(input, send, self._accepts, partial(self._attempts, call))

    async def ainvoke(
        self, input: LanguageModelInput, config: RunnableConfig | None = None, **kwargs: Any
    ) -> AIMessage:
        """Like ``invoke``, asynchronously."""
        bound = super().ainvoke
        call = UserCall.joined(self.retries)

        async def send(request: LanguageModelInput) -> AIMessage:
            with call.retrying_answers(self.retries):
                return await bound(request, config, **kwargs)

        return await acomplete(input, send, self._accepts, partial(self._attempts, call))

    def stream(self, input: LanguageModelInput, config: RunnableConfig | None = None, **kwargs: Any) -> Iterator[Any]:
        """Yield the chunks of an answer; if it cannot be used, then a complete message."""
        bound, bound_invoke = super().stream, super().invoke
        call = UserCall.joined(self.retries)
        attempts = self._attempts(call, input, time.monotonic(), self.retries * self.also_streamed)

        def open_stream(request: LanguageModelInput) -> Iterator[Any]:
            if not attempts.failed:
                yield from self._chunks(bound(request, config, **kwargs), call)
                return
            with call.retrying_answers(self.retries):
                answer = bound_invoke(request, config, **kwargs)
            yield StreamEnd(answer)

        for item in run(attempts, open_stream):
            if type(item) is not StreamEnd:
                if item is not OPENED and not attempts.exhausted:  # the message replaces the last chunk
                    yield item
            elif attempts.failed or attempts.exhausted:
                yield item.reply

    async def astream(
        self, input: LanguageModelInput, config: RunnableConfig | None = None, **kwargs: Any
    ) -> AsyncIterator[Any]:
        """Like ``stream``, asynchronously."""
        bound, bound_invoke = super().astream, super().ainvoke
        call = UserCall.joined(self.retries)
        attempts = self._attempts(call, input, time.monotonic(), self.retries * self.also_streamed)

        async def items(request: LanguageModelInput) -> AsyncIterator[Any]:
            if not attempts.failed:
                chunks: Any = bound(request, config, **kwargs)
                async with aclosing(chunks):
                    async for item in self._achunks(chunks, call):
                        yield item
                return
            with call.retrying_answers(self.retries):
                answer = await bound_invoke(request, config, **kwargs)
            yield StreamEnd(answer)

        async def open_stream(request: LanguageModelInput) -> AsyncIterator[Any]:
            return items(request)

        async with aclosing(arun(attempts, open_stream)) as received:
            async for item in received:
                if type(item) is not StreamEnd:
                    if item is not OPENED and not attempts.exhausted:  # the message replaces the last chunk
                        yield item
                elif attempts.failed or attempts.exhausted:
                    yield item.reply

    def _chunks(self, chunks: Iterator[AIMessage], call: UserCall) -> Iterator[Any]:
        """Yield the chunks of a stream, and its end. The request is sent when the first one is read."""
        received: list[AIMessage] = []
        with call.retrying_answers(self.retries):
            chunk = next(chunks, None)
        while chunk is not None:
            received.append(chunk)
            yield chunk
            chunk = next(chunks, None)
        yield StreamEnd(_merged(received))

    async def _achunks(self, chunks: AsyncIterator[AIMessage], call: UserCall) -> AsyncIterator[Any]:
        received: list[AIMessage] = []
        with call.retrying_answers(self.retries):
            chunk = await anext(chunks, None)
        while chunk is not None:
            received.append(chunk)
            yield chunk
            chunk = await anext(chunks, None)
        yield StreamEnd(_merged(received))

    def _accepts(self, request: LanguageModelInput, answer: AIMessage) -> bool:
        return not self.retries or self.parser.problem(answer) is None

    def _attempts(
        self, call: UserCall, request: LanguageModelInput, started: float, retries: int | None = None
    ) -> MessageAttempts:
        policy: TypedAnswerPolicy[LanguageModelInput, AIMessage, AIMessage]
        policy = TypedAnswerPolicy(
            self.retries if retries is None else retries, self.parser.problem, self._again, _ends
        )
        return MessageAttempts(request, [policy], started=started, call=call)

    def _again(self, request: LanguageModelInput, answer: AIMessage, problem: str) -> list[BaseMessage]:
        """Return the messages that show the model its answer and the problem.

        The answer is sent without what differs between runs, so that a cache can have the second answer, too.
        """
        if isinstance(request, PromptValue):
            messages = request.to_messages()
        else:
            messages = convert_to_messages([HumanMessage(request)] if isinstance(request, str) else request)
        kept = {name: answer.response_metadata[name] for name in _FORM if name in answer.response_metadata}
        calls = [call["id"] or "" for call in (*answer.tool_calls, *answer.invalid_tool_calls)]
        return retry_messages(
            messages,
            answer.model_copy(update={"id": None, "usage_metadata": None, "response_metadata": kept}),
            problem,
            is_empty=not answer.text.strip() and not calls,
            from_user=HumanMessage,
            from_tool=None if self.parser.tool is None else _result,
            calls=calls,
        )


def _ends(chunk: AIMessage) -> bool:
    return getattr(chunk, "chunk_position", "last") == "last"


def _result(text: str, call_id: str) -> BaseMessage:
    return ToolMessage(text, tool_call_id=call_id, status="error")


class MessageAttempts(TypedAttempts[LanguageModelInput, AIMessage, AIMessage]):
    """The attempts at one message."""

    def merge(self, failed: Sequence[FailedAttempt[AIMessage]], answer: AIMessage | None) -> AIMessage:
        """Return the answer with the usage and cost of all attempts. No message is changed: tracers hold them."""
        assert answer is not None
        usage, cost = answer.usage_metadata, answer.response_metadata.get("cost")
        for one in failed:
            if isinstance(one.outcome, AIMessage):
                if one.outcome.usage_metadata is not None:
                    usage = add_usage(one.outcome.usage_metadata, usage)
                earlier = one.outcome.response_metadata.get("cost")
                cost = None if cost is None or earlier is None else cost + earlier
        known = {**answer.response_metadata, **self.attempts_metadata(failed, answer), "cost": cost}
        if cost is None:
            del known["cost"]
        return answer.model_copy(update={"response_metadata": known, "usage_metadata": usage})

    def facts(self, answer: AIMessage) -> tuple[Mapping[str, Any], Usage | None, float | None]:
        """Return the metadata, usage and cost of an answer."""
        return answer.response_metadata, usage_of(answer.usage_metadata), answer.response_metadata.get("cost")
