"""How a typed answer is read: from the text of a message or the arguments of a tool call, whole or so far.

A cut answer is an error, never a short one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from langchain_core.exceptions import OutputParserException
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import add_ai_message_chunks
from langchain_core.output_parsers import JsonOutputParser
from langchain_core.outputs import ChatGeneration, Generation
from pydantic import ConfigDict

from deepseek_v4.growing_answer import GrowingAnswer
from deepseek_v4.second_try import FIRST_FAULT, in_words, is_worth_another_try
from deepseek_v4.structured import read_json
from langchain_deepseek_v4.answer_schemas import instance_of

__all__ = ["AnswerParser"]


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
        if partial and getattr(message, "chunk_position", None) != "last":
            growing = _Growing(self.tool)
            return self._so_far(growing.add(generation.text if message is None else message))
        try:
            return self._read(generation.text, message)
        except _Unfit as error:
            earlier = None if message is None else message.response_metadata.get(FIRST_FAULT)
            also = f" This was the last try; the first one failed too: {earlier}" if earlier else ""
            raise OutputParserException(f"{error}{also}", llm_output=error.said) from error.__cause__

    def _transform(self, input: Iterator[str | BaseMessage]) -> Iterator[Any]:
        """What the pieces of a stream make up so far; a whole message among them takes the place of all."""
        growing, known = _Growing(self.tool), None
        for piece in input:
            parsed = self._after(growing, piece)
            if parsed is not None and parsed != known:
                known = parsed
                yield parsed

    async def _atransform(self, input: AsyncIterator[str | BaseMessage]) -> AsyncIterator[Any]:
        growing, known = _Growing(self.tool), None
        async for piece in input:
            parsed = self._after(growing, piece)
            if parsed is not None and parsed != known:
                known = parsed
                yield parsed

    def _after(self, growing: _Growing, piece: str | BaseMessage) -> Any:
        so_far = growing.add(piece)
        if growing.whole is not None:
            return self.parse_result([ChatGeneration(message=growing.whole)])
        return self._so_far(so_far)

    def _so_far(self, value: Any) -> Any:
        return None if value is None else self._instance(value, partial=True)

    def fault(self, answer: AIMessage) -> str | None:
        """Why an answer cannot be used and another may; None where it can, and where asking again cannot help."""
        called = self.tool is None and bool(answer.tool_calls or answer.invalid_tool_calls)
        if not is_worth_another_try(answer.response_metadata.get("finish_reason"), called_tools=called):
            return None
        try:
            self._read(answer.text, answer)
        except _Unfit as error:
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
            raise _Unfit(f"The arguments of {self.tool} are cut or not valid JSON{_why(message)}.", cut[0]["args"])
        said = "" if message is None else message.text
        raise _Unfit(f"The model did not call {self.tool}{_why(message)}.", said)

    def _instance(self, value: Any, *, partial: bool) -> Any:
        cls: Any = self.pydantic_object
        try:
            return instance_of(cls, self.shape, value, strictly=not partial)
        except Exception as error:
            if partial:
                return None  # a validator of the user's own may fail on what has not arrived
            if not isinstance(error, ValueError):
                raise
            name = cls.__name__ if cls is not None else (self.shape or {}).get("title") or "answer of the schema"
            raise _Unfit(f"The answer is no {name}: {in_words(error)}.", repr(value)) from error


class _Growing:
    """The pieces of one streamed answer.

    Args:
        tool: The function whose arguments are the answer, or None when its text is.
    """

    def __init__(self, tool: str | None) -> None:
        self._tool = tool
        self._index: Any = None
        """Which of the calls is to the function, once it has begun."""
        self._answer = GrowingAnswer()
        self._chunks: list[AIMessageChunk] = []
        self.whole: AIMessage | None = None
        """The message, once it is complete."""

    def add(self, piece: str | BaseMessage) -> Any:
        """What is known of the value after a piece; None when that adds nothing."""
        if not isinstance(piece, AIMessage):
            return self._answer.feed(piece if isinstance(piece, str) else piece.text)
        if not isinstance(piece, AIMessageChunk):
            self.whole = piece
            return None
        self._chunks.append(piece)
        if piece.chunk_position == "last":
            self.whole = add_ai_message_chunks(*self._chunks)
            return None
        return self._answer.feed(piece.text if self._tool is None else self._arguments(piece))

    def _arguments(self, piece: AIMessageChunk) -> str:
        text = ""
        for call in piece.tool_call_chunks:
            if call["name"] == self._tool and self._index is None:
                self._index = call["index"]
            if self._index is not None and call["index"] == self._index:
                text += call["args"] or ""
        return text


def _value(text: str, message: Any) -> Any:
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
