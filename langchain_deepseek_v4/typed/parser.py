"""Parses a typed answer: the text of a message or the arguments of a tool call, complete or so far.

A truncated answer is an error, never a short answer.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any, ClassVar

from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import add_ai_message_chunks
from langchain_core.output_parsers import JsonOutputParser
from langchain_core.outputs import ChatGeneration, Generation
from pydantic import ConfigDict

from deepseek_v4.integration.partial_answer import PartialAnswer
from deepseek_v4.integration.typed_answers import InvalidAnswer, first_problem, parse_answer_json
from deepseek_v4.recovery.refusal import refusal_text
from deepseek_v4.recovery.retry_prompt import format_validation_error, is_retryable_answer
from langchain_deepseek_v4.convert.schemas import instance_of
from langchain_deepseek_v4.errors import AnswerError, RefusalError

_NOTHING = object()
"""What differs from every answer, ``null`` included."""


class AnswerParser(JsonOutputParser):
    """Parses the JSON of an answer, in its text or in the arguments of a tool call.

    While it streams, the value so far is returned (for a class: as soon as that is an instance of it); the last chunk
    must complete the answer.

    Attributes:
        pydantic_object: The class to make an instance of (a dataclass too), or None for plain values.
        shape: The JSON Schema that plain values must fit, or None.
        tool: The function whose arguments are the answer, or None if its text is.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(arbitrary_types_allowed=True)

    pydantic_object: Any = None
    shape: dict[str, Any] | None = None
    tool: str | None = None

    def parse_result(self, result: list[Generation], *, partial: bool = False) -> Any:
        """Parse an answer.

        Raises:
            RefusalError: if the model refused; ``raw_message`` is its message.
            AnswerError: if it is not JSON, is cut, or does not fit the schema; ``llm_output`` holds it.
        """
        generation = result[0]
        message = generation.message if isinstance(generation, ChatGeneration) else None
        if partial and getattr(message, "chunk_position", None) != "last":
            streamed = _StreamedAnswer(self.tool)
            return self._so_far(streamed.add(generation.text if message is None else message))
        refusal = None if message is None else _refusal(message)
        if refusal is not None:
            refused = RefusalError(refusal_text(refusal))
            refused.raw_message = message
            raise refused
        try:
            return self._read(generation.text, message)
        except InvalidAnswer as error:
            earlier = None if message is None else first_problem(message.response_metadata)
            also = f" All attempts failed. First error: {earlier}" if earlier else ""
            failure = AnswerError(f"{error}{also}", llm_output=error.body)
            failure.raw = message if isinstance(message, AIMessage) else None
            raise failure from error.__cause__

    def _transform(self, input: Iterator[str | BaseMessage]) -> Iterator[Any]:
        streamed = _StreamedAnswer(self.tool)
        for chunk in input:
            yield from self._changed(streamed, chunk)

    async def _atransform(self, input: AsyncIterator[str | BaseMessage]) -> AsyncIterator[Any]:
        streamed = _StreamedAnswer(self.tool)
        async for chunk in input:
            for value in self._changed(streamed, chunk):
                yield value

    def _changed(self, streamed: _StreamedAnswer, chunk: str | BaseMessage) -> Iterator[Any]:
        """Yield the value after a chunk if it has changed; a complete message replaces all chunks."""
        value = self._so_far(streamed.add(chunk))
        if streamed.message is not None:
            value = self.parse_result([ChatGeneration(message=streamed.message)])
        if (value is not None or streamed.message is not None) and value != streamed.known:
            streamed.known = value
            yield value

    def _so_far(self, value: Any) -> Any:
        return None if value is None else self._instance(value, partial=True)

    def problem(self, answer: AIMessage) -> str | None:
        """Why an answer cannot be used and another may; None if it can, or if another request cannot help."""
        called = self.tool is None and bool(answer.tool_calls or answer.invalid_tool_calls)
        finish_reason = answer.response_metadata.get("finish_reason")
        if _refusal(answer) is not None or not is_retryable_answer(finish_reason, called_tools=called):
            return None
        try:
            self._read(answer.text, answer)
        except InvalidAnswer as error:
            return str(error)
        return None

    def _read(self, text: str, message: Any) -> Any:
        value = _value(text, message) if self.tool is None else self._arguments(message)
        return self._instance(value, partial=False)

    def _arguments(self, message: Any) -> Any:
        for call in getattr(message, "tool_calls", ()):
            if call["name"] == self.tool:
                return call["args"]
        cut = getattr(message, "invalid_tool_calls", ())
        if cut:
            raise InvalidAnswer(
                f"The arguments of {self.tool} are truncated or not valid JSON{_why(message)}.", cut[0]["args"]
            )
        text = "" if message is None else message.text
        raise InvalidAnswer(f"The model did not call {self.tool}{_why(message)}.", text)

    def _instance(self, value: Any, *, partial: bool) -> Any:
        cls: Any = self.pydantic_object
        try:
            return instance_of(cls, self.shape, value, strictly=not partial)
        except Exception as error:
            if partial:
                return None  # a validator in the class may fail while fields are missing
            if not isinstance(error, ValueError):
                raise
            name = cls.__name__ if cls is not None else (self.shape or {}).get("title") or "answer of the schema"
            raise InvalidAnswer(
                f"The answer is not a valid {name}: {format_validation_error(error)}.", repr(value)
            ) from error


class _StreamedAnswer:
    """The chunks of one streamed answer.

    Args:
        tool: The function whose arguments are the answer, or None if its text is.
    """

    def __init__(self, tool: str | None) -> None:
        self._tool = tool
        self._index: Any = None
        """The index of the call of the function, once it has begun."""
        self._answer = PartialAnswer()
        self._chunks: list[AIMessageChunk] = []
        self.message: AIMessage | None = None
        """The message, once it is complete."""
        self.known: Any = _NOTHING
        """The last value that was yielded."""

    def add(self, chunk: str | BaseMessage) -> Any:
        """Return the value after a chunk; None if it adds nothing, or completes the message."""
        if not isinstance(chunk, AIMessage):
            return self._answer.feed(chunk if isinstance(chunk, str) else chunk.text)
        if not isinstance(chunk, AIMessageChunk):
            self.message = chunk
            return None
        self._chunks.append(chunk)
        if chunk.chunk_position == "last":
            self.message = add_ai_message_chunks(*self._chunks)
            return None
        return self._answer.feed(chunk.text if self._tool is None else self._arguments(chunk))

    def _arguments(self, chunk: AIMessageChunk) -> str:
        text = ""
        for call in chunk.tool_call_chunks:
            if call["name"] == self._tool and self._index is None:
                self._index = call["index"]
            if self._index is not None and call["index"] == self._index:
                text += call["args"] or ""
        return text


def _value(text: str, message: Any) -> Any:
    try:
        return parse_answer_json(text)
    except ValueError:
        called = ", ".join(call["name"] for call in getattr(message, "tool_calls", ()))
    if called:
        raise InvalidAnswer(
            f"The model called {called} instead of answering. Run the tools and send their results "
            "(include_raw=True returns the calls).",
            text,
        )
    raise InvalidAnswer(f"The answer is {'not valid JSON' if text.strip() else 'empty'}{_why(message)}.", text)


def _refusal(message: BaseMessage) -> str | None:
    """Return the text of a refusal, ``""`` for one without a text; None if the model did not refuse."""
    return message.additional_kwargs.get("refusal")


def _why(message: Any) -> str:
    """Return the likely reason if the answer was truncated."""
    cut = message is not None and message.response_metadata.get("finish_reason") == "length"
    return ", because the output limit was reached: raise max_tokens" if cut else ""
