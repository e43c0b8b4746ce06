"""Typed answers: how a schema is asked for, and the second try when the answer cannot be used.

How an answer is read stands in ``answer_parser``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from langchain_core.exceptions import OutputParserException
from langchain_core.language_models import LanguageModelInput
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
from langchain_core.runnables import Runnable, RunnableConfig, RunnableGenerator, RunnableMap
from langchain_core.runnables.base import RunnableBindingBase
from langchain_core.runnables.utils import AddableDict
from typing_extensions import is_typeddict

from deepseek_v4.second_try import FIRST_FAULT, add_up, ask_again
from langchain_deepseek_v4.answer_parser import AnswerParser
from langchain_deepseek_v4.answer_schemas import Method, answer_class, as_function, json_schema_of
from langchain_deepseek_v4.tools import ToolLike, as_response_format, tool_name

if TYPE_CHECKING:
    from langchain_deepseek_v4.chat_models import ChatDeepSeekV4

__all__ = ["Tries", "structured"]

Schema = Mapping[str, Any] | type

_FORM = ("model_provider", "output_version")
"""What ``response_metadata`` tells of a message's form."""


def structured(
    model: ChatDeepSeekV4,
    schema: Schema | None,
    *,
    method: Method,
    include_raw: bool,
    strict: bool | None,
    tools: Sequence[ToolLike] | None,
    retries: int,
    options: Mapping[str, Any],
) -> Runnable[LanguageModelInput, Any]:
    """A model that answers with instances of a schema; see ``ChatDeepSeekV4.with_structured_output``."""
    if schema is None and method != "json_mode":
        raise ValueError(f"method={method!r} needs a schema; without one, use method='json_mode'.")
    if tools and method == "function_calling":
        raise ValueError("tools cannot be combined with method='function_calling', which forces a tool of its own.")
    if retries < 0:
        raise ValueError(f"retries={retries} must be 0 or more.")
    told = json_schema_of(schema) if is_typeddict(schema) else schema  # tracing fails on a TypedDict it cannot convert
    asked: dict[str, Any] = {"kwargs": {"method": method, "strict": strict}, "schema": told}
    options = {**options, "ls_structured_output_format": asked} if schema is not None else dict(options)
    options["answer_retries"] = 0  # the tries are made here, where the class is known
    if retries and options.get("on_empty", model.on_empty) == "retry":
        options["on_empty"] = "return"  # an empty answer is a failed try like any other
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
        wanted = {"type": "json_object"} if method == "json_mode" else _asked_for(schema, strict)
        parser = AnswerParser(pydantic_object=cls, shape=shape)
        answer = model.bind_tools(tools or [], response_format=wanted, **options)
    if retries:
        answer = Tries(bound=answer, parser=parser, retries=retries, also_streamed=not include_raw)
    return _with_raw(answer, parser) if include_raw else answer | parser


def _asked_for(schema: Any, strict: bool | None) -> dict[str, Any]:
    """The response format of a schema. The core says it in words to a provider that has JSON mode only."""
    wanted: dict[str, Any] = as_response_format(schema)
    if strict is not None:
        wanted["json_schema"]["strict"] = strict
    return wanted


def _with_raw(answer: Runnable[LanguageModelInput, AIMessage], parser: AnswerParser) -> Runnable[Any, Any]:
    """The message, what was read from it, and what went wrong, side by side; a stream ends with the latter two."""

    def read(pieces: Iterator[Any], config: RunnableConfig) -> Iterator[Any]:
        raw = []
        for piece in pieces:
            raw.append(piece["raw"])
            yield AddableDict(piece)
        try:
            parsed, fault = parser.invoke(_whole(raw), config), None
        except OutputParserException as error:
            parsed, fault = None, error
        yield AddableDict(parsed=parsed)
        yield AddableDict(parsing_error=fault)

    async def aread(pieces: AsyncIterator[Any], config: RunnableConfig) -> AsyncIterator[Any]:
        raw = []
        async for piece in pieces:
            raw.append(piece["raw"])
            yield AddableDict(piece)
        try:
            parsed, fault = await parser.ainvoke(_whole(raw), config), None
        except OutputParserException as error:
            parsed, fault = None, error
        yield AddableDict(parsed=parsed)
        yield AddableDict(parsing_error=fault)

    reader: Any = RunnableGenerator  # its type knows no config
    return RunnableMap(raw=answer) | cast("Runnable[Any, Any]", reader(read, aread, name="read_answer"))


def _whole(pieces: Sequence[AIMessage]) -> AIMessage:
    """The message that the pieces of a stream make up; a whole one as it is."""
    if len(pieces) == 1 and not isinstance(pieces[0], AIMessageChunk):
        return pieces[0]
    chunks = [piece for piece in pieces if isinstance(piece, AIMessageChunk)]
    whole = message_chunk_to_message(add_ai_message_chunks(*chunks))
    assert isinstance(whole, AIMessage)
    return whole


class Tries(RunnableBindingBase[LanguageModelInput, AIMessage]):  # type: ignore[no-redef]  # the plugin: a field "kwargs"
    """A model whose answer is read before it is handed on, and asked for again when it cannot be used.

    The model is shown its answer, reasoning included, and what was wrong with it. The message handed on is the last
    answer, with the usage and the cost of all. A stream is handed on as it comes; if it makes up an answer that cannot
    be used, a whole message follows it, which takes its place.

    Attributes:
        parser: Reads an answer.
        retries: How often it may be asked for again.
        also_streamed: Whether a streamed answer may be followed by another; not where the pieces are added up.
    """

    parser: AnswerParser
    retries: int
    also_streamed: bool

    @classmethod
    def is_lc_serializable(cls) -> bool:
        """False: classes of answers cannot be written down."""
        return False

    def invoke(self, input: LanguageModelInput, config: RunnableConfig | None = None, **kwargs: Any) -> AIMessage:
        """The answer, after as many tries as it took or as there may be."""
        return self._settled(input, super().invoke(input, config, **kwargs), config, kwargs)

    async def ainvoke(
        self, input: LanguageModelInput, config: RunnableConfig | None = None, **kwargs: Any
    ) -> AIMessage:
        """Like ``invoke``, asynchronously."""
        return await self._asettled(input, await super().ainvoke(input, config, **kwargs), config, kwargs)

    def stream(self, input: LanguageModelInput, config: RunnableConfig | None = None, **kwargs: Any) -> Iterator[Any]:
        """The pieces of an answer; a whole message behind them when they make up none that can be used."""
        if not self.also_streamed:
            yield from super().stream(input, config, **kwargs)
            return
        pieces: list[AIMessage] = []
        held: list[AIMessage] = []
        for piece in super().stream(input, config, **kwargs):
            pieces.append(piece)
            if held or _ends(piece):
                held.append(piece)
            else:
                yield piece
        first = _whole(pieces)
        answer = self._settled(input, first, config, kwargs)
        yield from held if answer is first else [answer]

    async def astream(
        self, input: LanguageModelInput, config: RunnableConfig | None = None, **kwargs: Any
    ) -> AsyncIterator[Any]:
        """Like ``stream``, asynchronously."""
        if not self.also_streamed:
            async for piece in super().astream(input, config, **kwargs):
                yield piece
            return
        pieces: list[AIMessage] = []
        held: list[AIMessage] = []
        async for piece in super().astream(input, config, **kwargs):
            pieces.append(piece)
            if held or _ends(piece):
                held.append(piece)
            else:
                yield piece
        first = _whole(pieces)
        answer = await self._asettled(input, first, config, kwargs)
        for piece in held if answer is first else [answer]:
            yield piece

    def transform(self, input: Iterator[Any], config: RunnableConfig | None = None, **kwargs: Any) -> Iterator[Any]:
        """``stream`` of the input put together."""
        yield from Runnable.transform(self, input, config, **kwargs)

    async def atransform(
        self, input: AsyncIterator[Any], config: RunnableConfig | None = None, **kwargs: Any
    ) -> AsyncIterator[Any]:
        """Like ``transform``, asynchronously."""
        async for piece in Runnable.atransform(self, input, config, **kwargs):
            yield piece

    def batch(self, inputs: list[LanguageModelInput], config: Any = None, **kwargs: Any) -> list[AIMessage]:
        """Several inputs at a time, each with tries of its own."""
        return Runnable.batch(self, inputs, config, **kwargs)

    async def abatch(self, inputs: list[LanguageModelInput], config: Any = None, **kwargs: Any) -> list[AIMessage]:
        """Like ``batch``, asynchronously."""
        return await Runnable.abatch(self, inputs, config, **kwargs)

    def batch_as_completed(
        self, inputs: Sequence[LanguageModelInput], config: Any = None, **kwargs: Any
    ) -> Iterator[tuple[int, Any]]:
        """Like ``batch``, each as soon as it is there."""
        yield from Runnable.batch_as_completed(self, inputs, config, **kwargs)

    async def abatch_as_completed(
        self, inputs: Sequence[LanguageModelInput], config: Any = None, **kwargs: Any
    ) -> AsyncIterator[tuple[int, Any]]:
        """Like ``batch_as_completed``, asynchronously."""
        async for item in Runnable.abatch_as_completed(self, inputs, config, **kwargs):
            yield item

    def _settled(
        self, said: LanguageModelInput, answer: AIMessage, config: RunnableConfig | None, options: Mapping[str, Any]
    ) -> AIMessage:
        """An answer, or the last of those that followed it."""
        for _ in range(self.retries):
            fault = self.parser.fault(answer)
            if fault is None:
                break
            said = self._again(said, answer, fault)
            answer = _both(answer, super().invoke(said, config, **options), fault)
        return answer

    async def _asettled(
        self, said: LanguageModelInput, answer: AIMessage, config: RunnableConfig | None, options: Mapping[str, Any]
    ) -> AIMessage:
        for _ in range(self.retries):
            fault = self.parser.fault(answer)
            if fault is None:
                break
            said = self._again(said, answer, fault)
            answer = _both(answer, await super().ainvoke(said, config, **options), fault)
        return answer

    def _again(self, said: LanguageModelInput, answer: AIMessage, fault: str) -> list[BaseMessage]:
        """The conversation that shows the model its answer and what was wrong with it.

        What differs from run to run is left out of the answer, so that the second try is found in a cache as well.
        """
        if isinstance(said, PromptValue):
            messages = said.to_messages()
        else:
            messages = convert_to_messages([HumanMessage(said)] if isinstance(said, str) else said)
        kept = {name: answer.response_metadata[name] for name in _FORM if name in answer.response_metadata}
        calls = [call["id"] or "" for call in (*answer.tool_calls, *answer.invalid_tool_calls)]
        return ask_again(
            messages,
            answer.model_copy(update={"id": None, "usage_metadata": None, "response_metadata": kept}),
            fault,
            is_empty=not answer.text.strip() and not calls,
            from_user=HumanMessage,
            from_tool=None if self.parser.tool is None else _result,
            calls=calls,
        )


def _ends(piece: AIMessage) -> bool:
    return getattr(piece, "chunk_position", "last") == "last"


def _result(words: str, call_id: str) -> BaseMessage:
    return ToolMessage(words, tool_call_id=call_id, status="error")


def _both(first: AIMessage, second: AIMessage, fault: str) -> AIMessage:
    """The second answer, with the usage and the cost of both. Neither message is changed: tracers hold them."""
    known = {**second.response_metadata, FIRST_FAULT: first.response_metadata.get(FIRST_FAULT, fault)}
    costs = [message.response_metadata.get("cost") for message in (first, second)]
    known.pop("cost", None)
    if all(cost is not None for cost in costs):
        known["cost"] = add_up(*costs)
    usage = second.usage_metadata
    if first.usage_metadata is not None or usage is not None:
        usage = add_usage(first.usage_metadata, usage)
    return second.model_copy(update={"response_metadata": known, "usage_metadata": usage})
