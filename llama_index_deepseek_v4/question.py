"""One question for a typed answer: what is asked of the model, and how its answer is read, whole or growing. No I/O."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from llama_index.core.base.llms.types import ChatMessage, ChatResponse, MessageRole
from llama_index.core.program.utils import FlexibleModel, create_flexible_model
from llama_index.core.types import PydanticProgramMode
from pydantic import BaseModel, ValidationError

from deepseek_v4.growing_answer import GrowingAnswer
from deepseek_v4.second_try import FIRST_FAULT, ask_again, in_words, is_worth_another_try
from deepseek_v4.structured import fitted, is_of_objects, read_json
from llama_index_deepseek_v4.errors import UnusableAnswerError
from llama_index_deepseek_v4.responses import ChatResponseChunk
from llama_index_deepseek_v4.tools import schema_of, selections

if TYPE_CHECKING:
    from llama_index_deepseek_v4.llm import DeepSeekV4

__all__ = ["Growing", "Question"]

_PROGRAM_ONLY = frozenset({"tool_required", "tool_choice", "allow_parallel_tool_calls"})
"""Options of LlamaIndex's programs that callers pass along and that mean nothing here."""


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
        """The question for a class, with the model's system prompt in front.

        Raises:
            ValueError: for a class of other values than objects, where the answer is to be a tool call.
        """
        options = {name: value for name, value in (llm_kwargs or {}).items() if name not in _PROGRAM_ONLY}
        given, on_empty = options.get("answer_retries"), options.get("on_empty")
        retries = llm.answer_retries if given is None else given
        options["answer_retries"] = 0  # the tries are made where the class is known
        if retries and (llm.on_empty if on_empty is None else on_empty) == "retry":
            options["on_empty"] = "return"  # an empty answer is a failed try like any other
        schema = schema_of(output_cls)
        in_tool_call = llm.pydantic_program_mode == PydanticProgramMode.FUNCTION
        if in_tool_call:
            if not is_of_objects(schema):
                raise ValueError(
                    f"A tool call answers with an object, and {output_cls.__name__} asks for {schema['type']}: put it "
                    "into a field of an object, or use PydanticProgramMode.DEFAULT."
                )
            name = schema.get("title", output_cls.__name__)
            description = schema.pop("description", "")
            function = {"name": name, "description": description, "parameters": schema}
            options["tools"] = [{"type": "function", "function": function}]
            options["tool_choice"] = {"type": "function", "function": {"name": name}}
            options["parallel_tool_calls"] = False
        else:
            name = re.sub(r"[^a-zA-Z0-9_-]", "_", output_cls.__name__)[:64]
            options["response_format"] = {"type": "json_schema", "json_schema": {"name": name, "schema": schema}}
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
            also = f" This was the last try; the first one failed too: {earlier}." if earlier else ""
            raise UnusableAnswerError(
                f"The answer is no {self.output_cls.__name__}: {error.fault}{error.advice}{also}", body=error.body
            ) from error.__cause__

    def fault(self, response: ChatResponse) -> str | None:
        """Why an answer cannot be used and another may; None where it can, and where asking again cannot help."""
        called = not self.in_tool_call and bool(_calls(response))
        if not is_worth_another_try(response.additional_kwargs.get("finish_reason"), called_tools=called):
            return None
        try:
            self._read(response)
        except _Unfit as error:
            return error.fault
        return None

    def again(self, response: ChatResponse, fault: str) -> Question:
        """The question that shows the model its answer and what was wrong with it."""
        calls = [call["id"] or "" for call in _calls(response)]
        messages = ask_again(
            self.messages,
            response.message,
            f"It is no {self.output_cls.__name__}: {fault}.",
            is_empty=not (response.message.content or "").strip() and not calls,
            from_user=lambda words: ChatMessage(role=MessageRole.USER, content=words),
            from_tool=_result if self.in_tool_call else None,
            calls=calls,
        )
        return replace(self, messages=messages)

    def _read(self, response: ChatResponse) -> Any:
        text = response.message.content or ""
        if self.in_tool_call:
            try:
                value: Any = selections(response, error_on_no_tool_call=True)[0].tool_kwargs
            except UnusableAnswerError as error:
                raise _Unfit(error.message.rstrip("."), ".", error.body) from None
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


def _calls(response: ChatResponse) -> list[dict[str, Any]]:
    return response.message.additional_kwargs.get("tool_calls") or []


def _result(words: str, call_id: str) -> ChatMessage:
    return ChatMessage(role=MessageRole.TOOL, content=words, additional_kwargs={"tool_call_id": call_id})


class Growing:
    """A typed answer while it streams: chunks in, objects out that hold what has arrived so far."""

    def __init__(self, question: Question) -> None:
        self._question = question
        self._flexible: type[FlexibleModel] = create_flexible_model(question.output_cls)
        self._answer = GrowingAnswer()
        self._seen = 0

    def add(self, response: ChatResponseChunk) -> Any:
        """The object after a chunk; None when it adds nothing."""
        known = self._answer.feed(self._piece(response))
        if not isinstance(known, dict):
            return None
        try:
            return self._question.output_cls.model_validate(known)
        except Exception:  # a validator of the user's own may raise anything while fields it reads are missing
            return self._flexible.model_validate(known)

    def _piece(self, response: ChatResponseChunk) -> str:
        """The characters of JSON that a chunk adds."""
        if not self._question.in_tool_call:
            return response.delta or ""
        calls = response.message.additional_kwargs.get("tool_calls")
        if not calls:
            return ""
        arguments: str = calls[0]["function"]["arguments"]
        seen, self._seen = self._seen, len(arguments)
        return arguments[seen:]
