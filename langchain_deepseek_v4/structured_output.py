"""Typed answers: how a schema is asked for, how the answer is read, and the second try when it cannot be.

A cut answer is an error, never a short one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Literal

from langchain_core.exceptions import OutputParserException
from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, convert_to_messages
from langchain_core.messages.ai import add_usage
from langchain_core.output_parsers import JsonOutputParser
from langchain_core.outputs import ChatGeneration, Generation
from langchain_core.prompt_values import PromptValue
from langchain_core.runnables import Runnable, RunnableConfig, RunnableMap, RunnablePassthrough
from langchain_core.runnables.base import RunnableBindingBase
from pydantic import ConfigDict
from typing_extensions import is_typeddict

from deepseek_v4.structured import add_up, ask_again, in_words, is_worth_another_try, read_json
from langchain_deepseek_v4.answer_schemas import answer_class, as_function, instance_of, json_schema_of
from langchain_deepseek_v4.tools import ToolLike, as_response_format, tool_name

if TYPE_CHECKING:
    from langchain_deepseek_v4.chat_models import ChatDeepSeekV4

__all__ = ["AnswerParser", "Method", "Tries", "again", "both", "fault_of", "structured", "tries_beside_tools"]

Method = Literal["auto", "json_schema", "json_mode", "function_calling"]
Schema = Mapping[str, Any] | type

FIRST_FAULT = "first_try_error"
"""Key of ``response_metadata`` that tells why the first answer could not be used, when there was a second."""


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
        if retries:
            options = {"on_empty": "return", **options}  # an empty answer is a failed try like any other
        parser = AnswerParser(pydantic_object=cls, shape=shape)
        options = {**options, "answer_retries": 0}  # the tries are made here, where the class is known
        bound = model.bind_tools(tools or [], response_format=wanted, **options)
        answer = Tries(bound=bound, parser=parser, retries=retries) if retries else bound
    return _with_raw(answer, parser) if include_raw else answer | parser


def _asked_for(schema: Any, strict: bool | None) -> dict[str, Any]:
    """The response format of a schema. The core says it in words to a provider that has JSON mode only."""
    wanted: dict[str, Any] = as_response_format(schema)
    if strict is not None:
        wanted["json_schema"]["strict"] = strict
    return wanted


def _with_raw(answer: Runnable[LanguageModelInput, AIMessage], parser: AnswerParser) -> Runnable[Any, Any]:
    """The message, what was read from it, and what went wrong, side by side."""
    read = RunnablePassthrough.assign(parsed=itemgetter("raw") | parser, parsing_error=lambda _: None)
    failed = RunnablePassthrough.assign(parsed=lambda _: None)
    return RunnableMap(raw=answer) | read.with_fallbacks([failed], exception_key="parsing_error")


class Tries(RunnableBindingBase[LanguageModelInput, AIMessage]):  # type: ignore[no-redef]  # the plugin: a field "kwargs"
    """A model whose answer is read before it is handed on, and asked for again when it cannot be used.

    The model is shown its answer, reasoning included, and what was wrong with it. The message handed on is the last
    answer, with the usage and the cost of all. A streamed answer is handed on as it comes, so there is no second try.

    Attributes:
        parser: Reads an answer.
        retries: How often it may be asked for again.
    """

    parser: AnswerParser
    retries: int

    @classmethod
    def is_lc_serializable(cls) -> bool:
        """False: classes of answers cannot be written down."""
        return False

    def invoke(self, input: LanguageModelInput, config: RunnableConfig | None = None, **kwargs: Any) -> AIMessage:
        """The answer, after as many tries as it took or as there may be."""
        said: LanguageModelInput = input
        answer = super().invoke(said, config, **kwargs)
        for _ in range(self.retries):
            fault = self.parser.fault(answer)
            if fault is None:
                break
            said = again(said, answer, fault)
            answer = both(answer, super().invoke(said, config, **kwargs), fault)
        return answer

    async def ainvoke(
        self, input: LanguageModelInput, config: RunnableConfig | None = None, **kwargs: Any
    ) -> AIMessage:
        """Like ``invoke``, asynchronously."""
        said: LanguageModelInput = input
        answer = await super().ainvoke(said, config, **kwargs)
        for _ in range(self.retries):
            fault = self.parser.fault(answer)
            if fault is None:
                break
            said = again(said, answer, fault)
            answer = both(answer, await super().ainvoke(said, config, **kwargs), fault)
        return answer

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


def tries_beside_tools(options: Mapping[str, Any], retries: int) -> int:
    """How often a whole call with a ``response_format`` of its own may be repeated: 0 where none asks for a schema.

    Agents read such answers themselves and give up at the first fault. ``with_structured_output`` has tries of its own.
    """
    wanted = options.get("response_format")
    wanted = as_response_format(wanted) if wanted is not None else {}
    asked: int = options.get("answer_retries", retries)
    return asked if isinstance(wanted.get("json_schema"), Mapping) else 0


def fault_of(answer: AIMessage, response_format: Any) -> str | None:
    """Why an answer is none to a ``response_format``; None where it is one, and where asking again cannot help."""
    shape = as_response_format(response_format)["json_schema"].get("schema")
    return AnswerParser(shape=shape).fault(answer)


def again(said: LanguageModelInput | list[BaseMessage], answer: AIMessage, fault: str) -> list[BaseMessage]:
    """The conversation that shows the model its answer and what was wrong with it."""
    if isinstance(said, PromptValue):
        messages = said.to_messages()
    else:
        messages = convert_to_messages([HumanMessage(said)] if isinstance(said, str) else said)
    return ask_again(messages, answer, fault, is_empty=not answer.text.strip(), from_user=HumanMessage)


def both(first: AIMessage, second: AIMessage, fault: str) -> AIMessage:
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


class _Unfit(ValueError):
    """An answer that cannot be used: why, and what was said instead."""

    def __init__(self, why: str, said: str) -> None:
        super().__init__(why)
        self.said = said


class AnswerParser(JsonOutputParser):
    """Reads an answer's JSON, from its text or from the arguments of a tool call.

    While it streams, what is there so far is given (for a class: as soon as that is an instance of it); the last
    piece must hold the whole answer.

    Attributes:
        pydantic_object: The class to make an instance of (a dataclass too), or None for plain values.
        shape: The JSON Schema that plain values must fit, or None.
        tool: The function whose arguments are the answer, or None when its text is.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    pydantic_object: Any = None
    shape: dict[str, Any] | None = None
    tool: str | None = None

    def parse_result(self, result: list[Generation], *, partial: bool = False) -> Any:
        """Read an answer.

        Raises:
            OutputParserException: when it is no JSON, is cut, or does not fit the schema; ``llm_output`` holds it.
        """
        generation = result[0]
        message = generation.message if isinstance(generation, ChatGeneration) else None
        if getattr(message, "chunk_position", None) == "last":
            partial = False
        if partial:
            value = self._so_far(result, message)
            return None if value is None else self._instance(value, partial=True)
        try:
            return self._read(generation.text, message)
        except _Unfit as error:
            earlier = None if message is None else message.response_metadata.get(FIRST_FAULT)
            also = f" This was the second try; the first one failed too: {earlier}" if earlier else ""
            raise OutputParserException(f"{error}{also}", llm_output=error.said) from error.__cause__

    def fault(self, answer: AIMessage) -> str | None:
        """Why an answer cannot be used and another may; None where it can, and where asking again cannot help."""
        called = bool(answer.tool_calls or answer.invalid_tool_calls)
        if not is_worth_another_try(answer.response_metadata.get("finish_reason"), called_tools=called):
            return None
        try:
            self._read(answer.text, answer)
        except _Unfit as error:
            return str(error)
        return None

    def _read(self, text: str, message: Any) -> Any:
        value = _whole(text, message) if self.tool is None else self._arguments(message)
        return self._instance(value, partial=False)

    def _so_far(self, result: list[Generation], message: Any) -> Any:
        if self.tool is None:
            return super().parse_result(result, partial=True)
        calls = [call for call in getattr(message, "tool_calls", ()) if call["name"] == self.tool]
        return calls[0]["args"] if calls else None

    def _arguments(self, message: Any) -> Any:
        for call in getattr(message, "tool_calls", ()):
            if call["name"] == self.tool:
                return call["args"]
        cut = getattr(message, "invalid_tool_calls", ())
        if cut:
            raise _Unfit(f"The arguments of {self.tool} are not valid JSON{_why(message)}.", cut[0]["args"])
        said = "" if message is None else message.text
        raise _Unfit(f"The model did not call {self.tool}{_why(message)}.", said)

    def _instance(self, value: Any, *, partial: bool) -> Any:
        cls: Any = self.pydantic_object
        try:
            return instance_of(cls, self.shape, value, strictly=not partial)
        except ValueError as error:
            if partial:
                return None
            name = cls.__name__ if cls is not None else (self.shape or {}).get("title") or "answer of the schema"
            raise _Unfit(f"The answer is no {name}: {in_words(error)}.", repr(value)) from error


def _whole(text: str, message: Any) -> Any:
    if not text.strip():
        called = ", ".join(call["name"] for call in getattr(message, "tool_calls", ()))
        if called:
            raise _Unfit(
                f"The model called {called} instead of answering: run the tools and ask again "
                "(include_raw=True gives the calls).",
                text,
            )
        raise _Unfit(f"The answer is empty{_why(message)}.", text)
    try:
        return read_json(text)
    except ValueError:
        raise _Unfit(f"The answer is not valid JSON{_why(message)}.", text) from None


def _why(message: Any) -> str:
    """A likely reason, when the model was cut off."""
    cut = message is not None and message.response_metadata.get("finish_reason") == "length"
    return ", because it was cut off at the output limit: raise max_tokens" if cut else ""
