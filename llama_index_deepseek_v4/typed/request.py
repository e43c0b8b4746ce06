"""One structured-output request: its prompt and options, and how the answer is parsed (complete or partial). No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from llama_index.core.base.llms.types import ChatMessage, ChatResponse, MessageRole
from llama_index.core.llms.function_calling import FunctionCallingLLM
from llama_index.core.types import PydanticProgramMode
from pydantic import BaseModel, ValidationError

from deepseek_v4.errors import InvalidRequestError
from deepseek_v4.integration.typed_answers import (
    InvalidAnswer,
    attempts_of,
    first_problem,
    parse_answer_json,
    schema_name,
    validate_as,
    with_own_root,
)
from deepseek_v4.recovery.refusal import refusal_error
from deepseek_v4.recovery.retry_prompt import format_validation_error, is_retryable_answer, retry_messages
from deepseek_v4.request.json_mode import allows_object
from deepseek_v4.values.reply import Reply, Usage
from llama_index_deepseek_v4.convert.tools import tool_selections
from llama_index_deepseek_v4.errors import UnusableAnswerError

_PROGRAM_ONLY = frozenset({"tool_required", "tool_choice", "allow_parallel_tool_calls"})
"""Options of LlamaIndex's programs that callers pass on; they have no effect here."""


@dataclass(frozen=True, slots=True)
class TypedRequest:
    """The request for one typed answer.

    Attributes:
        output_cls: The class of the answer.
        messages: The messages, after the model's system prompt.
        options: The options of the call.
        in_tool_call: True if the answer is the arguments of a tool call; otherwise it is the text.
        retries: How many more requests may follow an answer that cannot be used.
    """

    output_cls: type[BaseModel]
    messages: list[ChatMessage]
    options: dict[str, Any]
    in_tool_call: bool
    retries: int

    @classmethod
    def of(
        cls,
        llm: FunctionCallingLLM,
        output_cls: type[BaseModel],
        messages: Sequence[ChatMessage],
        llm_kwargs: Mapping[str, Any] | None,
    ) -> TypedRequest:
        """Create the request for a class; the model's system prompt comes first.

        Raises:
            InvalidRequestError: if ``output_cls`` is not a pydantic class.
            ValueError: if the answer must be a tool call and the schema of the class does not allow objects.
        """
        if not (isinstance(output_cls, type) and issubclass(output_cls, BaseModel)):
            raise InvalidRequestError(f"{output_cls!r} is not a pydantic class. Pass a subclass of pydantic.BaseModel.")
        options = {name: value for name, value in (llm_kwargs or {}).items() if name not in _PROGRAM_ONLY}
        retries: int = options.pop("answer_retries", None)
        if retries is None:
            retries = llm.answer_retries
        schema = with_own_root(output_cls.model_json_schema())
        in_tool_call = llm.pydantic_program_mode == PydanticProgramMode.FUNCTION
        if in_tool_call:
            if not allows_object(schema):
                raise ValueError(
                    f"Function calling needs an object schema, but {output_cls.__name__} does not allow an object. "
                    "Wrap it in an object, or use PydanticProgramMode.DEFAULT."
                )
            name = schema.get("title", output_cls.__name__)
            description = schema.pop("description", "")
            function = {"name": name, "description": description, "parameters": schema}
            options["tools"] = [{"type": "function", "function": function}]
            options["tool_choice"] = {"type": "function", "function": {"name": name}}
            options["parallel_tool_calls"] = False
        else:
            form = {"name": schema_name(output_cls.__name__), "schema": schema}
            options["response_format"] = {"type": "json_schema", "json_schema": form}
        return cls(output_cls, llm._extend_messages(list(messages)), options, in_tool_call, retries)

    def read(self, response: ChatResponse) -> Any:
        """Return the typed answer in a complete response.

        Raises:
            RefusalError: if the model refused; ``partial`` is the reply.
            UnusableAnswerError: if it is cut, empty, not JSON, or does not fit the class.
        """
        facts = response.additional_kwargs
        extra = {"refusal": facts["refusal"]} if "refusal" in facts else {}
        partial = Reply(
            response.message.content or "",
            finish_reason=facts.get("finish_reason"),
            usage=usage_of(facts),
            extra=extra,
            attempts=attempts_of(facts),
            attempts_exhausted=bool(facts.get("attempts_exhausted")),
        )
        if extra:
            raise refusal_error(partial)
        try:
            return self._read(response)
        except InvalidAnswer as error:
            earlier = first_problem(facts)
            also = f" All attempts failed. First error: {earlier}." if earlier else ""
            raise UnusableAnswerError(
                f"The answer is not a valid {self.output_cls.__name__}: {error.problem}{error.advice}{also}",
                body=error.body,
                partial=partial,
                attempts=partial.attempts,
                attempts_exhausted=partial.attempts_exhausted,
            ) from error.__cause__

    def problem(self, response: ChatResponse) -> str | None:
        """Why an answer cannot be used and another may; None if it can, or if another request cannot help."""
        if "refusal" in response.additional_kwargs:
            return None
        called = not self.in_tool_call and bool(_calls(response))
        if not is_retryable_answer(response.additional_kwargs.get("finish_reason"), called_tools=called):
            return None
        try:
            self._read(response)
        except InvalidAnswer as error:
            return error.problem
        return None

    def again(self, response: ChatResponse, problem: str) -> TypedRequest:
        """Return the request that shows the model its answer and the problem."""
        calls = [call["id"] or "" for call in _calls(response)]
        messages = retry_messages(
            self.messages,
            response.message,
            f"It is not a valid {self.output_cls.__name__}: {problem}.",
            is_empty=not (response.message.content or "").strip() and not calls,
            from_user=lambda text: ChatMessage(role=MessageRole.USER, content=text),
            from_tool=_result if self.in_tool_call else None,
            calls=calls,
        )
        return replace(self, messages=messages)

    def _read(self, response: ChatResponse) -> Any:
        text = response.message.content or ""
        if self.in_tool_call:
            try:
                value: Any = tool_selections(response, error_on_no_tool_call=True)[0].tool_kwargs
            except UnusableAnswerError as error:
                raise InvalidAnswer(error.message.rstrip("."), error.body, ".") from None
        else:
            cut = response.additional_kwargs.get("finish_reason") == "length"
            try:
                value = parse_answer_json(text)
            except ValueError as error:
                if cut:
                    raise InvalidAnswer("the output limit truncated it", text, ". Raise max_tokens.") from None
                if not text.strip():
                    raise InvalidAnswer("the model returned no text", text, ". Send the request again.") from None
                raise InvalidAnswer(f"it is not valid JSON ({error})", text, ".") from None
        try:
            return validate_as(self.output_cls, value)
        except ValidationError as error:
            raise InvalidAnswer(
                format_validation_error(error),
                value,
                ". Describe the fields more precisely, or send the request again.",
            ) from error


def usage_of(facts: Mapping[str, Any]) -> Usage | None:
    """Return the tokens and cost in the ``additional_kwargs`` of an answer."""
    if facts.get("prompt_tokens") is None:
        return None
    return Usage(
        facts["prompt_tokens"],
        facts["completion_tokens"],
        cached_tokens=facts.get("cached_tokens"),
        reasoning_tokens=facts.get("reasoning_tokens"),
        cost=facts.get("cost"),
    )


def _calls(response: ChatResponse) -> list[dict[str, Any]]:
    return response.message.additional_kwargs.get("tool_calls") or []


def _result(text: str, call_id: str) -> ChatMessage:
    return ChatMessage(role=MessageRole.TOOL, content=text, additional_kwargs={"tool_call_id": call_id})
