"""Typed answers: how a schema is asked for, and how the answer is read. A cut answer is an error, never a short one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Literal

from langchain_core.exceptions import OutputParserException
from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage
from langchain_core.output_parsers import JsonOutputParser
from langchain_core.outputs import ChatGeneration, Generation
from langchain_core.runnables import Runnable, RunnableMap, RunnablePassthrough
from langchain_core.utils.function_calling import convert_to_json_schema
from langchain_core.utils.pydantic import is_basemodel_subclass
from pydantic import ConfigDict

from deepseek_v4.structured import read_json
from langchain_deepseek_v4.tools import ToolLike, as_response_format, as_tool, tool_name

if TYPE_CHECKING:
    from langchain_deepseek_v4.chat_models import ChatDeepSeekV4

__all__ = ["AnswerParser", "Method", "structured"]

Method = Literal["auto", "json_schema", "json_mode", "function_calling"]
Schema = Mapping[str, Any] | type


def structured(
    model: ChatDeepSeekV4,
    schema: Schema | None,
    *,
    method: Method,
    include_raw: bool,
    strict: bool | None,
    tools: Sequence[ToolLike] | None,
    options: Mapping[str, Any],
) -> Runnable[LanguageModelInput, Any]:
    """A model that answers with instances of a schema; see ``ChatDeepSeekV4.with_structured_output``."""
    if schema is None and method != "json_mode":
        raise ValueError(f"method={method!r} needs a schema; without one, use method='json_mode'.")
    if tools and method == "function_calling":
        raise ValueError("tools cannot be combined with method='function_calling', which forces a tool of its own.")
    asked: dict[str, Any] = {"kwargs": {"method": method, "strict": strict}, "schema": schema}
    options = {**options, "ls_structured_output_format": asked} if schema is not None else dict(options)
    cls = schema if isinstance(schema, type) and is_basemodel_subclass(schema) else None
    answer: Runnable[LanguageModelInput, AIMessage]
    if method == "function_calling":
        assert schema is not None
        name = tool_name(as_tool(schema))
        answer = model.bind_tools([schema], tool_choice=name, strict=strict, parallel_tool_calls=False, **options)
        parser = AnswerParser(pydantic_object=cls, tool=name)
    else:
        wanted = {"type": "json_object"} if method == "json_mode" else _asked_for(schema, strict)
        answer = model.bind_tools(tools or [], response_format=wanted, **options)
        parser = AnswerParser(pydantic_object=cls)
    return _with_raw(answer, parser) if include_raw else answer | parser


def _asked_for(schema: Any, strict: bool | None) -> dict[str, Any]:
    """The response format of a schema. The core says it in words to a provider that has JSON mode only."""
    wanted: dict[str, Any] = as_response_format(convert_to_json_schema(schema))
    if strict is not None:
        wanted["json_schema"]["strict"] = strict
    return wanted


def _with_raw(answer: Runnable[LanguageModelInput, AIMessage], parser: AnswerParser) -> Runnable[Any, Any]:
    """The message, what was read from it, and what went wrong, side by side."""
    read = RunnablePassthrough.assign(parsed=itemgetter("raw") | parser, parsing_error=lambda _: None)
    failed = RunnablePassthrough.assign(parsed=lambda _: None)
    return RunnableMap(raw=answer) | read.with_fallbacks([failed], exception_key="parsing_error")


class AnswerParser(JsonOutputParser):
    """Reads an answer's JSON, from its text or from the arguments of a tool call.

    While it streams, what is there so far is given (for a class: as soon as that is an instance of it); the last
    piece must hold the whole answer.

    Attributes:
        pydantic_object: The class to make an instance of, or None for plain values.
        tool: The function whose arguments are the answer, or None when its text is.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    pydantic_object: Any = None
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
        if self.tool is None:
            return self._instance(_whole(generation.text, message), partial=False)
        return self._instance(self._arguments(message), partial=False)

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
            raise OutputParserException(
                f"The arguments of {self.tool} are not valid JSON{_why(message)}.", llm_output=cut[0]["args"]
            )
        said = "" if message is None else message.text
        raise OutputParserException(f"The model did not call {self.tool}{_why(message)}.", llm_output=said)

    def _instance(self, value: Any, *, partial: bool) -> Any:
        cls: Any = self.pydantic_object
        if cls is None:
            return value
        try:
            return cls.model_validate(value) if hasattr(cls, "model_validate") else cls.parse_obj(value)
        except ValueError as error:  # the validation errors of pydantic 2 and 1 are both of this class
            if partial:
                return None
            raise OutputParserException(f"The answer is no {cls.__name__}: {error}", llm_output=repr(value)) from error


def _whole(text: str, message: Any) -> Any:
    if not text.strip():
        raise OutputParserException(f"The answer is empty{_why(message)}.", llm_output=text)
    try:
        return read_json(text)
    except ValueError:
        raise OutputParserException(f"The answer is not valid JSON{_why(message)}.", llm_output=text) from None


def _why(message: Any) -> str:
    """A likely reason, when the model was cut off."""
    cut = message is not None and message.response_metadata.get("finish_reason") == "length"
    return ", because it was cut off at the output limit: raise max_tokens" if cut else ""
